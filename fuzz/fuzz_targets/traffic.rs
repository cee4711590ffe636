//! Traffic of every version of the protocol: frames, commands, heartbeats,
//! subscriptions. What the connection makes of a stream is what a plain decoder
//! makes of it, however it is cut; and what was decoded, encoded anew, is decoded
//! to the same.

#![no_main]

use std::sync::Arc;

use ferrozmq_fuzz::wire::{command, frame, greeting, properties};
use ferrozmq_fuzz::{Cuts, Frame, Input, Tested, config};
use libfuzzer_sys::fuzz_target;
use zmq::message::{Message, Role};
use zmq::socket_type::SocketType;
use zmq::zmtp::{Config, ProtocolError, Security};

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let age = AGES[usize::from(input.byte()) % AGES.len()];
    let publishes = input.byte() & 1 == 1;
    let (ours, theirs) = match publishes {
        true => (SocketType::XPub, SocketType::XSub),
        false => (SocketType::Dealer, SocketType::Dealer),
    };
    let mut config = config(ours, Security::Null);
    let limits = [None, None, Some(0), Some(60), Some(300)];
    config.max_message_size = limits[usize::from(input.byte()) % limits.len()];
    let config = Arc::new(config);
    let cuts = Cuts::new(input.byte());
    let way = input.byte();
    let stream = input.rest();

    let opening = age.opening(theirs);
    let seen = |mut tested: Tested| {
        tested.say_whole(&opening);
        assert!(tested.is_ready());
        tested.hear();
        tested.say(stream);
        let said = tested.hear();
        (tested.seen.frames, said, tested.seen.error)
    };
    let received = match way % 3 {
        0 => seen(Tested::new(&config, Cuts::NONE)),
        1 => seen(Tested::new(&config, cuts)),
        _ => seen(Tested::new(&config, cuts).cramped()),
    };
    let mut expected = Expected::new(age, publishes, &config);
    expected.decode(stream);
    assert_eq!(received, (expected.frames.clone(), expected.output, expected.error));

    // The way back, which knows no limit; it takes twice as long, so one in eight.
    if way & 0xe0 != 0x80 {
        return;
    }
    let config = Arc::new(Config { max_message_size: None, ..(*config).clone() });
    let mut sender = Tested::new(&config, Cuts::NONE);
    sender.say_whole(&opening);
    let mut encoded = Vec::new();
    let opened = if age == Age::Unversioned && publishes { 2 } else { usize::from(age.is_old()) };
    for (role, more, body) in &expected.frames[opened..] {
        let mut message = Message::copy_of(body).expect("memory").with_role(*role);
        message.set_more(*more);
        sender.encode(&message, &mut encoded);
    }
    let mut receiver = Tested::new(&config, cuts);
    receiver.say_whole(&opening);
    receiver.say(&encoded);
    assert_eq!(receiver.seen.error, None);
    for frame in &mut expected.frames[opened..] {
        age.as_sent(frame);
    }
    assert_eq!(receiver.seen.frames, expected.frames);
});

/// How old a peer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    /// ZMTP 1.0, without a greeting.
    Unversioned,
    /// ZMTP 2.0.
    Two,
    /// ZMTP 3.0.
    Three,
    /// ZMTP 3.1.
    New,
}

const AGES: [Age; 4] = [Age::New, Age::Three, Age::Two, Age::Unversioned];

impl Age {
    fn is_old(self) -> bool {
        matches!(self, Age::Unversioned | Age::Two)
    }

    /// All that a peer says before its first message.
    fn opening(self, socket_type: SocketType) -> Vec<u8> {
        let signature = b"\xff\0\0\0\0\0\0\0\x01\x7f";
        match self {
            Age::Unversioned => b"\x03\0me".to_vec(),
            Age::Two => [&signature[..], b"\x01\x05\0\x02me"].concat(),
            Age::Three | Age::New => {
                let minor = u8::from(self == Age::New);
                let ready = command(b"READY", &properties(socket_type));
                [greeting(3, minor, b"NULL"), ready].concat()
            }
        }
    }

