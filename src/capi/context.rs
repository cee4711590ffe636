//! `zmq_ctx_*` and their old names (manual pages zmq_ctx_new to zmq_ctx_term).

use std::ffi::{c_int, c_void};

use super::entry::{guard, guard_keeping_errno};
use super::traced::traced;
use crate::context::{ARENA, ContextSlot};
use crate::error::{Errno, Result};

/// The context behind a handle. `EFAULT` when it is none.
pub(super) fn context(handle: *mut c_void) -> Result<&'static ContextSlot> {
    ARENA.find(handle as usize).ok_or(Errno::EFAULT)
}

fn handle_of(slot: &'static ContextSlot) -> *mut c_void {
    std::ptr::from_ref(slot).cast_mut().cast()
}

/// Makes a context, which holds sockets and I/O threads.
///
/// All threads may use it at once. Its threads start with its first socket.
///
/// Returns the context, to be given up with `zmq_ctx_term`, or NULL with errno:
///
/// - ENOMEM: there is no room for another one.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_new() -> *mut c_void {
    traced!(Api, guard_keeping_errno(|| ContextSlot::open().map(handle_of)), "zmq_ctx_new ()")
}

/// Ends a context and gives it up.
///
/// Calls that block on its sockets, and later ones, fail with ETERM. Then this
/// waits until every socket is closed, and what they had to send is sent or
/// `ZMQ_LINGER` is over.
///
/// - `context_`: the context.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: it is no context, or no longer.
/// - EINTR: a signal was caught; call this again.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_ctx_term(context_: *mut c_void) -> c_int {
    traced!(
        Api,
        guard_keeping_errno(|| context(context_)?.terminate()),
        "zmq_ctx_term ({context_:p})"
    )
}

/// Has every call on a context's sockets return ETERM, now and from then on,
/// `zmq_close` excepted; no new sockets are made.
///
/// Never blocks. The sockets are still to be closed, and the context to be
/// ended.
///
/// - `context_`: the context.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: it is no context.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_shutdown(context_: *mut c_void) -> c_int {
    let shut = || {
        context(context_)?.context()?.shutdown();
        Ok(())
    };
    traced!(Api, guard_keeping_errno(shut), "zmq_ctx_shutdown ({context_:p})")
}

/// Sets a context option.
///
/// - `context_`: the context.
/// - `option`: one of the context options above, such as `ZMQ_IO_THREADS`.
/// - `optval`: its value. Most count for threads and sockets that are made
///   later.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: there is no such option, or it cannot have this value.
/// - EFAULT: `context_` is no context.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_set(context_: *mut c_void, option: c_int, optval: c_int) -> c_int {
    traced!(
        Api,
        guard(|| context(context_)?.context()?.set(option, optval)),
        "zmq_ctx_set ({context_:p}, {option}, {optval})"
    )
}

/// Reads a context option.
///
/// - `context_`: the context.
/// - `option`: one of the context options above, such as `ZMQ_IO_THREADS`.
///
/// Returns its value, or -1 with errno:
///
/// - EINVAL: there is no such option, or it can only be set.
/// - EFAULT: `context_` is no context.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_get(context_: *mut c_void, option: c_int) -> c_int {
    traced!(
        Api,
        guard(|| context(context_)?.context()?.option(option)),
        "zmq_ctx_get ({context_:p}, {option})"
    )
}

/// Makes a context. Deprecated: use `zmq_ctx_new` and `zmq_ctx_set`.
///
/// - `io_threads`: how many I/O threads it is to have.
///
/// Returns the context, to be given up with `zmq_ctx_term`, or NULL with errno:
///
/// - EINVAL: the number is negative.
/// - ENOMEM: there is no room for another one.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_init(io_threads: c_int) -> *mut c_void {
    let make = || {
        if io_threads < 0 {
            return Err(Errno::EINVAL);
        }
        let slot = ContextSlot::open()?;
        slot.context()?.set(ZMQ_IO_THREADS, io_threads)?;
        Ok(handle_of(slot))
    };
    traced!(Api, guard_keeping_errno(make), "zmq_init ({io_threads})")
}

/// Ends a context. Deprecated: an old name of `zmq_ctx_term`.
///
/// - `context_`: the context.
///
/// Returns as `zmq_ctx_term`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_term(context_: *mut c_void) -> c_int {
    zmq_ctx_term(context_)
}

/// Ends a context. Deprecated: an old name of `zmq_ctx_term`.
///
/// - `context_`: the context.
///
/// Returns as `zmq_ctx_term`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_ctx_destroy(context_: *mut c_void) -> c_int {
    zmq_ctx_term(context_)
}

const ZMQ_IO_THREADS: c_int = 1;
