//! `zmq_socket` to `zmq_recv`: sockets, their options and endpoints, sending
//! and receiving.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::context::context;
use super::entry::{guard_keeping_errno, guard_or};
use super::message::check;
use super::traced::{Handle, Option_, Text, Value, asked_in, show, traced};
use crate::error::{Errno, KeepErrno, Result};
use crate::message::{MAX_INLINE, Message};
use crate::socket::{ARENA, Blocking, Slot};
use crate::socket_type::SocketType;
use crate::sync::uncancelled;
use crate::trace;

/// `ZMQ_DONTWAIT`.
const DONTWAIT: c_int = 1;
/// `ZMQ_SNDMORE`.
pub(super) const SNDMORE: c_int = 2;

/// The socket behind a handle. `ENOTSOCK` when it is none.
#[inline]
pub(super) fn socket(handle: *mut c_void) -> Result<&'static Slot> {
    ARENA.find(handle as usize).ok_or(Errno::ENOTSOCK)
}

/// After a panic in a call on this socket: its context answers ETERM from now
/// on.
fn contain(handle: *mut c_void) -> Errno {
    if let Ok(slot) = socket(handle) {
        slot.fail_context();
    }
    Errno::ETERM
}

/// As [`guard_or`] with [`contain`]. What makes system calls below keeps errno
/// itself, so that a message that passes without any costs nothing for it.
pub(super) fn guard_socket<A: super::entry::Answer>(
    handle: *mut c_void,
    body: impl FnOnce(&'static Slot) -> Result<A>,
) -> A::C {
    guard_or(|| contain(handle), || body(socket(handle)?))
}

pub(super) fn blocking(flags: c_int) -> Blocking {
    if flags & DONTWAIT != 0 { Blocking::DontWait } else { Blocking::Wait }
}

/// Sizes are ints in C; larger ones read as the largest.
pub(super) fn size(len: usize) -> c_int {
    c_int::try_from(len).unwrap_or(c_int::MAX)
}

/// Makes a socket.
///
/// - `context_`: the context that it is to be in.
/// - `type_`: one of the socket types above, such as `ZMQ_PUSH`.
///
/// Returns the socket, to be given up with `zmq_close` before the context can
/// end; or NULL with errno:
///
/// - EINVAL: there is no such type.
/// - EFAULT: `context_` is no context.
/// - EMFILE: `ZMQ_MAX_SOCKETS` are open, or there are no descriptors left.
/// - ETERM: the context is ending.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_socket(context_: *mut c_void, type_: c_int) -> *mut c_void {
    let make = || {
        let context = context(context_)?.context()?;
        let slot = context.socket(SocketType::from_c(type_))?;
        Ok(std::ptr::from_ref(slot).cast_mut().cast())
    };
    traced!(Api, guard_keeping_errno(make), "zmq_socket ({context_:p}, {type_})")
}

/// Closes a socket and gives it up. Never blocks.
///
/// What it has yet to send is sent in the background, for as long as its
/// `ZMQ_LINGER` says; what it has not received is dropped.
///
/// - `s`: the socket.
///
/// Returns 0, or -1 with errno:
///
/// - ENOTSOCK: it is no socket, or was closed before.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_close(s: *mut c_void) -> c_int {
    traced!(Api, guard_keeping_errno(|| socket(s)?.close()), "zmq_close ({})", Handle(s))
}

/// Sets a socket option.
///
/// - `s`: the socket.
/// - `option`: one of the socket options above, such as `ZMQ_LINGER`. Most count
///   for the binds and connects that follow.
/// - `optval`: the value, which is copied.
/// - `optvallen`: its size in bytes, for most options that of an int.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: there is no such option for this socket, or it cannot have this
///   value.
/// - ETERM: the context is ending.
/// - ENOTSOCK: `s` is no socket.
/// - EFAULT: `optval` is NULL and `optvallen` is that of a value.
///
/// # Safety
/// `optval` is NULL or readable for `optvallen` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_setsockopt(
    s: *mut c_void,
    option: c_int,
    optval: *const c_void,
    optvallen: usize,
) -> c_int {
    let set = |slot: &Slot| {
        let value = match optvallen {
            0 if optval.is_null() => None,
            _ if optvallen > isize::MAX as usize => return Err(Errno::EINVAL),
            len if optval.is_null() => return slot.missing_option_value(option, len),
            // SAFETY: the caller's promise.
            len => Some(unsafe { std::slice::from_raw_parts(optval.cast::<u8>(), len) }),
        };
        slot.set_option(option, value)
    };
    traced!(
        Api,
        guard_socket(s, set),
        "zmq_setsockopt ({}, {}, {})",
        Handle(s),
        Option_(option),
        Value { option, at: optval, len: optvallen }
    )
}

