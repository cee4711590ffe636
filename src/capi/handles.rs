//! Handles for C of what is no socket or context: addresses of places that are
//! recycled and never unmapped, so that one that was given up, or never was
//! one, gives EFAULT and is not read.

use std::ffi::c_void;
use std::ptr;

use crate::error::{Errno, Result};
use crate::sync::{Arena, GlobalLock};

/// Everything of one kind that C holds handles of.
pub(super) struct Handles<T: 'static> {
    places: Arena<Place<T>>,
}

struct Place<T> {
    value: GlobalLock<Option<T>>,
}

impl<T: Send + 'static> Handles<T> {
    /// None yet.
    pub(super) const fn new() -> Handles<T> {
        Handles { places: Arena::new() }
    }

    /// A handle for the value that is made once there is a place for it, else
    /// `ENOMEM`; fails as the making does.
    pub(super) fn open(&self, value: impl FnOnce() -> Result<T>) -> Result<*mut c_void> {
        let make = || Place { value: GlobalLock::new(None) };
        let place = self.places.take(make).ok_or(Errno::ENOMEM)?;
        match value() {
            Ok(value) => *place.value.lock() = Some(value),
            Err(error) => {
                self.places.give_back(place);
                return Err(error);
            }
        }
        Ok(ptr::from_ref(place).cast_mut().cast())
    }

    /// The value behind a handle. `EFAULT` when there is none (any more).
    pub(super) fn value(&self, handle: *mut c_void) -> Result<T>
    where
        T: Clone,
    {
        self.place(handle)?.value.lock().clone().ok_or(Errno::EFAULT)
    }

    /// Gives a handle up and answers what was behind it. `EFAULT` when there
    /// is nothing (any more).
    pub(super) fn close(&self, handle: *mut c_void) -> Result<T> {
        let place = self.place(handle)?;
        let value = place.value.lock().take().ok_or(Errno::EFAULT)?;
        self.places.give_back(place);
        Ok(value)
    }

    fn place(&self, handle: *mut c_void) -> Result<&'static Place<T>> {
        self.places.find(handle as usize).ok_or(Errno::EFAULT)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_known_until_it_is_closed() {
        static HANDLES: Handles<u8> = Handles::new();
        assert_eq!(HANDLES.value(ptr::null_mut()), Err(Errno::EFAULT));
        assert_eq!(HANDLES.open(|| Err(Errno::EAGAIN)), Err(Errno::EAGAIN));
        let handle = HANDLES.open(|| Ok(7)).unwrap();
        assert_eq!(HANDLES.value(handle), Ok(7));
        assert_eq!(HANDLES.close(handle.wrapping_byte_add(1)), Err(Errno::EFAULT));
        assert_eq!(HANDLES.close(handle), Ok(7));
        assert_eq!(HANDLES.close(handle), Err(Errno::EFAULT));
        assert_eq!(HANDLES.value(handle), Err(Errno::EFAULT));
    }
}
