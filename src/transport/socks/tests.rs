//! The conversation byte by byte, with every field of the proxy's mutated.

use super::*;

fn named(username: &[u8], password: &[u8]) -> Credentials {
    Credentials { username: username.to_vec().into(), password: password.to_vec().into() }
}

fn to(text: &str) -> Destination {
    Destination::parse(&TcpAddress(text.to_owned())).unwrap()
}

/// A conversation that has sent its first message.
fn begun(credentials: Credentials, destination: &str) -> Negotiation {
    let mut negotiation = Negotiation::new(credentials, to(destination));
    said(&mut negotiation);
    negotiation
}

/// What it has to say now; counts as sent.
fn said(negotiation: &mut Negotiation) -> Vec<u8> {
    let output = negotiation.output().to_vec();
    negotiation.sent(output.len());
    assert!(negotiation.output().is_empty());
    output
}

/// A conversation that waits for the reply.
fn requested() -> Negotiation {
    let mut negotiation = begun(Credentials::default(), "1.2.3.4:5");
    assert_eq!(negotiation.receive(&[5, 0]), Ok(2));
    said(&mut negotiation);
    assert!(negotiation.has_requested());
    negotiation
}

/// The whole proxy's side in one piece, and what is to come of it.
fn whole(input: &[u8]) -> std::result::Result<bool, Refusal> {
    let mut negotiation = begun(named(b"name", b"word"), "1.2.3.4:5");
    let taken = negotiation.receive(input)?;
    assert!(taken == input.len() || negotiation.is_open());
    Ok(negotiation.is_open())
}

const REPLY: &[u8] = &[5, 0, 0, 1, 127, 0, 0, 1, 0x12, 0x34];

#[test]
fn without_a_name_no_authentication_is_offered_and_the_request_follows_the_choice() {
    let mut negotiation = Negotiation::new(Credentials::default(), to("1.2.3.4:5555"));
    assert_eq!(said(&mut negotiation), [5, 1, 0]);
    assert_eq!(negotiation.wanted(), 2);
    assert!(!negotiation.has_requested());
    assert_eq!(negotiation.receive(&[5, 0]), Ok(2));
    assert_eq!(said(&mut negotiation), [5, 1, 0, 1, 1, 2, 3, 4, 0x15, 0xb3]);
    assert_eq!(negotiation.receive(REPLY), Ok(REPLY.len()));
    assert!(negotiation.is_open() && negotiation.wanted() == 0);
    assert!(negotiation.output().is_empty());
}

#[test]
fn a_name_offers_passwords_alone() {
    let mut negotiation = Negotiation::new(named(b"name", b"word"), to("1.2.3.4:5"));
    assert_eq!(said(&mut negotiation), [5, 1, 2]);
    assert_eq!(negotiation.receive(&[5, 2]), Ok(2));
    assert_eq!(said(&mut negotiation), b"\x01\x04name\x04word");
    assert_eq!(negotiation.wanted(), 2);
    assert_eq!(negotiation.receive(&[1, 0]), Ok(2));
    assert_eq!(said(&mut negotiation)[..4], [5, 1, 0, 1]);
    assert_eq!(negotiation.receive(REPLY), Ok(REPLY.len()));
    assert!(negotiation.is_open());
}

#[test]
fn the_proxy_may_do_without_the_password_and_ask_for_one_that_is_not_there() {
    let mut negotiation = begun(named(b"name", b"word"), "1.2.3.4:5");
    assert_eq!(negotiation.receive(&[5, 0]), Ok(2));
    assert!(negotiation.has_requested());
    let mut negotiation = begun(Credentials::default(), "1.2.3.4:5");
    assert_eq!(negotiation.receive(&[5, 2]), Ok(2));
    assert_eq!(said(&mut negotiation), [1, 0, 0]);
}

