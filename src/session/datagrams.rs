//! What ties a UDP socket to a pipe (manual page zmq_udp). There are no
//! connections here and no handshakes: what is sent may be lost, and what comes
//! while the pipe is full is.
//!
//! It is driven as a session is (see the room's head): behind a word, by whoever
//! has a message for it or an event of its descriptor. It ends when the socket has
//! closed its end of the pipe and the kernel has taken what was in it.
//!
//! A datagram of RADIO and DISH is a byte with the length of the group's name, the
//! name and the body; the frames in the pipe are those of RFC 37: name and body. One
//! of DGRAM is the body; the frames are the peer's address as a C string and the body.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::buffer::with_buffer;
use super::ownership::{Driven, Owned};
use super::{KILL, Lease, PIPE, START};
use crate::error::{KeepErrno, Result};
use crate::message::{MAX_GROUP, Message, Role, run_waiting_frees};
use crate::pipe::{EndRef, Owner, Pipe};
use crate::reactor::{Reactor, Source, SourceId, event};
use crate::transport::Datagrams;

/// No datagram is larger.
const LARGEST: usize = 64 * 1024;
/// Datagrams read in one go before others have their turn.
const READS_PER_TURN: usize = 64;

/// What the first frame of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// The group's name (RADIO, DISH); what is sent goes there.
    Groups(Option<SocketAddr>),
    /// The peer's address (DGRAM).
    Addresses,
}

/// See the file's head.
pub(crate) struct DatagramSession {
    reactor: Arc<Reactor>,
    id: SourceId,
    inner: Owned<Option<Inner>>,
}

/// What only the owner touches; `None` once it has ended.
struct Inner {
    datagrams: Datagrams,
    framing: Framing,
    pipe: Pipe,
    /// A message that the kernel had no room for.
    waiting: Option<(Message, Message)>,
    readable: bool,
    writable: bool,
    /// Keeps the context waiting.
    lease: Arc<dyn Lease>,
}

impl DatagramSession {
    /// Starts to carry messages between the pipe and the socket.
    pub(crate) fn start(
        reactor: Arc<Reactor>,
        datagrams: Datagrams,
        framing: Framing,
        mut pipe: Pipe,
        lease: Arc<dyn Lease>,
    ) -> Result<()> {
        if let Framing::Groups(Some(_)) = framing {
            // Nobody at the other end can tell which groups it has joined: all go.
            pipe.push(&mut Message::new().with_role(Role::Request));
            pipe.flush();
        }
        let (fd, end) = (datagrams.as_raw_fd(), pipe.end());
        let inner = Inner {
            datagrams,
            framing,
            pipe,
            waiting: None,
            readable: true,
            writable: true,
            lease,
        };
        let id = reactor.reserve();
        let session = Arc::new(DatagramSession { reactor, id, inner: Owned::new(Some(inner)) });
        session.reactor.install(id, session.clone());
        if let Err(error) = session.reactor.watch(id, fd) {
            session.attend(KILL);
            return Err(error);
        }
        end.set_owner(session.clone());
        session.attend(START);
        Ok(())
    }

    fn attend(self: &Arc<Self>, bits: u32) {
        if !self.inner.claim(bits) {
            return;
        }
        let _errno = KeepErrno::new();
        let drive = |inner: &mut Option<Inner>, bits| {
            let driven = catch_unwind(AssertUnwindSafe(|| self.drive(inner, bits)));
            if driven.is_ok() {
                return Driven::Done;
            }
            let lease = inner.as_ref().map(|inner| inner.lease.clone());
            // A payload may panic when it is dropped; leaking it is safe.
            std::mem::forget(catch_unwind(AssertUnwindSafe(|| self.end(inner))));
            if let Some(lease) = lease {
                lease.fail();
            }
            Driven::Wrecked
        };
        // SAFETY: claimed above.
        unsafe { self.inner.drive(bits == PIPE, drive, || self.reactor.run_later(self.clone())) };
    }

    fn drive(self: &Arc<Self>, place: &mut Option<Inner>, bits: u32) {
        let Some(inner) = place else { return };
        if bits & PIPE != 0 {
            inner.pipe.take_signals();
            inner.pipe.look_again();
        }
        inner.readable |= bits & (event::READABLE | event::GLANCE) != 0;
        inner.writable |= bits & event::WRITABLE != 0;
        inner.send();
        if bits & KILL != 0 || inner.pipe.is_finished() || !inner.receive() {
            self.end(place);
        } else if inner.readable {
            self.reactor.run_later(self.clone());
        }
    }

    fn end(&self, place: &mut Option<Inner>) {
        if let Some(inner) = place.take() {
            self.reactor.unwatch(inner.datagrams.as_raw_fd());
            self.reactor.remove(self.id);
        }
    }
}

impl Owner for DatagramSession {
    fn signalled(self: Arc<Self>, _: &EndRef) {
        self.attend(PIPE);
    }
}

