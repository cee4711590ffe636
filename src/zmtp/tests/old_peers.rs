//! Peers of ZMTP 1.0 and 2.0: our bytes to them are those of libzmq 4.3.4, and
//! they come as its bytes did, whole, in parts and broken.

use super::*;

const SIGNATURE: &[u8] = b"\xff\0\0\0\0\0\0\0\x01\x7f";

/// The ways in which an old peer may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    /// ZMTP 1.0: an identity.
    V1,
    /// The same with a length of eight bytes, whose first looks like a signature.
    V1Long,
    /// A greeting of revision 0, frames of 1.0.
    Revision0,
    /// ZMTP 2.0.
    V2,
}

const AGES: [Age; 4] = [Age::V1, Age::V1Long, Age::Revision0, Age::V2];

impl Age {
    fn frame(self, more: bool, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Age::V2 => return frame(u8::from(more), body),
            _ => frame::encode_v1_header(more, body.len(), &mut bytes),
        }
        bytes.extend_from_slice(body);
        bytes
    }

    /// What comes before the first message.
    fn opening(self, socket_type: SocketType, identity: &[u8]) -> Vec<u8> {
        let greeting = |revision| [SIGNATURE, &[revision, socket_type as u8]].concat();
        match self {
            Age::V1 => self.frame(false, identity),
            Age::V1Long => {
                let len = (identity.len() as u64 + 1).to_be_bytes();
                [&[0xff][..], &len, &[0], identity].concat()
            }
            Age::Revision0 => [greeting(0), self.frame(false, identity)].concat(),
            Age::V2 => [greeting(1), self.frame(false, identity)].concat(),
        }
    }
}

/// An identity as the inbox sees it.
fn peer(identity: &[u8]) -> Frame {
    (Role::Peer, false, identity.to_vec())
}

/// Feeds one piece after the other and says what was answered to each.
fn answers(config: Config, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let now = Instant::now();
    let mut connection = Connection::new(Arc::new(config), now);
    let mut sink = Sink::new();
    let mut all = vec![output(&mut connection)];
    for piece in pieces {
        feed(&mut connection, now, piece, &mut sink).unwrap();
        all.push(output(&mut connection));
    }
    all
}

fn named(socket_type: SocketType, name: &[u8]) -> Config {
    Config { routing_id: name.to_vec(), ..config(socket_type) }
}

#[test]
fn the_first_byte_of_a_1_0_peer_calls_for_the_rest_of_our_identity() {
    let pieces: [&[u8]; 4] = [b"\x05", b"\0", b"peer", b"\x03\0hi"];
    let none: &[u8] = b"";
    assert_eq!(answers(config(SocketType::Dealer), &pieces), [SIGNATURE, none, none, none, none]);
    let ours: &[u8] = b"\xff\0\0\0\0\0\0\0\x03\x7f";
    let named = named(SocketType::Pull, b"me");
    assert_eq!(answers(named.clone(), &pieces), [ours, b"me", none, none, none]);
    let pieces: [&[u8]; 4] = [b"\xff\0\0\0\0\0\0\0\x03", b"\0", b"a", b"b"];
    assert_eq!(answers(named, &pieces), [ours, none, b"me", none, none]);
}

#[test]
fn the_greeting_of_2_0_unfolds_as_the_peers_does() {
    let named = named(SocketType::Dealer, b"me");
    let ours: &[u8] = b"\xff\0\0\0\0\0\0\0\x03\x7f";
    for (revision, identity) in [(b"\x01", &b"\0\x02me"[..]), (b"\0", b"\x03\0me")] {
        let pieces = [SIGNATURE, revision, b"\x05", b"\x01"];
        assert_eq!(
            answers(named.clone(), &pieces),
            [ours, b"\x03", b"\x05", identity, b""],
            "revision {revision:?}"
        );
    }
    for socket_type in SocketType::ALL {
        let stream = Age::V2.opening(SocketType::Pair, b"");
        let (_, out, error) = run_every_way(&config(socket_type), &stream);
        assert_eq!((&out[10..], error), (&[3, socket_type as u8, 0, 0][..], None));
    }
}

