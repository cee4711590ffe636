//! ZAP: which replies say what, and NULL with an authenticator.

use super::*;
use zap::{Answer, Fault};

fn messages(frames: &[&[u8]]) -> Vec<Message> {
    frames.iter().map(|frame| Message::copy_of(frame).unwrap()).collect()
}

const FRAMES: [&[u8]; 7] = [b"", b"1.0", b"1", b"200", b"OK", b"joe", b""];

/// A reply that lets the peer in.
pub(super) fn accepted() -> Vec<Message> {
    messages(&FRAMES)
}

/// The same with one frame changed.
pub(super) fn reply(number: usize, frame: &[u8]) -> Vec<Message> {
    let mut frames = FRAMES;
    frames[number] = frame;
    messages(&frames)
}

fn with_domain(socket_type: SocketType, enforced: bool) -> Config {
    let zap = zap::Policy { domain: b"dom".to_vec(), enforced };
    Config { zap, ..config(socket_type) }
}

/// A connection under NULL that has asked, and what it has said since the
/// greeting.
fn asking(config: Config) -> (Connection, Vec<u8>) {
    let now = Instant::now();
    let mut connection = Connection::new(Arc::new(config), now);
    output(&mut connection);
    feed(&mut connection, now, &greeting(3, 1, b"NULL"), &mut Sink::new()).unwrap();
    assert!(matches!(connection.poll_event(), Some(Event::Ask(_))));
    let said = output(&mut connection)[54..].to_vec();
    (connection, said)
}

/// What comes of a reply: an error, or an event once the peer is ready.
fn outcome(answer: &Answer<'_>) -> Result<Option<Event>, ProtocolError> {
    let now = Instant::now();
    let (mut connection, said) = asking(with_domain(SocketType::Rep, false));
    assert!(said.is_empty());
    connection.answer(now, answer)?;
    feed(&mut connection, now, &ready(SocketType::Req), &mut Sink::new())?;
    Ok(connection.poll_event())
}

#[test]
fn every_fault_of_a_reply_has_its_code() {
    let property = |name: &[u8], value: &[u8]| {
        [&[name.len() as u8][..], name, &(value.len() as u32).to_be_bytes(), value].concat()
    };
    let incompatible = property(b"socket-type", b"REP");
    for (reply, fault, code) in [
        (messages(&[]), Fault::Frames, 1),
        (messages(&FRAMES[..6]), Fault::Frames, 1),
        (messages(&[&FRAMES[..], &[b""]].concat()), Fault::Frames, 1),
        (reply(0, b"x"), Fault::Delimiter, 0),
        (reply(1, b""), Fault::Version, 3),
        (reply(1, b"1."), Fault::Version, 3),
        (reply(1, b"1.00"), Fault::Version, 3),
        (reply(1, b"2.0"), Fault::Version, 3),
        (reply(2, b""), Fault::RequestId, 2),
        (reply(2, b"2"), Fault::RequestId, 2),
        (reply(2, b"11"), Fault::RequestId, 2),
        (reply(3, b""), Fault::Status, 4),
        (reply(3, b"20"), Fault::Status, 4),
        (reply(3, b"2000"), Fault::Status, 4),
        (reply(3, b"201"), Fault::Status, 4),
        (reply(3, b"abc"), Fault::Status, 4),
        (reply(6, b"x"), Fault::Metadata, 5),
        (reply(6, b"\0"), Fault::Metadata, 5),
        (reply(6, b"\x01X\0\0\0\x02y"), Fault::Metadata, 5),
        (reply(6, b"\x01X\xff\xff\xff\xffy"), Fault::Metadata, 5),
        (reply(6, &incompatible), Fault::Metadata, 5),
    ] {
        let error = outcome(&Answer::Reply(&reply)).unwrap_err();
        assert_eq!(error, ProtocolError::Reply(fault));
        assert_eq!(error.protocol_code(), Some(0x2000_0000 + code));
        assert!(error.is_fatal_for_connecter());
    }
}

