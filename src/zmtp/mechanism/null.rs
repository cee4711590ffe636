//! The NULL mechanism (RFC 37): each side sends READY with its metadata; no
//! authentication beyond what an authenticator makes of the peer's address, no
//! confidentiality. Like libzmq, neither side waits for the other's READY
//! before it sends its own, and either side asks the authenticator where a
//! domain is set.

use super::{Desk, Mechanism, Progress, reason, refusal};
use crate::zmtp::command::{self, Command};
use crate::zmtp::zap::{Inquiry, Property, Verdict};
use crate::zmtp::{PeerInfo, ProtocolError, properties};

/// The name in the greeting.
pub(super) const NAME: &[u8] = b"NULL";

/// The lowest status that the peer is told of; a temporary one (300) it has to
/// find out by waiting in vain.
pub(super) const LOWEST_TOLD: u16 = 400;

/// Our READY and the peer's are awaited, in any order.
#[derive(Default)]
pub(super) struct Null {
    admission: Admission,
    peer: Option<PeerInfo>,
}

/// What the authenticator makes of the peer.
#[derive(Default)]
enum Admission {
    #[default]
    Awaited,
    /// Our READY is out. What the authenticator said of the peer is here until
    /// the handshake is done.
    Granted(Vec<Property>),
    /// The peer was told so, or not.
    Refused { told: bool },
}

impl Null {
    /// Appends our READY.
    fn admit(&mut self, vouched: Vec<Property>, desk: Desk<'_>) -> Progress {
        let mut metadata = Vec::new();
        properties::encode(desk.config, &mut metadata);
        command::encode(command::READY, &metadata, desk.output);
        self.admission = Admission::Granted(vouched);
        self.finish()
    }

    /// Both READYs are needed.
    fn finish(&mut self) -> Progress {
        match (&mut self.admission, &mut self.peer) {
            (Admission::Granted(vouched), Some(peer)) => {
                peer.vouched = std::mem::take(vouched);
                Progress::Done(std::mem::take(peer))
            }
            _ => Progress::Pending,
        }
    }
}

impl Mechanism for Null {
    fn start(&mut self, desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        if desk.config.zap.domain.is_empty() {
            return Ok(self.admit(Vec::new(), desk));
        }
        Ok(Progress::Ask(Inquiry { mechanism: NAME, credentials: Vec::new() }))
    }

    fn receive(&mut self, body: &[u8], desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        let command = Command::parse(body).ok_or(ProtocolError::UnexpectedCommand)?;
        match command.name {
            _ if matches!(self.admission, Admission::Refused { told: true }) => {
                Err(ProtocolError::Refused)
            }
            command::READY => {
                let socket_type = desk.config.socket_type;
                self.peer = Some(properties::decode(command.data, socket_type, desk.version)?);
                Ok(self.finish())
            }
            command::ERROR => Err(refusal(command.data)),
            _ => Err(ProtocolError::UnexpectedCommand),
        }
    }

    fn judged(&mut self, verdict: Verdict, desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        match verdict {
            Verdict::Accepted(vouched) => Ok(self.admit(vouched, desk)),
            Verdict::NoAuthenticator if desk.config.zap.enforced => {
                Err(ProtocolError::NoAuthenticator)
            }
            Verdict::NoAuthenticator => Ok(self.admit(Vec::new(), desk)),
            Verdict::Refused(status) => {
                let told = status >= LOWEST_TOLD;
                if told {
                    command::encode(command::ERROR, &reason(status), desk.output);
                }
                self.admission = Admission::Refused { told };
                Ok(Progress::Refused(status))
            }
        }
    }

    /// What follows the peer's READY is traffic, unless it was refused.
    fn listens(&self) -> bool {
        self.peer.is_none() || matches!(self.admission, Admission::Refused { told: true })
    }
}