#[test]
fn names_and_passwords_are_bytes_of_any_length_up_to_255() {
    let (name, word) = (vec![0xff; 255], vec![0; 255]);
    let mut negotiation = begun(named(&name, &word), &format!("{}:5", "h".repeat(255)));
    let room = negotiation.output.capacity();
    assert_eq!(negotiation.receive(&[5, 2]), Ok(2));
    assert_eq!(negotiation.output(), [&[1, 255], &name[..], &[255], &word[..]].concat());
    assert_eq!(negotiation.receive(&[1, 0]), Ok(2));
    assert_eq!(negotiation.output().len(), 3 + 510 + 7 + 255);
    assert_eq!(negotiation.output.capacity(), room);
    for bytes in [1, 100, 10_000] {
        negotiation.sent(bytes);
    }
    assert!(negotiation.output().is_empty());
}

#[test]
fn hosts_are_numbers_or_names_for_the_proxy_to_look_up() {
    let request = |text: &str| {
        let mut negotiation = begun(Credentials::default(), text);
        negotiation.receive(&[5, 0]).unwrap();
        said(&mut negotiation).split_off(3)
    };
    let v6 = |last: [u8; 4]| [&[4][..], &[0; 12], &last, &[0, 5]].concat();
    assert_eq!(request("127.1:5x"), [1, 127, 0, 0, 1, 0, 5]);
    assert_eq!(request("0x7f000001:5"), [1, 127, 0, 0, 1, 0, 5]);
    assert_eq!(request("[::1]:5"), v6([0, 0, 0, 1]));
    assert_eq!(request("::1:5"), v6([0, 0, 0, 1]));
    assert_eq!(request("[fe80::1%lo]:5")[..3], [4, 0xfe, 0x80]);
    assert_eq!(request("[::ffff:1.2.3.4]:5")[11..17], [0xff, 0xff, 1, 2, 3, 4]);
    assert_eq!(request("example.org:99999"), b"\x03\x0bexample.org\x86\x9f");
    assert_eq!(request("[foo]:5"), b"\x03\x03foo\x00\x05");
    assert_eq!(request("a%lo:5"), b"\x03\x04a%lo\x00\x05");
    assert_eq!(request("256.1.1.1:5"), b"\x03\x09256.1.1.1\x00\x05");
    assert_eq!(request(":5"), b"\x03\x00\x00\x05");
    assert_eq!(request("lo:0;a:5"), b"\x03\x01a\x00\x05");
}

#[test]
fn what_no_request_can_carry_is_an_error() {
    for text in ["a", "a:0", "a:00", "a:65536", "a:x", &format!("{}:5", "h".repeat(256))] {
        let parsed = Destination::parse(&TcpAddress(text.to_owned()));
        assert_eq!(parsed, Err(Errno::EINVAL), "{text}");
    }
}

#[test]
fn any_cut_into_pieces_gives_the_same() {
    for reply in [
        REPLY.to_vec(),
        [&[5, 0, 0, 4][..], &[1; 18]].concat(),
        b"\x05\0\0\x03\0\0\x01".to_vec(),
        [&[5, 0, 0, 3, 255][..], &[b'x'; 257]].concat(),
    ] {
        let input = [&[5, 2, 1, 0], &reply[..]].concat();
        for piece in [1, 2, 3, 5, 7, 300] {
            let mut negotiation = begun(named(b"name", b"word"), "a:5");
            let mut taken = 0;
            for part in input.chunks(piece) {
                assert!(!negotiation.is_open());
                assert_eq!(negotiation.receive(part), Ok(part.len()));
                taken += part.len();
                assert_eq!(negotiation.is_open(), taken == input.len());
            }
        }
        // Cut short it asks for the rest, and not for more than there is.
        for length in 0..input.len() {
            let mut negotiation = begun(named(b"name", b"word"), "a:5");
            assert_eq!(negotiation.receive(&input[..length]), Ok(length));
            assert!(!negotiation.is_open());
            assert!((1..=input.len() - length).contains(&negotiation.wanted()));
        }
    }
}

