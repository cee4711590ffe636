//! What the owners of two pairs of keys have in common: X25519 (RFC 7748).
//!
//! Fuzz targets (`--cfg fuzzing`) agree by a product of numbers instead, which takes
//! nanoseconds and protects nothing: whatever there is around an agreement is reached
//! twenty times as often.

#[cfg(not(fuzzing))]
pub(super) use curve25519::{product, public_key};
#[cfg(fuzzing)]
pub(super) use numbers::{product, public_key};

#[cfg(not(fuzzing))]
mod curve25519 {
    use curve25519_dalek::MontgomeryPoint;

    pub(in crate::crypto) fn public_key(secret: &[u8; 32]) -> [u8; 32] {
        MontgomeryPoint::mul_base_clamped(*secret).to_bytes()
    }

    /// All zero for a public key that is none.
    pub(in crate::crypto) fn product(secret: &[u8; 32], public: &[u8; 32]) -> [u8; 32] {
        MontgomeryPoint(*public).mul_clamped(*secret).to_bytes()
    }
}

#[cfg(fuzzing)]
mod numbers {
    const BASE: [u8; 32] = [0x9d; 32];

    pub(in crate::crypto) fn public_key(secret: &[u8; 32]) -> [u8; 32] {
        product(secret, &BASE)
    }

    /// Four products, by odd numbers, so that every bit of a public key counts; but for
    /// the last one, which does not with X25519 either.
    pub(in crate::crypto) fn product(secret: &[u8; 32], public: &[u8; 32]) -> [u8; 32] {
        let word = |key: &[u8; 32], at: usize| {
            u64::from_le_bytes(std::array::from_fn(|byte| key[8 * at + byte]))
        };
        let mut words: [u64; 4] =
            std::array::from_fn(|at| (word(secret, at) | 1).wrapping_mul(word(public, at)));
        words[3] &= u64::MAX >> 1;
        std::array::from_fn(|byte| words[byte / 8].to_le_bytes()[byte % 8])
    }
}
