//! The PLAIN mechanism (RFC 24): the client says HELLO with a name and a
//! password, the server has an authenticator judge them (RFC 27) and answers
//! WELCOME or an ERROR; then INITIATE and READY exchange metadata. Nothing is
//! encrypted.

use zeroize::Zeroizing;

use super::null::LOWEST_TOLD;
use super::{Desk, Mechanism, Progress, check_command, reason, refusal};
use crate::zmtp::zap::{Inquiry, Property, Verdict};
use crate::zmtp::{ProtocolError, command, frame, properties};

/// The name in the greeting.
pub(super) const NAME: &[u8] = b"PLAIN";

const HELLO: &[u8] = b"HELLO";
const WELCOME: &[u8] = b"WELCOME";
const INITIATE: &[u8] = b"INITIATE";

/// What libzmq writes, since 4.3.0, where `\x05ERROR` is meant, and takes for
/// it under PLAIN: the E got lost in the byte before it.
const ERROR_OF_LIBZMQ: &[u8] = b"^RROR";

/// The server's side.
#[derive(Default)]
pub(super) enum Server {
    /// The client's HELLO is awaited.
    #[default]
    Hello,
    /// The authenticator's verdict is awaited.
    Verdict,
    /// The client's INITIATE is awaited. What the authenticator said of it is here.
    Initiate(Vec<Property>),
    /// The client was refused.
    Refused,
}

impl Mechanism for Server {
    fn start(&mut self, _: Desk<'_>) -> Result<Progress, ProtocolError> {
        Ok(Progress::Pending)
    }

    fn receive(&mut self, body: &[u8], desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        match self {
            Server::Hello => {
                check_command(body)?;
                let data = data_of(HELLO, body).ok_or(ProtocolError::UnexpectedCommand)?;
                let credentials = credentials(data).ok_or(ProtocolError::MalformedHello)?;
                *self = Server::Verdict;
                // Without a domain the RFC does not let us ask.
                let zap = &desk.config.zap;
                if zap.enforced && zap.domain.is_empty() {
                    return Err(ProtocolError::NoAuthenticator);
                }
                Ok(Progress::Ask(Inquiry { mechanism: NAME, credentials }))
            }
            Server::Initiate(vouched) => {
                let data = data_of(INITIATE, body).ok_or(ProtocolError::UnexpectedCommand)?;
                let config = desk.config;
                let mut peer = properties::decode(data, config.socket_type, desk.version)?;
                peer.vouched = std::mem::take(vouched);
                let mut metadata = Vec::new();
                properties::encode(config, &mut metadata);
                command::encode(command::READY, &metadata, desk.output);
                Ok(Progress::Done(peer))
            }
            // It had to wait.
            Server::Verdict | Server::Refused => Err(ProtocolError::Untimely),
        }
    }

    fn judged(&mut self, verdict: Verdict, desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        match verdict {
            Verdict::Accepted(vouched) => {
                command::encode(WELCOME, b"", desk.output);
                *self = Server::Initiate(vouched);
                Ok(Progress::Pending)
            }
            Verdict::Refused(status) => {
                if status >= LOWEST_TOLD {
                    let body = [ERROR_OF_LIBZMQ, &reason(status)].concat();
                    frame::encode_header(frame::COMMAND, body.len(), desk.output);
                    desk.output.extend_from_slice(&body);
                }
                *self = Server::Refused;
                Ok(Progress::Refused(status))
            }
            // Nobody can tell whether the password is right.
            Verdict::NoAuthenticator => Err(ProtocolError::NoAuthenticator),
        }
    }
}

/// The client's side.
pub(super) struct Client {
    /// Name and password, each led by its length.
    hello: Zeroizing<Vec<u8>>,
    welcome: bool,
}

impl Client {
    pub(super) fn new(username: &[u8], password: &[u8]) -> Client {
        // Room for all, so that nothing secret is left behind by moving.
        let mut hello = Zeroizing::new(Vec::with_capacity(2 + username.len() + password.len()));
        for text in [username, password] {
            let text = &text[..text.len().min(usize::from(u8::MAX))];
            hello.push(text.len() as u8);
            hello.extend_from_slice(text);
        }
        Client { hello, welcome: false }
    }
}

impl Mechanism for Client {
    fn start(&mut self, desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        command::encode(HELLO, &self.hello, desk.output);
        self.hello = Zeroizing::default();
        Ok(Progress::Pending)
    }

    fn receive(&mut self, body: &[u8], desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        let config = desk.config;
        let error = data_of(command::ERROR, body).or(body.strip_prefix(ERROR_OF_LIBZMQ));
        if let Some(reason) = error {
            return Err(refusal(reason));
        }
        if self.welcome {
            let data = data_of(command::READY, body).ok_or(ProtocolError::UnexpectedCommand)?;
            let peer = properties::decode(data, config.socket_type, desk.version);
            return peer.map(Progress::Done).map_err(|_| ProtocolError::InvalidReady);
        }
        match data_of(WELCOME, body) {
            Some([]) => {}
            Some(_) => return Err(ProtocolError::MalformedWelcome),
            None => return Err(ProtocolError::UnexpectedCommand),
        }
        self.welcome = true;
        let mut metadata = Vec::new();
        properties::encode(config, &mut metadata);
        command::encode(INITIATE, &metadata, desk.output);
        Ok(Progress::Pending)
    }

    /// A client asks nobody.
    fn judged(&mut self, _: Verdict, _: Desk<'_>) -> Result<Progress, ProtocolError> {
        Ok(Progress::Pending)
    }
}

/// What follows the name of this command.
fn data_of<'a>(name: &[u8], body: &'a [u8]) -> Option<&'a [u8]> {
    let command = command::Command::parse(body)?;
    (command.name == name).then_some(command.data)
}

/// A name and a password, and nothing else.
fn credentials(data: &[u8]) -> Option<Vec<Zeroizing<Vec<u8>>>> {
    let (username, rest) = split_text(data)?;
    let (password, rest) = split_text(rest)?;
    rest.is_empty().then(|| [username, password].map(|text| Zeroizing::new(text.to_vec())).into())
}

/// A text that is led by its length, and what follows it.
fn split_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*len))
}
