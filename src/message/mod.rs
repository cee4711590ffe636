//! The message: 64 bytes that move by copy, on whatever thread holds them.
//!
//! A message is one *frame* of a multipart message. Small bodies live inside
//! the 64 bytes; larger ones in a reference-counted block (recycled by [`pool`])
//! of their own, or beside their neighbours in a sheet when they pass through; a
//! caller's own buffer is kept with its free function; constant buffers are only
//! pointed at. The 64 bytes are also the C type `zmq_msg_t`, so that nothing is
//! converted at the C boundary.

mod deferred;
mod making;
mod metadata;
mod pool;
mod sharing;
#[cfg(test)]
mod tests;

use std::ffi::{CStr, c_void};
use std::mem::{MaybeUninit, offset_of};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) use deferred::run_waiting as run_waiting_frees;
pub use metadata::{MAX_GROUP, Metadata};

#[cfg(feature = "draft")]
use crate::error::Result;

/// A caller's free function for a body it owns (`zmq_free_fn`): called exactly
/// once, on any thread, with no lock of the library held.
pub type FreeFn = unsafe extern "C" fn(data: *mut c_void, hint: *mut c_void);

/// What a message is to the library. Only `Data` ever reaches the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// A frame that a user sent.
    Data = 0,
    /// A subscription; the body is the topic (RFC 29, RFC 37 `SUBSCRIBE`).
    Subscribe = 1,
    /// The end of a subscription; the body is the topic.
    Cancel = 2,
    /// One of the two as a user wrote it: a frame of a message, which begins
    /// with 1 or 0.
    Request = 3,
    /// The peer behind the pipe is from here on the one that the attached
    /// metadata describes; the body is its routing id.
    Peer = 4,
}

/// One frame: body, flags, and what is known of the peer it came from.
#[repr(C)]
pub struct Message {
    body: Body,
    metadata: Option<Arc<Metadata>>,
    /// One of [`storage`]'s values. Plain bytes here and below: a field that not
    /// every value is valid for would make the compiler move messages in odd
    /// pieces, which costs more than the move.
    storage: u8,
    /// 0 or 1.
    more: u8,
    /// The length of a body in the message. Of one elsewhere: 1 when another message
    /// was made of it (`ZMQ_SHARED`), else 0.
    inline_len: u8,
    /// A [`Role`].
    role: u8,
    routing_id: u32,
    /// Keeps the size at `zmq_msg_t`'s 64 bytes.
    _reserved: u64,
}

const _: () = assert!(size_of::<Message>() == 64 && align_of::<Message>() == 8);
// `Message::is_live` reads these together, `Message::vacate` and
// `Message::assemble` write them.
const _: () = assert!(
    offset_of!(Message, more) == offset_of!(Message, storage) + 1
        && offset_of!(Message, inline_len) == offset_of!(Message, storage) + 2
        && offset_of!(Message, role) == offset_of!(Message, storage) + 3
        && offset_of!(Message, routing_id) == offset_of!(Message, storage) + 4
        && offset_of!(Message, _reserved) == offset_of!(Message, storage) + 8
        && offset_of!(Message, storage).is_multiple_of(8)
);

/// Bodies up to this many bytes need no allocation.
pub const MAX_INLINE: usize = 40;

/// Kinds of storage beyond the first.
const STORAGE_KINDS: u32 = (storage::CONSTANT - storage::INLINE) as u32;

#[repr(C)]
union Body {
    /// What lies behind the body's length may never have been written.
    inline: [MaybeUninit<u8>; MAX_INLINE],
    /// The same, made of bytes that all were.
    known: [u8; MAX_INLINE],
    outer: Outer,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Outer {
    data: *mut u8,
    len: usize,
    block: *mut Block,
}

/// Where a body lives. The values are unusual on purpose: memory that never was
/// a message, zeroed memory and closed messages are all told apart from one.
mod storage {
    /// `zmq_msg_close` was called (or the memory never held a message).
    pub(super) const CLOSED: u8 = 0;
    /// In the message itself.
    pub(super) const INLINE: u8 = 0xa1;
    /// In a block of ours, header and body together.
    pub(super) const HEAP: u8 = 0xa2;
    /// In a block of ours that may hold other messages' bodies, too.
    pub(super) const SHEET: u8 = 0xa3;
    /// In the caller's buffer, freed by its function.
    pub(super) const USER: u8 = 0xa4;
    /// In a buffer that outlives the message.
    pub(super) const CONSTANT: u8 = 0xa5;
}

/// The head of a body outside the message: reference count and origin.
#[repr(C, align(16))]
struct Block {
    references: AtomicU32,
    /// The pool's size class (heap bodies).
    class: u16,
    /// The bytes before it, to where its memory begins (heap bodies).
    before: u16,
    /// The bytes behind the head (heap bodies).
    capacity: usize,
}

/// The head of a body that belongs to the caller.
#[repr(C)]
struct UserBlock {
    block: Block,
    free: Option<FreeFn>,
    hint: *mut c_void,
}

// SAFETY: a message owns its body or shares it immutably through an atomic
// reference count; user buffers come with the caller's promise that they may
// be read and freed on any thread (manual page zmq_msg_init_data).
unsafe impl Send for Message {}
// SAFETY: `&Message` only reads.
unsafe impl Sync for Message {}

impl Message {
    /// Leaves an empty message where one was moved out of.
    ///
    /// # Safety
    /// The content is somebody else's: it is not dropped here.
    #[inline(always)]
    pub(crate) unsafe fn vacate(&mut self) {
        const HEAD: u32 = u32::from_ne_bytes([storage::INLINE, 0, 0, Role::Data as u8]);
        // SAFETY: the four fields are neighbours (see the assertion); any bytes
        // are a body of length zero.
        unsafe {
            ptr::addr_of_mut!(self.storage).cast::<u32>().write(HEAD);
            ptr::addr_of_mut!(self.metadata).write(None);
        }
        self.routing_id = 0;
    }

