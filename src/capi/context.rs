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

/// Makes a context. NULL with ENOMEM when there is no memory for it.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_new() -> *mut c_void {
    traced!(Api, guard_keeping_errno(|| ContextSlot::open().map(handle_of)), "zmq_ctx_new ()")
}

/// Ends a context: waits until its sockets are closed and have lingered.
/// EFAULT, EINTR (call it again).
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_ctx_term(context_: *mut c_void) -> c_int {
    traced!(
        Api,
        guard_keeping_errno(|| context(context_)?.terminate()),
        "zmq_ctx_term ({context_:p})"
    )
}

/// Makes every blocking call in a context return ETERM, now and from then on.
/// EFAULT.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_shutdown(context_: *mut c_void) -> c_int {
    let shut = || {
        context(context_)?.context()?.shutdown();
        Ok(())
    };
    traced!(Api, guard_keeping_errno(shut), "zmq_ctx_shutdown ({context_:p})")
}

/// Sets a context option. EFAULT, EINVAL.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_set(context_: *mut c_void, option: c_int, optval: c_int) -> c_int {
    traced!(
        Api,
        guard(|| context(context_)?.context()?.set(option, optval)),
        "zmq_ctx_set ({context_:p}, {option}, {optval})"
    )
}

/// Reads a context option. -1 with EFAULT or EINVAL.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_get(context_: *mut c_void, option: c_int) -> c_int {
    traced!(
        Api,
        guard(|| context(context_)?.context()?.option(option)),
        "zmq_ctx_get ({context_:p}, {option})"
    )
}

/// Old name of making a context, with its number of I/O threads. NULL with
/// EINVAL when that is negative.
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

/// Old name of `zmq_ctx_term`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_term(context_: *mut c_void) -> c_int {
    zmq_ctx_term(context_)
}

/// Old name of `zmq_ctx_term`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_ctx_destroy(context_: *mut c_void) -> c_int {
    zmq_ctx_term(context_)
}

const ZMQ_IO_THREADS: c_int = 1;
