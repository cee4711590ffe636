//! `zmq_poller_new` to `zmq_poller_remove_fd`, and `zmq_ppoll`: waiting in the draft
//! API (manual pages zmq_poller, zmq_ppoll).

use std::ffi::{c_int, c_long, c_short, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use super::entry::{guard, guard_keeping_errno};
use super::handles::Handles;
use super::poll::{items, timeout_of};
use crate::error::{Errno, Result};
use crate::poller::{Object, PollItem, Poller, PollerEvent, poll_masked};
use crate::sync::FutexMutex;

/// Makes a poller, in which nothing is registered.
///
/// Returns it, or NULL with errno:
///
/// - ENOMEM: there is no room for another one.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_new() -> *mut c_void {
    guard_keeping_errno(|| HANDLES.open(|| Ok(Shared::default())))
}

/// Gives up a poller.
///
/// - `poller_p`: where the caller keeps it, which becomes NULL.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: there is none.
///
/// # Safety
/// `poller_p` is NULL or readable and writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_destroy(poller_p: *mut *mut c_void) -> c_int {
    guard_keeping_errno(|| {
        if poller_p.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the caller's promise.
        drop(HANDLES.close(unsafe { *poller_p })?);
        // SAFETY: the caller's promise.
        unsafe { *poller_p = ptr::null_mut() };
        Ok(())
    })
}

/// How many sockets and descriptors are registered.
///
/// - `poller`: the poller.
///
/// Returns their number, or -1 with errno:
///
/// - EFAULT: the poller is none.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_size(poller: *mut c_void) -> c_int {
    guard(|| Ok(c_int::try_from(resolve(poller)?.lock().len()).unwrap_or(c_int::MAX)))
}

/// Registers a socket.
///
/// - `poller`: the poller.
/// - `socket`: the socket, which should be removed before it is closed.
/// - `user_data`: what is to come back with its events.
/// - `events`: an or of `ZMQ_POLLIN` and `ZMQ_POLLOUT`; 0: none for now.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: the poller is none.
/// - ENOTSOCK: the socket is none.
/// - EINVAL: it is registered already, or there are no such events.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_add(
    poller: *mut c_void,
    socket: *mut c_void,
    user_data: *mut c_void,
    events: c_short,
) -> c_int {
    guard_keeping_errno(|| resolve(poller)?.lock().add(Object::Socket(socket), user_data, events))
}

/// Changes which events of a socket are waited for.
///
/// - `poller`: the poller.
/// - `socket`: the socket.
/// - `events`: as for `zmq_poller_add`.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: the poller is none.
/// - ENOTSOCK: the socket is none.
/// - EINVAL: it is not registered, or there are no such events.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_modify(
    poller: *mut c_void,
    socket: *mut c_void,
    events: c_short,
) -> c_int {
    guard_keeping_errno(|| resolve(poller)?.lock().modify(Object::Socket(socket), events))
}

/// Forgets a socket.
///
/// - `poller`: the poller.
/// - `socket`: the socket.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: the poller is none.
/// - ENOTSOCK: the socket is none.
/// - EINVAL: it is not registered.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_remove(poller: *mut c_void, socket: *mut c_void) -> c_int {
    guard_keeping_errno(|| resolve(poller)?.lock().remove(Object::Socket(socket)))
}

/// Waits until one of the registered is ready.
///
/// - `poller`: the poller.
/// - `event`: where it is told which, with what it was registered with. After a failure
///   it says nothing.
/// - `timeout`: how many milliseconds to wait at most; 0: only look; -1: for ever.
///
/// Returns 0, or -1 with errno:
///
/// - EAGAIN: none was ready in time.
/// - EFAULT: the poller is none, `event` is NULL, or nothing could end the wait.
/// - ETERM: the context of one of the sockets is ending.
/// - ENOTSOCK: one of the sockets was closed.
/// - EINTR: a signal was caught.
///
/// # Safety
/// `event` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_wait(
    poller: *mut c_void,
    event: *mut PollerEvent,
    timeout: c_long,
) -> c_int {
    guard_keeping_errno(|| {
        let shared = resolve(poller)?;
        if event.is_null() {
            return Err(Errno::EFAULT);
        }
        let mut told = [PollerEvent::NONE];
        let waited = wait(&shared, &mut told, timeout);
        // SAFETY: not NULL, so writable by the caller's promise.
        unsafe { event.write(told[0]) };
        waited.map(drop)
    })
}

