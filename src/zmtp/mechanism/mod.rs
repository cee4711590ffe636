//! Security mechanisms (RFC 37, "Authentication and Confidentiality"): the
//! state machines that turn the commands between greeting and traffic into a
//! peer's metadata. A mechanism is a variant of [`Security`] and a file beside
//! this one.

mod curve;
mod gssapi;
mod null;
mod plain;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::cipher::Cipher;
use super::zap::{Inquiry, Verdict};
use super::{Config, PeerInfo, ProtocolError, Version};
use crate::curve_keys::{KEY_BYTES, SecretKey};
use crate::gssapi::{Errand, Outcome, Party};

/// The mechanism that a side has chosen, with what it needs to know.
#[derive(Clone)]
pub enum Security {
    /// No security (RFC 37).
    Null,
    /// A server that lets an authenticator judge names and passwords (RFC 24).
    PlainServer,
    /// A client with a name and a password, of at most 255 bytes each.
    PlainClient {
        /// The name.
        username: Zeroizing<Vec<u8>>,
        /// The password.
        password: Zeroizing<Vec<u8>>,
    },
    /// A server with a secret key, which its clients know the public half of; it
    /// lets an authenticator judge their public keys (RFC 25, RFC 26).
    CurveServer {
        /// Its public key.
        public_key: [u8; KEY_BYTES],
        /// The secret key that belongs to it.
        secret_key: SecretKey,
    },
    /// A client with a pair of keys, which knows the server's public one.
    CurveClient {
        /// Its public key.
        public_key: [u8; KEY_BYTES],
        /// The secret key that belongs to it.
        secret_key: SecretKey,
        /// The server's public key.
        server_key: [u8; KEY_BYTES],
    },
    /// A side of GSSAPI (RFC 38).
    Gssapi {
        /// Whether it accepts, and lets an authenticator judge its clients' names.
        serves: bool,
        /// Who it is.
        party: Arc<dyn Party>,
        /// Messages travel as they are, once the peer is known.
        plaintext: bool,
    },
}

/// What a command, or an authenticator's verdict, leads to.
pub(super) enum Progress {
    /// Nothing yet: the peer or the authenticator has to say more.
    Pending,
    /// The authenticator is to be asked; [`Mechanism::judged`] will be called.
    Ask(Inquiry),
    /// A step has to be taken that may block: [`Mechanism::errand`] has it, and
    /// [`Mechanism::ran`] will be called.
    Blocks,
    /// The peer was refused with this status of RFC 27. Nothing more is
    /// expected of it but that it goes.
    Refused(u16),
    /// The handshake is done.
    Done(PeerInfo),
}

/// What a mechanism works with.
pub(super) struct Desk<'a> {
    /// Our own side.
    pub(super) config: &'a Config,
    /// What the peer announced.
    pub(super) version: Version,
    /// Takes the commands that go to the peer.
    pub(super) output: &'a mut Vec<u8>,
}

/// Our half of a handshake in progress. An error ends the connection; no call
/// follows it.
pub(super) trait Mechanism: Send {
    /// The greetings are exchanged: appends what we say unasked.
    fn start(&mut self, desk: Desk<'_>) -> Result<Progress, ProtocolError>;

    /// Takes the body of a frame of the peer's. Every frame counts as a
    /// command here, whatever its flags say, as with libzmq.
    fn receive(&mut self, body: &[u8], desk: Desk<'_>) -> Result<Progress, ProtocolError>;

    /// Takes the answer to [`Progress::Ask`]. Commands of the peer's may have
    /// come meanwhile.
    fn judged(&mut self, verdict: Verdict, desk: Desk<'_>) -> Result<Progress, ProtocolError>;

    /// The step of [`Progress::Blocks`], once.
    fn errand(&mut self) -> Option<Errand> {
        None
    }

    /// Takes what came of it.
    fn ran(&mut self, _: Outcome, _: Desk<'_>) -> Result<Progress, ProtocolError> {
        Ok(Progress::Pending)
    }

    /// Whether the peer's next frame is a command for this mechanism. While it
    /// is not, what the peer sends stays unread.
    fn listens(&self) -> bool {
        true
    }

    /// What encodes and decodes the traffic, asked once the handshake is done;
    /// `None` when messages travel as they are.
    fn cipher(&mut self) -> Option<Box<dyn Cipher>> {
        None
    }
}

/// The length of a mechanism's name in the greeting, padded with zeros.
pub(super) const NAME_LEN: usize = 20;

impl Security {
    /// The name in the greeting and in requests to an authenticator.
    pub fn name(&self) -> &'static [u8] {
        match self {
            Security::Null => null::NAME,
            Security::PlainServer | Security::PlainClient { .. } => plain::NAME,
            Security::CurveServer { .. } | Security::CurveClient { .. } => curve::NAME,
            Security::Gssapi { .. } => gssapi::NAME,
        }
    }

    /// Our half of a handshake that begins.
    pub(super) fn mechanism(&self) -> Box<dyn Mechanism> {
        match self {
            Security::Null => Box::new(null::Null::default()),
            Security::PlainServer => Box::new(plain::Server::default()),
            Security::PlainClient { username, password } => {
                Box::new(plain::Client::new(username, password))
            }
            Security::CurveServer { .. } => Box::new(curve::Server::default()),
            Security::CurveClient { .. } => Box::new(curve::Client::default()),
            Security::Gssapi { serves: true, party, plaintext } => {
                Box::new(gssapi::Server::new(&**party, *plaintext))
            }
            Security::Gssapi { serves: false, party, plaintext } => {
                Box::new(gssapi::Client::new(&**party, *plaintext))
            }
        }
    }
}

impl fmt::Debug for Security {
    /// The name alone: what is secret stays so.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Security::Null => "Null",
            Security::PlainServer => "PlainServer",
            Security::PlainClient { .. } => "PlainClient",
            Security::CurveServer { .. } => "CurveServer",
            Security::CurveClient { .. } => "CurveClient",
            Security::Gssapi { serves: true, .. } => "GssapiServer",
            Security::Gssapi { serves: false, .. } => "GssapiClient",
        })
    }
}

/// Whether a body may be a command: it has a name, and something behind it.
fn check_command(body: &[u8]) -> Result<(), ProtocolError> {
    let name = body.first().map(|len| usize::from(*len));
    if name.is_some_and(|name| body.len() > name.max(1)) {
        Ok(())
    } else {
        Err(ProtocolError::MalformedCommand)
    }
}

/// What an ERROR command tells after its name: a reason, led by its length;
/// what follows the reason is ignored.
fn refusal(data: &[u8]) -> ProtocolError {
    data.split_first()
        .and_then(|(len, rest)| rest.get(..usize::from(*len)))
        .map_or(ProtocolError::MalformedError, |reason| ProtocolError::PeerError(reason.to_vec()))
}

/// The data of an ERROR command for a status of RFC 27.
fn reason(status: u16) -> Vec<u8> {
    let text = status.to_string();
    [&[text.len() as u8], text.as_bytes()].concat()
}
