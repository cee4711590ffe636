//! Tells a forked child from its parent: the child has the parent's memory and
//! descriptors, but none of its threads.
//!
//! Nothing here waits: the thread that is waited for may have stayed behind in the parent.

use std::mem;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

static GENERATION: AtomicU64 = AtomicU64::new(0);
static REGISTERED: AtomicBool = AtomicBool::new(false);
/// A `fn()`, or null.
static IN_CHILD: AtomicPtr<()> = AtomicPtr::new(null_mut());

/// Has `f` called in each child from now on, on its only thread, before it goes on. There
/// is one such function in the process; what it may do is what a signal handler may.
pub(crate) fn call_in_child(f: fn()) {
    IN_CHILD.store(f as *mut (), Ordering::Relaxed);
    generation();
}

/// Counts the forks between the first call in an ancestor and here.
#[inline]
pub(crate) fn generation() -> u64 {
    if !REGISTERED.load(Ordering::Relaxed) {
        register();
    }
    GENERATION.load(Ordering::Relaxed)
}

/// Threads that come here at once register the handler more than once: then a fork counts
/// as several, which does no harm.
#[cold]
fn register() {
    // SAFETY: the handler does what a signal handler may.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    REGISTERED.store(true, Ordering::Relaxed);
}

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    let f = IN_CHILD.load(Ordering::Relaxed);
    if !f.is_null() {
        // SAFETY: `call_in_child` has stored it.
        unsafe { mem::transmute::<*mut (), fn()>(f)() };
    }
}
