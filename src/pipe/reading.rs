//! The reading half of an end: by sockets, which take frames, and by sessions,
//! which look at them until the kernel has them.

use std::sync::Arc;

use super::{ACTIVE, CORKED, IDLE, Pipe, signal};
use crate::message::{Message, Metadata, Role};
use crate::sync::{Ordering, fence_after_swap, heavy_fence, light_fence};

/// Reading.
impl Pipe {
    /// Takes the next frame into `message`, whose content is dropped. False
    /// when there is none.
    #[inline(always)]
    pub(crate) fn pop(&mut self, message: &mut Message) -> bool {
        loop {
            message.clear();
            // SAFETY: an empty message need not be dropped.
            if !unsafe { self.input.pop_to(message) } {
                return self.conflates && self.pop_conflated(message);
            }
            if let Some(next) = self.input.upcoming() {
                next.prefetch();
            }
            if message.ends_data() {
                self.count_taken(1);
                return true;
            }
            if message.role() == Role::Peer {
                self.learn_peer(message);
                continue;
            }
            if !message.more() {
                self.count_taken(1);
            }
            return true;
        }
    }

    /// As [`Pipe::pop`], if the next frame is a whole message of a user's. False
    /// otherwise: then it is for [`Pipe::pop`] to say what there is.
    #[inline(always)]
    pub(crate) fn pop_whole(&mut self, message: &mut Message, with_metadata: bool) -> bool {
        // A caller who receives into the same message again and again has the
        // metadata already: counting its owners would cost more than the rest.
        let kept = message.take_metadata(self.metadata.as_ref().filter(|_| with_metadata));
        message.clear();
        // SAFETY: an empty message need not be dropped.
        if !unsafe { self.input.pop_to_if(message, Message::ends_data) } {
            return false;
        }
        if with_metadata && self.metadata.is_some() {
            message.set_metadata(kept.or_else(|| self.metadata.clone()));
        }
        if let Some(next) = self.input.upcoming() {
            next.prefetch();
        }
        self.count_taken(1);
        true
    }

    fn pop_conflated(&mut self, message: &mut Message) -> bool {
        let Some(slot) = &self.in_lane().conflated else { return false };
        let Some(last) = slot.lock().take() else { return false };
        *message = last;
        self.count_taken(1);
        true
    }

    /// Whether [`Pipe::pop`] has a frame to give.
    #[inline]
    pub(crate) fn can_read(&mut self) -> bool {
        loop {
            match self.input.front() {
                None => return self.conflate_waits(),
                Some(message) if message.role() == Role::Peer => {
                    let mut message = Message::new();
                    // SAFETY: an empty message need not be dropped.
                    unsafe { self.input.pop_to(&mut message) };
                    self.learn_peer(&message);
                }
                Some(_) => return true,
            }
        }
    }

    #[cold]
    fn learn_peer(&mut self, message: &Message) {
        self.metadata = message.metadata().cloned();
        self.routing_id = Some(message.data().into());
    }

    #[inline(always)]
    fn count_taken(&mut self, messages: usize) {
        self.taken = self.taken.wrapping_add(messages);
        let lane = &self.link.lanes[1 - self.side];
        lane.taken.store(self.taken, Ordering::Release);
        // Store, then look whether a writer waits: a writer says so, then looks
        // at the count. One of us sees the other; the writer, who does this
        // only when the lane is full, pays for both.
        light_fence();
        if self.taken >= lane.reopen_at.load(Ordering::Relaxed) {
            self.reopen();
        }
    }

    #[cold]
    fn reopen(&mut self) {
        if self.in_lane().reopen_at.swap(usize::MAX, Ordering::SeqCst) != usize::MAX {
            self.link.signal(1 - self.side, signal::WRITABLE);
        }
    }

    /// Goes idle: from now on the writer signals READABLE. False (and still
    /// active) when something arrived meanwhile.
    pub(crate) fn go_idle(&mut self) -> bool {
        self.rest(IDLE)
    }

    /// Goes idle in the way of a reader that looks again by itself within a
    /// moment: the writer signals BATCH only.
    pub(crate) fn cork(&mut self) -> bool {
        self.rest(CORKED)
    }

