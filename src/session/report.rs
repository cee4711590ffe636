//! What the trace says of connections beside the events that monitors are told:
//! with whom the handshake was done, and why connections end.

use std::fmt;

use super::drive::Inner;
use super::live::Live;
use super::{Ending, Settings, Surroundings};
use crate::trace::say;
use crate::zmtp::PeerInfo;

/// A connection: the endpoint that was bound or connected, the peer, the descriptor.
pub(super) struct Place<'a> {
    surroundings: &'a Surroundings,
    live: &'a Live,
}

impl<'a> Place<'a> {
    pub(super) fn new(surroundings: &'a Surroundings, live: &'a Live) -> Place<'a> {
        Place { surroundings, live }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (descriptor {})", self.surroundings.shown, self.live.fd())
    }
}

/// A peer that the handshake was done with.
pub(super) struct Met<'a>(pub(super) &'a PeerInfo, pub(super) &'a Settings);

impl fmt::Display for Met<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Met(peer, settings) = self;
        match peer.socket_type {
            Some(kind) => write!(f, "the peer is a {}", kind.name())?,
            None => f.write_str("the peer does not tell its type")?,
        }
        let version = peer.version;
        let mechanism = settings.zmtp.security.name().escape_ascii();
        write!(f, ", ZMTP {}.{}, {mechanism}", version.major, version.minor)?;
        match &settings.opening {
            Some(opening) if opening.is_empty() => {
                f.write_str("; nothing was subscribed to yet (ZMQ_SUBSCRIBE)")
            }
            _ => Ok(()),
        }
    }
}

impl Inner {
    /// Counts the end of a connection, and says why it came.
    pub(super) fn note_end(&self, live: &Live, ending: &Ending) {
        let Some(surroundings) = &self.surroundings else { return };
        let (name, place) = (surroundings.name, Place::new(surroundings, live));
        if live.met || live.protocol.is_raw() {
            say!(Conn, "{name}: the connection {place} has ended: {ending}");
        } else {
            surroundings.tally.handshake_failures.one();
            let mechanism = surroundings.settings.zmtp.security.name().escape_ascii();
            say!(Conn, "{name}: handshake failed at {place}: {ending} (here: {mechanism})");
        }
    }
}
