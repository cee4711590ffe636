//! X25519 with AVX-512's multiplication of 52 bits: four numbers at a time.
//!
//! The Montgomery ladder of RFC 7748 has two points, (x₂ : z₂) and (x₃ : z₃), and of
//! the ten products that a step takes never more than four wait for each other. So
//! all four coordinates lie side by side, and a step is three products of all lanes,
//! about as Hisil, Eğrice and Yassi have it ("Fast 4 way vectorized ladder for the
//! complete set of Montgomery curves", 2020):
//!
//! ```text
//! lanes     x₂            z₂                   x₃             z₃
//! sums      A = x₂ + z₂   B = x₂ − z₂          C = x₃ + z₃    D = x₃ − z₃
//! product   A²            B²                   C B            D A
//! sums                    E = A² − B²          F = CB + DA    G = CB − DA
//! square                                       F²             G²
//! product   A² B²         E (A² + 121665 E)    F² 1           G² u
//! ```
//!
//! A number is modulo 2^255 − 19, in five limbs of 51 bits. *Narrow* limbs are below
//! 2^51 + 2^14, which is what may be multiplied, since the processor takes 52 bits of
//! each. *Wide* ones are sums of products, below 2^59.
//!
//! No branch and no address depends on a secret or on a point.

use std::arch::x86_64::*;

/// Bits of a limb.
const LIMB: u32 = 51;
const MASK: u64 = (1 << LIMB) - 1;

/// How much 2^255 is above a multiple of the prime.
const FOLD: u64 = 19;

/// The prime times 256: no wide limb is greater than its limb there.
const WIDE_ZERO: [u64; LIMBS] =
    [(MASK - (FOLD - 1)) << 8, MASK << 8, MASK << 8, MASK << 8, MASK << 8];

/// (A − 2) / 4 of Curve25519, whose A is 486662.
const A24: i64 = 121_665;

const LIMBS: usize = 5;

/// A number in each of the four lanes.
type Numbers = [__m256i; LIMBS];

/// Whether the processor can do this.
pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512ifma")
}

/// The function X25519: all zero if there is no point with this coordinate whose
/// order is large.
///
/// # Safety
///
/// The processor has AVX-512F, AVX-512VL and AVX-512-IFMA.
#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
pub(super) unsafe fn product(secret: &[u8; 32], u: &[u8; 32]) -> [u8; 32] {
    let (zero, one, u) = ([0; LIMBS], [1, 0, 0, 0, 0], limbs(u));
    let factors = lanes([zero, zero, one, u]);
    let mut points = lanes([one, zero, u, one]);
    let mut last = 0;
    for at in (0..255).rev() {
        let bit = match at {
            254 => 1,
            3.. => secret[at / 8] >> (at % 8) & 1,
            _ => 0,
        };
        points = step(points, factors, bit ^ last);
        last = bit;
    }

    // The last bit was 0, so that the points are not swapped.
    let points = carried(points);
    let z = points.map(|limb| _mm256_permute4x64_epi64::<0b01_01_01_01>(limb));
    let x = carried(times(points, inverse(z)));
    bytes(x.map(|limb| _mm256_extract_epi64::<0>(limb) as u64))
}

/// A step of the ladder, from wide coordinates to wide ones; before it the points
/// change places if `swap` is 1.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn step(points: Numbers, factors: Numbers, swap: u8) -> Numbers {
    let swap = _mm256_set1_epi64x(i64::from(swap) << 1);
    let abcd = _mm256_xor_si256(_mm256_set_epi64x(3, 2, 1, 0), swap);
    let abba = _mm256_xor_si256(_mm256_set_epi64x(0, 1, 1, 0), swap);
    let sums = carried(sums_and_differences(points));
    let products = times(
        sums.map(|limb| _mm256_permutexvar_epi64(abcd, limb)),
        sums.map(|limb| _mm256_permutexvar_epi64(abba, limb)),
    );

    let sums = carried(sums_and_differences(products));
    let products = carried(products);
    let squares = carried(squared(sums));
    let multiples = carried(with_multiples(products.map(|limb| neighbours(limb)), sums));

    let (mut left, mut right) = (squares, factors);
    for i in 0..LIMBS {
        left[i] = _mm256_mask_blend_epi64(0b0001, left[i], products[i]);
        left[i] = _mm256_mask_blend_epi64(0b0010, left[i], sums[i]);
        right[i] = _mm256_mask_blend_epi64(0b0011, right[i], multiples[i]);
    }
    times(left, right)
}

