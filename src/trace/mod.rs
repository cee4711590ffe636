//! The trace: what the library does, said line by line on stderr or to a file,
//! for whoever sets `ZMQ_TRACE` (docs/TRACE.md).
//!
//! Off, which it is but for those, a place that could say something looks at one
//! word that nobody writes any more: a predictable branch. What is said, and the
//! text that it is made of, is made only behind that branch. Lines tell of
//! endpoints, counts, sizes and errors; never of keys, passwords, topics or bodies.
//!
//! A line is one write, made without a lock: threads, and processes that share a
//! file, do not mix them up, and a forked child goes on as it is. Nothing here
//! waits, fails or changes errno.

mod line;
mod name;
mod output;
mod settings;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

pub(crate) use name::{Messages, Name};

use settings::Settings;

/// What a line is about; bits of a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Area {
    /// Calls and what they return, but those that send and receive.
    Api = 1,
    /// Calls that send and receive.
    Msg = 2,
    /// Endpoints, connections, handshakes.
    Conn = 4,
    /// Messages that are dropped.
    Drop = 8,
    /// What keeps `zmq_ctx_term` waiting.
    Term = 16,
    /// A socket's counters, when it is closed and at the end of the program.
    Count = 32,
}

/// The areas that are on, on cache lines that nobody writes.
#[repr(align(128))]
struct Areas(AtomicU32);

// The standard library's atomics, also under loom: this is a static.
static AREAS: Areas = Areas(AtomicU32::new(0));
static BEGUN: AtomicBool = AtomicBool::new(false);

/// Whether lines of an area are wanted.
#[inline(always)]
pub(crate) fn on(area: Area) -> bool {
    // Relaxed: set before the first socket exists, and whoever misses that says
    // a line less.
    AREAS.0.load(Ordering::Relaxed) & area as u32 != 0
}

/// Says a line of an area, if it is wanted: an area's name, then what
/// `format!` takes, which is looked at only then.
macro_rules! say {
    ($area:ident, $($text:tt)*) => {
        if $crate::trace::on($crate::trace::Area::$area) {
            $crate::trace::line($crate::trace::Area::$area, format_args!($($text)*));
        }
    };
}
pub(crate) use say;

/// Says a line.
#[cold]
#[inline(never)]
pub(crate) fn line(area: Area, text: fmt::Arguments<'_>) {
    output::write(&line::Line::new(area, text));
}

/// Reads `ZMQ_TRACE`, once. True the first time, if anything is to be said. Others do not
/// wait for it: in a forked child it might be for ever.
pub(crate) fn begin() -> bool {
    !BEGUN.swap(true, Ordering::Relaxed) && begin_first()
}

#[cold]
fn begin_first() -> bool {
    if output::is_privileged() {
        // Whoever runs the program must not choose what it writes, and where.
        return false;
    }
    let Some(text) = output::variable(c"ZMQ_TRACE") else { return false };
    let (settings, complaint) = Settings::parse(&text);
    output::begin();
    if let Some(complaint) = complaint {
        output::write(&line::Line::complaint(format_args!("{complaint}")));
    }
    let Settings { areas, file } = settings;
    if areas == 0 {
        return false;
    }
    if let Some(path) = file
        && let Err(error) = output::open(&path)
    {
        output::write(&line::Line::complaint(format_args!(
            "cannot write to {}: {error:?}; nothing is traced",
            path.escape_ascii()
        )));
        return false;
    }
    AREAS.0.store(areas, Ordering::Relaxed);
    true
}
