//! Where the bytes of a box lie: in place, or spread over what the wire and the
//! application have.

use super::engine::Text;

/// Words in which most of a text is handled.
const STRIDE: usize = 32;

/// A text that is encrypted or decrypted where it is.
pub(super) struct InPlace<'a>(pub(super) &'a mut [u8]);

impl Text for InPlace<'_> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline(always)]
    fn ciphertext(&self) -> &[u8] {
        self.0
    }

    #[inline(always)]
    fn apply(&mut self, at: usize, keystream: &[u8]) {
        let text = &mut self.0[at..at + keystream.len()];
        let (strides, rest) = text.as_chunks_mut::<STRIDE>();
        let (keys, key_rest) = keystream.as_chunks::<STRIDE>();
        for (bytes, key) in strides.iter_mut().zip(keys) {
            *bytes = both(bytes, key);
        }
        let (words, rest) = rest.as_chunks_mut::<8>();
        let (keys, key_rest) = key_rest.as_chunks::<8>();
        for (word, key) in words.iter_mut().zip(keys) {
            *word = both(word, key);
        }
        for (byte, key) in rest.iter_mut().zip(key_rest) {
            *byte ^= key;
        }
    }

    #[inline(always)]
    fn wipe(&mut self) {
        self.0.fill(0);
    }
}

/// A byte and a body that are encrypted into one buffer.
pub(super) struct Gathered<'a> {
    pub(super) first: u8,
    pub(super) body: &'a [u8],
    pub(super) out: &'a mut [u8],
}

impl Text for Gathered<'_> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.out.len()
    }

    #[inline(always)]
    fn ciphertext(&self) -> &[u8] {
        self.out
    }

    #[inline(always)]
    fn apply(&mut self, at: usize, keystream: &[u8]) {
        let out = &mut self.out[at..at + keystream.len()];
        if at > 0 {
            combine(out, &self.body[at - 1..], keystream);
        } else if let ([first, out @ ..], [key, keystream @ ..]) = (out, keystream) {
            *first = self.first ^ key;
            combine(out, self.body, keystream);
        }
    }

    #[inline(always)]
    fn wipe(&mut self) {
        self.out.fill(0);
    }
}

/// A buffer that is decrypted into a byte and a body.
pub(super) struct Scattered<'a> {
    pub(super) ciphertext: &'a [u8],
    pub(super) first: u8,
    pub(super) body: &'a mut [u8],
}

impl Text for Scattered<'_> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.ciphertext.len()
    }

    #[inline(always)]
    fn ciphertext(&self) -> &[u8] {
        self.ciphertext
    }

    #[inline(always)]
    fn apply(&mut self, at: usize, keystream: &[u8]) {
        let text = &self.ciphertext[at..at + keystream.len()];
        if at > 0 {
            combine(&mut self.body[at - 1..at - 1 + text.len()], text, keystream);
        } else if let ([first, text @ ..], [key, keystream @ ..]) = (text, keystream) {
            self.first = first ^ key;
            combine(&mut self.body[..text.len()], text, keystream);
        }
    }

    #[inline(always)]
    fn wipe(&mut self) {
        self.first = 0;
        self.body.fill(0);
    }
}

/// Both of two buffers, into a third as long as the keystream.
#[inline(always)]
fn combine(out: &mut [u8], text: &[u8], keystream: &[u8]) {
    let text = &text[..out.len()];
    let (strides, rest) = out.as_chunks_mut::<STRIDE>();
    let (texts, text_rest) = text.as_chunks::<STRIDE>();
    let (keys, key_rest) = keystream.as_chunks::<STRIDE>();
    for ((bytes, text), key) in strides.iter_mut().zip(texts).zip(keys) {
        *bytes = both(text, key);
    }
    let (words, rest) = rest.as_chunks_mut::<8>();
    let (texts, text_rest) = text_rest.as_chunks::<8>();
    let (keys, key_rest) = key_rest.as_chunks::<8>();
    for ((word, text), key) in words.iter_mut().zip(texts).zip(keys) {
        *word = both(text, key);
    }
    for ((byte, text), key) in rest.iter_mut().zip(text_rest).zip(key_rest) {
        *byte = text ^ key;
    }
}

/// The difference of two arrays of whole words. It is made of all of them before
/// any of it is stored, so that the compiler need not know what overlaps.
#[inline(always)]
fn both<const LEN: usize>(one: &[u8; LEN], other: &[u8; LEN]) -> [u8; LEN] {
    let (one, other) = (*one, *other);
    let mut out = [0; LEN];
    let words = out.as_chunks_mut().0.iter_mut();
    for ((out, one), other) in words.zip(one.as_chunks().0).zip(other.as_chunks().0) {
        *out = (u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other)).to_le_bytes();
    }
    out
}
