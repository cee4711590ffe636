//! PAIR (RFC 31): one peer, both directions, no routing. A second peer is
//! turned away.

use super::Pattern;
use crate::counters::Cause;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::pipe::{Key, PipeSet};

/// See the file's head.
#[derive(Default)]
pub(super) struct Pair {
    peer: Option<Key>,
    /// Frames of a message that its peer did not live to see are dropped.
    sending: Sending,
}

#[derive(Default, PartialEq, Eq)]
enum Sending {
    #[default]
    Between,
    Within,
    Dropping,
}

impl Pattern for Pair {
    fn attach(&mut self, _: &mut PipeSet, key: Key, _: bool) -> bool {
        if self.peer.is_some() {
            return false;
        }
        self.peer = Some(key);
        true
    }

    fn readable(&mut self, _: &mut PipeSet, _: Key) {}

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, _: &mut PipeSet, key: Key) {
        if self.peer == Some(key) {
            self.peer = None;
            if self.sending == Sending::Within {
                self.sending = Sending::Dropping;
            }
        }
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        let more = message.more();
        match self.sending {
            Sending::Dropping => {
                drop(std::mem::take(message));
                pipes.dropped(Cause::Cut, u64::from(!more), None);
            }
            _ => {
                let peer = self.peer.ok_or(Errno::EAGAIN)?;
                if self.sending == Sending::Between && !pipes.can_write(peer) {
                    return Err(Errno::EAGAIN);
                }
                pipes.push(peer, message);
                self.sending = Sending::Within;
            }
        }
        if !more {
            self.sending = Sending::Between;
        }
        Ok(())
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        match self.peer {
            Some(peer) if pipes.pop(peer, message) => Ok(()),
            _ => {
                message.clear();
                Err(Errno::EAGAIN)
            }
        }
    }

    fn sole_output(&self) -> Option<Key> {
        self.peer.filter(|_| self.sending == Sending::Between)
    }

    fn sole_input(&self) -> Option<Key> {
        self.peer
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        self.peer.is_some_and(|peer| pipes.can_read(peer))
    }

    fn has_output(&mut self, pipes: &mut PipeSet) -> bool {
        self.sending != Sending::Between || self.peer.is_some_and(|peer| pipes.can_write(peer))
    }
}
