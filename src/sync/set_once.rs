//! A place that is written once and read by anyone afterwards.
//!
//! What the standard library's `OnceLock` does, through our own atomics: so
//! that loom and the thread sanitizer, which do not see into the standard
//! library, see who published what.

use super::{AtomicU32, Ordering, SharedCell};

/// Nothing is there.
const EMPTY: u32 = 0;
/// Somebody is writing.
const WRITING: u32 = 1;
/// The value is there, for good.
const SET: u32 = 2;

/// A value that comes late and stays.
pub(crate) struct SetOnce<T> {
    state: AtomicU32,
    value: SharedCell<Option<T>>,
}

// SAFETY: the value is written by the one who moved the state from EMPTY, and
// read only once it is SET; shared from then on, and dropped by anyone.
unsafe impl<T: Send + Sync> Sync for SetOnce<T> {}
// SAFETY: owns its value.
unsafe impl<T: Send> Send for SetOnce<T> {}

impl<T> SetOnce<T> {
    /// A place without a value.
    pub(crate) fn new() -> SetOnce<T> {
        SetOnce { state: AtomicU32::new(EMPTY), value: SharedCell::new(None) }
    }

    /// Puts the value there. Whoever comes second is too late: false, and its
    /// value is dropped.
    pub(crate) fn set(&self, value: T) -> bool {
        // Relaxed: nothing was published yet; this only picks the writer.
        let first =
            self.state.compare_exchange(EMPTY, WRITING, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_err() {
            return false;
        }
        // SAFETY: only one caller gets here, and nobody reads before SET.
        self.value.with_mut(|place| unsafe { *place = Some(value) });
        // Release: the value is there before it can be found.
        self.state.store(SET, Ordering::Release);
        true
    }

    /// The value, once it is there.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        // Acquire: pairs with the release in `set`.
        if self.state.load(Ordering::Acquire) != SET {
            return None;
        }
        // SAFETY: nobody writes once it is SET.
        self.value.with(|place| unsafe { (*place).as_ref() })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_stays() {
        let place = SetOnce::new();
        assert_eq!(place.get(), None);
        assert!(place.set(1));
        assert!(!place.set(2));
        assert_eq!(place.get(), Some(&1));
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::super::Arc;
    use super::*;

    #[test]
    fn loom_a_value_is_found_whole_or_not_at_all() {
        loom::model(|| {
            let place = Arc::new(SetOnce::new());
            let threads = [1, 2].map(|value| {
                let place = place.clone();
                loom::thread::spawn(move || place.set(Box::new(value)))
            });
            let early = place.get().map(|value| **value);
            let won = threads.map(|thread| thread.join().unwrap());
            assert_ne!(won[0], won[1]);
            let value = **place.get().unwrap();
            assert_eq!(value, if won[0] { 1 } else { 2 });
            assert!(early.is_none_or(|early| early == value));
        });
    }
}
