//! GSSAPI with talks that follow a script and contexts that number what they wrap:
//! both halves say the bytes that libzmq 4.3.4 says, and each command that is broken
//! ends in the error that libzmq tells of, or would have ended in.

use super::zap_replies::{accepted, reply};
use super::*;
use crate::gssapi::{Bytes, Context, Established, Failed, Negotiation, Outcome, Party, Step};

/// Says "one", "two", "three" and so on in turn with the peer; the initiator's name
/// is alice. `last` is the number of the word after which all is said.
struct Script {
    last: usize,
    /// Who has no credentials fails at once.
    fails: bool,
}

struct Speaker {
    said: usize,
    last: usize,
    fails: bool,
}

const WORDS: [&[u8]; 5] = [b"", b"one", b"two", b"three", b"four"];

impl Party for Script {
    fn negotiation(&self) -> Box<dyn Negotiation> {
        Box::new(Speaker { said: 0, last: self.last, fails: self.fails })
    }
}

impl Negotiation for Speaker {
    fn step(&mut self, token: &[u8]) -> Result<Step, Failed> {
        let heard = WORDS.iter().position(|word| *word == token).ok_or(Failed)?;
        if self.fails || heard != 0 && heard != self.said + 1 {
            return Err(Failed);
        }
        let is_over = heard >= self.last;
        self.said = heard + 1;
        let token = if is_over { b"" } else { WORDS[heard + 1] };
        let established = (is_over || heard + 1 == self.last).then(|| Established {
            context: Box::new(Numbers::default()) as Box<dyn Context>,
            initiator: b"alice@TEST".to_vec(),
        });
        Ok(Step { token: token.to_vec(), established })
    }
}

/// Puts a number before what it wraps, which must be the next one.
#[derive(Default)]
struct Numbers {
    wrapped: u8,
    unwrapped: u8,
}

impl Context for Numbers {
    fn wrap(&mut self, plain: &[u8]) -> Result<Bytes, Failed> {
        self.wrapped = self.wrapped.checked_add(1).ok_or(Failed)?;
        Ok(Box::new([&[self.wrapped], plain].concat()))
    }

    fn unwrap(&mut self, wrapped: &[u8]) -> Result<Bytes, Failed> {
        let (number, plain) = wrapped.split_first().ok_or(Failed)?;
        self.unwrapped += 1;
        if *number == self.unwrapped { Ok(Box::new(plain.to_vec())) } else { Err(Failed) }
    }
}

fn side(serves: bool, plaintext: bool, last: usize) -> Config {
    let party = Arc::new(Script { last, fails: false });
    let security = Security::Gssapi { serves, party, plaintext };
    Config { security, ..config(SocketType::Pair) }
}

fn initiate(token: &[u8]) -> Vec<u8> {
    let len = (token.len() as u32).to_be_bytes();
    frame(4, &[b"\x08INITIATE", &len[..], token].concat())
}

/// A MESSAGE with the wrapping of [`Numbers`].
fn message(header: u8, number: u8, flags: u8, content: &[u8]) -> Vec<u8> {
    let len = (content.len() as u32 + 2).to_be_bytes();
    frame(header, &[b"\x07MESSAGE", &len[..], &[number, flags], content].concat())
}

const READY: &[u8] = b"\x05READY\x0bSocket-Type\0\0\0\x04PAIR";

/// Frames, the greeting being one.
fn frames_of(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    let mut len = 64;
    while !bytes.is_empty() {
        let (frame, rest) = bytes.split_at(len);
        frames.push(frame);
        bytes = rest;
        len = frame::FrameHeader::parse(bytes).map_or(0, |(head, size)| size + head.len as usize);
    }
    frames
}

