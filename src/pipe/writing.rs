//! The writing half of an end: room by the water mark, whole messages, corked
//! lanes.

use super::{ACTIVE, CORKED, Flushed, IDLE, MESSAGE_OVERHEAD, Pipe, STREAMING, is_batch, signal};
use crate::message::{MAX_INLINE, Message, Role};
use crate::sync::{Ordering, heavy_fence, light_fence};

/// Writing.
impl Pipe {
    /// Whether a further message may be pushed. When not, and the other end
    /// is open, WRITABLE will be signalled once it may.
    #[inline(always)]
    pub(crate) fn can_write(&mut self) -> bool {
        self.written < self.limit || self.look_for_room()
    }

    /// Signals have come: what was known of the lane's room no longer holds.
    pub(crate) fn look_again(&mut self) {
        self.limit = 0;
    }

    #[cold]
    fn look_for_room(&mut self) -> bool {
        if self.peer_closed() {
            return false;
        }
        let hwm = self.out_lane().hwm.load(Ordering::Relaxed) as usize;
        if hwm == 0 || self.conflates {
            self.limit = usize::MAX;
            return true;
        }
        // The messages may only be waiting for a batch to come together.
        if self.is_full(hwm) && self.out_lane().reader.load(Ordering::Relaxed) == CORKED {
            self.told();
            self.link.signal(1 - self.side, signal::BATCH);
        }
        self.room_now(hwm)
    }

    fn is_full(&self, hwm: usize) -> bool {
        self.full_until.is_none()
            && self.written - self.out_lane().taken.load(Ordering::Acquire) >= hwm
    }

    fn room_now(&mut self, hwm: usize) -> bool {
        let lane = &self.link.lanes[self.side];
        let taken = lane.taken.load(Ordering::Acquire);
        if let Some(until) = self.full_until {
            let waits = lane.reopen_at.load(Ordering::Relaxed) != usize::MAX;
            if waits && taken < until {
                return false;
            }
            lane.reopen_at.store(usize::MAX, Ordering::Relaxed);
            self.full_until = None;
        }
        if self.written - taken < hwm {
            self.limit = taken + hwm;
            return true;
        }
        // Full. Say from when on we want to know, then look once more.
        let until = self.written - hwm + hwm.div_ceil(2);
        lane.reopen_at.swap(until, Ordering::SeqCst);
        heavy_fence();
        self.full_until = Some(until);
        let same_hwm = lane.hwm.load(Ordering::SeqCst) as usize == hwm;
        if same_hwm && lane.taken.load(Ordering::SeqCst) < until {
            return false;
        }
        lane.reopen_at.store(usize::MAX, Ordering::Relaxed);
        self.full_until = None;
        // Whoever has changed the mark meanwhile signals WRITABLE next, and
        // then it is looked at anew.
        same_hwm
    }

    /// Writes a frame, leaving an empty one behind. Whole messages become
    /// visible with [`Pipe::flush`].
    #[inline(always)]
    pub(crate) fn push(&mut self, message: &mut Message) {
        self.unsent_bytes += message.len() + MESSAGE_OVERHEAD;
        if message.ends_data() && !self.conflates {
            self.written += 1;
            // SAFETY: `vacate` leaves the place without the item.
            unsafe {
                self.out.push_from(message, true);
                message.vacate();
            }
        } else {
            self.push_other(std::mem::take(message));
        }
    }

    /// As [`Pipe::push`], for a frame of data whose body is the first `len` of
    /// `bytes`, which is made where it is to lie.
    #[inline(always)]
    pub(crate) fn push_small(&mut self, bytes: &[u8; MAX_INLINE], len: usize, more: bool) {
        if more || self.conflates {
            return self.push(&mut Message::from_prefix(bytes, len, more));
        }
        self.unsent_bytes += len + MESSAGE_OVERHEAD;
        self.written += 1;
        self.out.push_with(true, |slot| {
            slot.write(Message::from_prefix(bytes, len, more));
        });
    }

    /// Writes what is not the last frame of a message for its reader.
    #[inline(never)]
    fn push_other(&mut self, message: Message) {
        let ends = !message.more();
        if ends && message.role() != Role::Peer {
            self.written += 1;
            if matches!(message.role(), Role::Subscribe | Role::Cancel) {
                self.asides_out += 1;
            }
        }
        if self.conflates && message.role() == Role::Data {
            self.conflate_out = Some(message);
        } else {
            self.out.push(message, ends);
        }
    }

    /// Shows the reader what was pushed, says whether it lies in wait there, and wakes it when it sleeps. A
    /// session behind the other end may write to the network right here.
    #[inline(always)]
    pub(crate) fn flush(&mut self) -> Flushed {
        if self.conflates {
            self.flush_conflated();
        }
        let reader = &self.link.lanes[self.side].reader;
        let how = reader.load(Ordering::Relaxed);
        if how == STREAMING || (how == CORKED && !self.has_batch()) {
            self.out.publish_lightly();
            // Show, then look whether the reader still comes by itself: it says
            // that it does not, then looks (see `rest`). One of us sees the
            // other; the reader, who does this at the end of a stream only,
            // pays for both.
            light_fence();
            match reader.load(Ordering::Relaxed) {
                STREAMING => return Flushed::Seen,
                CORKED if how == CORKED => return Flushed::Corked,
                _ => {}
            }
        }
        self.out.publish();
        match self.out_lane().reader.load(Ordering::SeqCst) {
            ACTIVE | STREAMING => Flushed::Seen,
            CORKED if !self.has_batch() => Flushed::Corked,
            _ => self.tell_reader(),
        }
    }

    #[cold]
    fn flush_conflated(&mut self) {
        if let Some(message) = self.conflate_out.take()
            && let Some(slot) = &self.out_lane().conflated
        {
            *slot.lock() = Some(message);
        }
    }

    /// Whether what lies in wait is worth a write.
    #[inline]
    fn has_batch(&self) -> bool {
        is_batch(self.unsent_bytes, self.written.wrapping_sub(self.told_at))
    }

    /// The reader is told of all that was pushed.
    fn told(&mut self) {
        self.unsent_bytes = 0;
        self.told_at = self.written;
    }

    #[inline]
    fn tell_reader(&mut self) -> Flushed {
        let bytes = self.unsent_bytes;
        self.told();
        let reader = &self.out_lane().reader;
        let told = reader.compare_exchange(IDLE, ACTIVE, Ordering::SeqCst, Ordering::SeqCst);
        match told {
            Ok(_) => {
                self.link.signal(1 - self.side, signal::READABLE);
                if self.out_lane().reader.load(Ordering::Relaxed) == CORKED {
                    // It may have been told here and have left all where it is.
                    self.unsent_bytes = bytes;
                    return Flushed::Corked;
                }
            }
            Err(CORKED) => self.link.signal(1 - self.side, signal::BATCH),
            Err(_) => {}
        }
        Flushed::Seen
    }

    /// Asks the reader to send what a corked lane has collected.
    pub(crate) fn push_out(&mut self) {
        if self.out_lane().reader.load(Ordering::Relaxed) == CORKED && self.unsent_bytes > 0 {
            self.told();
            self.link.signal(1 - self.side, signal::BATCH);
        }
    }

    /// Frames pushed of a message whose last one has not come.
    pub(crate) fn unfinished(&self) -> usize {
        self.out.unfinished()
    }

    /// Takes back the frames of an unfinished message. They never counted.
    pub(crate) fn rollback(&mut self) {
        self.conflate_out = None;
        self.out.rollback();
    }
}