/// Of each pair of numbers, which may be wide, the sum and the difference. Their
/// limbs are below 2^60.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn sums_and_differences(numbers: Numbers) -> Numbers {
    let mut sums = numbers;
    for (limb, zero) in sums.iter_mut().zip(WIDE_ZERO) {
        let signed = _mm256_mask_sub_epi64(*limb, 0b1010, all(zero), *limb);
        *limb = _mm256_add_epi64(neighbours(*limb), signed);
    }
    sums
}

/// The two numbers of each pair, in each other's place.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn neighbours(limb: __m256i) -> __m256i {
    _mm256_shuffle_epi32::<0b01_00_11_10>(limb)
}

/// Adds [`A24`] times what is in the second lane; all narrow. Their limbs are below
/// 2^54.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn with_multiples(mut numbers: Numbers, multiplied: Numbers) -> Numbers {
    let factor = _mm256_set_epi64x(0, 0, A24, 0);
    let high =
        multiplied.map(|limb| twice(_mm256_madd52hi_epu64(_mm256_setzero_si256(), limb, factor)));
    for i in 0..LIMBS {
        numbers[i] = _mm256_madd52lo_epu64(numbers[i], multiplied[i], factor);
    }
    for i in 1..LIMBS {
        numbers[i] = _mm256_add_epi64(numbers[i], high[i - 1]);
    }
    numbers[0] = _mm256_madd52lo_epu64(numbers[0], high[LIMBS - 1], all(FOLD));
    numbers
}

/// The products of narrow numbers, wide.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn times(one: Numbers, other: Numbers) -> Numbers {
    let (mut low, mut high) = ([_mm256_setzero_si256(); 10], [_mm256_setzero_si256(); 10]);
    for i in 0..LIMBS {
        for j in 0..LIMBS {
            low[i + j] = _mm256_madd52lo_epu64(low[i + j], one[i], other[j]);
            high[i + j + 1] = _mm256_madd52hi_epu64(high[i + j + 1], one[i], other[j]);
        }
    }
    folded(low, high)
}

/// The squares of narrow numbers, wide.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn squared(numbers: Numbers) -> Numbers {
    let (mut low, mut high) = ([_mm256_setzero_si256(); 10], [_mm256_setzero_si256(); 10]);
    for i in 0..LIMBS {
        for j in i + 1..LIMBS {
            low[i + j] = _mm256_madd52lo_epu64(low[i + j], numbers[i], numbers[j]);
            high[i + j + 1] = _mm256_madd52hi_epu64(high[i + j + 1], numbers[i], numbers[j]);
        }
    }
    let (mut low, mut high) = (low.map(|sum| twice(sum)), high.map(|sum| twice(sum)));
    for (i, limb) in numbers.into_iter().enumerate() {
        low[2 * i] = _mm256_madd52lo_epu64(low[2 * i], limb, limb);
        high[2 * i + 1] = _mm256_madd52hi_epu64(high[2 * i + 1], limb, limb);
    }
    folded(low, high)
}

/// Products whose lower 52 bits and what is above them have been added up by the
/// limb that they belong to, as numbers: wide.
///
/// What is above 52 bits counts twice, as a limb has 51. So a limb is at most
/// 7 × 2^52, and of those that come back below, times 19, the greatest is the first:
/// 6.5 × 2^52. It meets one of 2^52: 124.5 × 2^52 are less than 2^59.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn folded(low: [__m256i; 10], high: [__m256i; 10]) -> Numbers {
    let mut sums = low;
    for (sum, high) in sums.iter_mut().zip(high) {
        *sum = _mm256_add_epi64(*sum, twice(high));
    }
    let mut numbers = [_mm256_setzero_si256(); LIMBS];
    for (i, number) in numbers.iter_mut().enumerate() {
        let above = sums[i + LIMBS];
        let three_times = _mm256_add_epi64(above, twice(above));
        let sixteen_times = _mm256_slli_epi64::<4>(above);
        *number = _mm256_add_epi64(_mm256_add_epi64(sums[i], three_times), sixteen_times);
    }
    numbers
}

