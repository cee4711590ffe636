//! ZMTP without I/O (RFC 37, ZMTP 3.1; and those before: RFC 23, 3.0; RFC 15,
//! 2.0; RFC 13, 1.0): bytes and `now` in; bytes, messages and events out. Nothing here knows a descriptor, a thread
//! or a clock, so every byte layout and every time-out is tested in memory.
//!
//! A [`Connection`] passes through three states: `greeting` (up to 64 bytes
//! that agree on version and mechanism), handshake (commands of a `mechanism`,
//! capped in size and time, maybe with a look at an authenticator's `zap`; of a
//! peer older than 3.0, its `identity`), and
//! `traffic` (messages, subscriptions, heartbeats; through a `cipher` where the
//! mechanism has one). Where the RFC and the libzmq in the field differ, we
//! accept what the field accepts and send the bytes it sends.

#![forbid(unsafe_code)]

mod cipher;
mod collector;
mod command;
mod connection;
mod dialect;
mod error;
mod frame;
mod greeting;
mod heartbeat;
mod identity;
mod mechanism;
mod properties;
mod traffic;
pub mod zap;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use connection::Connection;
pub use error::{ProtocolError, TimeOut};
pub use frame::short_header;
pub use mechanism::Security;

use crate::message::{MAX_INLINE, Message};
use crate::socket_type::SocketType;

/// What one side of a connection brings into it: the socket's options, shared
/// by all its connections.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our socket type, announced to the peer and matched with the peer's.
    pub socket_type: SocketType,
    /// Our routing id (`Identity`), announced by REQ, DEALER and ROUTER only;
    /// to peers older than ZMTP 3.0 by all.
    pub routing_id: Vec<u8>,
    /// Properties of the application's that the peer is told (`ZMQ_METADATA`):
    /// names of at most 255 bytes, and values.
    pub metadata: Vec<(Vec<u8>, Vec<u8>)>,
    /// The mechanism we insist on.
    pub security: Security,
    /// Whether an authenticator is asked about peers, and in which domain.
    pub zap: zap::Policy,
    /// Longer messages end the connection (`ZMQ_MAXMSGSIZE`). Handshake
    /// commands and identities have a limit of their own and are not subject to it.
    pub max_message_size: Option<u64>,
    /// How long greeting and handshake may take together.
    pub handshake_timeout: Option<Duration>,
    /// How often we send PING; `None` for never.
    pub heartbeat_interval: Option<Duration>,
    /// How long the peer may stay silent after a PING. `None` is as long as
    /// the interval (the default of `ZMQ_HEARTBEAT_TIMEOUT`), zero for ever.
    pub heartbeat_timeout: Option<Duration>,
    /// The time-to-live that our PINGs carry, in tenths of a second.
    pub heartbeat_ttl_ds: u16,
}

/// Where decoded messages go, in the order they came.
pub trait Inbox {
    /// Whether another whole message may come. Asked before the first frame
    /// of each message, not between the frames of one; a `false` makes
    /// [`Connection::receive`] stop there. Must not block.
    fn has_room(&mut self) -> bool;

    /// Takes a frame: data of the user's; a subscription of the peer's, whose
    /// body is the topic; or the routing id of a peer older than ZMTP 3.0
    /// (`Role::Peer`). A subscription is whole by itself, even where a peer
    /// sends it between the frames of a multipart message. Called only after
    /// `has_room` has said yes to the message; a routing id needs no room.
    /// Must not block.
    fn push(&mut self, message: Message);

    /// As [`Inbox::push`], for a frame of data whose body is the first `len` of
    /// `bytes`: an inbox may have a place in which to make it.
    #[inline]
    fn push_small(&mut self, bytes: &[u8; MAX_INLINE], len: usize, more: bool) {
        self.push(Message::from_prefix(bytes, len, more));
    }
}

/// What became of the connection, beside the messages it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Messages may be encoded from now on: the handshake is done, or the peer
    /// is so old that it knows none. No message reaches the inbox before this
    /// event.
    Ready(PeerInfo),
    /// An authenticator is to be asked about the peer; its answer, or that there
    /// is none, is for [`Connection::answer`]. Until then the handshake waits,
    /// and its time runs.
    Ask(zap::Inquiry),
    /// A step of the handshake may block, and is not to be taken here:
    /// [`Connection::errand`] has it, and what came of it is for
    /// [`Connection::ran`]. Until then the handshake waits, and its time runs.
    Blocks,
    /// We have refused the peer, for this status of RFC 27. It may have been
    /// told, and is given until the end of the handshake's time to go.
    Refused(u16),
}

/// What the peer said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerInfo {
    /// Its socket type; the field accepts peers that do not tell.
    pub socket_type: Option<SocketType>,
    /// Its routing id, empty when it has none. It may start with a zero byte,
    /// which RFC 37 reserves and libzmq accepts.
    pub routing_id: Vec<u8>,
    /// It is older than ZMTP 3.0: what it has to say of itself is its routing
    /// id, and that comes into the inbox.
    pub identity_follows: bool,
    /// What the authenticator said of it, the user id first: that counts before
    /// what it says itself.
    pub vouched: Vec<zap::Property>,
    /// All its properties with the two above, in the order it sent them.
    pub properties: Vec<(Vec<u8>, Vec<u8>)>,
    /// The protocol version it announced.
    pub version: Version,
}

/// A ZMTP version, as announced in a greeting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 1, 2 or 3; a peer may announce more, and is spoken to as 3.1.
    pub major: u8,
    /// 0 or 1 for now.
    pub minor: u8,
}
