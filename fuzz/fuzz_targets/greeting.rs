//! Greetings of peers of all ages (RFC 13, 15, 23, 37), and the identity that
//! follows old ones. However the bytes are cut, the same comes of them, and it is
//! what the RFCs say.

#![no_main]

use std::sync::Arc;

use ferrozmq_fuzz::curve::{CLIENT, SERVER};
use ferrozmq_fuzz::{Cuts, Input, Tested, config, socket_type};
use libfuzzer_sys::fuzz_target;
use zmq::fuzzing::{curve_client, curve_server};
use zmq::zmtp::{Config, Event, ProtocolError, Security, Version};

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let config = Arc::new(settings(&mut input));
    let cuts = Cuts::new(input.byte());
    let stream = input.rest();
    let mut whole = Tested::new(&config, Cuts::NONE);
    whole.say(stream);
    let mut cut = Tested::new(&config, cuts);
    cut.say(stream);
    assert_eq!(cut.seen.frames, whole.seen.frames);
    assert_eq!(cut.seen.events, whole.seen.events);
    assert_eq!(cut.seen.error, whole.seen.error);
    // A HELLO of CURVE differs.
    assert_eq!(cut.seen.output.len(), whole.seen.output.len());

    let open = config.security == Security::Null && config.zap.domain.is_empty();
    match outcome(stream, &config.security, open) {
        Outcome::Pending => {
            assert_eq!((whole.seen.events.len(), &whole.seen.error), (0, &None));
        }
        Outcome::Mismatch => {
            assert_eq!(whole.seen.error, Some(ProtocolError::MechanismMismatch));
        }
        Outcome::Old(_) if !open => {
            assert_eq!(whole.seen.error, Some(ProtocolError::TooOld));
            assert!(whole.seen.events.is_empty());
        }
        Outcome::Old(major) => {
            let Event::Ready(peer) = &whole.seen.events[0] else { panic!("not ready") };
            assert_eq!(peer.version, Version { major, minor: 0 });
            assert!(peer.identity_follows);
        }
        // The rest is for the mechanisms.
        Outcome::Handshake => {
            let ready = whole.seen.events.iter().any(|e| matches!(e, Event::Ready(_)));
            let welcome = matches!(config.security, Security::PlainClient { .. });
            assert!(!ready || open || welcome);
        }
    }
});

fn settings(input: &mut Input<'_>) -> Config {
    let security = match input.byte() % 8 {
        0..4 => Security::Null,
        4 => Security::PlainServer,
        5 => Security::PlainClient {
            username: b"name".to_vec().into(),
            password: b"word".to_vec().into(),
        },
        6 => curve_server(SERVER.secret),
        _ => curve_client(CLIENT.secret, SERVER.public),
    };
    let mut config = config(socket_type(input.byte()), security);
    let more = input.byte();
    config.routing_id = vec![b'i'; [0, 3, 255][usize::from(more % 3)]];
    if more & 0x80 != 0 {
        config.zap.domain = b"domain".to_vec();
    }
    config
}

/// What the RFCs have a greeting lead to.
enum Outcome {
    Pending,
    /// A peer of ZMTP 1.0 or 2.0.
    Old(u8),
    Mismatch,
    Handshake,
}

fn outcome(stream: &[u8], security: &Security, open: bool) -> Outcome {
    let name = match security {
        Security::Null => &b"NULL"[..],
        Security::PlainServer | Security::PlainClient { .. } => b"PLAIN",
        _ => b"CURVE",
    };
    match stream {
        [] => Outcome::Pending,
        [0..=0xfe, ..] => Outcome::Old(1),
        [_, _, _, _, _, _, _, _, _, last, ..] if last & 1 == 0 => Outcome::Old(1),
        [_, _, _, _, _, _, _, _, _, _, version @ 0..=1, rest @ ..] if !open || !rest.is_empty() => {
            Outcome::Old(1 + version)
        }
        [_, _, _, _, _, _, _, _, _, _, 2..=0xff, _, rest @ ..] if rest.len() >= 52 => {
            let (given, padding) = rest[..20].split_at(name.len());
            match given == name && padding.iter().all(|byte| *byte == 0) {
                true => Outcome::Handshake,
                false => Outcome::Mismatch,
            }
        }
        _ => Outcome::Pending,
    }
}
