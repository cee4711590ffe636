//! CHANNEL (RFC 52): a PAIR for several threads, without multipart messages.

use super::Pattern;
use super::pair::Pair;
use super::singles::{Singles, check_single};
use crate::error::Result;
use crate::message::Message;
use crate::pipe::{Key, PipeSet};

/// See the file's head.
#[derive(Default)]
pub(super) struct Channel {
    pair: Pair,
    input: Singles,
}

impl Pattern for Channel {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, connected: bool) -> bool {
        self.pair.attach(pipes, key, connected)
    }

    fn readable(&mut self, _: &mut PipeSet, _: Key) {}

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.pair.detach(pipes, key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        check_single(message)?;
        self.pair.send(pipes, message)
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        self.input.recv(message, |frame| self.pair.recv(pipes, frame))
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        self.input.has_input(|frame| self.pair.recv(pipes, frame))
    }

    fn has_output(&mut self, pipes: &mut PipeSet) -> bool {
        self.pair.has_output(pipes)
    }
}
