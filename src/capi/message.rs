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
/// - `msg`: uninitialised memory, or a closed message. A message that is still
///   open would be lost with its body.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: `msg` is NULL.
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

/// Makes a message with room for a body, whose bytes have any values.
///
/// - `msg`: uninitialised memory, or a closed message.
/// - `size`: the length of the body in bytes.
///
/// Returns 0, or -1 with errno, and `msg` is closed then:
///
/// - ENOMEM: there is no memory for the body.
/// - EFAULT: `msg` is NULL.
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
        unsafe { place_or_close(msg, Message::passing(size)) }
    })
}

/// Makes a message of the caller's buffer, without copying it.
///
/// The library owns the buffer from then on. Once nothing needs it any more it
/// calls `ffn (data, hint)`, once, on any thread.
///
/// - `msg`: uninitialised memory, or a closed message.
/// - `data`: the buffer.
/// - `size`: its length in bytes.
/// - `ffn`: gives the buffer back. NULL: nobody does, as for one that is
///   constant.
/// - `hint`: passed on to `ffn`.
///
/// Returns 0, or -1 with errno; the buffer stays the caller's and `msg` is
/// closed then:
///
/// - ENOMEM: there is no memory to keep it with.
/// - EFAULT: `msg` is NULL, or `data` is and `size` is not 0.
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

/// Gives up a message. Its body goes with the last message that shares it.
///
/// Every message that was initialised is to be closed, those passed to
/// `zmq_msg_send` only if that failed.
///
/// - `msg`: the message.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: it is no message, or was closed before.
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

/// Moves the content of a message to another one, whose own is given up.
///
/// - `dest`: the message that gets it.
/// - `src`: the message that had it, and is empty afterwards.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: one of them is no message. Both are as they were.
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

/// Copies a message to another one, whose own content is given up.
///
/// Larger bodies are shared: do not write to one after it was copied.
///
/// - `dest`: the message that gets the copy.
/// - `src`: the message that is copied.
///
/// Returns 0, or -1 with errno:
///
/// - EFAULT: one of them is no message. Both are as they were.
///
/// # Safety
/// As for [`zmq_msg_close`], both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_copy(dest: *mut Message, src: *mut Message) -> c_int {
    guard(|| {
        // SAFETY: the caller's promise; both live as checked.
        unsafe {
            check(src)?;
            check(dest)?;
            if dest != src {
                let copy = (*src).share_known();
                drop(dest.replace(copy));
            }
        }
        Ok(())
    })
}

/// The body of a message.
///
/// - `msg`: the message.
///
/// Returns its first byte, which stays the message's and is valid until that is
/// closed, moved, sent or received into; or NULL with errno:
///
/// - EFAULT: it is no message.
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

/// The length of a message's body.
///
/// - `msg`: the message.
///
/// Returns the number of bytes, or 0 with errno:
///
/// - EFAULT: it is no message.
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

/// Whether a message that was received is followed by further frames of the same
/// multipart message.
///
/// - `msg`: the message.
///
/// Returns 1 if it is, 0 if it is the last one; or -1 with errno:
///
/// - EFAULT: `msg` is NULL.
///
/// # Safety
/// As for [`zmq_msg_close`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_more(msg: *const Message) -> c_int {
    // SAFETY: the caller's promise.
    guard(|| unsafe { number_of(msg, MORE) })
}

/// A property of a message, as a number.
///
/// - `msg`: the message.
/// - `property`: `ZMQ_MORE` (as `zmq_msg_more`), `ZMQ_SRCFD` (the descriptor of
///   the connection that it came by) or `ZMQ_SHARED` (1 if another message has
///   the same body).
///
/// Returns the value, or -1 with errno:
///
/// - EINVAL: there is no such property, or this message does not have it.
/// - EFAULT: `msg` is NULL.
///
/// # Safety
/// As for [`zmq_msg_close`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_get(msg: *const Message, property: c_int) -> c_int {
    // SAFETY: the caller's promise.
    guard(|| unsafe { number_of(msg, property) })
}

/// Sets a property of a message. There is none that can be set.
///
/// - `msg`: the message.
/// - `property`: a property.
/// - `value`: its value.
///
/// Returns -1 with errno:
///
/// - EINVAL: the property cannot be set.
/// - EFAULT: `msg` is NULL.
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

/// What is known of the peer that a message came from, as text.
///
/// - `msg`: a message that was received.
/// - `property`: its name, in exactly these letters: `"Routing-Id"`,
///   `"Socket-Type"`, `"User-Id"`, `"Peer-Address"`, or `"X-…"` as the peer's
///   `ZMQ_METADATA` has it.
///
/// Returns the value, which stays the message's and is valid until that is
/// closed; or NULL with errno:
///
/// - EINVAL: the message has no such property, or the name is NULL.
/// - EFAULT: `msg` is NULL.
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
pub(super) unsafe fn place_or_close(msg: *mut Message, message: Result<Message>) -> Result<()> {
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
