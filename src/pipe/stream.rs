//! A socket that reads a stream out of another thread's hands (inproc) and is
//! quicker than its writer.
//!
//! Each time it found nothing it would go idle, and be woken by the next message:
//! that costs both sides far more than the message. So it stays for a moment, with
//! its socket's lock held: it pauses without a look, since each look takes the
//! writer's cache line away, then takes all that has come. While it does so
//! ([`STREAMING`]) the writer shows a message by a plain store; the fence that this
//! needs is made up for when the reader goes idle in the end.
//!
//! Only a call that waits stays (`socket/transfer.rs`), and only where no other pipe
//! may have anything: a slow writer must not hold up the others.

use std::time::{Duration, Instant};

use super::{Pipe, STREAMING};
use crate::sync::Ordering;

/// So many messages since the lane last went idle are a stream.
const STREAM: usize = if cfg!(loom) { 1 } else { 64 };
/// The longest stay.
const STAY: Duration = if cfg!(loom) { Duration::ZERO } else { Duration::from_micros(10) };
/// Pauses between two looks, in spin-loop hints of some 10 to 40 nanoseconds.
const PAUSES: std::ops::RangeInclusive<u32> = 4..=256;
/// What a pause should bring: enough that looking costs nothing to speak of, little
/// enough that it is still in the caches, and the writer not held up.
const WORTHWHILE: usize = 64;
const PLENTY: usize = 256;
/// After a stay in vain, so many streams that ended are taken for ended at once; …
const DISTRUST: u32 = 4;
/// … twice as many after each further one, and at most: where both threads have but
/// one core, each stay is in vain.
const MOST_DISTRUST: u32 = 256;

/// What a reader knows of its stream.
pub(super) struct Stream {
    /// What `taken` was when the lane last went idle where more might have been
    /// waited for: a stream goes on when it is told of in between.
    began_at: usize,
    pauses: u32,
    /// Streams not to be waited for, of how many after the last stay in vain.
    distrusted: u32,
    distrust: u32,
}

impl Default for Stream {
    fn default() -> Stream {
        Stream { began_at: 0, pauses: *PAUSES.start(), distrusted: 0, distrust: DISTRUST }
    }
}

impl Pipe {
    /// Where nothing is there, waits a moment for more, if this is a stream between
    /// sockets.
    #[inline]
    pub(crate) fn await_stream(&mut self) {
        if self.input.is_empty() {
            self.await_more();
        }
    }

    fn await_more(&mut self) {
        let came = self.taken.wrapping_sub(self.stream.began_at);
        if came < STREAM || self.conflates || !self.leads_to_socket() {
            self.stream.began_at = self.taken;
        } else if self.stream.distrusted > 0 {
            self.stream.distrusted -= 1;
            self.stream.began_at = self.taken;
        } else {
            self.stay();
        }
    }

    #[cold]
    fn stay(&mut self) {
        self.lightly_read = true;
        self.in_lane().reader.store(STREAMING, Ordering::Relaxed);
        let start = Instant::now();
        loop {
            (0..self.stream.pauses).for_each(|_| std::hint::spin_loop());
            let visible = self.input.visible();
            let stream = &mut self.stream;
            if visible < WORTHWHILE {
                stream.pauses = (stream.pauses * 2).min(*PAUSES.end());
            } else if visible > PLENTY {
                stream.pauses = (stream.pauses / 2).max(*PAUSES.start());
            }
            if visible > 0 {
                stream.distrust = DISTRUST;
                return;
            }
            if start.elapsed() >= STAY || self.peer_closed() {
                self.stream.ended(self.taken);
                return;
            }
        }
    }
}

impl Pipe {
    /// Looks a few times, in `looks` goes, whether an answer comes from another
    /// thread (inproc), unless there is `news` of something else: found here, it
    /// need not wake anybody. True when there is something to read.
    pub(crate) fn await_answer(&mut self, looks: u32, news: impl Fn() -> bool) -> bool {
        if !self.leads_to_socket() || self.conflates {
            return false;
        }
        // Messages that are answers are no stream.
        self.stream.began_at = self.taken;
        for _ in 0..looks {
            if !self.input.is_empty() {
                return true;
            }
            if news() {
                return false;
            }
            std::hint::spin_loop();
        }
        false
    }
}

impl Stream {
    fn ended(&mut self, taken: usize) {
        self.began_at = taken;
        self.pauses = *PAUSES.start();
        self.distrusted = self.distrust;
        self.distrust = (self.distrust * 2).min(MOST_DISTRUST);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::message::Message;
    use crate::pipe::pipe;

    fn stays(came: usize, taken: usize, between_sockets: bool) -> bool {
        let (mut writer, mut reader) = pipe([0, 0], false);
        if between_sockets {
            writer.joins_sockets();
        }
        (0..came).for_each(|_| writer.push(&mut Message::new()));
        writer.flush();
        (0..taken).for_each(|_| assert!(reader.pop(&mut Message::new())));
        reader.await_stream();
        reader.stream.distrusted > 0
    }

    #[test]
    fn only_a_stream_between_sockets_that_was_read_to_its_end_is_waited_for() {
        assert!(stays(STREAM, STREAM, true));
        assert!(!stays(STREAM - 1, STREAM - 1, true));
        assert!(!stays(STREAM + 1, STREAM, true));
        assert!(!stays(STREAM, STREAM, false));
    }
}
