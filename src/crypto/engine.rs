//! XSalsa20-Poly1305 in one pass over the text, whatever makes the keystream.
//!
//! A box begins with block 0 of the keystream, whose first half is the key of
//! the hash; the text is encrypted with what follows. [`Blocks`] makes many
//! blocks at once (`WIDE` bytes), or few when few are left (`NARROW`), and has
//! its rounds interleaved with the hash of what is ciphertext already, so that one
//! has the units for which the other is waiting.
//!
//! Keystream and hash of one message stay where they were on the stack: they
//! are good for one nonce, which is spent. Keys that last are wiped
//! ([`super::salsa20::Key`]).

use super::poly1305::{Hash, Poly1305, TAG_BYTES};

/// A block of Salsa20.
pub(super) const BLOCK_BYTES: usize = 64;

/// What the hash's key takes of the keystream.
const HASH_KEY_BYTES: usize = 32;

/// A maker of keystream: `WIDE` and `NARROW` bytes of it, from a block on.
pub(super) trait Blocks<const WIDE: usize, const NARROW: usize> {
    /// The hash that goes well with it.
    type Hash: Hash;

    /// A hash with a key of 32 bytes.
    fn hash(&self, key: &[u8; HASH_KEY_BYTES]) -> Self::Hash;

    /// As many blocks as it makes best, or fewer, if `count` bytes are enough.
    /// `meanwhile` gets a step in each of the twenty rounds.
    fn wide<M: Meanwhile>(&self, block: u64, out: &mut [u8; WIDE], count: usize, meanwhile: M)
    -> M;

    /// The same, of fewer blocks, and sooner.
    fn narrow<M: Meanwhile>(&self, block: u64, out: &mut [u8; NARROW], meanwhile: M) -> M;
}

/// Work for the units that a cipher leaves idle.
pub(super) trait Meanwhile {
    /// A part of it, worth some tens of cycles.
    fn step(&mut self);
}

/// Nothing to do.
pub(super) struct Idle;

impl Meanwhile for Idle {
    #[inline(always)]
    fn step(&mut self) {}
}

/// Ciphertext to hash.
struct Hashing<'a, H> {
    hash: H,
    ciphertext: &'a [u8],
}

impl<H: Hash> Meanwhile for Hashing<'_, H> {
    #[inline(always)]
    fn step(&mut self) {
        self.ciphertext = self.hash.absorb(self.ciphertext);
    }
}

/// Makes the next blocks while hashing ciphertext; says how much it hashed.
#[inline(always)]
fn make<const WIDE: usize, const NARROW: usize, B: Blocks<WIDE, NARROW>>(
    blocks: &B,
    block: u64,
    keystream: &mut [u8; WIDE],
    count: usize,
    hash: &mut B::Hash,
    ciphertext: &[u8],
) -> usize {
    let hashing = Hashing { hash: hash.clone(), ciphertext };
    let hashing = if count > NARROW {
        blocks.wide(block, keystream, count, hashing)
    } else {
        let out = keystream.first_chunk_mut().expect("narrow is not wider than wide");
        blocks.narrow(block, out, hashing)
    };
    *hash = hashing.hash;
    ciphertext.len() - hashing.ciphertext.len()
}

/// A text on its way between plain and encrypted.
pub(super) trait Text {
    /// Its bytes.
    fn len(&self) -> usize;

    /// The ciphertext, as far as it is there.
    fn ciphertext(&self) -> &[u8];

    /// Encrypts or decrypts what stands at `at`, as long as the keystream.
    fn apply(&mut self, at: usize, keystream: &[u8]);

    /// Forgets what has been decrypted.
    fn wipe(&mut self);
}

