//! What happens to endpoints and connections, for whoever watches the socket
//! (`zmq_socket_monitor`). Sessions and listeners report it at the moment it
//! happens, on whatever thread drives them.

use std::os::fd::RawFd;
use std::time::Duration;

use super::{Ending, Surroundings};
use crate::error::Errno;
use crate::zmtp::ProtocolError;

/// An event, with its value. Descriptors may be closed by the time somebody
/// reads of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A connect has come about.
    Connected(RawFd),
    /// The kernel connects in the background.
    ConnectDelayed,
    /// A connect failed or a connection broke: the next attempt comes after
    /// this time.
    ConnectRetried(Duration),
    /// A bind has come about.
    Listening(RawFd),
    /// A bind failed.
    BindFailed(Errno),
    /// A listener took a connection in.
    Accepted(RawFd),
    /// A listener could not take a connection in.
    AcceptFailed(Errno),
    /// A filter closed a connection.
    TurnedAway,
    /// A descriptor that listened or was being connected is closed.
    Closed(RawFd),
    /// The path of a listener could not be removed.
    CloseFailed(Errno),
    /// A connection has ended, by the peer, by the kernel or by an error.
    Disconnected(RawFd),
    /// The monitor has ended.
    MonitorStopped,
    /// A connection broke, or time ran out, in the handshake.
    HandshakeFailedNoDetail(Errno),
    /// Messages may flow.
    HandshakeSucceeded,
    /// The peer broke the rules of the handshake (a `ZMQ_PROTOCOL_ERROR_*`).
    HandshakeFailedProtocol(u32),
    /// The peer refused us, or we the peer (a status code of RFC 27).
    HandshakeFailedAuth(u32),
}

/// The endpoint that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At<'a> {
    /// One of ours, to which a peer came.
    Local(&'a str),
    /// A peer's, to which we went.
    Remote(&'a str),
}

impl<'a> At<'a> {
    /// The endpoint, of whichever side.
    pub(crate) fn text(self) -> &'a str {
        match self {
            At::Local(text) | At::Remote(text) => text,
        }
    }
}

/// Whoever wants to hear of events.
pub(crate) trait Watcher: Send + Sync {
    /// Whether anybody listens: a load, so that nothing is made ready in vain.
    fn watches(&self) -> bool;

    /// Tells of an event at an endpoint. Called on any thread, maybe with a
    /// socket's lock held; never blocks and takes no socket's lock.
    fn report(&self, event: Event, at: At<'_>);
}

impl Event {
    /// The number and the value as C knows them.
    pub(crate) fn in_c(self) -> (u16, u32) {
        match self {
            Event::Connected(fd) => (0x0001, descriptor(fd)),
            Event::ConnectDelayed => (0x0002, errno(Errno::EINPROGRESS)),
            Event::ConnectRetried(wait) => {
                (0x0004, u32::try_from(wait.as_millis()).unwrap_or(u32::MAX))
            }
            Event::Listening(fd) => (0x0008, descriptor(fd)),
            Event::BindFailed(error) => (0x0010, errno(error)),
            Event::Accepted(fd) => (0x0020, descriptor(fd)),
            Event::AcceptFailed(error) => (0x0040, errno(error)),
            // In libzmq it is whatever errno is left by an earlier call.
            Event::TurnedAway => (0x0040, 0),
            Event::Closed(fd) => (0x0080, descriptor(fd)),
            Event::CloseFailed(error) => (0x0100, errno(error)),
            Event::Disconnected(fd) => (0x0200, descriptor(fd)),
            Event::MonitorStopped => (0x0400, 0),
            Event::HandshakeFailedNoDetail(error) => (0x0800, errno(error)),
            Event::HandshakeSucceeded => (0x1000, 0),
            Event::HandshakeFailedProtocol(code) => (0x2000, code),
            Event::HandshakeFailedAuth(status) => (0x4000, status),
        }
    }

    /// What is told of a connection that ended before its handshake was done,
    /// beside its end. libzmq says nothing of some errors.
    pub(super) fn of_failed_handshake(ending: &Ending) -> Option<Event> {
        match ending {
            Ending::Disconnected(error) => Some(Event::HandshakeFailedNoDetail(*error)),
            Ending::Protocol(ProtocolError::TimedOut(_)) => {
                Some(Event::HandshakeFailedNoDetail(Errno::EAGAIN))
            }
            Ending::Protocol(
                error @ (ProtocolError::NoAuthenticator | ProtocolError::NoContext),
            ) => Some(Event::HandshakeFailedNoDetail(error.errno())),
            Ending::Protocol(error) => error
                .protocol_code()
                .map(Event::HandshakeFailedProtocol)
                .or(error.authentication_status().map(Event::HandshakeFailedAuth)),
        }
    }
}

fn descriptor(fd: RawFd) -> u32 {
    fd.cast_unsigned()
}

fn errno(error: Errno) -> u32 {
    error.raw().cast_unsigned()
}

impl Surroundings {
    /// Tells of an event at the endpoint that was connected, or gone through.
    pub(super) fn report(&self, event: Event) {
        if self.watcher.watches() {
            self.watcher.report(event, At::Remote(&self.shown));
        }
    }

    /// Tells of an event at the endpoint that was bound.
    pub(super) fn report_bound(&self, event: Event) {
        if self.watcher.watches() {
            self.watcher.report(event, At::Local(&self.shown));
        }
    }

    /// Tells of an event at another endpoint of ours, which is looked up only if
    /// somebody listens.
    pub(super) fn report_at(&self, event: Event, endpoint: impl FnOnce() -> String) {
        if self.watcher.watches() {
            self.watcher.report(event, At::Local(&endpoint()));
        }
    }
}
