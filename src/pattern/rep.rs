//! REP (RFC 28): a request in, its reply out, in strict turn.
//!
//! A REP socket is a ROUTER that keeps each request's envelope (routing id and
//! all frames up to the empty delimiter) and sends it before the reply.

use super::Pattern;
use super::router::Router;
use crate::counters::Cause;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::options::PatternOption;
use crate::pipe::{Key, PipeSet};

/// See the file's head.
#[derive(Default)]
pub(super) struct Rep {
    router: Router,
    state: State,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A request may come.
    #[default]
    Idle,
    /// Frames of a request were received, more are to come.
    Hearing,
    /// The request is whole; its reply may be sent.
    Answering,
}

impl Rep {
    /// Reads a request's envelope and lays it before the reply. Requests
    /// without a delimiter are passed over. Uses `frame` for it.
    fn hear_envelope(&mut self, pipes: &mut PipeSet, frame: &mut Message) -> Result<()> {
        loop {
            self.router.recv(pipes, frame)?;
            let mut routing_id = true;
            loop {
                let delimiter = !routing_id && frame.is_empty();
                if !frame.more() {
                    self.router.rollback(pipes);
                    pipes.drops.note(Cause::Malformed, 1, None);
                    break;
                }
                self.router.send(pipes, frame)?;
                if delimiter {
                    self.state = State::Hearing;
                    return Ok(());
                }
                routing_id = false;
                self.router.recv(pipes, frame)?;
            }
        }
    }
}

impl Pattern for Rep {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, connected: bool) -> bool {
        self.router.attach(pipes, key, connected)
    }

    fn readable(&mut self, pipes: &mut PipeSet, key: Key) {
        self.router.readable(pipes, key);
    }

    fn hears(&self, key: Key) -> bool {
        self.router.hears(key)
    }

    fn writable(&mut self, pipes: &mut PipeSet, key: Key) {
        self.router.writable(pipes, key);
    }

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.router.detach(pipes, key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        if self.state != State::Answering {
            return Err(Errno::EFSM);
        }
        let more = message.more();
        self.router.send(pipes, message)?;
        if !more {
            self.state = State::Idle;
        }
        Ok(())
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        match self.state {
            State::Answering => return Err(Errno::EFSM),
            State::Idle => self.hear_envelope(pipes, message)?,
            State::Hearing => {}
        }
        self.router.recv(pipes, message)?;
        if !message.more() {
            self.state = State::Answering;
        }
        Ok(())
    }

    fn source(&self) -> Option<Key> {
        self.router.source()
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        self.state != State::Answering && self.router.has_input(pipes)
    }

    fn has_output(&mut self, pipes: &mut PipeSet) -> bool {
        self.state == State::Answering && self.router.has_output(pipes)
    }

    fn set(&mut self, option: PatternOption<'_>) -> Result<()> {
        self.router.set(option)
    }
}
