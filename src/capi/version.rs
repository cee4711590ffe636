//! Errors and versions as C sees them (manual pages zmq_errno, zmq_strerror,
//! zmq_version, zmq_has).

use std::ffi::{CStr, c_char, c_int};

use super::entry::{errno, guard};
use crate::error::{Errno, private_text};
use crate::gssapi;

/// The errno of the last call that failed on this thread.
///
/// The same as `errno`, for programs that are linked to another C library than
/// this one is.
///
/// Returns the value; 0, or what was there before, when no call has failed.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_errno() -> c_int {
    errno()
}

/// The text of an errno value, those of the library included.
///
/// - `errnum`: what `zmq_errno` said.
///
/// Returns a text, never NULL, which stays the library's. Another call may
/// overwrite that of a value that is unknown.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_strerror(errnum: c_int) -> *const c_char {
    match private_text(errnum) {
        Some(text) => text.as_ptr(),
        // SAFETY: any value is allowed; unknown ones get a text too.
        None => unsafe { libc::strerror(errnum) },
    }
}

/// The version of libzmq whose API this library has; the macros above say the
/// same of this header.
///
/// - `major`, `minor`, `patch`: where to write the numbers. A NULL is left out.
///
/// # Safety
/// Each pointer is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_version(major: *mut c_int, minor: *mut c_int, patch: *mut c_int) {
    for (place, number) in [major, minor, patch].into_iter().zip(VERSION) {
        if !place.is_null() {
            // SAFETY: not NULL, so writable by the caller's promise.
            unsafe { place.write(number) };
        }
    }
}

/// Whether the library has a capability.
///
/// - `capability`: its name, such as `"ipc"`, `"curve"`, `"gssapi"`.
///
/// Returns 1 if it has, 0 if it has not or the name is NULL or unknown.
///
/// # Safety
/// `capability` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_has(capability: *const c_char) -> c_int {
    guard(|| {
        if capability.is_null() {
            return Ok(0);
        }
        // SAFETY: a string by the caller's promise.
        let name = unsafe { CStr::from_ptr(capability) }.to_bytes();
        let has = match name {
            b"gssapi" => gssapi::is_available(),
            b"draft" => cfg!(feature = "draft"),
            _ => CAPABILITIES.contains(&name),
        };
        Ok::<c_int, Errno>(has.into())
    })
}

/// The release of libzmq whose API this library has; the macros in the header
/// say the same.
const VERSION: [c_int; 3] = [4, 3, 5];

/// What [`zmq_has`] always says yes to. tcp, inproc, NULL and PLAIN have no
/// name there; GSSAPI depends on a library.
const CAPABILITIES: [&[u8]; 2] = [b"ipc", b"curve"];
