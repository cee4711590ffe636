//! Two connections that talk to each other over wires of bytes, in virtual
//! time.

use super::*;

/// One end: a connection, what it received, and its messages yet to be sent.
struct End {
    connection: Connection,
    sink: Sink,
    wire: Vec<u8>,
}

impl End {
    fn new(config: Config, now: Instant) -> End {
        End {
            connection: Connection::new(Arc::new(config), now),
            sink: Sink::new(),
            wire: Vec::new(),
        }
    }

    fn send(&mut self, message: &Message) {
        assert!(self.connection.is_ready());
        self.connection.take_output(&mut self.wire);
        self.connection.encode_header(message, &mut self.wire);
        self.wire.extend_from_slice(message.data());
    }
}

/// Carries bytes both ways, at most `size` at a time, until all is quiet.
fn exchange(a: &mut End, b: &mut End, now: Instant, size: usize) -> Result<(), ProtocolError> {
    loop {
        let mut quiet = true;
        for _ in 0..2 {
            a.connection.take_output(&mut a.wire);
            let part: Vec<u8> = a.wire.drain(..size.min(a.wire.len())).collect();
            quiet &= part.is_empty();
            assert_eq!(feed(&mut b.connection, now, &part, &mut b.sink)?, 0);
            std::mem::swap(a, b);
        }
        if quiet {
            return Ok(());
        }
    }
}

#[test]
fn all_compatible_types_come_to_terms_and_no_others() {
    let now = Instant::now();
    for ours in SocketType::ALL {
        for theirs in SocketType::ALL {
            let mut a = End::new(config(ours), now);
            let mut b = End::new(config(theirs), now);
            let met = exchange(&mut a, &mut b, now, 7);
            assert_eq!(met.is_ok(), ours.talks_to(theirs), "{ours:?} {theirs:?}");
            if met.is_ok() {
                let Some(Event::Ready(peer)) = a.connection.poll_event() else {
                    panic!("no peer");
                };
                assert_eq!(peer.socket_type, Some(theirs));
            }
        }
    }
}

#[test]
fn what_one_encodes_the_other_decodes() {
    let now = Instant::now();
    for size in [1, 13, 100_000] {
        let mut a = End::new(config(SocketType::XSub), now);
        let mut b = End::new(config(SocketType::XPub), now);
        exchange(&mut a, &mut b, now, size).unwrap();
        let mut expected = Vec::new();
        for len in [0, 1, 40, 41, 245, 246, 255, 256, 20_000] {
            for (role, more) in [
                (Role::Subscribe, false),
                (Role::Cancel, false),
                (Role::Data, true),
                (Role::Data, false),
            ] {
                let mut message = Message::copy_of(&vec![7; len]).unwrap().with_role(role);
                message.set_more(more);
                a.send(&message);
                expected.push((role, more, vec![7; len]));
            }
        }
        exchange(&mut a, &mut b, now, size).unwrap();
        assert!(b.sink.frames == expected, "in pieces of {size}");
    }
}

#[test]
fn heartbeats_keep_an_idle_pair_alive_and_end_a_cut_one() {
    let start = Instant::now();
    let mut beating = config(SocketType::Pair);
    beating.heartbeat_interval = Some(Duration::from_millis(200));
    beating.heartbeat_ttl_ds = 5;
    let mut a = End::new(beating, start);
    let mut b = End::new(config(SocketType::Pair), start);
    exchange(&mut a, &mut b, start, 64).unwrap();
    let mut now = start;
    for _ in 0..50 {
        now = a.connection.deadline().unwrap();
        a.connection.on_deadline(now).unwrap();
        if let Some(due) = b.connection.deadline().filter(|due| *due <= now) {
            b.connection.on_deadline(due).unwrap();
        }
        exchange(&mut a, &mut b, now, 64).unwrap();
    }
    assert_eq!(now, start + Duration::from_secs(10));

    let dead = Err(ProtocolError::TimedOut(TimeOut::Heartbeat));
    let b_due = b.connection.deadline().unwrap();
    assert_eq!(b_due, now + Duration::from_millis(500));
    assert_eq!(b.connection.on_deadline(b_due), dead);
    now = a.connection.deadline().unwrap();
    a.connection.on_deadline(now).unwrap();
    now = a.connection.deadline().unwrap();
    assert_eq!(a.connection.on_deadline(now), dead);
}
