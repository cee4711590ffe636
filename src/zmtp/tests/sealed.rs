//! Encoded traffic, with a cipher that only shows what a cipher is asked for:
//! every frame has a number, which must be the next one, and hides its flags.

use super::cipher::{Cipher, Opened, Sealed};
use super::dialect::Dialect;
use super::heartbeat::MAX_WAITING_OUTPUT;
use super::traffic::Traffic;
use super::*;

#[derive(Default)]
struct Numbered {
    sent: u8,
    received: u8,
}

impl Cipher for Numbered {
    fn seal(
        &mut self,
        flags: u8,
        head: &[u8],
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        frame::encode_header(0, 2 + head.len() + body.len(), out);
        out.extend_from_slice(&[self.sent, !flags]);
        out.extend_from_slice(head);
        out.extend_from_slice(body);
        self.sent = self.sent.checked_add(1).ok_or(ProtocolError::MalformedCommand)?;
        Ok(())
    }

    fn open(&mut self, _: u8, sealed: &[u8]) -> Result<Opened, ProtocolError> {
        let [number, flags, body @ ..] = sealed else {
            return Err(ProtocolError::MalformedCommand);
        };
        if *number != self.received {
            return Err(ProtocolError::UnexpectedCommand);
        }
        self.received += 1;
        let body = Message::copy_of(body).map_err(|_| ProtocolError::OutOfMemory)?;
        Ok(Opened { flags: !flags, body })
    }

    fn overhead(&self) -> usize {
        2
    }
}

fn sealed(config: &Config, now: Instant) -> Sealed {
    Sealed::new(Traffic::new(config, Dialect::V3_1, now), Box::new(Numbered::default()))
}

/// Frames with these flags and bodies, sealed.
fn stream(frames: &[(u8, &[u8])]) -> Vec<u8> {
    let mut cipher = Numbered::default();
    let mut out = Vec::new();
    for (flags, body) in frames {
        cipher.seal(*flags, b"", body, &mut out).unwrap();
    }
    out
}

#[test]
fn frames_are_opened_however_they_are_cut() {
    let now = Instant::now();
    let long = vec![7; 70_000];
    let bytes = stream(&[
        (1, b"a"),
        (0, b""),
        (4, b"\x09SUBSCRIBEtopic"),
        (4, b"\x04PING\0\0ctx"),
        (0, &long),
        (4, b"\x06CANCELtopic"),
    ]);
    for pieces in [1, 2, 3, 100, 65_536, 100_000] {
        let mut connection = sealed(&config(SocketType::XPub), now);
        let (mut sink, mut out) = (Sink::new(), Vec::new());
        for piece in bytes.chunks(pieces) {
            assert_eq!(connection.receive(now, piece, &mut sink, &mut out), Ok(piece.len()));
        }
        assert_eq!(
            sink.frames,
            [
                data(true, b"a"),
                data(false, b""),
                (Role::Subscribe, false, b"topic".to_vec()),
                data(false, &long),
                (Role::Cancel, false, b"topic".to_vec()),
            ]
        );
        assert_eq!(out, stream(&[(4, b"\x04PONGctx")]));
    }
}

#[test]
fn a_frame_without_room_is_opened_once_and_later() {
    let now = Instant::now();
    let bytes = stream(&[(0, b"first"), (1, b"second"), (0, b"third")]);
    for pieces in [1, 4, 1000] {
        let mut connection = sealed(&config(SocketType::Pull), now);
        let (mut sink, mut out) = (Sink { frames: Vec::new(), room: 1 }, Vec::new());
        let mut taken = 0;
        while taken < bytes.len() {
            let end = (taken + pieces).min(bytes.len());
            let took = connection.receive(now, &bytes[taken..end], &mut sink, &mut out).unwrap();
            taken += took;
            if took == 0 {
                assert_eq!((sink.frames.len(), sink.room), (1, 1));
                sink.room = 2;
            }
        }
        assert_eq!(
            sink.frames,
            [data(false, b"first"), data(true, b"second"), data(false, b"third")]
        );
    }
}