/// Reads a socket option.
///
/// - `s`: the socket.
/// - `option`: one of the socket options above, such as `ZMQ_RCVMORE`.
/// - `optval`: the buffer to write the value to.
/// - `optvallen`: its size in bytes, which becomes that of the value.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: there is no such option that can be read, or the buffer is too
///   small.
/// - ETERM: the context is ending.
/// - ENOTSOCK: `s` is no socket.
/// - EFAULT: `optvallen` is NULL, or `optval` is and its size is not 0.
///
/// # Safety
/// `optvallen` is NULL or valid; `optval` is NULL or writable for
/// `*optvallen` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_getsockopt(
    s: *mut c_void,
    option: c_int,
    optval: *mut c_void,
    optvallen: *mut usize,
) -> c_int {
    let answer = guard_socket(s, |slot| {
        if optvallen.is_null() {
            slot.check_open()?;
            return Err(Errno::EFAULT);
        }
        // SAFETY: the caller's promise.
        let len = unsafe { *optvallen };
        if len > isize::MAX as usize {
            return Err(Errno::EINVAL);
        }
        let _errno = KeepErrno::new();
        let written = match len {
            0 => slot.option(option, &mut [])?,
            _ if optval.is_null() => slot.missing_option_buffer(option, len)?,
            _ => {
                // SAFETY: the caller's promise.
                let buffer = unsafe { std::slice::from_raw_parts_mut(optval.cast::<u8>(), len) };
                slot.option(option, buffer)?
            }
        };
        // SAFETY: as above.
        unsafe { *optvallen = written };
        Ok(())
    });
    if trace::on(asked_in(option)) {
        let (at, len) = match answer {
            // SAFETY: the call has just written there.
            0 => (optval.cast_const(), unsafe { *optvallen }),
            _ => (std::ptr::null(), 0),
        };
        let (shown, option) = (Value { option, at, len }, Option_(option));
        let what = format_args!("zmq_getsockopt ({}, {option}, {shown})", Handle(s));
        show(asked_in(option.0), what, &answer);
    }
    answer
}

/// Listens at an endpoint.
///
/// - `s`: the socket.
/// - `addr`: the endpoint: `"tcp://127.0.0.1:5555"`, `"tcp://eth0:5555"`,
///   `"ipc:///run/x"`, `"inproc://x"`. With `*` for a tcp port or an ipc path
///   the system chooses one, which `ZMQ_LAST_ENDPOINT` then tells; with `*` for
///   a host it is all addresses of the machine. The text is copied.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: the text is no endpoint.
/// - EPROTONOSUPPORT: there is no such transport.
/// - ENOCOMPATPROTO: the transport does not go with this socket type.
/// - EADDRINUSE: somebody listens there.
/// - EADDRNOTAVAIL: the address is not this machine's.
/// - ENODEV: there is no such interface or host.
/// - ENAMETOOLONG: the path of an ipc endpoint is too long.
/// - EMTHREAD: there is no I/O thread that `ZMQ_AFFINITY` permits.
/// - EMFILE: there are no descriptors left.
/// - ETERM: the context is ending.
/// - ENOTSOCK: `s` is no socket.
/// - EFAULT: `addr` is NULL.
///
/// Other values are the system's, such as EACCES.
///
/// # Safety
/// `addr` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_bind(s: *mut c_void, addr: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let call = || unsafe { with_endpoint(s, addr, Errno::EFAULT, Slot::bind) };
    traced!(Api, call(), "zmq_bind ({}, {})", Handle(s), Text(addr))
}

/// Connects to an endpoint.
///
/// The connection is made in the background, and made again whenever it is lost;
/// the peer need not be there yet.
///
/// - `s`: the socket.
/// - `addr`: the endpoint: `"tcp://host:5555"`, `"tcp://source:0;host:5555"`,
///   `"ipc:///run/x"`, `"inproc://x"`. The text is copied.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: the text is no endpoint, or the peer's socket type or options do
///   not fit (inproc, STREAM).
/// - EPROTONOSUPPORT: there is no such transport.
/// - ENOCOMPATPROTO: the transport does not go with this socket type.
/// - ENAMETOOLONG: the path of an ipc endpoint is too long.
/// - EMTHREAD: there is no I/O thread that `ZMQ_AFFINITY` permits.
/// - ETERM: the context is ending.
/// - ENOTSOCK: `s` is no socket.
/// - EFAULT: `addr` is NULL.
///
/// # Safety
/// `addr` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_connect(s: *mut c_void, addr: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let call = || unsafe { with_endpoint(s, addr, Errno::EFAULT, Slot::connect) };
    traced!(Api, call(), "zmq_connect ({}, {})", Handle(s), Text(addr))
}

