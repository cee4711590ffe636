//! How messages are made: empty, of a length, as a copy, around a user's buffer.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::AtomicU32;

use super::{Block, Body, FreeFn, MAX_INLINE, Message, Outer, Role, UserBlock, pool, storage};
use crate::error::{Errno, Result};

impl Message {
    /// An empty message.
    #[inline]
    pub const fn new() -> Message {
        Message {
            body: Body { inline: [0; MAX_INLINE] },
            metadata: None,
            storage: storage::INLINE,
            more: 0,
            inline_len: 0,
            role: Role::Data as u8,
            routing_id: 0,
            _reserved: 0,
        }
    }

    /// A message of `len` bytes, their values unspecified. `ENOMEM` when there
    /// is no such memory.
    #[inline(always)]
    pub fn with_len(len: usize) -> Result<Message> {
        if len <= MAX_INLINE {
            return Ok(Message::inline([0; MAX_INLINE], len, false));
        }
        Message::with_block(len)
    }

    /// A message of `len` bytes, [`MAX_INLINE`] at most, all zero.
    #[inline(always)]
    pub fn small(len: usize) -> Message {
        Message::inline([0; MAX_INLINE], len.min(MAX_INLINE), false)
    }

    /// A message whose body is in a block of its own.
    #[inline(never)]
    fn with_block(len: usize) -> Result<Message> {
        let block = pool::allocate(len)?;
        // SAFETY: the pool's blocks have `len` bytes behind their head.
        let data = unsafe { block.as_ptr().add(1).cast::<u8>() };
        let body = Body { outer: Outer { data, len, block: block.as_ptr() } };
        Ok(Message::assemble(body, storage::HEAP, 0, false))
    }

    /// A copy of `bytes`. `ENOMEM` when there is no memory for it.
    #[inline(always)]
    pub fn copy_of(bytes: &[u8]) -> Result<Message> {
        if bytes.len() <= MAX_INLINE {
            return Ok(Message::inline(small_copy(bytes), bytes.len(), false));
        }
        let message = Message::with_block(bytes.len())?;
        // SAFETY: the new body has exactly this length and nobody else has it.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), message.body.outer.data, bytes.len());
        }
        Ok(message)
    }

    /// A small message.
    #[inline(always)]
    fn inline(body: [u8; MAX_INLINE], len: usize, more: bool) -> Message {
        Message::assemble(Body { inline: body }, storage::INLINE, len as u8, more)
    }

    /// A frame of data with its head written in one piece: it is read again at
    /// once, and the processor waits for what several stores wrote.
    #[inline(always)]
    fn assemble(body: Body, storage: u8, inline_len: u8, more: bool) -> Message {
        let head = [storage, u8::from(more), inline_len, Role::Data as u8, 0, 0, 0, 0];
        let mut message = MaybeUninit::<Message>::uninit();
        let place = message.as_mut_ptr();
        // SAFETY: every field is written; the head is the five from `storage` to
        // `routing_id` (see the assertions).
        unsafe {
            (&raw mut (*place).body).write(body);
            (&raw mut (*place).metadata).write(None);
            write_head((&raw mut (*place).storage).cast(), u64::from_ne_bytes(head));
            message.assume_init()
        }
    }

    /// A frame of data whose body is the first `len` of `bytes`. For decoders,
    /// which have a buffer to read past the body: a copy of known size and no
    /// way to fail are what makes small messages cheap.
    #[inline]
    pub fn from_prefix(bytes: &[u8; MAX_INLINE], len: usize, more: bool) -> Message {
        Message::inline(*bytes, len.min(MAX_INLINE), more)
    }

    /// A message over the caller's buffer, given back through `free` (if any)
    /// when the last copy is closed.
    ///
    /// # Safety
    /// `data` is readable and writable for `len` bytes until `free` is called,
    /// from any thread, and `free(data, hint)` may run on any thread.
    pub unsafe fn from_user(
        data: *mut u8,
        len: usize,
        free: Option<FreeFn>,
        hint: *mut c_void,
    ) -> Result<Message> {
        let mut message = Message::new();
        if free.is_none() {
            message.storage = storage::CONSTANT;
            message.body = Body { outer: Outer { data, len, block: ptr::null_mut() } };
            return Ok(message);
        }
        let layout = std::alloc::Layout::new::<UserBlock>();
        // SAFETY: the layout is not empty.
        let block = unsafe { std::alloc::alloc(layout) }.cast::<UserBlock>();
        if block.is_null() {
            return Err(Errno::ENOMEM);
        }
        // SAFETY: freshly allocated for exactly this type.
        unsafe {
            block.write(UserBlock {
                block: Block { references: AtomicU32::new(1), class: 0, capacity: 0 },
                free,
                hint,
            });
        }
        message.storage = storage::USER;
        message.body = Body { outer: Outer { data, len, block: block.cast() } };
        Ok(message)
    }

    /// A message over a buffer that never changes and outlives it
    /// (`zmq_send_const`).
    ///
    /// # Safety
    /// `data` is readable for `len` bytes for as long as the message or a copy
    /// of it may live.
    pub unsafe fn constant(data: *const u8, len: usize) -> Message {
        let mut message = Message::new();
        message.storage = storage::CONSTANT;
        message.body = Body { outer: Outer { data: data.cast_mut(), len, block: ptr::null_mut() } };
        message
    }
}

/// The first bytes of a body. Two copies of known size that overlap cost less
/// than one of unknown size.
#[inline(always)]
fn small_copy(bytes: &[u8]) -> [u8; MAX_INLINE] {
    let mut body = [0; MAX_INLINE];
    let len = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        if len <= 32 {
            body[len - 16..len].copy_from_slice(last);
            body[..16].copy_from_slice(first);
        } else {
            body[..len].copy_from_slice(bytes);
        }
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        body[len - 8..len].copy_from_slice(last);
        body[..8].copy_from_slice(first);
    } else {
        for (to, from) in body.iter_mut().zip(bytes) {
            *to = *from;
        }
    }
    body
}

/// Writes the last sixteen bytes of a message, of which the second eight are
/// zero, in one store: messages are moved in pieces of sixteen bytes.
///
/// # Safety
/// `place` is writable for sixteen bytes.
#[inline(always)]
unsafe fn write_head(place: *mut [u64; 2], head: u64) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_cvtsi64_si128, _mm_storeu_si128};
        // SAFETY: the caller's promise; every such processor has SSE2.
        unsafe { _mm_storeu_si128(place.cast(), _mm_cvtsi64_si128(head.cast_signed())) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: the caller's promise.
    unsafe {
        place.write([head, 0]);
    }
}
