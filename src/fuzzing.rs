//! What the fuzz targets (`fuzz/`) need and nobody else may have: rooms that are
//! not public, as small functions of bytes. Built with `--cfg fuzzing` only.

#![forbid(unsafe_code)]

use crate::crypto::Key;
use crate::curve_keys::{self, KEY_BYTES, SecretKey};
use crate::z85;
use crate::zmtp::Security;

pub use crate::transport::fuzzing::{kernel_form, target_at_once};

/// The text of these bytes, if they have one.
pub fn z85_text(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(z85::encode(bytes).ok()?.flatten().collect())
}

/// The bytes that a text stands for, if it is one.
pub fn z85_bytes(text: &[u8]) -> Option<Vec<u8>> {
    let groups: Result<Vec<_>, _> = z85::decode(text).ok()?.collect();
    Some(groups.ok()?.concat())
}

/// The public key that belongs to a secret one.
pub fn public_key(secret_key: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    curve_keys::public_key(&SecretKey::new(*secret_key))
}

/// A server of CURVE.
pub fn curve_server(secret_key: [u8; KEY_BYTES]) -> Security {
    let public_key = public_key(&secret_key);
    Security::CurveServer { public_key, secret_key: SecretKey::new(secret_key) }
}

/// A client of CURVE, which takes `server_key` for its server's public key.
pub fn curve_client(secret_key: [u8; KEY_BYTES], server_key: [u8; KEY_BYTES]) -> Security {
    let public_key = public_key(&secret_key);
    Security::CurveClient { public_key, secret_key: SecretKey::new(secret_key), server_key }
}

/// What two pairs of keys have in common: a peer that a target plays seals and
/// opens with it.
pub struct SharedKey(Key);

impl SharedKey {
    /// `None` for a public key that is none.
    pub fn agree(secret: &[u8; KEY_BYTES], public: &[u8; KEY_BYTES]) -> Option<SharedKey> {
        Key::agree(secret, public).ok().map(SharedKey)
    }

    /// A box with this in it.
    pub fn seal(&self, nonce: &[u8; 24], content: &[u8]) -> Vec<u8> {
        let mut sealed = [&[0; 16], content].concat();
        self.0.seal(nonce, &mut sealed);
        sealed
    }

    /// What is in a box, if it is one of this key and nonce.
    pub fn open(&self, nonce: &[u8; 24], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = sealed.to_vec();
        Some(self.0.open(nonce, &mut bytes).ok()?.to_vec())
    }
}
