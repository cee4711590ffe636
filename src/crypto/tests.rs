//! Boxes beside libsodium's, and every unit's beside the others'.
//!
//! `FERROZMQ_CRYPTO_CASES=5000000 cargo test --release crypto::` tries that many
//! random boxes, and a tenth as many keys and products; without it some hundreds
//! are tried. Where libsodium is not there, units are compared with each other only.

use super::engine::{Blocks, Meanwhile};
use super::poly1305::{Hash, Poly1305};
use super::salsa20::{self, Scalar, Stream};
use super::sodium::Sodium;
use super::unit::Unit;
use super::{Channel, Forged, Key, NONCE_BYTES, PREFIX_BYTES, TAG_BYTES, WeakKey};

/// Random cases where nobody asks for more.
const CASES: u64 = 300;

/// How many random cases to try.
pub(super) fn cases() -> u64 {
    let cases = std::env::var("FERROZMQ_CRYPTO_CASES");
    cases.map_or(CASES, |cases| cases.parse().expect("a number"))
}

/// Numbers that are random enough, and the same each time (splitmix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }

    pub(super) fn bytes<const LEN: usize>(&mut self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        self.fill(&mut bytes);
        bytes
    }
}

/// The bytes that these digits stand for.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

pub(super) fn key(digits: &str) -> [u8; 32] {
    hex(digits).try_into().unwrap()
}

/// The channel that a nonce belongs to, on some unit, and where in it.
fn channel(unit: Unit, key: &[u8; 32], nonce: &[u8; NONCE_BYTES]) -> (Channel, u64) {
    Key { unit, ..Key::new(key) }.split(nonce)
}

/// Seals and opens one text in every way on every unit, in buffers that begin
/// where they like, and compares all with each other and with libsodium.
fn try_all_ways(sodium: Option<&Sodium>, random: &mut Random, len: usize, shift: usize) {
    let (key, nonce) = (random.bytes(), random.bytes());
    let mut text = vec![0; len];
    random.fill(&mut text);
    let mut expected: Option<Vec<u8>> = sodium.map(|sodium| {
        let mut sealed = vec![0; len + TAG_BYTES];
        sodium.seal_to(&key, &nonce, &text, &mut sealed);
        sealed
    });
    for unit in Unit::all() {
        let (channel, counter) = channel(unit, &key, &nonce);
        let mut buffer = vec![0x55; shift + TAG_BYTES + len + 1];
        buffer[shift + TAG_BYTES..][..len].copy_from_slice(&text);
        channel.seal(counter, &mut buffer[shift..][..TAG_BYTES + len]);
        assert_eq!(buffer[shift + TAG_BYTES + len], 0x55);
        let sealed = buffer[shift..][..TAG_BYTES + len].to_vec();
        let expected = expected.get_or_insert_with(|| sealed.clone());
        assert!(sealed == *expected, "{unit:?} seals {len} bytes");
        let opened = channel.open(counter, &mut buffer[shift..][..TAG_BYTES + len]);
        assert!(opened.is_ok_and(|opened| opened == text), "{unit:?} opens {len} bytes");
        assert_eq!(buffer[shift + TAG_BYTES + len], 0x55);

        if let Some((flags, body)) = text.split_first() {
            let mut spread = vec![0x55; shift + TAG_BYTES + len];
            channel.seal_message(counter, *flags, body, &mut spread[shift..]);
            assert!(spread[shift..] == *expected, "{unit:?} seals {len} bytes from apart");
            let mut opened = vec![0x55; shift + body.len()];
            let answer = channel.open_message(counter, &sealed, &mut opened[shift..]);
            assert_eq!(answer, Ok(*flags));
            assert!(opened[shift..] == *body, "{unit:?} opens {len} bytes apart");
        }
    }
}

