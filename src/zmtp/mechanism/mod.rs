//! Security mechanisms (RFC 37, "Authentication and Confidentiality"): the
//! state machines that turn the commands between greeting and traffic into a
//! peer's metadata. A mechanism is a variant here and a file beside this one.

mod null;

use super::command::Command;
use super::{Config, PeerInfo, ProtocolError, Version};
use null::Null;

/// Our half of a handshake in progress. A command consumes the state.
pub(super) enum Mechanism {
    /// No security (RFC 37).
    Null(Null),
}

/// The length of a mechanism's name in the greeting, padded with zeros.
pub(super) const NAME_LEN: usize = 20;

impl Mechanism {
    /// The only mechanism there is so far.
    pub(super) fn new() -> Mechanism {
        Mechanism::Null(Null)
    }

    /// The name in the greeting.
    pub(super) fn name(&self) -> &'static [u8] {
        match self {
            Mechanism::Null(_) => null::NAME,
        }
    }

    /// Appends what we say unasked once the greetings are exchanged.
    pub(super) fn start(&mut self, config: &Config, output: &mut Vec<u8>) {
        match self {
            Mechanism::Null(null) => null.start(config, output),
        }
    }

    /// Takes a command of the peer's. NULL knows after the first one.
    pub(super) fn receive(
        self,
        command: Command<'_>,
        config: &Config,
        version: Version,
    ) -> Result<PeerInfo, ProtocolError> {
        match self {
            Mechanism::Null(null) => null.receive(command, config, version),
        }
    }
}
