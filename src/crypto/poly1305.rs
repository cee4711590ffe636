//! Poly1305 (RFC 8439, section 2.5): the tag of a box.
//!
//! Numbers modulo 2^130 − 5 in two words of 64 bits and a small third one. This
//! is scalar code on purpose: [`super::engine`] runs it between the rounds of a
//! cipher that lives in vector registers, and then it costs next to nothing,
//! since a processor has other units for multiplying whole words. Only beside
//! sixteen blocks of cipher at a time it would be what takes longest, one block
//! having to wait for the other: there `ifma.rs` hashes eight at a time.
//!
//! No branch and no address depends on the key or on what is hashed.

/// Bytes of a tag.
pub(super) const TAG_BYTES: usize = 16;

/// A block of the hash.
pub(super) const BLOCK_BYTES: usize = 16;

/// A hash under way, whatever makes it. Its key is good for one message.
pub(super) trait Hash: Clone {
    /// Hashes so much of the beginning of a text as is worth some tens of cycles,
    /// if there is so much, and says what is left of it.
    fn absorb<'a>(&mut self, text: &'a [u8]) -> &'a [u8];

    /// Hashes the end of the message, of any length, and says the tag.
    fn finish(self, text: &[u8]) -> [u8; TAG_BYTES];
}

/// A hash under way, block by block.
#[derive(Clone)]
pub(super) struct Poly1305 {
    /// What has been hashed, below 2^130 + 2^66.
    sum: [u64; 3],
    /// The multiplier, with the bits cleared that make products fit.
    multiplier: [u64; 2],
    /// What is added at the end.
    pad: u128,
}

impl Poly1305 {
    /// A hash with a key of 32 bytes.
    #[inline(always)]
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let (multiplier, pad) = key.split_at(16);
        Self {
            sum: [0; 3],
            multiplier: [
                word(&multiplier[..8]) & 0x0fff_fffc_0fff_ffff,
                word(&multiplier[8..]) & 0x0fff_fffc_0fff_fffc,
            ],
            pad: u128::from(word(&pad[..8])) | u128::from(word(&pad[8..])) << 64,
        }
    }
}

/// What [`super::ifma`] takes of it, and gives back.
#[cfg(target_arch = "x86_64")]
impl Poly1305 {
    /// The first powers of the multiplier, each as a sum is.
    #[inline(always)]
    pub(super) fn powers<const COUNT: usize>(&self) -> [[u64; 3]; COUNT] {
        let [r0, r1] = self.multiplier;
        let mut power = [r0, r1, 0];
        std::array::from_fn(|_| {
            let next = step(power, self.multiplier, &[0; BLOCK_BYTES], 0);
            std::mem::replace(&mut power, next)
        })
    }

    /// The same hash, when it has come to this sum.
    #[inline(always)]
    pub(super) fn after(&self, sum: [u64; 3]) -> Self {
        Self { sum, ..self.clone() }
    }
}

impl Hash for Poly1305 {
    #[inline(always)]
    fn absorb<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let Some((pair, rest)) = text.split_first_chunk::<{ 2 * BLOCK_BYTES }>() else {
            return text;
        };
        for block in pair.as_chunks().0 {
            self.sum = step(self.sum, self.multiplier, block, 1);
        }
        rest
    }

    #[inline(always)]
    fn finish(self, text: &[u8]) -> [u8; TAG_BYTES] {
        let mut sum = self.sum;
        let (blocks, rest) = text.as_chunks();
        for block in blocks {
            sum = step(sum, self.multiplier, block, 1);
        }
        if !rest.is_empty() {
            let mut block = [0; BLOCK_BYTES];
            block[..rest.len()].copy_from_slice(rest);
            block[rest.len()] = 1;
            sum = step(sum, self.multiplier, &block, 0);
        }
        let low = u128::from(sum[0]) | u128::from(sum[1]) << 64;
        // Less the modulus, if it is no less than that.
        let (less, carry) = low.overflowing_add(5);
        let reached = (sum[2] + u64::from(carry)) >> 2;
        let mask = u128::from(reached).wrapping_neg();
        let reduced = (less & mask) | (low & !mask);
        reduced.wrapping_add(self.pad).to_le_bytes()
    }
}

/// (sum + block) × multiplier, reduced to little more than 130 bits. `high` is
/// what stands above the block's 128 bits.
#[inline(always)]
fn step(sum: [u64; 3], [r0, r1]: [u64; 2], block: &[u8; BLOCK_BYTES], high: u64) -> [u64; 3] {
    let block = u128::from_le_bytes(*block);
    let wide = |a: u64, b: u64| u128::from(a) * u128::from(b);
    // 2^128 × r1 is 5/4 × r1: the two low bits of r1 are clear.
    let r1_folded = r1 + (r1 >> 2);

    let (h0, carry0) = sum[0].overflowing_add(block as u64);
    let (h1, carry1) = sum[1].carrying((block >> 64) as u64, carry0);
    let h2 = sum[2] + high + u64::from(carry1);

    let d0 = wide(h0, r0) + wide(h1, r1_folded);
    let d1 = wide(h0, r1) + wide(h1, r0) + u128::from(h2 * r1_folded) + (d0 >> 64);
    let d2 = h2 * r0 + (d1 >> 64) as u64;

    // What stands above 2^130 comes back below, times 5.
    let (h0, carry0) = (d0 as u64).overflowing_add((d2 >> 2) + (d2 & !3));
    let (h1, carry1) = (d1 as u64).overflowing_add(u64::from(carry0));
    [h0, h1, (d2 & 3) + u64::from(carry1)]
}

/// Addition with a carry that comes in, as `u64::carrying_add` will have it.
trait Carrying: Sized {
    fn carrying(self, other: Self, carry: bool) -> (Self, bool);
}

impl Carrying for u64 {
    #[inline(always)]
    fn carrying(self, other: u64, carry: bool) -> (u64, bool) {
        let (sum, first) = self.overflowing_add(other);
        let (sum, second) = sum.overflowing_add(u64::from(carry));
        (sum, first | second)
    }
}

/// Eight bytes as a number.
#[inline(always)]
fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
}
