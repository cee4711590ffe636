//! Salsa20 in AVX2: eight blocks at a time, or two.
//!
//! Eight blocks lie side by side: a register has the same word of each. Two
//! blocks lie across: each half of a register has a diagonal of one's matrix, so
//! that four quarter rounds are one.
//!
//! AVX2 has no rotation. Where AVX-512VL is, which has one, all the rest is the
//! same (`ROTATES`); it is written as assembly, since what a function may use of
//! the processor cannot depend on a parameter.

use std::arch::asm;
use std::arch::x86_64::*;

use super::engine::{self, BLOCK_BYTES, Blocks, Meanwhile, Text};
use super::poly1305::{Poly1305, TAG_BYTES};
use super::salsa20::{DOUBLE_ROUNDS, Stream, numbers};

/// Blocks side by side.
const LANES: usize = 8;
const WIDE: usize = LANES * BLOCK_BYTES;
const NARROW: usize = 2 * BLOCK_BYTES;

/// Encrypts a text, and says its tag.
///
/// # Safety
///
/// The processor has AVX2 and BMI2, and AVX-512VL if `ROTATES` says so.
#[target_feature(enable = "avx2,bmi2")]
pub(super) unsafe fn seal<const ROTATES: bool>(
    stream: Stream<'_>,
    text: &mut impl Text,
) -> [u8; TAG_BYTES] {
    // SAFETY: the caller's promise.
    engine::seal(&unsafe { Avx2::<ROTATES>::new(stream) }, text)
}

/// Decrypts a text if its tag is right.
///
/// # Safety
///
/// As for [`seal`].
#[target_feature(enable = "avx2,bmi2")]
pub(super) unsafe fn open<const ROTATES: bool>(
    stream: Stream<'_>,
    text: &mut impl Text,
    tag: &[u8; TAG_BYTES],
) -> bool {
    // SAFETY: the caller's promise.
    engine::open(&unsafe { Avx2::<ROTATES>::new(stream) }, text, tag)
}

/// A stream, and the knowledge that the processor can do this.
pub(super) struct Avx2<'a, const ROTATES: bool>(Stream<'a>);

impl<'a, const ROTATES: bool> Avx2<'a, ROTATES> {
    /// # Safety
    ///
    /// As for [`seal`].
    pub(super) unsafe fn new(stream: Stream<'a>) -> Self {
        Self(stream)
    }
}

impl<const ROTATES: bool> Blocks<WIDE, NARROW> for Avx2<'_, ROTATES> {
    type Hash = Poly1305;

    #[inline(always)]
    fn hash(&self, key: &[u8; 32]) -> Poly1305 {
        Poly1305::new(key)
    }

    #[inline(always)]
    fn wide<M: Meanwhile>(
        &self,
        block: u64,
        out: &mut [u8; WIDE],
        _count: usize,
        meanwhile: M,
    ) -> M {
        // SAFETY: whoever made `self` knows that the processor can.
        unsafe { wide::<ROTATES, M>(&self.0, block, out, meanwhile) }
    }

    #[inline(always)]
    fn narrow<M: Meanwhile>(&self, block: u64, out: &mut [u8; NARROW], meanwhile: M) -> M {
        // SAFETY: whoever made `self` knows that the processor can.
        unsafe { narrow::<ROTATES, M>(&self.0, block, out, meanwhile) }
    }
}

