//! Why a connection fails, and what its owner tells the monitor and decides
//! about connecting again.

use std::fmt;

use super::zap::Fault;
use crate::error::Errno;

/// Why a connection cannot go on. After one of these the owner writes what
/// output is left, if it can without waiting, and closes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// The peer wants another security mechanism.
    MechanismMismatch,
    /// A handshake command that the mechanism does not expect, or a message
    /// before the handshake is done.
    UnexpectedCommand,
    /// A frame of ZMTP 1.0 whose length does not count its flags.
    MalformedFrame,
    /// A command in traffic that breaks its grammar.
    MalformedCommand,
    /// An ERROR command whose reason is longer than the command.
    MalformedError,
    /// A HELLO that breaks its grammar.
    MalformedHello,
    /// A WELCOME that breaks its grammar.
    MalformedWelcome,
    /// An INITIATE that breaks its grammar.
    MalformedInitiate,
    /// A READY that breaks its grammar.
    MalformedReady,
    /// A MESSAGE that breaks its grammar.
    MalformedMessage,
    /// A server's READY with metadata that is wrong in any way.
    InvalidReady,
    /// A box that does not open: its sender has not the keys, or somebody has
    /// changed it.
    Forged,
    /// A nonce that was used before, or might have been.
    InvalidSequence,
    /// A peer vouches for other keys than those it uses.
    KeyExchange,
    /// The server's key that we were given is none.
    UnusableKey,
    /// There is no nonce left for what we would send.
    NoncesSpent,
    /// The kernel has no random bytes for a key.
    NoRandomness,
    /// A command of a peer that had to wait for us, or to go.
    Untimely,
    /// A peer that we have refused goes on as if nothing was.
    Refused,
    /// A peer of a ZMTP that knows no mechanism, where one is wanted.
    TooOld,
    /// There is nobody to ask about the peer, and it is not let in unasked.
    NoAuthenticator,
    /// GSSAPI gives no security context with the peer, or no more use of one: nobody
    /// can prove who they are, or the tickets have come to their end.
    NoContext,
    /// The authenticator's reply is none.
    Reply(Fault),
    /// READY properties that break their grammar or their limits.
    InvalidMetadata,
    /// Socket types that do not talk to each other.
    IncompatibleSocketType,
    /// The peer refused us with an ERROR command, for this reason.
    PeerError(Vec<u8>),
    /// The handshake wants more bytes than any handshake needs: a command, or
    /// the identity of an old peer.
    HandshakeTooLarge,
    /// A command in traffic is longer than any command needs to be.
    CommandTooLarge,
    /// A message is longer than we accept, or than any memory.
    MessageTooLarge,
    /// There was no memory for a message.
    OutOfMemory,
    /// The peer did not do something in time.
    TimedOut(TimeOut),
}

/// Which time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeOut {
    /// Greeting and handshake took longer than we allow.
    Handshake,
    /// The peer was silent after our PING, or longer than its own PING said.
    Heartbeat,
}

impl ProtocolError {
    /// Whether a connecting session gives up for good, as libzmq does: trying
    /// again would end in the same way. Lack of memory and time-outs may change,
    /// an authenticator may come, and so may credentials and a KDC.
    pub fn is_fatal_for_connecter(&self) -> bool {
        match self {
            ProtocolError::OutOfMemory
            | ProtocolError::TimedOut(_)
            | ProtocolError::NoncesSpent
            | ProtocolError::NoRandomness
            | ProtocolError::NoAuthenticator
            | ProtocolError::NoContext => false,
            ProtocolError::MechanismMismatch
            | ProtocolError::UnexpectedCommand
            | ProtocolError::MalformedFrame
            | ProtocolError::MalformedCommand
            | ProtocolError::MalformedError
            | ProtocolError::MalformedHello
            | ProtocolError::MalformedWelcome
            | ProtocolError::MalformedInitiate
            | ProtocolError::MalformedReady
            | ProtocolError::MalformedMessage
            | ProtocolError::InvalidReady
            | ProtocolError::Forged
            | ProtocolError::InvalidSequence
            | ProtocolError::KeyExchange
            | ProtocolError::UnusableKey
            | ProtocolError::Untimely
            | ProtocolError::Refused
            | ProtocolError::TooOld
            | ProtocolError::Reply(_)
            | ProtocolError::InvalidMetadata
            | ProtocolError::IncompatibleSocketType
            | ProtocolError::PeerError(_)
            | ProtocolError::HandshakeTooLarge
            | ProtocolError::CommandTooLarge
            | ProtocolError::MessageTooLarge => true,
        }
    }

