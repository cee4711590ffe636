//! Deadlines of sources: at most one each, moved often, due rarely.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

/// When which source wants to be called.
#[derive(Default)]
pub(super) struct Timers {
    queue: BTreeSet<(Instant, usize)>,
    of_source: HashMap<usize, Instant>,
}

impl Timers {
    /// Sets, moves or clears a source's timer. True when the earliest deadline
    /// of all came forward.
    pub(super) fn set(&mut self, source: usize, when: Option<Instant>) -> bool {
        let before = self.next_due();
        if let Some(old) = self.of_source.remove(&source) {
            self.queue.remove(&(old, source));
        }
        if let Some(when) = when {
            self.queue.insert((when, source));
            self.of_source.insert(source, when);
        }
        match (before, self.next_due()) {
            (Some(before), Some(after)) => after < before,
            (before, after) => before.is_none() && after.is_some(),
        }
    }

    /// The earliest deadline.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.queue.first().map(|(when, _)| *when)
    }

    /// Takes out what is due at `now`.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<usize> {
        let mut due = Vec::new();
        while let Some((when, source)) = self.queue.first().copied() {
            if when > now {
                break;
            }
            self.queue.pop_first();
            self.of_source.remove(&source);
            due.push(source);
        }
        due
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn timers_fire_in_order_and_once() {
        let start = Instant::now();
        let at = |ms| Some(start + Duration::from_millis(ms));
        let mut timers = Timers::default();
        assert!(timers.set(1, at(10)));
        assert!(!timers.set(2, at(20)));
        assert!(timers.set(3, at(5)));
        assert!(!timers.set(3, at(30)));
        assert_eq!(timers.take_due(start + Duration::from_millis(20)), [1, 2]);
        timers.set(3, None);
        assert_eq!(timers.next_due(), None);
        assert!(timers.take_due(start + Duration::from_secs(1)).is_empty());
    }
}
