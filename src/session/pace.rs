//! Tells a stream of sends from single ones, per sending thread.
//!
//! A message that finds its connection idle should leave at once; one of a
//! stream should wait for company, since a system call costs what a hundred
//! small messages do. A thread that comes back for more as soon as its last
//! write was done is streaming, be it to one connection or to a hundred in
//! turn; one that spends a good part of its time elsewhere is not.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A thread that sends again within this time after a write has done nothing
/// else in between.
const BREATH: Duration = Duration::from_nanos(1500);
/// A stream ends when more than one part in so many of its time was spent
/// elsewhere: not with the first interrupt.
const ELSEWHERE: u32 = 4;

#[derive(Clone, Copy)]
struct Pace {
    /// When the thread's last direct write was done.
    done: Instant,
    /// Since when it has mostly been sending.
    busy_since: Instant,
    /// Time spent elsewhere since then.
    elsewhere: Duration,
}

thread_local! {
    static PACE: Cell<Option<Pace>> = const { Cell::new(None) };
}

/// A direct write begins. Returns since when this thread has mostly been
/// sending.
pub(super) fn write_begins() -> Instant {
    let now = Instant::now();
    let anew = Pace { done: now, busy_since: now, elsewhere: Duration::ZERO };
    let mut pace = PACE.get().unwrap_or(anew);
    let gap = now.duration_since(pace.done);
    if gap > BREATH {
        pace.elsewhere += gap;
    }
    if pace.elsewhere * ELSEWHERE > now.duration_since(pace.busy_since) {
        pace = anew;
    }
    PACE.set(Some(pace));
    pace.busy_since
}

/// The direct write is done. Returns the time.
pub(super) fn write_ends() -> Instant {
    let now = Instant::now();
    if let Some(pace) = PACE.get() {
        PACE.set(Some(Pace { done: now, ..pace }));
    }
    now
}
