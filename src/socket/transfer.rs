//! Sending and receiving: try, and wait for the socket where it blocks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Slot, Socket};
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::reactor::Reactor;

/// Whether a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocking {
    /// As long as the socket's time-out says.
    Wait,
    /// Not at all (`ZMQ_DONTWAIT`).
    DontWait,
}

impl Slot {
    /// Sends a frame, which is empty afterwards; on failure it is left alone.
    /// `EAGAIN` (full, and not to wait or waited in vain), `ENOTSUP`, `EFSM`,
    /// `ETERM`, `ENOTSOCK`, `EINTR`, `EHOSTUNREACH` (manual page zmq_msg_send).
    #[inline]
    pub(crate) fn send(&'static self, message: &mut Message, blocking: Blocking) -> Result<()> {
        let mut socket = self.lock()?;
        socket.process(self);
        socket.check_alive()?;
        // What was known of another peer does not travel on.
        message.set_metadata(None);
        match socket.try_send(message) {
            Err(Errno::EAGAIN) if blocking == Blocking::Wait => {}
            result => return result,
        }
        let timeout = socket.options.sndtimeo;
        let mut message = Some(message);
        self.retry(socket, timeout, |socket| match &mut message {
            Some(message) => socket.try_send(message),
            None => Ok(()),
        })
    }

    /// Receives a frame; `with_metadata`: with what is known of its peer.
    /// `EAGAIN`, `ENOTSUP`, `EFSM`, `ETERM`, `ENOTSOCK`, `EINTR` (manual page
    /// zmq_msg_recv).
    #[inline]
    pub(crate) fn recv(&'static self, with_metadata: bool, blocking: Blocking) -> Result<Message> {
        let mut socket = self.lock()?;
        socket.process(self);
        socket.check_alive()?;
        socket.pipes.with_metadata = with_metadata;
        match socket.try_recv() {
            Err(Errno::EAGAIN) if blocking == Blocking::Wait => {}
            result => return result,
        }
        let timeout = socket.options.rcvtimeo;
        self.retry(socket, timeout, Socket::try_recv)
    }

    /// Tries again whenever the socket has news, without its lock in between.
    #[cold]
    fn retry<'a, T>(
        &'static self,
        socket: super::slot::Locked<'a>,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(&mut Socket) -> Result<T>,
    ) -> Result<T> {
        let deadline = match timeout {
            Some(Duration::ZERO) => return Err(Errno::EAGAIN),
            Some(timeout) => Instant::now().checked_add(timeout),
            None => None,
        };
        let mut socket = socket;
        loop {
            socket.push_out();
            let reactor: Option<Arc<Reactor>> = socket.reactor.clone();
            drop(socket);
            let waited = self.wait(reactor.as_ref(), deadline);
            socket = self.lock()?;
            socket.process(self);
            socket.check_alive()?;
            match attempt(&mut socket) {
                Err(Errno::EAGAIN) => waited?,
                result => return result,
            }
        }
    }
}

impl Socket {
    #[inline]
    fn try_send(&mut self, message: &mut Message) -> Result<()> {
        self.pattern.send(&mut self.pipes, message)
    }

    #[inline]
    fn try_recv(&mut self) -> Result<Message> {
        let received = self.pattern.recv(&mut self.pipes);
        match &received {
            Ok(message) => self.receive_more = message.more(),
            // Looking may have read a closed pipe to its end.
            Err(_) => self.detach_finished(),
        }
        received
    }

    /// Sends what waits in corked pipes for company: this thread is about to
    /// wait for an answer.
    pub(super) fn push_out(&mut self) {
        self.pipes.push_out();
    }
}
