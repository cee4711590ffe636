//! `zmq_join` to `zmq_socket_monitor_pipes_stats`: functions of the draft API
//! (manual pages of these names) on contexts, sockets and messages.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::context::context;
use super::entry::{guard, guard_keeping_errno};
use super::message::{check, place_or_close};
use super::socket::guard_socket;
use crate::error::{Errno, KeepErrno, Result};
use crate::message::Message;
use crate::socket::{MonitorFormat, Slot};
use crate::socket_type::SocketType;
use crate::sync::uncancelled;

/// Sets an option of a context whose value may be text.
///
/// - `context_`: the context.
/// - `option_`: one of those that `zmq_ctx_set` takes.
/// - `optval_`: an int; of `ZMQ_THREAD_NAME_PREFIX` text of 1 to 16 bytes.
/// - `optvallen_`: how many bytes it has. A text may count its terminating zero.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: there is no such option, or it does not take this value.
/// - EFAULT: the context is none, or `optval_` is NULL and `optvallen_` is not 0.
///
/// # Safety
/// `optval_` is NULL or readable for `optvallen_` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_set_ext(
    context_: *mut c_void,
    option_: c_int,
    optval_: *const c_void,
    optvallen_: usize,
) -> c_int {
    guard(|| {
        let context = context(context_)?.context()?;
        if optval_.is_null() && optvallen_ > 0 {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the caller's promise.
        let value = unsafe { bytes(optval_, optvallen_) };
        context.set_bytes(option_, value)
    })
}

/// Reads an option of a context whose value may be text.
///
/// - `context_`: the context.
/// - `option_`: one of those that `zmq_ctx_get` takes.
/// - `optval_`: where the value is written: an int; of `ZMQ_THREAD_NAME_PREFIX` text
///   with its terminating zero.
/// - `optvallen_`: the room there is, then the length of the value.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: there is no such option, or the value does not fit.
/// - EFAULT: the context is none, or one of the others is NULL.
///
/// # Safety
/// `optvallen_` is NULL or valid; `optval_` is NULL or writable for
/// `*optvallen_` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_get_ext(
    context_: *mut c_void,
    option_: c_int,
    optval_: *mut c_void,
    optvallen_: *mut usize,
) -> c_int {
    guard(|| {
        let context = context(context_)?.context()?;
        if optval_.is_null() || optvallen_.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the caller's promise.
        let len = unsafe { *optvallen_ };
        if len > isize::MAX as usize {
            return Err(Errno::EINVAL);
        }
        // SAFETY: the caller's promise.
        let buffer = unsafe { std::slice::from_raw_parts_mut(optval_.cast::<u8>(), len) };
        let written = context.option_bytes(option_, buffer)?;
        // SAFETY: the caller's promise.
        unsafe { *optvallen_ = written };
        Ok(())
    })
}

/// Makes a DISH join a group: it receives what RADIOs send there from then on.
///
/// - `s`: the socket.
/// - `group`: the name of the group, of up to 255 bytes.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: the socket is in the group already, or the name is too long.
/// - ENOTSUP: the socket is of another type.
/// - EFAULT: `group` is NULL.
/// - ENOTSOCK: the socket is none.
/// - ETERM: its context is ending.
///
/// # Safety
/// `group` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_join(s: *mut c_void, group: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { with_text(s, group, |slot, group| slot.join(group, true)) }
}

/// Makes a DISH leave a group.
///
/// - `s`: the socket.
/// - `group`: the name of the group.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: the socket is not in the group.
/// - ENOTSUP: the socket is of another type.
/// - EFAULT: `group` is NULL.
/// - ENOTSOCK: the socket is none.
/// - ETERM: its context is ending.
///
/// # Safety
/// `group` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_leave(s: *mut c_void, group: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { with_text(s, group, |slot, group| slot.join(group, false)) }
}

/// Connects a PEER, which may speak to the other one at once.
///
/// - `s_`: the socket.
/// - `addr_`: the endpoint, as for `zmq_connect`.
///
/// Returns the number by which the socket knows its peer, or 0 with errno:
///
/// - ENOTSUP: the socket is of another type.
/// - EFAULT: `addr_` is NULL, or `ZMQ_IMMEDIATE` is set: then there is no peer before
///   there is a connection.
/// - EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO, EMTHREAD: as for `zmq_connect`.
/// - ENOTSOCK: the socket is none.
/// - ETERM: its context is ending.
///
/// # Safety
/// `addr_` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_connect_peer(s_: *mut c_void, addr_: *const c_char) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        with_text(s_, addr_, |slot, text| {
            let text = std::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
            uncancelled(|| slot.connect_peer(text))
        })
    }
}

