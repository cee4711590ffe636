//! ZAP (RFC 27) without its socket: what is asked about a peer, and what the
//! authenticator's answer means. The request has the frames that libzmq sends,
//! the reply is taken as libzmq takes it.

use zeroize::Zeroizing;

use super::properties::{self, Property as Borrowed};
use super::{Config, ProtocolError};
use crate::message::Message;

/// The inproc name that the application's authenticator is bound to.
pub const AUTHENTICATOR: &str = "zeromq.zap.01";

/// The property under which messages tell whom the authenticator took the
/// peer for.
const USER_ID: &[u8] = b"User-Id";

const VERSION: &[u8] = b"1.0";
/// A pipe carries one request only, so that there is nothing to tell apart.
const REQUEST_ID: &[u8] = b"1";

/// A property, and its value.
pub type Property = (Vec<u8>, Vec<u8>);

/// What a socket says about ZAP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// `ZMQ_ZAP_DOMAIN`; empty: none. NULL asks nobody then, and other
    /// mechanisms ask with an empty one.
    pub domain: Vec<u8>,
    /// `ZMQ_ZAP_ENFORCE_DOMAIN`: nobody is asked without a domain, and nobody
    /// let in unasked with one.
    pub enforced: bool,
}

/// What a mechanism wants to know of a peer.
#[derive(Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// The mechanism's name.
    pub(super) mechanism: &'static [u8],
    /// What the peer offers, as the mechanism has it; wiped, since a password
    /// may be among it.
    pub(super) credentials: Vec<Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for Inquiry {
    /// Without the credentials: they may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Inquiry({})", self.mechanism.escape_ascii())
    }
}

impl Inquiry {
    /// The frames of the request about a peer at `address`, the delimiter
    /// included, which a REP takes off. The identity is our own, as libzmq's
    /// is: the peer's is not known yet.
    pub fn frames<'a>(&'a self, config: &'a Config, address: &'a str) -> Vec<&'a [u8]> {
        let head = [
            b"",
            VERSION,
            REQUEST_ID,
            &config.zap.domain,
            address.as_bytes(),
            &config.routing_id,
            self.mechanism,
        ];
        head.into_iter().chain(self.credentials.iter().map(|text| text.as_slice())).collect()
    }
}

/// What came of an inquiry.
pub enum Answer<'a> {
    /// The frames of a reply.
    Reply(&'a [Message]),
    /// There is nobody to ask.
    NoAuthenticator,
}

/// What the authenticator decided.
pub(super) enum Verdict {
    /// Status 200, with the user id and what else it said of the peer.
    Accepted(Vec<Property>),
    /// Status 300, 400 or 500.
    Refused(u16),
    /// There is nobody to ask.
    NoAuthenticator,
}

/// What is wrong with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not begin with an empty frame.
    Delimiter,
    /// It has not as many frames as the RFC says.
    Frames,
    /// It answers another request.
    RequestId,
    /// It is of another version.
    Version,
    /// The status is none of 200, 300, 400 and 500.
    Status,
    /// The metadata breaks its grammar, or has a socket type that ours does
    /// not talk to.
    Metadata,
}

impl Answer<'_> {
    /// Takes an answer apart.
    pub(super) fn verdict(&self, config: &Config) -> Result<Verdict, ProtocolError> {
        match self {
            Answer::Reply(frames) => verdict(frames, config).map_err(ProtocolError::Reply),
            Answer::NoAuthenticator => Ok(Verdict::NoAuthenticator),
        }
    }
}

fn verdict(frames: &[Message], config: &Config) -> Result<Verdict, Fault> {
    let [delimiter, version, request_id, status, _text, user_id, metadata] = frames else {
        return Err(Fault::Frames);
    };
    if !delimiter.is_empty() {
        return Err(Fault::Delimiter);
    }
    if version.data() != VERSION {
        return Err(Fault::Version);
    }
    if request_id.data() != REQUEST_ID {
        return Err(Fault::RequestId);
    }
    let refused = match status.data() {
        b"200" => None,
        b"300" => Some(300),
        b"400" => Some(400),
        b"500" => Some(500),
        _ => return Err(Fault::Status),
    };
    let mut vouched = vec![(USER_ID.to_vec(), user_id.data().to_vec())];
    for property in properties::split(metadata.data()) {
        let (name, value): Borrowed<'_> = property.ok_or(Fault::Metadata)?;
        properties::check_socket_type(name, value, config.socket_type)
            .map_err(|_| Fault::Metadata)?;
        vouched.push((name.to_vec(), value.to_vec()));
    }
    Ok(refused.map_or(Verdict::Accepted(vouched), Verdict::Refused))
}
