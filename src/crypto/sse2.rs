//! Salsa20 in SSE2, which every x86-64 has: four blocks at a time, or one.
//!
//! Four blocks lie side by side: a register has the same word of each. One block
//! lies across: a register has a diagonal of the matrix, so that four quarter
//! rounds are one.

use std::arch::x86_64::*;

use super::engine::{self, BLOCK_BYTES, Blocks, Meanwhile, Text};
use super::poly1305::{Poly1305, TAG_BYTES};
use super::salsa20::{COLUMNS, DOUBLE_ROUNDS, ROWS, Stream, numbers};

/// Blocks side by side.
const LANES: usize = 4;
const WIDE: usize = LANES * BLOCK_BYTES;
const NARROW: usize = BLOCK_BYTES;

/// Encrypts a text, and says its tag.
pub(super) fn seal(stream: Stream<'_>, text: &mut impl Text) -> [u8; TAG_BYTES] {
    engine::seal(&Sse2(stream), text)
}

/// Decrypts a text if its tag is right.
pub(super) fn open(stream: Stream<'_>, text: &mut impl Text, tag: &[u8; TAG_BYTES]) -> bool {
    engine::open(&Sse2(stream), text, tag)
}

pub(super) struct Sse2<'a>(pub(super) Stream<'a>);

impl Blocks<WIDE, NARROW> for Sse2<'_> {
    type Hash = Poly1305;

    #[inline(always)]
    fn hash(&self, key: &[u8; 32]) -> Poly1305 {
        Poly1305::new(key)
    }

    fn wide<M: Meanwhile>(
        &self,
        block: u64,
        out: &mut [u8; WIDE],
        _count: usize,
        mut meanwhile: M,
    ) -> M {
        let start = start(&self.0, block);
        let mut x = start;
        for _ in 0..DOUBLE_ROUNDS {
            round(&mut x, COLUMNS);
            meanwhile.step();
            round(&mut x, ROWS);
            meanwhile.step();
        }
        for row in 0..4 {
            let words = std::array::from_fn(|i| add(x[4 * row + i], start[4 * row + i]));
            for (lane, words) in transpose(words).into_iter().enumerate() {
                let at = lane * BLOCK_BYTES + row * 16;
                store(&mut out[at..at + 16], words);
            }
        }
        meanwhile
    }

    fn narrow<M: Meanwhile>(&self, block: u64, out: &mut [u8; NARROW], mut meanwhile: M) -> M {
        let m = self.0.matrix(block);
        let diagonal = |a: usize, b: usize, c: usize, d: usize| words([m[a], m[b], m[c], m[d]]);
        let start = [
            diagonal(0, 5, 10, 15),
            diagonal(4, 9, 14, 3),
            diagonal(8, 13, 2, 7),
            diagonal(12, 1, 6, 11),
        ];
        let [mut a, mut b, mut c, mut d] = start;
        for _ in 0..DOUBLE_ROUNDS {
            quarter_round(&mut a, &mut b, &mut c, &mut d);
            (b, c, d) = (turn::<0x93>(b), turn::<0x4e>(c), turn::<0x39>(d));
            meanwhile.step();
            quarter_round(&mut a, &mut d, &mut c, &mut b);
            (b, c, d) = (turn::<0x39>(b), turn::<0x4e>(c), turn::<0x93>(d));
            meanwhile.step();
        }
        let [a, b, c, d] = [add(a, start[0]), add(b, start[1]), add(c, start[2]), add(d, start[3])];
        let rows = [[a, d, c, b], [b, a, d, c], [c, b, a, d], [d, c, b, a]];
        for (row, words) in rows.into_iter().enumerate() {
            store(&mut out[16 * row..16 * row + 16], pick(words));
        }
        meanwhile
    }
}

/// The matrices of four blocks from this one on.
#[inline(always)]
fn start(stream: &Stream<'_>, block: u64) -> [__m128i; 16] {
    let mut start = stream.matrix(block).map(|word| words([word; LANES]));
    [start[8], start[9]] = numbers(block).map(words);
    start
}

/// Four quarter rounds, of the words with these indices.
#[inline(always)]
fn round(x: &mut [__m128i; 16], quarters: [[usize; 4]; 4]) {
    for [a, b, c, d] in quarters {
        let [mut wa, mut wb, mut wc, mut wd] = [x[a], x[b], x[c], x[d]];
        quarter_round(&mut wa, &mut wb, &mut wc, &mut wd);
        [x[a], x[b], x[c], x[d]] = [wa, wb, wc, wd];
    }
}

#[inline(always)]
fn quarter_round(a: &mut __m128i, b: &mut __m128i, c: &mut __m128i, d: &mut __m128i) {
    *b = mix::<7, 25>(*b, *a, *d);
    *c = mix::<9, 23>(*c, *b, *a);
    *d = mix::<13, 19>(*d, *c, *b);
    *a = mix::<18, 14>(*a, *d, *c);
}

/// word ^ (one + other) rotated by `LEFT` = 32 − `RIGHT`.
#[inline(always)]
fn mix<const LEFT: i32, const RIGHT: i32>(word: __m128i, one: __m128i, other: __m128i) -> __m128i {
    let sum = add(one, other);
    // SAFETY: every x86-64 has SSE2.
    unsafe {
        let word = _mm_xor_si128(word, _mm_slli_epi32::<LEFT>(sum));
        _mm_xor_si128(word, _mm_srli_epi32::<RIGHT>(sum))
    }
}

#[inline(always)]
fn add(one: __m128i, other: __m128i) -> __m128i {
    // SAFETY: every x86-64 has SSE2.
    unsafe { _mm_add_epi32(one, other) }
}

#[inline(always)]
fn turn<const ORDER: i32>(words: __m128i) -> __m128i {
    // SAFETY: every x86-64 has SSE2.
    unsafe { _mm_shuffle_epi32::<ORDER>(words) }
}

#[inline(always)]
fn words([a, b, c, d]: [u32; 4]) -> __m128i {
    // SAFETY: every x86-64 has SSE2.
    unsafe { _mm_setr_epi32(a as i32, b as i32, c as i32, d as i32) }
}

/// The first word of the first register, the second of the second, …
#[inline(always)]
fn pick([a, b, c, d]: [__m128i; 4]) -> __m128i {
    // SAFETY: every x86-64 has SSE2.
    unsafe {
        let even = _mm_unpacklo_epi32(a, _mm_shuffle_epi32::<0x55>(b));
        let odd = _mm_unpackhi_epi32(c, _mm_shuffle_epi32::<0xff>(d));
        _mm_unpacklo_epi64(even, odd)
    }
}

/// Columns become rows.
#[inline(always)]
fn transpose([a, b, c, d]: [__m128i; 4]) -> [__m128i; 4] {
    // SAFETY: every x86-64 has SSE2.
    unsafe {
        let (low, high) = (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
        let (low2, high2) = (_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
        [
            _mm_unpacklo_epi64(low, low2),
            _mm_unpackhi_epi64(low, low2),
            _mm_unpacklo_epi64(high, high2),
            _mm_unpackhi_epi64(high, high2),
        ]
    }
}

/// Puts sixteen bytes into as many.
#[inline(always)]
fn store(out: &mut [u8], words: __m128i) {
    assert_eq!(out.len(), 16);
    // SAFETY: there are sixteen bytes, which need no alignment.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), words) }
}
