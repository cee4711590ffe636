//! Z85: four bytes as five printable characters (RFC 32).

#![forbid(unsafe_code)]

use crate::error::{Errno, Result};

/// Characters by their value.
const LETTERS: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// What is in [`VALUES`] for characters that mean nothing.
const NONE: u8 = 0xff;

/// Values by their character.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < LETTERS.len() {
        values[LETTERS[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// The characters that these bytes become, group by group. `EINVAL` when the
/// bytes cannot be parted into groups of four.
pub(crate) fn encode(bytes: &[u8]) -> Result<impl Iterator<Item = [u8; 5]>> {
    let (groups, rest) = bytes.as_chunks::<4>();
    if rest.is_empty() { Ok(groups.iter().map(encode_group)) } else { Err(Errno::EINVAL) }
}

/// The bytes that this text stands for, group by group; a group that stands
/// for none is `EINVAL`, as is a text that is empty or cannot be parted into
/// groups of five.
pub(crate) fn decode(text: &[u8]) -> Result<impl Iterator<Item = Result<[u8; 4]>>> {
    let (groups, rest) = text.as_chunks::<5>();
    if groups.is_empty() || !rest.is_empty() {
        return Err(Errno::EINVAL);
    }
    Ok(groups.iter().map(decode_group))
}

fn encode_group(bytes: &[u8; 4]) -> [u8; 5] {
    let mut value = u32::from_be_bytes(*bytes);
    let mut text = [0; 5];
    for letter in text.iter_mut().rev() {
        *letter = LETTERS[(value % 85) as usize];
        value /= 85;
    }
    text
}

fn decode_group(text: &[u8; 5]) -> Result<[u8; 4]> {
    let mut value: u32 = 0;
    for letter in text {
        let digit = VALUES[usize::from(*letter)];
        if digit == NONE {
            return Err(Errno::EINVAL);
        }
        let sum = value.checked_mul(85).and_then(|value| value.checked_add(u32::from(digit)));
        value = sum.ok_or(Errno::EINVAL)?;
    }
    Ok(value.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(bytes: &[u8]) -> Result<String> {
        Ok(encode(bytes)?.flatten().map(char::from).collect())
    }

    fn bytes_of(text: &str) -> Result<Vec<u8>> {
        let groups: Result<Vec<_>> = decode(text.as_bytes())?.collect();
        Ok(groups?.concat())
    }

    #[test]
    fn the_example_of_the_rfc() {
        let bytes = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
        assert_eq!(text_of(&bytes), Ok("HelloWorld".to_owned()));
        assert_eq!(bytes_of("HelloWorld"), Ok(bytes.to_vec()));
    }

    #[test]
    fn lengths_are_checked() {
        for len in 0..20 {
            assert_eq!(encode(&[7; 20][..len]).is_ok(), len % 4 == 0);
            assert_eq!(decode(&[b'0'; 20][..len]).is_ok(), len > 0 && len % 5 == 0);
        }
    }

    #[test]
    fn values_of_more_than_four_bytes_are_refused() {
        assert_eq!(bytes_of("%nSc0"), Ok(vec![0xff; 4]));
        for text in ["%nSc1", "%nTc0", "#0000", "#####"] {
            assert_eq!(bytes_of(text), Err(Errno::EINVAL), "{text}");
        }
    }

    #[test]
    fn only_its_letters_mean_something() {
        for letter in 0..=255u8 {
            let known = decode_group(&[b'0', b'0', b'0', b'0', letter]).is_ok();
            assert_eq!(known, LETTERS.contains(&letter), "{letter}");
        }
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        for value in (0..=u32::MAX).step_by(9_999_991) {
            let bytes = value.to_be_bytes();
            assert_eq!(decode_group(&encode_group(&bytes)), Ok(bytes));
        }
    }
}
