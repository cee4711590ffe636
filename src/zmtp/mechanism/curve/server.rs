//! The server's side of CURVE's handshake. What it knows of a client that has said
//! HELLO is in the cookie, which the client has to bring back; the server keeps
//! the cookie's key alone, one for each connection, so that no cookie is good for
//! another, and forgets it as soon as an INITIATE has come.
//!
//! A client that knows nothing costs one agreement on keys, to see that. One that
//! knows S, which is no secret, costs four in all; only then is the authenticator
//! asked.

use zeroize::Zeroizing;

use super::cipher::MessageCipher;
use super::{
    COOKIE, Conversation, Counters, HELLO, INITIATE, LONG_NONCE, PADDING, PAIR_BOX, READY,
    SHORT_NONCE, SIGNATURE, Side, VERSION, WELCOME, check_command, long_nonce, new_pair,
    random_nonce, seal, short_nonce, take,
};
use crate::crypto::{Forged, KEY_BYTES, Key, TAG_BYTES};
use crate::curve_keys::{self, SecretKey};
use crate::zmtp::cipher::Cipher;
use crate::zmtp::mechanism::null::LOWEST_TOLD;
use crate::zmtp::mechanism::{Desk, Mechanism, Progress, Security, reason};
use crate::zmtp::zap::{Inquiry, Property, Verdict};
use crate::zmtp::{Config, PeerInfo, ProtocolError, command, frame, properties};

/// A HELLO has this length, name included.
const HELLO_BODY: usize =
    HELLO.len() + VERSION.len() + PADDING + KEY_BYTES + SHORT_NONCE + TAG_BYTES + SIGNATURE;
/// What the box of an INITIATE has before the metadata: C and the vouch.
const CLIENT: usize = KEY_BYTES + LONG_NONCE + PAIR_BOX;
/// The shortest INITIATE, name included.
const SHORTEST_INITIATE: usize = INITIATE.len() + COOKIE + SHORT_NONCE + TAG_BYTES + CLIENT;

/// The server's side.
#[derive(Default)]
pub(in crate::zmtp::mechanism) enum Server {
    /// The client's HELLO is awaited.
    #[default]
    Hello,
    /// The client's INITIATE is awaited, with a cookie of this key.
    Welcome(Key, Counters),
    /// The authenticator's verdict is awaited.
    Verdict(Conversation, PeerInfo),
    /// The client is in.
    Ready(Conversation),
    /// The client was refused.
    Refused,
}

impl Server {
    /// Takes a HELLO, and answers with WELCOME.
    fn greet(body: &[u8], desk: Desk<'_>) -> Result<Server, ProtocolError> {
        let malformed = ProtocolError::MalformedHello;
        let mut hello = body.strip_prefix(HELLO).ok_or(ProtocolError::UnexpectedCommand)?;
        if body.len() != HELLO_BODY || take(&mut hello) != Some(&VERSION) {
            return Err(malformed);
        }
        let _padding: Option<&[u8; PADDING]> = take(&mut hello);
        let client: &[u8; KEY_BYTES] = take(&mut hello).ok_or(malformed.clone())?;
        let nonce = u64::from_be_bytes(*take(&mut hello).ok_or(malformed.clone())?);
        let key = Key::agree(secret_key(desk.config)?, client)?;
        let mut signature: [u8; TAG_BYTES + SIGNATURE] = hello.try_into().map_err(|_| malformed)?;
        key.open(&short_nonce(b"CurveZMQHELLO---", nonce), &mut signature)?;

        let (secret, public) = new_pair()?;
        let cookie_secret: SecretKey =
            curve_keys::random_bytes().map_err(|_| ProtocolError::NoRandomness)?;
        let cookie_key = Key::new(&cookie_secret);
        let cookie_nonce = random_nonce()?;
        let mut content = Vec::with_capacity(KEY_BYTES + COOKIE);
        content.extend_from_slice(&public);
        content.extend_from_slice(&cookie_nonce);
        let nonce_bytes = long_nonce(b"COOKIE--", &cookie_nonce);
        // Room was made, so that nothing secret is left behind by moving.
        seal(&cookie_key, &nonce_bytes, &mut content, &[client, &secret[..]]);

        let welcome_nonce = random_nonce()?;
        let mut welcome = Vec::new();
        welcome.extend_from_slice(WELCOME);
        welcome.extend_from_slice(&welcome_nonce);
        let nonce_bytes = long_nonce(b"WELCOME-", &welcome_nonce);
        seal(&key, &nonce_bytes, &mut welcome, &[&content]);
        frame::encode_header(frame::COMMAND, welcome.len(), desk.output);
        desk.output.extend_from_slice(&welcome);
        Ok(Server::Welcome(cookie_key, Counters { sent: 0, received: nonce }))
    }

