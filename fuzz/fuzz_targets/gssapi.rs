//! GSSAPI (RFC 38), either side, over talks that are no Kerberos': nobody is let in
//! before the talks have come to their end and the authenticator has said so, and
//! what a peer has wrapped is taken as it was, once. However the peer's bytes are
//! cut, the same comes of them.

#![no_main]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ferrozmq_fuzz::curve::Change;
use ferrozmq_fuzz::gssapi::{INITIATOR, Talks, Wrapping};
use ferrozmq_fuzz::wire::{bodies, command, frame, greeting, properties, reply};
use ferrozmq_fuzz::{Cuts, Input, Seen, Tested, config, is_part};
use libfuzzer_sys::fuzz_target;
use zmq::message::{Message, Role};
use zmq::socket_type::SocketType;
use zmq::zmtp::{Event, zap::Answer};

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let cuts = Cuts::new(input.byte());
    let seen = play(input, cuts);
    if cuts.are_compared() {
        assert_eq!(seen, play(input, Cuts::NONE));
    }
});

fn play(mut input: Input<'_>, cuts: Cuts) -> Seen {
    let how = input.byte();
    let (serves, plaintext, enforced) = (how & 1 == 0, how & 2 != 0, how & 4 != 0);
    let talks = Talks::new(1 + (how >> 3) % 4);
    let mut config = config(SocketType::Dealer, talks.side(serves, plaintext));
    config.zap.enforced = enforced;
    let tested = Tested::new(&Arc::new(config), cuts);
    let mut peer = Peer {
        tested,
        talks,
        serves,
        plaintext,
        enforced,
        wrapping: Wrapping::default(),
        // Tokens are numbered from the initiator's first.
        token: if serves { 1 } else { 2 },
        accepted: None,
        said: Vec::new(),
        in_step: true,
        checked: 0,
    };
    peer.tested.say_whole(&greeting(3, 1, b"GSSAPI"));
    while !input.is_empty() && peer.tested.seen.error.is_none() {
        match input.byte() % 10 {
            0 | 1 => peer.say_token(),
            2 => {
                let token = input.led();
                peer.say_initiate(token);
            }
            3 => peer.say_ready(&properties(SocketType::Router)),
            4 => peer.say_ready(input.led()),
            5 => peer.judge(input.byte()),
            6 => {
                let flags = input.byte();
                peer.say(&frame(flags & !2, input.led()));
            }
            7 => {
                peer.in_step = false;
                peer.say(input.led());
            }
            8 => peer.hear_message(input.led()),
            _ => {
                let content = input.led();
                peer.say_message(content, Change::read(&mut input));
            }
        }
        peer.check();
    }
    peer.tested.seen
}

struct Peer {
    tested: Tested,
    talks: Arc<Talks>,
    serves: bool,
    plaintext: bool,
    enforced: bool,
    wrapping: Wrapping,
    token: u8,
    accepted: Option<bool>,
    said: Vec<u8>,
    /// Frames begin where the connection looks for them.
    in_step: bool,
    /// So many events were looked at.
    checked: usize,
}

impl Peer {
    fn say(&mut self, bytes: &[u8]) {
        self.said.extend_from_slice(bytes);
        self.tested.say(bytes);
    }

    /// The next token of ours, or where there is none what a server waits for.
    fn say_token(&mut self) {
        if self.token > self.talks.tokens {
            return self.say(&frame(4, b""));
        }
        self.say_initiate(&[self.token]);
        self.token += 2;
    }

    fn say_initiate(&mut self, token: &[u8]) {
        let len = (token.len() as u32).to_be_bytes();
        self.say(&command(b"INITIATE", &[&len[..], token].concat()));
    }

    fn wrapped(&mut self, plain: &[u8]) -> Vec<u8> {
        let wrapped = self.wrapping.put(plain);
        let len = (wrapped.len() as u32).to_be_bytes();
        [&b"\x07MESSAGE"[..], &len, &wrapped].concat()
    }

    fn say_ready(&mut self, metadata: &[u8]) {
        let ready = [b"\x05READY", metadata].concat();
        let body = match self.plaintext {
            true => ready,
            false => self.wrapped(&[b"\0", &ready[..]].concat()),
        };
        self.say(&frame(4, &body));
    }

    fn judge(&mut self, verdict: u8) {
        if !self.tested.asks() {
            return;
        }
        self.accepted = Some(match verdict % 4 {
            0 | 1 => {
                self.tested.answer(&Answer::Reply(&reply(b"200")));
                true
            }
            2 => {
                self.tested.answer(&Answer::Reply(&reply(b"400")));
                false
            }
            _ => {
                self.tested.answer(&Answer::NoAuthenticator);
                !self.enforced
            }
        });
    }

    /// What holds whenever there is something new.
    fn check(&mut self) {
        let events = &self.tested.seen.events[self.checked..];
        self.checked += events.len();
        for event in events {
            match event {
                Event::Ask(inquiry) => {
                    assert!(self.serves && self.talks.over.load(Relaxed));
                    let config = config(SocketType::Dealer, zmq::zmtp::Security::Null);
                    let frames = inquiry.frames(&config, "");
                    assert_eq!(frames[6..], [b"GSSAPI", INITIATOR]);
                }
                Event::Ready(_) => {
                    assert!(self.talks.over.load(Relaxed));
                    assert_eq!(self.accepted, self.serves.then_some(true));
                    assert!(is_part(b"\x05READY", &self.said));
                }
                _ => {}
            }
        }
    }

    fn say_message(&mut self, content: &[u8], change: Change<'_>) {
        if !self.tested.is_ready() || self.plaintext {
            return self.say(&frame(0, content));
        }
        let whole = self.wrapped(content);
        let body = change.apply(&whole);
        let frames = self.tested.seen.frames.len();
        self.say(&frame(0, &body));
        let delivered = &self.tested.seen.frames[frames..];
        let failed = self.tested.seen.error.is_some();
        match content.split_first() {
            Some((flags, content)) if flags & 2 == 0 && body == whole => {
                let frame = (Role::Data, flags & 1 == 1, content.to_vec());
                let whole = *delivered == [frame];
                assert!(whole || delivered.is_empty());
                assert!(whole || failed || !self.in_step);
            }
            Some(_) if body == whole => assert!(delivered.is_empty()),
            _ => {
                assert!(delivered.is_empty());
                assert!(failed || !self.in_step);
            }
        }
    }

    fn hear_message(&mut self, body: &[u8]) {
        if !self.tested.is_ready() || self.plaintext {
            return;
        }
        let mut wrapped = Vec::new();
        self.tested.encode(&Message::copy_of(body).expect("memory"), &mut wrapped);
        let message = bodies(&wrapped)[0];
        assert_eq!(message[..8], b"\x07MESSAGE"[..]);
        assert!(is_part(body, &message[12..]));
    }
}