#[test]
fn the_published_vectors_come_out() {
    let agreed = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
    let nonce: [u8; 24] =
        hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37").try_into().unwrap();
    let text = hex("be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc
        e5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31
        0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde
        048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864
        5e0705");
    let sealed = hex("f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce
        48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c972
        71d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae
        90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b3
        7973f622a43d14a6599b1f654cb45a74e355a5");
    let alice = key("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let bob = key("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    for key in [Key::agree(&alice, &bob).unwrap(), Key::new(&key(agreed))] {
        let mut buffer = [vec![0; TAG_BYTES], text.clone()].concat();
        key.seal(&nonce, &mut buffer);
        assert_eq!(buffer, sealed);
        assert_eq!(key.open(&nonce, &mut buffer).unwrap(), text);
    }
}

#[test]
fn every_length_up_to_2600_and_some_large_ones() {
    let sodium = Sodium::load();
    let mut random = Random(1);
    for len in 0..=2600 {
        try_all_ways(sodium.as_ref(), &mut random, len, len % 7);
    }
    for len in [4096, 8191, 65537, 1_500_001] {
        try_all_ways(sodium.as_ref(), &mut random, len, 3);
    }
}

#[test]
fn random_boxes_are_those_of_libsodium() {
    let sodium = Sodium::load();
    let mut random = Random(2);
    for _ in 0..cases() {
        let most = [130, 600, 3000][random.below(3)];
        let (len, shift) = (random.below(most), random.below(64));
        try_all_ways(sodium.as_ref(), &mut random, len, shift);
    }
}

#[test]
fn a_box_with_any_byte_changed_is_refused_and_says_nothing() {
    let mut random = Random(3);
    let (key, nonce): ([u8; 32], _) = (random.bytes(), random.bytes());
    for unit in Unit::all() {
        let (channel, counter) = channel(unit, &key, &nonce);
        for len in [1, 15, 16, 17, 64, 96, 97, 224, 225, 300, 480, 481, 992, 993, 1100, 2017, 3100]
        {
            let mut text = vec![0; len];
            random.fill(&mut text);
            let mut sealed = [vec![0; TAG_BYTES], text.clone()].concat();
            channel.seal(counter, &mut sealed);
            let step = if len > 300 { 13 } else { 1 };
            for at in (0..sealed.len()).step_by(step).chain([sealed.len() - 1]) {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << random.below(8);
                let before = changed.clone();
                let mut body = vec![0; len - 1];
                assert_eq!(channel.open_message(counter, &changed, &mut body), Err(Forged));
                assert!(body.iter().all(|byte| *byte == 0));
                assert_eq!(channel.open(counter, &mut changed), Err(Forged));
                let text = &changed[TAG_BYTES..];
                assert!(text == &before[TAG_BYTES..] || text.iter().all(|byte| *byte == 0));
            }
            let mut moved = sealed.clone();
            assert_eq!(channel.open(counter ^ 1, &mut moved), Err(Forged));
            let mut shorter = sealed[..sealed.len() - 1].to_vec();
            assert_eq!(channel.open(counter, &mut shorter), Err(Forged));
        }
    }
}

#[test]
fn what_is_no_box_is_refused() {
    let channel = Key::new(&[1; 32]).channel(b"CurveZMQMESSAGES");
    for len in 0..TAG_BYTES {
        assert_eq!(channel.open(1, &mut vec![0; len]), Err(Forged));
        assert_eq!(channel.open_message(1, &vec![0; len], &mut []), Err(Forged));
    }
    let mut empty = [0; TAG_BYTES];
    channel.seal(1, &mut empty);
    assert_eq!(channel.open_message(1, &empty, &mut []), Err(Forged));
    assert_eq!(channel.open(1, &mut empty), Ok(&mut [][..]));
}

#[test]
fn a_channel_makes_the_boxes_of_its_nonces() {
    let key = Key::new(&[2; 32]);
    let prefix: &[u8; PREFIX_BYTES] = b"CurveZMQMESSAGEC";
    let channel = key.channel(prefix);
    for counter in [0, 1, 0xffff_ffff, 0x0102_0304_0506_0708, u64::MAX] {
        let nonce = [&prefix[..], &counter.to_be_bytes()].concat().try_into().unwrap();
        let mut whole = [7; 50];
        let mut split = whole;
        key.seal(&nonce, &mut whole);
        channel.seal(counter, &mut split);
        assert_eq!(whole, split);
    }
}

#[test]
fn agreed_keys_are_those_of_libsodium() {
    let Some(sodium) = Sodium::load() else { return };
    let mut random = Random(4);
    for _ in 0..50 {
        let (secret, public) = (random.bytes(), random.bytes());
        let agreed = Key::agree(&secret, &public).unwrap();
        let expected = sodium.agree(&secret, &public).unwrap();
        assert_eq!(agreed.key.0, salsa20::Key::new(&expected).0);
    }
}

#[test]
fn keys_that_agree_with_everybody_are_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    let weak = [
        [0; 32],
        one,
        key("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        key("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        key("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        key("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ];
    let sodium = Sodium::load();
    for public in weak {
        assert_eq!(Key::agree(&[9; 32], &public).err(), Some(WeakKey));
        assert!(sodium.as_ref().is_none_or(|sodium| sodium.agree(&[9; 32], &public).is_none()));
    }
}

/// RFC 8439, A.3: carries where they are easily forgotten.
#[test]
fn tags_are_right_where_sums_overflow() {
    let all = "ffffffffffffffffffffffffffffffff";
    for (multiplier, pad, text, tag) in [
        (2, 0, all.into(), hex("03000000000000000000000000000000")),
        (
            2,
            0xff,
            "02000000000000000000000000000000".into(),
            hex("03000000000000000000000000000000"),
        ),
        (
            1,
            0,
            format!("{all}f0{}11{}", &all[2..], "00".repeat(15)),
            hex("05000000000000000000000000000000"),
        ),
        (1, 0, format!("{all}fb{}{}", "fe".repeat(15), "01".repeat(16)), vec![0; 16]),
        (2, 0, format!("fd{}", &all[2..]), hex(&format!("fa{}", &all[2..]))),
    ] {
        let mut key = [0; 32];
        key[0] = multiplier;
        key[16..].fill(pad);
        assert_eq!(Poly1305::new(&key).finish(&hex(&text)).to_vec(), tag);
    }
}

#[test]
fn tags_of_extreme_bytes_are_those_of_libsodium() {
    let Some(sodium) = Sodium::load() else { return };
    let mut random = Random(5);
    for _ in 0..20_000 {
        let mut key: [u8; 32] = random.bytes();
        let mut text: Vec<u8> = vec![0; random.below(600)];
        for byte in key.iter_mut().chain(&mut text) {
            *byte = [0, 0xff, 0xff, 0xfe, 1, *byte][random.below(6)];
        }
        let tag = sodium.tag(&key, &text);
        assert_eq!(Poly1305::new(&key).finish(&text), tag);
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma") {
            // SAFETY: as just asked.
            let mut hash = unsafe { super::ifma::Ifma::new(&key) };
            let rest = hash.absorb(&text);
            assert_eq!(hash.finish(rest), tag);
        }
    }
}

struct Steps(u32);

impl Meanwhile for Steps {
    fn step(&mut self) {
        self.0 += 1;
    }
}

/// The blocks of any unit are those that the portable code makes one by one,
/// also where their number outgrows 32 bits.
fn compare_with_scalar<const WIDE: usize, const NARROW: usize>(
    stream: Stream<'_>,
    blocks: &impl Blocks<WIDE, NARROW>,
) {
    for first in [0, 1, 77, u64::from(u32::MAX) - 2, u64::from(u32::MAX), u64::MAX - 1] {
        let (mut wide, mut narrow) = ([0; WIDE], [0; NARROW]);
        assert_eq!(blocks.narrow(first, &mut narrow, Steps(0)).0, 20);
        for count in (1..=WIDE / 64).map(|blocks| blocks * 64) {
            assert_eq!(blocks.wide(first, &mut wide, count, Steps(0)).0, 20);
            for (i, made) in (0..).zip(wide[..count].chunks(64)) {
                let mut expected = [0; 64];
                Scalar(stream).narrow(first.wrapping_add(i), &mut expected, Steps(0));
                assert_eq!(made, expected);
            }
            wide.fill(0);
        }
        blocks.wide(first, &mut wide, WIDE, Steps(0));
        assert_eq!(wide[..NARROW], narrow);
    }
}

#[test]
fn all_units_make_the_same_blocks() {
    let key = salsa20::Key::new(&Random(6).bytes());
    let stream = Stream::new(&key, *b"8 bytes!");
    compare_with_scalar(stream, &Scalar(stream));
    #[cfg(target_arch = "x86_64")]
    {
        use super::{avx2::Avx2, avx512::Avx512, sse2::Sse2};
        compare_with_scalar(stream, &Sse2(stream));
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2");
        if avx2 {
            // SAFETY: as just asked.
            compare_with_scalar(stream, &unsafe { Avx2::<false>::new(stream) });
        }
        if avx2 && is_x86_feature_detected!("avx512vl") {
            // SAFETY: as just asked.
            compare_with_scalar(stream, &unsafe { Avx2::<true>::new(stream) });
        }
        if avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma") {
            // SAFETY: as just asked.
            compare_with_scalar(stream, &unsafe { Avx512::new(stream) });
        }
    }
}
