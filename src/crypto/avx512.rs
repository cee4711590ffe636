//! Salsa20 in AVX-512: sixteen blocks at a time, or four.
//!
//! Sixteen blocks lie side by side: a register has the same word of each. Four
//! blocks lie across: each quarter of a register has a diagonal of one's matrix,
//! so that four quarter rounds are one. There are registers enough for sixteen
//! matrices and the hash that is made between their rounds ([`super::ifma`]).

use std::arch::x86_64::*;

use super::engine::{self, BLOCK_BYTES, Blocks, Meanwhile, Text};
use super::ifma::Ifma;
use super::poly1305::TAG_BYTES;
use super::salsa20::{COLUMNS, DOUBLE_ROUNDS, ROWS, Stream, numbers};

/// Blocks side by side.
const LANES: usize = 16;
const WIDE: usize = LANES * BLOCK_BYTES;
const NARROW: usize = 4 * BLOCK_BYTES;

/// Encrypts a text, and says its tag.
///
/// # Safety
///
/// The processor has AVX-512F, AVX-512-IFMA and BMI2.
#[target_feature(enable = "avx512f,avx512ifma,bmi2")]
pub(super) unsafe fn seal(stream: Stream<'_>, text: &mut impl Text) -> [u8; TAG_BYTES] {
    // SAFETY: the caller's promise.
    engine::seal(&unsafe { Avx512::new(stream) }, text)
}

/// Decrypts a text if its tag is right.
///
/// # Safety
///
/// As for [`seal`].
#[target_feature(enable = "avx512f,avx512ifma,bmi2")]
pub(super) unsafe fn open(stream: Stream<'_>, text: &mut impl Text, tag: &[u8; TAG_BYTES]) -> bool {
    // SAFETY: the caller's promise.
    engine::open(&unsafe { Avx512::new(stream) }, text, tag)
}

/// A stream, and the knowledge that the processor can do this.
pub(super) struct Avx512<'a>(Stream<'a>);

impl<'a> Avx512<'a> {
    /// # Safety
    ///
    /// As for [`seal`].
    pub(super) unsafe fn new(stream: Stream<'a>) -> Self {
        Self(stream)
    }
}

impl Blocks<WIDE, NARROW> for Avx512<'_> {
    type Hash = Ifma;

    #[inline(always)]
    fn hash(&self, key: &[u8; 32]) -> Ifma {
        // SAFETY: whoever made `self` knows that the processor can.
        unsafe { Ifma::new(key) }
    }

    #[inline(always)]
    fn wide<M: Meanwhile>(
        &self,
        block: u64,
        out: &mut [u8; WIDE],
        count: usize,
        meanwhile: M,
    ) -> M {
        if count <= 2 * NARROW {
            let buffers = out.as_chunks_mut().0.first_chunk_mut().expect("two buffers of four");
            // SAFETY: whoever made `self` knows that the processor can.
            return unsafe { across::<2, M>(&self.0, block, buffers, meanwhile) };
        }
        // SAFETY: likewise.
        unsafe { side_by_side(&self.0, block, out, meanwhile) }
    }

    #[inline(always)]
    fn narrow<M: Meanwhile>(&self, block: u64, out: &mut [u8; NARROW], meanwhile: M) -> M {
        // SAFETY: whoever made `self` knows that the processor can.
        unsafe { across(&self.0, block, std::array::from_mut(out), meanwhile) }
    }
}

#[target_feature(enable = "avx512f,avx512ifma,bmi2")]
fn side_by_side<M: Meanwhile>(
    stream: &Stream<'_>,
    block: u64,
    out: &mut [u8; WIDE],
    mut meanwhile: M,
) -> M {
    let matrix = stream.matrix(block);
    let [low, high] = numbers(block).map(|numbers| words(numbers));
    let start = |i: usize| match i {
        8 => low,
        9 => high,
        _ => _mm512_set1_epi32(matrix[i] as i32),
    };

    let mut x = [_mm512_setzero_si512(); 16];
    for (i, x) in x.iter_mut().enumerate() {
        *x = start(i);
    }
    for _ in 0..DOUBLE_ROUNDS {
        for quarter in COLUMNS {
            quarter_round(&mut x, quarter);
        }
        meanwhile.step();
        for quarter in ROWS {
            quarter_round(&mut x, quarter);
        }
        meanwhile.step();
    }
    for (i, x) in x.iter_mut().enumerate() {
        *x = _mm512_add_epi32(*x, start(i));
    }
    for (words, out) in transpose(x).into_iter().zip(out.as_chunks_mut().0) {
        store(out, words);
    }
    meanwhile
}

/// The quarter round of the words with these indices, each in its place.
#[inline]
#[target_feature(enable = "avx512f")]
fn quarter_round(x: &mut [__m512i; 16], [a, b, c, d]: [usize; 4]) {
    x[b] = mix::<7>(x[b], x[a], x[d]);
    x[c] = mix::<9>(x[c], x[b], x[a]);
    x[d] = mix::<13>(x[d], x[c], x[b]);
    x[a] = mix::<18>(x[a], x[d], x[c]);
}

