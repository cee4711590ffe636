//! `UnsafeCell` with one interface for the standard library and loom: access
//! goes through closures, so that loom can see when it begins and ends.

/// A cell whose exclusive use some protocol outside of it guarantees.
#[derive(Debug)]
pub(crate) struct SharedCell<T> {
    #[cfg(not(loom))]
    inner: std::cell::UnsafeCell<T>,
    #[cfg(loom)]
    inner: loom::cell::UnsafeCell<T>,
}

impl<T> SharedCell<T> {
    /// A cell around `value`.
    pub(crate) fn new(value: T) -> SharedCell<T> {
        #[cfg(not(loom))]
        let inner = std::cell::UnsafeCell::new(value);
        #[cfg(loom)]
        let inner = loom::cell::UnsafeCell::new(value);
        SharedCell { inner }
    }

    /// Lends the content for reading. The caller guarantees that nobody writes
    /// meanwhile.
    #[inline(always)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        #[cfg(not(loom))]
        return f(self.inner.get());
        #[cfg(loom)]
        return self.inner.with(f);
    }

    /// Lends the content for writing. The caller guarantees that nobody else
    /// has it meanwhile.
    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        #[cfg(not(loom))]
        return f(self.inner.get());
        #[cfg(loom)]
        return self.inner.with_mut(f);
    }
}
