//! An open connection: stream, protocol, and what is on its way in or out.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use super::batch::{Batch, Written};
use super::buffer::with_buffer;
use super::protocol::Protocol;
use super::{Ending, Settings};
use crate::counters::Tally;
use crate::error::Errno;
use crate::gssapi::Ticket;
use crate::message::{MAX_INLINE, Message};
use crate::pipe::Pipe;
use crate::reactor::Reactor;
use crate::transport::Stream;
use crate::zmtp::{self, Inbox, ProtocolError};

/// Bytes read at once.
const READ_BYTES: usize = 128 * 1024;
/// Bytes read at once of a peer that is not known yet: while an authenticator is
/// asked about it, it may make us hold so much.
const HANDSHAKE_READ_BYTES: usize = 8 * 1024;
/// A body as long as this is likely to be followed by another one, …
const LARGE_BYTES: usize = 48 * 1024;
/// … of which no more than this is to be read with its head: what is not read into
/// its own message is copied there, which takes longer than another read.
const HEAD_BYTES: usize = 8 * 1024;
/// Frames of one message that may come before its last: water marks count
/// messages, and each frame takes 64 bytes, however short it is.
const MAX_FRAMES: usize = 1 << 20;
/// Batches written in one go before other connections have their turn.
const WRITES_PER_TURN: usize = 16;

/// An open connection.
pub(super) struct Live {
    stream: Stream,
    reactor: Arc<Reactor>,
    /// Where bytes are counted.
    tally: Arc<Tally>,
    pub(super) protocol: Protocol,
    pub(super) batch: Batch,
    /// The kernel may have more to read.
    pub(super) readable: bool,
    /// The end of the stream is there to be read.
    pub(super) hung_up: bool,
    /// The kernel may take more.
    pub(super) writable: bool,
    /// The kernel refused to write.
    cannot_write: Option<Errno>,
    /// Bytes read that the pipe has no room for, from `held_from` on.
    held: Vec<u8>,
    held_from: usize,
    /// The peer's messages began to arrive since the last write.
    pub(super) heard: bool,
    /// The handshake is done. As with libzmq it never is on raw connections:
    /// their end is that of a connection whose handshake failed.
    pub(super) met: bool,
    /// The mechanism encodes what comes after it.
    pub(super) sealed: bool,
    /// Why it will not be was told: the peer was refused.
    pub(super) refused: bool,
    /// Leads to the authenticator that was asked about the peer.
    pub(super) authenticator: Option<Pipe>,
    /// Stands for a step of the handshake that is taken elsewhere.
    pub(super) errand: Option<Ticket>,
    /// What was read last is part of a large body.
    large: bool,
}

/// How a round of reading or writing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// Nothing is left to do until the next event.
    Done,
    /// The turn is over, but there is more.
    MoreLater,
    /// The handshake is done: see to it, then go on.
    Ready,
}

impl Live {
    /// A connection over a stream that its reactor watches.
    pub(super) fn new(
        stream: Stream,
        reactor: Arc<Reactor>,
        settings: &Settings,
        tally: Arc<Tally>,
        now: Instant,
    ) -> Live {
        Live {
            stream,
            reactor,
            tally,
            protocol: Protocol::new(settings, now),
            batch: Batch::default(),
            readable: true,
            hung_up: false,
            writable: true,
            cannot_write: None,
            held: Vec::new(),
            held_from: 0,
            heard: false,
            met: false,
            sealed: false,
            refused: false,
            authenticator: None,
            errand: None,
            large: false,
        }
    }

    /// The connection's descriptor.
    pub(super) fn fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    /// The peer's address for the messages' metadata.
    pub(super) fn peer_address(&self) -> String {
        self.stream.peer_address()
    }

    /// The endpoint that an accepted connection came to.
    pub(super) fn local_endpoint(&self) -> String {
        self.stream.local_endpoint()
    }

    /// What has happened in the handshake.
    pub(super) fn event(&mut self) -> Option<zmtp::Event> {
        let event = self.protocol.event();
        if matches!(event, Some(zmtp::Event::Ready(_))) {
            self.met = true;
            self.sealed = self.protocol.is_sealed();
        }
        event
    }

