//! Replies of an authenticator (RFC 27): a peer is let in by one that follows
//! the grammar and says 200, by no other.

#![no_main]

use std::sync::Arc;

use ferrozmq_fuzz::wire::{command, greeting, messages, properties, property};
use ferrozmq_fuzz::{Cuts, Input, Tested, config};
use libfuzzer_sys::fuzz_target;
use zmq::socket_type::SocketType;
use zmq::zmtp::{Event, ProtocolError, Security, zap::Answer};

const GOOD: [&[u8]; 7] = [b"", b"1.0", b"1", b"200", b"OK", b"joe", b""];

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let mut frames = GOOD.to_vec();
    let changed = input.byte();
    for (at, frame) in frames.iter_mut().enumerate() {
        if changed & 1 << at != 0 {
            *frame = input.led();
        }
    }
    let count = if changed & 0x80 == 0 { 7 } else { input.byte() % 10 };
    frames.resize(usize::from(count), b"");

    let mut config = config(SocketType::Router, Security::Null);
    config.zap.domain = b"domain".to_vec();
    let mut tested = Tested::new(&Arc::new(config), Cuts::NONE);
    tested.say(&greeting(3, 1, b"NULL"));
    tested.say(&command(b"READY", &properties(SocketType::Dealer)));
    assert!(tested.asks() && !tested.is_ready());
    tested.answer(&Answer::Reply(&messages(&frames)));
    let seen = &tested.seen;
    match meaning(&frames) {
        None => assert!(matches!(seen.error, Some(ProtocolError::Reply(_)))),
        Some((200, vouched)) => {
            let Some(Event::Ready(peer)) = seen.events.last() else { panic!("{seen:?}") };
            let user = (b"User-Id".to_vec(), frames[5].to_vec());
            assert_eq!(peer.vouched[0], user);
            let told = peer.vouched[1..].iter().map(|(name, value)| property(name, value));
            assert_eq!(told.flatten().collect::<Vec<u8>>(), vouched);
        }
        Some((status, _)) => {
            assert_eq!(seen.events.last(), Some(&Event::Refused(status)));
            assert!(!tested.is_ready());
        }
    }
});

/// The status of a reply, and its metadata.
fn meaning(frames: &[&[u8]]) -> Option<(u16, Vec<u8>)> {
    let [b"", b"1.0", b"1", status, _, _, metadata] = frames else { return None };
    let status = match *status {
        b"200" => 200,
        b"300" => 300,
        b"400" => 400,
        b"500" => 500,
        _ => return None,
    };
    let mut rest = *metadata;
    while let Some((len, tail)) = rest.split_first() {
        let (name, tail) = tail.split_at_checked(usize::from(*len))?;
        let (len, tail) = tail.split_first_chunk()?;
        let (value, tail) = tail.split_at_checked(u32::from_be_bytes(*len) as usize)?;
        let fits: [&[u8]; 3] = [b"REQ", b"DEALER", b"ROUTER"];
        if name.eq_ignore_ascii_case(b"Socket-Type") && !fits.contains(&value) {
            return None;
        }
        rest = tail;
    }
    Some((status, metadata.to_vec()))
}
