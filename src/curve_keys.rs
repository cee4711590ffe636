//! Key pairs of the CURVE mechanism (RFC 26): 32 random bytes, and the point of
//! Curve25519 that belongs to them.
//!
//! Secret keys are wiped when they are dropped.

use zeroize::Zeroizing;

use crate::crypto;
use crate::error::{Errno, Result};

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// A secret key.
pub(crate) type SecretKey = Zeroizing<[u8; KEY_BYTES]>;

/// A new secret key. Fails as getrandom(2) does.
pub(crate) fn new_secret_key() -> Result<SecretKey> {
    random_bytes()
}

/// Bytes that nobody can guess. Fails as getrandom(2) does.
pub(crate) fn random_bytes<const COUNT: usize>() -> Result<Zeroizing<[u8; COUNT]>> {
    let mut bytes = Zeroizing::new([0; COUNT]);
    let mut filled = 0;
    while filled < bytes.len() {
        let rest = &mut bytes[filled..];
        // SAFETY: as many bytes as are named may be written. A raw system call is
        // no cancellation point.
        let got = unsafe { libc::syscall(libc::SYS_getrandom, rest.as_mut_ptr(), rest.len(), 0) };
        match usize::try_from(got) {
            Ok(count) => filled += count,
            Err(_) => match Errno::last() {
                Errno::EINTR => {}
                error => return Err(error),
            },
        }
    }
    Ok(bytes)
}

/// The public key that belongs to a secret one, whichever bytes that has.
pub(crate) fn public_key(secret: &SecretKey) -> [u8; KEY_BYTES] {
    crypto::public_key(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Secret keys and the public ones that libzmq derives from them.
    const PAIRS: [(&str, &str); 4] = [
        (
            "7bb864b489afa3671fbe69101f94b38972f24816dfb01b51656b3fec8dfd0888",
            "bb88471d65e2659b30c55a5321cebb5aab2b70a398645c26dca2b2fcb43fc518",
        ),
        (
            "8e0bdd697628b91d8f245587ee95c5b04d48963f79259877b49cd9063aead3b7",
            "54fcba24e93249969316fb617c872bb0c1d1ff14800427c594cbfacf1bc2d652",
        ),
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "2fe57da347cd62431528daac5fbb290730fff684afc4cfc2ed90995f58cb3b74",
        ),
        (
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "847c0d2c375234f365e660955187a3735a0f7613d1609d3a6a4d8c53aeaa5a22",
        ),
    ];

    fn key(hex: &str) -> [u8; KEY_BYTES] {
        std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
    }

    #[test]
    fn public_keys_are_those_of_libzmq() {
        for (secret, public) in PAIRS {
            assert_eq!(public_key(&SecretKey::new(key(secret))), key(public));
        }
    }

    #[test]
    fn keys_differ() {
        assert_ne!(new_secret_key().unwrap(), new_secret_key().unwrap());
    }
}