impl Source for DatagramSession {
    fn notice(self: Arc<Self>, events: u32) {
        self.attend(events);
        // The leader holds no socket: callers' free functions may run.
        run_waiting_frees();
    }

    fn give_up(self: Arc<Self>) {
        self.attend(KILL);
    }

    fn inherited_fd(&self) -> Option<RawFd> {
        let fd = |inner: &Option<Inner>| Some(inner.as_ref()?.datagrams.as_raw_fd());
        // SAFETY: the process has forked, and this is the only thread here.
        unsafe { self.inner.look(fd) }.flatten()
    }
}

impl Inner {
    /// Sends what is in the pipe, as far as the kernel takes it. What is left when
    /// the socket has closed its end is not waited for.
    fn send(&mut self) {
        while self.writable {
            let Some((head, body)) = self.waiting.take().or_else(|| self.next()) else { return };
            match self.send_one(&head, &body) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.writable = false;
                    if !self.pipe.peer_closed() {
                        self.waiting = Some((head, body));
                    }
                }
                // Of a datagram that cannot be sent nobody is told.
                _ => {}
            }
        }
        if self.pipe.peer_closed() {
            while self.next().is_some() {}
        }
    }

    fn send_one(&self, head: &Message, body: &Message) -> io::Result<()> {
        match self.framing {
            Framing::Groups(None) => Ok(()),
            Framing::Groups(Some(to)) => {
                let length = [head.len().min(MAX_GROUP) as u8];
                let parts = [&length, head.data(), body.data()].map(IoSlice::new);
                self.datagrams.send(to, &parts)
            }
            Framing::Addresses => {
                // As it was received, or without the zero at its end.
                let text = head.data().split(|byte| *byte == 0).next().unwrap_or_default();
                match std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()) {
                    Some(to) => self.datagrams.send(to, &[IoSlice::new(body.data())]),
                    None => Ok(()),
                }
            }
        }
    }

    /// The next message of two frames, if there is one.
    fn next(&mut self) -> Option<(Message, Message)> {
        let mut head = Message::new();
        loop {
            while self.pipe.pop(&mut head) {
                let mut body = Message::new();
                // Messages become visible whole.
                if head.more() && self.pipe.pop(&mut body) && !body.more() {
                    return Some((head, body));
                }
            }
            if self.pipe.go_idle() {
                return None;
            }
        }
    }

    /// Reads what has come into the pipe. False when nothing ever will.
    fn receive(&mut self) -> bool {
        if !self.readable {
            return true;
        }
        with_buffer(LARGEST, |buffer| self.receive_with(buffer))
    }

    fn receive_with(&mut self, buffer: &mut [u8]) -> bool {
        for _ in 0..READS_PER_TURN {
            match self.datagrams.receive(buffer) {
                Ok(Some((len, from))) => self.deliver(&buffer[..len], from),
                Ok(None) => {
                    self.readable = false;
                    return true;
                }
                Err(_) => return false,
            }
        }
        true
    }

    /// Takes a datagram, if it is one and there is room for it.
    fn deliver(&mut self, datagram: &[u8], from: SocketAddr) {
        let address;
        let parts = match self.framing {
            Framing::Groups(None) => split_group(datagram),
            // Nobody is to answer.
            Framing::Groups(Some(_)) => None,
            Framing::Addresses => {
                // A C string, as libzmq has it.
                address = format!("{from}\0");
                Some((address.as_bytes(), datagram))
            }
        };
        if let Some((head, body)) = parts
            && self.pipe.can_write()
            && let (Ok(mut head), Ok(mut body)) = (Message::copy_of(head), Message::copy_of(body))
        {
            head.set_more(true);
            self.pipe.push(&mut head);
            self.pipe.push(&mut body);
            self.pipe.flush();
        }
    }
}

/// The group's name and the body. `None` for what is no such datagram.
fn split_group(datagram: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = datagram.split_first()?;
    let (group, body) = rest.split_at_checked(usize::from(*len))?;
    (!group.contains(&0)).then_some((group, body))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn groups_are_taken_apart_whatever_comes() {
        assert_eq!(split_group(b"\x01ab"), Some((&b"a"[..], &b"b"[..])));
        assert_eq!(split_group(b"\x00b"), Some((&b""[..], &b"b"[..])));
        assert_eq!(split_group(b"\x00"), Some((&b""[..], &b""[..])));
        assert_eq!(split_group(b""), None);
        assert_eq!(split_group(b"\x02a"), None);
        assert_eq!(split_group(b"\x80a"), None);
        assert_eq!(split_group(b"\xff"), None);
        assert_eq!(split_group(b"\x01\x00b"), None);
        let long = [&b"\xff"[..], &[b'g'; 255], b"body"].concat();
        assert_eq!(split_group(&long), Some((&[b'g'; 255][..], &b"body"[..])));
    }
}
