//! The server's side of GSSAPI's handshake.

use super::{Agreement, NAME, Talks};
use crate::gssapi::{Errand, Outcome, Party};
use crate::zmtp::ProtocolError;
use crate::zmtp::cipher::Cipher;
use crate::zmtp::command;
use crate::zmtp::mechanism::null::LOWEST_TOLD;
use crate::zmtp::mechanism::{Desk, Mechanism, Progress, reason};
use crate::zmtp::zap::{Inquiry, Property, Verdict};

/// The server's side.
pub(in crate::zmtp::mechanism) struct Server {
    state: State,
    plaintext: bool,
}

enum State {
    /// Tokens go back and forth.
    Negotiating(Talks),
    /// Our last token was sent: the client, whose name is here, is to say that it has
    /// taken it.
    Told(Agreement, Vec<u8>),
    /// The authenticator's verdict is awaited.
    Verdict(Agreement),
    /// The client's READY is awaited; what the authenticator said of it is here. Or
    /// all is done.
    Agreed(Agreement, Vec<Property>),
    /// The client was refused, or what was agreed on is in use.
    Over,
}

impl Server {
    /// A server to which nothing was said.
    pub(in crate::zmtp::mechanism) fn new(party: &dyn Party, plaintext: bool) -> Server {
        Server { state: State::Negotiating(Talks::accept(party)), plaintext }
    }

    /// Lets the client in.
    fn admit(&mut self, vouched: Vec<Property>, desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        if let State::Verdict(mut agreement) = std::mem::replace(&mut self.state, State::Over) {
            agreement.say_ready(desk.config, desk.output)?;
            self.state = State::Agreed(agreement, vouched);
        }
        Ok(Progress::Pending)
    }
}

impl Mechanism for Server {
    fn start(&mut self, _: Desk<'_>) -> Result<Progress, ProtocolError> {
        Ok(Progress::Pending)
    }

    fn receive(&mut self, body: &[u8], desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Negotiating(mut talks) => {
                let progress = talks.receive(body)?;
                self.state = State::Negotiating(talks);
                Ok(progress)
            }
            // Whatever it says: what counts is that it goes on, as with libzmq.
            State::Told(agreement, name) => {
                self.state = State::Verdict(agreement);
                Ok(Progress::Ask(Inquiry { mechanism: NAME, credentials: vec![name.into()] }))
            }
            State::Agreed(mut agreement, vouched) => {
                let mut peer = agreement.take_ready(body, desk.config.socket_type, desk.version)?;
                peer.vouched = vouched;
                self.state = State::Agreed(agreement, Vec::new());
                Ok(Progress::Done(peer))
            }
            // It had to wait, or to go.
            State::Verdict(_) | State::Over => Err(ProtocolError::Untimely),
        }
    }

    fn judged(&mut self, verdict: Verdict, desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        match verdict {
            Verdict::Accepted(vouched) => self.admit(vouched, desk),
            Verdict::NoAuthenticator if desk.config.zap.enforced => {
                Err(ProtocolError::NoAuthenticator)
            }
            Verdict::NoAuthenticator => self.admit(Vec::new(), desk),
            Verdict::Refused(status) => {
                if status >= LOWEST_TOLD {
                    command::encode(command::ERROR, &reason(status), desk.output);
                }
                self.state = State::Over;
                Ok(Progress::Refused(status))
            }
        }
    }

    fn errand(&mut self) -> Option<Errand> {
        match &mut self.state {
            State::Negotiating(talks) => talks.errand(),
            _ => None,
        }
    }

    fn ran(&mut self, outcome: Outcome, desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        if let State::Negotiating(talks) = &mut self.state
            && let Some(established) = talks.ran(outcome, desk.output)?
        {
            let agreement = Agreement { context: established.context, plaintext: self.plaintext };
            self.state = State::Told(agreement, established.initiator);
        }
        Ok(Progress::Pending)
    }

    fn listens(&self) -> bool {
        match &self.state {
            State::Negotiating(talks) => talks.listen(),
            _ => true,
        }
    }

    fn cipher(&mut self) -> Option<Box<dyn Cipher>> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Agreed(agreement, _) => agreement.into_cipher(),
            _ => None,
        }
    }
}
