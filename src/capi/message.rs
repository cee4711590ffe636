//! `zmq_msg_*`: a C program's 64 bytes as a [`Message`] (manual pages
//! zmq_msg_init to zmq_msg_gets).
//!
//! A `zmq_msg_t` is memory that the caller owns and may hand in in any state:
//! NULL, never initialised, closed. Nothing of it is trusted before
//! [`Message::is_live`] agreed; what is no message gets EFAULT.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::entry::{guard, guard_keeping_errno};
use crate::error::{Errno, Result};
use crate::message::{FreeFn, MAX_INLINE, Message};

/// `zmq_free_fn *` as C passes it.
pub type FreeFnPointer = Option<FreeFn>;

/// Makes an empty message.
///
/// # Safety
/// `msg` is NULL or writable for a message; what it held is forgotten.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init(msg: *mut Message) -> c_int {
    guard(|| {
        // SAFETY: the caller's promise.
        unsafe { place(msg, Message::new()) }
    })
}

/// Makes a message of `size` bytes.
///
/// # Safety
/// As for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init_size(msg: *mut Message, size: usize) -> c_int {
    if size <= MAX_INLINE && !msg.is_null() {
        // Small ones are made where they are to be, in a few stores.
        // SAFETY: not NULL, so writable by the caller's promise.
        unsafe { msg.write(Message::small(size)) };
        return 0;
    }
    guard_keeping_errno(|| {
        // SAFETY: the caller's promise.
        unsafe { place_or_close(msg, Message::with_len(size)) }
    })
}

/// Makes a message over the caller's buffer, given back through `ffn`.
///
/// # Safety
/// As for [`zmq_msg_init`]; `data` and `ffn` as for [`Message::from_user`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init_data(
    msg: *mut Message,
    data: *mut c_void,
    size: usize,
    ffn: FreeFnPointer,
    hint: *mut c_void,
) -> c_int {
    guard_keeping_errno(|| {
        let message = if msg.is_null() || (data.is_null() && size > 0) {
            // The buffer stays the caller's: its free function is not called.
            Err(Errno::EFAULT)
        } else {
            // SAFETY: the caller's promise.
            unsafe { Message::from_user(data.cast(), size, ffn, hint) }
        };
        // SAFETY: the caller's promise.
        unsafe { place_or_close(msg, message) }
    })
}

/// Gives up a message and its body.
///
/// # Safety
/// `msg` is NULL or readable and writable for a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_close(msg: *mut Message) -> c_int {
    guard(|| {
        // SAFETY: the caller's promise; live as checked.
        unsafe {
            check(msg)?;
            Message::close_in_place(msg);
        }
        Ok(())
    })
}

/// Moves the content of `src` to `dest`; `src` becomes empty.
///
/// # Safety
/// As for [`zmq_msg_close`], both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_move(dest: *mut Message, src: *mut Message) -> c_int {
    guard(|| {
        // SAFETY: the caller's promise; both live as checked. The same message
        // twice ends up empty, as it always has.
        unsafe {
            check(src)?;
            check(dest)?;
            let message = if dest == src { Message::new() } else { std::mem::take(&mut *src) };
            drop(dest.replace(message));
        }
        Ok(())
    })
}

/// Copies the content of `src` to `dest`; large bodies are shared.
///
/// # Safety
/// As for [`zmq_msg_close`], both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_copy(dest: *mut Message, src: *mut Message) -> c_int {
    guard(|| {
        // SAFETY: the caller's promise; both live as checked. The copy is made
        // before the old content goes, so that the same message twice is kept.
        unsafe {
            check(src)?;
            check(dest)?;
            let copy = (*src).share();
            drop(dest.replace(copy));
        }
        Ok(())
    })
}

/// The first byte of the body.
///
/// # Safety
/// As for [`zmq_msg_close`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_data(msg: *mut Message) -> *mut c_void {
    guard(|| {
        // SAFETY: the caller's promise; live as checked.
        unsafe {
            check(msg)?;
            Ok((*msg).as_mut_ptr().cast())
        }
    })
}

/// The length of the body in bytes.
///
/// # Safety
/// As for [`zmq_msg_close`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_size(msg: *const Message) -> usize {
    guard(|| {
        // SAFETY: the caller's promise; live as checked.
        unsafe {
            check(msg)?;
            Ok((*msg).len())
        }
    })
}

