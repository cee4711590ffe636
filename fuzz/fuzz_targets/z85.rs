//! Z85 (RFC 32) against its definition: five digits to the base of 85 for four
//! bytes. What is no Z85 is refused, and the rest comes back as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zmq::fuzzing::{z85_bytes, z85_text};

const LETTERS: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

fuzz_target!(|input: &[u8]| {
    let bytes = z85_bytes(input);
    assert_eq!(bytes, meaning(input));
    if let Some(bytes) = bytes {
        assert_eq!(z85_text(&bytes).as_deref(), Some(input));
    }
    let text = z85_text(input);
    assert_eq!(text.is_some(), input.len().is_multiple_of(4));
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        assert_eq!(z85_bytes(&text).as_deref(), Some(input));
    }
});

/// What a text stands for.
fn meaning(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(5) {
        return None;
    }
    let mut bytes = Vec::new();
    for group in text.chunks(5) {
        let mut value = 0u64;
        for letter in group {
            value = value * 85 + LETTERS.iter().position(|l| l == letter)? as u64;
        }
        bytes.extend_from_slice(&u32::try_from(value).ok()?.to_be_bytes());
    }
    Some(bytes)
}
