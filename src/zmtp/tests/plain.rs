//! PLAIN: both halves say the bytes that libzmq 4.3.4 says, and each command
//! that is broken ends in the error that libzmq tells of.

use super::zap_replies::{accepted, reply};
use super::*;

fn server() -> Config {
    Config { security: Security::PlainServer, ..config(SocketType::Rep) }
}

fn client(username: &[u8], password: &[u8]) -> Config {
    let security = Security::PlainClient {
        username: username.to_vec().into(),
        password: password.to_vec().into(),
    };
    Config { security, ..config(SocketType::Req) }
}

/// What a server makes of `parts`, each cut into `pieces` bytes; a question of
/// its to the authenticator is answered with `answer` after the part it came in.
fn serve(
    config: &Config,
    parts: &[&[u8]],
    pieces: usize,
    answer: &[Message],
) -> (Vec<u8>, Vec<Event>, Option<ProtocolError>) {
    let now = Instant::now();
    let mut connection = Connection::new(Arc::new(config.clone()), now);
    let (mut out, mut events) = (output(&mut connection), Vec::new());
    for part in [&greeting(3, 1, config.security.name())[..]].iter().chain(parts) {
        let mut sink = Sink::new();
        let mut fed = Ok(0);
        for piece in part.chunks(pieces) {
            fed = fed.and_then(|_| feed(&mut connection, now, piece, &mut sink));
        }
        while let Some(event) = connection.poll_event() {
            if let Event::Ask(_) = event {
                fed = fed.and(connection.answer(now, &zap::Answer::Reply(answer)).map(|()| 0));
            }
            events.push(event);
        }
        connection.take_output(&mut out);
        if let Err(error) = fed {
            assert_eq!(connection.receive(now, b"x", &mut sink), Err(error.clone()));
            return (out, events, Some(error));
        }
    }
    (out, events, None)
}

fn initiate() -> Vec<u8> {
    command(b"INITIATE", b"\x0bSocket-Type\0\0\0\x03REQ\x08Identity\0\0\0\x02me")
}