/// Whether more frames of the same multipart message follow: 1 or 0.
///
/// # Safety
/// As for [`zmq_msg_close`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_more(msg: *const Message) -> c_int {
    // SAFETY: the caller's promise.
    guard(|| unsafe { number_of(msg, MORE) })
}

/// The value of a property: `ZMQ_MORE`, `ZMQ_SRCFD` or `ZMQ_SHARED`.
///
/// # Safety
/// As for [`zmq_msg_close`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_get(msg: *const Message, property: c_int) -> c_int {
    // SAFETY: the caller's promise.
    guard(|| unsafe { number_of(msg, property) })
}

/// Sets a property: there is none that can be set, so EINVAL.
///
/// # Safety
/// No pointer is followed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_set(msg: *mut Message, property: c_int, value: c_int) -> c_int {
    guard(|| -> Result<()> {
        let _ = (property, value);
        Err(if msg.is_null() { Errno::EFAULT } else { Errno::EINVAL })
    })
}

/// A property of the peer the message came from, valid until it is closed.
///
/// # Safety
/// As for [`zmq_msg_close`]; `property` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_gets(
    msg: *const Message,
    property: *const c_char,
) -> *const c_char {
    guard(|| {
        if msg.is_null() {
            return Err(Errno::EFAULT);
        }
        if property.is_null() {
            return Err(Errno::EINVAL);
        }
        // SAFETY: not NULL, so a string by the caller's promise.
        let name = unsafe { CStr::from_ptr(property) };
        // SAFETY: the caller's promise.
        let value = unsafe { peer_property(msg, name) }.ok_or(Errno::EINVAL)?;
        Ok(value.as_ptr())
    })
}

/// EFAULT for memory that holds no message.
///
/// # Safety
/// `msg` is NULL or readable for a message.
#[inline]
pub(super) unsafe fn check(msg: *const Message) -> Result<()> {
    // SAFETY: the caller's promise.
    if !msg.is_null() && unsafe { Message::is_live(msg) } { Ok(()) } else { Err(Errno::EFAULT) }
}

/// Writes a new message over whatever the memory held.
///
/// # Safety
/// `msg` is NULL or writable for a message.
#[inline]
unsafe fn place(msg: *mut Message, message: Message) -> Result<()> {
    if msg.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: not NULL, so writable by the caller's promise.
    unsafe { msg.write(message) };
    Ok(())
}

/// As [`place`]; when there is no new message, the memory is left as a closed
/// one, so that a program that closes it all the same does no harm.
///
/// # Safety
/// `msg` is NULL or writable for a message.
#[inline(always)]
unsafe fn place_or_close(msg: *mut Message, message: Result<Message>) -> Result<()> {
    match message {
        // SAFETY: the caller's promise.
        Ok(message) => unsafe { place(msg, message) },
        Err(error) => {
            // SAFETY: the caller's promise; live once it is placed.
            unsafe {
                place(msg, Message::new())?;
                Message::close_in_place(msg);
            }
            Err(error)
        }
    }
}

/// A property as a number. Closed messages have none set, as they always had.
///
/// # Safety
/// `msg` is NULL or readable for a message.
unsafe fn number_of(msg: *const Message, id: c_int) -> Result<c_int> {
    if msg.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: not NULL, so readable by the caller's promise.
    let message = unsafe { Message::is_live(msg).then(|| &*msg) };
    match id {
        MORE => Ok(message.is_some_and(Message::more).into()),
        SHARED => Ok(message.is_some_and(Message::is_shared).into()),
        // SAFETY: the caller's promise.
        SOURCE_FD => unsafe { peer_property(msg, SOURCE_FD_NAME) }
            .and_then(|fd| fd.to_str().ok()?.parse().ok())
            .ok_or(Errno::EINVAL),
        _ => Err(Errno::EINVAL),
    }
}

/// What the peer that sent the message said of itself under this name.
///
/// # Safety
/// `msg` is readable for a message, which the answer does not outlive.
unsafe fn peer_property<'a>(msg: *const Message, name: &CStr) -> Option<&'a CStr> {
    // SAFETY: the caller's promise.
    let message = unsafe { Message::is_live(msg).then(|| &*msg) }?;
    message.metadata()?.value(name.to_bytes())
}

/// `ZMQ_MORE`.
const MORE: c_int = 1;

/// `ZMQ_SRCFD`.
const SOURCE_FD: c_int = 2;

/// `ZMQ_SHARED`.
const SHARED: c_int = 3;

/// The property under which a connection tells its descriptor.
const SOURCE_FD_NAME: &CStr = c"__fd";