#[test]
fn what_the_authenticator_says_of_the_peer_comes_first() {
    for (metadata, count) in [
        (&b""[..], 1),
        (b"\0\0\0\0\0", 2),
        (b"\x08Identity\0\0\0\x02ID\x0bSocket-Type\0\0\0\x06DEALER", 3),
    ] {
        let Ok(Some(Event::Ready(peer))) = outcome(&Answer::Reply(&reply(6, metadata))) else {
            panic!("not ready");
        };
        assert_eq!(peer.vouched.len(), count);
        assert_eq!(peer.vouched[0], (b"User-Id".to_vec(), b"joe".to_vec()));
        // Only the peer itself says how it is to be addressed.
        assert_eq!((peer.routing_id.len(), peer.socket_type), (0, Some(SocketType::Req)));
    }
    for long in [&b""[..], &[b'u'; 300]] {
        assert!(matches!(outcome(&Answer::Reply(&reply(5, long))), Ok(Some(Event::Ready(_)))));
    }
}

#[test]
fn null_says_ready_once_the_peer_is_let_in_whenever_its_own_comes() {
    let now = Instant::now();
    for early in [false, true] {
        let (mut connection, _) = asking(with_domain(SocketType::Rep, false));
        let mut sink = Sink::new();
        let stream = [ready(SocketType::Req), frame(0, b"hi")].concat();
        if early {
            // The message stays unread.
            assert_eq!(feed(&mut connection, now, &stream, &mut sink), Ok(4));
            assert!(!connection.is_ready());
        }
        connection.answer(now, &Answer::Reply(&accepted())).unwrap();
        assert_eq!(output(&mut connection), ready(SocketType::Rep));
        let rest = if early { &stream[stream.len() - 4..] } else { &stream };
        assert_eq!(feed(&mut connection, now, rest, &mut sink), Ok(0));
        assert!(matches!(connection.poll_event(), Some(Event::Ready(_))));
        assert_eq!(sink.frames, [data(false, b"hi")]);
    }
}

#[test]
fn null_tells_a_refused_peer_and_hears_no_more_of_it() {
    let now = Instant::now();
    for (status, said) in
        [(300, &b""[..]), (400, b"\x04\x0a\x05ERROR\x03400"), (500, b"\x04\x0a\x05ERROR\x03500")]
    {
        for early in [false, true] {
            let (mut connection, _) = asking(with_domain(SocketType::Rep, false));
            let theirs = ready(SocketType::Req);
            if early {
                feed(&mut connection, now, &theirs, &mut Sink::new()).unwrap();
            }
            let answer = reply(3, status.to_string().as_bytes());
            connection.answer(now, &Answer::Reply(&answer)).unwrap();
            assert_eq!(connection.poll_event(), Some(Event::Refused(status)));
            assert_eq!(output(&mut connection), said);
            let fed = feed(&mut connection, now, &theirs, &mut Sink::new());
            match status {
                300 => assert!(fed.is_ok()),
                _ => assert_eq!(fed, Err(ProtocolError::Refused)),
            }
            assert!(!connection.is_ready());
        }
    }
}

#[test]
fn without_an_authenticator_null_lets_everybody_in_unless_a_domain_is_enforced() {
    let now = Instant::now();
    let answer = outcome(&Answer::NoAuthenticator);
    let Ok(Some(Event::Ready(peer))) = answer else { panic!("{answer:?}") };
    assert!(peer.vouched.is_empty());
    let (mut connection, _) = asking(with_domain(SocketType::Rep, true));
    let refused = connection.answer(now, &Answer::NoAuthenticator);
    assert_eq!(refused, Err(ProtocolError::NoAuthenticator));
    assert!(!ProtocolError::NoAuthenticator.is_fatal_for_connecter());
}

#[test]
fn a_peer_may_refuse_us_while_we_ask_about_it() {
    let (mut connection, _) = asking(with_domain(SocketType::Rep, false));
    let fed =
        feed(&mut connection, Instant::now(), &command(b"ERROR", b"\x03400"), &mut Sink::new());
    assert_eq!(fed, Err(ProtocolError::PeerError(b"400".to_vec())));
}
