//! What peers of ZMTP 1.0 and 2.0 say before their first message (RFC 13, "The
//! Connection Layer"; RFC 15, "Formal Grammar"): one frame with their routing
//! id, which may be empty. They know no handshake: we may send before it comes.

use super::collector::Collector;
use super::dialect::Dialect;
use super::properties::MAX_IDENTITY;
use super::{Inbox, ProtocolError};
use crate::message::{Message, Role};

/// A peer whose identity has not come whole.
pub(super) struct Identity {
    frame: Collector,
    dialect: Dialect,
    /// It does not know that subscriptions can be sent.
    filters_itself: bool,
}

impl Identity {
    /// For a peer that has begun with `bytes`. One without a version
    /// (`unversioned`) takes all that a publisher has and filters it itself.
    pub(super) fn new(dialect: Dialect, bytes: Vec<u8>, unversioned: bool) -> Identity {
        let frame = Collector::new(dialect, MAX_IDENTITY, bytes);
        Identity { frame, dialect, filters_itself: unversioned }
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Takes bytes of the peer's; says how many, and whether its identity is
    /// whole and in the inbox. A publisher (`publishes`) is told first that it
    /// has subscribed to everything. The frame's flags mean nothing.
    pub(super) fn receive(
        &mut self,
        input: &[u8],
        publishes: bool,
        inbox: &mut impl Inbox,
    ) -> Result<(usize, bool), ProtocolError> {
        if self.filters_itself && publishes {
            if !inbox.has_room() {
                return Ok((0, false));
            }
            inbox.push(Message::new().with_role(Role::Subscribe));
        }
        self.filters_itself = false;
        let (taken, body) = self.frame.receive(input)?;
        let Some(body) = body else { return Ok((taken, false)) };
        let identity = Message::copy_of(body).map_err(|_| ProtocolError::OutOfMemory)?;
        inbox.push(identity.with_role(Role::Peer));
        Ok((taken, true))
    }
}
