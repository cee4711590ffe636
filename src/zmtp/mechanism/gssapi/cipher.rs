//! MESSAGE commands as libzmq has them: a length in four bytes, and wrapped by the
//! security context a byte of flags with a frame of a message or a command.

use super::{MESSAGE, counted};
use crate::gssapi::{Bytes, Context};
use crate::message::Message;
use crate::zmtp::ProtocolError;
use crate::zmtp::cipher::{Cipher, Opened};
use crate::zmtp::frame;
use crate::zmtp::mechanism::check_command;

/// Flags of what is wrapped.
const MORE: u8 = 1;
const COMMAND: u8 = 2;

/// More than what a MESSAGE is longer than its content: a name, a length, a byte of
/// flags, and some 70 bytes that Kerberos adds.
const OVERHEAD: usize = 1024;

/// Both directions of a connection.
pub(super) struct MessageCipher(pub(super) Box<dyn Context>);

impl Cipher for MessageCipher {
    fn seal(
        &mut self,
        flags: u8,
        head: &[u8],
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let command = if flags & frame::COMMAND == 0 { 0 } else { COMMAND };
        wrap(&mut *self.0, 0, flags & MORE | command, &[head, body], out)
    }

    fn open(&mut self, _: u8, sealed: &[u8]) -> Result<Opened, ProtocolError> {
        let opened = unwrap(&mut *self.0, sealed)?;
        let (inside, body) = split(&opened)?;
        let body = Message::copy_of(body).map_err(|_| ProtocolError::OutOfMemory)?;
        let command = if inside & COMMAND == 0 { 0 } else { frame::COMMAND };
        Ok(Opened { flags: inside & MORE | command, body })
    }

    fn overhead(&self) -> usize {
        OVERHEAD
    }
}

/// Appends a MESSAGE in a frame with these `header` flags. `flags` and `parts` are
/// what it wraps.
pub(super) fn wrap(
    context: &mut dyn Context,
    header: u8,
    flags: u8,
    parts: &[&[u8]],
    out: &mut Vec<u8>,
) -> Result<(), ProtocolError> {
    let len = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut plain = Vec::new();
    plain.try_reserve_exact(1 + len).map_err(|_| ProtocolError::OutOfMemory)?;
    plain.push(flags);
    parts.iter().for_each(|part| plain.extend_from_slice(part));
    let wrapped = context.wrap(&plain)?;
    let wrapped = (*wrapped).as_ref();
    let len = u32::try_from(wrapped.len()).map_err(|_| ProtocolError::MessageTooLarge)?;
    let body = MESSAGE.len() + 4 + wrapped.len();
    out.try_reserve(frame::MAX_HEADER + body).map_err(|_| ProtocolError::OutOfMemory)?;
    frame::encode_header(header, body, out);
    out.extend_from_slice(MESSAGE);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(wrapped);
    Ok(())
}

/// What a MESSAGE wraps.
pub(super) fn unwrap(context: &mut dyn Context, body: &[u8]) -> Result<Bytes, ProtocolError> {
    check_command(body)?;
    let data = body.strip_prefix(MESSAGE).ok_or(ProtocolError::UnexpectedCommand)?;
    let wrapped = counted(data).ok_or(ProtocolError::MalformedMessage)?;
    context.unwrap(wrapped).map_err(|_| ProtocolError::Forged)
}

/// The flags and the rest of what was wrapped.
pub(super) fn split(opened: &Bytes) -> Result<(u8, &[u8]), ProtocolError> {
    let (flags, rest) = (**opened).as_ref().split_first().ok_or(ProtocolError::MalformedMessage)?;
    Ok((*flags, rest))
}
