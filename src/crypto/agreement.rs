//! What the owners of two pairs of keys have in common: X25519 (RFC 7748).
//!
//! Products are made in AVX-512 where the processor has it (`ladder.rs`), public
//! keys always from dalek's table of multiples of the base point.
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

    #[cfg(all(target_arch = "x86_64", any(test, not(debug_assertions))))]
    use crate::crypto::ladder;

    pub(in crate::crypto) fn public_key(secret: &[u8; 32]) -> [u8; 32] {
        MontgomeryPoint::mul_base_clamped(*secret).to_bytes()
    }

    /// All zero for a public key that is none.
    pub(in crate::crypto) fn product(secret: &[u8; 32], public: &[u8; 32]) -> [u8; 32] {
        // Without optimisation, each instruction of the ladder would be a call.
        #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
        if ladder::is_there() {
            // SAFETY: as just asked.
            return unsafe { ladder::product(secret, public) };
        }
        portable_product(secret, public)
    }

    fn portable_product(secret: &[u8; 32], public: &[u8; 32]) -> [u8; 32] {
        MontgomeryPoint(*public).mul_clamped(*secret).to_bytes()
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::crypto::tests::{Random, cases, key};

        /// Both ways to make a product, or the one that there is; checked to be the same.
        fn any_product(secret: &[u8; 32], public: &[u8; 32]) -> [u8; 32] {
            let made = portable_product(secret, public);
            #[cfg(target_arch = "x86_64")]
            if ladder::is_there() {
                // SAFETY: as just asked.
                let other = unsafe { ladder::product(secret, public) };
                assert_eq!(other, made, "{secret:02x?} {public:02x?}");
            }
            made
        }

        /// RFC 7748, 5.2.
        #[test]
        fn the_published_products_come_out() {
            for (secret, public, expected) in [
                (
                    "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                    "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                    "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
                ),
                (
                    "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                    "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                    "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
                ),
            ] {
                assert_eq!(any_product(&key(secret), &key(public)), key(expected));
            }
        }

        /// Likewise: each product is the next secret, each secret the next point.
        fn iterate(times: u32) -> [u8; 32] {
            let mut point = [0; 32];
            point[0] = 9;
            let mut secret = point;
            for _ in 0..times {
                (secret, point) = (product(&secret, &point), secret);
            }
            secret
        }

        #[test]
        fn products_of_products_are_the_published_ones() {
            let once = key("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
            let often = key("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
            assert_eq!(iterate(1), once);
            assert_eq!(iterate(1000), often);
        }

        #[test]
        #[ignore = "takes half a minute of an optimised build"]
        fn a_million_products_of_products_are_the_published_one() {
            let last = key("7c3911e0ab2586fd864497297e575e6f3bc601c0883c30df5f4dd2d24f665424");
            assert_eq!(iterate(1_000_000), last);
        }

        #[test]
        fn both_ways_make_the_same_products() {
            let mut random = Random(7);
            for _ in 0..cases() / 10 {
                any_product(&random.bytes(), &random.bytes());
                // Bytes where carries are easily forgotten.
                let [mut secret, mut public]: [[u8; 32]; 2] = [random.bytes(), random.bytes()];
                for byte in secret.iter_mut().chain(&mut public) {
                    *byte = [0, 0xff, 0xff, 0xfe, 1, *byte][random.below(6)];
                }
                any_product(&secret, &public);
            }
        }

        #[test]
        fn products_take_coordinates_beyond_the_prime_and_no_last_bit() {
            let mut random = Random(8);
            let least = key("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
            for above in 0..19 {
                let secret = random.bytes();
                let (mut beyond, mut within) = (least, [0; 32]);
                beyond[0] += above;
                within[0] = above;
                let made = any_product(&secret, &within);
                assert_eq!(any_product(&secret, &beyond), made);
                beyond[31] |= 0x80;
                assert_eq!(any_product(&secret, &beyond), made);
            }
        }

        /// The coordinates of all points whose order is 1, 2, 4 or 8, on the curve and on
        /// its twist, and the same ones beyond the prime.
        #[test]
        fn products_with_points_of_small_order_are_zero() {
            for public in [
                "0000000000000000000000000000000000000000000000000000000000000000",
                "0100000000000000000000000000000000000000000000000000000000000000",
                "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            ] {
                let mut public = key(public);
                for secret in [[0; 32], [9; 32], [0xff; 32], Random(9).bytes()] {
                    assert_eq!(any_product(&secret, &public), [0; 32]);
                    public[31] ^= 0x80;
                    assert_eq!(any_product(&secret, &public), [0; 32]);
                }
            }
        }

        #[test]
        fn public_keys_are_products_with_the_base_point() {
            let mut base = [0; 32];
            base[0] = 9;
            let mut random = Random(10);
            for _ in 0..cases() / 10 {
                let secret = random.bytes();
                assert_eq!(public_key(&secret), any_product(&secret, &base));
            }
        }
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