    /// As [`Pipe::cork`], whatever there is: it is left to gather.
    pub(crate) fn cork_as_it_is(&mut self) {
        // Nothing to look for: the reader comes for what is there in any case.
        self.in_lane().reader.store(CORKED, Ordering::Release);
        self.lightly_read = true;
    }

    /// Whether its writer leaves messages to gather, until there is a batch.
    pub(crate) fn is_corked(&self) -> bool {
        self.in_lane().reader.load(Ordering::Relaxed) == CORKED
    }

    fn rest(&mut self, how: u32) -> bool {
        self.in_lane().reader.swap(how, Ordering::SeqCst);
        fence_after_swap();
        if how == CORKED {
            self.lightly_read = true;
        } else if std::mem::take(&mut self.lightly_read) {
            heavy_fence();
        }
        let nothing = if self.input.peeked() == 0 {
            self.input.is_empty() && !self.conflate_waits()
        } else {
            !self.input.has_ahead() && !self.conflate_waits()
        };
        if !nothing {
            self.be_active();
        }
        nothing
    }

    pub(super) fn conflate_waits(&self) -> bool {
        self.conflates
            && self.in_lane().conflated.as_ref().is_some_and(|slot| slot.lock().is_some())
    }

    /// Signals READABLE to this end itself: it stopped reading early.
    pub(crate) fn remind(&self) {
        self.link.signal(self.side, signal::READABLE);
    }

    /// Tells the writer that the reader is at work and needs no signals.
    pub(crate) fn be_active(&mut self) {
        let reader = &self.in_lane().reader;
        if reader.load(Ordering::Relaxed) != ACTIVE {
            reader.store(ACTIVE, Ordering::SeqCst);
        }
    }

    /// The metadata of the peer whose messages are being read.
    pub(crate) fn metadata(&self) -> Option<&Arc<Metadata>> {
        self.metadata.as_ref()
    }

    /// Says who the peer is, where no message from it will.
    pub(crate) fn know_peer(&mut self, routing_id: &[u8]) {
        self.routing_id = Some(routing_id.into());
    }

    /// The routing id of the peer, once it is known.
    pub(crate) fn routing_id(&self) -> Option<&[u8]> {
        self.routing_id.as_deref()
    }

    /// Closed by the peer and read to the end.
    pub(crate) fn is_finished(&mut self) -> bool {
        self.peer_closed() && !self.can_read()
    }
}

/// Reading in the way of a session, which takes a message only once it was
/// handed to the kernel whole.
impl Pipe {
    /// The next frame beyond those already peeked at.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<&Message> {
        if self.conflates
            && let Some(message) = self.in_lane().conflated.as_ref().and_then(|c| c.lock().take())
        {
            self.conflate_in.push_back(message);
            return self.conflate_in.back();
        }
        self.input.peek()
    }

    /// Whether there are frames beyond those peeked at.
    pub(crate) fn has_ahead(&mut self) -> bool {
        self.input.has_ahead() || self.conflate_waits()
    }

    /// Takes the first `frames` of the frames peeked at.
    pub(crate) fn take_peeked(&mut self, frames: usize) {
        let mut messages = 0;
        for _ in 0..frames {
            let counts = |frame: &Message| !frame.more() && frame.role() != Role::Peer;
            let taken = self.input.drop_peeked(counts);
            let Some(counts) = taken.or_else(|| self.conflate_in.pop_front().as_ref().map(counts))
            else {
                break;
            };
            messages += usize::from(counts);
        }
        if messages > 0 {
            self.count_taken(messages);
        }
    }

    /// Frames that are visible and not yet taken.
    pub(crate) fn visible_frames(&mut self) -> usize {
        self.input.visible()
    }

    /// Forgets that frames were peeked at: they will be seen again.
    pub(crate) fn rewind(&mut self) {
        self.input.rewind();
        if let (Some(slot), Some(message)) = (&self.in_lane().conflated, self.conflate_in.back()) {
            let mut slot = slot.lock();
            if slot.is_none() {
                *slot = Some(message.share());
            }
        }
        self.conflate_in.clear();
    }
}
