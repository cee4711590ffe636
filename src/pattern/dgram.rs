//! DGRAM: datagrams over udp. A message is two frames: the address of the peer as
//! text, and the body.

use super::Pattern;
use super::pair::Pair;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::pipe::{Key, PipeSet};

/// See the file's head.
#[derive(Default)]
pub(super) struct Dgram {
    pair: Pair,
    /// An address was sent, and its body is to come.
    addressed: bool,
}

impl Pattern for Dgram {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, connected: bool) -> bool {
        self.pair.attach(pipes, key, connected)
    }

    fn readable(&mut self, _: &mut PipeSet, _: Key) {}

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.pair.detach(pipes, key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        // An address has a body behind it, a body has nothing.
        let more = message.more();
        if more == self.addressed {
            return Err(Errno::EINVAL);
        }
        self.pair.send(pipes, message)?;
        self.addressed = more;
        Ok(())
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        self.pair.recv(pipes, message)
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        self.pair.has_input(pipes)
    }

    fn has_output(&mut self, pipes: &mut PipeSet) -> bool {
        self.pair.has_output(pipes)
    }
}
