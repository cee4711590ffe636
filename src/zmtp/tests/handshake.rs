//! Greeting and NULL handshake: our bytes are those of libzmq 4.3.4, and its
//! tolerance is ours.

use super::*;

fn fails(socket_type: SocketType, stream: &[u8]) -> ProtocolError {
    let (frames, _, error) = run_every_way(&config(socket_type), stream);
    assert!(frames.is_empty());
    error.expect("a failed handshake")
}

fn succeeds(socket_type: SocketType, stream: &[u8]) {
    let stream = [stream, &frame(0, b"hi")].concat();
    let (frames, _, error) = run_every_way(&config(socket_type), &stream);
    assert_eq!((frames, error), (vec![data(false, b"hi")], None));
}

#[test]
fn our_greeting_comes_in_three_pieces_as_the_peer_unfolds() {
    let now = Instant::now();
    let mut connection = Connection::new(Arc::new(config(SocketType::Pair)), now);
    let theirs = greeting(3, 1, b"NULL");
    let mut sink = Sink::new();
    assert_eq!(output(&mut connection), b"\xff\0\0\0\0\0\0\0\x01\x7f");
    feed(&mut connection, now, &theirs[..9], &mut sink).unwrap();
    assert!(!connection.has_output());
    feed(&mut connection, now, &theirs[9..10], &mut sink).unwrap();
    assert_eq!(output(&mut connection), b"\x03");
    feed(&mut connection, now, &theirs[10..11], &mut sink).unwrap();
    let rest = output(&mut connection);
    assert_eq!(rest.len(), 53);
    assert_eq!(&rest[..6], b"\x01NULL\0");
    assert_eq!(rest[5..], [0; 48]);
    feed(&mut connection, now, &theirs[11..63], &mut sink).unwrap();
    assert!(!connection.has_output());
    feed(&mut connection, now, &theirs[63..], &mut sink).unwrap();
    assert_eq!(output(&mut connection), b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04PAIR");
    assert!(!connection.is_ready());
    feed(&mut connection, now, &ready(SocketType::Pair), &mut sink).unwrap();
    assert!(connection.is_ready() && !connection.has_output());
}

#[test]
fn the_signature_holds_the_length_of_the_routing_id_and_ready_its_value() {
    let mut config = config(SocketType::Dealer);
    config.routing_id = b"me".to_vec();
    let (_, out, _) = run(&config, [&greeting(3, 1, b"NULL")[..]].into_iter());
    assert_eq!(out[..10], *b"\xff\0\0\0\0\0\0\0\x03\x7f");
    assert_eq!(
        out[64..],
        *b"\x04\x2b\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x02me"
    );
}

#[test]
fn only_req_dealer_and_router_announce_an_identity_even_an_empty_one() {
    for socket_type in SocketType::ALL {
        let announces =
            matches!(socket_type, SocketType::Req | SocketType::Dealer | SocketType::Router);
        let ends_so = ready(socket_type).ends_with(b"\x08Identity\0\0\0\0");
        assert_eq!(ends_so, announces, "{socket_type:?}");
    }
}

#[test]
fn the_peer_is_described_before_its_first_message() {
    let now = Instant::now();
    let mut connection = Connection::new(Arc::new(config(SocketType::Router)), now);
    let stream = [opening(SocketType::Dealer, 0), frame(0, b"hi")].concat();
    let mut sink = Sink::new();
    let taken = connection.receive(now, &stream, &mut sink).unwrap();
    assert_eq!((taken, sink.frames.len()), (stream.len() - 4, 0));
    let Some(Event::Ready(peer)) = connection.poll_event() else {
        panic!("no peer");
    };
    assert_eq!(peer.socket_type, Some(SocketType::Dealer));
    assert_eq!(peer.version, Version { major: 3, minor: 0 });
    assert_eq!(peer.properties.len(), 2);
    assert_eq!(connection.poll_event(), None);
    assert_eq!(connection.receive(now, &stream[taken..], &mut sink), Ok(4));
    assert_eq!(sink.frames, [data(false, b"hi")]);
}

#[test]
fn peers_of_higher_versions_are_answered_as_3_1_and_revision_2_too() {
    for (major, minor) in [(2, 0), (2, 9), (3, 0), (3, 1), (3, 9), (4, 0), (255, 255)] {
        let stream = [greeting(major, minor, b"NULL"), ready(SocketType::Push)].concat();
        succeeds(SocketType::Pull, &stream);
        let (_, out, _) = run(&config(SocketType::Pull), [&stream[..]].into_iter());
        assert_eq!(out[10..12], [3, 1]);
    }
}

#[test]
fn padding_role_and_filler_mean_nothing() {
    let mut bytes = greeting(3, 1, b"NULL");
    bytes[1..9].fill(0x99);
    bytes[9] = 0x01;
    bytes[32..].fill(7);
    succeeds(SocketType::Pull, &[bytes, ready(SocketType::Push)].concat());
}

#[test]
fn the_mechanism_must_match_exactly() {
    for mechanism in [&b"PLAIN"[..], b"", b"NULLX", b"null", b"NULL\0X"] {
        assert_eq!(
            fails(SocketType::Pull, &greeting(3, 1, mechanism)),
            ProtocolError::MechanismMismatch
        );
    }
}

#[test]
fn only_ready_or_error_begin() {
    for first in [
        frame(0, b"hi"),
        frame(4, b""),
        command(b"FOO", b""),
        command(b"PING", b"\0\0"),
        command(b"SUBSCRIBE", b""),
        frame(4, b"\x06READY"),
    ] {
        let stream = [greeting(3, 1, b"NULL"), first].concat();
        let error = fails(SocketType::Pull, &stream);
        assert_eq!(error, ProtocolError::UnexpectedCommand);
        assert_eq!(error.protocol_code(), Some(0x1000_0001));
        assert!(error.is_fatal_for_connecter());
    }
}

#[test]
fn flags_of_handshake_frames_mean_nothing_but_long() {
    let body = &ready(SocketType::Push)[2..];
    let mut long = vec![6, 0, 0, 0, 0, 0, 0, 0, body.len() as u8];
    long.extend_from_slice(body);
    for ready in [frame(0, body), frame(5, body), frame(0xfc, body), long] {
        succeeds(SocketType::Pull, &[greeting(3, 1, b"NULL"), ready].concat());
    }
}

#[test]
fn an_error_command_refuses_us_for_a_reason() {
    let error = |data: &[u8]| {
        let stream = [greeting(3, 1, b"NULL"), command(b"ERROR", data)].concat();
        fails(SocketType::Pull, &stream)
    };
    for (data, reason, status) in [
        (&b"\x03bad"[..], &b"bad"[..], None),
        (b"\x03badmore", b"bad", None),
        (b"\0", b"", None),
        (b"\x03400", b"400", Some(400)),
    ] {
        let error = error(data);
        assert_eq!(error, ProtocolError::PeerError(reason.to_vec()));
        assert_eq!(error.authentication_status(), status);
        assert!(error.is_fatal_for_connecter());
    }
    assert_eq!(error(b"\x09bad"), ProtocolError::MalformedError);
    assert_eq!(error(b""), ProtocolError::MalformedError);
}

#[test]
fn incompatible_socket_types_end_it() {
    let stream = opening(SocketType::Pub, 1);
    assert_eq!(fails(SocketType::Pull, &stream), ProtocolError::IncompatibleSocketType);
}

#[test]
fn the_message_limit_does_not_touch_the_handshake_nor_other_limits_it() {
    let mut small = config(SocketType::Pull);
    small.max_message_size = Some(0);
    let stream = [opening(SocketType::Push, 1), frame(0, b"")].concat();
    let (frames, _, error) = run_every_way(&small, &stream);
    assert_eq!((frames.len(), error), (1, None));

    for claimed in [32 * 1024 + 1, u64::MAX] {
        let mut stream = greeting(3, 1, b"NULL");
        stream.push(6);
        stream.extend_from_slice(&claimed.to_be_bytes());
        assert_eq!(fails(SocketType::Pull, &stream), ProtocolError::HandshakeTooLarge);
    }
    let mut metadata = vec![3];
    metadata.extend_from_slice(b"X-a\0\0\x75\x30");
    metadata.resize(metadata.len() + 30_000, b'v');
    let stream = [greeting(3, 1, b"NULL"), command(b"READY", &metadata)].concat();
    for size in [1, 7, 1000, stream.len()] {
        let (_, _, error) = run(&config(SocketType::Pull), stream.chunks(size));
        assert_eq!(error, None);
    }
}

#[test]
fn a_handshake_has_its_time() {
    let mut config = config(SocketType::Pull);
    config.handshake_timeout = Some(Duration::from_secs(3));
    let start = Instant::now();
    let due = start + Duration::from_secs(3);
    let mut connection = Connection::new(Arc::new(config), start);
    let mut sink = Sink::new();
    assert_eq!(connection.deadline(), Some(due));
    feed(&mut connection, start, &greeting(3, 1, b"NULL"), &mut sink).unwrap();
    assert_eq!(connection.deadline(), Some(due));
    assert_eq!(connection.on_deadline(due - Duration::from_millis(1)), Ok(()));
    let error = ProtocolError::TimedOut(TimeOut::Handshake);
    assert_eq!(connection.on_deadline(due), Err(error.clone()));
    assert!(!error.is_fatal_for_connecter());
    assert_eq!(connection.deadline(), None);
}