/// Numbers made narrow, whose limbs are below 2^60: carries are below 2^9.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn carried(numbers: Numbers) -> Numbers {
    let carries = numbers.map(|limb| _mm256_srli_epi64::<{ LIMB as i32 }>(limb));
    let mut narrow = numbers.map(|limb| _mm256_and_si256(limb, all(MASK)));
    narrow[0] = _mm256_madd52lo_epu64(narrow[0], carries[LIMBS - 1], all(FOLD));
    for i in 1..LIMBS {
        narrow[i] = _mm256_add_epi64(narrow[i], carries[i - 1]);
    }
    narrow
}

/// The inverses of narrow numbers, or 0 of 0: their powers with the exponent
/// 2^255 − 21, by Bernstein's chain of 254 squares and 11 products. `z_9` is the
/// power of 9, `ones_5` that of 2^5 − 1.
#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn inverse(z: Numbers) -> Numbers {
    let z_2 = squared_often(z, 1);
    let z_9 = product_of(z, squared_often(z_2, 2));
    let z_11 = product_of(z_2, z_9);
    let ones_5 = product_of(z_9, squared_often(z_11, 1));
    let ones_10 = product_of(ones_5, squared_often(ones_5, 5));
    let ones_20 = product_of(ones_10, squared_often(ones_10, 10));
    let ones_40 = product_of(ones_20, squared_often(ones_20, 20));
    let ones_50 = product_of(ones_10, squared_often(ones_40, 10));
    let ones_100 = product_of(ones_50, squared_often(ones_50, 50));
    let ones_200 = product_of(ones_100, squared_often(ones_100, 100));
    let ones_250 = product_of(ones_50, squared_often(ones_200, 50));
    product_of(z_11, squared_often(ones_250, 5))
}

#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn product_of(one: Numbers, other: Numbers) -> Numbers {
    carried(times(one, other))
}

#[target_feature(enable = "avx512f,avx512vl,avx512ifma")]
fn squared_often(mut numbers: Numbers, times: u32) -> Numbers {
    for _ in 0..times {
        numbers = carried(squared(numbers));
    }
    numbers
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn twice(limb: __m256i) -> __m256i {
    _mm256_add_epi64(limb, limb)
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn all(limb: u64) -> __m256i {
    _mm256_set1_epi64x(limb as i64)
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn lanes(numbers: [[u64; LIMBS]; 4]) -> Numbers {
    let mut lanes = [_mm256_setzero_si256(); LIMBS];
    for (i, lane) in lanes.iter_mut().enumerate() {
        let [x2, z2, x3, z3] = numbers.map(|limbs| limbs[i] as i64);
        *lane = _mm256_set_epi64x(z3, x3, z2, x2);
    }
    lanes
}

/// A number of 255 bits as limbs, whatever the last bit is.
fn limbs(bytes: &[u8; 32]) -> [u64; LIMBS] {
    let [w0, w1, w2, w3] = [0, 1, 2, 3]
        .map(|word| u64::from_le_bytes(std::array::from_fn(|byte| bytes[8 * word + byte])));
    [w0, w0 >> 51 | w1 << 13, w1 >> 38 | w2 << 26, w2 >> 25 | w3 << 39, w3 >> 12]
        .map(|limb| limb & MASK)
}

/// The least number that is the same as this one, which is narrow.
fn bytes(mut limbs: [u64; LIMBS]) -> [u8; 32] {
    // 1 if the number is not below the prime, that is if 19 more need 256 bits.
    let above = limbs.iter().fold(FOLD, |carry, limb| (limb + carry) >> LIMB);
    let mut carry = FOLD * above;
    for limb in &mut limbs {
        let sum = *limb + carry;
        (*limb, carry) = (sum & MASK, sum >> LIMB);
    }
    let [l0, l1, l2, l3, l4] = limbs;
    let words = [l0 | l1 << 51, l1 >> 13 | l2 << 38, l2 >> 26 | l3 << 25, l3 >> 39 | l4 << 12];
    std::array::from_fn(|byte| words[byte / 8].to_le_bytes()[byte % 8])
}
