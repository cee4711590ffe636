//! MESSAGE commands (RFC 26, "The MESSAGE Command"): each holds a frame of a
//! message, or a command (which is libzmq's own, for subscriptions and
//! heartbeats), behind a byte of flags. What is in one is never looked at before
//! it is known to come from the peer, and to come for the first time.

use super::{Conversation, Counters, MESSAGE, SHORT_NONCE, Side, check_command};
use crate::crypto::{Channel, TAG_BYTES};
use crate::message::Message;
use crate::zmtp::ProtocolError;
use crate::zmtp::cipher::{Cipher, Opened};
use crate::zmtp::frame;

/// Flags of what is in a box.
const MORE: u8 = 1;
const COMMAND: u8 = 2;

/// What precedes the box.
const HEAD: usize = MESSAGE.len() + SHORT_NONCE;
/// What a MESSAGE is longer than its content.
const OVERHEAD: usize = HEAD + TAG_BYTES + 1;

/// Both directions of a connection.
pub(super) struct MessageCipher {
    ours: Channel,
    theirs: Channel,
    counters: Counters,
}

impl MessageCipher {
    pub(super) fn new(conversation: &Conversation, side: Side) -> MessageCipher {
        let (ours, theirs) = conversation.channels(side);
        MessageCipher { ours, theirs, counters: conversation.counters }
    }
}

impl Cipher for MessageCipher {
    fn seal(
        &mut self,
        flags: u8,
        head: &[u8],
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let nonce = self.counters.next()?;
        let command = if flags & frame::COMMAND == 0 { 0 } else { COMMAND };
        let flags = flags & MORE | command;
        frame::encode_header(0, OVERHEAD + head.len() + body.len(), out);
        out.extend_from_slice(MESSAGE);
        out.extend_from_slice(&nonce.to_be_bytes());
        let start = out.len();
        if head.is_empty() {
            out.resize(start + TAG_BYTES + 1 + body.len(), 0);
            self.ours.seal_message(nonce, flags, body, &mut out[start..]);
        } else {
            out.extend_from_slice(&[0; TAG_BYTES]);
            out.push(flags);
            out.extend_from_slice(head);
            out.extend_from_slice(body);
            self.ours.seal(nonce, &mut out[start..]);
        }
        Ok(())
    }

    fn open(&mut self, _: u8, sealed: &[u8]) -> Result<Opened, ProtocolError> {
        check_command(sealed)?;
        let Some((MESSAGE, rest)) = sealed.split_first_chunk() else {
            return Err(ProtocolError::UnexpectedCommand);
        };
        let Some(len) = sealed.len().checked_sub(OVERHEAD) else {
            return Err(ProtocolError::MalformedMessage);
        };
        let (nonce, rest) = rest.split_first_chunk().ok_or(ProtocolError::MalformedMessage)?;
        let nonce = u64::from_be_bytes(*nonce);
        self.counters.check(nonce)?;
        let mut body = Message::with_len(len).map_err(|_| ProtocolError::OutOfMemory)?;
        let place = body.data_mut().ok_or(ProtocolError::OutOfMemory)?;
        let inside = self.theirs.open_message(nonce, rest, place)?;
        self.counters.received = nonce;
        let command = if inside & COMMAND == 0 { 0 } else { frame::COMMAND };
        Ok(Opened { flags: inside & MORE | command, body })
    }

    fn overhead(&self) -> usize {
        OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Key;

    #[test]
    fn the_last_nonce_is_used_and_none_after_it() {
        let conversation = |sent| {
            let counters = Counters { sent, received: 0 };
            Conversation { key: Key::new(&[1; 32]), counters }
        };
        let mut ours = MessageCipher::new(&conversation(u64::MAX - 1), Side::Client);
        let mut theirs = MessageCipher::new(&conversation(0), Side::Server);
        let mut out = Vec::new();
        ours.seal(MORE, b"", b"last", &mut out).unwrap();
        let opened = theirs.open(0, &out[2..]).unwrap();
        assert_eq!((opened.flags, opened.body.data()), (MORE, &b"last"[..]));
        assert_eq!(ours.seal(0, b"", b"", &mut out), Err(ProtocolError::NoncesSpent));
        assert_eq!(theirs.open(0, &out[2..]).err(), Some(ProtocolError::InvalidSequence));
    }
}
