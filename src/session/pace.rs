//! Tells a stream of sends from single ones, per sending thread.
//!
//! A message that finds its connection idle should leave at once; one of a
//! stream should wait for company, since a system call costs what a hundred
//! small messages do. A thread that comes back for more as soon as its last
//! write was done is streaming; one that took time in between is not.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A thread that sends again within this time after a write has done nothing
/// else in between.
const BREATH: Duration = Duration::from_nanos(1500);

#[derive(Clone, Copy)]
struct Pace {
    /// When the thread's last direct write was done.
    done: Instant,
    /// Since when it has done nothing but send.
    busy_since: Instant,
}

thread_local! {
    static PACE: Cell<Option<Pace>> = const { Cell::new(None) };
}

/// A direct write begins. Returns since when this thread only sends.
pub(super) fn write_begins() -> Instant {
    let now = Instant::now();
    let busy_since = match PACE.get() {
        Some(pace) if now.duration_since(pace.done) <= BREATH => pace.busy_since,
        _ => now,
    };
    PACE.set(Some(Pace { done: now, busy_since }));
    busy_since
}

/// The direct write is done. Returns the time.
pub(super) fn write_ends() -> Instant {
    let now = Instant::now();
    if let Some(pace) = PACE.get() {
        PACE.set(Some(Pace { done: now, ..pace }));
    }
    now
}
