//! Free functions of callers run with no lock of the library held: they may
//! call the library, even on the socket whose message they free.
//!
//! While a thread holds a socket, frees wait in a list of its own; the end of
//! the outermost [`HoldFrees`] runs them.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::marker::PhantomData;

use super::FreeFn;

/// A free function and what it is called with.
#[derive(Clone, Copy)]
pub(super) struct Free {
    pub(super) function: FreeFn,
    pub(super) data: *mut c_void,
    pub(super) hint: *mut c_void,
}

thread_local! {
    static HELD: Cell<u32> = const { Cell::new(0) };
    static HAS_WAITING: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<Vec<Free>> = const { RefCell::new(Vec::new()) };
}

/// While it lives, free functions wait on this thread. Drop it after the lock.
pub(crate) struct HoldFrees {
    /// Tied to its thread.
    _thread: PhantomData<*const ()>,
}

impl HoldFrees {
    /// From now on free functions wait.
    #[inline]
    pub(crate) fn new() -> HoldFrees {
        HELD.set(HELD.get() + 1);
        HoldFrees { _thread: PhantomData }
    }
}

impl Drop for HoldFrees {
    #[inline]
    fn drop(&mut self) {
        let held = HELD.get() - 1;
        HELD.set(held);
        if held == 0 && HAS_WAITING.get() {
            run_waiting();
        }
    }
}

/// Runs a free function, now or once nothing is held.
pub(super) fn run(free: Free) {
    if HELD.get() > 0 {
        let waits = WAITING.try_with(|waiting| waiting.borrow_mut().push(free));
        if waits.is_ok() {
            HAS_WAITING.set(true);
            return;
        }
    }
    // SAFETY: the promise made to `Message::from_user`: callable once, from
    // any thread.
    unsafe { (free.function)(free.data, free.hint) };
}

#[cold]
fn run_waiting() {
    HAS_WAITING.set(false);
    // A free function may free further messages; these run at once.
    let waiting = WAITING.try_with(|waiting| std::mem::take(&mut *waiting.borrow_mut()));
    for free in waiting.unwrap_or_default() {
        // SAFETY: as in `run`.
        unsafe { (free.function)(free.data, free.hint) };
    }
}
