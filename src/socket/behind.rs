//! What a thread has left to gather at sockets, and does not come back to because
//! it waits for another one.
//!
//! A call that waits sends what waits for company in its own socket. Of the others
//! that its thread has sent to each is left alone for a moment: it is likely to get
//! more, as where a program goes round its sockets, and to send what has hardly
//! begun to gather costs both sides a system call for each message. But a thread
//! that spins has time to spare, and those who are to answer may be idle: so it looks
//! after them itself, one between two looks. What is left when it goes to sleep is the
//! I/O thread's, as always.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Slot;

/// How long a waiting thread leaves a socket alone to which it has sent.
const PATIENCE: Duration = Duration::from_micros(40);
/// So many sockets are remembered: those left first are the I/O thread's.
const MOST: usize = 1024;

thread_local! {
    static BEHIND: RefCell<Left<&'static Slot>> = const { RefCell::new(Left(VecDeque::new())) };
}

/// Where something was left, in that order, and since when it is there.
struct Left<T>(VecDeque<(T, Instant)>);

impl<T> Left<T> {
    fn put(&mut self, place: T, now: Instant) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((place, now));
    }

    /// The first place, if something was left there by then.
    fn take(&mut self, by: impl FnOnce() -> Instant) -> Option<T> {
        let (_, since) = self.0.front()?;
        if *since > by() {
            return None;
        }
        self.0.pop_front().map(|(place, _)| place)
    }
}

/// This thread has left something at a socket.
pub(super) fn leave(slot: &'static Slot) {
    // A thread that ends waits for nothing any more.
    let _ = BEHIND.try_with(|behind| behind.borrow_mut().put(slot, Instant::now()));
}

/// Sends what this thread left first, if it was left long enough. False when there is
/// nothing. The thread holds no socket.
pub(super) fn send_one() -> bool {
    let by = || {
        let now = Instant::now();
        now.checked_sub(PATIENCE).unwrap_or(now)
    };
    let take = || BEHIND.try_with(|behind| behind.borrow_mut().take(by)).ok().flatten();
    std::iter::from_fn(take).any(Slot::push_out_if_corked)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_first_is_taken_first_and_not_too_early() {
        let start = Instant::now();
        let later = start + PATIENCE;
        let mut left = Left(VecDeque::new());
        left.put('a', start);
        left.put('b', later);
        assert_eq!(left.take(|| start), Some('a'));
        assert_eq!(left.take(|| start), None);
        assert_eq!(left.take(|| later), Some('b'));
        assert_eq!(left.take(|| later), None);
    }

    #[test]
    fn of_too_many_places_the_first_are_forgotten() {
        let now = Instant::now();
        let mut left = Left(VecDeque::new());
        (0..=MOST).for_each(|place| left.put(place, now));
        assert_eq!((left.0.len(), left.take(|| now)), (MOST, Some(1)));
    }
}
