//! A place where one thread sleeps until another one unparks it, a time-out
//! passes, or a caught signal interrupts it.

use std::time::Instant;

use super::futex::{self, Woken};
use super::{AtomicU32, Ordering};

/// Nobody sleeps here and nothing was signalled.
const EMPTY: u32 = 0;
/// `unpark` came; the next `park` returns at once.
const NOTIFIED: u32 = 1;
/// The owner sleeps.
const PARKED: u32 = 2;

/// Why [`Parker::park`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parked {
    /// `unpark` was called since the last park.
    Unparked,
    /// The deadline passed.
    TimedOut,
    /// A signal handler ran on this thread.
    Interrupted,
    /// This thread was cancelled: it must end soon.
    Cancelled,
}

/// One thread's sleeping place. Only its owner parks; anyone unparks.
#[derive(Debug)]
pub(crate) struct Parker {
    state: AtomicU32,
}

impl Parker {
    /// A parker nobody has signalled.
    pub(crate) fn new() -> Parker {
        Parker { state: AtomicU32::new(EMPTY) }
    }

    /// Sleeps until unparked, until `deadline`, or until a signal interrupts.
    /// A cancellation point.
    pub(crate) fn park(&self, deadline: Option<Instant>) -> Parked {
        // Acquire: what the unparker did before must be visible after.
        if self.state.compare_exchange(EMPTY, PARKED, Ordering::Acquire, Ordering::Acquire).is_err()
        {
            self.state.swap(EMPTY, Ordering::Acquire);
            return Parked::Unparked;
        }
        loop {
            let end = match futex::wait(&self.state, PARKED, deadline) {
                Woken::Changed => None,
                Woken::TimedOut => Some(Parked::TimedOut),
                Woken::Interrupted => Some(Parked::Interrupted),
                Woken::Cancelled => Some(Parked::Cancelled),
            };
            if end.is_some() || self.state.load(Ordering::Acquire) == NOTIFIED {
                let was = self.state.swap(EMPTY, Ordering::Acquire);
                return match end {
                    // These leave no other trace; an unpark does.
                    Some(Parked::Cancelled) => Parked::Cancelled,
                    Some(Parked::Interrupted) => Parked::Interrupted,
                    Some(end) if was != NOTIFIED => end,
                    _ => Parked::Unparked,
                };
            }
        }
    }

    /// Ends the current park of the owner, or its next one.
    pub(crate) fn unpark(&self) {
        // Release: pairs with the acquire in `park`.
        if self.state.swap(NOTIFIED, Ordering::Release) == PARKED {
            futex::wake_one(&self.state);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_early_unpark_is_not_lost() {
        let parker = Parker::new();
        parker.unpark();
        assert_eq!(parker.park(None), Parked::Unparked);
    }

    #[test]
    fn a_deadline_ends_the_park() {
        let parker = Parker::new();
        let deadline = Instant::now() + Duration::from_millis(5);
        assert_eq!(parker.park(Some(deadline)), Parked::TimedOut);
        assert!(Instant::now() >= deadline);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::super::{Arc, AtomicBool};
    use super::*;

    #[test]
    fn loom_what_precedes_unpark_is_seen_after_park() {
        loom::model(|| {
            let shared = Arc::new((Parker::new(), AtomicBool::new(false)));
            let other = shared.clone();
            let thread = loom::thread::spawn(move || {
                other.1.store(true, Ordering::Relaxed);
                other.0.unpark();
            });
            assert_eq!(shared.0.park(None), Parked::Unparked);
            assert!(shared.1.load(Ordering::Relaxed));
            thread.join().unwrap();
        });
    }
}
