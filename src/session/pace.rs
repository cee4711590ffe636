//! Tells a stream of sends from single ones, per sending thread.
//!
//! A message that finds its connection idle should leave at once; one of a
//! stream should wait for company, since a system call costs what a hundred
//! small messages do. A thread that comes back for more as soon as its last
//! write was done is streaming, be it to one connection or to a hundred in
//! turn; one that spends a good part of its time elsewhere is not. One that has
//! written to many in a row is likely to be at thousands, none of which sees more
//! than a message in a long while: what it has for them is better left to gather.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A thread that sends again within this time after a write has done nothing
/// else in between.
const BREATH: Duration = Duration::from_nanos(1500);
/// A stream ends when more than one part in so many of its time was spent
/// elsewhere: not with the first interrupt.
const ELSEWHERE: u32 = 4;
/// So many writes in a row are many: they have taken longer than it takes to wake the
/// I/O thread, which then sends the others.
const MANY: u32 = 32;

/// How a thread has been sending.
#[derive(Clone, Copy)]
pub(super) struct Busy {
    /// Since when it has mostly done nothing else.
    pub(super) since: Instant,
    /// It has written many times since then.
    pub(super) with_many: bool,
}

#[derive(Clone, Copy)]
struct Pace {
    /// When the thread's last direct write was done.
    done: Instant,
    /// Since when it has mostly been sending.
    busy_since: Instant,
    /// Time spent elsewhere since then.
    elsewhere: Duration,
    /// Writes since then.
    writes: u32,
}

thread_local! {
    static PACE: Cell<Option<Pace>> = const { Cell::new(None) };
}

/// A direct write begins. Says how this thread has been sending.
pub(super) fn write_begins() -> Busy {
    let now = Instant::now();
    let anew = Pace { done: now, busy_since: now, elsewhere: Duration::ZERO, writes: 0 };
    let mut pace = PACE.get().unwrap_or(anew);
    let gap = now.duration_since(pace.done);
    if gap > BREATH {
        pace.elsewhere += gap;
    }
    if pace.elsewhere * ELSEWHERE > now.duration_since(pace.busy_since) {
        pace = anew;
    }
    pace.writes = pace.writes.saturating_add(1);
    PACE.set(Some(pace));
    Busy { since: pace.busy_since, with_many: pace.writes > MANY }
}

/// The direct write is done. Returns the time.
pub(super) fn write_ends() -> Instant {
    let now = Instant::now();
    if let Some(pace) = PACE.get() {
        PACE.set(Some(Pace { done: now, ..pace }));
    }
    now
}
