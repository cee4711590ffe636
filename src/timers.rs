//! Timers without a clock: which handler is due at a `now` that the caller
//! passes in, in milliseconds of any clock that never goes back.
//!
//! A timer repeats until it is cancelled. Handlers run outside of this: the
//! caller fetches one that is due, runs it while it holds nothing, and says
//! that it ran; meanwhile the handler may change any timer, its own included.
//!
//! A cancelled timer keeps its place until the looks at what comes first have
//! passed over it. Until then it may be given a new interval, in vain, without
//! an error: that is how libzmq does it.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap};
use std::ffi::c_int;

use crate::error::{Errno, Result};

/// Timers that run handlers of type `H`.
#[derive(Debug)]
pub(crate) struct Timers<H> {
    /// In the order in which they are due.
    order: BTreeMap<Place, Timer<H>>,
    places: HashMap<c_int, Place>,
    last_id: c_int,
    /// Arrangements made so far.
    arranged: u64,
}

/// When a timer is due, and when that was arranged: of two that are due at the
/// same time, the one arranged first comes first.
type Place = (u64, u64);

#[derive(Debug)]
struct Timer<H> {
    id: c_int,
    interval_ms: u64,
    handler: H,
    cancelled: bool,
    running: bool,
}

/// One execution: what is due at its time and was arranged before it began, so
/// that it ends even where a timer is due again at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Execution {
    now_ms: u64,
    arranged: u64,
}

/// A handler to be run.
#[derive(Debug)]
pub(crate) struct Due<H> {
    pub(crate) id: c_int,
    pub(crate) handler: H,
    place: Place,
}

impl<H: Copy> Timers<H> {
    /// No timers.
    pub(crate) fn new() -> Timers<H> {
        Timers { order: BTreeMap::new(), places: HashMap::new(), last_id: 0, arranged: 0 }
    }

    /// Adds a timer that is due in `interval_ms` and then again and again.
    /// Answers its id, from 1 upwards.
    pub(crate) fn add(&mut self, now_ms: u64, interval_ms: u64, handler: H) -> c_int {
        let id = self.unused_id();
        let timer = Timer { id, interval_ms, handler, cancelled: false, running: false };
        self.arrange(now_ms, timer);
        id
    }

