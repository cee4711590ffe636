//! DEALER (RFC 28): load-balances out, fair-queues in.

use super::Pattern;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::options::PatternOption;
use crate::pipe::{Key, PipeSet};
use crate::routing::{FairQueue, LoadBalancer};

/// See the file's head.
#[derive(Default)]
pub(super) struct Dealer {
    pub(super) out: LoadBalancer,
    pub(super) input: FairQueue,
    /// A new peer is sent an empty message, so that it learns of us
    /// (`ZMQ_PROBE_ROUTER`).
    probe: bool,
}

impl Pattern for Dealer {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, _: bool) -> bool {
        if self.probe {
            pipes.greet(key, &mut Message::new());
        }
        self.input.readable(key);
        self.out.writable(key);
        true
    }

    fn readable(&mut self, _: &mut PipeSet, key: Key) {
        self.input.readable(key);
    }

    fn writable(&mut self, _: &mut PipeSet, key: Key) {
        self.out.writable(key);
    }

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.out.remove(key);
        self.input.remove(pipes, key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        self.out.send(pipes, message).map(drop)
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        self.input.recv(pipes, message).map(drop).ok_or(Errno::EAGAIN)
    }

    fn sole_output(&self) -> Option<Key> {
        self.out.sole()
    }

    fn sole_input(&self) -> Option<Key> {
        self.input.sole()
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        self.input.has_input(pipes)
    }

    fn has_output(&mut self, pipes: &mut PipeSet) -> bool {
        self.out.has_output(pipes)
    }

    fn set(&mut self, option: PatternOption<'_>) -> Result<()> {
        match option {
            PatternOption::ProbeRouter(probe) => self.probe = probe,
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }
}