    /// Releases the body and what is known of the peer; the message is empty
    /// then.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        // SAFETY: the content is dropped, once.
        unsafe {
            ptr::drop_in_place(self);
            self.vacate();
        }
    }

    /// Whether this is the last frame of data of a message, or the only one.
    #[inline(always)]
    pub(crate) fn ends_data(&self) -> bool {
        (self.more | self.role) == 0
    }

    /// The body.
    #[inline]
    pub fn data(&self) -> &[u8] {
        // SAFETY: every storage kind keeps `len` readable bytes at its data
        // pointer for as long as the message lives.
        unsafe {
            match self.storage {
                storage::INLINE => {
                    let data = self.body.inline.as_ptr().cast();
                    std::slice::from_raw_parts(data, self.inline_len as usize)
                }
                storage::CLOSED => &[],
                _ if self.body.outer.data.is_null() => &[],
                _ => std::slice::from_raw_parts(self.body.outer.data, self.body.outer.len),
            }
        }
    }

    /// The body of a frame of data, if it lies in the message: the first bytes of
    /// the array, as many as the number says, [`MAX_INLINE`] at most. Those behind
    /// it may never have been written.
    #[inline(always)]
    pub(crate) fn inline_data(&self) -> Option<(&[MaybeUninit<u8>; MAX_INLINE], usize)> {
        if self.storage != storage::INLINE || self.role != Role::Data as u8 {
            return None;
        }
        // SAFETY: the storage kind says which variant is live.
        Some((unsafe { &self.body.inline }, usize::from(self.inline_len)))
    }