#[test]
fn long_identities_of_ours_have_long_lengths_where_the_version_wants_them() {
    for (len, v1, v2) in [
        (253, &b"\xfe\0"[..], &b"\0\xfd"[..]),
        (254, b"\xff\0\0\0\0\0\0\0\xff\0", b"\0\xfe"),
        (255, b"\xff\0\0\0\0\0\0\x01\0\0", b"\0\xff"),
    ] {
        let name = vec![b'n'; len];
        for (revision, head) in [(0, v1), (1, v2)] {
            let stream = [SIGNATURE, &[revision, 5]].concat();
            let (_, out, _) = run(&named(SocketType::Dealer, &name), [&stream[..]].into_iter());
            assert_eq!(out[12..], [head, &name].concat());
        }
        let (_, out, _) = run(&named(SocketType::Dealer, &name), [&b"\x01"[..]].into_iter());
        assert_eq!(out[..10], [&[0xff][..], &(len as u64 + 1).to_be_bytes(), &[0x7f]].concat());
        assert_eq!(out[10..], name);
    }
}

#[test]
fn we_may_send_before_the_identity_has_come() {
    let now = Instant::now();
    for (age, pieces, head) in [
        (Age::V1, [&b""[..], b"\x03"], &b"\x03\0"[..]),
        (Age::V1Long, [b"\xff\0\0\0\0\0\0\0\x03", b"\0"], b"\x03\0"),
        (Age::Revision0, [SIGNATURE, b"\0\x07"], b"\x03\0"),
        (Age::V2, [SIGNATURE, b"\x01\x07"], b"\0\x02"),
    ] {
        let mut connection = Connection::new(Arc::new(config(SocketType::Push)), now);
        let mut sink = Sink::new();
        feed(&mut connection, now, pieces[0], &mut sink).unwrap();
        assert!(!connection.is_ready() && connection.poll_event().is_none());
        feed(&mut connection, now, pieces[1], &mut sink).unwrap();
        assert!(connection.is_ready(), "{age:?}");
        let Some(Event::Ready(peer)) = connection.poll_event() else {
            panic!("no peer");
        };
        let major = if age == Age::V2 { 2 } else { 1 };
        let expected = PeerInfo {
            version: Version { major, minor: 0 },
            identity_follows: true,
            ..PeerInfo::default()
        };
        assert_eq!(peer, expected);
        let mut out = Vec::new();
        connection.encode_header(&Message::copy_of(b"hi").unwrap(), &mut out);
        assert_eq!(out, head);
        assert!(sink.frames.is_empty());
    }
}

#[test]
fn the_event_comes_before_the_first_frame_reaches_the_inbox() {
    let now = Instant::now();
    for age in AGES {
        let stream = [age.opening(SocketType::Sub, b"me"), age.frame(false, b"x")].concat();
        let mut connection = Connection::new(Arc::new(config(SocketType::XPub)), now);
        let mut sink = Sink::new();
        let mut at = 0;
        while !connection.is_ready() {
            at += connection.receive(now, &stream[at..], &mut sink).unwrap();
            assert!(sink.frames.is_empty());
        }
        assert!(at < stream.len(), "what follows is left");
        assert!(connection.poll_event().is_some());
    }
}

#[test]
fn identity_and_messages_arrive_however_the_stream_is_cut() {
    for age in AGES {
        let mut stream = age.opening(SocketType::Dealer, b"them");
        let mut expected = vec![peer(b"them")];
        for len in [0, 1, 33, 34, 40, 41, 252, 253, 254, 255, 256, 300] {
            let body: Vec<u8> = (0..len).map(|i| i as u8 ^ 0x55).collect();
            for more in [true, false] {
                stream.extend(age.frame(more, &body));
                expected.push(data(more, &body));
            }
        }
        let (frames, _, error) = run_every_way(&config(SocketType::Router), &stream);
        assert_eq!((frames, error), (expected, None), "{age:?}");
    }
}

#[test]
fn large_messages_of_1_0_are_read_into_their_own_memory() {
    let now = Instant::now();
    let body: Vec<u8> = (0..3 << 20).map(|i: u32| (i >> 4) as u8).collect();
    let stream = [Age::V1.frame(false, &body), Age::V1.frame(false, b"next")].concat();
    for size in [4093, 65_536, stream.len()] {
        let mut connection = Connection::new(Arc::new(config(SocketType::Pull)), now);
        let mut sink = Sink::new();
        feed(&mut connection, now, b"\x01\0", &mut sink).unwrap();
        for piece in stream.chunks(size) {
            let mut rest = piece;
            while let Some(target) = connection.body_target().filter(|_| !rest.is_empty()) {
                let read = target.len().min(rest.len());
                target[..read].copy_from_slice(&rest[..read]);
                connection.body_received(now, read, &mut sink).unwrap();
                rest = &rest[read..];
            }
            feed(&mut connection, now, rest, &mut sink).unwrap();
        }
        let expected = [peer(b""), data(false, &body), data(false, b"next")];
        assert!(sink.frames == expected, "in pieces of {size}");
    }
}

