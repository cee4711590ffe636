//! The trace of a context: when it begins, what is still open when the program
//! ends, and what keeps `zmq_ctx_term` waiting.

use std::time::{Duration, Instant};

use super::Context;
use crate::socket::say_counters_at_exit;
use crate::trace::{self, Area};

/// An end that takes no longer needs no explanation.
const PATIENCE: Duration = Duration::from_secs(1);
/// Explanations are so far apart.
const PAUSE: Duration = Duration::from_secs(10);

/// The first context is about to be made.
pub(super) fn begin_trace() {
    if trace::begin() && trace::on(Area::Count) {
        extern "C" fn at_exit() {
            // A panic was reported; it must not pass into the C library.
            let _ = std::panic::catch_unwind(say_counters_at_exit);
        }
        // SAFETY: a function that may be called at any time, by this library's end
        // at the latest.
        unsafe { libc::atexit(at_exit) };
    }
}

/// When to say what `zmq_ctx_term` waits for.
pub(super) struct Report {
    due: Option<Instant>,
}

impl Report {
    pub(super) fn new() -> Report {
        Report { due: trace::on(Area::Term).then(|| Instant::now() + PATIENCE) }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Says what the context waits for.
    pub(super) fn say(&mut self, context: &Context) {
        // A wait may be over before its time where nobody asked for a report.
        if self.due.is_none() {
            return;
        }
        self.due = Some(Instant::now() + PAUSE);
        let (sockets, reactors) = {
            let state = context.state.lock();
            let reactors = state.works.as_ref().map(|works| works.reactors.clone());
            (state.sockets.clone(), reactors)
        };
        let open = sockets.len();
        trace::line(
            Area::Term,
            format_args!("zmq_ctx_term waits; sockets that are not closed: {open}"),
        );
        for slot in sockets {
            slot.say_that_it_is_open();
        }
        // Sessions that linger say so themselves, wherever they are driven.
        if let Some(reactors) = reactors {
            reactors.explain();
        }
    }
}
