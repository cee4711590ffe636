//! The chain of chunks that a queue lies in, and places in it.

use std::mem::MaybeUninit;
use std::ptr;

#[cfg(all(target_arch = "x86_64", not(loom)))]
use super::PREFETCH_SLOTS;
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

/// A link of the chain.
pub(super) struct Chunk<T> {
    pub(super) slots: Box<[Slot<T>]>,
    /// The chunk after this one, written by the producer.
    pub(super) next: AtomicPtr<Chunk<T>>,
}

impl<T> Chunk<T> {
    /// A chunk in memory of its own, which whoever has the last pointer frees.
    pub(super) fn new(capacity: usize) -> *mut Chunk<T> {
        let slots = (0..capacity).map(|_| Slot(SharedCell::new(MaybeUninit::uninit()))).collect();
        Box::into_raw(Box::new(Chunk { slots, next: AtomicPtr::new(ptr::null_mut()) }))
    }
}

/// The slots of a chunk.
///
/// # Safety
/// The chunk is alive for as long as the slots are used.
#[inline(always)]
pub(super) unsafe fn slots_of<'a, T>(chunk: *mut Chunk<T>) -> &'a [Slot<T>] {
    // SAFETY: the caller's promise.
    let chunk: &'a Chunk<T> = unsafe { &*chunk };
    &chunk.slots
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
