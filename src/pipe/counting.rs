//! What an end knows of the messages that have passed it. All of it is kept for
//! other ends anyway, and put together only when somebody asks.

use std::sync::Arc;

use super::Pipe;
use crate::message::{Message, Role};
use crate::sync::Ordering;

/// Frames that are looked at to count the messages that wait; any beyond counts
/// as one.
const COUNTED_FRAMES: usize = 10_000;

/// Counting, for sockets.
impl Pipe {
    /// Messages pushed, without subscriptions.
    pub(crate) fn messages_out(&self) -> usize {
        self.written - self.asides_out
    }

    /// Messages taken, subscriptions included.
    pub(crate) fn messages_in(&self) -> usize {
        self.taken
    }

    /// Messages that wait for the other end to take them, and those that later
    /// ones have replaced; none of an end that only subscribes.
    pub(crate) fn left_out(&self) -> (usize, usize) {
        if self.written == self.asides_out {
            return (0, 0);
        }
        let unread = self.unread();
        match &self.out_lane().conflated {
            Some(slot) => {
                let waits = usize::from(slot.lock().is_some());
                (waits, unread.saturating_sub(waits))
            }
            None => (unread, 0),
        }
    }

    /// Whether what was pushed need not wait for a connection once this end is closed:
    /// who leaves need not introduce himself (greetings, subscriptions) to a peer that may
    /// never come, and of a value (`ZMQ_CONFLATE`) any may be missed.
    pub(super) fn is_dispensable(&self) -> bool {
        self.conflates || self.written == self.asides_out + usize::from(self.greeted)
    }

    /// Whether what was pushed waits for a session to send it, however long that takes.
    pub(crate) fn holds_unsent(&self) -> bool {
        !self.leads_to_socket()
            && !self.peer_closed()
            && !self.is_dispensable()
            && self.left_out().0 > 0
    }

    /// Whole messages that wait to be taken. Nothing may have been peeked at.
    pub(crate) fn waiting(&mut self) -> usize {
        if self.conflates {
            return usize::from(self.conflate_waits());
        }
        let frames = self.input.visible();
        let mut messages = frames.saturating_sub(COUNTED_FRAMES);
        let ends = |frame: &Message| !frame.more() && frame.role() == Role::Data;
        for _ in 0..frames.min(COUNTED_FRAMES) {
            messages += usize::from(self.input.peek().is_some_and(ends));
        }
        self.input.rewind();
        messages
    }

    /// Messages that the other end had written when it was closed and that were
    /// not taken.
    pub(crate) fn left_by_peer(&self) -> usize {
        let end = &self.link.ends[1 - self.side];
        match self.peer_closed() {
            // Written before it was closed.
            true => end.written_at_close.load(Ordering::Relaxed).saturating_sub(self.taken),
            false => 0,
        }
    }

    /// The endpoint it came about through.
    pub(crate) fn endpoint(&self) -> Option<&Arc<str>> {
        self.endpoint.as_ref()
    }

    /// Says through which endpoint it came about.
    pub(crate) fn came_through(&mut self, endpoint: Arc<str>) {
        self.endpoint = Some(endpoint);
    }
}
