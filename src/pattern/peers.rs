//! Peers that are known by a routing id: what ROUTER and STREAM have in common.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use crate::pipe::{Key, PipeSet};

/// The peers' ids, and the ids still to be given.
pub(super) struct Peers {
    by_id: HashMap<Box<[u8]>, Key>,
    /// By the number of its key, the id of each.
    ids: Vec<Option<Box<[u8]>>>,
    next_automatic_id: u32,
    /// The id that the next connect's peer is known by
    /// (`ZMQ_CONNECT_ROUTING_ID`).
    connect_id: Option<Box<[u8]>>,
}

impl Default for Peers {
    fn default() -> Peers {
        Peers {
            by_id: HashMap::new(),
            ids: Vec::new(),
            // Starts anywhere, so that ids of a former run mean nobody.
            next_automatic_id: RandomState::new().build_hasher().finish() as u32,
            connect_id: None,
        }
    }
}

impl Peers {
    /// The peer with this id.
    pub(super) fn key(&self, id: &[u8]) -> Option<Key> {
        self.by_id.get(id).copied()
    }

    /// The id of this peer.
    pub(super) fn id(&self, key: Key) -> Option<&[u8]> {
        self.ids.get(key.0 as usize)?.as_deref()
    }

    /// Makes a peer known; its id must be free.
    pub(super) fn learn(&mut self, key: Key, id: Box<[u8]>) {
        self.by_id.insert(id.clone(), key);
        let place = key.0 as usize;
        if place >= self.ids.len() {
            self.ids.resize(place + 1, None);
        }
        self.ids[place] = Some(id);
    }

    /// Forgets a peer. Returns the id that is free now.
    pub(super) fn forget(&mut self, key: Key) -> Option<Box<[u8]>> {
        let id = self.ids.get_mut(key.0 as usize)?.take()?;
        self.by_id.remove(&id);
        Some(id)
    }

    /// An id of five bytes, the first zero, that no peer has.
    pub(super) fn automatic_id(&mut self) -> Box<[u8]> {
        loop {
            self.next_automatic_id = self.next_automatic_id.wrapping_add(1);
            let mut id = [0; 5];
            id[1..].copy_from_slice(&self.next_automatic_id.to_be_bytes());
            if !self.by_id.contains_key(&id[..]) {
                return Box::from(id);
            }
        }
    }

    /// Names the peer of the next connect.
    pub(super) fn name_next(&mut self, id: &[u8]) {
        self.connect_id = Some(id.into());
    }

    /// The name given to the peer of this connect, if any.
    pub(super) fn take_name(&mut self, connected: bool) -> Option<Box<[u8]>> {
        self.connect_id.take_if(|_| connected)
    }

    /// Whether any peer takes a message.
    pub(super) fn any_can_write(&self, pipes: &mut PipeSet) -> bool {
        self.by_id.values().any(|key| pipes.can_write(*key))
    }
}
