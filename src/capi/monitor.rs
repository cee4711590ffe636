//! `zmq_socket_monitor`: what happens to a socket's endpoints and connections,
//! as messages.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::socket::guard_socket;
use crate::error::{Errno, KeepErrno};
use crate::socket::MonitorFormat;
use crate::socket_type::SocketType;

/// Has the events of a socket's endpoints and connections sent to a PAIR.
///
/// Each is two frames: 6 bytes, of which 16 bits are the event and 32 bits its
/// value, as the machine writes numbers; then the endpoint. A monitor that the
/// socket had before ends.
///
/// - `s`: the socket to watch.
/// - `addr`: the inproc endpoint to which the PAIR connects. NULL: no monitor.
/// - `events`: the events to send, `ZMQ_EVENT_ALL` or an or of `ZMQ_EVENT_…`.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: `addr` is no endpoint, or `events` has bits that this function does
///   not know.
/// - EPROTONOSUPPORT: `addr` is not inproc.
/// - EADDRINUSE: somebody else listens there.
/// - EMFILE: `ZMQ_MAX_SOCKETS` are open.
/// - ETERM: the context is ending.
/// - ENOTSOCK: `s` is no socket.
///
/// # Safety
/// `addr` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_monitor(
    s: *mut c_void,
    addr: *const c_char,
    events: c_int,
) -> c_int {
    guard_socket(s, |slot| {
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
        let events = u64::from(events.cast_unsigned());
        slot.monitor(endpoint, events, MonitorFormat::V1, SocketType::Pair)
    })
}