/// Stops to listen at an endpoint.
///
/// Over tcp and ipc the connections that came by it end; over inproc they stay.
///
/// - `s`: the socket.
/// - `addr`: the endpoint, as `ZMQ_LAST_ENDPOINT` told it after `zmq_bind`.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: the text is no endpoint, or NULL.
/// - ENOENT: the socket does not listen there.
/// - ETERM: the context is ending.
/// - ENOTSOCK: `s` is no socket.
///
/// # Safety
/// `addr` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_unbind(s: *mut c_void, addr: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let call = || unsafe { with_endpoint(s, addr, Errno::EINVAL, Slot::end_endpoint) };
    traced!(Api, call(), "zmq_unbind ({}, {})", Handle(s), Text(addr))
}

/// Ends what `zmq_connect` began.
///
/// What is to be sent to the peer still is, for as long as the socket's
/// `ZMQ_LINGER` says.
///
/// - `s`: the socket.
/// - `addr`: the endpoint, as it was given to `zmq_connect`.
///
/// Returns 0, or -1 with errno:
///
/// - EINVAL: the text is no endpoint, or NULL.
/// - ENOENT: the socket was not connected there.
/// - ETERM: the context is ending.
/// - ENOTSOCK: `s` is no socket.
///
/// # Safety
/// `addr` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_disconnect(s: *mut c_void, addr: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let call = || unsafe { with_endpoint(s, addr, Errno::EINVAL, Slot::end_endpoint) };
    traced!(Api, call(), "zmq_disconnect ({}, {})", Handle(s), Text(addr))
}

/// # Safety
/// `addr` is NULL or a C string.
unsafe fn with_endpoint(
    s: *mut c_void,
    addr: *const c_char,
    null: Errno,
    call: impl FnOnce(&'static Slot, &str) -> Result<()>,
) -> c_int {
    guard_socket(s, |slot| {
        let _errno = KeepErrno::new();
        slot.check_open()?;
        if addr.is_null() {
            return Err(null);
        }
        // SAFETY: the caller's promise.
        let text = unsafe { CStr::from_ptr(addr) };
        // Paths beyond UTF-8 cannot be said; see COMPAT.md.
        let text = text.to_str().map_err(|_| Errno::EINVAL)?;
        // Names may be looked up, sockets made.
        uncancelled(|| call(slot, text))
    })
}

/// Sends a copy of a buffer, as a frame.
///
/// Blocks while there is nobody to send to, or no room, `ZMQ_SNDTIMEO`
/// milliseconds at most; socket types that drop messages instead never block.
///
/// - `s`: the socket.
/// - `buf`: the buffer, which stays the caller's.
/// - `len`: its length in bytes.
/// - `flags`: 0, or any of `ZMQ_DONTWAIT` (do not block) and `ZMQ_SNDMORE`
///   (further frames of the same message follow).
///
/// Returns `len`, or -1 with errno:
///
/// - EAGAIN: it would block, or the time is over.
/// - EFSM: it is not this socket's turn to send (REQ, REP).
/// - ENOTSUP: this socket type does not send.
/// - EINVAL: several frames from a socket type that sends one.
/// - EHOSTUNREACH: there is no such peer (ROUTER with `ZMQ_ROUTER_MANDATORY`,
///   STREAM).
/// - EINTR: a signal was caught.
/// - ETERM: the context is ending.
/// - ENOTSOCK: `s` is no socket.
/// - ENOMEM: there is no memory for the copy.
/// - EFAULT: `buf` is NULL and `len` is not 0.
///
/// # Safety
/// `buf` is NULL or readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_send(
    s: *mut c_void,
    buf: *const c_void,
    len: usize,
    flags: c_int,
) -> c_int {
    guard_socket(s, |slot| {
        // SAFETY: the caller's promise.
        let bytes = unsafe { bytes(slot, buf, len) }?;
        let more = flags & SNDMORE != 0;
        if len <= MAX_INLINE {
            // Made in place, in a few stores.
            slot.send(&mut Message::small_copy(bytes, more), blocking(flags))?;
            return Ok(size(len));
        }
        let mut message = Message::passing_copy(bytes)?;
        message.set_more(more);
        slot.send(&mut message, blocking(flags))?;
        Ok(size(len))
    })
}

/// Sends a buffer that never changes, as a frame, without copying it.
///
/// - `s`: the socket.
/// - `buf`: the buffer, which must stay valid and as it is for as long as the
///   message exists anywhere in this process: a constant.
/// - `len`: its length in bytes.
/// - `flags`: as for `zmq_send`.
///
/// Returns as `zmq_send`.
///
/// # Safety
/// `buf` is NULL or readable for `len` bytes for as long as the message may
/// live.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_send_const(
    s: *mut c_void,
    buf: *const c_void,
    len: usize,
    flags: c_int,
) -> c_int {
    guard_socket(s, |slot| {
        // SAFETY: the caller's promise.
        let bytes = unsafe { bytes(slot, buf, len) }?;
        // SAFETY: the caller's promise.
        let mut message = unsafe { Message::constant(bytes.as_ptr(), len) };
        message.set_more(flags & SNDMORE != 0);
        slot.send(&mut message, blocking(flags))?;
        Ok(size(len))
    })
}

