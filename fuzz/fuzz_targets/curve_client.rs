//! CURVE (RFC 26), the client's side, against a server that knows its keys and
//! has any of its messages changed, sealed ones and what is in them. The client
//! tells nobody who it is but a server that has the key it was given, and takes
//! messages as they were sent, once.

#![no_main]

use std::sync::Arc;

use ferrozmq_fuzz::curve::{CURVE_CLIENT, Change, Greeted, Initiated, greeted};
use ferrozmq_fuzz::wire::{bodies, frame, greeting, properties};
use ferrozmq_fuzz::{Cuts, Input, Tested, config};
use libfuzzer_sys::fuzz_target;
use zmq::socket_type::SocketType;
use zmq::zmtp::ProtocolError;

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let config = config(SocketType::Dealer, CURVE_CLIENT.clone());
    let mut tested = Tested::new(&Arc::new(config), Cuts::new(input.byte()));
    tested.say_whole(&greeting(3, 1, b"CURVE"));
    let said = tested.hear();
    let greeted = greeted(bodies(&said[64..])[0]);
    let mut server =
        Server { tested, greeted, initiated: None, welcomed: false, met: false, counter: 0 };
    while !input.is_empty() && server.tested.seen.error.is_none() {
        match input.byte() % 8 {
            0 => server.say_welcome(Change::None, Change::None),
            1 => {
                let inside = Change::read(&mut input);
                server.say_welcome(inside, Change::read(&mut input));
            }
            2 => server.say_ready(&properties(SocketType::Router), Change::None),
            3 => {
                let metadata = input.led();
                server.say_ready(metadata, Change::read(&mut input));
            }
            4 => server.say_error(input.led()),
            5 => server.say_frame(input.byte(), input.led()),
            6 => server.hear_message(input.led()),
            _ => {
                let step = u64::from(input.byte() % 4);
                let content = input.led();
                server.say_message(step, content, Change::read(&mut input));
            }
        }
        assert!(!server.tested.is_ready() || server.met);
    }
});

struct Server {
    tested: Tested,
    greeted: Greeted,
    /// What the client has said to a WELCOME of ours.
    initiated: Option<Initiated>,
    welcomed: bool,
    /// A READY was ours.
    met: bool,
    counter: u64,
}

impl Server {
    fn say_welcome(&mut self, inside: Change<'_>, outside: Change<'_>) {
        if self.tested.is_ready() {
            return self.say_frame(4, b"\x07WELCOME");
        }
        let original = Greeted::content();
        let content = inside.apply(&original);
        let whole = self.greeted.welcome(&content);
        let body = outside.apply(&whole);
        self.tested.say(&frame(4, &body));
        let said = self.tested.hear();
        let said = bodies(&said);
        let first = !std::mem::replace(&mut self.welcomed, true);
        match said[..] {
            [] => assert!(self.tested.seen.error.is_some()),
            [initiate] => {
                // A server may say what it likes, if it has the key.
                assert!(first && body == whole && content.len() == 128);
                if content == original {
                    self.initiated = Some(self.greeted.initiated(initiate));
                }
            }
            _ => panic!("{said:?}"),
        }
        assert!(content != original || body != whole || !first || !said.is_empty());
    }

    fn say_ready(&mut self, metadata: &[u8], change: Change<'_>) {
        let Some(initiated) = self.initiated.as_ref().filter(|_| !self.tested.is_ready()) else {
            return self.say_frame(4, &[&b"\x05READY"[..], &[0; 60]].concat());
        };
        self.counter += 1;
        let whole = initiated.ready(self.counter, metadata);
        let body = change.apply(&whole);
        self.met = body == whole;
        self.tested.say(&frame(4, &body));
        assert!(self.tested.hear().is_empty());
        let error = &self.tested.seen.error;
        assert!(self.tested.is_ready() || error.is_some());
        let told = self.met && *error == Some(ProtocolError::InvalidReady);
        assert_eq!(self.tested.is_ready(), self.met && !told);
    }

    /// An ERROR is taken from anybody, and is the end.
    fn say_error(&mut self, reason: &[u8]) {
        self.say_frame(4, &[b"\x05ERROR", reason].concat());
        assert!(self.tested.seen.error.is_some());
    }

    fn say_frame(&mut self, flags: u8, body: &[u8]) {
        self.tested.say(&frame(flags & !2, body));
        assert!(self.tested.seen.error.is_some());
        assert!(self.tested.hear().is_empty());
    }

    fn say_message(&mut self, step: u64, content: &[u8], change: Change<'_>) {
        let Some(initiated) = self.initiated.as_ref().filter(|_| self.tested.is_ready()) else {
            return self.say_frame(0, b"\x07MESSAGE");
        };
        self.counter += step;
        initiated.traffic.say(&mut self.tested, (self.counter, step > 0), content, change);
    }

    /// The client sends something.
    fn hear_message(&mut self, body: &[u8]) {
        let Some(initiated) = self.initiated.as_ref().filter(|_| self.tested.is_ready()) else {
            return;
        };
        initiated.traffic.hear(&mut self.tested, body);
    }
}
