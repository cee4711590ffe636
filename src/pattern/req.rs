//! REQ (RFC 28): a request out, its reply in, in strict turn.
//!
//! A request goes out behind an empty frame, the delimiter; with
//! `ZMQ_REQ_CORRELATE` a number goes before that and must come back. Only the
//! peer that was asked may answer. With `ZMQ_REQ_RELAXED` a new request may be
//! sent at any time, and the reply to the former one is dropped when it comes.

use super::Pattern;
use super::dealer::Dealer;
use crate::counters::Cause;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::options::PatternOption;
use crate::pipe::{Key, PipeSet};

/// Frames of stale replies dropped in one go: a peer that floods must not hold
/// up the request. What is left is passed over when the reply is read.
const STALE_FRAMES: usize = 10_000;

/// See the file's head.
#[derive(Default)]
pub(super) struct Req {
    dealer: Dealer,
    state: State,
    /// Whom the request went to, while that peer is there.
    asked: Option<Key>,
    correlate: bool,
    relaxed: bool,
    request_number: u32,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A request may begin.
    #[default]
    Idle,
    /// Frames of a request were sent, more are to come.
    Asking,
    /// The request is out; its reply has not begun.
    Waiting,
    /// Frames of the reply were received, more are to come.
    Hearing,
}

impl Req {
    /// Sends what goes before a request.
    fn begin(&mut self, pipes: &mut PipeSet) -> Result<()> {
        if !self.dealer.out.has_output(pipes) {
            return Err(Errno::EAGAIN);
        }
        let number = self.request_number.wrapping_add(1);
        if self.correlate {
            let mut frame = Message::copy_of(&number.to_ne_bytes())?;
            frame.set_more(true);
            self.dealer.out.send(pipes, &mut frame)?;
        }
        self.request_number = number;
        let mut delimiter = Message::new();
        delimiter.set_more(true);
        self.asked = self.dealer.out.send(pipes, &mut delimiter)?;
        self.state = State::Asking;
        self.drop_stale(pipes);
        Ok(())
    }

    /// Drops replies that came while nobody waited: they answer former requests.
    fn drop_stale(&mut self, pipes: &mut PipeSet) {
        // To receive from the one pipe that the reply will come by, and find nothing,
        // would make it idle: its writer would have to tell of the reply.
        let source = self.dealer.source().and_then(|key| pipes.pipe(key));
        if source.is_some_and(|pipe| !pipe.can_read()) {
            return;
        }
        let mut stale = Message::new();
        for _ in 0..STALE_FRAMES {
            let Some(key) = self.dealer.input.recv(pipes, &mut stale) else { break };
            pipes.dropped(Cause::Stale, u64::from(!stale.more()), Some(key));
        }
    }

    /// A frame from whoever was asked, or, once that one has left, from anybody.
    fn recv_frame(&mut self, pipes: &mut PipeSet, frame: &mut Message) -> Result<()> {
        loop {
            let key = self.dealer.input.recv(pipes, frame).ok_or(Errno::EAGAIN)?;
            if self.asked.is_none_or(|asked| asked == key) {
                return Ok(());
            }
            pipes.dropped(Cause::Stale, u64::from(!frame.more()), Some(key));
        }
    }

    /// Reads what goes before the reply, into `frame`. Replies that do not begin as
    /// the request did are passed over.
    fn hear_beginning(&mut self, pipes: &mut PipeSet, frame: &mut Message) -> Result<()> {
        loop {
            self.recv_frame(pipes, frame)?;
            let mut fits = true;
            if self.correlate {
                fits = frame.more() && frame.data() == self.request_number.to_ne_bytes();
                if fits {
                    self.recv_frame(pipes, frame)?;
                }
            }
            if fits && frame.more() && frame.is_empty() {
                self.state = State::Hearing;
                return Ok(());
            }
            while frame.more() {
                self.recv_frame(pipes, frame)?;
            }
            let cause = if fits { Cause::Malformed } else { Cause::Stale };
            pipes.drops.note(cause, 1, None);
        }
    }
}

impl Pattern for Req {
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
        // A reply that has begun is heard to its end.
        if self.asked == Some(key) && self.state != State::Hearing {
            self.asked = None;
        }
        self.dealer.detach(pipes, key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        match self.state {
            State::Asking => {}
            State::Idle => self.begin(pipes)?,
            State::Waiting | State::Hearing if self.relaxed => {
                // The old request is given up even where no peer takes this one.
                self.state = State::Idle;
                self.begin(pipes)?;
            }
            State::Waiting | State::Hearing => return Err(Errno::EFSM),
        }
        let more = message.more();
        self.dealer.send(pipes, message)?;
        if !more {
            self.state = State::Waiting;
        }
        Ok(())
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        match self.state {
            State::Idle | State::Asking => return Err(Errno::EFSM),
            State::Waiting => self.hear_beginning(pipes, message)?,
            State::Hearing => {}
        }
        self.recv_frame(pipes, message)?;
        if !message.more() {
            self.state = State::Idle;
        }
        Ok(())
    }

    fn source(&self) -> Option<Key> {
        self.dealer.source()
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        match self.state {
            State::Idle | State::Asking => false,
            State::Waiting | State::Hearing => self.dealer.has_input(pipes),
        }
    }

    fn has_output(&mut self, pipes: &mut PipeSet) -> bool {
        let may_send = match self.state {
            State::Idle | State::Asking => true,
            State::Waiting | State::Hearing => self.relaxed,
        };
        may_send && self.dealer.has_output(pipes)
    }

    fn set(&mut self, option: PatternOption<'_>) -> Result<()> {
        match option {
            PatternOption::ReqCorrelate(correlate) => self.correlate = correlate,
            PatternOption::ReqRelaxed(relaxed) => self.relaxed = relaxed,
            option => return self.dealer.set(option),
        }
        Ok(())
    }
}
