//! The layouts of the RFCs, as a peer writes them.

use zmq::message::Message;

/// A greeting of ZMTP 3.x (RFC 37).
pub fn greeting(major: u8, minor: u8, mechanism: &[u8]) -> Vec<u8> {
    let mut bytes = b"\xff\0\0\0\0\0\0\0\x01\x7f".to_vec();
    bytes.extend([major, minor]);
    bytes.extend(mechanism);
    bytes.resize(64, 0);
    bytes
}

/// A frame, since ZMTP 2.0 (RFC 15).
pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = match u8::try_from(body.len()) {
        Ok(len) if flags & 2 == 0 => vec![flags, len],
        _ => [&[flags | 2][..], &(body.len() as u64).to_be_bytes()].concat(),
    };
    bytes.extend_from_slice(body);
    bytes
}

/// A command.
pub fn command(name: &[u8], data: &[u8]) -> Vec<u8> {
    frame(4, &[&[name.len() as u8], name, data].concat())
}

/// A property of a peer.
pub fn property(name: &[u8], value: &[u8]) -> Vec<u8> {
    [&[name.len() as u8], name, &(value.len() as u32).to_be_bytes(), value].concat()
}

/// The properties of a peer of this type.
pub fn properties(socket_type: zmq::socket_type::SocketType) -> Vec<u8> {
    property(b"Socket-Type", socket_type.name().as_bytes())
}

/// The bodies of whole frames, one behind the other.
pub fn bodies(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut bodies = Vec::new();
    while let [flags, rest @ ..] = bytes {
        let (len, rest) = match flags & 2 {
            0 => (usize::from(rest[0]), &rest[1..]),
            _ => {
                let (len, rest) = rest.split_first_chunk().expect("a length");
                (u64::from_be_bytes(*len) as usize, rest)
            }
        };
        let (body, rest) = rest.split_at(len);
        bodies.push(body);
        bytes = rest;
    }
    bodies
}

/// Messages for these frames.
pub fn messages(frames: &[&[u8]]) -> Vec<Message> {
    frames.iter().map(|frame| Message::copy_of(frame).expect("memory")).collect()
}

/// A reply of an authenticator (RFC 27).
pub fn reply(status: &[u8]) -> Vec<Message> {
    messages(&[b"", b"1.0", b"1", status, b"OK", b"joe", b""])
}
