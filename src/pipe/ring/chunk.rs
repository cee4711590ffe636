//! The chain of chunks that a queue lies in, and places in it.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr;

#[cfg(all(target_arch = "x86_64", not(loom)))]
use super::PREFETCH_SLOTS;
use super::memory;
#[cfg(all(target_arch = "x86_64", not(loom)))]
use crate::sync::Ordering;
use crate::sync::{AtomicPtr, SharedCell};

/// A place for an item, on a cache line of its own: the halves work on
/// neighbouring slots at the same time.
#[repr(align(64))]
pub(super) struct Slot<T>(SharedCell<MaybeUninit<T>>);

impl<T> Slot<T> {
    /// Writes to the slot an item was taken from. The next to write here is the
    /// producer, on another core, and a line that this core only read costs it
    /// many times what a line costs that this core wrote: 37 ns against 4 have
    /// been measured.
    ///
    /// # Safety
    /// The slot is the consumer's and holds no item any more.
    #[inline(always)]
    pub(super) unsafe fn mark_taken(&self) {
        // SAFETY: the caller's promise; any bytes will do.
        self.with_mut(|slot| unsafe { slot.cast::<u8>().write(0) });
    }
}

impl<T> std::ops::Deref for Slot<T> {
    type Target = SharedCell<MaybeUninit<T>>;
    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A link of the chain. Its slots lie behind it.
#[repr(align(64))]
pub(super) struct Chunk<T> {
    /// The chunk after this one, written by the producer.
    pub(super) next: AtomicPtr<Chunk<T>>,
    capacity: usize,
}

impl<T> Chunk<T> {
    /// A chunk in memory of its own, for [`Chunk::free`].
    pub(super) fn new(capacity: usize) -> *mut Chunk<T> {
        let layout = Self::layout(capacity);
        let chunk = memory::take(layout).cast::<Chunk<T>>();
        // SAFETY: the memory is the chunk's alone and has room for it and its slots.
        unsafe {
            chunk.write(Chunk { next: AtomicPtr::new(ptr::null_mut()), capacity });
            let slots = chunk.add(1).cast::<Slot<T>>();
            for index in 0..capacity {
                slots.add(index).write(Slot(SharedCell::new(MaybeUninit::uninit())));
            }
        }
        chunk
    }

    /// Frees a chunk, not what its slots may hold.
    ///
    /// # Safety
    /// It came from [`Chunk::new`], and nobody else has it.
    pub(super) unsafe fn free(chunk: *mut Chunk<T>) {
        // SAFETY: the caller's promise. All is dropped that was made, and the
        // layout is the one it was made with.
        unsafe {
            let capacity = (*chunk).capacity;
            ptr::drop_in_place(ptr::from_ref(slots_of(chunk)).cast_mut());
            ptr::drop_in_place(chunk);
            memory::give_back(chunk.cast(), Self::layout(capacity));
        }
    }

    fn layout(capacity: usize) -> Layout {
        let slots = size_of::<Slot<T>>().saturating_mul(capacity);
        let size = slots.saturating_add(size_of::<Chunk<T>>());
        // Chunks have a few hundred slots: this cannot fail.
        Layout::from_size_align(size, align_of::<Chunk<T>>()).unwrap_or(Layout::new::<Chunk<T>>())
    }
}

/// The slots of a chunk.
///
/// # Safety
/// The chunk is alive for as long as the slots are used.
#[inline(always)]
pub(super) unsafe fn slots_of<'a, T>(chunk: *mut Chunk<T>) -> &'a [Slot<T>] {
    const { assert!(align_of::<Slot<T>>() <= align_of::<Chunk<T>>()) };
    // SAFETY: the caller's promise; so many slots lie behind every chunk.
    unsafe { std::slice::from_raw_parts(chunk.add(1).cast(), (*chunk).capacity) }
}

/// A place in the chain.
pub(super) struct Cursor<T> {
    pub(super) chunk: *mut Chunk<T>,
    pub(super) index: usize,
    /// Slots in the chunk; 0 without one.
    pub(super) len: usize,
    /// Slots from the beginning of time up to here.
    pub(super) count: usize,
}

impl<T> Clone for Cursor<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Cursor<T> {}

impl<T> Cursor<T> {
    /// Before the first chunk.
    pub(super) const START: Cursor<T> =
        Cursor { chunk: ptr::null_mut(), index: 0, len: 0, count: 0 };

    /// The address of the slot a few places ahead, if it is in the chunk.
    #[cfg(all(target_arch = "x86_64", not(loom)))]
    #[inline(always)]
    pub(super) fn ahead(&self) -> Option<*const i8> {
        let ahead = self.index + PREFETCH_SLOTS;
        (ahead < self.len).then(|| {
            // SAFETY: inside the chunk, which is alive at a cursor.
            unsafe { slots_of(self.chunk).as_ptr().add(ahead).cast() }
        })
    }

    /// The address of the slot a few places ahead, in the next chunk; an idle
    /// one should that be a very small chunk.
    ///
    /// # Safety
    /// The slots up to that one are published, and it is not in this chunk.
    #[cfg(all(target_arch = "x86_64", not(loom)))]
    #[cold]
    pub(super) unsafe fn beyond(&self) -> *const i8 {
        // SAFETY: where slots are published, so is the link to their chunk.
        let next = unsafe { slots_of((*self.chunk).next.load(Ordering::Relaxed)) };
        next.as_ptr().wrapping_add(self.index + PREFETCH_SLOTS - self.len).cast()
    }

    /// Steps to the beginning of `chunk`.
    pub(super) fn enter(&mut self, chunk: *mut Chunk<T>) {
        self.chunk = chunk;
        self.index = 0;
        // SAFETY: callers enter chunks of the live chain only; a chunk's
        // slots never move.
        self.len = unsafe { slots_of(chunk).len() };
    }
}