    /// Asks for the first bytes of a body outside the message, and for its head:
    /// they will be read soon.
    #[inline(always)]
    pub(crate) fn prefetch(&self) {
        #[cfg(target_arch = "x86_64")]
        if matches!(self.storage, storage::HEAP | storage::SHEET) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: the storage kind says which variant is live; a prefetch
            // reads and writes nothing.
            unsafe {
                let outer = self.body.outer;
                _mm_prefetch::<_MM_HINT_T0>(outer.data.cast());
                _mm_prefetch::<_MM_HINT_T0>(outer.block.cast());
            }
        }
    }

    /// The body, to be written by whoever made the message and before it is
    /// sent or shared. The caller's own and constant buffers are handed out
    /// as they came.
    #[inline]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        match self.storage {
            // SAFETY: the storage kind says which variant is live.
            storage::INLINE => unsafe { self.body.inline.as_mut_ptr().cast() },
            storage::CLOSED => ptr::null_mut(),
            // SAFETY: as above.
            _ => unsafe { self.body.outer.data },
        }
    }

    /// The body for writing, `None` while it is shared or not ours to write.
    pub fn data_mut(&mut self) -> Option<&mut [u8]> {
        let unique = match self.storage {
            storage::INLINE => true,
            // SAFETY: a live block.
            storage::HEAP => unsafe { self.block() }.references.load(Ordering::Acquire) == 1,
            // Who else is in the block, and with which body, it does not tell.
            _ => false,
        };
        let len = self.len();
        // SAFETY: the body is ours alone and `len` bytes long.
        unique.then(|| unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr(), len) })
    }

    /// Cuts the body to its first `len` bytes; a longer `len` changes nothing.
    pub fn truncate(&mut self, len: usize) {
        if self.storage == storage::INLINE {
            self.inline_len = self.inline_len.min(len.min(MAX_INLINE) as u8);
        } else if self.storage != storage::CLOSED {
            // SAFETY: all other storage kinds use the outer variant.
            unsafe { self.body.outer.len = self.body.outer.len.min(len) };
        }
    }

    /// The length of the body in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        match self.storage {
            storage::INLINE => self.inline_len as usize,
            storage::CLOSED => 0,
            // SAFETY: all other storage kinds use the outer variant.
            _ => unsafe { self.body.outer.len },
        }
    }

    /// Whether the body has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether more frames of the same multipart message follow.
    #[inline]
    pub fn more(&self) -> bool {
        self.more != 0
    }

    /// Says whether more frames follow.
    #[inline]
    pub fn set_more(&mut self, more: bool) {
        // Not written again for nothing: the word it is in is moved next, and
        // the processor would wait for the byte.
        if self.more() != more {
            self.more = u8::from(more);
        }
    }

    /// What the message is to the library.
    #[inline]
    pub fn role(&self) -> Role {
        match self.role {
            1 => Role::Subscribe,
            2 => Role::Cancel,
            3 => Role::Request,
            4 => Role::Peer,
            _ => Role::Data,
        }
    }

    /// The same message in another role.
    #[inline]
    pub fn with_role(mut self, role: Role) -> Message {
        self.role = role as u8;
        self
    }

    /// What is known of the peer it came from.
    pub fn metadata(&self) -> Option<&Arc<Metadata>> {
        self.metadata.as_ref()
    }

    /// Attaches what is known of the peer it came from.
    #[inline]
    pub fn set_metadata(&mut self, metadata: Option<Arc<Metadata>>) {
        if self.metadata.is_some() || metadata.is_some() {
            self.metadata = metadata;
        }
    }

    /// Takes out the metadata, if it is this.
    #[inline(always)]
    pub(crate) fn take_metadata(&mut self, this: Option<&Arc<Metadata>>) -> Option<Arc<Metadata>> {
        match (&self.metadata, this) {
            (Some(ours), Some(this)) if Arc::ptr_eq(ours, this) => self.metadata.take(),
            _ => None,
        }
    }

    /// Forgets the peer it came from, which its next receiver knows nothing of. The
    /// group stays.
    #[inline]
    pub(crate) fn forget_peer(&mut self) {
        if self.metadata.is_some() {
            self.forget_known_peer();
        }
    }

    #[cold]
    fn forget_known_peer(&mut self) {
        let known = self.metadata.take();
        if let Some(metadata) = known.filter(|metadata| metadata.group().is_some()) {
            self.metadata = match (metadata.group(), metadata.peer()) {
                (Some(group), Some(_)) => {
                    Metadata::with_group(group.to_bytes(), None).ok().map(Arc::new)
                }
                _ => Some(metadata),
            };
        }
    }

    /// The group it belongs to (RFC 48); empty until one is set.
    pub fn group(&self) -> &CStr {
        self.metadata.as_ref().and_then(|metadata| metadata.group()).unwrap_or_default()
    }

    /// Says which group it belongs to. `EINVAL` for too long a name.
    #[cfg(feature = "draft")]
    pub(crate) fn set_group(&mut self, group: &CStr) -> Result<()> {
        let known = self.metadata.as_ref();
        let grouped = known.is_some_and(|metadata| metadata.group().is_some());
        let peer = if grouped { known.and_then(|metadata| metadata.peer()) } else { known };
        let metadata = Metadata::with_group(group.to_bytes(), peer.cloned())?;
        self.metadata = Some(Arc::new(metadata));
        Ok(())
    }

    /// The number of the peer that it came from, or is to go to (RFC 41); 0: none.
    #[inline]
    pub fn routing_id(&self) -> u32 {
        self.routing_id
    }

    /// Says which peer it came from, or is to go to.
    #[inline]
    pub fn set_routing_id(&mut self, id: u32) {
        self.routing_id = id;
    }

    /// Whether this memory holds a message that was initialised and not closed.
    /// Memory that passes holds valid values in all fields that not every value
    /// is valid for, so that a reference to it may be made.
    ///
    /// # Safety
    /// `memory` is readable for 64 bytes and aligned as a pointer.
    #[inline]
    pub unsafe fn is_live(memory: *const Message) -> bool {
        // SAFETY: the caller's promise, and the four fields are neighbours (see
        // the assertion). Read as bytes, since memory that is no message may
        // hold any value there.
        let fields = unsafe { ptr::read(ptr::addr_of!((*memory).storage).cast::<u32>()) };
        let [kind, more, inline_len, role] = fields.to_ne_bytes().map(u32::from);
        (kind.wrapping_sub(u32::from(storage::INLINE)) <= STORAGE_KINDS)
            & (more <= 1)
            & (inline_len <= MAX_INLINE as u32)
            & (role <= Role::Peer as u32)
    }

    /// Releases the body and leaves memory that [`Message::is_live`] denies and
    /// whose drop does nothing. That is so before a caller's free function runs:
    /// it may try to close the same message again.
    ///
    /// # Safety
    /// `memory` holds a live message.
    pub unsafe fn close_in_place(memory: *mut Message) {
        // SAFETY: the caller's promise; what is read out is dropped once, and
        // what stays behind owns nothing.
        drop(unsafe {
            let message = ptr::read(memory);
            ptr::addr_of_mut!((*memory).storage).write(storage::CLOSED);
            ptr::addr_of_mut!((*memory).metadata).write(None);
            message
        });
    }
}

impl Drop for Message {
    #[inline]
    fn drop(&mut self) {
        if self.has_block() {
            self.release_outer();
        }
    }
}

impl Default for Message {
    fn default() -> Message {
        Message::new()
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("len", &self.len())
            .field("more", &self.more())
            .field("role", &self.role())
            .finish_non_exhaustive()
    }
}
