//! The lock around what the whole process shares. A child that is forked while another
//! thread holds it takes it over: the thread stayed behind in the parent.
//!
//! Who holds it is written down as the fork generation, which is all that a child needs to
//! know its own threads from those of its parent. The other way, to take every such lock
//! before each fork (pthread_atfork's first handler), would have the order of these locks
//! depend on those that other libraries take in the same way.
//!
//! For what is short and rare: waiters look again, yield, and nap.

use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::mem;
use std::ops::{Deref, DerefMut};
// The standard library's, also under loom: these locks are statics.
use std::sync::atomic::{AtomicU32, Ordering};

use super::fork::generation;
use super::lock::Backoff;

/// See the file's head.
pub(crate) struct GlobalLock<T> {
    /// [`FREE`], or whose it is.
    holder: AtomicU32,
    value: UnsafeCell<T>,
}

/// What a child finds that its parent's thread may have been changing.
pub(crate) trait Inherited {
    /// Makes it whole again. Of what is there nothing may be dropped or relied upon.
    fn inherit(&mut self);
}

impl<T> Inherited for Vec<T> {
    fn inherit(&mut self) {
        mem::forget(mem::take(self));
    }
}

impl<T> Inherited for VecDeque<T> {
    fn inherit(&mut self) {
        mem::forget(mem::take(self));
    }
}

/// Is filled while nobody knows of it, and emptied by `take`: what is there is whole.
impl<T> Inherited for Option<T> {
    fn inherit(&mut self) {}
}

const FREE: u32 = 0;

// SAFETY: the value is lent to whoever has moved `holder` to its own process's mark, to one
// thread at a time; acquire and release order what they do with it.
unsafe impl<T: Send> Sync for GlobalLock<T> {}

impl<T> GlobalLock<T> {
    /// A lock around `value`.
    pub(crate) const fn new(value: T) -> GlobalLock<T> {
        GlobalLock { holder: AtomicU32::new(FREE), value: UnsafeCell::new(value) }
    }
}

impl<T: Inherited> GlobalLock<T> {
    /// Waits for the lock.
    #[inline]
    pub(crate) fn lock(&self) -> GlobalLockGuard<'_, T> {
        let mark = mark();
        match self.take(FREE, mark) {
            Ok(guard) => guard,
            Err(holder) => self.wait(holder, mark),
        }
    }

    #[cold]
    fn wait(&self, mut holder: u32, mark: u32) -> GlobalLockGuard<'_, T> {
        let mut backoff = Backoff::new();
        loop {
            let is_inherited = holder != FREE && holder != mark;
            match self.take(if is_inherited { holder } else { FREE }, mark) {
                Ok(mut guard) => {
                    if is_inherited {
                        guard.inherit();
                    }
                    return guard;
                }
                Err(other) => holder = other,
            }
            backoff.pause();
        }
    }

    /// Says whose it is, if it cannot be had from there.
    fn take(&self, from: u32, mark: u32) -> Result<GlobalLockGuard<'_, T>, u32> {
        // Acquire: what the last holder did is seen.
        self.holder
            .compare_exchange(from, mark, Ordering::Acquire, Ordering::Relaxed)
            .map(|_| GlobalLockGuard { lock: self, _value: PhantomData })
    }
}

/// What threads of this process, and not those of its parent, write down. Never [`FREE`].
#[inline]
fn mark() -> u32 {
    (generation() as u32) << 1 | 1
}

/// What [`GlobalLock::lock`] gives.
pub(crate) struct GlobalLockGuard<'a, T> {
    lock: &'a GlobalLock<T>,
    /// Sent and shared as what it lends.
    _value: PhantomData<&'a mut T>,
}

impl<T> Deref for GlobalLockGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held by this guard.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for GlobalLockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held by this guard, which is borrowed meanwhile.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for GlobalLockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release: what this holder did is seen by the next.
        self.lock.holder.store(FREE, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_thread_at_a_time() {
        let lock = GlobalLock::new(Some(0u64));
        let count = || (0..20_000).for_each(|_| *lock.lock().as_mut().unwrap() += 1);
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(count))));
        assert_eq!(*lock.lock(), Some(80_000));
    }

    /// As a child finds it.
    fn held_in_the_parent<T>(value: T) -> GlobalLock<T> {
        let mark = mark().wrapping_sub(2);
        GlobalLock { holder: AtomicU32::new(mark), value: UnsafeCell::new(value) }
    }

    // Lists of nothing, since what is in them is let go of.
    #[test]
    fn a_child_takes_over_what_its_parent_held() {
        let list = held_in_the_parent(vec![(); 2]);
        assert!(list.lock().is_empty());
        list.lock().push(());
        assert_eq!(list.lock().len(), 1);
        assert_eq!(*held_in_the_parent(Some(1)).lock(), Some(1));
    }

    #[test]
    fn one_of_a_childs_threads_takes_it_over() {
        let list = held_in_the_parent(vec![()]);
        let add = || list.lock().push(());
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(add))));
        assert_eq!(list.lock().len(), 4);
    }
}
