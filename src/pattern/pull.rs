//! PULL (RFC 30): fair-queues messages from its peers, sends nothing.

use super::Pattern;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::pipe::{Key, PipeSet};
use crate::routing::FairQueue;

/// See the file's head.
#[derive(Default)]
pub(super) struct Pull {
    input: FairQueue,
}

impl Pattern for Pull {
    fn attach(&mut self, _: &mut PipeSet, key: Key, _: bool) -> bool {
        // Its place among the others is the order of the connections.
        self.input.readable(key);
        true
    }

    fn readable(&mut self, _: &mut PipeSet, key: Key) {
        self.input.readable(key);
    }

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.input.remove(pipes, key);
    }

    fn send(&mut self, _: &mut PipeSet, _: &mut Message) -> Result<()> {
        Err(Errno::ENOTSUP)
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        self.input.recv(pipes, message).map(drop).ok_or(Errno::EAGAIN)
    }

    fn sole_input(&self) -> Option<Key> {
        self.input.sole()
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        self.input.has_input(pipes)
    }

    fn has_output(&mut self, _: &mut PipeSet) -> bool {
        false
    }
}