/// Ends the connection of a SERVER or PEER to one peer.
///
/// - `s_`: the socket.
/// - `routing_id_`: the number by which it knows the peer.
///
/// Returns 0, or -1 with errno:
///
/// - EHOSTUNREACH: there is no such peer.
/// - ENOTSUP: the socket is of another type.
/// - ENOTSOCK: the socket is none.
/// - ETERM: its context is ending.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_disconnect_peer(s_: *mut c_void, routing_id_: u32) -> c_int {
    guard_socket(s_, |slot| {
        let _errno = KeepErrno::new();
        slot.disconnect_peer(routing_id_)
    })
}

/// Says to which peer of a SERVER or PEER a message goes.
///
/// - `msg`: the message.
/// - `routing_id`: the number by which the socket knows the peer, not 0.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: `routing_id` is 0.
/// - EFAULT: the message is none.
///
/// # Safety
/// `msg` is NULL or readable and writable for a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_set_routing_id(msg: *mut Message, routing_id: u32) -> c_int {
    guard(|| {
        // SAFETY: the caller's promise.
        unsafe { check(msg)? };
        if routing_id == 0 {
            return Err(Errno::EINVAL);
        }
        // SAFETY: live as checked.
        unsafe { (*msg).set_routing_id(routing_id) };
        Ok(())
    })
}

/// From which peer of a SERVER or PEER a message came.
///
/// - `msg`: the message.
///
/// Returns the number by which the socket knows the peer; 0 when none is known; or 0
/// with errno:
///
/// - EFAULT: the message is none.
///
/// # Safety
/// `msg` is NULL or readable for a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_routing_id(msg: *mut Message) -> u32 {
    guard(|| {
        // SAFETY: the caller's promise; live as checked.
        unsafe {
            check(msg)?;
            Ok((*msg).routing_id())
        }
    })
}

/// Says to which group a RADIO is to send a message.
///
/// - `msg`: the message.
/// - `group`: the name of the group, of up to 255 bytes, which is copied.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: the name is too long.
/// - EFAULT: the message is none, or `group` is NULL.
///
/// # Safety
/// `msg` is NULL or readable and writable for a message; `group` is NULL or a C
/// string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_set_group(msg: *mut Message, group: *const c_char) -> c_int {
    guard(|| {
        // SAFETY: the caller's promise.
        unsafe { check(msg)? };
        if group.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the caller's promise; live as checked.
        unsafe { (*msg).set_group(CStr::from_ptr(group)) }
    })
}

/// The group of a message.
///
/// - `msg`: the message.
///
/// Returns its name, which is valid until the message is closed, sent or given another
/// group; an empty one when none is known; or NULL with errno:
///
/// - EFAULT: the message is none.
///
/// # Safety
/// `msg` is NULL or readable for a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_group(msg: *mut Message) -> *const c_char {
    guard(|| {
        // SAFETY: the caller's promise; live as checked.
        unsafe {
            check(msg)?;
            Ok((*msg).group().as_ptr())
        }
    })
}

/// Makes a message with a copy of a buffer.
///
/// - `msg_`: where it is made. What was there is forgotten.
/// - `buf_`: the buffer, which stays the caller's.
/// - `size_`: how many bytes it has.
///
/// Returns 0, or -1 with errno:
///
/// - ENOMEM: there is no memory for it.
/// - EFAULT: `msg_` is NULL, or `buf_` is and `size_` is not 0.
///
/// # Safety
/// `msg_` is NULL or writable for a message, and what it held is forgotten; `buf_`
/// is NULL or readable for `size_` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init_buffer(
    msg_: *mut Message,
    buf_: *const c_void,
    size_: usize,
) -> c_int {
    guard_keeping_errno(|| {
        let message = if buf_.is_null() && size_ > 0 {
            Err(Errno::EFAULT)
        } else if size_ > isize::MAX as usize {
            Err(Errno::ENOMEM)
        } else {
            // SAFETY: the caller's promise.
            Message::copy_of(unsafe { bytes(buf_, size_) })
        };
        // SAFETY: the caller's promise.
        unsafe { place_or_close(msg_, message) }
    })
}

