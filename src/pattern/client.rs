//! CLIENT (RFC 41): a DEALER for several threads, without multipart messages.

use super::Pattern;
use super::dealer::Dealer;
use super::singles::{Singles, check_single};
use crate::error::Result;
use crate::message::Message;
use crate::pipe::{Key, PipeSet};

/// See the file's head.
#[derive(Default)]
pub(super) struct Client {
    dealer: Dealer,
    input: Singles,
}

impl Pattern for Client {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, connected: bool) -> bool {
        self.dealer.attach(pipes, key, connected)
    }

    fn readable(&mut self, pipes: &mut PipeSet, key: Key) {
        self.dealer.readable(pipes, key);
    }

    fn writable(&mut self, pipes: &mut PipeSet, key: Key) {
        self.dealer.writable(pipes, key);
    }

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.dealer.detach(pipes, key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        check_single(message)?;
        self.dealer.send(pipes, message)
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        self.input.recv(message, |frame| self.dealer.recv(pipes, frame))
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        self.input.has_input(|frame| self.dealer.recv(pipes, frame))
    }

    fn has_output(&mut self, pipes: &mut PipeSet) -> bool {
        self.dealer.has_output(pipes)
    }
}
