//! Salsa20 in portable code: the fallback where no vector unit is known, and
//! HSalsa20, which derives keys and runs too seldom to be worth more.
//!
//! No branch and no address depends on the key.

use zeroize::Zeroize;

use super::engine::{BLOCK_BYTES, Blocks, Meanwhile};
use super::poly1305::Poly1305;

/// "expand 32-byte k", as words.
pub(super) const SIGMA: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Two rounds at a time.
pub(super) const DOUBLE_ROUNDS: usize = 10;

/// The words of the quarter rounds that a double round begins with, …
pub(super) const COLUMNS: [[usize; 4]; 4] =
    [[0, 4, 8, 12], [5, 9, 13, 1], [10, 14, 2, 6], [15, 3, 7, 11]];
/// … and of those that it ends with.
pub(super) const ROWS: [[usize; 4]; 4] =
    [[0, 1, 2, 3], [5, 6, 7, 4], [10, 11, 8, 9], [15, 12, 13, 14]];

/// The numbers of as many blocks from this one on, as they are in their matrices: the
/// words 8, and the words 9.
#[inline(always)]
pub(super) fn numbers<const BLOCKS: usize>(block: u64) -> [[u32; BLOCKS]; 2] {
    let number = |i: usize| block.wrapping_add(i as u64);
    [std::array::from_fn(|i| number(i) as u32), std::array::from_fn(|i| (number(i) >> 32) as u32)]
}

/// A key of Salsa20, wiped when it is dropped.
#[derive(Clone)]
pub(super) struct Key(pub(super) [u32; 8]);

impl Key {
    /// The key of these bytes.
    pub(super) fn new(bytes: &[u8; 32]) -> Self {
        Self(std::array::from_fn(|i| word(bytes, i)))
    }

    /// The matrix that Salsa20 begins with: the key, and between its halves
    /// sixteen bytes as words.
    #[inline(always)]
    pub(super) fn matrix(&self, input: [u32; 4]) -> [u32; 16] {
        let [k0, k1, k2, k3, k4, k5, k6, k7] = self.0;
        let [n0, n1, n2, n3] = input;
        let [s0, s1, s2, s3] = SIGMA;
        [s0, k0, k1, k2, k3, s1, n0, n1, n2, n3, s2, k4, k5, k6, k7, s3]
    }

    /// HSalsa20: the key that belongs to this one and sixteen more bytes.
    pub(super) fn derive(&self, input: &[u8; 16]) -> Self {
        let mut x = self.matrix(std::array::from_fn(|i| word(input, i)));
        for _ in 0..DOUBLE_ROUNDS {
            round(&mut x, COLUMNS);
            round(&mut x, ROWS);
        }
        let key = Self([x[0], x[5], x[10], x[15], x[6], x[7], x[8], x[9]]);
        x.zeroize();
        key
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A key and the eight bytes of nonce that Salsa20 has, as words: what its
/// blocks are made of.
#[derive(Clone, Copy)]
pub(super) struct Stream<'a> {
    pub(super) key: &'a Key,
    pub(super) nonce: [u32; 2],
}

impl<'a> Stream<'a> {
    #[inline(always)]
    pub(super) fn new(key: &'a Key, nonce: [u8; 8]) -> Self {
        let [low, high] = [0, 4].map(|at| word(&nonce[at..], 0));
        Self { key, nonce: [low, high] }
    }

    /// The matrix of the block with this number.
    #[inline(always)]
    pub(super) fn matrix(&self, block: u64) -> [u32; 16] {
        self.key.matrix([self.nonce[0], self.nonce[1], block as u32, (block >> 32) as u32])
    }
}

/// One block at a time, on any machine.
pub(super) struct Scalar<'a>(pub(super) Stream<'a>);

impl Blocks<BLOCK_BYTES, BLOCK_BYTES> for Scalar<'_> {
    type Hash = Poly1305;

    #[inline(always)]
    fn hash(&self, key: &[u8; 32]) -> Poly1305 {
        Poly1305::new(key)
    }

    fn wide<M: Meanwhile>(
        &self,
        block: u64,
        out: &mut [u8; BLOCK_BYTES],
        _count: usize,
        mut meanwhile: M,
    ) -> M {
        let start = self.0.matrix(block);
        let mut x = start;
        for _ in 0..DOUBLE_ROUNDS {
            round(&mut x, COLUMNS);
            meanwhile.step();
            round(&mut x, ROWS);
            meanwhile.step();
        }
        for ((out, x), start) in out.chunks_exact_mut(4).zip(x).zip(start) {
            out.copy_from_slice(&x.wrapping_add(start).to_le_bytes());
        }
        meanwhile
    }

    fn narrow<M: Meanwhile>(&self, block: u64, out: &mut [u8; BLOCK_BYTES], meanwhile: M) -> M {
        self.wide(block, out, BLOCK_BYTES, meanwhile)
    }
}

#[inline(always)]
fn round(x: &mut [u32; 16], quarters: [[usize; 4]; 4]) {
    for [a, b, c, d] in quarters {
        x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
        x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
        x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
        x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
    }
}

/// The word at an index.
#[inline(always)]
fn word(bytes: &[u8], index: usize) -> u32 {
    u32::from_le_bytes(bytes[4 * index..4 * index + 4].try_into().expect("four bytes"))
}