#[test]
fn what_follows_the_reply_is_left_alone() {
    let mut negotiation = requested();
    let input = [REPLY, &[0xff; 100]].concat();
    assert_eq!(negotiation.receive(&input), Ok(REPLY.len()));
    assert_eq!(negotiation.receive(&input), Ok(0));
    assert!(negotiation.is_open());
}

#[test]
fn every_other_choice_is_a_refusal_and_final() {
    for version in 0..=255 {
        for method in 0..=255 {
            let expected = match (version, method) {
                (5, 0 | 2) => Ok(2),
                (5, method) => Err(Refusal::Method(method)),
                _ => Err(Refusal::Malformed),
            };
            let mut negotiation = begun(Credentials::default(), "a:5");
            assert_eq!(negotiation.receive(&[version, method]), expected);
            if let Err(refusal) = expected {
                assert!(negotiation.output().is_empty() && negotiation.wanted() == 0);
                assert_eq!(negotiation.receive(&[5, 0]), Err(refusal));
            }
        }
    }
}

#[test]
fn every_other_verdict_is_a_refusal() {
    for version in 0..=255 {
        for code in 0..=255 {
            let expected = match (version, code) {
                (1, 0) => Ok(false),
                (1, code) => Err(Refusal::Credentials(code)),
                _ => Err(Refusal::Malformed),
            };
            assert_eq!(whole(&[5, 2, version, code]), expected);
        }
    }
}

#[test]
fn every_field_of_a_reply_counts_but_address_and_port() {
    for at in 0..REPLY.len() {
        for byte in 0..=255 {
            let mut reply = REPLY.to_vec();
            reply[at] = byte;
            let mut negotiation = requested();
            let received = negotiation.receive(&reply);
            match (at, byte) {
                (0, 5) | (1 | 2, 0) | (4.., _) | (3, 1) => {
                    assert_eq!(received, Ok(10));
                    assert!(negotiation.is_open());
                }
                (1, code) => assert_eq!(received, Err(Refusal::Reply(code))),
                // A name of 127 bytes, or an address of IPv6: more is to come.
                (3, 3) => assert_eq!((received, negotiation.wanted()), (Ok(10), 124)),
                (3, 4) => assert_eq!((received, negotiation.wanted()), (Ok(10), 12)),
                _ => assert_eq!(received, Err(Refusal::Malformed)),
            }
        }
    }
}

#[test]
fn a_refusal_need_not_come_whole() {
    // Some proxies send no address with an error.
    let mut negotiation = requested();
    assert_eq!(negotiation.receive(&[5, 4, 0, 1, 0]), Err(Refusal::Reply(4)));
}

#[test]
fn any_bytes_end_in_bounded_memory() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for _ in 0..20_000 {
        let mut negotiation = begun(named(b"n", b"w"), "a:5");
        for _ in 0..6 {
            let mut input = next().to_le_bytes();
            // Often enough what a proxy may say.
            if next() % 4 > 0 {
                input[..4].copy_from_slice(&[5, (next() % 3) as u8, 1, 0]);
            }
            let length = (next() % 9) as usize;
            let Ok(taken) = negotiation.receive(&input[..length]) else { break };
            assert!(taken == length || negotiation.is_open());
            assert!(negotiation.wanted() <= INPUT_BYTES);
            assert!(negotiation.output.len() <= OUTPUT_BYTES);
        }
    }
}

#[test]
fn nothing_secret_is_shown() {
    let proxy = Proxy { address: TcpAddress("p:1".into()), credentials: named(b"name", b"word") };
    assert_eq!(proxy.endpoint(), "tcp://p:1");
    let text = format!("{proxy:?} {:?}", Negotiation::new(proxy.credentials.clone(), to("a:5")));
    assert!(!text.contains("word") && !text.contains("119"));
}