/// What would not block with one peer of a ROUTER.
///
/// - `socket`: the socket.
/// - `routing_id`: the peer's routing id.
/// - `routing_id_size`: how many bytes that has.
///
/// Returns an or of `ZMQ_POLLIN` and `ZMQ_POLLOUT`, or -1 with errno:
///
/// - EHOSTUNREACH: there is no such peer.
/// - ENOTSUP: the socket is of another type.
/// - EFAULT: `routing_id` is NULL and `routing_id_size` is not 0.
/// - ENOTSOCK: the socket is none.
/// - ETERM: its context is ending.
///
/// # Safety
/// `routing_id` is NULL or readable for `routing_id_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_get_peer_state(
    socket: *mut c_void,
    routing_id: *const c_void,
    routing_id_size: usize,
) -> c_int {
    guard_socket(socket, |slot| {
        let _errno = KeepErrno::new();
        if routing_id.is_null() && routing_id_size > 0 {
            return Err(Errno::EFAULT);
        }
        if routing_id_size > isize::MAX as usize {
            return Err(Errno::EHOSTUNREACH);
        }
        // SAFETY: the caller's promise.
        let id = unsafe { bytes(routing_id, routing_id_size) };
        Ok(slot.peer_state(id)?.cast_signed())
    })
}

/// As `zmq_socket_monitor`, with a choice of what the messages look like and how they
/// are spread.
///
/// - `s_`: the socket.
/// - `addr_`: the inproc endpoint where they are to be had, or NULL: there is to be no
///   monitor any more.
/// - `events_`: an or of the events that are wanted.
/// - `event_version_`: 1 for the two frames of `zmq_socket_monitor`; 2 for frames of 64
///   bits with the event, the number of its values and each of them, and two more with
///   the local and the remote endpoint, of which one may be empty.
/// - `type_`: `ZMQ_PAIR`, `ZMQ_PUSH` or `ZMQ_PUB`.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: one of the arguments is none of these.
/// - EPROTONOSUPPORT, ENOCOMPATPROTO: the endpoint is not of inproc.
/// - EADDRINUSE: it is bound already.
/// - EMFILE: there are as many sockets as there may be.
/// - ENOTSOCK: the socket is none.
/// - ETERM: its context is ending.
///
/// # Safety
/// `addr_` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_monitor_versioned(
    s_: *mut c_void,
    addr_: *const c_char,
    events_: u64,
    event_version_: c_int,
    type_: c_int,
) -> c_int {
    guard_socket(s_, |slot| {
        let _errno = KeepErrno::new();
        slot.check_is_socket()?;
        let format = match event_version_ {
            1 => MonitorFormat::V1,
            2 => MonitorFormat::V2,
            _ => return Err(Errno::EINVAL),
        };
        let endpoint = if addr_.is_null() {
            None
        } else {
            // SAFETY: the caller's promise.
            let text = unsafe { CStr::from_ptr(addr_) };
            Some(text.to_str().map_err(|_| Errno::EINVAL)?)
        };
        let kind = SocketType::from_c(type_).ok_or(Errno::EINVAL)?;
        slot.monitor(endpoint, events_, format, kind)
    })
}

/// Makes a socket's monitor tell, for each connection, how many messages wait to be
/// sent and to be received (`ZMQ_EVENT_PIPES_STATS`).
///
/// - `s`: the socket.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: it has no monitor that wants to know.
/// - EAGAIN: it has no connections.
/// - ENOTSOCK: the socket is none.
/// - ETERM: its context is ending.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_socket_monitor_pipes_stats(s: *mut c_void) -> c_int {
    guard_socket(s, |slot| {
        let _errno = KeepErrno::new();
        slot.report_queues()
    })
}

/// Calls with the bytes of a C string. EFAULT for NULL.
///
/// # Safety
/// `text` is NULL or a C string.
unsafe fn with_text<A: super::entry::Answer>(
    s: *mut c_void,
    text: *const c_char,
    call: impl FnOnce(&'static Slot, &[u8]) -> Result<A>,
) -> A::C {
    guard_socket(s, |slot| {
        let _errno = KeepErrno::new();
        slot.check_open()?;
        if text.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the caller's promise.
        call(slot, unsafe { CStr::from_ptr(text) }.to_bytes())
    })
}

/// # Safety
/// `data` is readable for `len` bytes, or NULL if that is 0.
unsafe fn bytes<'a>(data: *const c_void, len: usize) -> &'a [u8] {
    // SAFETY: the caller's promise.
    if len == 0 { &[] } else { unsafe { std::slice::from_raw_parts(data.cast(), len) } }
}