    /// A subscription is a message to peers older than 3.1.
    fn as_sent(self, (role, more, body): &mut Frame) {
        if self != Age::New && *role != Role::Data {
            body.insert(0, u8::from(*role == Role::Subscribe));
            (*role, *more) = (Role::Data, false);
        }
    }
}

/// A decoder that has the whole stream.
struct Expected {
    age: Age,
    publishes: bool,
    longest: u64,
    frames: Vec<Frame>,
    output: Vec<u8>,
    error: Option<ProtocolError>,
}

/// What is left of a stream behind a frame, or why it is none.
type Rest<'a> = Result<Option<&'a [u8]>, ProtocolError>;

impl Expected {
    fn new(age: Age, publishes: bool, config: &Config) -> Expected {
        let longest = config.max_message_size.unwrap_or(1 << 46);
        let mut frames = Vec::new();
        if age == Age::Unversioned && publishes {
            frames.push((Role::Subscribe, false, Vec::new()));
        }
        if age.is_old() {
            frames.push((Role::Peer, false, b"me".to_vec()));
        }
        Expected { age, publishes, longest, frames, output: Vec::new(), error: None }
    }

    fn decode(&mut self, mut stream: &[u8]) {
        while !stream.is_empty() {
            let rest = match self.age {
                Age::Unversioned => self.frame_of_1(stream),
                _ => self.frame(stream),
            };
            match rest {
                Ok(Some(rest)) => stream = rest,
                Ok(None) => return,
                Err(error) => {
                    self.error = Some(error);
                    return;
                }
            }
        }
    }

    /// A frame of ZMTP 1.0.
    fn frame_of_1<'a>(&mut self, stream: &'a [u8]) -> Rest<'a> {
        let (len, rest) = match stream {
            [0xff, rest @ ..] => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from_be_bytes(*len), rest),
                None => return Ok(None),
            },
            [len, rest @ ..] => (u64::from(*len), rest),
            [] => return Ok(None),
        };
        let len = len.checked_sub(1).ok_or(ProtocolError::MalformedFrame)?;
        let Some((flags, rest)) = rest.split_first() else { return Ok(None) };
        self.message(flags & 1 == 1, len, rest)
    }

    /// A frame of ZMTP 2.0 and later.
    fn frame<'a>(&mut self, stream: &'a [u8]) -> Rest<'a> {
        let Some((flags, rest)) = stream.split_first() else { return Ok(None) };
        let (len, rest) = match flags & 2 {
            0 => match rest.split_first() {
                Some((len, rest)) => (u64::from(*len), rest),
                None => return Ok(None),
            },
            _ => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from_be_bytes(*len), rest),
                None => return Ok(None),
            },
        };
        if flags & 4 == 0 {
            return self.message(flags & 1 == 1, len, rest);
        }
        if len > (self.longest + 16).clamp(255, 16 << 20) {
            return Err(ProtocolError::CommandTooLarge);
        }
        let Some((body, rest)) = rest.split_at_checked(len as usize) else { return Ok(None) };
        if !self.age.is_old() {
            self.command(body)?;
        }
        Ok(Some(rest))
    }

    fn message<'a>(&mut self, more: bool, len: u64, rest: &'a [u8]) -> Rest<'a> {
        if len > self.longest {
            return Err(ProtocolError::MessageTooLarge);
        }
        let Some((body, rest)) = rest.split_at_checked(len as usize) else { return Ok(None) };
        self.frames.push((Role::Data, more, body.to_vec()));
        Ok(Some(rest))
    }

    fn command(&mut self, body: &[u8]) -> Result<(), ProtocolError> {
        if let Some(ping) = body.strip_prefix(b"\x04PING") {
            if ping.len() < 2 {
                return Err(ProtocolError::MalformedCommand);
            }
            let context = &ping[2..ping.len().min(18)];
            self.output.extend(frame(4, &[&b"\x04PONG"[..], context].concat()));
        }
        for (name, role) in
            [(&b"\x09SUBSCRIBE"[..], Role::Subscribe), (b"\x06CANCEL", Role::Cancel)]
        {
            if let Some(topic) = body.strip_prefix(name).filter(|_| self.publishes) {
                self.frames.push((role, false, topic.to_vec()));
            }
        }
        Ok(())
    }
}