    /// The value of `ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL` if that event tells
    /// of this error during the handshake (a `ZMQ_PROTOCOL_ERROR_*`). libzmq
    /// reports neither bad metadata, nor incompatible socket types, nor frames
    /// that are too large this way.
    pub fn protocol_code(&self) -> Option<u32> {
        Some(match self {
            ProtocolError::Untimely => 0x1000_0000,
            ProtocolError::UnexpectedCommand => 0x1000_0001,
            ProtocolError::InvalidSequence => 0x1000_0002,
            ProtocolError::KeyExchange => 0x1000_0003,
            ProtocolError::MalformedCommand => 0x1000_0011,
            ProtocolError::MalformedMessage => 0x1000_0012,
            ProtocolError::MalformedHello => 0x1000_0013,
            ProtocolError::MalformedInitiate => 0x1000_0014,
            ProtocolError::MalformedError => 0x1000_0015,
            ProtocolError::MalformedReady => 0x1000_0016,
            ProtocolError::MalformedWelcome => 0x1000_0017,
            ProtocolError::InvalidReady => 0x1000_0018,
            ProtocolError::Forged | ProtocolError::UnusableKey => 0x1100_0001,
            ProtocolError::MechanismMismatch => 0x1100_0002,
            ProtocolError::Reply(Fault::Delimiter) => 0x2000_0000,
            ProtocolError::Reply(Fault::Frames) => 0x2000_0001,
            ProtocolError::Reply(Fault::RequestId) => 0x2000_0002,
            ProtocolError::Reply(Fault::Version) => 0x2000_0003,
            ProtocolError::Reply(Fault::Status) => 0x2000_0004,
            ProtocolError::Reply(Fault::Metadata) => 0x2000_0005,
            _ => return None,
        })
    }

    /// The value of `ZMQ_EVENT_HANDSHAKE_FAILED_AUTH` if the peer refused us
    /// with a status code of RFC 27: 300, 400 or 500.
    pub fn authentication_status(&self) -> Option<u32> {
        match self {
            ProtocolError::PeerError(reason) => match reason.as_slice() {
                b"300" => Some(300),
                b"400" => Some(400),
                b"500" => Some(500),
                _ => None,
            },
            _ => None,
        }
    }

    /// The errno that comes closest.
    pub fn errno(&self) -> Errno {
        match self {
            ProtocolError::MessageTooLarge => Errno::EMSGSIZE,
            ProtocolError::OutOfMemory => Errno::ENOMEM,
            ProtocolError::TimedOut(_) => Errno::ETIMEDOUT,
            ProtocolError::NoAuthenticator => Errno::EFAULT,
            ProtocolError::NoContext => Errno::EACCES,
            _ => Errno::EPROTO,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProtocolError::MechanismMismatch => "the peer wants another security mechanism",
            ProtocolError::UnexpectedCommand => "unexpected command in the handshake",
            ProtocolError::MalformedFrame => "malformed frame",
            ProtocolError::MalformedCommand => "malformed command",
            ProtocolError::MalformedError => "malformed ERROR command",
            ProtocolError::MalformedHello => "malformed HELLO command",
            ProtocolError::MalformedWelcome => "malformed WELCOME command",
            ProtocolError::MalformedInitiate => "malformed INITIATE command",
            ProtocolError::MalformedReady => "malformed READY command",
            ProtocolError::MalformedMessage => "malformed MESSAGE command",
            ProtocolError::InvalidReady => "invalid metadata in READY",
            ProtocolError::Forged => "a box that does not open",
            ProtocolError::InvalidSequence => "a nonce that was used before",
            ProtocolError::KeyExchange => "a vouch for other keys",
            ProtocolError::UnusableKey => "the server's key is none",
            ProtocolError::NoncesSpent => "no nonces left",
            ProtocolError::NoRandomness => "no random bytes",
            ProtocolError::Untimely => "a command that should have waited",
            ProtocolError::Refused => "the peer was refused",
            ProtocolError::TooOld => "the peer knows no security",
            ProtocolError::NoAuthenticator => "nobody to authenticate the peer",
            ProtocolError::NoContext => "no security context",
            ProtocolError::Reply(_) => "malformed reply of the authenticator",
            ProtocolError::InvalidMetadata => "invalid metadata",
            ProtocolError::IncompatibleSocketType => "incompatible socket types",
            ProtocolError::PeerError(reason) => {
                return write!(f, "refused by the peer: {}", reason.escape_ascii());
            }
            ProtocolError::HandshakeTooLarge => "handshake too large",
            ProtocolError::CommandTooLarge => "command too large",
            ProtocolError::MessageTooLarge => "message too large",
            ProtocolError::OutOfMemory => "no memory for a message",
            ProtocolError::TimedOut(TimeOut::Handshake) => "the handshake timed out",
            ProtocolError::TimedOut(TimeOut::Heartbeat) => "the peer's heartbeat stopped",
        })
    }
}

impl std::error::Error for ProtocolError {}
