//! The client's side of GSSAPI's handshake.

use super::{Agreement, Talks};
use crate::gssapi::{Errand, Outcome, Party};
use crate::zmtp::ProtocolError;
use crate::zmtp::cipher::Cipher;
use crate::zmtp::command::{self, Command};
use crate::zmtp::mechanism::{Desk, Mechanism, Progress, refusal};
use crate::zmtp::zap::Verdict;

/// The client's side.
pub(in crate::zmtp::mechanism) struct Client {
    state: State,
    plaintext: bool,
}

enum State {
    /// Tokens go back and forth.
    Negotiating(Talks),
    /// The server's READY is awaited, or all is done.
    Agreed(Agreement),
    /// What was agreed on is in use.
    Over,
}

impl Client {
    /// A client that has not said anything.
    pub(in crate::zmtp::mechanism) fn new(party: &dyn Party, plaintext: bool) -> Client {
        Client { state: State::Negotiating(Talks::initiate(party)), plaintext }
    }
}

impl Mechanism for Client {
    fn start(&mut self, _: Desk<'_>) -> Result<Progress, ProtocolError> {
        Ok(Progress::Blocks)
    }

    fn receive(&mut self, body: &[u8], desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        if let Some(Command { name: command::ERROR, data }) = Command::parse(body) {
            return Err(refusal(data));
        }
        match &mut self.state {
            State::Negotiating(talks) => talks.receive(body),
            State::Agreed(agreement) => {
                let peer = agreement.take_ready(body, desk.config.socket_type, desk.version)?;
                agreement.say_ready(desk.config, desk.output)?;
                Ok(Progress::Done(peer))
            }
            State::Over => Err(ProtocolError::Untimely),
        }
    }

    /// A client asks nobody.
    fn judged(&mut self, _: Verdict, _: Desk<'_>) -> Result<Progress, ProtocolError> {
        Ok(Progress::Pending)
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
            let context = established.context;
            self.state = State::Agreed(Agreement { context, plaintext: self.plaintext });
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
            State::Agreed(agreement) => agreement.into_cipher(),
            _ => None,
        }
    }
}