    /// Reads what there is into the pipe, in `reads` goes at most.
    pub(super) fn read(&mut self, pipe: Option<&mut Pipe>, reads: usize) -> Result<Round, Ending> {
        let mut inbox = PipeInbox { pipe };
        if self.protocol.is_notice_due() && !self.tell_beginning(&mut inbox)? {
            return Ok(Round::Done);
        }
        if !self.held.is_empty() && !self.take_held(&mut inbox)? {
            return Ok(Round::Done);
        }
        if !self.readable {
            return Ok(Round::Done);
        }
        with_buffer(READ_BYTES, |buffer| self.read_with(buffer, &mut inbox, reads))
    }

    fn read_with(
        &mut self,
        buffer: &mut [u8],
        inbox: &mut PipeInbox<'_>,
        reads: usize,
    ) -> Result<Round, Ending> {
        for _ in 0..reads {
            let (into_body, rest, full) = match self.receive(buffer) {
                Ok(Some(read)) => read,
                Ok(None) => {
                    self.readable = false;
                    // Neither direction works: the connection is over.
                    return match self.cannot_write {
                        Some(error) => Err(Ending::Disconnected(error)),
                        None => Ok(Round::Done),
                    };
                }
                Err(ending) => return Err(ending),
            };
            // Less than was asked for: the next event says when there is more.
            self.readable = full || self.hung_up;
            let now = Instant::now();
            self.heard = true;
            if into_body > 0 {
                self.protocol.body_received(now, into_body, inbox)?;
            }
            let received = self.protocol.receive(now, &buffer[..rest], inbox);
            self.large |= self.protocol.take_longest_begun() >= LARGE_BYTES;
            // What came whole before an error has come.
            inbox.flush();
            let consumed = received?;
            inbox.check_frames()?;
            if consumed < rest {
                self.held.extend_from_slice(&buffer[consumed..rest]);
                if self.protocol.is_ready() && inbox.pipe.is_none() {
                    return Ok(Round::Ready);
                }
                if !self.take_held(inbox)? {
                    return Ok(Round::Done);
                }
            }
            if self.protocol.is_ready() && inbox.pipe.is_none() {
                return Ok(Round::Ready);
            }
            if !self.readable {
                return Ok(Round::Done);
            }
        }
        Ok(Round::MoreLater)
    }

