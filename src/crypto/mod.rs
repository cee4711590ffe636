//! The cryptography of CURVE (RFC 26): NaCl's boxes, that is X25519 to agree on
//! a key, and XSalsa20-Poly1305 to encrypt with it.
//!
//! Nothing here does I/O, allocates or knows what a handshake is. A [`Key`] seals
//! and opens the boxes of the handshake, each with a nonce of 24 bytes. Nearly
//! all traffic comes after it, and of those nonces only the last eight bytes
//! change: a [`Channel`] has done what depends on the first sixteen (HSalsa20)
//! once for all.
//!
//! A box is the tag, then the ciphertext, as on the wire. Who seals must never
//! use a nonce twice; counters do that, and it is for their owner to stop in time.
//!
//! Everything takes the same time whatever the keys and the bytes are, and keys
//! are wiped when they are dropped.

mod agreement;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(test)]
mod bench;
mod engine;
#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(all(target_arch = "x86_64", not(fuzzing), any(test, not(debug_assertions))))]
mod ladder;
mod poly1305;
mod salsa20;
#[cfg(test)]
mod sodium;
#[cfg(target_arch = "x86_64")]
mod sse2;
#[cfg(test)]
mod tests;
mod text;
mod unit;

use zeroize::Zeroizing;

use salsa20::Stream;
use text::{Gathered, InPlace, Scattered};
use unit::Unit;

/// Bytes by which a box is longer than what is in it.
pub(crate) const TAG_BYTES: usize = poly1305::TAG_BYTES;

/// Bytes of keys, public, secret and agreed on.
pub(crate) const KEY_BYTES: usize = 32;

/// Bytes of a whole nonce.
pub(crate) const NONCE_BYTES: usize = 24;

/// Bytes of a nonce that stay the same in a [`Channel`].
pub(crate) const PREFIX_BYTES: usize = 16;

/// A box was not sealed with this key and nonce, or has been changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forged;

/// A public key that no secret one belongs to: with it, everybody would know
/// what is agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WeakKey;

/// The public key that belongs to a secret one, whichever bytes that has.
pub(crate) fn public_key(secret: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    agreement::public_key(secret)
}

/// A secret that both ends of a conversation have, or one end for itself.
pub(crate) struct Key {
    key: salsa20::Key,
    unit: Unit,
}

impl Key {
    /// What the owners of two pairs of keys have in common: `crypto_box_beforenm`
    /// of NaCl.
    pub(crate) fn agree(
        secret: &[u8; KEY_BYTES],
        public: &[u8; KEY_BYTES],
    ) -> Result<Self, WeakKey> {
        let point = Zeroizing::new(agreement::product(secret, public));
        if point.iter().fold(0, |all, byte| all | byte) == 0 {
            return Err(WeakKey);
        }
        let key = salsa20::Key::new(&point).derive(&[0; PREFIX_BYTES]);
        Ok(Self { key, unit: Unit::best() })
    }

    /// A key of one's own, from these bytes.
    pub(crate) fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        Self { key: salsa20::Key::new(bytes), unit: Unit::best() }
    }

    /// The channel of all nonces that begin with `prefix`.
    pub(crate) fn channel(&self, prefix: &[u8; PREFIX_BYTES]) -> Channel {
        Channel { key: self.key.derive(prefix), unit: self.unit }
    }

    /// Encrypts what stands in `sealed` behind the first [`TAG_BYTES`], and puts
    /// the tag there: `crypto_box_afternm` and `crypto_secretbox` of NaCl.
    ///
    /// # Panics
    ///
    /// If there is no room for the tag.
    pub(crate) fn seal(&self, nonce: &[u8; NONCE_BYTES], sealed: &mut [u8]) {
        let (channel, rest) = self.split(nonce);
        channel.seal(rest, sealed);
    }

    /// Decrypts a box, and says where in it the text is:
    /// `crypto_box_open_afternm` and `crypto_secretbox_open` of NaCl.
    pub(crate) fn open<'a>(
        &self,
        nonce: &[u8; NONCE_BYTES],
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], Forged> {
        let (channel, rest) = self.split(nonce);
        channel.open(rest, sealed)
    }

    /// The channel that a nonce belongs to, and where in it.
    fn split(&self, nonce: &[u8; NONCE_BYTES]) -> (Channel, u64) {
        let mut prefix = [0; PREFIX_BYTES];
        let mut counter = [0; NONCE_BYTES - PREFIX_BYTES];
        prefix.copy_from_slice(&nonce[..PREFIX_BYTES]);
        counter.copy_from_slice(&nonce[PREFIX_BYTES..]);
        (self.channel(&prefix), u64::from_be_bytes(counter))
    }
}

/// One direction of a conversation: all nonces that begin with the same bytes,
/// and end with a counter of eight, in network order.
pub(crate) struct Channel {
    key: salsa20::Key,
    unit: Unit,
}

impl Channel {
    /// Encrypts what stands in `sealed` behind the first [`TAG_BYTES`], and puts
    /// the tag there.
    ///
    /// # Panics
    ///
    /// If there is no room for the tag.
    pub(crate) fn seal(&self, counter: u64, sealed: &mut [u8]) {
        let (tag, text) = sealed.split_first_chunk_mut().expect("room for the tag");
        *tag = self.unit.seal(self.stream(counter), &mut InPlace(text));
    }

    /// Encrypts a byte and a body, as a message of CURVE has them, into `sealed`,
    /// which is as long as they are together and [`TAG_BYTES`] more.
    ///
    /// # Panics
    ///
    /// If `sealed` has another length.
    pub(crate) fn seal_message(&self, counter: u64, flags: u8, body: &[u8], sealed: &mut [u8]) {
        let (tag, out) = sealed.split_first_chunk_mut().expect("room for the tag");
        assert_eq!(out.len(), body.len() + 1, "room for flags and body");
        *tag = self.unit.seal(self.stream(counter), &mut Gathered { first: flags, body, out });
    }

    /// Decrypts a box, and says where in it the text is. Of one that is forged
    /// nothing can be read: its bytes stay as they are or become zero.
    pub(crate) fn open<'a>(
        &self,
        counter: u64,
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], Forged> {
        let (tag, text) = sealed.split_first_chunk_mut().ok_or(Forged)?;
        if self.unit.open(self.stream(counter), &mut InPlace(text), tag) {
            Ok(text)
        } else {
            Err(Forged)
        }
    }

    /// Decrypts a box into a byte, which is returned, and a body, which is
    /// shorter than the box by that byte and [`TAG_BYTES`]. Of a forged box
    /// nothing gets there.
    ///
    /// # Panics
    ///
    /// If `body` has another length, and the box one that is possible.
    pub(crate) fn open_message(
        &self,
        counter: u64,
        sealed: &[u8],
        body: &mut [u8],
    ) -> Result<u8, Forged> {
        let (tag, ciphertext) = sealed.split_first_chunk().ok_or(Forged)?;
        if ciphertext.is_empty() {
            return Err(Forged);
        }
        assert_eq!(ciphertext.len(), body.len() + 1, "room for the body");
        let mut text = Scattered { ciphertext, first: 0, body };
        if self.unit.open(self.stream(counter), &mut text, tag) {
            Ok(text.first)
        } else {
            Err(Forged)
        }
    }

    #[inline]
    fn stream(&self, counter: u64) -> Stream<'_> {
        Stream::new(&self.key, counter.to_be_bytes())
    }
}
