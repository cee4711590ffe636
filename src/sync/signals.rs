//! Signals. Threads of the library's own take none: the mask is set before a
//! thread exists, since it inherits its maker's. On a thread of the application
//! they may be made to wait for a moment.

/// Runs `f` with all signals blocked, so that a thread it spawns never takes a
/// signal meant for the application.
pub(crate) fn with_signals_blocked<R>(f: impl FnOnce() -> R) -> R {
    // SAFETY: plain calls on signal sets of our own.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        let blocked = libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before) == 0;
        let result = f();
        if blocked {
            libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        }
        result
    }
}

/// Signals to this thread wait, until this is dropped.
pub(crate) struct HeldSignals {
    before: Option<libc::sigset_t>,
}

impl HeldSignals {
    /// Makes them wait, except for those by which the processor tells of errors.
    pub(crate) fn new() -> HeldSignals {
        // SAFETY: plain calls on signal sets of our own.
        unsafe {
            let mut held: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&mut held);
            for error in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP] {
                libc::sigdelset(&mut held, error);
            }
            let done = libc::pthread_sigmask(libc::SIG_BLOCK, &held, &mut before) == 0;
            HeldSignals { before: done.then_some(before) }
        }
    }

    /// What waits otherwise: the mask for a sleep in which they come.
    pub(crate) fn mask(&self) -> Option<&libc::sigset_t> {
        self.before.as_ref()
    }

    /// Lets the handlers of those run that have come. Whether there were any.
    pub(crate) fn deliver(&self) -> bool {
        let Some(before) = &self.before else {
            return false;
        };
        let no_time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: polls nothing, with the former mask, for no time: only a handler
        // that ran makes it fail. The kernel's set is the first 8 bytes.
        let done = unsafe {
            libc::syscall(libc::SYS_ppoll, std::ptr::null::<u8>(), 0, &no_time, before, 8)
        };
        done < 0
    }
}

impl Drop for HeldSignals {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // SAFETY: a plain call on a signal set of our own.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, std::ptr::null_mut()) };
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    static SEEN: AtomicU32 = AtomicU32::new(0);

    extern "C" fn note(_: libc::c_int) {
        SEEN.fetch_add(1, Ordering::Relaxed);
    }

    fn raise(signal: libc::c_int) {
        // SAFETY: to this thread; the signal is caught or ignored.
        unsafe { libc::pthread_kill(libc::pthread_self(), signal) };
    }

    #[test]
    fn held_signals_are_delivered_when_asked_for() {
        // SAFETY: a handler that may run at any time.
        unsafe {
            libc::signal(libc::SIGURG, note as *const () as libc::sighandler_t);
            libc::signal(libc::SIGWINCH, libc::SIG_IGN);
        }
        let held = HeldSignals::new();
        assert!(!held.deliver());
        raise(libc::SIGURG);
        assert_eq!(SEEN.load(Ordering::Relaxed), 0);
        assert!(held.deliver());
        assert_eq!(SEEN.load(Ordering::Relaxed), 1);
        raise(libc::SIGWINCH);
        assert!(!held.deliver());
        raise(libc::SIGURG);
        drop(held);
        assert_eq!(SEEN.load(Ordering::Relaxed), 2);
    }
}
