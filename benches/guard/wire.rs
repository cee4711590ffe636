//! The hot paths of the rooms without I/O, one function each, whose instructions
//! `guard.py` counts: frames encoded and decoded, topics matched.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zmq::message::Message;
use zmq::routing::{Subscriptions, Topics};
use zmq::socket_type::SocketType;
use zmq::zmtp::{Config, Connection, Inbox, Security, zap};

const MESSAGES: usize = 2000;
const TOPICS: usize = 10_000;

fn main() {
    let small = message(16);
    let medium = message(300);
    for _ in 0..2 {
        let mut sender = connected();
        let mut wire = Vec::with_capacity(1 << 20);
        guard_header(&sender, &small, &mut wire);
        wire.clear();
        guard_encode_16(&mut sender, &small, &mut wire);
        let mut receiver = connected();
        guard_decode_16(&mut receiver, &wire);
        wire.clear();
        guard_encode_300(&mut sender, &medium, &mut wire);
        guard_decode_300(&mut receiver, &wire);
    }

    let names: Vec<[u8; 8]> = (0..TOPICS).map(topic).collect();
    let (mut topics, mut subscriptions) = (Topics::new(), Subscriptions::new());
    for (number, name) in names.iter().enumerate() {
        topics.add(name, (number % 100) as u32).expect("memory");
        subscriptions.add(name).expect("memory");
    }
    for _ in 0..2 {
        guard_match_topics(&topics, &names);
        guard_match_subscriptions(&subscriptions, &names);
    }
}

#[inline(never)]
fn guard_encode_16(sender: &mut Connection, message: &Message, wire: &mut Vec<u8>) {
    encode::<16>(sender, message, wire);
}

#[inline(never)]
fn guard_encode_300(sender: &mut Connection, message: &Message, wire: &mut Vec<u8>) {
    encode::<300>(sender, message, wire);
}

/// What a batch has encoded for a body that it copies itself.
#[inline(never)]
fn guard_header(sender: &Connection, message: &Message, wire: &mut Vec<u8>) {
    for _ in 0..MESSAGES {
        sender.encode_header_as::<false>(black_box(message), wire);
    }
}

/// Header and body.
#[inline(always)]
fn encode<const SIZE: usize>(sender: &mut Connection, message: &Message, wire: &mut Vec<u8>) {
    assert_eq!(message.len(), SIZE);
    for _ in 0..MESSAGES {
        sender.encode(black_box(message), wire).expect("a connection that is ready");
    }
}

#[inline(never)]
fn guard_decode_16(receiver: &mut Connection, wire: &[u8]) {
    decode::<16>(receiver, wire);
}

#[inline(never)]
fn guard_decode_300(receiver: &mut Connection, wire: &[u8]) {
    decode::<300>(receiver, wire);
}

#[inline(always)]
fn decode<const SIZE: usize>(receiver: &mut Connection, wire: &[u8]) {
    assert!(wire.len() > MESSAGES * SIZE);
    let mut sink = Sink(0);
    let now = Instant::now();
    let taken = receiver.receive(now, black_box(wire), &mut sink).expect("frames");
    assert_eq!((taken, sink.0), (wire.len(), MESSAGES));
}

/// Every second body is of a topic that somebody wants.
#[inline(never)]
fn guard_match_topics(topics: &Topics<u32>, names: &[[u8; 8]]) {
    let mut found = 0;
    for body in bodies(names) {
        topics.matching(black_box(&body), |_| found += 1);
    }
    assert_eq!(found, MESSAGES / 2);
}

#[inline(never)]
fn guard_match_subscriptions(subscriptions: &Subscriptions, names: &[[u8; 8]]) {
    let found = bodies(names).filter(|body| subscriptions.matches(black_box(body))).count();
    assert_eq!(found, MESSAGES / 2);
}

fn bodies(names: &[[u8; 8]]) -> impl Iterator<Item = [u8; 16]> {
    (0..MESSAGES).map(|number| {
        let mut body = [b'.'; 16];
        body[..8].copy_from_slice(&names[number * 7919 % names.len()]);
        body[7] ^= (number % 2) as u8 * 0x80;
        body
    })
}

/// Far from its neighbours, as topics are.
fn topic(number: usize) -> [u8; 8] {
    let mut name = *b"T0000000";
    name[1..].copy_from_slice(format!("{:07}", number * 7907 % 10_000_000).as_bytes());
    name
}

fn message(size: usize) -> Message {
    Message::copy_of(&vec![7; size]).expect("memory")
}

struct Sink(usize);

impl Inbox for Sink {
    fn has_room(&mut self) -> bool {
        true
    }

    fn push(&mut self, message: Message) {
        self.0 += 1;
        drop(message);
    }
}

/// A connection that has its handshake behind it.
fn connected() -> Connection {
    let now = Instant::now();
    let config = |socket_type| {
        Arc::new(Config {
            socket_type,
            routing_id: Vec::new(),
            metadata: Vec::new(),
            security: Security::Null,
            zap: zap::Policy::default(),
            max_message_size: None,
            handshake_timeout: Some(Duration::from_secs(30)),
            heartbeat_interval: None,
            heartbeat_timeout: None,
            heartbeat_ttl_ds: 0,
        })
    };
    let mut near = Connection::new(config(SocketType::Dealer), now);
    let mut far = Connection::new(config(SocketType::Dealer), now);
    while !(near.is_ready() && far.is_ready()) {
        talk(now, &mut near, &mut far);
        talk(now, &mut far, &mut near);
    }
    near
}

fn talk(now: Instant, from: &mut Connection, to: &mut Connection) {
    let mut said = Vec::new();
    from.take_output(&mut said);
    let mut rest = &said[..];
    while !rest.is_empty() {
        let taken = to.receive(now, rest, &mut Sink(0)).expect("a handshake");
        rest = &rest[taken..];
        while to.poll_event().is_some() {}
    }
}
