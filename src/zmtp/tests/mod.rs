//! What the tests of the protocol share: peers made of bytes, an inbox that
//! remembers, and the several ways in which a stream may arrive.

mod curve;
mod gssapi;
mod handshake;
mod heartbeats;
mod hostile;
mod messages;
mod old_peers;
mod pairs;
mod plain;
mod sealed;
mod zap_replies;

use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::message::Role;

/// A config without limits or clocks.
fn config(socket_type: SocketType) -> Config {
    Config {
        socket_type,
        routing_id: Vec::new(),
        metadata: Vec::new(),
        security: Security::Null,
        zap: zap::Policy::default(),
        max_message_size: None,
        handshake_timeout: None,
        heartbeat_interval: None,
        heartbeat_timeout: None,
        heartbeat_ttl_ds: 0,
    }
}

/// A frame as an inbox saw it.
type Frame = (Role, bool, Vec<u8>);

fn data(more: bool, body: &[u8]) -> Frame {
    (Role::Data, more, body.to_vec())
}

/// Remembers what it is given; has room for a number of messages.
struct Sink {
    frames: Vec<Frame>,
    room: usize,
}

impl Sink {
    fn new() -> Sink {
        Sink { frames: Vec::new(), room: usize::MAX }
    }
}

impl Inbox for Sink {
    fn has_room(&mut self) -> bool {
        self.frames.iter().filter(|(_, more, _)| !more).count() < self.room
    }

    fn push(&mut self, message: Message) {
        let frame = (message.role(), message.more(), message.data().to_vec());
        self.frames.push(frame);
    }
}

/// A peer's greeting.
fn greeting(major: u8, minor: u8, mechanism: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, major, minor];
    bytes.extend_from_slice(mechanism);
    bytes.resize(64, 0);
    bytes
}

/// A frame on the wire.
fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode_header(flags, body.len(), &mut bytes);
    bytes.extend_from_slice(body);
    bytes
}

/// A command on the wire.
fn command(name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    command::encode(name, data, &mut bytes);
    bytes
}

/// A peer's READY, from the properties of a socket of its type.
fn ready(socket_type: SocketType) -> Vec<u8> {
    let mut metadata = Vec::new();
    properties::encode(&config(socket_type), &mut metadata);
    command(b"READY", &metadata)
}

/// All that a peer of this type sends before its first message.
fn opening(socket_type: SocketType, minor: u8) -> Vec<u8> {
    [greeting(3, minor, b"NULL"), ready(socket_type)].concat()
}

/// Feeds all of `bytes`, stopping for nothing; says how many were left when
/// the inbox had no room.
fn feed(
    connection: &mut Connection,
    now: Instant,
    mut bytes: &[u8],
    sink: &mut Sink,
) -> Result<usize, ProtocolError> {
    while !bytes.is_empty() {
        let was_ready = connection.is_ready();
        let taken = connection.receive(now, bytes, sink)?;
        if taken == 0 && connection.is_ready() == was_ready {
            break;
        }
        bytes = &bytes[taken..];
    }
    Ok(bytes.len())
}

/// A connection in traffic with a peer of the given type, its output taken.
fn in_traffic(config: Config, peer: SocketType, minor: u8, now: Instant) -> Connection {
    let mut connection = Connection::new(Arc::new(config), now);
    feed(&mut connection, now, &opening(peer, minor), &mut Sink::new()).unwrap();
    assert!(connection.is_ready());
    output(&mut connection);
    connection
}

/// What the connection wants to send.
fn output(connection: &mut Connection) -> Vec<u8> {
    let mut bytes = Vec::new();
    connection.take_output(&mut bytes);
    assert!(!connection.has_output());
    bytes
}

/// What became of a stream: frames, all output, or the error it ended in.
type Outcome = (Vec<Frame>, Vec<u8>, Option<ProtocolError>);

/// Feeds a stream cut into `pieces`.
fn run<'a>(config: &Config, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let now = Instant::now();
    let mut connection = Connection::new(Arc::new(config.clone()), now);
    let (mut sink, mut out) = (Sink::new(), output(&mut connection));
    for piece in pieces {
        let fed = feed(&mut connection, now, piece, &mut sink);
        connection.take_output(&mut out);
        if let Err(error) = fed {
            assert_eq!(connection.receive(now, b"x", &mut sink), Err(error.clone()));
            return (sink.frames, out, Some(error));
        }
    }
    (sink.frames, out, None)
}

/// Feeds a stream whole, byte by byte, and split in two at each point; the
/// outcome must be the same each time, and is returned.
fn run_every_way(config: &Config, stream: &[u8]) -> Outcome {
    let whole = run(config, [stream].into_iter());
    assert_eq!(run(config, stream.chunks(1)), whole, "byte by byte");
    for at in 0..=stream.len() {
        let (a, b) = stream.split_at(at);
        assert_eq!(run(config, [a, b].into_iter()), whole, "split at {at}");
    }
    whole
}

/// Reproducible noise (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
