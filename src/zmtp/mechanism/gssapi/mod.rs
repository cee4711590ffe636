//! The mechanism GSSAPI (RFC 38, which leaves most to libzmq): INITIATE commands
//! carry the tokens of a negotiation back and forth, beginning with the client's.
//! Whoever's negotiation is over first says so by its last token, the client by an
//! empty command if it has none; then the server has an authenticator judge the
//! client's name, and READY commands exchange metadata, the server's first. From then
//! on each frame travels wrapped in a MESSAGE, and so do the READYs; with
//! `ZMQ_GSSAPI_PLAINTEXT`, which both sides have to agree on, nothing does.
//!
//! Steps of a negotiation may block. They are errands ([`Progress::Blocks`]), which
//! whoever drives the connection has run elsewhere; while one is, the peer's bytes
//! wait unread.

mod cipher;
mod client;
mod server;

pub(super) use client::Client;
pub(super) use server::Server;

use super::super::cipher::Cipher;
use super::super::{Config, PeerInfo, ProtocolError, Version, command, frame, properties};
use super::{Progress, check_command};
use crate::gssapi::{Context, Errand, Established, Failed, Negotiation, Outcome, Party};
use crate::socket_type::SocketType;

/// The name in the greeting.
pub(super) const NAME: &[u8] = b"GSSAPI";

const INITIATE: &[u8; 9] = b"\x08INITIATE";
const MESSAGE: &[u8; 8] = b"\x07MESSAGE";

/// What has been negotiated so far.
struct Talks {
    initiates: bool,
    stage: Stage,
}

enum Stage {
    /// A step is to be taken.
    Due(Box<dyn Negotiation>, Vec<u8>),
    /// A step is being taken.
    Away,
    /// The peer's next token is awaited.
    Waiting(Box<dyn Negotiation>),
}

impl Talks {
    /// Talks that begin with us.
    fn initiate(party: &dyn Party) -> Talks {
        Talks { initiates: true, stage: Stage::Due(party.negotiation(), Vec::new()) }
    }

    /// Talks that begin with the peer.
    fn accept(party: &dyn Party) -> Talks {
        Talks { initiates: false, stage: Stage::Waiting(party.negotiation()) }
    }

    /// Whether the peer is to speak.
    fn listen(&self) -> bool {
        matches!(self.stage, Stage::Waiting(_))
    }

    /// Takes an INITIATE of the peer's.
    fn receive(&mut self, body: &[u8]) -> Result<Progress, ProtocolError> {
        check_command(body)?;
        let data = body.strip_prefix(INITIATE).ok_or(ProtocolError::UnexpectedCommand)?;
        let token = counted(data).ok_or(ProtocolError::MalformedInitiate)?;
        let Stage::Waiting(negotiation) = std::mem::replace(&mut self.stage, Stage::Away) else {
            return Err(ProtocolError::Untimely);
        };
        self.stage = Stage::Due(negotiation, token.to_vec());
        Ok(Progress::Blocks)
    }

    /// The step to be taken.
    fn errand(&mut self) -> Option<Errand> {
        match std::mem::replace(&mut self.stage, Stage::Away) {
            Stage::Due(negotiation, token) => {
                Some(Errand { initiates: self.initiates, negotiation, token })
            }
            other => {
                self.stage = other;
                None
            }
        }
    }

    /// The step was taken. Appends our token, if there is one; gives what was
    /// negotiated, if that was all.
    fn ran(
        &mut self,
        outcome: Outcome,
        output: &mut Vec<u8>,
    ) -> Result<Option<Established>, ProtocolError> {
        let step = outcome.step?;
        if !step.token.is_empty() {
            let len = u32::try_from(step.token.len()).map_err(|_| ProtocolError::NoContext)?;
            frame::encode_header(frame::COMMAND, INITIATE.len() + 4 + step.token.len(), output);
            output.extend_from_slice(INITIATE);
            output.extend_from_slice(&len.to_be_bytes());
            output.extend_from_slice(&step.token);
        } else if self.initiates && step.established.is_some() {
            // libzmq's server waits for something.
            frame::encode_header(frame::COMMAND, 0, output);
        }
        if step.established.is_none() {
            self.stage = Stage::Waiting(outcome.negotiation);
        }
        Ok(step.established)
    }
}

/// A context that was negotiated, on its way into traffic.
struct Agreement {
    context: Box<dyn Context>,
    /// What the socket said about it: nothing is wrapped.
    plaintext: bool,
}

impl Agreement {
    /// Appends our READY.
    fn say_ready(&mut self, config: &Config, output: &mut Vec<u8>) -> Result<(), ProtocolError> {
        let mut metadata = Vec::new();
        properties::encode(config, &mut metadata);
        if self.plaintext {
            command::encode(command::READY, &metadata, output);
            return Ok(());
        }
        // That it is a command goes without saying.
        let ready = [&command::led_name(command::READY)[..], &metadata].concat();
        cipher::wrap(&mut *self.context, frame::COMMAND, 0, &[&ready], output)
    }

    /// Takes the peer's READY.
    fn take_ready(
        &mut self,
        body: &[u8],
        socket_type: SocketType,
        version: Version,
    ) -> Result<PeerInfo, ProtocolError> {
        let opened;
        let ready = if self.plaintext {
            body
        } else {
            opened = cipher::unwrap(&mut *self.context, body)?;
            cipher::split(&opened)?.1
        };
        check_command(ready)?;
        let metadata = match command::Command::parse(ready) {
            Some(command) if command.name == command::READY => command.data,
            _ => return Err(ProtocolError::UnexpectedCommand),
        };
        properties::decode(metadata, socket_type, version).map_err(|_| ProtocolError::InvalidReady)
    }

    /// What wraps the traffic, if anything does.
    fn into_cipher(self) -> Option<Box<dyn Cipher>> {
        if self.plaintext { None } else { Some(Box::new(cipher::MessageCipher(self.context))) }
    }
}

/// What is led by its length in four bytes, and is all there is.
fn counted(data: &[u8]) -> Option<&[u8]> {
    let (len, rest) = data.split_first_chunk()?;
    (u32::from_be_bytes(*len) as usize == rest.len()).then_some(rest)
}

impl From<Failed> for ProtocolError {
    fn from(_: Failed) -> ProtocolError {
        ProtocolError::NoContext
    }
}
