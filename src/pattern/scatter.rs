//! SCATTER (RFC 49): a PUSH for several threads, without multipart messages.

use super::Pattern;
use super::push::Push;
use super::singles::check_single;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::pipe::{Key, PipeSet};

/// See the file's head.
#[derive(Default)]
pub(super) struct Scatter {
    push: Push,
}

impl Pattern for Scatter {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, connected: bool) -> bool {
        self.push.attach(pipes, key, connected)
    }

    fn readable(&mut self, _: &mut PipeSet, _: Key) {}

    fn hears(&self, key: Key) -> bool {
        self.push.hears(key)
    }

    fn writable(&mut self, pipes: &mut PipeSet, key: Key) {
        self.push.writable(pipes, key);
    }

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.push.detach(pipes, key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        check_single(message)?;
        self.push.send(pipes, message)
    }

    fn recv(&mut self, _: &mut PipeSet, _: &mut Message) -> Result<()> {
        Err(Errno::ENOTSUP)
    }

    fn has_input(&mut self, _: &mut PipeSet) -> bool {
        false
    }

    fn has_output(&mut self, pipes: &mut PipeSet) -> bool {
        self.push.has_output(pipes)
    }
}
