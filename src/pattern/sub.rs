//! SUB (RFC 29): an XSUB whose subscriptions are options, and which passes on
//! only what it subscribed to, whatever its publishers send.

use std::sync::Arc;

use super::Pattern;
use super::xsub::XSub;
use crate::counters::Cause;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::options::PatternOption;
use crate::pipe::{Key, PipeSet};
use crate::session::Opening;

/// See the file's head.
#[derive(Default)]
pub(super) struct Sub {
    xsub: XSub,
    /// A frame that was received to see whether there is one.
    held: Option<Message>,
    /// The frames of a message are being received.
    in_message: bool,
    invert: bool,
}

impl Sub {
    /// Takes the next frame of a message that was subscribed to.
    fn next(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        loop {
            self.xsub.recv_any(pipes, message)?;
            if self.in_message || self.xsub.interest.matches(message.data()) != self.invert {
                self.in_message = message.more();
                return Ok(());
            }
            while message.more() {
                self.xsub.recv_any(pipes, message)?;
            }
            pipes.drops.note(Cause::Unsubscribed, 1, None);
        }
    }
}

impl Pattern for Sub {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, connected: bool) -> bool {
        self.xsub.attach(pipes, key, connected)
    }

    fn readable(&mut self, pipes: &mut PipeSet, key: Key) {
        self.xsub.readable(pipes, key);
    }

    fn writable(&mut self, pipes: &mut PipeSet, key: Key) {
        self.xsub.writable(pipes, key);
    }

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.xsub.detach(pipes, key);
    }

    fn send(&mut self, _: &mut PipeSet, _: &mut Message) -> Result<()> {
        Err(Errno::ENOTSUP)
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        match self.held.take() {
            Some(held) => *message = held,
            None => self.next(pipes, message)?,
        }
        Ok(())
    }

    fn source(&self) -> Option<Key> {
        if self.held.is_some() { None } else { self.xsub.source() }
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        // Of a message that is being received the rest is there.
        if self.held.is_none() && !self.in_message {
            let mut message = Message::new();
            if self.next(pipes, &mut message).is_ok() {
                self.held = Some(message);
            }
        }
        self.held.is_some() || self.in_message
    }

    fn has_output(&mut self, _: &mut PipeSet) -> bool {
        false
    }

    fn set(&mut self, option: PatternOption<'_>) -> Result<()> {
        match option {
            PatternOption::InvertMatching(invert) => self.invert = invert,
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    fn subscribe(&mut self, pipes: &mut PipeSet, topic: &[u8], add: bool) -> Result<()> {
        self.xsub.change(pipes, topic, add)
    }

    #[cfg(feature = "draft")]
    fn topics_count(&self) -> Option<usize> {
        Some(self.xsub.interest.len())
    }

    fn opening(&self) -> Option<Arc<dyn Opening>> {
        self.xsub.opening()
    }
}