#[test]
fn identities_may_be_empty_or_begin_with_zero_and_have_255_bytes() {
    for age in AGES {
        for identity in [&b""[..], b"\0", b"\0abcd", &[b'i'; 253], &[b'i'; 254], &[b'i'; 255]] {
            let stream = age.opening(SocketType::Req, identity);
            let (frames, _, error) = run_every_way(&config(SocketType::Router), &stream);
            assert_eq!((frames, error), (vec![peer(identity)], None), "{age:?}");
        }
        for len in [256, 1000] {
            let stream = age.opening(SocketType::Req, &vec![b'i'; len]);
            let (frames, _, error) = run_every_way(&config(SocketType::Router), &stream);
            assert_eq!((frames, error), (vec![], Some(ProtocolError::HandshakeTooLarge)));
        }
    }
}

#[test]
fn flags_of_an_identity_mean_nothing() {
    for flags in [1, 4, 0xf8, 0xff] {
        let v1 = [&[3, flags][..], b"me"].concat();
        let v2 = [SIGNATURE, b"\x01\x05", &[flags & !2, 2], b"me"].concat();
        let v2_long =
            [SIGNATURE, b"\x01\x05", &[flags | 2, 0, 0, 0, 0, 0, 0, 0, 2], b"me"].concat();
        for (stream, age) in [(v1, Age::V1), (v2, Age::V2), (v2_long, Age::V2)] {
            let stream = [stream, age.frame(false, b"hi")].concat();
            let (frames, _, error) = run_every_way(&config(SocketType::Router), &stream);
            assert_eq!((frames, error), (vec![peer(b"me"), data(false, b"hi")], None));
        }
    }
}

#[test]
fn of_the_flags_of_1_0_only_more_counts_and_of_2_0_the_command_too() {
    let pull = config(SocketType::Pull);
    for flags in [0, 1, 2, 4, 0x80, 0xfe, 0xff] {
        let stream = [&b"\x01\0"[..], &[3, flags], b"ab", b"\x01\0"].concat();
        let (frames, _, error) = run_every_way(&pull, &stream);
        let expected = vec![peer(b""), data(flags & 1 == 1, b"ab"), data(false, b"")];
        assert_eq!((frames, error), (expected, None));
    }
    let open = Age::V2.opening(SocketType::Push, b"");
    for flags in [0, 1, 0xf8, 0xf9] {
        let stream = [&open[..], &[flags, 2], b"ab", b"\0\0"].concat();
        let (frames, _, error) = run_every_way(&pull, &stream);
        let expected = vec![peer(b""), data(flags & 1 == 1, b"ab"), data(false, b"")];
        assert_eq!((frames, error), (expected, None));
    }
}

#[test]
fn commands_mean_nothing_to_peers_of_2_0() {
    let commands = [
        command(b"PING", b"\0\x01x"),
        command(b"SUBSCRIBE", b"a"),
        command(b"CANCEL", b""),
        command(b"READY", b""),
        frame(5, b"zz"),
        frame(4, b""),
    ];
    let open = Age::V2.opening(SocketType::Sub, b"");
    let stream = [open, commands.concat(), frame(0, b"hi")].concat();
    let (frames, out, error) = run_every_way(&config(SocketType::XPub), &stream);
    let expected = vec![peer(b""), data(false, b"hi")];
    assert_eq!((frames, error), (expected, None));
    assert_eq!(out.len(), 14, "no PONG");
}

#[test]
fn a_publisher_takes_a_peer_without_version_for_a_subscriber_of_everything() {
    for publisher in [SocketType::Pub, SocketType::XPub] {
        for age in AGES {
            let stream = [age.opening(SocketType::Sub, b""), age.frame(false, b"\x02user")];
            let mut expected = vec![peer(b""), data(false, b"\x02user")];
            if matches!(age, Age::V1 | Age::V1Long) {
                expected.insert(0, (Role::Subscribe, false, Vec::new()));
            }
            let (frames, _, error) = run_every_way(&config(publisher), &stream.concat());
            assert_eq!((frames, error), (expected, None), "{age:?}");
        }
    }
}

