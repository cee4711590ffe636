//! Heartbeats in virtual time, timed as libzmq 4.3.4 was seen to do.

use super::*;

const MS: Duration = Duration::from_millis(1);

fn heartbeats(interval_ms: u32, timeout_ms: Option<u32>) -> Config {
    let mut config = config(SocketType::Dealer);
    config.heartbeat_interval = Some(MS * interval_ms);
    config.heartbeat_timeout = timeout_ms.map(|timeout| MS * timeout);
    config
}

fn dealer(config: Config, now: Instant) -> Connection {
    in_traffic(config, SocketType::Router, 1, now)
}

/// The times, in milliseconds, at which PINGs go out, until the connection
/// dies or `until`; and the time of its death.
fn pings(connection: &mut Connection, start: Instant, until: u32) -> (Vec<u32>, Option<u32>) {
    let mut sent = Vec::new();
    while let Some(due) = connection.deadline().filter(|due| *due <= start + MS * until) {
        let at = (due - start).as_millis() as u32;
        if connection.on_deadline(due).is_err() {
            return (sent, Some(at));
        }
        if connection.has_output() {
            assert_eq!(output(connection), b"\x04\x07\x04PING\0\0");
            sent.push(at);
        }
    }
    (sent, None)
}

#[test]
fn the_first_unanswered_ping_starts_the_time_out() {
    let start = Instant::now();
    for (timeout, expected) in [
        (None, (vec![200], Some(400))),
        (Some(200), (vec![200], Some(400))),
        (Some(500), (vec![200, 400, 600], Some(700))),
        (Some(100), (vec![200], Some(300))),
        (Some(0), (vec![200, 400, 600, 800, 1000], None)),
    ] {
        let mut connection = dealer(heartbeats(200, timeout), start);
        assert_eq!(pings(&mut connection, start, 1000), expected);
    }
}

#[test]
fn a_time_out_without_interval_does_nothing() {
    let start = Instant::now();
    let mut config = config(SocketType::Dealer);
    config.heartbeat_timeout = Some(MS * 100);
    assert_eq!(dealer(config, start).deadline(), None);
}

#[test]
fn peers_of_3_0_are_pinged_too() {
    let start = Instant::now();
    let mut connection = in_traffic(heartbeats(200, None), SocketType::Router, 0, start);
    assert_eq!(pings(&mut connection, start, 1000), (vec![200], Some(400)));
}

#[test]
fn pings_carry_our_time_to_live() {
    let start = Instant::now();
    let mut config = heartbeats(200, None);
    config.heartbeat_ttl_ds = 0x102;
    let mut connection = dealer(config, start);
    connection.on_deadline(start + MS * 200).unwrap();
    assert_eq!(output(&mut connection), b"\x04\x07\x04PING\x01\x02");
}

#[test]
fn whatever_the_peer_sends_is_a_sign_of_life() {
    for sign in [
        command(b"PONG", b""),
        frame(0, b"hi"),
        command(b"FOO", b""),
        frame(0, &[0; 300])[..5].to_vec(),
    ] {
        let start = Instant::now();
        let mut connection = dealer(heartbeats(200, None), start);
        let mut sink = Sink::new();
        connection.on_deadline(start + MS * 200).unwrap();
        feed(&mut connection, start + MS * 399, &sign, &mut sink).unwrap();
        assert_eq!(connection.on_deadline(start + MS * 400), Ok(()));
        let error = ProtocolError::TimedOut(TimeOut::Heartbeat);
        assert_eq!(connection.on_deadline(start + MS * 600), Err(error));
    }
}

#[test]
fn bytes_read_into_a_body_are_a_sign_of_life() {
    let start = Instant::now();
    let mut connection = dealer(heartbeats(200, None), start);
    let mut sink = Sink::new();
    feed(&mut connection, start, &frame(0, &[0; 50_000])[..9], &mut sink).unwrap();
    connection.on_deadline(start + MS * 200).unwrap();
    connection.body_received(start + MS * 300, 10, &mut sink).unwrap();
    assert_eq!(connection.on_deadline(start + MS * 400), Ok(()));
}

#[test]
fn silence_proves_nothing_while_we_do_not_listen() {
    let start = Instant::now();
    let mut connection = dealer(heartbeats(200, None), start);
    let mut sink = Sink::new();
    sink.room = 0;
    assert_eq!(connection.receive(start, &frame(0, b"hi"), &mut sink), Ok(0));
    assert_eq!(pings(&mut connection, start, 1000), (vec![200, 400, 600, 800, 1000], None));
    sink.room = 1;
    assert_eq!(connection.receive(start + MS * 1001, &frame(0, b"hi"), &mut sink), Ok(4));
    assert_eq!(pings(&mut connection, start, 3000), (vec![1200], Some(1400)));
}

#[test]
fn a_ping_is_answered_with_sixteen_bytes_of_its_context_at_most() {
    let long = [&b"\0\0"[..], &[b'c'; 300]].concat();
    for (ping, pong) in [
        (&b"\0\0"[..], &b"\x04\x05\x04PONG"[..]),
        (b"\0\0x", b"\x04\x06\x04PONGx"),
        (b"\0\0cccccccccccccccc", b"\x04\x15\x04PONGcccccccccccccccc"),
        (b"\0\0ccccccccccccccccc", b"\x04\x15\x04PONGcccccccccccccccc"),
        (&long, b"\x04\x15\x04PONGcccccccccccccccc"),
    ] {
        for minor in [0, 1] {
            let stream = [opening(SocketType::Push, minor), command(b"PING", ping)].concat();
            let (_, out, error) = run_every_way(&config(SocketType::Pull), &stream);
            assert_eq!((&out[64 + 28..], error), (pong, None));
        }
    }
    for short in [&b""[..], b"\0"] {
        let stream = [opening(SocketType::Push, 1), command(b"PING", short)].concat();
        let (_, _, error) = run_every_way(&config(SocketType::Pull), &stream);
        assert_eq!(error, Some(ProtocolError::MalformedCommand));
    }
}

#[test]
fn unread_pongs_are_bounded() {
    let now = Instant::now();
    let mut connection = dealer(config(SocketType::Dealer), now);
    let storm = command(b"PING", b"\0\0cccccccccccccccc").repeat(10_000);
    feed(&mut connection, now, &storm, &mut Sink::new()).unwrap();
    assert!(output(&mut connection).len() < 5000);
}

#[test]
fn the_peers_last_ping_says_how_long_it_lives_unless_it_says_more() {
    let ping = |ttl_ds: u8| command(b"PING", &[0, ttl_ds]);
    for (stream, death) in [
        (ping(3), Some(300)),
        ([ping(3), ping(6)].concat(), Some(600)),
        ([ping(6), ping(3)].concat(), Some(300)),
        ([ping(3), ping(0)].concat(), None),
        ([ping(3), frame(0, b"x")].concat(), None),
        ([ping(3), command(b"PONG", b"")].concat(), None),
    ] {
        let start = Instant::now();
        let mut connection = dealer(config(SocketType::Dealer), start);
        feed(&mut connection, start, &stream, &mut Sink::new()).unwrap();
        output(&mut connection);
        assert_eq!(pings(&mut connection, start, 2000), (vec![], death));
    }
}
