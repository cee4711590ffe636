//! Messages, subscriptions and unknown commands in traffic.

use super::*;

/// Frames of every length at which a layout or a storage kind changes.
fn assorted() -> (Vec<u8>, Vec<Frame>) {
    let (mut stream, mut frames) = (Vec::new(), Vec::new());
    for len in [0, 1, 33, 34, 40, 41, 254, 255, 256, 300] {
        let body: Vec<u8> = (0..len).map(|i| i as u8 ^ 0x55).collect();
        for flags in [1, 0] {
            stream.extend(frame(flags, &body));
            frames.push(data(flags == 1, &body));
        }
    }
    (stream, frames)
}

#[test]
fn messages_arrive_however_the_stream_is_cut() {
    let (messages, expected) = assorted();
    let stream = [opening(SocketType::Push, 1), messages].concat();
    let (frames, out, error) = run_every_way(&config(SocketType::Pull), &stream);
    assert_eq!((frames, error), (expected, None));
    assert_eq!(out.len(), 64 + 28);
}

#[test]
fn large_messages_arrive_however_the_stream_is_cut() {
    let mut stream = opening(SocketType::Push, 1);
    let mut expected = Vec::new();
    for len in [8191, 8192, 65_535, 65_536, 1 << 20, (1 << 20) + 1, 9 << 20] {
        let body: Vec<u8> = (0..len).map(|i: u32| (i ^ (i >> 8)) as u8).collect();
        stream.extend(frame(0, &body));
        expected.push(data(false, &body));
    }
    for size in [4093, 65_536, stream.len()] {
        let (frames, _, error) = run(&config(SocketType::Pull), stream.chunks(size));
        assert!(frames == expected && error.is_none(), "in pieces of {size}");
    }
}

#[test]
fn a_large_body_is_read_straight_into_its_own_memory() {
    let now = Instant::now();
    let mut connection = in_traffic(config(SocketType::Pull), SocketType::Push, 1, now);
    let body: Vec<u8> = (0..20 << 20).map(|i: u32| (i >> 4) as u8).collect();
    let stream = [frame(0, &body), frame(0, b"next")].concat();
    let mut sink = Sink::new();
    assert_eq!(connection.body_target(), None);
    feed(&mut connection, now, &stream[..1000], &mut sink).unwrap();
    let (mut at, mut reads) = (1000, 0);
    while let Some(target) = connection.body_target() {
        assert!(target.len() <= 8 * at.max(1 << 20), "memory follows arrival");
        let read = target.len().min(3_000_000);
        target[..read].copy_from_slice(&stream[at..at + read]);
        connection.body_received(now, read, &mut sink).unwrap();
        at += read;
        reads += 1;
    }
    assert!((7..12).contains(&reads), "{reads} reads");
    feed(&mut connection, now, &stream[at..], &mut sink).unwrap();
    assert!(sink.frames == [data(false, &body), data(false, b"next")]);
}

#[test]
fn short_rests_are_left_to_the_drivers_buffer() {
    let now = Instant::now();
    let mut connection = in_traffic(config(SocketType::Pull), SocketType::Push, 1, now);
    let stream = frame(0, &[7; 20_000]);
    let mut sink = Sink::new();
    feed(&mut connection, now, &stream[..5000], &mut sink).unwrap();
    assert_eq!(connection.body_target().map(|t| t.len()), Some(15_009));
    feed(&mut connection, now, &stream[5000..15_000], &mut sink).unwrap();
    assert_eq!(connection.body_target(), None);
    feed(&mut connection, now, &stream[15_000..], &mut sink).unwrap();
    assert_eq!(sink.frames, [data(false, &[7; 20_000])]);
}

#[test]
fn reserved_flags_are_ignored() {
    let stream = [opening(SocketType::Push, 1), frame(0xf8, b"a"), frame(0x09, b"b")].concat();
    let (frames, _, error) = run_every_way(&config(SocketType::Pull), &stream);
    assert_eq!(error, None);
    assert_eq!(frames, [data(false, b"a"), data(true, b"b")]);
}

#[test]
fn commands_we_do_not_know_are_ignored() {
    let unknown = [
        command(b"FOO", b"x"),
        command(b"JOIN", b"group"),
        command(b"READY", b""),
        command(b"ERROR", b"\x03bad"),
        command(b"PONG", &[0; 50]),
        command(b"SUBSCRIBE", b"not a publisher"),
        command(b"subscribe", b""),
        frame(4, b""),
        frame(4, b"\0"),
        frame(4, b"zSUBSCRIBE"),
        frame(5, b"\x03FOO"),
        frame(4, &[3; 1000]),
    ];
    let stream = [opening(SocketType::Push, 1), unknown.concat(), frame(0, b"hi")].concat();
    let (frames, out, error) = run_every_way(&config(SocketType::Pull), &stream);
    assert_eq!((frames, error), (vec![data(false, b"hi")], None));
    assert_eq!(out.len(), 64 + 28);
}

