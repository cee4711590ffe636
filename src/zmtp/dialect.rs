//! The versions of ZMTP as far as they differ once the greeting is over: how
//! frames look, whether there are commands, how one subscribes. Chosen once
//! for each connection.

use super::Version;
use super::command;
use super::error::ProtocolError;
use super::frame::{self, FrameHeader};
use crate::message::Role;
use crate::socket_type::SocketType;

/// What a connection speaks, from the oldest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dialect {
    /// ZMTP 1.0 (RFC 13): frames of its own, an identity, messages.
    V1,
    /// ZMTP 2.0 (RFC 15): an identity, messages.
    V2,
    /// ZMTP 3.0 (RFC 23): a mechanism and commands; subscriptions are messages.
    V3_0,
    /// ZMTP 3.1 (RFC 37): subscriptions are commands.
    V3_1,
}

impl Dialect {
    /// What to speak with a peer that knows a mechanism. As with libzmq, only
    /// 3.0 itself is spoken to as 3.0.
    pub(super) fn of(version: Version) -> Dialect {
        if version == (Version { major: 3, minor: 0 }) { Dialect::V3_0 } else { Dialect::V3_1 }
    }

    /// Whether command frames mean anything.
    pub(super) fn has_commands(self) -> bool {
        self >= Dialect::V3_0
    }

    /// The command that a socket of this type subscribes with, or ends it with;
    /// `None` where that is a message that begins with a byte 1 or 0.
    pub(super) fn subscription(self, socket_type: SocketType, role: Role) -> Option<&'static [u8]> {
        let begins = role == Role::Subscribe;
        match socket_type {
            SocketType::Dish if self.has_commands() => {
                Some(if begins { command::JOIN } else { command::LEAVE })
            }
            _ if self == Dialect::V3_1 => {
                Some(if begins { command::SUBSCRIBE } else { command::CANCEL })
            }
            _ => None,
        }
    }

    /// The size of the header that begins with this byte.
    pub(super) fn header_size(self, first: u8) -> usize {
        match self {
            Dialect::V1 => frame::v1_header_size(first),
            _ => frame::header_size(first),
        }
    }

    /// The header at the start of `bytes` and its size, `None` while bytes are
    /// missing.
    #[inline]
    pub(super) fn parse_header(
        self,
        bytes: &[u8],
    ) -> Result<Option<(FrameHeader, usize)>, ProtocolError> {
        match self {
            Dialect::V1 => FrameHeader::parse_v1(bytes),
            _ => Ok(FrameHeader::parse(bytes)),
        }
    }

    /// Appends the header of a data frame.
    pub(super) fn encode_header(self, more: bool, len: usize, out: &mut Vec<u8>) {
        match self {
            Dialect::V1 => frame::encode_v1_header(more, len, out),
            _ => frame::encode_header(u8::from(more), len, out),
        }
    }
}
