//! CURVE (RFC 26), the server's side, against a client that knows its keys and
//! has any of its messages changed, sealed ones and what is in them. A message
//! that was changed gets no answer, whoever has sent one is not let in, and what
//! a client sends in traffic is taken as it was sent, once.

#![no_main]

use std::sync::Arc;

use ferrozmq_fuzz::curve::{CLIENT, CURVE_SERVER, Change, Welcomed, hello, welcomed};
use ferrozmq_fuzz::wire::{bodies, frame, greeting, properties, reply};
use ferrozmq_fuzz::{Cuts, Input, Tested, config};
use libfuzzer_sys::fuzz_target;
use zmq::socket_type::SocketType;
use zmq::zmtp::{Event, ProtocolError, zap::Answer};

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let mut config = config(SocketType::Dealer, CURVE_SERVER.clone());
    let policy = input.byte();
    if policy & 1 == 1 {
        config.zap.domain = b"domain".to_vec();
    }
    config.zap.enforced = policy & 2 != 0;
    let tested = Tested::new(&Arc::new(config), Cuts::new(input.byte()));
    let mut client = Client {
        tested,
        policy,
        hello: None,
        welcomed: None,
        known: None,
        accepted: None,
        counter: 1,
        greeted: false,
    };
    client.tested.say_whole(&greeting(3, 1, b"CURVE"));
    client.tested.hear();
    while !input.is_empty() && client.tested.seen.error.is_none() {
        match input.byte() % 8 {
            0 => client.say_hello(Change::None),
            1 => client.say_hello(Change::read(&mut input)),
            2 => client.say_initiate(&properties(SocketType::Dealer), Change::None, Change::None),
            3 => {
                let metadata = input.led();
                let inside = Change::read(&mut input);
                client.say_initiate(metadata, inside, Change::read(&mut input));
            }
            4 => client.judge(input.byte()),
            5 => client.say_frame(input.byte(), input.led()),
            6 => client.hear_message(input.led()),
            _ => {
                let step = u64::from(input.byte() % 4);
                let content = input.led();
                client.say_message(step, content, Change::read(&mut input));
            }
        }
        assert!(!client.tested.is_ready() || client.may_be_in());
    }
});

struct Client {
    tested: Tested,
    policy: u8,
    /// What became of HELLO: whether it was unchanged.
    hello: Option<bool>,
    welcomed: Option<Welcomed>,
    /// What became of INITIATE: whether the client has shown who it is.
    known: Option<bool>,
    accepted: Option<bool>,
    counter: u64,
    greeted: bool,
}

impl Client {
    /// Whether anything speaks for the client.
    fn may_be_in(&self) -> bool {
        let asks = self.policy & 3 != 2;
        self.known == Some(true) && (self.accepted == Some(true) || !asks)
    }

    fn say_hello(&mut self, change: Change<'_>) {
        let original = hello();
        let body = change.apply(&original);
        self.tested.say(&frame(4, &body));
        let said = self.tested.hear();
        if self.hello.is_some() || self.known.is_some() {
            assert!(self.tested.seen.error.is_some() && said.is_empty());
            return;
        }
        // Nobody has looked at the padding, and a key has one bit that means
        // nothing.
        let counts = |at: usize| match at {
            8..80 => 0,
            111 => 0x7f,
            _ => 0xff,
        };
        let same = body.len() == original.len()
            && (0..body.len()).all(|at| (body[at] ^ original[at]) & counts(at) == 0);
        self.hello = Some(same && body[80..112] == original[80..112]);
        match &bodies(&said)[..] {
            [] => assert!(!same && self.tested.seen.error.is_some()),
            [welcome] => {
                assert!(same);
                self.welcomed = Some(welcomed(welcome));
            }
            more => panic!("{more:?}"),
        }
    }

