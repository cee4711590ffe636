//! Sleeping on a word: Linux's futex; under loom a model of it, but for locks.

// The standard library's, also under loom: the words of locks.
use std::sync::atomic;
#[cfg(not(loom))]
use std::time::Duration;
use std::time::Instant;

use super::AtomicU32;
#[cfg(not(loom))]
use super::cancel::cancellable;
use crate::error::KeepErrno;

/// How a wait on a word ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// Woken, or the word had changed: look again.
    Changed,
    /// The time is up.
    TimedOut,
    /// A signal handler ran on this thread.
    Interrupted,
    /// This thread was cancelled.
    Cancelled,
}

/// Sleeps while `word` is `expected`, at most until `deadline`.
///
/// There is always a time-out, a far one if the caller has none: the kernel
/// resumes an untimed futex wait by itself after a handler installed with
/// SA_RESTART, and libzmq's blocking calls must return EINTR even then.
#[cfg(not(loom))]
pub(super) fn wait(word: &AtomicU32, expected: u32, deadline: Option<Instant>) -> Woken {
    const FAR: Duration = Duration::from_secs(3600 * 24 * 365);
    let timeout = deadline.map_or(FAR, |at| at.saturating_duration_since(Instant::now())).min(FAR);
    if timeout.is_zero() {
        return Woken::TimedOut;
    }
    let timeout = libc::timespec {
        tv_sec: timeout.as_secs() as libc::time_t,
        tv_nsec: timeout.subsec_nanos() as libc::c_long,
    };
    let (word, timeout) = (word.as_ptr(), &raw const timeout);
    // SAFETY: the word and the time-out outlive the call; the kernel reads
    // both only.
    let wait = || unsafe {
        libc::syscall(
            libc::SYS_futex,
            word,
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            expected,
            timeout,
        )
    };
    // SAFETY: a system call that changes nothing.
    match unsafe { cancellable(wait) } {
        None => return Woken::Cancelled,
        Some(0) => return Woken::Changed,
        Some(_) => {}
    }
    match std::io::Error::last_os_error().raw_os_error() {
        Some(libc::EINTR) => Woken::Interrupted,
        Some(libc::ETIMEDOUT) => Woken::TimedOut,
        _ => Woken::Changed,
    }
}

/// Wakes one thread that sleeps on `word`.
#[cfg(not(loom))]
pub(super) fn wake_one(word: &AtomicU32) {
    wake_sleeper(word.as_ptr());
}

/// Sleeps while `word` is `expected`, for a lock's sake: no cancellation point, and an
/// early end is no harm.
pub(super) fn sleep(word: &atomic::AtomicU32, expected: u32) {
    let _errno = KeepErrno::new();
    let no_timeout = std::ptr::null::<libc::timespec>();
    // SAFETY: the word outlives the call, which only reads it.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            expected,
            no_timeout,
        );
    }
}

/// Wakes one thread that [`sleep`]s on the word at this address.
pub(super) fn wake_sleeper(word: *const u32) {
    let _errno = KeepErrno::new();
    // SAFETY: only the address is used.
    unsafe {
        libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1);
    }
}

/// Under loom a waiter gives way until the word has changed: the model then
/// shows a lost wake-up as a livelock. One with a deadline gives way once, and
/// time is up: nothing may depend on being woken before.
#[cfg(loom)]
pub(super) fn wait(word: &AtomicU32, expected: u32, deadline: Option<Instant>) -> Woken {
    if deadline.is_some() {
        loom::thread::yield_now();
        return Woken::TimedOut;
    }
    while word.load(super::Ordering::Acquire) == expected {
        loom::thread::yield_now();
    }
    Woken::Changed
}

/// Under loom the change of the word is the wake-up.
#[cfg(loom)]
pub(super) fn wake_one(_: &AtomicU32) {
    loom::thread::yield_now();
}
