//! Functions that programs of old use: `zmq_device`, `zmq_sendmsg`,
//! `zmq_recvmsg`, and scatter and gather over several frames. No manual page
//! tells of the last two; they do what libzmq does.

use std::ffi::{c_int, c_void};
use std::{ptr, slice};

use libc::iovec;

use super::poll::zmq_proxy;
use super::socket::{SNDMORE, blocking, bytes, guard_socket, size, zmq_msg_recv, zmq_msg_send};
use crate::error::{Errno, Result};
use crate::message::Message;

/// Passes messages between two sockets. Deprecated: use `zmq_proxy`.
///
/// - `type_`: anything.
/// - `frontend`, `backend`: the sockets.
///
/// Returns as `zmq_proxy`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_device(
    type_: c_int,
    frontend: *mut c_void,
    backend: *mut c_void,
) -> c_int {
    let _ = type_;
    zmq_proxy(frontend, backend, ptr::null_mut())
}

/// Sends a message. Deprecated: use `zmq_msg_send`.
///
/// - `s`: the socket.
/// - `msg`: the message.
/// - `flags`: as for `zmq_send`.
///
/// Returns as `zmq_msg_send`.
///
/// # Safety
/// As for [`zmq_msg_send`].
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_sendmsg(
    s: *mut c_void,
    msg: *mut Message,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { zmq_msg_send(msg, s, flags) }
}

/// Receives a frame. Deprecated: use `zmq_msg_recv`.
///
/// - `s`: the socket.
/// - `msg`: an initialised message.
/// - `flags`: as for `zmq_recv`.
///
/// Returns as `zmq_msg_recv`.
///
/// # Safety
/// As for [`zmq_msg_recv`].
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_recvmsg(
    s: *mut c_void,
    msg: *mut Message,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { zmq_msg_recv(msg, s, flags) }
}

/// Sends a copy of each of several buffers, as a frame.
///
/// - `s`: the socket.
/// - `iov`: the buffers, which stay the caller's.
/// - `count`: how many there are.
/// - `flags`: as for `zmq_send`. With `ZMQ_SNDMORE` the buffers are the frames
///   of one message, which ends with the last of them; without, each is a
///   message.
///
/// Returns the length of the last buffer, or -1 with errno as `zmq_send`, and
/// what came before has been sent then:
///
/// - EINVAL: there are no buffers.
/// - EFAULT: one of the buffers is NULL and its length is not 0.
///
/// # Safety
/// `iov` is NULL or readable for `count` buffers, each of them readable.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_sendiov(
    s: *mut c_void,
    iov: *mut iovec,
    count: usize,
    flags: c_int,
) -> c_int {
    guard_socket(s, |slot| {
        slot.check_is_socket()?;
        if count == 0 || iov.is_null() || count > isize::MAX as usize / size_of::<iovec>() {
            return Err(Errno::EINVAL);
        }
        // SAFETY: the caller's promise.
        let buffers = unsafe { slice::from_raw_parts(iov, count) };
        let mut sent = 0;
        for (index, buffer) in buffers.iter().enumerate() {
            // SAFETY: the caller's promise.
            let bytes = unsafe { bytes(slot, buffer.iov_base, buffer.iov_len) }?;
            let mut message = Message::copy_of(bytes)?;
            message.set_more(flags & SNDMORE != 0 && index + 1 < count);
            slot.send(&mut message, blocking(flags))?;
            sent = bytes.len();
        }
        Ok(size(sent))
    })
}

/// Receives the frames of one message into buffers of their own.
///
/// - `s`: the socket.
/// - `iov`: where to write the buffers, each of which is the caller's to
///   free(3).
/// - `count`: how many fit there; becomes how many there are, 0 after an error.
///   What is left of the message comes with the next call.
/// - `flags`: as for `zmq_recv`.
///
/// Returns the number of buffers, or -1 with errno as `zmq_recv`, and:
///
/// - EINVAL: `iov` or `count` is NULL, or there is no room for a buffer.
/// - ENOMEM: there is no memory for a buffer.
///
/// # Safety
/// `count` is NULL or valid; `iov` is NULL or writable for `*count` buffers.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_recviov(
    s: *mut c_void,
    iov: *mut iovec,
    count: *mut usize,
    flags: c_int,
) -> c_int {
    guard_socket(s, |slot| {
        slot.check_is_socket()?;
        if count.is_null() || iov.is_null() {
            return Err(Errno::EINVAL);
        }
        // SAFETY: not NULL, so valid by the caller's promise.
        let count = unsafe { &mut *count };
        let room = std::mem::take(count);
        if room == 0 {
            return Err(Errno::EINVAL);
        }
        let mut message = Message::new();
        while *count < room {
            let received = slot.recv(&mut message, false, blocking(flags));
            let buffer = match received.and_then(|()| malloc_copy(message.data())) {
                Ok(buffer) => buffer,
                Err(error) => {
                    // The rest of a message may be lost to another thread: what
                    // came of it is no use to a caller who is told of an error.
                    for index in 0..std::mem::take(count) {
                        // SAFETY: these were written below, by `malloc_copy`.
                        unsafe { libc::free((*iov.add(index)).iov_base) };
                    }
                    return Err(error);
                }
            };
            // SAFETY: there is room for another one.
            unsafe { iov.add(*count).write(buffer) };
            *count += 1;
            if !message.more() {
                break;
            }
        }
        Ok(size(*count))
    })
}

/// A copy of these bytes in memory for free(3): never NULL, not even for none.
fn malloc_copy(body: &[u8]) -> Result<iovec> {
    // SAFETY: takes no pointers.
    let copy = unsafe { libc::malloc(body.len().max(1)) };
    if copy.is_null() {
        return Err(Errno::ENOMEM);
    }
    // SAFETY: just allocated, at least as long as the body.
    unsafe { ptr::copy_nonoverlapping(body.as_ptr(), copy.cast(), body.len()) };
    Ok(iovec { iov_base: copy, iov_len: body.len() })
}
