//! The CURVE mechanism (RFC 25, RFC 26): a client that knows the server's public
//! key, and a server that may have an authenticator judge the client's, agree on
//! keys of their own for each connection. HELLO and WELCOME exchange the public
//! halves of those, INITIATE shows who the client is and READY ends the handshake;
//! what follows is encrypted.
//!
//! Four pairs of keys, named as in the RFC: C and S are the client's and the
//! server's own and outlast connections, C' and S' belong to one connection.
//! A small letter is the secret half. All that is secret is wiped as soon as the
//! handshake needs it no more.
//!
//! Nonces are of two kinds: a prefix of eight bytes and sixteen random ones, where
//! a key may outlast the connection; a prefix of sixteen and a counter that each
//! side has for all it sends, where it does not. The counter's end ends the
//! connection, and so does a peer's counter that does not rise.

mod cipher;
mod client;
mod server;

pub(super) use client::Client;
pub(super) use server::Server;

use super::super::ProtocolError;
use super::check_command;
use crate::crypto::{Channel, Forged, KEY_BYTES, Key, NONCE_BYTES, TAG_BYTES, WeakKey};
use crate::curve_keys::{self, SecretKey};

/// The name in the greeting.
pub(super) const NAME: &[u8] = b"CURVE";

const HELLO: &[u8; 6] = b"\x05HELLO";
const WELCOME: &[u8; 8] = b"\x07WELCOME";
const INITIATE: &[u8; 9] = b"\x08INITIATE";
const READY: &[u8; 6] = b"\x05READY";
const ERROR: &[u8; 6] = b"\x05ERROR";
const MESSAGE: &[u8; 8] = b"\x07MESSAGE";

/// The version of CurveZMQ, in HELLO.
const VERSION: [u8; 2] = [1, 0];
/// Zeros that make a HELLO longer than its answer.
const PADDING: usize = 72;
/// Zeros in the box of a HELLO.
const SIGNATURE: usize = 64;

const LONG_NONCE: usize = 16;
const SHORT_NONCE: usize = 8;

/// Two keys in a box: a cookie's, a vouch's.
const PAIR_BOX: usize = TAG_BYTES + 2 * KEY_BYTES;
/// A nonce, and two keys in a box.
const COOKIE: usize = LONG_NONCE + PAIR_BOX;
/// What the box of a WELCOME has: S' and a cookie.
const WELCOME_BOX: usize = TAG_BYTES + KEY_BYTES + COOKIE;

/// Appends a box to `out`: what `content` appends, sealed.
fn seal(key: &Key, nonce: &[u8; NONCE_BYTES], out: &mut Vec<u8>, content: &[&[u8]]) {
    let start = out.len();
    out.extend_from_slice(&[0; TAG_BYTES]);
    for part in content {
        out.extend_from_slice(part);
    }
    key.seal(nonce, &mut out[start..]);
}

/// A nonce of a key that may outlast the connection.
fn long_nonce(prefix: &[u8; 8], random: &[u8; LONG_NONCE]) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[..8].copy_from_slice(prefix);
    nonce[8..].copy_from_slice(random);
    nonce
}

/// A nonce of a key that belongs to the connection.
fn short_nonce(prefix: &[u8; 16], counter: u64) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[..16].copy_from_slice(prefix);
    nonce[16..].copy_from_slice(&counter.to_be_bytes());
    nonce
}

/// The random part of a nonce.
fn random_nonce() -> Result<[u8; LONG_NONCE], ProtocolError> {
    let random = curve_keys::random_bytes().map_err(|_| ProtocolError::NoRandomness)?;
    Ok(*random)
}

/// A new pair of keys: the secret half and the public one.
fn new_pair() -> Result<(SecretKey, [u8; KEY_BYTES]), ProtocolError> {
    let secret = curve_keys::new_secret_key().map_err(|_| ProtocolError::NoRandomness)?;
    let public = curve_keys::public_key(&secret);
    Ok((secret, public))
}

impl From<Forged> for ProtocolError {
    fn from(_: Forged) -> ProtocolError {
        ProtocolError::Forged
    }
}

impl From<WeakKey> for ProtocolError {
    fn from(_: WeakKey) -> ProtocolError {
        ProtocolError::Forged
    }
}

/// Takes the first `N` bytes, if there are as many.
fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(first)
}

/// How often each side has used its counter.
#[derive(Clone, Copy, Default)]
pub(super) struct Counters {
    /// The last of our own nonces; the first is 1.
    sent: u64,
    /// The last of the peer's.
    received: u64,
}

impl Counters {
    /// A nonce of our own that was never used.
    #[inline]
    fn next(&mut self) -> Result<u64, ProtocolError> {
        self.sent = self.sent.checked_add(1).ok_or(ProtocolError::NoncesSpent)?;
        Ok(self.sent)
    }

    /// Whether a nonce of the peer's may be a new one.
    #[inline]
    fn check(&self, nonce: u64) -> Result<(), ProtocolError> {
        if nonce > self.received { Ok(()) } else { Err(ProtocolError::InvalidSequence) }
    }
}

/// What both sides have in common after the handshake.
pub(super) struct Conversation {
    /// Agreed on with C' and S'.
    key: Key,
    counters: Counters,
}

/// Which side we are.
#[derive(Clone, Copy)]
enum Side {
    Client,
    Server,
}

impl Side {
    /// What nonces of messages from this side begin with.
    fn prefix(self) -> &'static [u8; 16] {
        match self {
            Side::Client => b"CurveZMQMESSAGEC",
            Side::Server => b"CurveZMQMESSAGES",
        }
    }

    fn peer(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

impl Conversation {
    /// The ends of the two directions: ours, the peer's.
    fn channels(&self, side: Side) -> (Channel, Channel) {
        (self.key.channel(side.prefix()), self.key.channel(side.peer().prefix()))
    }
}
