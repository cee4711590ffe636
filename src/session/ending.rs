//! How connections end, and what is lost with a session.

use std::fmt;

use super::drive::{Inner, Phase};
use crate::error::Errno;
use crate::pipe::Pipe;
use crate::socket_type::SocketType;
use crate::trace::{Messages, say};
use crate::zmtp;

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The peer went away, or the kernel gave the connection up.
    Disconnected(Errno),
    /// The peer did what the protocol forbids, or nothing for too long.
    Protocol(zmtp::ProtocolError),
}

impl Ending {
    /// Whether the peer did what it must not, rather than nothing.
    pub(super) fn is_protocol_error(&self) -> bool {
        matches!(self, Ending::Protocol(error) if !matches!(error, zmtp::ProtocolError::TimedOut(_)))
    }
}

impl From<std::io::Error> for Ending {
    fn from(error: std::io::Error) -> Ending {
        Ending::Disconnected(error.into())
    }
}

impl From<zmtp::ProtocolError> for Ending {
    fn from(error: zmtp::ProtocolError) -> Ending {
        Ending::Protocol(error)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Disconnected(Errno::EPIPE) => f.write_str("the peer has closed it"),
            Ending::Disconnected(error) => write!(f, "{error:?}"),
            Ending::Protocol(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl Inner {
    /// Lets the pipe go of a session that lingers, and says what is lost with it.
    pub(super) fn discard_pipe(&mut self, why: &str) {
        let Some(pipe) = self.pipe.take() else { return };
        self.say_lost(&pipe, why);
    }

    /// Takes what the kernel has out of the pipe of a session that ends: that is
    /// not lost.
    #[cold]
    pub(super) fn settle_to_tell(&mut self) {
        if let (Phase::Open(_), Some(pipe)) = (&self.phase, &mut self.pipe)
            && let Phase::Open(live) = std::mem::replace(&mut self.phase, Phase::Resolving)
        {
            live.settle(pipe);
        }
    }

    /// Says what the socket, which is closed, had sent and what will not leave.
    pub(super) fn say_lost(&self, pipe: &Pipe, why: &str) {
        let left = pipe.left_by_peer();
        if left > 0
            && let Some(surroundings) = &self.surroundings
            // Subscriptions are no messages.
            && !matches!(surroundings.name.kind, SocketType::Sub | SocketType::XSub)
        {
            let (name, endpoint) = (surroundings.name, &surroundings.endpoint);
            let left = Messages(left);
            say!(Drop, "{name}: dropped up to {left}, for {endpoint}: {why}");
        }
    }

    /// Says what keeps the session of a closed socket from ending.
    pub(super) fn explain(&self) {
        let (Some(until), Some(surroundings)) = (self.lingering, &self.surroundings) else {
            return;
        };
        let state = match &self.phase {
            Phase::Open(live) if live.met => "connected, the peer reads nothing more",
            Phase::Open(_) => "the handshake is not done",
            Phase::Parked => "not connected, and not trying",
            _ => "not connected",
        };
        let left = Messages(self.pipe.as_ref().map_or(0, Pipe::left_by_peer));
        let (name, endpoint) = (surroundings.name, &surroundings.endpoint);
        match until.map(|until| until.saturating_duration_since(std::time::Instant::now())) {
            Some(time) => say!(
                Term,
                "{name} is closed, {left} unsent for {endpoint} ({state}); lingers for {} ms more",
                time.as_millis()
            ),
            None => say!(
                Term,
                "{name} is closed, {left} unsent for {endpoint} ({state}); lingers for ever"
            ),
        }
    }
}
