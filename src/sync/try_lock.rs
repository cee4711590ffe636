//! A lock for what only one thread does at a time and nobody waits for: it is
//! tried, and who does not get it does something else.

use super::{AtomicBool, Ordering, SharedCell};

/// See the file's head.
pub(crate) struct TryLock<T> {
    held: AtomicBool,
    value: SharedCell<T>,
}

// SAFETY: the value is lent to whoever has moved `held` from false to true, to
// one thread at a time; acquire and release order what they do with it.
unsafe impl<T: Send> Sync for TryLock<T> {}

impl<T> TryLock<T> {
    /// A lock around `value`.
    pub(crate) fn new(value: T) -> TryLock<T> {
        TryLock { held: AtomicBool::new(false), value: SharedCell::new(value) }
    }

    /// The lock, if nobody has it.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<TryLockGuard<'_, T>> {
        let tried = self.held.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        tried.is_ok().then(|| TryLockGuard(self))
    }
}

/// What [`TryLock::try_lock`] gives.
pub(crate) struct TryLockGuard<'a, T>(&'a TryLock<T>);

impl<T> TryLockGuard<'_, T> {
    /// Lends the value.
    pub(crate) fn with<R>(&mut self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: the lock is held by this guard, which is borrowed meanwhile.
        self.0.value.with_mut(|value| f(unsafe { &mut *value }))
    }
}

impl<T> Drop for TryLockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.held.store(false, Ordering::Release);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::super::Arc;
    use super::*;

    #[test]
    fn loom_one_thread_at_a_time_has_a_try_lock() {
        loom::model(|| {
            let lock = Arc::new(TryLock::new(0));
            let count = |lock: &TryLock<u32>| {
                let Some(mut guard) = lock.try_lock() else { return 0 };
                guard.with(|n| {
                    loom::thread::yield_now();
                    *n += 1;
                    *n
                })
            };
            let other = lock.clone();
            let thread = loom::thread::spawn(move || count(&other));
            let counted = [count(&lock), thread.join().unwrap()];
            let total = lock.try_lock().unwrap().with(|n| *n);
            assert_eq!(counted.iter().filter(|n| **n > 0).count(), total as usize);
            assert_eq!(counted.iter().max(), Some(&total));
        });
    }
}
