//! Greetings of peers of all ages (RFC 13, 15, 23, 37), and the identity that
//! follows old ones. However the bytes are cut, the same comes of them, and it is
//! what the RFCs say.

#![no_main]

use std::sync::Arc;

use ferrozmq_fuzz::curve::{CURVE_CLIENT, CURVE_SERVER};
use ferrozmq_fuzz::{Cuts, Input, Tested, config, socket_type};
use libfuzzer_sys::fuzz_target;
use zmq::zmtp::{Config, Event, ProtocolError, Security, Version};

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let config = Arc::new(settings(&mut input));
    let cuts = Cuts::new(input.byte());
    let stream = input.rest();
    let mut tested = Tested::new(&config, cuts);
    tested.say(stream);
    let seen = &tested.seen;
    if cuts.are_compared() {
        let mut whole = Tested::new(&config, Cuts::NONE);
        whole.say(stream);
        assert_eq!(seen.frames, whole.seen.frames);
        assert_eq!(seen.events, whole.seen.events);
        assert_eq!(seen.error, whole.seen.error);
        // A HELLO of CURVE differs.
        assert_eq!(seen.output.len(), whole.seen.output.len());
    }

    let open = matches!(config.security, Security::Null) && config.zap.domain.is_empty();
    match outcome(stream, &config.security, open) {
        Outcome::Pending => {
            assert_eq!((seen.events.len(), &seen.error), (0, &None));
        }
        Outcome::Mismatch => {
            assert_eq!(seen.error, Some(ProtocolError::MechanismMismatch));
        }
        Outcome::Old(_) if !open => {
            assert_eq!(seen.error, Some(ProtocolError::TooOld));
            assert!(seen.events.is_empty());
        }
        Outcome::Old(major) => {
            let Event::Ready(peer) = &seen.events[0] else { panic!("not ready") };
            assert_eq!(peer.version, Version { major, minor: 0 });
            assert!(peer.identity_follows);
        }
        // The rest is for the mechanisms.
        Outcome::Handshake => {
            let ready = seen.events.iter().any(|e| matches!(e, Event::Ready(_)));
            let welcome = matches!(config.security, Security::PlainClient { .. });
            assert!(!ready || open || welcome);
        }
    }
});

fn settings(input: &mut Input<'_>) -> Config {
    // A client of CURVE agrees on keys after each good greeting, which takes longer than
    // all the rest: it is a rare one.
    let security = match input.byte() {
        7 => CURVE_CLIENT.clone(),
        byte => match byte % 8 {
            4 => Security::PlainServer,
            5 => Security::PlainClient {
                username: b"name".to_vec().into(),
                password: b"word".to_vec().into(),
            },
            6 => CURVE_SERVER.clone(),
            _ => Security::Null,
        },
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
