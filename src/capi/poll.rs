//! `zmq_poll`, `zmq_proxy` and `zmq_proxy_steerable` (manual pages of these
//! names).

use std::ffi::{c_int, c_long, c_void};
use std::ptr;
use std::time::Duration;

use super::entry::guard_keeping_errno;
use super::socket::socket;
use super::traced::{Handle, traced};
use crate::error::Errno;
use crate::poller::{PollItem, poll};
use crate::proxy::proxy;

/// Waits until a socket or descriptor is ready, `timeout` milliseconds at
/// most (-1: for ever). Returns how many are. ETERM, EFAULT, EINTR, ENOTSOCK,
/// EINVAL.
///
/// # Safety
/// `items` is NULL or valid for `nitems` items.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poll(
    items: *mut PollItem,
    nitems: c_int,
    timeout: c_long,
) -> c_int {
    let answer = guard_keeping_errno(|| {
        let timeout = u64::try_from(timeout).ok().map(Duration::from_millis);
        let count = usize::try_from(nitems).map_err(|_| Errno::EINVAL)?;
        let items = match count {
            0 => &mut [],
            _ if items.is_null() => return Err(Errno::EFAULT),
            // SAFETY: the caller's promise.
            _ => unsafe { std::slice::from_raw_parts_mut(items, count) },
        };
        poll(items, timeout).map(|ready| c_int::try_from(ready).unwrap_or(c_int::MAX))
    });
    traced!(Msg, answer, "zmq_poll ({nitems} items, {timeout})")
}

/// Passes messages between two sockets, and copies of them to `capture`
/// unless that is NULL, until the context ends. Returns -1 with ETERM, EINTR,
/// EFAULT, ENOTSOCK.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_proxy(
    frontend: *mut c_void,
    backend: *mut c_void,
    capture: *mut c_void,
) -> c_int {
    zmq_proxy_steerable(frontend, backend, capture, ptr::null_mut())
}

/// As `zmq_proxy`, steered by the commands that come to `control`.
///
/// They are PAUSE, RESUME, STATISTICS, and TERMINATE, at which it returns 0.
/// NULL for `control`: nothing steers it. EINVAL for a command of several
/// frames, ENOTSUP when `control` cannot answer.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_proxy_steerable(
    frontend: *mut c_void,
    backend: *mut c_void,
    capture: *mut c_void,
    control: *mut c_void,
) -> c_int {
    let answer = guard_keeping_errno(|| {
        if frontend.is_null() || backend.is_null() {
            return Err(Errno::EFAULT);
        }
        let optional = |handle: *mut c_void| {
            if handle.is_null() { Ok(None) } else { socket(handle).map(Some) }
        };
        let (capture, control) = (optional(capture)?, optional(control)?);
        proxy(socket(frontend)?, socket(backend)?, capture, control)
    });
    traced!(
        Api,
        answer,
        "zmq_proxy ({}, {}, {}, {})",
        Handle(frontend),
        Handle(backend),
        Handle(capture),
        Handle(control)
    )
}
