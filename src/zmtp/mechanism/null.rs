//! The NULL mechanism (RFC 37): each side sends READY with its metadata; no
//! authentication, no confidentiality. Like libzmq, neither side waits for
//! the other's READY before it sends its own.

use crate::zmtp::command::{self, Command};
use crate::zmtp::{Config, PeerInfo, ProtocolError, Version, properties};

/// The name in the greeting.
pub(super) const NAME: &[u8] = b"NULL";

/// Our READY is on its way and the peer's is awaited.
pub(in crate::zmtp) struct Null;

impl Null {
    /// Appends our READY.
    pub(super) fn start(&mut self, config: &Config, output: &mut Vec<u8>) {
        let mut metadata = Vec::new();
        properties::encode(config, &mut metadata);
        command::encode(command::READY, &metadata, output);
    }

    /// Takes the peer's READY or ERROR.
    pub(super) fn receive(
        self,
        command: Command<'_>,
        config: &Config,
        version: Version,
    ) -> Result<PeerInfo, ProtocolError> {
        match command.name {
            command::READY => properties::decode(command.data, config.socket_type, version),
            command::ERROR => Err(refusal(command.data)),
            _ => Err(ProtocolError::UnexpectedCommand),
        }
    }
}

/// What an ERROR command tells: its reason is led by its length, and what
/// follows the reason is ignored.
fn refusal(data: &[u8]) -> ProtocolError {
    data.split_first()
        .and_then(|(len, rest)| rest.get(..usize::from(*len)))
        .map_or(ProtocolError::MalformedError, |reason| ProtocolError::PeerError(reason.to_vec()))
}
