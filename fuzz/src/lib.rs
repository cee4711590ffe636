//! What the fuzz targets share: decisions read from an input, peers made of
//! bytes, and a connection that is watched while it is fed.
//!
//! The peers' side of the protocol is written here from the RFCs, not taken
//! from the library, so that each checks the other.

pub mod curve;
pub mod gssapi;
mod input;
mod memory;
pub mod script;
mod tested;
pub mod wire;

pub use input::{Cuts, Input};
pub use tested::{Frame, Seen, Tested};

use zmq::socket_type::SocketType;
use zmq::zmtp::{Config, Security, zap};

/// A socket's side without limits or clocks.
pub fn config(socket_type: SocketType, security: Security) -> Config {
    Config {
        socket_type,
        routing_id: Vec::new(),
        metadata: Vec::new(),
        security,
        zap: zap::Policy::default(),
        max_message_size: None,
        handshake_timeout: None,
        heartbeat_interval: None,
        heartbeat_timeout: None,
        heartbeat_ttl_ds: 0,
    }
}

/// A socket type that speaks ZMTP. Those of the draft API have numbers of their
/// own, so that inputs made before they came mean what they did.
pub fn socket_type(number: u8) -> SocketType {
    use SocketType::*;
    const DRAFT: [SocketType; 8] = [Server, Client, Radio, Dish, Gather, Scatter, Peer, Channel];
    match number.checked_sub(240) {
        Some(number) => DRAFT[usize::from(number) % DRAFT.len()],
        None => SocketType::ALL[usize::from(number) % 11],
    }
}

/// Whether one text is somewhere in the other.
pub fn is_part(part: &[u8], whole: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else { return true };
    // libFuzzer looks at every comparison of slices: only where one may succeed.
    let mut places = whole.iter().enumerate().filter(|(_, byte)| *byte == first);
    places.any(|(at, _)| whole[at + 1..].starts_with(rest))
}
