//! GATHER (RFC 49): a PULL for several threads, without multipart messages.

use super::Pattern;
use super::pull::Pull;
use super::singles::Singles;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::pipe::{Key, PipeSet};

/// See the file's head.
#[derive(Default)]
pub(super) struct Gather {
    pull: Pull,
    input: Singles,
}

impl Pattern for Gather {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, connected: bool) -> bool {
        self.pull.attach(pipes, key, connected)
    }

    fn readable(&mut self, pipes: &mut PipeSet, key: Key) {
        self.pull.readable(pipes, key);
    }

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.pull.detach(pipes, key);
    }

    fn send(&mut self, _: &mut PipeSet, _: &mut Message) -> Result<()> {
        Err(Errno::ENOTSUP)
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        self.input.recv(message, |frame| self.pull.recv(pipes, frame))
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        self.input.has_input(|frame| self.pull.recv(pipes, frame))
    }

    fn has_output(&mut self, _: &mut PipeSet) -> bool {
        false
    }
}
