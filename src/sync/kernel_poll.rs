//! The kernel's poll, for an application thread that waits.

use std::time::Duration;

use super::cancel::cancellable;
use crate::error::{Errno, Result};

/// Waits until a descriptor is ready, at most for `timeout` (`None`: for ever),
/// and says how many are. `EINTR`; `ECANCELED` when the thread was cancelled
/// while it slept.
pub(crate) fn kernel_poll(polled: &mut [libc::pollfd], timeout: Option<Duration>) -> Result<usize> {
    let may_sleep = timeout != Some(Duration::ZERO);
    let timeout = timeout.map(|time| libc::timespec {
        tv_sec: time.as_secs() as libc::time_t,
        tv_nsec: time.subsec_nanos() as libc::c_long,
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let (items, count) = (polled.as_mut_ptr(), polled.len());
    // SAFETY: valid items and a time-out that outlive the call.
    let poll = || unsafe {
        libc::syscall(libc::SYS_ppoll, items, count, timeout, std::ptr::null::<u8>(), 8)
    };
    // SAFETY: a system call, which changes nothing but `revents`.
    let ready = if may_sleep { unsafe { cancellable(poll) } } else { Some(poll()) };
    usize::try_from(ready.ok_or(Errno::ECANCELED)?).map_err(|_| Errno::last())
}
