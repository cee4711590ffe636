//! The only door to atomics, shared cells and parking: the standard library's,
//! or loom's under `cfg(loom)`, so that every lock-free protocol in the tree
//! can be model-checked as it is written.

mod arena;
#[cfg(not(loom))]
mod barrier;
mod cancel;
mod cell;
mod descriptor;
mod event_fd;
mod fork;
mod futex;
mod global_lock;
mod helpers;
mod lock;
mod mutex;
mod parker;
mod set_once;
mod signals;
mod thread;
mod try_lock;

pub(crate) use arena::Arena;
#[cfg(not(loom))]
pub(crate) use barrier::{heavy_fence, light_fence, prepare as prepare_fences};
pub(crate) use cancel::{end_thread, pthread_join, sleep, uncancelled, was_cancelled};
pub(crate) use cell::SharedCell;
pub(crate) use descriptor::{UnlessLost, close_fd, ppoll};
pub(crate) use event_fd::EventFd;
pub(crate) use fork::{call_in_child, generation as fork_generation};
pub(crate) use global_lock::{GlobalLock, Inherited};
pub(crate) use helpers::Helpers;
pub(crate) use lock::{Lock, LockGuard};
pub(crate) use mutex::{FutexMutex, FutexMutexGuard, Mutex, take_over};
pub(crate) use parker::{Parked, Parker};
pub(crate) use set_once::SetOnce;
pub(crate) use signals::{HeldSignals, with_signals_blocked};
pub(crate) use thread::Thread;
pub(crate) use try_lock::{TryLock, TryLockGuard};

#[cfg(loom)]
pub(crate) use loom::sync::{
    Arc,
    atomic::{
        AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    },
};
#[cfg(not(loom))]
pub(crate) use std::sync::{
    Arc,
    atomic::{
        AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    },
};

/// Keeps what one thread writes off the cache lines another thread writes
/// (two lines: adjacent-line prefetch pairs them on x86).
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct CachePadded<T>(pub(crate) T);

impl<T> std::ops::Deref for CachePadded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// The StoreLoad fence that follows a sequentially consistent swap.
///
/// A SeqCst read-modify-write already orders what the protocols here need, and
/// on x86 it is the fence; loom treats SeqCst accesses as AcqRel, so there the
/// fence is spelled out.
#[inline(always)]
pub(crate) fn fence_after_swap() {
    #[cfg(any(loom, not(target_arch = "x86_64")))]
    fence(Ordering::SeqCst);
}

/// Under loom both halves are the same full fence.
#[cfg(loom)]
pub(crate) fn light_fence() {
    fence(Ordering::SeqCst);
}

/// See [`light_fence`].
#[cfg(loom)]
pub(crate) fn heavy_fence() {
    fence(Ordering::SeqCst);
}

/// Nothing to find out.
#[cfg(loom)]
pub(crate) fn prepare_fences() {}

/// Checks a model with at most so many preemptions in each of its executions:
/// where all of them would be too many. Bugs that need more than two are rare.
#[cfg(all(test, loom))]
pub(crate) fn bounded_model(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}