    /// Takes an INITIATE: who the client is, and what it says of itself.
    fn identify(
        cookie_key: &Key,
        mut counters: Counters,
        body: &[u8],
        desk: &Desk<'_>,
    ) -> Result<(Conversation, [u8; KEY_BYTES], PeerInfo), ProtocolError> {
        let malformed = ProtocolError::MalformedInitiate;
        let mut initiate = body.strip_prefix(INITIATE).ok_or(ProtocolError::UnexpectedCommand)?;
        if body.len() < SHORTEST_INITIATE {
            return Err(malformed);
        }
        let cookie_nonce: &[u8; LONG_NONCE] = take(&mut initiate).ok_or(malformed.clone())?;
        let cookie: &[u8; PAIR_BOX] = take(&mut initiate).ok_or(malformed.clone())?;
        let nonce = u64::from_be_bytes(*take(&mut initiate).ok_or(malformed.clone())?);
        counters.check(nonce)?;

        // What is in the cookie is as secret as a key, so that its place is wiped as one.
        let mut cookie = Zeroizing::new(*cookie);
        let pair = cookie_key.open(&long_nonce(b"COOKIE--", cookie_nonce), &mut cookie[..])?;
        let (client, secret) = pair.split_first_chunk::<KEY_BYTES>().ok_or(Forged)?;
        let secret = secret.first_chunk::<KEY_BYTES>().ok_or(Forged)?;
        let key = Key::agree(secret, client)?;
        let mut sealed = initiate.to_vec();
        let mut opened: &[u8] = key.open(&short_nonce(b"CurveZMQINITIATE", nonce), &mut sealed)?;
        counters.received = nonce;

        let identity: &[u8; KEY_BYTES] = take(&mut opened).ok_or(malformed.clone())?;
        let vouch_nonce: &[u8; LONG_NONCE] = take(&mut opened).ok_or(malformed.clone())?;
        let mut vouch: [u8; PAIR_BOX] = *take(&mut opened).ok_or(malformed)?;
        let vouch_key = Key::agree(secret, identity)?;
        let vouched = vouch_key.open(&long_nonce(b"VOUCH---", vouch_nonce), &mut vouch)?;
        let (vouched_client, vouched_server) = vouched.split_at(KEY_BYTES);
        if vouched_client != client || vouched_server != public_key(desk.config)? {
            return Err(ProtocolError::KeyExchange);
        }
        let peer = properties::decode(opened, desk.config.socket_type, desk.version)?;
        Ok((Conversation { key, counters }, *identity, peer))
    }

    /// Lets the client in.
    fn admit(&mut self, vouched: Vec<Property>, desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        let Server::Verdict(mut conversation, mut peer) = std::mem::take(self) else {
            return Ok(Progress::Pending);
        };
        peer.vouched = vouched;
        let mut metadata = Vec::new();
        properties::encode(desk.config, &mut metadata);
        let nonce = conversation.counters.next()?;
        let mut body = Vec::new();
        body.extend_from_slice(READY);
        body.extend_from_slice(&nonce.to_be_bytes());
        let nonce = short_nonce(b"CurveZMQREADY---", nonce);
        seal(&conversation.key, &nonce, &mut body, &[&metadata]);
        frame::encode_header(frame::COMMAND, body.len(), desk.output);
        desk.output.extend_from_slice(&body);
        *self = Server::Ready(conversation);
        Ok(Progress::Done(peer))
    }
}

/// s.
fn secret_key(config: &Config) -> Result<&SecretKey, ProtocolError> {
    match &config.security {
        Security::CurveServer { secret_key, .. } => Ok(secret_key),
        _ => Err(ProtocolError::UnusableKey),
    }
}

/// S.
fn public_key(config: &Config) -> Result<&[u8], ProtocolError> {
    match &config.security {
        Security::CurveServer { public_key, .. } => Ok(public_key),
        _ => Err(ProtocolError::UnusableKey),
    }
}

impl Mechanism for Server {
    fn start(&mut self, _: Desk<'_>) -> Result<Progress, ProtocolError> {
        Ok(Progress::Pending)
    }

    fn receive(&mut self, body: &[u8], desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        check_command(body)?;
        match self {
            Server::Hello => {
                *self = Server::greet(body, desk)?;
                Ok(Progress::Pending)
            }
            Server::Welcome(cookie_key, counters) => {
                let (conversation, identity, peer) =
                    Server::identify(cookie_key, *counters, body, &desk)?;
                *self = Server::Verdict(conversation, peer);
                let zap = &desk.config.zap;
                if zap.enforced && zap.domain.is_empty() {
                    // Without a domain the RFC does not let us ask; who knows S is in.
                    return self.admit(Vec::new(), desk);
                }
                let credentials = vec![Zeroizing::new(identity.to_vec())];
                Ok(Progress::Ask(Inquiry { mechanism: super::NAME, credentials }))
            }
            // It had to wait.
            Server::Verdict(..) | Server::Ready(_) | Server::Refused => {
                Err(ProtocolError::Untimely)
            }
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
                *self = Server::Refused;
                Ok(Progress::Refused(status))
            }
        }
    }

    fn cipher(&mut self) -> Option<Box<dyn Cipher>> {
        match self {
            Server::Ready(conversation) => {
                Some(Box::new(MessageCipher::new(conversation, Side::Server)))
            }
            _ => None,
        }
    }
}
