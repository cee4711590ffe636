//! Connection metadata on the wire (RFC 37, "The NULL Security Mechanism" and
//! "Connection Metadata"): names with a length of one byte, values with one
//! of four.

use super::{Config, PeerInfo, ProtocolError, Version};
use crate::socket_type::SocketType;

const SOCKET_TYPE: &[u8] = b"Socket-Type";
const IDENTITY: &[u8] = b"Identity";

/// More properties than any peer sends: they are kept for the connection's
/// life, and a short one costs more memory than its bytes on the wire.
pub(super) const MAX_PROPERTIES: usize = 128;
/// The longest identity (RFC 37, "The Identity Property").
pub(super) const MAX_IDENTITY: usize = 255;

/// Appends our own properties, in libzmq's order: `Identity` from those types
/// that a ROUTER may address, even when it is empty, then the application's.
pub(super) fn encode(config: &Config, out: &mut Vec<u8>) {
    encode_property(SOCKET_TYPE, config.socket_type.name().as_bytes(), out);
    if matches!(config.socket_type, SocketType::Req | SocketType::Dealer | SocketType::Router) {
        encode_property(IDENTITY, &config.routing_id, out);
    }
    for (name, value) in &config.metadata {
        encode_property(up_to_zero(name), up_to_zero(value), out);
    }
}

/// Names and values of applications are C strings, whatever length was given.
fn up_to_zero(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn encode_property(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.push(name.len() as u8);
    out.extend_from_slice(name);
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}

/// A property's name and value.
pub(super) type Property<'a> = (&'a [u8], &'a [u8]);

/// Reads a peer's properties and checks its socket type against `ours`. Of
/// identities sent twice the last counts; of socket types all must fit.
pub(super) fn decode(
    bytes: &[u8],
    ours: SocketType,
    version: Version,
) -> Result<PeerInfo, ProtocolError> {
    let mut peer = PeerInfo { version, ..PeerInfo::default() };
    for property in split(bytes) {
        let (name, value) = property.ok_or(ProtocolError::InvalidMetadata)?;
        if name.is_empty() || peer.properties.len() == MAX_PROPERTIES {
            return Err(ProtocolError::InvalidMetadata);
        }
        if let Some(theirs) = check_socket_type(name, value, ours)? {
            peer.socket_type = Some(theirs);
        } else if name.eq_ignore_ascii_case(IDENTITY) {
            if value.len() > MAX_IDENTITY {
                return Err(ProtocolError::InvalidMetadata);
            }
            peer.routing_id = value.to_vec();
        }
        peer.properties.push((name.to_vec(), value.to_vec()));
    }
    Ok(peer)
}

/// If this property tells a socket type: which, one that `ours` talks to.
pub(super) fn check_socket_type(
    name: &[u8],
    value: &[u8],
    ours: SocketType,
) -> Result<Option<SocketType>, ProtocolError> {
    if !name.eq_ignore_ascii_case(SOCKET_TYPE) {
        return Ok(None);
    }
    let theirs = SocketType::from_name(value).filter(|theirs| ours.talks_to(*theirs));
    theirs.map(Some).ok_or(ProtocolError::IncompatibleSocketType)
}

/// Takes metadata apart. The last item is `None` where the rest is none.
pub(super) fn split(mut bytes: &[u8]) -> impl Iterator<Item = Option<Property<'_>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let property = split_property(bytes);
        bytes = property.map_or(&[], |(_, _, rest)| rest);
        Some(property.map(|(name, value, _)| (name, value)))
    })
}

/// The first property's name and value, and what follows.
fn split_property(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name_len, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*name_len))?;
    let (value_len, rest) = rest.split_first_chunk()?;
    let value_len = usize::try_from(u32::from_be_bytes(*value_len)).ok()?;
    let (value, rest) = rest.split_at_checked(value_len)?;
    Some((name, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(name: &[u8], value: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode_property(name, value, &mut out);
        out
    }

    fn decode_for_router(bytes: &[u8]) -> Result<PeerInfo, ProtocolError> {
        decode(bytes, SocketType::Router, Version { major: 3, minor: 1 })
    }

    #[test]
    fn properties_come_back_in_order_and_names_ignore_case() {
        let bytes = [
            property(b"socket-TYPE", b"DEALER"),
            property(b"X-colour", b""),
            property(b"Identity", b"first"),
            property(b"identity", b"last"),
        ]
        .concat();
        let peer = decode_for_router(&bytes).unwrap();
        assert_eq!(peer.socket_type, Some(SocketType::Dealer));
        assert_eq!(peer.routing_id, b"last");
        assert_eq!(peer.properties[1], (b"X-colour".to_vec(), Vec::new()));
        assert_eq!(peer.properties.len(), 4);
    }

    #[test]
    fn a_peer_need_not_tell_its_socket_type() {
        assert_eq!(decode_for_router(b"").unwrap().socket_type, None);
    }

    #[test]
    fn socket_types_must_fit_each_time_they_are_given() {
        let good = property(SOCKET_TYPE, b"DEALER");
        for bad in [&b"PUB"[..], b"", b"dealer", b"FOO"] {
            let bytes = [good.clone(), property(SOCKET_TYPE, bad)].concat();
            assert_eq!(decode_for_router(&bytes), Err(ProtocolError::IncompatibleSocketType));
        }
    }

    #[test]
    fn broken_properties_are_refused() {
        let good = property(SOCKET_TYPE, b"DEALER");
        for bad in [
            &b"\x02"[..],
            b"\x02ab",
            b"\x02ab\0\0",
            b"\x02ab\0\0\0\x05ab",
            b"\x02ab\xff\xff\xff\xffab",
            b"\0\0\0\0\0",
        ] {
            let bytes = [&good[..], bad].concat();
            assert_eq!(decode_for_router(&bytes), Err(ProtocolError::InvalidMetadata));
        }
        assert!(decode_for_router(&property(IDENTITY, &[b'x'; 255])).is_ok());
        assert_eq!(
            decode_for_router(&property(IDENTITY, &[b'x'; 256])),
            Err(ProtocolError::InvalidMetadata)
        );
        assert!(decode_for_router(&property(b"X", b"").repeat(MAX_PROPERTIES)).is_ok());
        assert_eq!(
            decode_for_router(&property(b"X", b"").repeat(MAX_PROPERTIES + 1)),
            Err(ProtocolError::InvalidMetadata)
        );
    }
}
