//! Commands (RFC 37, "Commands"): a frame whose body is a name, led by its
//! length, and data.

use super::frame;

pub(super) const READY: &[u8] = b"READY";
pub(super) const ERROR: &[u8] = b"ERROR";
pub(super) const PING: &[u8] = b"PING";
pub(super) const PONG: &[u8] = b"PONG";
pub(super) const SUBSCRIBE: &[u8] = b"SUBSCRIBE";
pub(super) const CANCEL: &[u8] = b"CANCEL";
pub(super) const JOIN: &[u8] = b"JOIN";
pub(super) const LEAVE: &[u8] = b"LEAVE";

/// The body of a command frame, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    pub(super) name: &'a [u8],
    pub(super) data: &'a [u8],
}

impl<'a> Command<'a> {
    /// Takes a body apart, `None` when it is shorter than its name.
    pub(super) fn parse(body: &'a [u8]) -> Option<Command<'a>> {
        let (len, rest) = body.split_first()?;
        let (name, data) = rest.split_at_checked(usize::from(*len))?;
        Some(Command { name, data })
    }
}

/// Appends a whole command frame.
pub(super) fn encode(name: &[u8], data: &[u8], out: &mut Vec<u8>) {
    encode_head(name, data.len(), out);
    out.extend_from_slice(data);
}

/// Appends what precedes the data of a command. Names are ours: short.
pub(super) fn encode_head(name: &[u8], data_len: usize, out: &mut Vec<u8>) {
    frame::encode_header(frame::COMMAND, 1 + name.len() + data_len, out);
    out.push(name.len() as u8);
    out.extend_from_slice(name);
}

/// A command's name, led by its length.
pub(super) fn led_name(name: &[u8]) -> Vec<u8> {
    [&[name.len() as u8], name].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_the_layout_of_the_rfc() {
        let mut out = Vec::new();
        encode(PING, b"\0\x0actx", &mut out);
        assert_eq!(out, b"\x04\x0a\x04PING\0\x0actx");
        let command = Command::parse(&out[2..]).unwrap();
        assert_eq!((command.name, command.data), (PING, &b"\0\x0actx"[..]));
    }

    #[test]
    fn a_name_longer_than_the_body_is_no_command() {
        assert_eq!(Command::parse(b""), None);
        assert_eq!(Command::parse(b"\x05PING"), None);
        assert!(Command::parse(b"\0").is_some());
    }
}