#[test]
fn that_subscription_waits_for_room() {
    let now = Instant::now();
    let mut connection = Connection::new(Arc::new(config(SocketType::Pub)), now);
    let mut sink = Sink::new();
    sink.room = 0;
    assert_eq!(feed(&mut connection, now, b"\x01\0", &mut sink), Ok(2));
    assert!(sink.frames.is_empty() && connection.is_ready());
    sink.room = 1;
    assert_eq!(feed(&mut connection, now, b"\x01\0", &mut sink), Ok(0));
    assert_eq!(sink.frames, [(Role::Subscribe, false, Vec::new()), peer(b"")]);
}

#[test]
fn a_full_inbox_stops_messages_of_1_0_between_them_only() {
    let now = Instant::now();
    let parts = [(true, 3), (true, 300), (false, 0), (false, 2), (false, 300), (false, 1)];
    let stream: Vec<u8> =
        parts.iter().flat_map(|(more, len)| Age::V1.frame(*more, &vec![7; *len])).collect();
    for at in 0..=stream.len() {
        let mut connection = Connection::new(Arc::new(config(SocketType::Pull)), now);
        let mut sink = Sink::new();
        feed(&mut connection, now, b"\x01\0", &mut sink).unwrap();
        sink.frames.clear();
        let (mut fed, mut end) = (0, at);
        for room in 0..=4 {
            sink.room = room;
            loop {
                fed += connection.receive(now, &stream[fed..end], &mut sink).unwrap();
                if fed < end || end == stream.len() {
                    break;
                }
                end = stream.len();
            }
            let whole = sink.frames.iter().filter(|(_, more, _)| !more).count();
            assert!(whole <= room, "{whole} messages, room for {room}");
        }
        assert_eq!((fed, sink.frames.len()), (stream.len(), parts.len()));
    }
}

#[test]
fn our_subscriptions_are_messages_to_old_peers() {
    let now = Instant::now();
    for age in AGES {
        let mut connection = Connection::new(Arc::new(config(SocketType::Sub)), now);
        let opening = age.opening(SocketType::Pub, b"");
        feed(&mut connection, now, &opening, &mut Sink::new()).unwrap();
        for (role, first, len) in
            [(Role::Subscribe, 1, 3), (Role::Cancel, 0, 0), (Role::Subscribe, 1, 300)]
        {
            let topic = vec![b't'; len];
            let message = Message::copy_of(&topic).unwrap().with_role(role);
            let mut out = Vec::new();
            connection.encode_header(&message, &mut out);
            out.extend_from_slice(&topic);
            assert_eq!(out, age.frame(false, &[&[first][..], &topic].concat()), "{age:?}");
        }
    }
}

#[test]
fn revision_2_is_no_old_peer() {
    let now = Instant::now();
    for (major, minor) in [(2, 0), (2, 7), (3, 7), (4, 0)] {
        let mut connection = Connection::new(Arc::new(config(SocketType::Sub)), now);
        let stream = [greeting(major, minor, b"NULL"), ready(SocketType::Pub)].concat();
        feed(&mut connection, now, &stream, &mut Sink::new()).unwrap();
        let mut out = Vec::new();
        connection.encode_header(&Message::new().with_role(Role::Subscribe), &mut out);
        assert_eq!(out, b"\x04\x0a\x09SUBSCRIBE");
    }
}

#[test]
fn a_frame_of_1_0_that_does_not_count_its_flags_ends_the_connection() {
    let long_zero: &[u8] = b"\xff\0\0\0\0\0\0\0\0\0";
    for zero in [&b"\0"[..], b"\0\0", long_zero] {
        let (frames, _, error) = run_every_way(&config(SocketType::Pull), zero);
        assert_eq!((frames, error), (vec![], Some(ProtocolError::MalformedFrame)));
        let stream = [b"\x01\0\x03\0hi", zero].concat();
        let (frames, _, error) = run_every_way(&config(SocketType::Pull), &stream);
        assert_eq!(frames, [peer(b""), data(false, b"hi")]);
        let error = error.unwrap();
        assert_eq!(error, ProtocolError::MalformedFrame);
        assert!(error.is_fatal_for_connecter());
    }
}

