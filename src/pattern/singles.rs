//! Messages for types that know no multipart ones (RFC 37, "Thread-Safe Socket
//! Types"): what comes in several frames is passed over.

use crate::error::{Errno, Result};
use crate::message::Message;

/// What waits to be received.
#[derive(Default)]
pub(super) struct Singles {
    /// A message that was fetched to see whether there is one.
    held: Option<Message>,
}

impl Singles {
    /// Receives a message of one frame. `next` gives the frames that have come,
    /// or fails with `EAGAIN`; a message it has begun it gives to its end.
    #[inline]
    pub(super) fn recv(
        &mut self,
        message: &mut Message,
        mut next: impl FnMut(&mut Message) -> Result<()>,
    ) -> Result<()> {
        if let Some(held) = self.held.take() {
            *message = held;
            return Ok(());
        }
        loop {
            next(message)?;
            if !message.more() {
                return Ok(());
            }
            while message.more() {
                next(message)?;
            }
        }
    }

    /// Whether [`Singles::recv`] would succeed.
    pub(super) fn has_input(&mut self, next: impl FnMut(&mut Message) -> Result<()>) -> bool {
        let mut message = Message::new();
        if self.held.is_none() && self.recv(&mut message, next).is_ok() {
            self.held = Some(message);
        }
        self.held.is_some()
    }
}

/// `EINVAL` for what is not to be the whole of a message (`ZMQ_SNDMORE`).
#[inline]
pub(super) fn check_single(message: &Message) -> Result<()> {
    if message.more() { Err(Errno::EINVAL) } else { Ok(()) }
}