#[test]
fn a_server_asks_about_name_and_password_and_says_welcome_and_ready() {
    let hello = command(b"HELLO", b"\x05admin\x06secret");
    for pieces in [1, 2, 7, 1000] {
        let (out, events, error) = serve(&server(), &[&hello, &initiate()], pieces, &accepted());
        assert_eq!(error, None);
        assert_eq!(out[12..32], *b"PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(out[32..64], [0; 32]);
        assert_eq!(out[64..], *b"\x04\x08\x07WELCOME\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03REP");
        let [Event::Ask(inquiry), Event::Ready(peer)] = &events[..] else { panic!("{events:?}") };
        let config = Config { routing_id: b"own".to_vec(), ..server() };
        assert_eq!(
            inquiry.frames(&config, "1.2.3.4"),
            [&b""[..], b"1.0", b"1", b"", b"1.2.3.4", b"own", b"PLAIN", b"admin", b"secret"]
        );
        assert_eq!(format!("{inquiry:?}"), "Inquiry(PLAIN)");
        assert_eq!(peer.routing_id, b"me");
        assert_eq!(peer.vouched, [(b"User-Id".to_vec(), b"joe".to_vec())]);
    }
}

#[test]
fn names_and_passwords_may_be_empty_and_have_255_bytes() {
    for len in [0, 1, 254, 255] {
        let text = [&[len as u8][..], &vec![b'x'; len]].concat();
        let hello = command(b"HELLO", &[&text[..], &text].concat());
        let (_, events, error) = serve(&server(), &[&hello, &initiate()], 1000, &accepted());
        assert_eq!((events.len(), error), (2, None));
        let name = vec![b'x'; len];
        let client = client(&name, &name);
        let (_, out, _) = run(&client, [&greeting(3, 1, b"PLAIN")[..]].into_iter());
        assert_eq!(out[64..], hello[..]);
    }
}

#[test]
fn a_refused_client_is_told_so_as_libzmq_tells_unless_it_is_for_now() {
    let hello = command(b"HELLO", b"\x01a\x01b");
    for (status, told) in
        [(300, &b""[..]), (400, b"\x04\x09^RROR\x03400"), (500, b"\x04\x09^RROR\x03500")]
    {
        let answer = reply(3, status.to_string().as_bytes());
        let (out, events, error) = serve(&server(), &[&hello], 1000, &answer);
        assert_eq!((&out[64..], error), (told, None));
        assert_eq!(events[1..], [Event::Refused(status)]);
        let (_, events, error) = serve(&server(), &[&hello, &initiate()], 1000, &answer);
        assert_eq!((events.len(), error), (2, Some(ProtocolError::Untimely)));
    }
}

#[test]
fn a_client_that_does_not_wait_for_the_verdict_is_dropped_unasked() {
    let both = [command(b"HELLO", b"\x01a\x01b"), initiate()].concat();
    let (_, _, error) = serve(&server(), &[&both], 1000, &accepted());
    assert_eq!(error, Some(ProtocolError::Untimely));
}

#[test]
fn nobody_is_let_in_where_nobody_can_tell() {
    let now = Instant::now();
    let hello = command(b"HELLO", b"\x01a\x01b");
    let stream = [greeting(3, 1, b"PLAIN"), hello.clone()].concat();
    let mut connection = Connection::new(Arc::new(server()), now);
    feed(&mut connection, now, &stream, &mut Sink::new()).unwrap();
    assert!(matches!(connection.poll_event(), Some(Event::Ask(_))));
    let refused = connection.answer(now, &zap::Answer::NoAuthenticator);
    assert_eq!(refused, Err(ProtocolError::NoAuthenticator));
    let enforced = zap::Policy { domain: Vec::new(), enforced: true };
    let config = Config { zap: enforced, ..server() };
    let (_, events, error) = serve(&config, &[&hello], 1000, &accepted());
    assert_eq!((events, error), (vec![], Some(ProtocolError::NoAuthenticator)));
}

#[test]
fn every_broken_command_of_a_client_ends_the_connection() {
    use ProtocolError::*;
    for (first, wanted) in [
        (&b""[..], MalformedCommand),
        (b"\0", MalformedCommand),
        (b"\x05HELL", MalformedCommand),
        (b"HELLO", MalformedCommand),
        (b"\x06HELLO", MalformedCommand),
        (b"\x04HELL", UnexpectedCommand),
        (b"\x05HELLO", MalformedHello),
        (b"\x05HELLO\0", MalformedHello),
        (b"\x05HELLO\x05a", MalformedHello),
        (b"\x05HELLO\x01a", MalformedHello),
        (b"\x05HELLO\x01a\x01", MalformedHello),
        (b"\x05HELLO\x01a\x01bc", MalformedHello),
        (b"\x05HELLO\0\0x", MalformedHello),
        (b"\x05hello\x01a\x01b", UnexpectedCommand),
        (b"\x04HELLO\x01a\x01b", UnexpectedCommand),
        (b"\x06HELLO\x01a\x01b", UnexpectedCommand),
        (b"\x05ERROR\x03400", UnexpectedCommand),
        (b"\x05READY\x01a\x01b", UnexpectedCommand),
        (b"\x08INITIATE", UnexpectedCommand),
        (b"\x04PING\0\0", UnexpectedCommand),
    ] {
        for pieces in [1, 1000] {
            let (out, events, error) = serve(&server(), &[&frame(4, first)], pieces, &accepted());
            assert_eq!((out.len(), events, error), (64, vec![], Some(wanted.clone())));
        }
    }
    let hello = command(b"HELLO", b"\x01a\x01b");
    for (second, wanted) in [
        (&b""[..], UnexpectedCommand),
        (b"\x08INITIAT", UnexpectedCommand),
        (b"\x07INITIATE", UnexpectedCommand),
        (b"\x08INITIATE\x01", InvalidMetadata),
        (b"\x08INITIATE\0\0\0\0\0", InvalidMetadata),
        (b"\x08INITIATE\x0bSocket-Type\0\0\0\x03PUB", IncompatibleSocketType),
        (b"\x05HELLO\x01a\x01b", UnexpectedCommand),
        (b"\x05READY", UnexpectedCommand),
        (b"hi", UnexpectedCommand),
    ] {
        let parts = [&hello[..], &frame(4, second)];
        let (_, events, error) = serve(&server(), &parts, 1, &accepted());
        assert_eq!((events.len(), error), (1, Some(wanted)));
    }
    for second in [&b"\x08INITIATE"[..], b"\x08INITIATE\x01X\0\0\0\x01y"] {
        for flags in [0, 1, 4, 0xf8] {
            let parts = [&hello[..], &frame(flags, second)];
            let (_, events, error) = serve(&server(), &parts, 1, &accepted());
            assert_eq!((events.len(), error), (2, None));
        }
    }
}

/// All that a server says to a client.
fn answers(commands: &[&[u8]]) -> Vec<u8> {
    let mut stream = greeting(3, 1, b"PLAIN");
    for body in commands {
        stream.extend_from_slice(&frame(4, body));
    }
    stream
}

const WELCOME: &[u8] = b"\x07WELCOME";
const READY: &[u8] = b"\x05READY\x0bSocket-Type\0\0\0\x03REP";

#[test]
fn a_client_says_hello_and_initiate() {
    let stream = [answers(&[WELCOME, READY]), frame(0, b"hi")].concat();
    let (frames, out, error) = run_every_way(&client(b"admin", b"secret"), &stream);
    assert_eq!((frames, error), (vec![data(false, b"hi")], None));
    let said = [
        command(b"HELLO", b"\x05admin\x06secret"),
        command(b"INITIATE", &ready(SocketType::Req)[8..]),
    ];
    assert_eq!(out[64..], said.concat());
}

#[test]
fn every_broken_command_of_a_server_ends_the_connection() {
    use ProtocolError::*;
    let refused = |reason: &[u8]| PeerError(reason.to_vec());
    let client = client(b"a", b"");
    for (first, wanted) in [
        (&b""[..], UnexpectedCommand),
        (b"\x07WELCOM", UnexpectedCommand),
        (b"\x07welcome", UnexpectedCommand),
        (b"\x07WELCOMEx", MalformedWelcome),
        (READY, UnexpectedCommand),
        (b"\x04PING\0\0", UnexpectedCommand),
        (b"^RROR", MalformedError),
        (b"^RROR\x05400", MalformedError),
        (b"^RROR\x03400", refused(b"400")),
        (b"^RROR\x03300x", refused(b"300")),
        (b"^RROR\0", refused(b"")),
        (b"\x05ERROR\x03400", refused(b"400")),
        (b"\x05ERROR", MalformedError),
    ] {
        let (_, out, error) = run_every_way(&client, &answers(&[first]));
        assert_eq!((&out[64..], error), (&b"\x04\x09\x05HELLO\x01a\0"[..], Some(wanted)));
    }
    for (second, wanted) in [
        (&b""[..], UnexpectedCommand),
        (WELCOME, UnexpectedCommand),
        (b"\x05READ", UnexpectedCommand),
        (b"\x05READY\x01", InvalidReady),
        (b"\x05READY\x0bSocket-Type\0\0\0\x03PUB", InvalidReady),
        (b"^RROR\x03500", refused(b"500")),
    ] {
        let (_, _, error) = run_every_way(&client, &answers(&[WELCOME, second]));
        assert_eq!(error, Some(wanted));
    }
}

#[test]
fn every_byte_changed_or_cut_off_ends_in_an_event_or_in_nothing() {
    let stream = answers(&[WELCOME, READY]);
    for at in 0..stream.len() {
        for change in [1, 2, 4, 0x20, 0x80, 0xff] {
            let mut bytes = stream.clone();
            bytes[at] ^= change;
            let whole = run(&client(b"a", b"b"), [&bytes[..]].into_iter());
            assert_eq!(run(&client(b"a", b"b"), bytes.chunks(1)), whole);
        }
    }
    let hello = command(b"HELLO", b"\x01a\x01b");
    let parts = [hello, initiate()];
    for part in 0..2 {
        for at in 0..parts[part].len() {
            for change in [1, 2, 4, 0x20, 0x80, 0xff] {
                let mut bytes = parts.clone();
                bytes[part][at] ^= change;
                let serve = |pieces| serve(&server(), &[&bytes[0], &bytes[1]], pieces, &accepted());
                assert_eq!(serve(1).2, serve(1000).2);
            }
        }
    }
}

#[test]
fn peers_that_know_no_security_are_turned_away() {
    let domain = zap::Policy { domain: b"d".to_vec(), enforced: false };
    for config in [server(), client(b"a", b"b"), Config { zap: domain, ..config(SocketType::Pull) }]
    {
        for old in
            [&b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08"[..], b"\x01\0", b"\xff\0\0\0\0\0\0\0\x05\0"]
        {
            let (_, _, error) = run(&config, [old].into_iter());
            assert_eq!(error, Some(ProtocolError::TooOld));
        }
    }
    let enforced = zap::Policy { domain: Vec::new(), enforced: true };
    let open = Config { zap: enforced, ..config(SocketType::Pull) };
    assert_eq!(run(&open, [&b"\x01\0"[..]].into_iter()).2, None);
}

#[test]
fn the_handshake_has_its_time_while_an_authenticator_sleeps() {
    let now = Instant::now();
    let timeout = Duration::from_secs(1);
    let config = Config { handshake_timeout: Some(timeout), ..server() };
    let mut connection = Connection::new(Arc::new(config), now);
    let stream = [greeting(3, 1, b"PLAIN"), command(b"HELLO", b"\0\0")].concat();
    feed(&mut connection, now, &stream, &mut Sink::new()).unwrap();
    assert_eq!(connection.deadline(), Some(now + timeout));
    assert_eq!(connection.on_deadline(now), Ok(()));
    let late = ProtocolError::TimedOut(TimeOut::Handshake);
    assert_eq!(connection.on_deadline(now + timeout), Err(late));
    // An answer that comes now is nobody's.
    assert_eq!(connection.answer(now + timeout, &zap::Answer::Reply(&accepted())), Ok(()));
    assert!(!connection.is_ready() && connection.poll_event().is_some());
}
