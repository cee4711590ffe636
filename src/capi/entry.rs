//! The way out of every exported function: a `Result` becomes what C expects,
//! a panic becomes an error of that one call, and a thread that was cancelled
//! while it waited ends.
//!
//! A panic never crosses the boundary and never aborts the host. The panic
//! hook has reported it on stderr by the time it arrives here; the caller sees
//! a failure with the errno that fits what may still be trusted afterwards.
//!
//! Functions that may wait are `extern "C-unwind"`: a cancelled thread ends by
//! unwinding, from here, where nothing of ours is left to be dropped
//! (`sync/cancel.rs`).

use std::ffi::{c_int, c_long, c_ulong};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use crate::error::{Errno, Result};
use crate::message::run_waiting_frees;
use crate::sync::end_thread;

/// A result of the core that has a form in C.
pub(crate) trait Answer {
    /// What the C function returns.
    type C;

    /// What it returns on failure; errno says which.
    const FAILURE: Self::C;

    /// What it returns on success.
    fn success(self) -> Self::C;
}

/// Success is 0.
impl Answer for () {
    type C = c_int;
    const FAILURE: c_int = -1;

    #[inline]
    fn success(self) -> c_int {
        0
    }
}

macro_rules! answers_as_itself {
    ($([$($generic:ident)?] $type:ty = $failure:expr;)*) => {$(
        impl $(<$generic>)? Answer for $type {
            type C = $type;
            const FAILURE: $type = $failure;

            #[inline]
            fn success(self) -> $type {
                self
            }
        }
    )*};
}

answers_as_itself! {
    [] c_int = -1;
    [] c_long = -1;
    [] c_ulong = 0;
    [] usize = 0;
    [] u32 = 0;
    [T] *mut T = ptr::null_mut();
    [T] *const T = ptr::null();
}

/// Runs the body of an exported function. Success costs nothing and leaves
/// errno alone as far as the body does; after a panic the call fails with
/// EFAULT.
#[inline]
pub(crate) fn guard<A: Answer>(body: impl FnOnce() -> Result<A>) -> A::C {
    guard_or(|| Errno::EFAULT, body)
}

/// As [`guard`]; after a panic `contain` shuts down what the panic may have
/// left half done (a context answers ETERM from then on) and names the errno.
/// It must not panic itself.
#[inline]
pub(crate) fn guard_or<A: Answer>(
    contain: impl FnOnce() -> Errno,
    body: impl FnOnce() -> Result<A>,
) -> A::C {
    // Nothing here needs dropping any more when `fail` is called.
    match outcome(contain, body) {
        Ok(answer) => answer.success(),
        Err(error) => fail::<A>(error),
    }
}

#[inline]
fn outcome<A>(contain: impl FnOnce() -> Errno, body: impl FnOnce() -> Result<A>) -> Result<A> {
    let outcome = catch_unwind(AssertUnwindSafe(body));
    // Nothing is held here: callers' free functions may run.
    run_waiting_frees();
    outcome.unwrap_or_else(|payload| {
        // A payload may itself panic when it is dropped: that one leaks.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        Err(contain())
    })
}

/// As [`guard`], for bodies whose success may pass through failing system
/// calls: errno is put back as it was.
#[inline]
pub(crate) fn guard_keeping_errno<A: Answer>(body: impl FnOnce() -> Result<A>) -> A::C {
    let before = errno();
    guard(|| {
        let answer = body()?;
        set_errno(before);
        Ok(answer)
    })
}

#[cold]
#[inline(never)]
fn fail<A: Answer>(error: Errno) -> A::C {
    if error == Errno::ECANCELED {
        // SAFETY: only a thread that was cancelled in a call comes here, and its
        // entry has nothing to drop.
        unsafe { end_thread() };
    }
    set_errno(error.raw());
    A::FAILURE
}

/// This thread's errno.
#[inline]
pub(crate) fn errno() -> c_int {
    // SAFETY: the C library gives every thread a valid errno location.
    unsafe { *libc::__errno_location() }
}

pub(crate) fn set_errno(value: c_int) {
    // SAFETY: as above; only this thread writes there.
    unsafe { *libc::__errno_location() = value };
}

#[cfg(test)]
mod tests {
    use std::ffi::c_void;

    use super::*;

    #[test]
    fn success_leaves_errno_alone() {
        set_errno(77);
        assert_eq!(guard(|| Ok(())), 0);
        assert_eq!(guard(|| Ok(5 as c_int)), 5);
        assert_eq!(errno(), 77);
        let answer = guard_keeping_errno(|| {
            set_errno(libc::EAGAIN);
            Ok(())
        });
        assert_eq!((answer, errno()), (0, 77));
    }

    #[test]
    fn failure_sets_errno_and_answers_as_the_type_does() {
        assert_eq!(guard(|| Err::<(), _>(Errno::EFSM)), -1);
        assert_eq!(errno(), Errno::EFSM.raw());
        assert!(guard(|| Err::<*mut u8, _>(Errno::ENOMEM)).is_null());
        assert_eq!(errno(), libc::ENOMEM);
        assert_eq!(guard_keeping_errno(|| Err::<usize, _>(Errno::EINTR)), 0);
        assert_eq!(errno(), libc::EINTR);
    }

    #[test]
    fn a_cancelled_call_ends_its_thread() {
        extern "C-unwind" fn call(_: *mut c_void) -> *mut c_void {
            guard(|| Err::<*mut c_void, _>(Errno::ECANCELED))
        }
        type StartRoutine = extern "C" fn(*mut c_void) -> *mut c_void;
        let mut thread = 0;
        let mut result = ptr::null_mut();
        // SAFETY: a thread may be left by unwinding, whatever the type says; it
        // is joined once.
        unsafe {
            let call: StartRoutine =
                std::mem::transmute(call as extern "C-unwind" fn(*mut c_void) -> *mut c_void);
            assert_eq!(libc::pthread_create(&mut thread, ptr::null(), call, ptr::null_mut()), 0);
            assert_eq!(libc::pthread_join(thread, &mut result), 0);
        }
        assert_eq!(result.addr(), usize::MAX);
    }

    #[test]
    fn a_panic_is_an_error_of_the_call() {
        assert_eq!(guard(|| -> Result<c_int> { panic!("on purpose") }), -1);
        assert_eq!(errno(), libc::EFAULT);
        let answer = guard_or(|| Errno::ETERM, || -> Result<()> { panic!("on purpose") });
        assert_eq!((answer, errno()), (-1, Errno::ETERM.raw()));
    }
}