/// Four blocks for each buffer. A second one takes little longer than the first,
/// which has to wait for its own results all the time.
#[target_feature(enable = "avx512f,avx512ifma,bmi2")]
fn across<const BUFFERS: usize, M: Meanwhile>(
    stream: &Stream<'_>,
    block: u64,
    out: &mut [[u8; NARROW]; BUFFERS],
    mut meanwhile: M,
) -> M {
    let start: [_; BUFFERS] =
        std::array::from_fn(|i| diagonals(stream, block.wrapping_add(4 * i as u64)));
    let mut x = start;
    for _ in 0..DOUBLE_ROUNDS {
        for [a, b, c, d] in &mut x {
            *b = mix::<7>(*b, *a, *d);
            *c = mix::<9>(*c, *b, *a);
            *d = mix::<13>(*d, *c, *b);
            *a = mix::<18>(*a, *d, *c);
            turn(b, c, d);
        }
        meanwhile.step();
        for [a, b, c, d] in &mut x {
            *d = mix::<7>(*d, *a, *b);
            *c = mix::<9>(*c, *d, *a);
            *b = mix::<13>(*b, *c, *d);
            *a = mix::<18>(*a, *b, *c);
            turn(d, c, b);
        }
        meanwhile.step();
    }
    for ((x, start), out) in x.into_iter().zip(start).zip(out) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| _mm512_add_epi32(x[i], start[i]));
        let rows = [pick(a, d, c, b), pick(b, a, d, c), pick(c, b, a, d), pick(d, c, b, a)];
        for (words, out) in quarters(rows).into_iter().zip(out.as_chunks_mut().0) {
            store(out, words);
        }
    }
    meanwhile
}

/// The diagonals of the matrices of four blocks from this one on.
#[inline]
#[target_feature(enable = "avx512f")]
fn diagonals(stream: &Stream<'_>, block: u64) -> [__m512i; 4] {
    let matrix = stream.matrix(block);
    let diagonal = |words: [usize; 4]| {
        let [a, b, c, d] = words.map(|i| matrix[i] as i32);
        _mm512_broadcast_i32x4(_mm_setr_epi32(a, b, c, d))
    };
    let [low, high] =
        numbers::<4>(block).map(|numbers| words(std::array::from_fn(|i| numbers[i / 4])));
    [
        diagonal([0, 5, 10, 15]),
        _mm512_mask_mov_epi32(diagonal([4, 9, 14, 3]), 0x2222, high),
        _mm512_mask_mov_epi32(diagonal([8, 13, 2, 7]), 0x1111, low),
        diagonal([12, 1, 6, 11]),
    ]
}

/// Columns stand where rows stood.
#[inline]
#[target_feature(enable = "avx512f")]
fn turn(b: &mut __m512i, c: &mut __m512i, d: &mut __m512i) {
    *b = _mm512_shuffle_epi32::<0x93>(*b);
    *c = _mm512_shuffle_epi32::<0x4e>(*c);
    *d = _mm512_shuffle_epi32::<0x39>(*d);
}

/// word ^ (one + other) rotated.
#[inline]
#[target_feature(enable = "avx512f")]
fn mix<const LEFT: i32>(word: __m512i, one: __m512i, other: __m512i) -> __m512i {
    _mm512_xor_si512(word, _mm512_rol_epi32::<LEFT>(_mm512_add_epi32(one, other)))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn words(words: [u32; LANES]) -> __m512i {
    // SAFETY: there are 64 bytes, which need no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// In each quarter: the first word of the first register, the second of the
/// second, …
#[inline]
#[target_feature(enable = "avx512f")]
fn pick(a: __m512i, b: __m512i, c: __m512i, d: __m512i) -> __m512i {
    let words = _mm512_mask_mov_epi32(a, 0x2222, b);
    _mm512_mask_mov_epi32(_mm512_mask_mov_epi32(words, 0x4444, c), 0x8888, d)
}

/// Columns become rows.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(x: [__m512i; 16]) -> [__m512i; 16] {
    // Of each four registers, columns become rows within each quarter. What is
    // left is to exchange quarters.
    let [p, q, r, s] = [0, 4, 8, 12].map(|at| columns([x[at], x[at + 1], x[at + 2], x[at + 3]]));
    let mut rows = [_mm512_setzero_si512(); 16];
    for i in 0..4 {
        let lanes = quarters([p[i], q[i], r[i], s[i]]);
        for (quarter, row) in lanes.into_iter().enumerate() {
            rows[4 * quarter + i] = row;
        }
    }
    rows
}

/// Columns of words become rows, in each quarter for itself.
#[inline]
#[target_feature(enable = "avx512f")]
fn columns([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let (low, high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let (low2, high2) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    [
        _mm512_unpacklo_epi64(low, low2),
        _mm512_unpackhi_epi64(low, low2),
        _mm512_unpacklo_epi64(high, high2),
        _mm512_unpackhi_epi64(high, high2),
    ]
}

/// Columns of quarters become rows.
#[inline]
#[target_feature(enable = "avx512f")]
fn quarters([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let (low, high) = (_mm512_shuffle_i32x4::<0x44>(a, b), _mm512_shuffle_i32x4::<0xee>(a, b));
    let (low2, high2) = (_mm512_shuffle_i32x4::<0x44>(c, d), _mm512_shuffle_i32x4::<0xee>(c, d));
    [
        _mm512_shuffle_i32x4::<0x88>(low, low2),
        _mm512_shuffle_i32x4::<0xdd>(low, low2),
        _mm512_shuffle_i32x4::<0x88>(high, high2),
        _mm512_shuffle_i32x4::<0xdd>(high, high2),
    ]
}

/// Puts a block's bytes into as many.
#[inline]
#[target_feature(enable = "avx512f")]
fn store(out: &mut [u8; BLOCK_BYTES], words: __m512i) {
    // SAFETY: there are 64 bytes, which need no alignment.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), words) }
}