/// Feeds pieces, runs what blocks, asks an authenticator who gives `answer`.
fn converse<'a>(
    connection: &mut Connection,
    pieces: impl Iterator<Item = &'a [u8]>,
    answer: &[Message],
    sink: &mut Sink,
    events: &mut Vec<Event>,
) -> Result<(), ProtocolError> {
    let now = Instant::now();
    let mut waiting: Vec<u8> = Vec::new();
    for piece in pieces {
        waiting.extend_from_slice(piece);
        loop {
            let left = feed(connection, now, &waiting, sink)?;
            waiting.drain(..waiting.len() - left);
            let Some(event) = connection.poll_event() else { break };
            match &event {
                Event::Blocks => {
                    let errand = connection.errand().expect("what blocks");
                    assert!(connection.errand().is_none());
                    // Meanwhile nothing is read.
                    assert_eq!(connection.receive(now, b"x", sink), Ok(0));
                    connection.ran(now, errand.run())?;
                    continue;
                }
                Event::Ask(_) => connection.answer(now, &zap::Answer::Reply(answer))?,
                _ => {}
            }
            events.push(event);
        }
    }
    Ok(())
}

/// What comes of `bytes` after the greetings: what was said, what happened, what came.
fn outcome_of(
    config: &Config,
    bytes: &[u8],
    answer: &[Message],
) -> (Vec<u8>, Vec<Event>, Vec<Frame>, Option<ProtocolError>) {
    let mut all = Vec::new();
    let stream = [&greeting(3, 1, b"GSSAPI")[..], bytes].concat();
    for pieces in [frames_of(&stream), stream.chunks(1).collect(), stream.chunks(3).collect()] {
        let mut connection = Connection::new(Arc::new(config.clone()), Instant::now());
        let (mut sink, mut events) = (Sink::new(), Vec::new());
        let pieces = pieces.into_iter();
        let error = converse(&mut connection, pieces, answer, &mut sink, &mut events).err();
        let said = output(&mut connection);
        assert_eq!(said[12..32], *b"GSSAPI\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(said[32..64], [0; 32]);
        all.push((said[64..].to_vec(), events, sink.frames, error));
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
    all.remove(0)
}

#[test]
fn a_server_answers_tokens_asks_about_the_name_and_wraps_what_follows() {
    let client = [
        initiate(b"one"),
        frame(4, b""),
        message(4, 1, 0, READY),
        message(0, 2, 1, b"a"),
        message(0, 3, 0, b"b"),
        message(0, 4, 2, b"\x04PING\0\0"),
    ];
    let (said, events, frames, error) =
        outcome_of(&side(true, false, 2), &client.concat(), &accepted());
    assert_eq!(error, None);
    assert_eq!(frames, [data(true, b"a"), data(false, b"b")]);
    let expected =
        [initiate(b"two"), message(4, 1, 0, READY), message(0, 2, 2, b"\x04PONG")].concat();
    assert_eq!(said, expected);
    let [Event::Ask(inquiry), Event::Ready(peer)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        inquiry.frames(&config(SocketType::Rep), "1.2.3.4"),
        [&b""[..], b"1.0", b"1", b"", b"1.2.3.4", b"", b"GSSAPI", b"alice@TEST"]
    );
    assert_eq!(peer.vouched, [(b"User-Id".to_vec(), b"joe".to_vec())]);
    assert_eq!(peer.socket_type, Some(SocketType::Pair));
}

#[test]
fn plaintext_wraps_nothing() {
    let ready = command(b"READY", &READY[6..]);
    let client = [initiate(b"one"), frame(4, b""), ready.clone(), frame(0, b"hi")].concat();
    let (said, events, frames, error) = outcome_of(&side(true, true, 2), &client, &accepted());
    assert_eq!((events.len(), error), (2, None));
    assert_eq!(frames, [data(false, b"hi")]);
    assert_eq!(said, [initiate(b"two"), ready.clone()].concat());
    let server = [initiate(b"two"), ready.clone(), frame(0, b"ho")].concat();
    let (said, events, frames, error) = outcome_of(&side(false, true, 2), &server, &[]);
    assert_eq!((events.len(), error), (1, None));
    assert_eq!(frames, [data(false, b"ho")]);
    assert_eq!(said, [initiate(b"one"), frame(4, b""), ready].concat());
}

#[test]
fn a_client_begins_and_says_that_it_is_done() {
    let server = [initiate(b"two"), message(4, 1, 0, READY), message(0, 2, 0, b"ho")].concat();
    let (said, events, frames, error) = outcome_of(&side(false, false, 2), &server, &[]);
    assert_eq!((events.len(), error), (1, None));
    assert_eq!(frames, [data(false, b"ho")]);
    assert_eq!(said, [initiate(b"one"), frame(4, b""), message(4, 1, 0, READY)].concat());
}

#[test]
fn a_last_token_of_the_clients_is_sent() {
    let server = [initiate(b"two"), message(4, 1, 0, READY)].concat();
    let (said, _, _, error) = outcome_of(&side(false, false, 3), &server, &[]);
    assert_eq!(error, None);
    let expected = [initiate(b"one"), initiate(b"three"), message(4, 1, 0, READY)].concat();
    assert_eq!(said, expected);
    // A server that hears it is still owed that the client goes on.
    let client = [initiate(b"one"), initiate(b"three"), frame(4, b"")].concat();
    let (said, events, _, error) = outcome_of(&side(true, false, 3), &client, &accepted());
    assert_eq!((events.len(), error), (1, None));
    assert_eq!(said, [initiate(b"two"), message(4, 1, 0, READY)].concat());
}

#[test]
fn who_is_refused_is_told_so_and_stays_out() {
    let client = [initiate(b"one"), frame(4, b"")].concat();
    for (status, told) in
        [(300, &b""[..]), (400, b"\x04\x0a\x05ERROR\x03400"), (500, b"\x04\x0a\x05ERROR\x03500")]
    {
        let answer = reply(3, status.to_string().as_bytes());
        for (rest, ending) in
            [(Vec::new(), None), (message(4, 1, 0, READY), Some(ProtocolError::Untimely))]
        {
            let stream = [&client[..], &rest].concat();
            let (said, events, frames, error) = outcome_of(&side(true, false, 2), &stream, &answer);
            assert_eq!((error, frames.len()), (ending, 0));
            assert_eq!(said, [&initiate(b"two")[..], told].concat());
            assert_eq!(events[1..], [Event::Refused(status)]);
        }
    }
}

#[test]
fn a_client_that_does_not_wait_for_the_verdict_is_dropped() {
    let stream = [greeting(3, 1, b"GSSAPI"), initiate(b"one")].concat();
    let mut connection = Connection::new(Arc::new(side(true, false, 2)), Instant::now());
    let (mut sink, mut events) = (Sink::new(), Vec::new());
    converse(&mut connection, stream.chunks(1), &[], &mut sink, &mut events).unwrap();
    let both = [frame(4, b""), message(4, 1, 0, READY)].concat();
    let fed = feed(&mut connection, Instant::now(), &both, &mut sink);
    assert_eq!(fed, Err(ProtocolError::Untimely));
}

#[test]
fn without_an_authenticator_clients_are_in_unless_a_domain_is_enforced() {
    for enforced in [false, true] {
        let zap = zap::Policy { domain: Vec::new(), enforced };
        let config = Config { zap, ..side(true, false, 2) };
        let now = Instant::now();
        let mut connection = Connection::new(Arc::new(config), now);
        let stream = [greeting(3, 1, b"GSSAPI"), initiate(b"one")].concat();
        let (mut sink, mut events) = (Sink::new(), Vec::new());
        converse(&mut connection, stream.chunks(1), &[], &mut sink, &mut events).unwrap();
        feed(&mut connection, now, &frame(4, b""), &mut sink).unwrap();
        assert!(matches!(connection.poll_event(), Some(Event::Ask(_))));
        let answered = connection.answer(now, &zap::Answer::NoAuthenticator);
        assert_eq!(answered.err(), enforced.then_some(ProtocolError::NoAuthenticator));
    }
}

#[test]
fn every_broken_command_of_a_client_ends_the_connection() {
    use ProtocolError::*;
    for (first, wanted) in [
        (&b""[..], MalformedCommand),
        (b"\x08INIT", MalformedCommand),
        (b"\x08INITIATE", MalformedInitiate),
        (b"\x08INITIATE\0\0\0", MalformedInitiate),
        (b"\x08INITIATE\0\0\0\x01", MalformedInitiate),
        (b"\x08INITIATE\0\0\0\x01xy", MalformedInitiate),
        (b"\x08INITIATE\xff\xff\xff\xffxy", MalformedInitiate),
        (b"\x08INITIATE\0\0\0\x03two", NoContext),
        (b"\x08INITIATE\0\0\0\x01x", NoContext),
        (b"\x05READY\0\0", UnexpectedCommand),
        (b"\x05ERROR\x03400", UnexpectedCommand),
        (b"\x07MESSAGE\0\0\0\x01x", UnexpectedCommand),
    ] {
        for flags in [0, 1, 4] {
            let (_, events, _, error) =
                outcome_of(&side(true, false, 2), &frame(flags, first), &accepted());
            assert_eq!((events.len(), error), (0, Some(wanted.clone())));
        }
    }
    let begun = [initiate(b"one"), frame(4, b"anything")].concat();
    for (plaintext, ready, wanted) in [
        (false, frame(4, b""), MalformedCommand),
        (false, frame(4, READY), UnexpectedCommand),
        (false, frame(4, b"\x07MESSAGE\0\0"), MalformedMessage),
        (false, frame(4, b"\x07MESSAGE\0\0\0\0"), Forged),
        (false, frame(4, b"\x07MESSAGE\0\0\0\x01\x01"), MalformedMessage),
        (false, message(4, 2, 0, READY), Forged),
        (false, message(4, 1, 0, b""), MalformedCommand),
        (false, message(4, 1, 0, b"a"), MalformedCommand),
        (false, message(4, 1, 0, b"\x05HELLO\0"), UnexpectedCommand),
        (false, message(4, 1, 0, b"\x05READY\x01"), InvalidReady),
        (false, message(4, 1, 0, b"\x05READY\x0bSocket-Type\0\0\0\x03PUB"), InvalidReady),
        (true, frame(4, b""), MalformedCommand),
        (true, frame(4, b"junk"), MalformedCommand),
        (true, message(4, 1, 0, READY), UnexpectedCommand),
        (true, frame(4, b"\x05READY\x0bSocket-Type\0\0\0\x03PUB"), InvalidReady),
    ] {
        let stream = [&begun[..], &ready].concat();
        let (_, events, _, error) = outcome_of(&side(true, plaintext, 2), &stream, &accepted());
        assert_eq!((events.len(), error), (1, Some(wanted)));
    }
    // Traffic.
    let begun = [&begun[..], &message(4, 1, 0, READY)].concat();
    for (next, wanted) in [
        (frame(0, b"x"), MalformedCommand),
        (frame(0, b"hello, this is plain"), MalformedCommand),
        (frame(0, b"\x07MERSAGE\0\0\0\x03\x02\0x"), UnexpectedCommand),
        (frame(0, b"\x07MESSAGE\0\0\0\x04\x02\0x"), MalformedMessage),
        (frame(0, b"\x07MESSAGE\0\0\0\x01\x02"), MalformedMessage),
        (message(0, 3, 0, b"x"), Forged),
        (message(0, 1, 0, b"x"), Forged),
    ] {
        let stream = [&begun[..], &next].concat();
        let (_, events, frames, error) = outcome_of(&side(true, false, 2), &stream, &accepted());
        assert_eq!((events.len(), frames.len(), error), (2, 0, Some(wanted)));
    }
}

#[test]
fn every_broken_command_of_a_server_ends_the_connection() {
    use ProtocolError::*;
    for (plaintext, stream, wanted) in [
        (false, frame(4, b""), MalformedCommand),
        (false, frame(4, b"\x08INITIATE\0\0\0\x04xxx"), MalformedInitiate),
        (false, initiate(b"three"), NoContext),
        (false, initiate(b"junk"), NoContext),
        (false, frame(4, READY), UnexpectedCommand),
        (false, frame(4, b"\x05ERROR\x03400"), PeerError(b"400".to_vec())),
        (false, [initiate(b"two"), frame(4, READY)].concat(), UnexpectedCommand),
        (false, [initiate(b"two"), initiate(b"two")].concat(), UnexpectedCommand),
        (false, [initiate(b"two"), message(4, 2, 0, READY)].concat(), Forged),
        (
            false,
            [initiate(b"two"), frame(4, b"\x05ERROR\x03500")].concat(),
            PeerError(b"500".to_vec()),
        ),
        (true, [initiate(b"two"), message(4, 1, 0, READY)].concat(), UnexpectedCommand),
        (true, [initiate(b"two"), frame(4, b"\x05READ")].concat(), MalformedCommand),
        (true, [initiate(b"two"), frame(4, b"\x05READY\x02")].concat(), InvalidReady),
    ] {
        let (_, events, _, error) = outcome_of(&side(false, plaintext, 2), &stream, &[]);
        assert_eq!((events.len(), error), (0, Some(wanted)));
    }
}

#[test]
fn who_has_no_credentials_drops_the_connection_and_may_try_again() {
    let party = Arc::new(Script { last: 2, fails: true });
    let security = Security::Gssapi { serves: false, party, plaintext: false };
    let config = Config { security, ..config(SocketType::Pair) };
    let (said, _, _, error) = outcome_of(&config, b"", &[]);
    let error = error.unwrap();
    assert_eq!((&said[..], &error), (&b""[..], &ProtocolError::NoContext));
    assert!(!error.is_fatal_for_connecter());
    assert_eq!(error.errno(), crate::error::Errno::EACCES);
}

#[test]
fn what_comes_of_a_step_too_late_changes_nothing() {
    let now = Instant::now();
    let timeout = Some(std::time::Duration::from_secs(1));
    let config = Config { handshake_timeout: timeout, ..side(false, false, 2) };
    let mut connection = Connection::new(Arc::new(config), now);
    feed(&mut connection, now, &greeting(3, 1, b"GSSAPI"), &mut Sink::new()).unwrap();
    assert_eq!(connection.poll_event(), Some(Event::Blocks));
    let errand = connection.errand().unwrap();
    let late = connection.deadline().unwrap();
    let timed_out = Err(ProtocolError::TimedOut(TimeOut::Handshake));
    assert_eq!(connection.on_deadline(late), timed_out);
    output(&mut connection);
    assert_eq!(connection.ran(late, errand.run()), Ok(()));
    assert!(!connection.has_output());
    assert_eq!(connection.receive(late, b"x", &mut Sink::new()), timed_out.map(|()| 0));
}

#[test]
fn subscriptions_travel_as_commands_and_a_context_at_its_end_ends_the_connection() {
    let config = Config { socket_type: SocketType::Sub, ..side(false, false, 2) };
    let now = Instant::now();
    let mut connection = Connection::new(Arc::new(config), now);
    let ready = b"\x05READY\x0bSocket-Type\0\0\0\x03PUB";
    let stream = [greeting(3, 1, b"GSSAPI"), initiate(b"two"), message(4, 1, 0, ready)].concat();
    let (mut sink, mut events) = (Sink::new(), Vec::new());
    converse(&mut connection, stream.chunks(1), &[], &mut sink, &mut events).unwrap();
    assert!(connection.is_sealed());
    let topic = Message::copy_of(b"to").unwrap().with_role(Role::Subscribe);
    let mut out = Vec::new();
    connection.encode(&topic, &mut out).unwrap();
    assert_eq!(out, message(0, 2, 2, b"\x09SUBSCRIBEto"));
    let encoded = (0..).find_map(|_| connection.encode(&topic, &mut out).err());
    assert_eq!(encoded, Some(ProtocolError::NoContext));
}

#[test]
fn what_is_not_gssapi_has_no_errands() {
    let now = Instant::now();
    let mut connection = in_traffic(config(SocketType::Pair), SocketType::Pair, 1, now);
    assert!(connection.errand().is_none());
    let negotiation = Script { last: 2, fails: true }.negotiation();
    assert_eq!(connection.ran(now, Outcome { negotiation, step: Err(Failed) }), Ok(()));
    assert!(connection.is_ready());
}
