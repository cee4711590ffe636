//! Peers of a ROUTER whose routing id is taken: they wait, unheard, until it is
//! free.

use std::collections::{HashMap, VecDeque};

use crate::pipe::Key;

/// Who waits, by the id.
#[derive(Default)]
pub(super) struct Waiting(HashMap<Box<[u8]>, VecDeque<Key>>);

impl Waiting {
    /// The peer waits for this id.
    pub(super) fn add(&mut self, id: Box<[u8]>, key: Key) {
        self.0.entry(id).or_default().push_back(key);
    }

    /// Who has waited longest for this id, and does not any more.
    pub(super) fn next(&mut self, id: &[u8]) -> Option<Key> {
        let waiting = self.0.get_mut(id)?;
        let next = waiting.pop_front();
        if waiting.is_empty() {
            self.0.remove(id);
        }
        next
    }

    /// The peer is gone.
    pub(super) fn remove(&mut self, id: &[u8], key: Key) {
        if let Some(waiting) = self.0.get_mut(id) {
            waiting.retain(|waiting| *waiting != key);
            if waiting.is_empty() {
                self.0.remove(id);
            }
        }
    }
}