#[test]
fn limits_hold_for_old_peers_and_count_bodies_only() {
    let mut limited = config(SocketType::Pull);
    limited.max_message_size = Some(100);
    for age in AGES {
        let open = age.opening(SocketType::Push, &[b'i'; 200]);
        let stream = [&open[..], &age.frame(false, &[0; 100])].concat();
        let (frames, _, error) = run_every_way(&limited, &stream);
        assert_eq!((frames.len(), error), (2, None), "an identity is no message");
        for len in [101, 300] {
            let stream = [&open[..], &age.frame(false, &vec![0; len])].concat();
            let (frames, _, error) = run_every_way(&limited, &stream);
            assert_eq!((frames.len(), error), (1, Some(ProtocolError::MessageTooLarge)));
        }
    }
}

#[test]
fn impossible_lengths_end_the_connection_and_claims_reserve_little() {
    let error = Some(ProtocolError::MessageTooLarge);
    for (claimed, error) in
        [(u64::MAX, &error), (1 << 63, &error), (i64::MAX as u64, &error), (1 << 40, &None)]
    {
        let v1 = [b"\x01\0\xff", &claimed.to_be_bytes()[..], b"\0x"].concat();
        let open = Age::V2.opening(SocketType::Push, b"");
        let v2 = [&open[..], b"\x02", &claimed.to_be_bytes(), b"x"].concat();
        for stream in [v1, v2] {
            assert_eq!(&run_every_way(&config(SocketType::Pull), &stream).2, error);
            let now = Instant::now();
            let mut connection = Connection::new(Arc::new(config(SocketType::Pull)), now);
            let _ = feed(&mut connection, now, &stream, &mut Sink::new());
            assert!(connection.body_target().is_none_or(|target| target.len() < 1 << 20));
        }
        let identity = [b"\xff", &(claimed & !0xff).to_be_bytes()[..], b"\0x"].concat();
        let (_, _, error) = run_every_way(&config(SocketType::Pull), &identity);
        assert_eq!(error, Some(ProtocolError::HandshakeTooLarge));
    }
}

#[test]
fn an_identity_has_its_time_and_traffic_no_clock() {
    for age in AGES {
        let start = Instant::now();
        let mut config = config(SocketType::Dealer);
        config.handshake_timeout = Some(Duration::from_secs(3));
        config.heartbeat_interval = Some(Duration::from_secs(1));
        let opening = age.opening(SocketType::Dealer, b"them");
        let due = start + Duration::from_secs(3);
        for cut in 0..opening.len() {
            let mut connection = Connection::new(Arc::new(config.clone()), start);
            feed(&mut connection, start, &opening[..cut], &mut Sink::new()).unwrap();
            assert_eq!(connection.deadline(), Some(due));
            let error = ProtocolError::TimedOut(TimeOut::Handshake);
            assert_eq!(connection.on_deadline(due), Err(error));
        }
        let mut connection = Connection::new(Arc::new(config), start);
        feed(&mut connection, start, &opening, &mut Sink::new()).unwrap();
        assert_eq!(connection.deadline(), None);
        assert_eq!(connection.on_deadline(due), Ok(()));
        output(&mut connection);
        assert_eq!(connection.on_deadline(due), Ok(()));
        assert!(!connection.has_output(), "no PING");
    }
}

#[test]
fn any_bytes_may_be_a_1_0_peer() {
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (frames, _, error) = run_every_way(&config(SocketType::Pull), request);
    assert_eq!((frames, error), (vec![], None), "an identity of 70 bytes that goes on");
}

#[test]
fn every_single_byte_changed_gives_the_same_outcome_however_cut() {
    for age in AGES {
        let valid = [
            age.opening(SocketType::Sub, b"me"),
            age.frame(true, b"\x01a"),
            age.frame(false, b"bc"),
            age.frame(false, &[0; 256]),
        ]
        .concat();
        let publisher = config(SocketType::XPub);
        for at in 0..valid.len().min(40) {
            for value in [0, 1, 2, 4, 0x7f, 0xff] {
                let mut stream = valid.clone();
                stream[at] = value;
                let whole = run(&publisher, [&stream[..]].into_iter());
                assert_eq!(run(&publisher, stream.chunks(1)), whole, "byte {at} is {value}");
                assert_eq!(run(&publisher, stream.chunks(5)), whole, "byte {at} is {value}");
            }
        }
    }
}
