//! Which frames of a message subscribe (RFC 29): those that begin with 1
//! (subscribe) or 0 (cancel). As with libzmq that goes for each frame of a
//! multipart message; with `ZMQ_ONLY_FIRST_SUBSCRIBE` the first one decides for
//! all.

use crate::message::Message;

/// What the frames of one sender have been so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Requests {
    inside: bool,
    first_was_request: bool,
}

impl Requests {
    /// Whether the next frame begins a message.
    pub(super) fn at_start(self) -> bool {
        !self.inside
    }

    /// Takes note of the next frame. Whether it subscribes or cancels, and
    /// which: true subscribes.
    pub(super) fn note(&mut self, frame: &Message, only_first: bool) -> Option<bool> {
        let request = match frame.data().first() {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        };
        if !self.inside {
            self.first_was_request = request.is_some();
        }
        self.inside = frame.more();
        request.filter(|_| self.first_was_request || !only_first)
    }
}
