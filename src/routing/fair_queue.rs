//! Fair queueing (RFC 28, RFC 30): receives from all pipes in turn, a whole
//! message from each.

use super::KeyList;
use crate::message::Message;
use crate::pipe::{Key, PipeSet};

/// The pipes that may have something to read.
#[derive(Default)]
pub(crate) struct FairQueue {
    ready: KeyList,
    /// The frames of a message are being read.
    in_message: bool,
}

impl FairQueue {
    /// The pipe has something to read.
    pub(crate) fn readable(&mut self, key: Key) {
        self.ready.add(key);
    }

    /// The pipe is gone.
    pub(crate) fn remove(&mut self, key: Key) {
        if self.ready.current() == Some(key) {
            self.in_message = false;
        }
        self.ready.remove(key);
    }

    /// Takes the next frame into `message` and says which pipe it came from.
    #[inline]
    pub(crate) fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Option<Key> {
        while let Some(key) = self.ready.current() {
            if pipes.pop(key, message) {
                self.in_message = message.more();
                if !self.in_message {
                    self.ready.advance();
                }
                return Some(key);
            }
            self.ready.remove(key);
            self.in_message = false;
        }
        None
    }

    /// Whether [`FairQueue::recv`] has a frame to give.
    pub(crate) fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        if self.in_message {
            return true;
        }
        while let Some(key) = self.ready.current() {
            if pipes.can_read(key) {
                return true;
            }
            self.ready.remove(key);
        }
        false
    }
}
