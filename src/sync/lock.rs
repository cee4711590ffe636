//! The lock around a socket: one read-modify-write to take it, a plain store to
//! give it back.
//!
//! A socket is used by one thread at a time nearly always, and then the lock is
//! what a message costs most. A lock that lets waiters sleep must find out about
//! them when it is given back, with a second read-modify-write; here waiters
//! look again instead, yield, and in the end nap.

// The standard library's, also under loom: locks are made in constants.
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lock_api::{GuardNoSend, RawMutex};

use crate::error::KeepErrno;

/// A mutex around `T`.
pub(crate) type Lock<T> = lock_api::Mutex<RawLock, T>;
/// What [`Lock::lock`] gives.
pub(crate) type LockGuard<'a, T> = lock_api::MutexGuard<'a, RawLock, T>;

/// Looks before a waiter offers its core to others.
const LOOKS: u32 = 50;
/// Yields before a waiter naps.
const YIELDS: u32 = 100;
/// A nap: the holder is in the midst of a large write, or does not run.
const NAP: Duration = Duration::from_micros(50);

/// See the file's head.
pub(crate) struct RawLock {
    held: AtomicBool,
}

impl RawLock {
    #[cold]
    fn wait(&self) {
        let mut backoff = Backoff::new();
        while self.held.load(Ordering::Relaxed) || !self.try_lock() {
            backoff.pause();
        }
    }
}

/// What a waiter does between its looks.
pub(super) struct Backoff {
    looks: u32,
}

impl Backoff {
    /// Before the first look.
    pub(super) fn new() -> Backoff {
        Backoff { looks: 0 }
    }

    /// After a look that was in vain.
    pub(super) fn pause(&mut self) {
        self.looks += 1;
        if self.looks < LOOKS {
            std::hint::spin_loop();
        } else if self.looks < LOOKS + YIELDS {
            std::thread::yield_now();
        } else {
            nap();
        }
    }
}

/// Sleeps for [`NAP`] or until a signal comes. The C library's sleep, which the
/// standard library's is, would be a pthread cancellation point: a thread must
/// not end in the midst of a call. A raw system call is none.
fn nap() {
    let _errno = KeepErrno::new();
    let time = libc::timespec { tv_sec: 0, tv_nsec: NAP.subsec_nanos() as libc::c_long };
    // SAFETY: the time is readable during the call; no remainder is asked for.
    unsafe {
        libc::syscall(libc::SYS_nanosleep, &time, std::ptr::null_mut::<libc::timespec>());
    }
}

// SAFETY: `held` goes from false to true by a swap that only one thread can
// win, and back by the one that did; acquire and release order what is guarded.
unsafe impl RawMutex for RawLock {
    #[allow(clippy::declare_interior_mutable_const, reason = "the trait wants a constant")]
    const INIT: RawLock = RawLock { held: AtomicBool::new(false) };

    type GuardMarker = GuardNoSend;

    #[inline]
    fn lock(&self) {
        if self.held.swap(true, Ordering::Acquire) {
            self.wait();
        }
    }

    #[inline]
    fn try_lock(&self) -> bool {
        !self.held.swap(true, Ordering::Acquire)
    }

    #[inline]
    unsafe fn unlock(&self) {
        self.held.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_at_a_time() {
        let lock = Lock::new(0u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20_000).for_each(|_| *lock.lock() += 1));
            }
        });
        assert_eq!(*lock.lock(), 80_000);
        let _held = lock.lock();
        assert!(lock.try_lock().is_none());
    }
}
