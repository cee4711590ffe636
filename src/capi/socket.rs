//! `zmq_socket` to `zmq_recv`: sockets, their options and endpoints, sending
//! and receiving.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::context::context;
use super::entry::{guard_keeping_errno, guard_or};
use super::message::check;
use super::traced::{Handle, Option_, Text, Value, asked_in, show, traced};
use crate::error::{Errno, KeepErrno, Result};
use crate::message::Message;
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

/// Makes a socket. NULL with EFAULT, EINVAL, ETERM or EMFILE.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_socket(context_: *mut c_void, type_: c_int) -> *mut c_void {
    let make = || {
        let context = context(context_)?.context()?;
        let slot = context.socket(SocketType::from_c(type_))?;
        Ok(std::ptr::from_ref(slot).cast_mut().cast())
    };
    traced!(Api, guard_keeping_errno(make), "zmq_socket ({context_:p}, {type_})")
}

/// Closes a socket; never blocks. ENOTSOCK.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_close(s: *mut c_void) -> c_int {
    traced!(Api, guard_keeping_errno(|| socket(s)?.close()), "zmq_close ({})", Handle(s))
}

/// Sets a socket option. EINVAL, ENOTSOCK, ETERM; EFAULT for NULL of a size.
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

/// Reads a socket option. EINVAL, ENOTSOCK, ETERM; EFAULT for NULL.
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
        // SAFETY: what was written is the caller's, and so are its places.
        let (at, len) = match answer {
            0 => (optval.cast_const(), unsafe { *optvallen }),
            _ => (std::ptr::null(), 0),
        };
        let (shown, option) = (Value { option, at, len }, Option_(option));
        let what = format_args!("zmq_getsockopt ({}, {option}, {shown})", Handle(s));
        show(asked_in(option.0), what, &answer);
    }
    answer
}

/// Listens at an endpoint. EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO,
/// EADDRINUSE, EADDRNOTAVAIL, ENODEV, ETERM, ENOTSOCK, EMTHREAD; EFAULT for
/// NULL.
///
/// # Safety
/// `addr` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_bind(s: *mut c_void, addr: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let call = || unsafe { with_endpoint(s, addr, Errno::EFAULT, Slot::bind) };
    traced!(Api, call(), "zmq_bind ({}, {})", Handle(s), Text(addr))
}

/// Connects to an endpoint. EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO, ETERM,
/// ENOTSOCK, EMTHREAD; EFAULT for NULL.
///
/// # Safety
/// `addr` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_connect(s: *mut c_void, addr: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let call = || unsafe { with_endpoint(s, addr, Errno::EFAULT, Slot::connect) };
    traced!(Api, call(), "zmq_connect ({}, {})", Handle(s), Text(addr))
}

/// Stops to listen at an endpoint. EINVAL, ENOENT, ETERM, ENOTSOCK.
///
/// # Safety
/// `addr` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_unbind(s: *mut c_void, addr: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let call = || unsafe { with_endpoint(s, addr, Errno::EINVAL, Slot::end_endpoint) };
    traced!(Api, call(), "zmq_unbind ({}, {})", Handle(s), Text(addr))
}

/// Disconnects from an endpoint. EINVAL, ENOENT, ETERM, ENOTSOCK.
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

/// Sends a copy of a buffer as a frame. Returns its length. EAGAIN, ENOTSUP,
/// EFSM, ETERM, ENOTSOCK, EINTR, EHOSTUNREACH; EFAULT for NULL of a length.
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
        let mut message = Message::copy_of(bytes)?;
        message.set_more(flags & SNDMORE != 0);
        slot.send(&mut message, blocking(flags))?;
        Ok(size(len))
    })
}

/// Sends a buffer that never changes and outlives the message as a frame,
/// without copying it. Returns its length. Errors as `zmq_send`.
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

/// Receives a frame into a buffer; what does not fit is cut off. Returns the
/// frame's whole length. EAGAIN, ENOTSUP, EFSM, ETERM, ENOTSOCK, EINTR; EFAULT
/// for NULL of a length.
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

/// Sends a message, which is empty afterwards. Returns its length. Errors as
/// `zmq_send`; EFAULT for what is no message.
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

/// Receives a frame into a message, whose former content is released; when there
/// is none (EAGAIN), too, but for XPUB and STREAM. Returns its length. Errors as
/// `zmq_recv`; EFAULT for what is no message.
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
