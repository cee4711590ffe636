//! RADIO (RFC 48): sends each message to every DISH that has joined its group. A
//! DISH without room misses the message.
//!
//! Over udp nobody can say what he has joined: everything is sent, and it is for the
//! receiver to choose.
//!
//! On its way a message is two frames: the group's name and the body (RFC 37,
//! "The Radio-Dish Pattern").

use std::collections::{HashMap, HashSet};

use super::Pattern;
use super::singles::check_single;
use crate::error::{Errno, Result};
use crate::message::{MAX_GROUP, Message, Role};
use crate::pipe::{Key, PipeSet};
use crate::routing::{Distributor, KeyList};

/// Frames read from a peer in one go: one that floods must not hold up the
/// others.
const READS_PER_TURN: usize = 10_000;
/// Groups that a peer may have joined. More than any honest one wants; beyond,
/// its connection is closed.
const MAX_GROUPS: usize = 1 << 20;

/// See the file's head.
#[derive(Default)]
pub(super) struct Radio {
    /// The members of each group.
    members: HashMap<Box<[u8]>, KeyList>,
    /// Peers who cannot say what they have joined (udp): they get everything.
    open: KeyList,
    /// The groups of each peer.
    groups: HashMap<Key, HashSet<Box<[u8]>>>,
    out: Distributor,
}

impl Radio {
    fn join(&mut self, key: Key, group: &[u8]) {
        let Some(groups) = self.groups.get_mut(&key) else { return };
        if group.len() <= MAX_GROUP && groups.insert(group.into()) {
            self.members.entry(group.into()).or_default().add(key);
        }
    }

    fn leave(&mut self, key: Key, group: &[u8]) {
        if self.groups.get_mut(&key).is_some_and(|groups| groups.remove(group)) {
            self.leave_members(key, group);
        }
    }

    fn leave_members(&mut self, key: Key, group: &[u8]) {
        if let Some(members) = self.members.get_mut(group) {
            members.remove(key);
            if members.keys().is_empty() {
                self.members.remove(group);
            }
        }
    }
}

impl Pattern for Radio {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, _: bool) -> bool {
        self.groups.insert(key, HashSet::new());
        self.readable(pipes, key);
        true
    }

    fn readable(&mut self, pipes: &mut PipeSet, key: Key) {
        let mut message = Message::new();
        for _ in 0..READS_PER_TURN {
            if !pipes.pop(key, &mut message) {
                return;
            }
            match message.role() {
                Role::Subscribe => self.join(key, message.data()),
                Role::Cancel => self.leave(key, message.data()),
                Role::Request => self.open.add(key),
                _ => {}
            }
            if self.refuses(key) && pipes.pipe(key).is_some_and(|pipe| !pipe.leads_to_socket()) {
                pipes.retire(key);
                return;
            }
        }
        if let Some(pipe) = pipes.pipe(key) {
            pipe.remind();
        }
    }

    fn refuses(&self, key: Key) -> bool {
        self.groups.get(&key).is_some_and(|groups| groups.len() > MAX_GROUPS)
    }

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, _: &mut PipeSet, key: Key) {
        for group in self.groups.remove(&key).unwrap_or_default() {
            self.leave_members(key, &group);
        }
        self.open.remove(key);
        self.out.remove(key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        check_single(message)?;
        let members = self.members.get(message.group().to_bytes());
        let mut group = Message::copy_of(message.group().to_bytes())?;
        group.set_more(true);
        self.out.begin();
        for key in members.map_or(&[][..], KeyList::keys).iter().chain(self.open.keys()) {
            self.out.choose(*key);
        }
        let mut body = std::mem::take(message);
        body.set_metadata(None);
        self.out.offer(pipes, group);
        self.out.send(pipes, body);
        Ok(())
    }

    fn recv(&mut self, _: &mut PipeSet, _: &mut Message) -> Result<()> {
        Err(Errno::ENOTSUP)
    }

    fn has_input(&mut self, _: &mut PipeSet) -> bool {
        false
    }

    fn has_output(&mut self, _: &mut PipeSet) -> bool {
        true
    }
}