#[target_feature(enable = "avx2,bmi2")]
unsafe fn wide<const ROTATES: bool, M: Meanwhile>(
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
        _ => _mm256_set1_epi32(matrix[i] as i32),
    };

    let mut x: [__m256i; 16] = [_mm256_setzero_si256(); 16];
    for (i, x) in x.iter_mut().enumerate() {
        *x = start(i);
    }
    for _ in 0..DOUBLE_ROUNDS {
        // SAFETY: the caller's promise.
        unsafe { columns::<ROTATES>(&mut x) };
        meanwhile.step();
        // SAFETY: the caller's promise.
        unsafe { rows::<ROTATES>(&mut x) };
        meanwhile.step();
    }
    for (i, x) in x.iter_mut().enumerate() {
        *x = _mm256_add_epi32(*x, start(i));
    }
    let (left, right) = x.split_at(8);
    for (half, words) in [left, right].into_iter().enumerate() {
        let words = transpose(words.try_into().expect("eight of sixteen"));
        for (lane, words) in words.into_iter().enumerate() {
            let at = lane * BLOCK_BYTES + half * 32;
            store(&mut out[at..at + 32], words);
        }
    }
    meanwhile
}

/// The quarter rounds of the words with these indices, each in its place.
macro_rules! round {
    ($name:ident: $([$a:literal, $b:literal, $c:literal, $d:literal])*) => {
        #[inline]
        #[target_feature(enable = "avx2,bmi2")]
        unsafe fn $name<const ROTATES: bool>(x: &mut [__m256i; 16]) {
            // SAFETY: the caller's promise.
            unsafe {
                $(
                    x[$b] = mix::<ROTATES, 7, 25>(x[$b], x[$a], x[$d]);
                    x[$c] = mix::<ROTATES, 9, 23>(x[$c], x[$b], x[$a]);
                    x[$d] = mix::<ROTATES, 13, 19>(x[$d], x[$c], x[$b]);
                    x[$a] = mix::<ROTATES, 18, 14>(x[$a], x[$d], x[$c]);
                )*
            }
        }
    };
}

round!(columns: [0, 4, 8, 12] [5, 9, 13, 1] [10, 14, 2, 6] [15, 3, 7, 11]);
round!(rows: [0, 1, 2, 3] [5, 6, 7, 4] [10, 11, 8, 9] [15, 12, 13, 14]);

#[target_feature(enable = "avx2,bmi2")]
unsafe fn narrow<const ROTATES: bool, M: Meanwhile>(
    stream: &Stream<'_>,
    block: u64,
    out: &mut [u8; NARROW],
    mut meanwhile: M,
) -> M {
    let (m, n) = (stream.matrix(block), stream.matrix(block.wrapping_add(1)));
    let diagonal = |a: usize, b: usize, c: usize, d: usize| {
        words([m[a], m[b], m[c], m[d], n[a], n[b], n[c], n[d]])
    };
    let start = [
        diagonal(0, 5, 10, 15),
        diagonal(4, 9, 14, 3),
        diagonal(8, 13, 2, 7),
        diagonal(12, 1, 6, 11),
    ];
    let [mut a, mut b, mut c, mut d] = start;
    for _ in 0..DOUBLE_ROUNDS {
        // SAFETY: the caller's promise.
        unsafe {
            b = mix::<ROTATES, 7, 25>(b, a, d);
            c = mix::<ROTATES, 9, 23>(c, b, a);
            d = mix::<ROTATES, 13, 19>(d, c, b);
            a = mix::<ROTATES, 18, 14>(a, d, c);
        }
        meanwhile.step();
        b = _mm256_shuffle_epi32::<0x93>(b);
        c = _mm256_shuffle_epi32::<0x4e>(c);
        d = _mm256_shuffle_epi32::<0x39>(d);
        // SAFETY: the caller's promise.
        unsafe {
            d = mix::<ROTATES, 7, 25>(d, a, b);
            c = mix::<ROTATES, 9, 23>(c, d, a);
            b = mix::<ROTATES, 13, 19>(b, c, d);
            a = mix::<ROTATES, 18, 14>(a, b, c);
        }
        b = _mm256_shuffle_epi32::<0x39>(b);
        c = _mm256_shuffle_epi32::<0x4e>(c);
        d = _mm256_shuffle_epi32::<0x93>(d);
        meanwhile.step();
    }
    a = _mm256_add_epi32(a, start[0]);
    b = _mm256_add_epi32(b, start[1]);
    c = _mm256_add_epi32(c, start[2]);
    d = _mm256_add_epi32(d, start[3]);
    let rows = [pick(a, d, c, b), pick(b, a, d, c), pick(c, b, a, d), pick(d, c, b, a)];
    let (first, second) = out.split_at_mut(BLOCK_BYTES);
    for (half, at) in [(0, 0), (1, 32)] {
        let (upper, lower) = (rows[2 * half], rows[2 * half + 1]);
        store(&mut first[at..at + 32], _mm256_permute2x128_si256::<0x20>(upper, lower));
        store(&mut second[at..at + 32], _mm256_permute2x128_si256::<0x31>(upper, lower));
    }
    meanwhile
}

