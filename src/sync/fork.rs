//! Tells a forked child from its parent: the child has the parent's memory and
//! descriptors, but none of its threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Once, OnceLock};

static GENERATION: AtomicU64 = AtomicU64::new(0);
static REGISTER: Once = Once::new();
static IN_CHILD: OnceLock<fn()> = OnceLock::new();

/// Has `f` called in each child from now on, on its only thread, before it goes on. There
/// is one such function in the process; what it may do is what a signal handler may.
pub(crate) fn call_in_child(f: fn()) {
    let _ = IN_CHILD.set(f);
    generation();
}

/// Counts the forks between the first call in an ancestor and here.
pub(crate) fn generation() -> u64 {
    REGISTER.call_once(|| {
        // SAFETY: the handler does what a signal handler may.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
    GENERATION.load(Ordering::Relaxed)
}

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    if let Some(f) = IN_CHILD.get() {
        f();
    }
}