#[test]
fn subscriptions_come_as_commands_and_as_messages_from_peers_of_any_version() {
    let stream = [
        command(b"SUBSCRIBE", b"abc"),
        frame(0, b"\x01"),
        frame(0, b"\0abc"),
        frame(5, b"\x06CANCELq"),
        command(b"SUBSCRIBE", &[b'x'; 300]),
        frame(1, b"\x01m"),
        frame(0, b"\x01n"),
        frame(1, b"\x02user"),
        frame(0, b"\x01o"),
        frame(0, b""),
        frame(0, b"\x02"),
    ]
    .concat();
    let expected = vec![
        (Role::Subscribe, false, b"abc".to_vec()),
        data(false, b"\x01"),
        data(false, b"\0abc"),
        (Role::Cancel, false, b"q".to_vec()),
        (Role::Subscribe, false, vec![b'x'; 300]),
        data(true, b"\x01m"),
        data(false, b"\x01n"),
        data(true, b"\x02user"),
        data(false, b"\x01o"),
        data(false, b""),
        data(false, b"\x02"),
    ];
    for minor in [0, 1] {
        for publisher in [SocketType::Pub, SocketType::XPub] {
            let stream = [opening(SocketType::Sub, minor), stream.clone()].concat();
            let (frames, _, error) = run_every_way(&config(publisher), &stream);
            assert_eq!((&frames, error), (&expected, None));
        }
    }
}

#[test]
fn our_subscriptions_have_the_form_the_peer_knows() {
    let now = Instant::now();
    let encode = |minor: u8, role: Role, topic: &[u8]| {
        let connection = in_traffic(config(SocketType::Sub), SocketType::Pub, minor, now);
        let mut out = Vec::new();
        let message = Message::copy_of(topic).unwrap().with_role(role);
        connection.encode_header(&message, &mut out);
        [out, topic.to_vec()].concat()
    };
    assert_eq!(encode(1, Role::Subscribe, b"abc"), b"\x04\x0d\x09SUBSCRIBEabc");
    assert_eq!(encode(1, Role::Cancel, b"abc"), b"\x04\x0a\x06CANCELabc");
    assert_eq!(encode(0, Role::Subscribe, b"abc"), b"\0\x04\x01abc");
    assert_eq!(encode(0, Role::Cancel, b""), b"\0\x01\0");
    assert_eq!(encode(1, Role::Request, b"\x01abc"), b"\0\x04\x01abc");
    let long = encode(1, Role::Subscribe, &[b'x'; 246]);
    assert_eq!(long[..19], *b"\x06\0\0\0\0\0\0\x01\0\x09SUBSCRIBE");
}

#[test]
fn a_full_inbox_stops_the_stream_between_messages_only() {
    let now = Instant::now();
    let stream = [
        frame(1, b"one"),
        frame(1, &[1; 300]),
        frame(0, b""),
        frame(0, b"two"),
        command(b"PING", b"\0\0"),
        frame(0, &[3; 300]),
        frame(0, b""),
    ]
    .concat();
    for at in 0..=stream.len() {
        let mut connection = in_traffic(config(SocketType::Pull), SocketType::Push, 1, now);
        let mut sink = Sink::new();
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
        assert_eq!(fed, stream.len());
        assert_eq!(sink.frames.len(), 6);
    }
}

#[test]
fn messages_over_the_limit_end_the_connection() {
    let mut limited = config(SocketType::Pull);
    limited.max_message_size = Some(100);
    let open = opening(SocketType::Push, 1);
    let stream = [&open[..], &frame(0, &[0; 100]), &command(b"FOO", &[0; 200])].concat();
    assert_eq!(run_every_way(&limited, &stream).2, None);
    for len in [101, 300] {
        let stream = [&open[..], &frame(0, &vec![0; len])].concat();
        let (frames, _, error) = run_every_way(&limited, &stream);
        assert_eq!((frames.len(), &error), (0, &Some(ProtocolError::MessageTooLarge)));
        assert!(error.unwrap().is_fatal_for_connecter());
    }
    let stream = [&open[..], &command(b"FOO", &[0; 300])].concat();
    let (_, _, error) = run(&limited, [&stream[..]].into_iter());
    assert_eq!(error, Some(ProtocolError::CommandTooLarge));
}

#[test]
fn impossible_lengths_end_the_connection_and_claims_reserve_little() {
    let open = opening(SocketType::Push, 1);
    for (flags, claimed, error) in [
        (2, 1 << 63, Some(ProtocolError::MessageTooLarge)),
        (2, u64::MAX, Some(ProtocolError::MessageTooLarge)),
        (6, 1 << 63, Some(ProtocolError::CommandTooLarge)),
        (6, (16 << 20) + 1, Some(ProtocolError::CommandTooLarge)),
        (2, i64::MAX as u64, Some(ProtocolError::MessageTooLarge)),
        (2, 1 << 40, None),
    ] {
        let head = [&[flags][..], &claimed.to_be_bytes()].concat();
        let stream = [&open[..], &head, b"x"].concat();
        assert_eq!(run_every_way(&config(SocketType::Pull), &stream).2, error);
    }
    let now = Instant::now();
    let mut connection = in_traffic(config(SocketType::Pull), SocketType::Push, 1, now);
    let head = [&[2][..], &(1u64 << 40).to_be_bytes()].concat();
    feed(&mut connection, now, &head, &mut Sink::new()).unwrap();
    assert_eq!(connection.body_target().unwrap().len(), 1 << 20);
}
