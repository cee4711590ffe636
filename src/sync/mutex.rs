//! Mutexes: whoever waits sleeps on the mutex's own word.
//!
//! Those that keep who sleeps in a table for all of them (parking_lot's) have locks in that
//! table: a child that was forked while a thread of its parent went to sleep would wait for
//! them for ever, with mutexes of its own.

// The standard library's, also under loom: mutexes stand in statics.
use std::sync::atomic::{AtomicU32, Ordering};

use lock_api::{GuardNoSend, RawMutex};

use super::futex;

/// A mutex around `T`, of which loom knows nothing.
pub(crate) type FutexMutex<T> = lock_api::Mutex<RawFutexMutex, T>;
/// What [`FutexMutex::lock`] gives.
pub(crate) type FutexMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawFutexMutex, T>;

/// The mutex of protocols that are checked by model, in which loom must know who waits for
/// whom.
#[cfg(not(loom))]
pub(crate) use FutexMutex as Mutex;

/// Nobody has it.
const FREE: u32 = 0;
/// Somebody has it, and nobody waits.
const HELD: u32 = 1;
/// Somebody has it, and others may sleep.
const AWAITED: u32 = 2;

/// Looks before a waiter offers its core to others: the holder may wait for one.
const LOOKS: u32 = 20;
/// Yields before a waiter sleeps.
const YIELDS: u32 = 10;

/// See the file's head.
pub(crate) struct RawFutexMutex {
    state: AtomicU32,
}

impl RawFutexMutex {
    #[cold]
    fn wait(&self) {
        for look in 0..LOOKS + YIELDS {
            match self.state.load(Ordering::Relaxed) {
                FREE if self.try_lock() => return,
                // Others sleep already.
                AWAITED => break,
                _ if look < LOOKS => std::hint::spin_loop(),
                _ => std::thread::yield_now(),
            }
        }
        // Whoever has slept cannot know whether others still do.
        while self.state.swap(AWAITED, Ordering::Acquire) != FREE {
            futex::sleep(&self.state, AWAITED);
        }
    }

    #[cold]
    fn wake(&self) {
        futex::wake_sleeper(self.state.as_ptr());
    }
}

// SAFETY: `state` leaves FREE by a read-modify-write that only one thread can win, and goes
// back to it by the one that did; acquire and release order what is guarded.
unsafe impl RawMutex for RawFutexMutex {
    #[allow(clippy::declare_interior_mutable_const, reason = "the trait wants a constant")]
    const INIT: RawFutexMutex = RawFutexMutex { state: AtomicU32::new(FREE) };

    type GuardMarker = GuardNoSend;

    #[inline]
    fn lock(&self) {
        if !self.try_lock() {
            self.wait();
        }
    }

    #[inline]
    fn try_lock(&self) -> bool {
        self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline]
    unsafe fn unlock(&self) {
        if self.state.swap(FREE, Ordering::Release) == AWAITED {
            self.wake();
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.state.load(Ordering::Relaxed) != FREE
    }
}

/// Has `mend` change what is there, and frees the mutex if a thread held it that is not here
/// any more.
///
/// # Safety
/// The process has just forked, and this is the child's only thread.
#[cfg(not(loom))]
pub(crate) unsafe fn take_over<T>(mutex: &Mutex<T>, mend: impl FnOnce(&mut T)) {
    // SAFETY: nobody else is here, by the caller's promise.
    mend(unsafe { &mut *mutex.data_ptr() });
    if mutex.is_locked() {
        // SAFETY: whoever held it is gone. If it is this very thread, a signal handler has
        // forked amid a call, which gives back once more what nobody else takes.
        unsafe { mutex.force_unlock() };
    }
}

/// No model forks.
///
/// # Safety
/// None is needed.
#[cfg(loom)]
pub(crate) unsafe fn take_over<T>(mutex: &Mutex<T>, mend: impl FnOnce(&mut T)) {
    mend(&mut mutex.lock());
}

/// Loom's, with the same interface.
#[cfg(loom)]
#[derive(Debug)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(loom)]
impl<T> Mutex<T> {
    /// A mutex around `value`.
    pub(crate) fn new(value: T) -> Mutex<T> {
        Mutex(loom::sync::Mutex::new(value))
    }

    /// Waits for the mutex.
    pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The mutex, if nobody has it.
    pub(crate) fn try_lock(&self) -> Option<loom::sync::MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_thread_at_a_time() {
        let mutex = FutexMutex::new(0u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20_000).for_each(|_| *mutex.lock() += 1));
            }
        });
        assert_eq!(*mutex.lock(), 80_000);
    }

    #[test]
    fn a_sleeper_is_woken() {
        let mutex = FutexMutex::new(());
        let held = mutex.lock();
        assert!(mutex.try_lock().is_none());
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| drop(mutex.lock()));
            }
            // SAFETY: the lock is alive.
            let state = || unsafe { mutex.raw() }.state.load(Ordering::Relaxed);
            while state() != AWAITED {
                std::thread::yield_now();
            }
            drop(held);
        });
        assert!(!mutex.is_locked());
    }
}