/// Waits until some of the registered are ready.
///
/// - `poller`: the poller.
/// - `events`: where it is told which, with what they were registered with.
/// - `n_events`: for how many there is room.
/// - `timeout`: how many milliseconds to wait at most; 0: only look; -1: for ever.
///
/// Returns how many are told of, which is never 0, or -1 with errno:
///
/// - EAGAIN: none was ready in time.
/// - EINVAL: there is no room for any.
/// - EFAULT: the poller is none, `events` is NULL, or nothing could end the wait.
/// - ETERM: the context of one of the sockets is ending.
/// - ENOTSOCK: one of the sockets was closed.
/// - EINTR: a signal was caught.
///
/// # Safety
/// `events` is NULL or writable for `n_events` of them.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_wait_all(
    poller: *mut c_void,
    events: *mut PollerEvent,
    n_events: c_int,
    timeout: c_long,
) -> c_int {
    guard_keeping_errno(|| {
        let shared = resolve(poller)?;
        if events.is_null() {
            return Err(Errno::EFAULT);
        }
        let room = usize::try_from(n_events).ok().filter(|room| *room > 0).ok_or(Errno::EINVAL)?;
        let count = shared.lock().len().min(room);
        let mut told = vec![PollerEvent::NONE; count];
        let ready = wait(&shared, &mut told, timeout)?;
        // SAFETY: writable by the caller's promise, for as many as were told of.
        unsafe { ptr::copy_nonoverlapping(told.as_ptr(), events, ready) };
        Ok(c_int::try_from(ready).unwrap_or(c_int::MAX))
    })
}

/// A descriptor that becomes readable when one of the registered sockets may be ready,
/// as far as they are made for several threads (`ZMQ_THREAD_SAFE`).
///
/// - `poller`: the poller.
/// - `fd`: where the descriptor is written. It stays the poller's.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: no such socket is registered.
/// - EFAULT: the poller is none, or `fd` is NULL.
/// - EMFILE: there are as many descriptors as there may be.
///
/// # Safety
/// `fd` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_fd(poller: *mut c_void, fd: *mut c_int) -> c_int {
    guard_keeping_errno(|| {
        let shared = resolve(poller)?;
        if fd.is_null() {
            return Err(Errno::EFAULT);
        }
        let raw = shared.lock().fd()?;
        // SAFETY: not NULL, so writable by the caller's promise.
        unsafe { fd.write(raw) };
        Ok(())
    })
}

/// Registers a descriptor.
///
/// - `poller`: the poller.
/// - `fd`: the descriptor.
/// - `user_data`: what is to come back with its events.
/// - `events`: an or of `ZMQ_POLLIN`, `ZMQ_POLLOUT`, `ZMQ_POLLERR` and `ZMQ_POLLPRI`;
///   0: none for now.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: the poller is none.
/// - EBADF: the descriptor is none.
/// - EINVAL: it is registered already, or there are no such events.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_add_fd(
    poller: *mut c_void,
    fd: c_int,
    user_data: *mut c_void,
    events: c_short,
) -> c_int {
    guard_keeping_errno(|| resolve(poller)?.lock().add(Object::Descriptor(fd), user_data, events))
}

/// Changes which events of a descriptor are waited for.
///
/// - `poller`: the poller.
/// - `fd`: the descriptor.
/// - `events`: as for `zmq_poller_add_fd`.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: the poller is none.
/// - EBADF: the descriptor is none.
/// - EINVAL: it is not registered, or there are no such events.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_modify_fd(poller: *mut c_void, fd: c_int, events: c_short) -> c_int {
    guard_keeping_errno(|| resolve(poller)?.lock().modify(Object::Descriptor(fd), events))
}

/// Forgets a descriptor.
///
/// - `poller`: the poller.
/// - `fd`: the descriptor.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: the poller is none.
/// - EBADF: the descriptor is none.
/// - EINVAL: it is not registered.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_remove_fd(poller: *mut c_void, fd: c_int) -> c_int {
    guard_keeping_errno(|| resolve(poller)?.lock().remove(Object::Descriptor(fd)))
}

/// As `zmq_poll`, with another mask of signals while it waits.
///
/// - `items_`, `nitems_`, `timeout_`: as for `zmq_poll`.
/// - `sigmask_`: the signals that are to wait, or NULL: those that wait anyway.
///
/// Returns how many items are ready, 0 once the time is over, or -1 with errno as
/// `zmq_poll` does.
///
/// # Safety
/// `items_` is NULL or valid for `nitems_` items; `sigmask_` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_ppoll(
    items_: *mut PollItem,
    nitems_: c_int,
    timeout_: c_long,
    sigmask_: *const libc::sigset_t,
) -> c_int {
    guard_keeping_errno(|| {
        // SAFETY: the caller's promise.
        let (items, mask) = unsafe { (items(items_, nitems_)?, sigmask_.as_ref()) };
        let ready = poll_masked(items, timeout_of(timeout_), mask)?;
        Ok(c_int::try_from(ready).unwrap_or(c_int::MAX))
    })
}

/// Every poller of the process.
static HANDLES: Handles<Shared> = Handles::new();

/// A poller as a call holds it, which may outlive the handle.
type Shared = Arc<FutexMutex<Poller>>;

fn resolve(handle: *mut c_void) -> Result<Shared> {
    HANDLES.value(handle)
}

fn wait(shared: &Shared, told: &mut [PollerEvent], timeout: c_long) -> Result<usize> {
    // Not locked while it waits.
    let snapshot = shared.lock().snapshot();
    let timeout: Option<Duration> = timeout_of(timeout);
    snapshot.wait(told, timeout)
}