    fn say_initiate(&mut self, metadata: &[u8], inside: Change<'_>, outside: Change<'_>) {
        let Some(welcomed) = &self.welcomed else {
            return self.say_frame(4, &[&b"\x08INITIATE"[..], &[0; 300]].concat());
        };
        let first = self.known.is_none();
        self.counter += 1;
        let original = welcomed.content(metadata);
        let content = inside.apply(&original);
        let whole = welcomed.initiate(self.counter, &content);
        let body = outside.apply(&whole);
        self.tested.say(&frame(4, &body));
        // As in HELLO, one bit of C means nothing, and the authenticator sees it.
        let same = content.len() >= 128
            && (0..128)
                .all(|at| (content[at] ^ original[at]) & if at == 31 { 0x7f } else { 0xff } == 0);
        let known = first && self.hello == Some(true) && same && body == whole;
        self.known = Some(known);
        let let_in = self.tested.asks() || self.tested.is_ready();
        let failed = &self.tested.seen.error;
        assert!(let_in || failed.is_some());
        assert!(!let_in || known);
        let told = [ProtocolError::InvalidMetadata, ProtocolError::IncompatibleSocketType];
        assert!(!known || let_in || failed.as_ref().is_some_and(|error| told.contains(error)));
        if let Some(Event::Ask(inquiry)) = self.tested.seen.events.last()
            && known
        {
            let config = config(SocketType::Dealer, CURVE_SERVER.clone());
            let frames = inquiry.frames(&config, "");
            assert_eq!(frames[6..], [&b"CURVE"[..], &content[..32]]);
            assert_eq!(frames[7][..31], CLIENT.public[..31]);
        }
        self.hear_ready();
    }

    fn judge(&mut self, verdict: u8) {
        if !self.tested.asks() {
            return;
        }
        let frames = match verdict % 5 {
            0 | 1 => reply(b"200"),
            2 => reply(b"300"),
            3 => reply(b"400"),
            _ => Vec::new(),
        };
        self.accepted = Some(match frames.is_empty() {
            true => self.policy & 2 == 0,
            false => verdict % 5 < 2,
        });
        match frames.is_empty() {
            true => self.tested.answer(&Answer::NoAuthenticator),
            false => self.tested.answer(&Answer::Reply(&frames)),
        }
        assert_eq!(self.tested.is_ready(), self.accepted == Some(true));
        self.hear_ready();
    }

    /// A server that lets the client in tells it of itself.
    fn hear_ready(&mut self) {
        let said = self.tested.hear();
        let said = bodies(&said);
        if !self.tested.is_ready() {
            // Nothing, or that it was refused.
            assert!(said.iter().all(|body| *body == b"\x05ERROR\x03400"));
            return;
        }
        if !self.greeted {
            let welcomed = self.welcomed.as_ref().expect("who is in was welcome");
            let metadata = welcomed.open_ready(said[0]);
            assert!(metadata.starts_with(&properties(SocketType::Dealer)));
            self.greeted = true;
        }
    }

    /// What has nothing to do with anything.
    fn say_frame(&mut self, flags: u8, body: &[u8]) {
        let was_in = self.tested.is_ready();
        let frames = self.tested.seen.frames.len();
        self.tested.say(&frame(flags & !2, body));
        assert_eq!(self.tested.seen.frames.len(), frames);
        assert!(!was_in || self.tested.seen.error.is_some());
        if !was_in && self.tested.is_ready() {
            panic!("nobody has said who he is");
        }
        self.hello = self.hello.or(Some(false));
    }

    fn say_message(&mut self, step: u64, content: &[u8], change: Change<'_>) {
        let Some(welcomed) = self.welcomed.as_ref().filter(|_| self.tested.is_ready()) else {
            return self.say_frame(0, b"\x07MESSAGE");
        };
        self.counter += step;
        welcomed.traffic.say(&mut self.tested, (self.counter, step > 0), content, change);
    }

    /// The server sends something.
    fn hear_message(&mut self, body: &[u8]) {
        let Some(welcomed) = self.welcomed.as_ref().filter(|_| self.tested.is_ready()) else {
            return;
        };
        welcomed.traffic.hear(&mut self.tested, body);
    }
}