#[test]
fn limits_are_those_of_what_is_inside() {
    let now = Instant::now();
    let config = Config { max_message_size: Some(300), ..config(SocketType::Pull) };
    for (len, fits) in [(300, true), (301, false)] {
        let bytes = stream(&[(0, &vec![1; len])]);
        let received = sealed(&config, now).receive(now, &bytes, &mut Sink::new(), &mut Vec::new());
        assert_eq!(received.is_ok(), fits);
    }
    // An announcement reserves nothing, and is refused before its body comes.
    let huge = [&[2u8][..], &u64::MAX.to_be_bytes(), b"x"].concat();
    let refused = sealed(&config, now).receive(now, &huge, &mut Sink::new(), &mut Vec::new());
    assert_eq!(refused, Err(ProtocolError::MessageTooLarge));
}

#[test]
fn messages_subscriptions_and_heartbeats_are_sealed_in_order() {
    let now = Instant::now();
    let interval = Duration::from_secs(1);
    let config = Config { heartbeat_interval: Some(interval), ..config(SocketType::XSub) };
    let mut connection = sealed(&config, now);
    let mut out = Vec::new();
    let mut more = Message::copy_of(b"more").unwrap();
    more.set_more(true);
    let topic = |role| Message::copy_of(b"t").unwrap().with_role(role);
    connection.encode(Dialect::V3_1, SocketType::Sub, &more, &mut out).unwrap();
    connection.encode(Dialect::V3_1, SocketType::Sub, &topic(Role::Subscribe), &mut out).unwrap();
    connection.encode(Dialect::V3_0, SocketType::Sub, &topic(Role::Cancel), &mut out).unwrap();
    assert_eq!(connection.deadline(), Some(now + interval));
    connection.on_deadline(now + interval, &config, &mut out).unwrap();
    connection.encode(Dialect::V3_0, SocketType::Sub, &topic(Role::Subscribe), &mut out).unwrap();
    let wanted: [(u8, &[u8]); 5] =
        [(1, b"more"), (4, b"\x09SUBSCRIBEt"), (0, b"\0t"), (4, b"\x04PING\0\0"), (0, b"\x01t")];
    assert_eq!(out, stream(&wanted));
}

#[test]
fn pongs_to_a_peer_that_does_not_read_are_bounded() {
    let now = Instant::now();
    let ping = (4, &b"\x04PING\0\0sixteen bytes ..."[..]);
    let pong = (4, &b"\x04PONGsixteen bytes .."[..]);
    let pings = stream(&[ping; 200]);
    let mut connection = sealed(&config(SocketType::Pull), now);
    let (mut sink, mut out) = (Sink::new(), Vec::new());
    for ping in pings.chunks(pings.len() / 200) {
        assert_eq!(connection.receive(now, ping, &mut sink, &mut out), Ok(ping.len()));
    }
    let pong_len = stream(&[pong]).len();
    assert_eq!(out.len(), MAX_WAITING_OUTPUT.next_multiple_of(pong_len));
    assert_eq!(out, stream(&vec![pong; out.len() / pong_len]));
}

#[test]
fn what_cannot_be_opened_or_sealed_ends_the_connection() {
    let now = Instant::now();
    for bad in [frame(0, b""), frame(0, b"x"), frame(4, b"\x05\xff"), frame(0, b"\x01\xff")] {
        let mut connection = sealed(&config(SocketType::Pull), now);
        assert!(connection.receive(now, &bad, &mut Sink::new(), &mut Vec::new()).is_err());
    }
    let mut connection = sealed(&config(SocketType::Push), now);
    let mut sent = 0;
    while connection
        .encode(Dialect::V3_1, SocketType::Sub, &Message::new(), &mut Vec::new())
        .is_ok()
    {
        sent += 1;
    }
    assert_eq!(sent, 255);
}
