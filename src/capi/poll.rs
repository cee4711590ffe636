//! `zmq_poll`, `zmq_proxy` and `zmq_proxy_steerable` (manual pages of these
//! names).

use std::ffi::{c_int, c_long, c_void};
use std::ptr;
use std::time::Duration;

use super::entry::guard_keeping_errno;
use super::socket::socket;
use crate::error::{Errno, Result};
use crate::poller::{PollItem, poll};
use crate::proxy::proxy;

/// Waits until one of several sockets and descriptors is ready.
///
/// - `items`: what to wait for: in each, `socket`, or `fd` where that is NULL,
///   and in `events` an or of `ZMQ_POLLIN`, `ZMQ_POLLOUT`, `ZMQ_POLLERR` and
///   `ZMQ_POLLPRI` (the last two for descriptors only). What is ready then
///   stands in `revents`.
/// - `nitems`: how many there are.
/// - `timeout`: how many milliseconds to wait at most; 0: only look; -1: for
///   ever.
///
/// Returns how many items are ready, 0 once the time is over, or -1 with errno:
///
/// - ETERM: the context of one of the sockets is ending.
/// - ENOTSOCK: one of the sockets is none.
/// - EINTR: a signal was caught.
/// - EINVAL: `nitems` is negative, or beyond what the system takes.
/// - EFAULT: `items` is NULL and `nitems` is not 0.
///
/// # Safety
/// `items` is NULL or valid for `nitems` items.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poll(
    items: *mut PollItem,
    nitems: c_int,
    timeout: c_long,
) -> c_int {
    guard_keeping_errno(|| {
        // SAFETY: the caller's promise.
        let items = unsafe { self::items(items, nitems)? };
        poll(items, timeout_of(timeout)).map(|ready| c_int::try_from(ready).unwrap_or(c_int::MAX))
    })
}

/// The items of a call. EINVAL for a negative number of them, EFAULT for NULL.
///
/// # Safety
/// `items` is NULL or valid for `count` items, for as long as the answer is used.
pub(super) unsafe fn items<'a>(items: *mut PollItem, count: c_int) -> Result<&'a mut [PollItem]> {
    match usize::try_from(count).map_err(|_| Errno::EINVAL)? {
        0 => Ok(&mut []),
        _ if items.is_null() => Err(Errno::EFAULT),
        // SAFETY: the caller's promise.
        count => Ok(unsafe { std::slice::from_raw_parts_mut(items, count) }),
    }
}

/// Milliseconds as C counts them; negative: for ever.
pub(super) fn timeout_of(timeout: c_long) -> Option<Duration> {
    u64::try_from(timeout).ok().map(Duration::from_millis)
}

/// Passes messages from each of two sockets to the other until the context ends.
///
/// - `frontend`, `backend`: the sockets. They may be the same one.
/// - `capture`: a socket that is sent a copy of each message, or NULL.
///
/// Returns -1 with errno:
///
/// - ETERM: the context is ending.
/// - EINTR: a signal was caught.
/// - EFAULT: `frontend` or `backend` is NULL.
/// - ENOTSOCK: one of the sockets is none.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_proxy(
    frontend: *mut c_void,
    backend: *mut c_void,
    capture: *mut c_void,
) -> c_int {
    zmq_proxy_steerable(frontend, backend, capture, ptr::null_mut())
}

/// As `zmq_proxy`, steered by commands.
///
/// Messages of one frame that come to `control` are commands: `PAUSE`, `RESUME`,
/// `TERMINATE`, and `STATISTICS`, which is answered with eight frames of 64
/// bits: messages and bytes received and sent by the frontend, then by the
/// backend.
///
/// - `frontend`, `backend`: the sockets.
/// - `capture`: a socket that is sent a copy of each message, or NULL.
/// - `control`: the socket that commands come to: PAIR, PULL, SUB, REP and the
///   like. NULL: nothing steers it.
///
/// Returns 0 after `TERMINATE`, or -1 with errno as `zmq_proxy`, and:
///
/// - EINVAL: a command had several frames.
/// - ENOTSUP: `control` cannot answer.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_proxy_steerable(
    frontend: *mut c_void,
    backend: *mut c_void,
    capture: *mut c_void,
    control: *mut c_void,
) -> c_int {
    guard_keeping_errno(|| {
        if frontend.is_null() || backend.is_null() {
            return Err(Errno::EFAULT);
        }
        let optional = |handle: *mut c_void| {
            if handle.is_null() { Ok(None) } else { socket(handle).map(Some) }
        };
        let (capture, control) = (optional(capture)?, optional(control)?);
        proxy(socket(frontend)?, socket(backend)?, capture, control)
    })
}
