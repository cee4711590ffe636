//! Sending and receiving: try, and wait for the socket where it blocks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::slot::Locked;
use super::wait::Streaming;
use super::{INHERITED, Slot, Socket, TERMINATED};
use crate::error::{Errno, KeepErrno, Result};
use crate::message::Message;
use crate::reactor::Reactor;
use crate::socket_type::SocketType;
use crate::trace::say;

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
        let mut socket = self.lock_for_transfer()?;
        if self.mailbox.has_news() && !(socket.send_more && self.overlooks_the_end(&mut socket)) {
            socket.process_news(self);
        }
        if socket.is_watched() {
            return self.send_watched(socket, message, blocking);
        }
        self.send_alive(socket, message, blocking)
    }

    #[inline(always)]
    fn send_alive(
        &'static self,
        mut socket: Locked<'static>,
        message: &mut Message,
        blocking: Blocking,
    ) -> Result<()> {
        // What was known of another peer does not travel on.
        message.forget_peer();
        if let Some(key) = socket.sole_output
            && !message.more()
            && let Some(corked) = socket.pipes.offer(key, message)
        {
            if corked {
                self.note_corked();
            }
            socket.sent = true;
            return Ok(());
        }
        let sent = socket.try_send(message);
        if socket.pipes.has_corked() {
            self.note_corked();
        }
        match sent {
            Err(Errno::EAGAIN) if blocking == Blocking::Wait => {}
            result => return result,
        }
        let timeout = socket.options.sndtimeo;
        self.retry(socket, timeout, |socket| socket.try_send(message))
    }

    /// Receives a frame into `message`, whose content is dropped, and which is
    /// of no use on failure; `with_metadata`: with what is known of its peer.
    /// `EAGAIN`, `ENOTSUP`, `EFSM`, `ETERM`, `ENOTSOCK`, `EINTR` (manual page
    /// zmq_msg_recv).
    #[inline]
    pub(crate) fn recv(
        &'static self,
        message: &mut Message,
        with_metadata: bool,
        blocking: Blocking,
    ) -> Result<()> {
        let mut socket = self.lock_for_transfer()?;
        if self.mailbox.has_news() {
            socket.pipes.with_metadata = with_metadata;
            match self.recv_before_the_end(&mut socket, message) {
                Err(Errno::EAGAIN) => socket.process_news(self),
                result => return result,
            }
        }
        if socket.is_watched() {
            return self.recv_watched(socket, message, with_metadata, blocking);
        }
        self.recv_alive(socket, message, with_metadata, blocking)
    }

    #[inline(always)]
    fn recv_alive(
        &'static self,
        mut socket: Locked<'static>,
        message: &mut Message,
        with_metadata: bool,
        blocking: Blocking,
    ) -> Result<()> {
        socket.pipes.with_metadata = with_metadata;
        if let Some(key) = socket.sole_input
            && socket.pipes.pop_whole(key, message)
        {
            socket.receive_more = false;
            socket.received = socket.received.wrapping_add(1);
            return Ok(());
        }
        let timeout = socket.options.rcvtimeo;
        let waits = blocking == Blocking::Wait && timeout != Some(Duration::ZERO);
        if waits {
            self.await_next(&mut socket);
        }
        let mut received = socket.try_recv(message);
        if received == Err(Errno::EAGAIN) && self.mailbox.quieten() {
            // Nothing is left to signal; but look again at what has come since.
            socket.process(self);
            received = socket.try_recv(message);
        }
        match received {
            Err(Errno::EAGAIN) if waits => {}
            result => return result,
        }
        self.retry(socket, timeout, |socket| socket.try_recv(message))
    }

    /// Receives what was there before the context's end if that is what has come to the
    /// mailbox: who has begun to read a message, or was told by a poll that there is one,
    /// gets it. Otherwise `EAGAIN`.
    #[cold]
    #[inline(never)]
    fn recv_before_the_end(&self, socket: &mut Socket, message: &mut Message) -> Result<()> {
        if self.overlooks_the_end(socket) { socket.try_recv(message) } else { Err(Errno::EAGAIN) }
    }

    /// Whether a call goes on as if the end of the context had not come to the mailbox, as
    /// libzmq does, which looks now and then: once it is seen, all calls say ETERM.
    #[cold]
    #[inline(never)]
    fn overlooks_the_end(&self, socket: &mut Socket) -> bool {
        if socket.watched & (TERMINATED | INHERITED) != 0 || !self.is_ending() {
            return false;
        }
        let left = socket.before_the_end.checked_sub(1);
        socket.before_the_end = left.unwrap_or(0);
        left.is_some()
    }

    /// Sends for a socket whose context ends, or of which the trace tells.
    #[cold]
    #[inline(never)]
    fn send_watched(
        &'static self,
        socket: Locked<'static>,
        message: &mut Message,
        blocking: Blocking,
    ) -> Result<()> {
        socket.check_alive()?;
        let (name, bytes) = (socket.name, message.len());
        let more = if message.more() { ", more to follow" } else { "" };
        let sent = self.send_alive(socket, message, blocking);
        match sent {
            Ok(()) => say!(Msg, "{name} sends {bytes} bytes{more}: done"),
            Err(error) => say!(Msg, "{name} sends {bytes} bytes{more}: {error:?}"),
        }
        sent
    }

    /// As [`Slot::send_watched`].
    #[cold]
    #[inline(never)]
    fn recv_watched(
        &'static self,
        socket: Locked<'static>,
        message: &mut Message,
        with_metadata: bool,
        blocking: Blocking,
    ) -> Result<()> {
        socket.check_alive()?;
        let name = socket.name;
        let received = self.recv_alive(socket, message, with_metadata, blocking);
        match received {
            Ok(()) => {
                let more = if message.more() { ", more to follow" } else { "" };
                say!(Msg, "{name} receives {} bytes{more}", message.len());
            }
            Err(error) => say!(Msg, "{name} receives: {error:?}"),
        }
        received
    }

    /// Tries again whenever the socket has news, without its lock in between.
    #[cold]
    fn retry<'a>(
        &'static self,
        socket: Locked<'a>,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(&mut Socket) -> Result<()>,
    ) -> Result<()> {
        let _errno = KeepErrno::new();
        let deadline = match timeout {
            Some(Duration::ZERO) => return Err(Errno::EAGAIN),
            Some(timeout) => Instant::now().checked_add(timeout),
            None => None,
        };
        let mut socket = socket;
        let mut waited = Ok(());
        say!(Msg, "{} waits", socket.name);
        loop {
            // Counted before the look: what comes after it ends the wait, even
            // when another thread's call takes the news away.
            let seen = self.news_count();
            socket.process(self);
            socket.check_alive()?;
            match attempt(&mut socket) {
                Err(Errno::EAGAIN) => waited?,
                result => return result,
            }
            socket.push_out();
            let reactor: Option<Arc<Reactor>> = socket.reactor.clone();
            let streaming = socket.streaming();
            drop(socket);
            waited = self.wait(seen, streaming, reactor.as_ref(), deadline);
            // Nobody would hear of what one more attempt brought.
            if waited == Err(Errno::ECANCELED) {
                return waited;
            }
            socket = self.lock()?;
        }
    }
}

