//! Free functions of callers run with no lock of the library held: they may
//! call the library, even on the socket whose message they free.
//!
//! A message may be dropped anywhere. Its free function then waits in a list of
//! the thread's own until the thread has come to a place where it holds
//! nothing: [`run_waiting`] stands at the end of every C call, of every use of a
//! socket and of everything a session does for its reactor. Where no caller uses free functions,
//! which is nearly everywhere, that costs one load.

use std::cell::RefCell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::FreeFn;

/// A free function and what it is called with.
pub(super) struct Free {
    pub(super) function: FreeFn,
    pub(super) data: *mut c_void,
    pub(super) hint: *mut c_void,
}

/// Free functions that wait, on whatever thread.
static WAITING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static LIST: RefCell<Vec<Free>> = const { RefCell::new(Vec::new()) };
}

/// Lets a free function run soon, on this thread.
pub(super) fn run_soon(free: Free) {
    let mut free = Some(free);
    let waits = LIST.try_with(|list| list.borrow_mut().extend(free.take()));
    if waits.is_ok() {
        WAITING.fetch_add(1, Ordering::Relaxed);
    } else if let Some(free) = free {
        // The thread is ending, its list is gone, and it holds nothing.
        run(&free);
    }
}

/// Runs what waits on this thread, which holds no lock.
#[inline(always)]
pub(crate) fn run_waiting() {
    if WAITING.load(Ordering::Relaxed) > 0 {
        run_list();
    }
}

#[cold]
fn run_list() {
    // A free function may free further messages.
    while let Ok(list) = LIST.try_with(|list| std::mem::take(&mut *list.borrow_mut())) {
        if list.is_empty() {
            return;
        }
        for free in list {
            WAITING.fetch_sub(1, Ordering::Relaxed);
            run(&free);
        }
    }
}

fn run(free: &Free) {
    // SAFETY: the promise made to `Message::from_user`: callable once, from
    // any thread.
    unsafe { (free.function)(free.data, free.hint) };
}