    /// Cancels a timer. `EINVAL` when there is none, or it was cancelled.
    pub(crate) fn cancel(&mut self, id: c_int) -> Result<()> {
        let place = self.places.get(&id).ok_or(Errno::EINVAL)?;
        match self.order.get_mut(place) {
            Some(timer) if !timer.cancelled => timer.cancelled = true,
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    /// Gives a timer another interval, which begins now. `EINVAL` when there
    /// is none.
    pub(crate) fn set_interval(&mut self, now_ms: u64, id: c_int, interval_ms: u64) -> Result<()> {
        let mut timer = self.take(id)?;
        timer.interval_ms = interval_ms;
        self.arrange(now_ms, timer);
        Ok(())
    }

    /// Begins a timer's interval anew. `EINVAL` when there is none.
    pub(crate) fn reset(&mut self, now_ms: u64, id: c_int) -> Result<()> {
        let timer = self.take(id)?;
        self.arrange(now_ms, timer);
        Ok(())
    }

    /// Milliseconds until a timer is due. `None` when there are no timers.
    pub(crate) fn timeout_ms(&mut self, now_ms: u64) -> Option<u64> {
        self.forget_cancelled();
        let (due_ms, _) = self.order.first_key_value()?.0;
        Some(due_ms.saturating_sub(now_ms))
    }

    /// Begins an execution.
    pub(crate) fn execution(&self, now_ms: u64) -> Execution {
        Execution { now_ms, arranged: self.arranged }
    }

    /// The next handler of an execution; [`Timers::ran`] is to follow.
    pub(crate) fn next_due(&mut self, execution: Execution) -> Option<Due<H>> {
        self.forget_cancelled();
        let due = self.order.range_mut(..=(execution.now_ms, u64::MAX));
        let mut due = due.filter(|((_, arranged), timer)| {
            // A running one is met when its handler executes the timers.
            *arranged <= execution.arranged && !timer.running && !timer.cancelled
        });
        let (place, timer) = due.next()?;
        timer.running = true;
        Some(Due { id: timer.id, handler: timer.handler, place: *place })
    }

    /// A handler has run: its next interval began with the execution, unless it
    /// changed that itself.
    pub(crate) fn ran(&mut self, execution: Execution, due: &Due<H>) {
        if let Some(mut timer) = self.order.remove(&due.place) {
            timer.running = false;
            self.arrange(execution.now_ms, timer);
        }
    }

    /// Forgets all timers.
    pub(crate) fn clear(&mut self) {
        self.order.clear();
        self.places.clear();
    }

    fn arrange(&mut self, now_ms: u64, mut timer: Timer<H>) {
        self.arranged += 1;
        let place = (now_ms.saturating_add(timer.interval_ms), self.arranged);
        timer.running = false;
        self.places.insert(timer.id, place);
        self.order.insert(place, timer);
    }

    fn take(&mut self, id: c_int) -> Result<Timer<H>> {
        let place = self.places.get(&id).ok_or(Errno::EINVAL)?;
        self.order.remove(place).ok_or(Errno::EINVAL)
    }

    /// Takes out the cancelled timers that come before all others.
    fn forget_cancelled(&mut self) {
        while let Some(first) = self.order.first_entry()
            && first.get().cancelled
        {
            let timer = first.remove();
            self.places.remove(&timer.id);
        }
    }

    /// The next id; after the largest one come those that are free again.
    fn unused_id(&mut self) -> c_int {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.places.contains_key(&self.last_id) {
                return self.last_id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Executes, and tells which handlers ran.
    fn execute(timers: &mut Timers<char>, now_ms: u64) -> String {
        execute_with(timers, now_ms, |_, _| {})
    }

    fn execute_with(
        timers: &mut Timers<char>,
        now_ms: u64,
        mut handler: impl FnMut(&mut Timers<char>, c_int),
    ) -> String {
        let execution = timers.execution(now_ms);
        let mut ran = String::new();
        while let Some(due) = timers.next_due(execution) {
            ran.push(due.handler);
            handler(timers, due.id);
            timers.ran(execution, &due);
        }
        ran
    }

    #[test]
    fn they_run_in_the_order_in_which_they_are_due_and_repeat() {
        let mut timers = Timers::new();
        assert_eq!(timers.timeout_ms(5), None);
        assert_eq!(timers.add(0, 20, 'a'), 1);
        assert_eq!(timers.add(0, 10, 'b'), 2);
        assert_eq!(timers.add(0, 20, 'c'), 3);
        assert_eq!(timers.timeout_ms(4), Some(6));
        assert_eq!(execute(&mut timers, 9), "");
        assert_eq!(execute(&mut timers, 10), "b");
        assert_eq!(timers.timeout_ms(10), Some(10));
        assert_eq!(execute(&mut timers, 20), "acb");
        assert_eq!(execute(&mut timers, 20), "");
        assert_eq!(execute(&mut timers, 40), "bac");
    }

    #[test]
    fn a_late_one_runs_once_and_its_interval_begins_with_the_execution() {
        let mut timers = Timers::new();
        timers.add(0, 10, 'a');
        assert_eq!(timers.timeout_ms(55), Some(0));
        assert_eq!(execute(&mut timers, 55), "a");
        assert_eq!(timers.timeout_ms(55), Some(10));
    }

    #[test]
    fn what_is_due_at_once_runs_once_an_execution() {
        let mut timers = Timers::new();
        timers.add(0, 0, 'a');
        assert_eq!(execute(&mut timers, 3), "a");
        assert_eq!(execute(&mut timers, 3), "a");
        let ran = execute_with(&mut timers, 3, |timers, _| _ = timers.add(3, 0, 'b'));
        assert_eq!(ran, "a");
        assert_eq!(execute(&mut timers, 3), "ba");
    }

    #[test]
    fn a_cancelled_one_is_forgotten_when_it_comes_first() {
        let mut timers = Timers::new();
        timers.add(0, 50, 'a');
        timers.add(0, 100, 'b');
        assert_eq!(timers.cancel(3), Err(Errno::EINVAL));
        assert_eq!(timers.cancel(2), Ok(()));
        assert_eq!(timers.cancel(2), Err(Errno::EINVAL));
        assert_eq!(timers.timeout_ms(0), Some(50));
        assert_eq!(timers.reset(0, 2), Ok(()));
        assert_eq!(timers.set_interval(0, 2, 1), Ok(()));
        assert_eq!(timers.timeout_ms(0), Some(50));
        assert_eq!(timers.reset(0, 2), Err(Errno::EINVAL));
        assert_eq!(timers.set_interval(0, 2, 1), Err(Errno::EINVAL));
        assert_eq!(execute(&mut timers, 1000), "a");
    }

    #[test]
    fn a_handler_may_change_any_timer() {
        let mut timers = Timers::new();
        timers.add(0, 1, 'a');
        timers.add(0, 2, 'b');
        let ran = execute_with(&mut timers, 5, |timers, id| {
            assert_eq!(timers.timeout_ms(5), Some(0));
            assert_eq!(timers.cancel(id), Ok(()));
            assert_eq!(timers.reset(5, 2), Ok(()));
        });
        assert_eq!(ran, "a");
        assert_eq!(timers.timeout_ms(5), Some(2));
        let ran = execute_with(&mut timers, 9, |timers, id| {
            assert_eq!(timers.set_interval(9, id, 500), Ok(()));
        });
        assert_eq!(ran, "b");
        assert_eq!(timers.timeout_ms(9), Some(500));
        let ran = execute_with(&mut timers, 600, |timers, _| timers.clear());
        assert_eq!((ran.as_str(), timers.timeout_ms(600)), ("b", None));
    }

    #[test]
    fn an_execution_within_a_handler_runs_the_others() {
        let mut timers = Timers::new();
        timers.add(0, 1, 'a');
        timers.add(0, 2, 'b');
        let mut within = String::new();
        let ran = execute_with(&mut timers, 5, |timers, _| within += &execute(timers, 5));
        assert_eq!((ran.as_str(), within.as_str()), ("a", "b"));
        assert_eq!(execute(&mut timers, 7), "ab");
    }

    #[test]
    fn the_largest_interval_never_ends() {
        let mut timers = Timers::new();
        timers.add(7, u64::MAX, 'a');
        assert_eq!(timers.timeout_ms(7), Some(u64::MAX - 7));
        assert_eq!(execute(&mut timers, u64::MAX - 1), "");
    }

    #[test]
    fn ids_begin_anew_after_the_largest() {
        let mut timers = Timers::new();
        timers.add(0, 1, 'a');
        timers.last_id = c_int::MAX - 1;
        assert_eq!(timers.add(0, 1, 'b'), c_int::MAX);
        assert_eq!(timers.add(0, 1, 'c'), 2);
    }
}