/// Encrypts a text, and says its tag.
#[inline(always)]
pub(super) fn seal<const WIDE: usize, const NARROW: usize>(
    blocks: &impl Blocks<WIDE, NARROW>,
    text: &mut impl Text,
) -> [u8; TAG_BYTES] {
    let len = text.len();
    if HASH_KEY_BYTES + len <= NARROW {
        let mut keystream = [0; NARROW];
        blocks.narrow(0, &mut keystream, Idle);
        let (key, keystream) = begin(&keystream);
        let hash = Poly1305::new(key);
        text.apply(0, &keystream[..len]);
        return hash.finish(text.ciphertext());
    }

    let mut keystream = [0; WIDE];
    blocks.wide(0, &mut keystream, HASH_KEY_BYTES + len, Idle);
    let (key, first) = begin(&keystream);
    let mut hash = blocks.hash(key);
    let mut done = len.min(first.len());
    text.apply(0, &first[..done]);
    let mut hashed = 0;
    let mut block = blocks_in(WIDE);
    while done < len {
        let count = WIDE.min(len - done);
        let ready = &text.ciphertext()[hashed..done];
        hashed += make(blocks, block, &mut keystream, count, &mut hash, ready);
        text.apply(done, &keystream[..count]);
        done += count;
        block += blocks_in(WIDE);
    }
    hash.finish(&text.ciphertext()[hashed..])
}

/// Decrypts a text if its tag is right. If it is not, none of it can be read,
/// and false is returned.
#[inline(always)]
pub(super) fn open<const WIDE: usize, const NARROW: usize>(
    blocks: &impl Blocks<WIDE, NARROW>,
    text: &mut impl Text,
    tag: &[u8; TAG_BYTES],
) -> bool {
    let len = text.len();
    if HASH_KEY_BYTES + len <= NARROW {
        let mut keystream = [0; NARROW];
        blocks.narrow(0, &mut keystream, Idle);
        let (key, keystream) = begin(&keystream);
        let hash = Poly1305::new(key);
        let right = same(&hash.finish(text.ciphertext()), tag);
        if right {
            text.apply(0, &keystream[..len]);
        }
        return right;
    }

    // The hash is always ahead of what is decrypted, by a buffer of keystream:
    // `this` belongs to the text from `done` on, `next` is being made.
    let (mut this, mut next) = (&mut [0; WIDE], &mut [0; WIDE]);
    blocks.wide(0, this, HASH_KEY_BYTES + len, Idle);
    let (key, first) = begin(this);
    let mut hash = blocks.hash(key);
    let mut skipped = HASH_KEY_BYTES;
    let mut done = 0;
    let mut made = len.min(first.len());
    let mut hashed = 0;
    let mut block = blocks_in(WIDE);
    let mut last = 0;
    while made < len {
        let count = WIDE.min(len - made);
        let ready = &text.ciphertext()[hashed..];
        hashed += make(blocks, block, next, count, &mut hash, ready);
        if made + count == len {
            last = count;
            break;
        }
        debug_assert!(hashed >= made);
        text.apply(done, &this[skipped..skipped + made - done]);
        (done, skipped) = (made, 0);
        made += count;
        block += blocks_in(WIDE);
        (this, next) = (next, this);
    }
    let right = same(&hash.finish(&text.ciphertext()[hashed..]), tag);
    if right {
        text.apply(done, &this[skipped..skipped + made - done]);
        text.apply(made, &next[..last]);
    } else {
        text.wipe();
    }
    right
}

/// The key of the hash from the beginning of the keystream, and the rest.
#[inline(always)]
fn begin(keystream: &[u8]) -> (&[u8; HASH_KEY_BYTES], &[u8]) {
    keystream.split_first_chunk().expect("a keystream of a block or more")
}

const fn blocks_in(bytes: usize) -> u64 {
    (bytes / BLOCK_BYTES) as u64
}

/// Whether two tags are the same, in a time that does not depend on where they
/// differ.
#[inline(always)]
fn same(one: &[u8; TAG_BYTES], other: &[u8; TAG_BYTES]) -> bool {
    let difference = u128::from_le_bytes(*one) ^ u128::from_le_bytes(*other);
    (difference as u64 | (difference >> 64) as u64) == 0
}
