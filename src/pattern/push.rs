//! PUSH (RFC 30): load-balances messages over its peers, receives nothing.

use super::Pattern;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::pipe::{Key, PipeSet};
use crate::routing::LoadBalancer;

/// See the file's head.
#[derive(Default)]
pub(super) struct Push {
    out: LoadBalancer,
}

impl Pattern for Push {
    fn attach(&mut self, _: &mut PipeSet, key: Key, _: bool) -> bool {
        self.out.writable(key);
        true
    }

    // A peer has nothing to say to a PUSH socket: what it says stays with it.
    fn readable(&mut self, _: &mut PipeSet, _: Key) {}

    fn hears(&self, _: Key) -> bool {
        false
    }

    fn writable(&mut self, _: &mut PipeSet, key: Key) {
        self.out.writable(key);
    }

    fn detach(&mut self, _: &mut PipeSet, key: Key) {
        self.out.remove(key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        self.out.send(pipes, message).map(drop)
    }

    fn recv(&mut self, _: &mut PipeSet, _: &mut Message) -> Result<()> {
        Err(Errno::ENOTSUP)
    }

    fn sole_output(&self) -> Option<Key> {
        self.out.sole()
    }

    fn has_input(&mut self, _: &mut PipeSet) -> bool {
        false
    }

    fn has_output(&mut self, pipes: &mut PipeSet) -> bool {
        self.out.has_output(pipes)
    }
}
