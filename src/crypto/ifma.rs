//! Poly1305 of eight blocks at a time, with AVX-512's multiplication of 52 bits.
//!
//! Each lane hashes every eighth block with the eighth power of the multiplier.
//! In the end each is multiplied by the power that its place among the last eight
//! blocks asks for, and their sum is the hash so far, which [`Poly1305`] goes on
//! with.
//!
//! Numbers have three limbs of 44, 44 and 42 bits, with some room above each. No
//! branch and no address depends on the key or on what is hashed.

use std::arch::x86_64::*;

use super::poly1305::{BLOCK_BYTES, Hash, Poly1305, TAG_BYTES};

/// Blocks side by side.
const LANES: usize = 8;

/// Which of eight blocks is in which lane, as halves of words interleave.
const ORDER: [usize; LANES] = [0, 4, 1, 5, 2, 6, 3, 7];

/// Bits of the first two limbs, and of the third.
const LIMB: u32 = 44;
const LAST_LIMB: u32 = 130 - 2 * LIMB;

const MASK: u64 = (1 << LIMB) - 1;
const LAST_MASK: u64 = (1 << LAST_LIMB) - 1;

/// A hash under way, and the knowledge that the processor can do this.
#[derive(Clone)]
pub(super) struct Ifma {
    /// What each lane has hashed, in limbs of up to 46 bits.
    sums: [__m512i; 3],
    /// The eighth power of the multiplier, for all lanes.
    eighth: Multiplier,
    /// The powers with which lanes come together.
    last: Multiplier,
    /// For what is left when blocks are fewer than lanes.
    rest: Poly1305,
}

impl Ifma {
    /// A hash with a key of 32 bytes.
    ///
    /// # Safety
    ///
    /// The processor has AVX-512F and AVX-512-IFMA.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) unsafe fn new(key: &[u8; 32]) -> Self {
        let rest = Poly1305::new(key);
        let powers = rest.powers::<LANES>().map(limbs);
        Self {
            sums: [_mm512_setzero_si512(); 3],
            eighth: Multiplier::new([powers[LANES - 1]; LANES]),
            last: Multiplier::new(ORDER.map(|block| powers[LANES - 1 - block])),
            rest,
        }
    }

    /// Hashes a block in each lane.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn absorb_all(&mut self, blocks: &[u8; LANES * BLOCK_BYTES]) {
        let (first, second) = blocks.split_at(LANES * BLOCK_BYTES / 2);
        // SAFETY: there are 64 bytes in each, which need no alignment.
        let (first, second) = unsafe {
            (_mm512_loadu_si512(first.as_ptr().cast()), _mm512_loadu_si512(second.as_ptr().cast()))
        };
        let (low, high) =
            (_mm512_unpacklo_epi64(first, second), _mm512_unpackhi_epi64(first, second));
        let across = _mm512_or_si512(
            _mm512_srli_epi64::<LIMB>(low),
            _mm512_slli_epi64::<{ 64 - LIMB }>(high),
        );
        let above = _mm512_set1_epi64(1 << (128 - 2 * LIMB));
        let block = [
            _mm512_and_si512(low, all(MASK)),
            _mm512_and_si512(across, all(MASK)),
            _mm512_or_si512(_mm512_srli_epi64::<{ 2 * LIMB - 64 }>(high), above),
        ];
        let sums = self.eighth.times(self.sums);
        self.sums = [0, 1, 2].map(|i| _mm512_add_epi64(sums[i], block[i]));
    }

    /// The hash of all lanes' blocks.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn together(&self) -> Poly1305 {
        let [h0, h1, h2] = self.last.times(self.sums).map(|limb| _mm512_reduce_add_epi64(limb));
        let low = u128::from(h0 as u64) + (u128::from(h1 as u64) << LIMB);
        let high = h2 as u64 + (low >> (2 * LIMB)) as u64;
        // What stands above 2^130 comes back below, times 5.
        let low = (low & ((1 << (2 * LIMB)) - 1)) + u128::from(5 * (high >> LAST_LIMB));
        let high = high & LAST_MASK;
        let (low, carry) = low.overflowing_add(u128::from(high) << (2 * LIMB));
        let third = (high >> (128 - 2 * LIMB)) + u64::from(carry);
        self.rest.after([low as u64, (low >> 64) as u64, third])
    }
}