/// word ^ (one + other) rotated by `LEFT` = 32 − `RIGHT`.
#[inline]
#[target_feature(enable = "avx2,bmi2")]
unsafe fn mix<const ROTATES: bool, const LEFT: i32, const RIGHT: i32>(
    word: __m256i,
    one: __m256i,
    other: __m256i,
) -> __m256i {
    let sum = _mm256_add_epi32(one, other);
    if ROTATES {
        let rotated: __m256i;
        // SAFETY: the caller knows that the processor has AVX-512VL. Nothing but
        // the registers named is touched.
        unsafe {
            asm!(
                "vprold {to}, {from}, {by}",
                to = lateout(ymm_reg) rotated,
                from = in(ymm_reg) sum,
                by = const LEFT,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        _mm256_xor_si256(word, rotated)
    } else {
        let word = _mm256_xor_si256(word, _mm256_slli_epi32::<LEFT>(sum));
        _mm256_xor_si256(word, _mm256_srli_epi32::<RIGHT>(sum))
    }
}

#[inline]
#[target_feature(enable = "avx2,bmi2")]
fn words(words: [u32; LANES]) -> __m256i {
    let [a, b, c, d, e, f, g, h] = words.map(|word| word as i32);
    _mm256_setr_epi32(a, b, c, d, e, f, g, h)
}

/// In each half: the first word of the first register, the second of the second, …
#[inline]
#[target_feature(enable = "avx2,bmi2")]
fn pick(a: __m256i, b: __m256i, c: __m256i, d: __m256i) -> __m256i {
    let (even, odd) = (_mm256_blend_epi32::<0x22>(a, b), _mm256_blend_epi32::<0x88>(c, d));
    _mm256_blend_epi32::<0xcc>(even, odd)
}

/// Columns become rows.
#[inline]
#[target_feature(enable = "avx2,bmi2")]
fn transpose([a, b, c, d, e, f, g, h]: [__m256i; 8]) -> [__m256i; 8] {
    let quarters = |a, b, c, d| {
        let (low, high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let (low2, high2) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        [
            _mm256_unpacklo_epi64(low, low2),
            _mm256_unpackhi_epi64(low, low2),
            _mm256_unpacklo_epi64(high, high2),
            _mm256_unpackhi_epi64(high, high2),
        ]
    };
    let [p0, p1, p2, p3] = quarters(a, b, c, d);
    let [q0, q1, q2, q3] = quarters(e, f, g, h);
    [
        _mm256_permute2x128_si256::<0x20>(p0, q0),
        _mm256_permute2x128_si256::<0x20>(p1, q1),
        _mm256_permute2x128_si256::<0x20>(p2, q2),
        _mm256_permute2x128_si256::<0x20>(p3, q3),
        _mm256_permute2x128_si256::<0x31>(p0, q0),
        _mm256_permute2x128_si256::<0x31>(p1, q1),
        _mm256_permute2x128_si256::<0x31>(p2, q2),
        _mm256_permute2x128_si256::<0x31>(p3, q3),
    ]
}

/// Puts 32 bytes into as many.
#[inline]
#[target_feature(enable = "avx2,bmi2")]
fn store(out: &mut [u8], words: __m256i) {
    assert_eq!(out.len(), 32);
    // SAFETY: there are 32 bytes, which need no alignment.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), words) }
}
