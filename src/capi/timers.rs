//! `zmq_timers_*` (manual page zmq_timers): [`Timers`] on the system's clock.
//!
//! Handlers run on the thread that executes, with no lock held: they may call
//! everything here, `zmq_timers_destroy` included.

use std::ffi::{c_int, c_long, c_void};
use std::mem;
use std::ptr;
use std::sync::Arc;

use super::entry::guard;
use super::handles::Handles;
use crate::error::{Errno, Result};
use crate::sync::{GlobalLock, Inherited};
use crate::timers::Timers;

/// `zmq_timer_fn *` as C passes it.
pub type TimerFnPointer = Option<unsafe extern "C" fn(timer_id: c_int, arg: *mut c_void)>;

/// Makes an object that holds timers, none at first.
///
/// Returns it, to be given up with `zmq_timers_destroy`, or NULL with errno:
///
/// - ENOMEM: there is no room for another one.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_new() -> *mut c_void {
    guard(|| HANDLES.open(|| Ok(Arc::new(GlobalLock::new(Timers::new())))))
}

/// Gives up an object that holds timers, and all of them.
///
/// - `timers_p`: where the caller keeps it, which becomes NULL.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: it is none, or `timers_p` is NULL.
///
/// # Safety
/// `timers_p` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_destroy(timers_p: *mut *mut c_void) -> c_int {
    guard(|| {
        if timers_p.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: not NULL, so valid by the caller's promise.
        let handle = unsafe { &mut *timers_p };
        // A handler that destroys them is the last one to run.
        HANDLES.close(*handle)?.lock().clear();
        *handle = ptr::null_mut();
        Ok(())
    })
}

/// Adds a timer, which is due again and again until it is cancelled.
///
/// - `timers`: what `zmq_timers_new` returned.
/// - `interval`: after how many milliseconds it is due.
/// - `handler`: called with the timer's id and `arg` by `zmq_timers_execute`. It
///   may call any function of these.
/// - `arg`: passed on to `handler`.
///
/// Returns the timer's id, from 1 upwards, or -1 with errno:
///
/// - EFAULT: `timers` is none, or `handler` is NULL.
///
/// # Safety
/// `handler` is NULL or may be called with `arg` by whoever executes the
/// timers, until it is cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_add(
    timers: *mut c_void,
    interval: usize,
    handler: TimerFnPointer,
    arg: *mut c_void,
) -> c_int {
    guard(|| {
        let timers = resolve(timers)?;
        let callback = Callback { function: handler.ok_or(Errno::EFAULT)?, argument: arg };
        Ok(timers.lock().add(now_ms(), interval as u64, callback))
    })
}

/// Cancels a timer.
///
/// - `timers`: what `zmq_timers_new` returned.
/// - `timer_id`: what `zmq_timers_add` returned.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: there is no such timer.
/// - EFAULT: `timers` is none.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_cancel(timers: *mut c_void, timer_id: c_int) -> c_int {
    guard(|| resolve(timers)?.lock().cancel(timer_id))
}

/// Gives a timer another interval, which begins now.
///
/// - `timers`: what `zmq_timers_new` returned.
/// - `timer_id`: what `zmq_timers_add` returned.
/// - `interval`: after how many milliseconds it is due.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: there is no such timer.
/// - EFAULT: `timers` is none.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_set_interval(
    timers: *mut c_void,
    timer_id: c_int,
    interval: usize,
) -> c_int {
    guard(|| resolve(timers)?.lock().set_interval(now_ms(), timer_id, interval as u64))
}

/// Begins a timer's interval anew.
///
/// - `timers`: what `zmq_timers_new` returned.
/// - `timer_id`: what `zmq_timers_add` returned.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: there is no such timer.
/// - EFAULT: `timers` is none.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_reset(timers: *mut c_void, timer_id: c_int) -> c_int {
    guard(|| resolve(timers)?.lock().reset(now_ms(), timer_id))
}

/// How long it is until a timer is due: what to give `zmq_poll`.
///
/// - `timers`: what `zmq_timers_new` returned.
///
/// Returns the number of milliseconds, -1 when there are no timers, or -1 with
/// errno:
///
/// - EFAULT: `timers` is none.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_timeout(timers: *mut c_void) -> c_long {
    guard(|| {
        let left_ms = resolve(timers)?.lock().timeout_ms(now_ms());
        Ok(left_ms.map_or(-1, |left_ms| c_long::try_from(left_ms).unwrap_or(c_long::MAX)))
    })
}

/// Calls the handlers of the timers that are due, each once, on this thread.
///
/// - `timers`: what `zmq_timers_new` returned.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: `timers` is none.
///
/// # Safety
/// What [`zmq_timers_add`] was promised still holds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_execute(timers: *mut c_void) -> c_int {
    guard(|| {
        let timers = resolve(timers)?;
        let execution = timers.lock().execution(now_ms());
        loop {
            // Unlocked again before the handler runs.
            let due = timers.lock().next_due(execution);
            let Some(due) = due else { return Ok(()) };
            let Callback { function, argument } = due.handler;
            // SAFETY: promised when the timer was added, and by the caller.
            unsafe { function(due.id, argument) };
            timers.lock().ran(execution, &due);
        }
    })
}

/// Every such object of the process.
static HANDLES: Handles<Shared> = Handles::new();

/// Timers as an execution holds them, which may outlive the handle.
type Shared = Arc<GlobalLock<Timers<Callback>>>;

impl Inherited for Timers<Callback> {
    fn inherit(&mut self) {
        mem::forget(mem::replace(self, Timers::new()));
    }
}

/// A handler and what it is called with.
#[derive(Clone, Copy)]
struct Callback {
    function: unsafe extern "C" fn(c_int, *mut c_void),
    argument: *mut c_void,
}

// SAFETY: the argument is only passed on, by a thread of which the caller says
// that it may.
unsafe impl Send for Callback {}

/// The timers behind a handle.
fn resolve(handle: *mut c_void) -> Result<Shared> {
    HANDLES.value(handle)
}

/// The clock that timers run by.
fn now_ms() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a place to write to; this clock always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}