/// Receives a frame into a buffer.
///
/// Blocks while there is none, `ZMQ_RCVTIMEO` milliseconds at most.
///
/// - `s`: the socket.
/// - `buf`: the buffer. What does not fit into it is lost.
/// - `len`: its length in bytes.
/// - `flags`: 0, or `ZMQ_DONTWAIT` (do not block).
///
/// Returns the length of the frame, which may be more than `len`; or -1 with
/// errno:
///
/// - EAGAIN: it would block, or the time is over.
/// - EFSM: it is not this socket's turn to receive (REQ, REP).
/// - ENOTSUP: this socket type does not receive.
/// - EINTR: a signal was caught.
/// - ETERM: the context is ending.
/// - ENOTSOCK: `s` is no socket.
/// - EFAULT: `buf` is NULL and `len` is not 0.
///
/// # Safety
/// `buf` is NULL or writable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_recv(
    s: *mut c_void,
    buf: *mut c_void,
    len: usize,
    flags: c_int,
) -> c_int {
    guard_socket(s, |slot| {
        if buf.is_null() && len > 0 {
            slot.check_open()?;
            return Err(Errno::EFAULT);
        }
        let mut message = Message::new();
        slot.recv(&mut message, false, blocking(flags))?;
        let body = message.data();
        // SAFETY: the caller's promise; a body and a caller's buffer are apart.
        unsafe {
            std::ptr::copy_nonoverlapping(body.as_ptr(), buf.cast::<u8>(), body.len().min(len));
        }
        Ok(size(body.len()))
    })
}

/// Sends a message, as a frame.
///
/// - `msg`: the message. Once it was sent it is empty, and need not be closed;
///   when it was not, it is still the caller's to close.
/// - `s`: the socket.
/// - `flags`: as for `zmq_send`.
///
/// Returns the length of the body, or -1 with errno as `zmq_send`, and:
///
/// - EFAULT: `msg` is no message.
///
/// # Safety
/// `msg` is NULL or readable and writable for 64 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_send(
    msg: *mut Message,
    s: *mut c_void,
    flags: c_int,
) -> c_int {
    guard_socket(s, |slot| {
        // SAFETY: the caller's promise.
        unsafe { check_open_and(slot, msg) }?;
        // SAFETY: checked to be a live message.
        let message = unsafe { &mut *msg };
        let len = message.len();
        let more = message.more();
        message.set_more(flags & SNDMORE != 0);
        let sent = slot.send(message, blocking(flags));
        // Otherwise what was tried stays to be seen, as in libzmq.
        if sent == Err(Errno::ETERM) {
            message.set_more(more);
        }
        sent?;
        Ok(size(len))
    })
}

/// Receives a frame into a message, whose former content is given up.
///
/// When there is none (EAGAIN) the message is empty, but for XPUB and STREAM,
/// which leave it as it was.
///
/// - `msg`: an initialised message, which is the caller's to close.
/// - `s`: the socket.
/// - `flags`: as for `zmq_recv`.
///
/// Returns the length of the body, or -1 with errno as `zmq_recv`, and:
///
/// - EFAULT: `msg` is no message.
///
/// # Safety
/// `msg` is NULL or readable and writable for 64 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_recv(
    msg: *mut Message,
    s: *mut c_void,
    flags: c_int,
) -> c_int {
    guard_socket(s, |slot| {
        // SAFETY: the caller's promise.
        unsafe { check_open_and(slot, msg) }?;
        // SAFETY: checked to be a live message.
        let message = unsafe { &mut *msg };
        slot.recv(message, true, blocking(flags))?;
        Ok(size(message.len()))
    })
}

/// The errors of a handle come before those of a message.
///
/// # Safety
/// `msg` is NULL or readable for 64 bytes.
unsafe fn check_open_and(slot: &Slot, msg: *const Message) -> Result<()> {
    // SAFETY: the caller's promise.
    match unsafe { check(msg) } {
        Ok(()) => Ok(()),
        Err(error) => {
            slot.check_open()?;
            Err(error)
        }
    }
}

/// # Safety
/// `buf` is NULL or readable for `len` bytes.
pub(super) unsafe fn bytes<'a>(slot: &Slot, buf: *const c_void, len: usize) -> Result<&'a [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if buf.is_null() || len > isize::MAX as usize {
        slot.check_open()?;
        return Err(if buf.is_null() { Errno::EFAULT } else { Errno::ENOMEM });
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(buf.cast(), len) })
}
