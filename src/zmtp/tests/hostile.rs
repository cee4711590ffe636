//! Whatever a peer sends ends in messages or in an error: never in a panic,
//! never in memory beyond the limits, and never differently for being cut
//! otherwise.

use super::*;

/// Feeds noise in random pieces and watches the memory the connection holds.
fn survive(config: &Config, stream: &[u8], noise: &mut Noise) {
    let now = Instant::now();
    let mut connection = Connection::new(Arc::new(config.clone()), now);
    let mut sink = Sink::new();
    let mut at = 0;
    while at < stream.len() {
        let end = stream.len().min(at + 1 + noise.below(200));
        if feed(&mut connection, now, &stream[at..end], &mut sink).is_err() {
            assert!(connection.body_target().is_none());
            return;
        }
        assert!(connection.body_target().is_none_or(|t| t.len() <= 1 << 20));
        let pending = output(&mut connection).len();
        assert!(pending < 8192, "{pending} bytes of output");
        at = end;
    }
}

#[test]
fn noise_from_the_first_byte() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for _ in 0..5000 {
        let stream: Vec<u8> = (0..noise.below(300)).map(|_| noise.next() as u8).collect();
        survive(&config(SocketType::XPub), &stream, &mut noise);
    }
}

#[test]
fn noise_in_traffic() {
    let mut noise = Noise(0xdead_beef_cafe_f00d);
    for round in 0..3000 {
        let mut stream = opening(SocketType::XSub, 1);
        for _ in 0..noise.below(2000) {
            // Small values make headers that are believed.
            let mask = if round % 2 == 0 { 0xff } else { 0x07 };
            stream.push(noise.next() as u8 & mask);
        }
        survive(&config(SocketType::XPub), &stream, &mut noise);
    }
}

#[test]
fn mutated_handshakes_of_all_ages() {
    let mut noise = Noise(0x0123_4567_89ab_cdef);
    let signature = b"\xff\0\0\0\0\0\0\0\x01\x7f";
    let [messages, old_messages] = [
        [command(b"PING", b"\0\x05ctx"), frame(1, b"a"), frame(0, &[1; 300])].concat(),
        [&b"\x02\x01a\xff\0\0\0\0\0\0\x01\x2c\0"[..], &[1; 299]].concat(),
    ];
    let valid = [
        [&opening(SocketType::Dealer, 1)[..], &messages].concat(),
        [&signature[..], b"\x01\x05\0\x02me", &messages].concat(),
        [&b"\x03\0me"[..], &old_messages].concat(),
        [&b"\xff\0\0\0\0\0\0\0\x03\0me"[..], &old_messages].concat(),
    ];
    for round in 0..20_000 {
        let mut stream = valid[round % valid.len()].clone();
        for _ in 0..=noise.below(3) {
            let at = noise.below(stream.len());
            match noise.below(4) {
                0 => stream[at] = noise.next() as u8,
                1 => stream[at] ^= 1 << noise.below(8),
                2 => drop(stream.remove(at)),
                _ => stream.insert(at, noise.next() as u8),
            }
        }
        survive(&config(SocketType::Router), &stream, &mut noise);
    }
}

#[test]
fn every_single_byte_changed_gives_the_same_outcome_however_cut() {
    let valid = [opening(SocketType::Sub, 1), command(b"SUBSCRIBE", b"x"), frame(0, b"y")].concat();
    let publisher = config(SocketType::Pub);
    for at in 0..valid.len() {
        for value in [0, 1, 2, 0x7f, 0xff] {
            let mut stream = valid.clone();
            stream[at] = value;
            let whole = run(&publisher, [&stream[..]].into_iter());
            assert_eq!(run(&publisher, stream.chunks(1)), whole, "byte {at} is {value}");
            assert_eq!(run(&publisher, stream.chunks(5)), whole, "byte {at} is {value}");
        }
    }
}