    /// One read: bytes that went into the body under way, bytes in `buffer`,
    /// and whether that was as much as was asked for. `None`: nothing there.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<(usize, usize, bool)>, Ending> {
        let mut room = 0;
        let (read, asked) = loop {
            let beyond = match self.protocol.is_ready() {
                true if self.large => HEAD_BYTES,
                true => buffer.len(),
                false => HANDSHAKE_READ_BYTES,
            };
            let buffer = &mut buffer[..beyond];
            let read = match self.protocol.body_target() {
                Some(target) => {
                    room = target.len();
                    let mut parts = [IoSliceMut::new(target), IoSliceMut::new(buffer)];
                    (self.stream.receive_vectored(&mut parts), room + beyond)
                }
                None => (self.stream.receive(buffer), beyond),
            };
            match read {
                (Err(error), _) if error.kind() == io::ErrorKind::Interrupted => {}
                (Err(error), _) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                (read, asked) => break (read?, asked),
            }
        };
        if read == 0 {
            // A reset may have been seen by the last write.
            return Err(Ending::Disconnected(self.cannot_write.unwrap_or(Errno::EPIPE)));
        }
        self.tally.bytes_in.add(read as u64);
        let into_body = read.min(room);
        self.large = room >= LARGE_BYTES;
        Ok(Some((into_body, read - into_body, read == asked)))
    }

    /// Tells the socket of a raw connection that has come about. False when
    /// there is no room yet.
    #[cold]
    fn tell_beginning(&mut self, inbox: &mut PipeInbox<'_>) -> Result<bool, Ending> {
        self.protocol.receive(Instant::now(), &[], inbox)?;
        inbox.flush();
        Ok(!self.protocol.is_notice_due())
    }

    /// Decodes held bytes. False when some are still held for want of room.
    fn take_held(&mut self, inbox: &mut PipeInbox<'_>) -> Result<bool, Ending> {
        let now = Instant::now();
        while self.held_from < self.held.len() {
            let received = self.protocol.receive(now, &self.held[self.held_from..], inbox);
            inbox.flush();
            let consumed = received?;
            self.held_from += consumed;
            if consumed == 0 {
                return Ok(false);
            }
        }
        self.held = Vec::new();
        self.held_from = 0;
        Ok(true)
    }

    /// Whether there is something for the pipe that need not be read: bytes
    /// that came early, or that the pipe had no room for; a notice.
    pub(super) fn holds_input(&self) -> bool {
        !self.held.is_empty() || self.protocol.is_notice_due()
    }

    /// Tells the socket that the connection is over, where it wants to know.
    pub(super) fn tell_end(&mut self, pipe: &mut Pipe) {
        let mut inbox = PipeInbox { pipe: Some(pipe) };
        self.protocol.ended(&mut inbox);
        inbox.flush();
    }

    /// Writes what there is to write.
    pub(super) fn write(&mut self, mut pipe: Option<&mut Pipe>) -> Result<Round, Ending> {
        if self.cannot_write.is_some() {
            return Ok(Round::Done);
        }
        for _ in 0..WRITES_PER_TURN {
            if self.batch.is_empty() {
                self.batch.fill(&mut self.protocol, pipe.as_deref_mut())?;
                if self.batch.is_empty() {
                    if let Some(pipe) = pipe {
                        self.batch.take_skipped(pipe);
                    }
                    return Ok(Round::Done);
                }
            }
            if !self.writable {
                return Ok(Round::Done);
            }
            let written = self.batch.write(&self.stream, pipe.as_deref_mut());
            self.tally.bytes_out.add(self.batch.take_sent() as u64);
            match written {
                Ok(Written::All) => {}
                Ok(Written::Blocked) => {
                    self.writable = false;
                    return Ok(Round::Done);
                }
                Err(error) => return self.write_failed(error.into()),
            }
        }
        Ok(Round::MoreLater)
    }

    /// The peer takes nothing more. What it has sent may still be read: the
    /// connection ends with its end.
    fn write_failed(&mut self, error: Errno) -> Result<Round, Ending> {
        self.cannot_write = Some(error);
        self.hung_up = true;
        self.readable = true;
        if self.held.is_empty() { Ok(Round::MoreLater) } else { Ok(Round::Done) }
    }

    /// Queues the messages a connection begins with.
    pub(super) fn begin_with(&mut self, messages: &[Message]) -> Result<(), Ending> {
        Ok(self.batch.add_control(&mut self.protocol, messages)?)
    }

    /// Whether nothing is on its way out.
    pub(super) fn is_written(&self) -> bool {
        self.batch.is_empty() && !self.protocol.has_output()
    }

    /// Whether messages may go, and the kernel has all of those that have gone.
    pub(super) fn is_quiet(&self) -> bool {
        self.protocol.is_ready() && self.writable && self.batch.is_empty()
    }

    /// Takes back what the kernel did not take whole.
    pub(super) fn settle(mut self, pipe: &mut Pipe) {
        self.batch.settle(&self.protocol, pipe);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.reactor.unwatch(self.stream.as_raw_fd());
    }
}

/// The session's end of the pipe as the protocol sees it. What comes for a
/// socket that is gone is dropped.
struct PipeInbox<'a> {
    pipe: Option<&'a mut Pipe>,
}

impl PipeInbox<'_> {
    fn flush(&mut self) {
        if let Some(pipe) = &mut self.pipe {
            pipe.flush();
        }
    }

    /// Refuses messages that do not end.
    fn check_frames(&self) -> Result<(), Ending> {
        match &self.pipe {
            Some(pipe) if pipe.unfinished() > MAX_FRAMES => {
                Err(ProtocolError::MessageTooLarge.into())
            }
            _ => Ok(()),
        }
    }
}

impl Inbox for PipeInbox<'_> {
    #[inline]
    fn has_room(&mut self) -> bool {
        match &mut self.pipe {
            Some(pipe) => pipe.can_write() || pipe.peer_closed(),
            None => false,
        }
    }

    #[inline(always)]
    fn push_small(&mut self, bytes: &[u8; MAX_INLINE], len: usize, more: bool) {
        if let Some(pipe) = &mut self.pipe
            && !pipe.peer_closed()
        {
            pipe.push_small(bytes, len, more);
        }
    }

    #[inline]
    fn push(&mut self, mut message: Message) {
        if let Some(pipe) = &mut self.pipe
            && !pipe.peer_closed()
        {
            pipe.push(&mut message);
        }
    }
}