impl Hash for Ifma {
    #[inline(always)]
    fn absorb<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let Some((blocks, rest)) = text.split_first_chunk() else { return text };
        // SAFETY: whoever made `self` knows that the processor can.
        unsafe { self.absorb_all(blocks) };
        rest
    }

    #[inline(always)]
    fn finish(mut self, mut text: &[u8]) -> [u8; TAG_BYTES] {
        while let Some((blocks, rest)) = text.split_first_chunk() {
            // SAFETY: whoever made `self` knows that the processor can.
            unsafe { self.absorb_all(blocks) };
            text = rest;
        }
        // SAFETY: likewise.
        unsafe { self.together() }.finish(text)
    }
}

/// A number to multiply by, in each lane.
#[derive(Clone)]
struct Multiplier {
    limbs: [__m512i; 3],
    /// The upper limbs times 20: 2^132 is 4 × 5.
    folded: [__m512i; 2],
}

impl Multiplier {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn new(numbers: [[u64; 3]; LANES]) -> Self {
        let [r0, r1, r2] = [0, 1, 2].map(|i| numbers.map(|limbs| limbs[i]));
        Self {
            limbs: [r0, r1, r2].map(|limbs| lanes(limbs)),
            folded: [r1, r2].map(|limbs| lanes(limbs.map(|limb| 20 * limb))),
        }
    }

    /// The products with limbs of up to 46 bits, reduced: to 44 and 42 bits, and
    /// little more than 44 in the second limb.
    ///
    /// Lower halves add up to less than 2^54, upper ones to less than 2^45, those
    /// that come back below to less than 2^40: shifted and times 5 all fit.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn times(&self, [h0, h1, h2]: [__m512i; 3]) -> [__m512i; 3] {
        let ([r0, r1, r2], [s1, s2]) = (self.limbs, self.folded);
        let (d0, e0) = products([(h0, r0), (h1, s2), (h2, s1)]);
        let (d1, e1) = products([(h0, r1), (h1, r0), (h2, s2)]);
        let (d2, e2) = products([(h0, r2), (h1, r1), (h2, r0)]);

        // The high halves count from bit 52 on, which is 8 above the next limb,
        // and 10 above what comes back below.
        let d1 = _mm512_add_epi64(d1, _mm512_slli_epi64::<{ 52 - LIMB }>(e0));
        let d1 = _mm512_add_epi64(d1, _mm512_srli_epi64::<LIMB>(d0));
        let d2 = _mm512_add_epi64(d2, _mm512_slli_epi64::<{ 52 - LIMB }>(e1));
        let d2 = _mm512_add_epi64(d2, _mm512_srli_epi64::<LIMB>(d1));
        let back = _mm512_add_epi64(
            _mm512_slli_epi64::<{ 52 - LAST_LIMB }>(e2),
            _mm512_srli_epi64::<LAST_LIMB>(d2),
        );
        let five_times = _mm512_add_epi64(back, _mm512_slli_epi64::<2>(back));
        let d0 = _mm512_add_epi64(_mm512_and_si512(d0, all(MASK)), five_times);
        [
            _mm512_and_si512(d0, all(MASK)),
            _mm512_add_epi64(_mm512_and_si512(d1, all(MASK)), _mm512_srli_epi64::<LIMB>(d0)),
            _mm512_and_si512(d2, all(LAST_MASK)),
        ]
    }
}

/// The sum of three products: of their lower 52 bits, and of what is above.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn products(factors: [(__m512i, __m512i); 3]) -> (__m512i, __m512i) {
    let (mut low, mut high) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for (one, other) in factors {
        low = _mm512_madd52lo_epu64(low, one, other);
        high = _mm512_madd52hi_epu64(high, one, other);
    }
    (low, high)
}

/// A number of two words and a small third one, as limbs.
fn limbs([low, high, above]: [u64; 3]) -> [u64; 3] {
    [
        low & MASK,
        (low >> LIMB | high << (64 - LIMB)) & MASK,
        high >> (2 * LIMB - 64) | above << (128 - 2 * LIMB),
    ]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn lanes(numbers: [u64; LANES]) -> __m512i {
    // SAFETY: there are 64 bytes, which need no alignment.
    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn all(number: u64) -> __m512i {
    _mm512_set1_epi64(number as i64)
}
