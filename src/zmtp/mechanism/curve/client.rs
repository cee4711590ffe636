//! The client's side of CURVE's handshake.

use super::cipher::MessageCipher;
use super::{
    Conversation, Counters, ERROR, HELLO, INITIATE, LONG_NONCE, PADDING, READY, SHORT_NONCE,
    SIGNATURE, Side, VERSION, WELCOME, WELCOME_BOX, long_nonce, new_pair, random_nonce, seal,
    short_nonce, take,
};
use crate::crypto::{Forged, KEY_BYTES, Key, TAG_BYTES};
use crate::curve_keys::SecretKey;
use crate::zmtp::cipher::Cipher;
use crate::zmtp::mechanism::{Desk, Mechanism, Progress, Security, refusal};
use crate::zmtp::zap::Verdict;
use crate::zmtp::{Config, ProtocolError, frame, properties};

/// The client's side.
#[derive(Default)]
pub(in crate::zmtp::mechanism) enum Client {
    /// Nothing is said.
    #[default]
    Start,
    /// The server's WELCOME is awaited.
    Hello(Hello),
    /// The server's READY is awaited, or all is done.
    Initiate(Conversation),
}

/// What a HELLO was made with.
pub(in crate::zmtp::mechanism) struct Hello {
    /// c' and C'.
    secret: SecretKey,
    public: [u8; KEY_BYTES],
    /// Agreed on with C' and S.
    key: Key,
    counters: Counters,
}

/// The keys that a client was given: C, c, S.
fn keys(
    config: &Config,
) -> Result<(&[u8; KEY_BYTES], &SecretKey, &[u8; KEY_BYTES]), ProtocolError> {
    match &config.security {
        Security::CurveClient { public_key, secret_key, server_key } => {
            Ok((public_key, secret_key, server_key))
        }
        _ => Err(ProtocolError::UnusableKey),
    }
}

impl Hello {
    /// Says HELLO.
    fn say(desk: Desk<'_>) -> Result<Hello, ProtocolError> {
        let (_, _, server_key) = keys(desk.config)?;
        let (secret, public) = new_pair()?;
        let key = Key::agree(&secret, server_key).map_err(|_| ProtocolError::UnusableKey)?;
        let mut counters = Counters::default();
        let nonce = counters.next()?;
        let mut body = Vec::with_capacity(200);
        body.extend_from_slice(HELLO);
        body.extend_from_slice(&VERSION);
        body.extend_from_slice(&[0; PADDING]);
        body.extend_from_slice(&public);
        body.extend_from_slice(&nonce.to_be_bytes());
        let nonce = short_nonce(b"CurveZMQHELLO---", nonce);
        seal(&key, &nonce, &mut body, &[&[0; SIGNATURE]]);
        frame::encode_header(frame::COMMAND, body.len(), desk.output);
        desk.output.extend_from_slice(&body);
        Ok(Hello { secret, public, key, counters })
    }

    /// Takes a WELCOME, and answers with INITIATE. One of another length is a box
    /// that does not open, as libzmq has it.
    fn welcomed(
        &mut self,
        mut welcome: &[u8],
        desk: Desk<'_>,
    ) -> Result<Conversation, ProtocolError> {
        let nonce: &[u8; LONG_NONCE] = take(&mut welcome).ok_or(Forged)?;
        let mut sealed: [u8; WELCOME_BOX] = welcome.try_into().map_err(|_| Forged)?;
        let mut opened: &[u8] = self.key.open(&long_nonce(b"WELCOME-", nonce), &mut sealed)?;
        let server_transient: &[u8; KEY_BYTES] = take(&mut opened).ok_or(Forged)?;
        let cookie = opened;

        let (public_key, secret_key, server_key) = keys(desk.config)?;
        let key = Key::agree(&self.secret, server_transient)?;
        let vouch_key = Key::agree(secret_key, server_transient)?;
        let vouch_nonce = random_nonce()?;
        let mut content = Vec::new();
        content.extend_from_slice(public_key);
        content.extend_from_slice(&vouch_nonce);
        let nonce = long_nonce(b"VOUCH---", &vouch_nonce);
        seal(&vouch_key, &nonce, &mut content, &[&self.public, server_key]);
        properties::encode(desk.config, &mut content);

        let nonce = self.counters.next()?;
        let mut body = Vec::new();
        body.extend_from_slice(INITIATE);
        body.extend_from_slice(cookie);
        body.extend_from_slice(&nonce.to_be_bytes());
        seal(&key, &short_nonce(b"CurveZMQINITIATE", nonce), &mut body, &[&content]);
        frame::encode_header(frame::COMMAND, body.len(), desk.output);
        desk.output.extend_from_slice(&body);
        Ok(Conversation { key, counters: self.counters })
    }
}

impl Mechanism for Client {
    fn start(&mut self, desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        *self = Client::Hello(Hello::say(desk)?);
        Ok(Progress::Pending)
    }

    fn receive(&mut self, body: &[u8], desk: Desk<'_>) -> Result<Progress, ProtocolError> {
        if let Some(reason) = body.strip_prefix(ERROR) {
            return Err(refusal(reason));
        }
        if let Some(welcome) = body.strip_prefix(WELCOME) {
            // To one that was not asked for there is no key.
            let Client::Hello(hello) = self else { return Err(ProtocolError::Forged) };
            *self = Client::Initiate(hello.welcomed(welcome, desk)?);
            return Ok(Progress::Pending);
        }
        let ready = body.strip_prefix(READY).ok_or(ProtocolError::UnexpectedCommand)?;
        if ready.len() < SHORT_NONCE + TAG_BYTES {
            return Err(ProtocolError::MalformedReady);
        }
        let Client::Initiate(conversation) = self else { return Err(ProtocolError::Forged) };
        let mut sealed = ready.to_vec();
        let (nonce, sealed) = sealed.split_first_chunk_mut().ok_or(Forged)?;
        let nonce = u64::from_be_bytes(*nonce);
        let nonce_bytes = short_nonce(b"CurveZMQREADY---", nonce);
        let metadata = conversation.key.open(&nonce_bytes, sealed)?;
        conversation.counters.received = nonce;
        let peer = properties::decode(metadata, desk.config.socket_type, desk.version);
        peer.map(Progress::Done).map_err(|_| ProtocolError::InvalidReady)
    }

    /// A client asks nobody.
    fn judged(&mut self, _: Verdict, _: Desk<'_>) -> Result<Progress, ProtocolError> {
        Ok(Progress::Pending)
    }

    fn cipher(&mut self) -> Option<Box<dyn Cipher>> {
        match self {
            Client::Initiate(conversation) => {
                Some(Box::new(MessageCipher::new(conversation, Side::Client)))
            }
            _ => None,
        }
    }
}
