//! Calls and what they returned, for the trace (areas `api` and `msg`).
//!
//! Values that may be secret, keys and passwords, are shown by their length, and
//! so are texts of options, topics and bodies.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt;

use super::entry::errno;
use crate::error::Errno;
use crate::options;
use crate::socket::ARENA;
use crate::trace::{self, Area};

/// Makes a call, and says what came of it if that is wanted: an area, the call,
/// then what `format!` takes, which is looked at only then.
macro_rules! traced {
    ($area:ident, $call:expr, $($text:tt)*) => {{
        let answer = $call;
        if $crate::trace::on($crate::trace::Area::$area) {
            $crate::capi::traced::show(
                $crate::trace::Area::$area,
                format_args!($($text)*),
                &answer,
            );
        }
        answer
    }};
}
pub(super) use traced;

/// What a C function returns, to be shown.
pub(super) trait Returned {
    /// Whether errno says why the call failed.
    fn failed(&self) -> bool;
    /// Shows the value.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl Returned for c_int {
    fn failed(&self) -> bool {
        *self == -1
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A context or a socket.
impl Returned for *mut c_void {
    fn failed(&self) -> bool {
        self.is_null()
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_null() { f.write_str("NULL") } else { fmt::Display::fmt(&Handle(*self), f) }
    }
}

/// Says a call and what it returned.
#[cold]
#[inline(never)]
pub(super) fn show(area: Area, call: fmt::Arguments<'_>, answer: &impl Returned) {
    if answer.failed() {
        let error = Errno::from_raw(errno());
        trace::line(area, format_args!("{call} = {} {error:?}", Show(answer)));
    } else {
        trace::line(area, format_args!("{call} = {}", Show(answer)));
    }
}

/// The area of a question for an option: what programs ask for each message belongs
/// to the messages.
pub(super) fn asked_in(option: c_int) -> Area {
    const RCVMORE: c_int = 13;
    const EVENTS: c_int = 15;
    if matches!(option, RCVMORE | EVENTS) { Area::Msg } else { Area::Api }
}

struct Show<'a, T>(&'a T);

impl<T: Returned> fmt::Display for Show<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(f)
    }
}

/// A handle: the name of a socket, also of one that was closed, or a number.
pub(super) struct Handle(pub(super) *mut c_void);

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ARENA.find(self.0 as usize).and_then(|slot| slot.name()) {
            Some(name) => fmt::Display::fmt(&name, f),
            None if self.0.is_null() => f.write_str("NULL"),
            None => write!(f, "{:p}", self.0),
        }
    }
}

/// A C string that a caller gave, or NULL.
pub(super) struct Text(pub(super) *const c_char);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_null() {
            return f.write_str("NULL");
        }
        // SAFETY: the call has read it as a C string, as its caller promised.
        let text = unsafe { CStr::from_ptr(self.0) };
        write!(f, "\"{}\"", text.to_string_lossy())
    }
}

/// A socket option: its name, or its number where it has none.
pub(super) struct Option_(pub(super) c_int);

impl fmt::Display for Option_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match options::name(self.0) {
            Some(name) => write!(f, "ZMQ_{name}"),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

/// An option's value: a number, or how many bytes it has.
pub(super) struct Value {
    /// The option.
    pub(super) option: c_int,
    /// Where the value is.
    pub(super) at: *const c_void,
    /// Its length.
    pub(super) len: usize,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_null() {
            return write!(f, "NULL, {}", self.len);
        }
        if !options::is_number(self.option) {
            return write!(f, "{} bytes", self.len);
        }
        // SAFETY: the call's caller promised that so many bytes can be read.
        unsafe {
            match self.len {
                4 => fmt::Display::fmt(&self.at.cast::<i32>().read_unaligned(), f),
                8 => fmt::Display::fmt(&self.at.cast::<i64>().read_unaligned(), f),
                len => write!(f, "{len} bytes"),
            }
        }
    }
}
