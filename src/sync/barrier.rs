//! A StoreLoad fence of two unequal halves: one side runs it for every message
//! and pays nothing, the other rarely and pays for both.
//!
//! Both sides store a word, pass their half, and load the other's word: then at
//! least one of them sees what the other has stored. The rare side has the
//! kernel run a full fence on every core this process runs on (membarrier(2));
//! where there is no such call, the frequent side runs fences of its own.

use std::sync::atomic::{AtomicBool, Ordering, compiler_fence, fence};

/// The kernel does it.
static KERNEL: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicBool = AtomicBool::new(false);

const MEMBARRIER_PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
const MEMBARRIER_REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

/// Finds out what the kernel can. Before the first use of the other two. Threads that come
/// here at once all ask, and are told the same: a forked child could not wait for one.
pub(crate) fn prepare() {
    // Acquire: the answer is known where it is known to have come.
    if !ASKED.load(Ordering::Acquire) {
        KERNEL.store(membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED), Ordering::Relaxed);
        ASKED.store(true, Ordering::Release);
    }
}

/// The frequent side's half.
#[inline(always)]
pub(crate) fn light_fence() {
    if KERNEL.load(Ordering::Relaxed) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// The rare side's half.
#[cold]
pub(crate) fn heavy_fence() {
    fence(Ordering::SeqCst);
    if KERNEL.load(Ordering::Relaxed) && !membarrier(MEMBARRIER_PRIVATE_EXPEDITED) {
        // A forked child has to register anew.
        membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED);
        if !membarrier(MEMBARRIER_PRIVATE_EXPEDITED) {
            // Refused from now on (a filter of system calls).
            KERNEL.store(false, Ordering::SeqCst);
        }
    }
}

fn membarrier(command: libc::c_int) -> bool {
    let _errno = crate::error::KeepErrno::new();
    // SAFETY: a plain system call without pointers.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}
