//! `zmq_socket_monitor`: what happens to a socket's endpoints and connections,
//! as messages.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::socket::guard_socket;
use super::traced::{Handle, Text, traced};
use crate::error::{Errno, KeepErrno};

/// Sends a socket's events, those in the mask `events`, to a PAIR that
/// connects to the inproc endpoint `addr`: two frames each, 6 bytes (16 bits
/// the event, 32 bits its value) and the endpoint it is about. A monitor that
/// the socket had ends; NULL only ends it. EINVAL, EPROTONOSUPPORT, EADDRINUSE,
/// EMFILE, ETERM, ENOTSOCK.
///
/// # Safety
/// `addr` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_monitor(
    s: *mut c_void,
    addr: *const c_char,
    events: c_int,
) -> c_int {
    let answer = guard_socket(s, |slot| {
        let _errno = KeepErrno::new();
        let endpoint = if addr.is_null() {
            None
        } else {
            // SAFETY: the caller's promise.
            let text = unsafe { CStr::from_ptr(addr) };
            Some(text.to_str())
        };
        slot.check_is_socket()?;
        let endpoint = endpoint.transpose().map_err(|_| Errno::EINVAL)?;
        slot.monitor(endpoint, events.cast_unsigned())
    });
    traced!(Api, answer, "zmq_socket_monitor ({}, {}, {events:#x})", Handle(s), Text(addr))
}
