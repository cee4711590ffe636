//! How messages are made: empty, of a length, as a copy, around a user's buffer.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::AtomicU32;

use super::{Block, Body, FreeFn, MAX_INLINE, Message, Outer, Role, UserBlock, pool, storage};
use crate::error::{Errno, Result};

const _: () = assert!(MAX_INLINE == 40, "as many words as `small_words` has");

impl Message {
    /// An empty message.
    #[inline]
    pub const fn new() -> Message {
        Message {
            body: Body { known: [0; MAX_INLINE] },
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
            return Ok(Message::small_copy(bytes, false));
        }
        Ok(Message::with_block(bytes.len())?.filled_with(bytes))
    }

    /// Writes a body outside the message that was just made, as long as `bytes`.
    #[inline(always)]
    fn filled_with(self, bytes: &[u8]) -> Message {
        // SAFETY: the new body has exactly this length and nobody else has it.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), self.body.outer.data, bytes.len());
        }
        self
    }

    /// A message of `len` bytes, their values unspecified, that passes through: one that
    /// goes to a peer or came from one. Its body may share memory with those before and
    /// after it. `ENOMEM` when there is none.
    #[inline(always)]
    pub fn passing(len: usize) -> Result<Message> {
        let place = if len <= MAX_INLINE { None } else { pool::cut(len) };
        let Some((block, data)) = place else { return Message::with_len(len) };
        let outer = Outer { data: data.as_ptr(), len, block: block.as_ptr() };
        Ok(Message::assemble(Body { outer }, storage::SHEET, 0, false))
    }

    /// A copy of `bytes` that passes through.
    #[inline(always)]
    pub fn passing_copy(bytes: &[u8]) -> Result<Message> {
        if bytes.len() <= MAX_INLINE {
            return Ok(Message::small_copy(bytes, false));
        }
        Ok(Message::passing(bytes.len())?.filled_with(bytes))
    }

    /// A copy of `bytes`, of which the first [`MAX_INLINE`] count, in the words that
    /// it is moved in: each is stored whole and in its place, so that reading it
    /// again need not wait for the store to reach the cache.
    #[inline(always)]
    pub(crate) fn small_copy(bytes: &[u8], more: bool) -> Message {
        let len = bytes.len().min(MAX_INLINE);
        let mut message = MaybeUninit::<Message>::uninit();
        let place = message.as_mut_ptr();
        // SAFETY: the body is as long as `small_words` has words; its bytes beyond
        // the length may have any value, the rest is written.
        unsafe {
            small_words(&bytes[..len], place.cast());
            (&raw mut (*place).metadata).write(None);
            (&raw mut (*place).storage).cast::<u64>().write(head(storage::INLINE, len as u8, more));
            (&raw mut (*place)._reserved).write(0);
            message.assume_init()
        }
    }

    /// A small message.
    #[inline(always)]
    fn inline(body: [u8; MAX_INLINE], len: usize, more: bool) -> Message {
        Message::assemble(Body { known: body }, storage::INLINE, len as u8, more)
    }

    /// A frame of data with its head written in one piece: it is read again at
    /// once, and the processor waits for what several stores wrote.
    #[inline(always)]
    fn assemble(body: Body, storage: u8, inline_len: u8, more: bool) -> Message {
        let mut message = MaybeUninit::<Message>::uninit();
        let place = message.as_mut_ptr();
        // SAFETY: every field is written; the head is the five from `storage` to
        // `routing_id` (see the assertions).
        unsafe {
            (&raw mut (*place).body).write(body);
            (&raw mut (*place).metadata).write(None);
            (&raw mut (*place).storage).cast::<u64>().write(head(storage, inline_len, more));
            (&raw mut (*place)._reserved).write(0);
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
                block: Block { references: AtomicU32::new(1), class: 0, before: 0, capacity: 0 },
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

/// A message's fields from `storage` to `routing_id` as one word.
#[inline(always)]
fn head(storage: u8, inline_len: u8, more: bool) -> u64 {
    u64::from_ne_bytes([storage, u8::from(more), inline_len, Role::Data as u8, 0, 0, 0, 0])
}

/// Writes the bytes of a small body in whole words, as many as it takes.
///
/// # Safety
/// There is room for the bytes, rounded up to words; they are [`MAX_INLINE`] at
/// most.
#[inline(always)]
unsafe fn small_words(bytes: &[u8], place: *mut u64) {
    let len = bytes.len();
    // Spelled out: a loop over words would be turned into a call of memcpy.
    macro_rules! whole {
        ($($at:literal)*) => {$(
            if len < $at + 8 {
                // SAFETY: the caller's promise.
                return unsafe { last_word(bytes, $at, place.byte_add($at)) };
            }
            // SAFETY: both have the word.
            unsafe {
                let word = bytes.as_ptr().add($at).cast::<u64>().read_unaligned();
                place.byte_add($at).write(word);
            }
        )*};
    }
    whole!(0 8 16 24 32);
}

/// Writes the bytes from `from` on, of which there are fewer than eight.
///
/// # Safety
/// If there are any, the place is writable.
#[inline(always)]
unsafe fn last_word(bytes: &[u8], from: usize, place: *mut u64) {
    let rest = bytes.len() - from;
    if rest == 0 {
        return;
    }
    let word = match bytes.last_chunk::<8>() {
        // The bytes before the rest come along and are shifted out.
        Some(last) => u64::from_le_bytes(*last) >> (64 - 8 * rest),
        None => short_word(bytes),
    };
    // SAFETY: the caller's promise.
    unsafe { place.write(word.to_le()) };
}

/// The first bytes of a word, which are fewer than eight.
#[inline(always)]
fn short_word(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        // The same bytes twice where they overlap.
        let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
        return first | last << (8 * (len - 4));
    }
    match *bytes {
        [a, b, c] => u64::from(a) | u64::from(b) << 8 | u64::from(c) << 16,
        [a, b] => u64::from(a) | u64::from(b) << 8,
        [a] => u64::from(a),
        _ => 0,
    }
}