impl Socket {
    #[inline]
    fn try_send(&mut self, message: &mut Message) -> Result<()> {
        self.sole_output = None;
        let more = message.more();
        self.pattern.send(&mut self.pipes, message)?;
        self.send_more = more;
        self.sole_output = self.pattern.sole_output();
        self.sent = true;
        Ok(())
    }

    #[inline]
    fn try_recv(&mut self, message: &mut Message) -> Result<()> {
        self.sole_input = None;
        let received = self.pattern.recv(&mut self.pipes, message);
        match &received {
            Ok(()) => {
                self.receive_more = message.more();
                self.received = self.received.wrapping_add(1);
                self.sole_input = self.pattern.sole_input();
            }
            // Looking may have read a closed pipe to its end.
            Err(_) => self.detach_finished(),
        }
        received
    }

    /// What this thread is about to wait for: a stream, when more than one
    /// message was received since the last wait, or what may be an answer.
    pub(super) fn streaming(&mut self) -> Streaming {
        let count = self.received.wrapping_sub(self.received_before);
        self.received_before = self.received;
        match self.kind() {
            _ if count > 1 => Streaming::Yes,
            SocketType::Pull | SocketType::Sub => Streaming::Perhaps,
            _ => Streaming::No,
        }
    }

    /// Sends what waits in corked pipes for company: this thread is about to
    /// wait for an answer.
    pub(super) fn push_out(&mut self) {
        self.pipes.push_out();
    }
}
