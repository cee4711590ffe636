//! A single-producer single-consumer queue of slots in a chain of chunks.
//!
//! No compare-and-swap and no shared line per item: the producer publishes its
//! tail, the consumer keeps a copy of it and looks again only when that is used
//! up. Items are pushed in groups, which [`Producer::publish`] shows whole once
//! they are finished: a multipart message appears at once or, after
//! [`Producer::rollback`], not at all. The consumer may look ahead of what it has taken ([`Consumer::peek`])
//! and go back ([`Consumer::rewind`]): a message counts as taken only once it
//! was handed whole to the kernel. Chunks are made when first needed, so an
//! idle queue costs no memory, and a used-up chunk goes back to the producer.
//!
//! The two halves may live on different threads; each is used by one at a time.

mod chunk;
mod memory;

#[cfg(all(target_arch = "x86_64", not(loom)))]
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr;

use chunk::{Chunk, Cursor, slots_of};

use crate::sync::{
    Arc, AtomicPtr, AtomicUsize, CachePadded, Ordering, SharedCell, fence_after_swap,
};

/// Slots in the first chunk: an occasional message should cost little memory.
const FIRST_CHUNK: usize = if cfg!(loom) { 2 } else { 8 };
/// Slots in the largest chunk.
const LARGEST_CHUNK: usize = if cfg!(loom) { 2 } else { 256 };

/// How many slots ahead of a cursor are asked for.
#[cfg(all(target_arch = "x86_64", not(loom)))]
const PREFETCH_SLOTS: usize = 12;

/// How far ahead the consumer looks for what an item refers to.
const UPCOMING_SLOTS: usize = 3;

struct Shared<T> {
    /// Slots published so far. Written by the producer only.
    tail: CachePadded<AtomicUsize>,
    /// The first chunk, for the consumer to begin with.
    first: AtomicPtr<Chunk<T>>,
    /// One used-up chunk on its way back to the producer.
    spare: AtomicPtr<Chunk<T>>,
    /// Where the halves stood when they were dropped.
    written: SharedCell<Cursor<T>>,
    taken: SharedCell<Cursor<T>>,
}

// SAFETY: the protocol below gives each slot to one half at a time; the cells
// for the final cursors are written by their half when it ends and read when
// both have ended.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

/// The writing half.
pub(crate) struct Producer<T> {
    shared: Arc<Shared<T>>,
    /// Where the next item goes.
    write: Cursor<T>,
    /// Where the unfinished group of items begins.
    open: Option<Cursor<T>>,
}

/// The reading half.
pub(crate) struct Consumer<T> {
    shared: Arc<Shared<T>>,
    /// The next item to take.
    read: Cursor<T>,
    /// The next item to peek at. Behind `read` once items were popped: it means
    /// `read` then, which it is not set to for each of them.
    ahead: Cursor<T>,
    /// The producer's tail as last seen.
    tail: usize,
}

// SAFETY: a half owns what its cursors reach by the protocol, wherever it is.
unsafe impl<T: Send> Send for Producer<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Consumer<T> {}

/// A queue's two halves.
pub(crate) fn ring<T>() -> (Producer<T>, Consumer<T>) {
    let shared = Arc::new(Shared {
        tail: CachePadded(AtomicUsize::new(0)),
        first: AtomicPtr::new(ptr::null_mut()),
        spare: AtomicPtr::new(ptr::null_mut()),
        written: SharedCell::new(Cursor::START),
        taken: SharedCell::new(Cursor::START),
    });
    (
        Producer { shared: shared.clone(), write: Cursor::START, open: None },
        Consumer { shared, read: Cursor::START, ahead: Cursor::START, tail: 0 },
    )
}

impl<T> Producer<T> {
    /// Writes an item that stays invisible until [`Producer::publish`], and
    /// says whether it ends its group.
    #[inline(always)]
    pub(crate) fn push(&mut self, item: T, ends: bool) {
        let item = ManuallyDrop::new(item);
        // SAFETY: the item is moved out of a place that does not drop it.
        unsafe { self.push_from(&raw const *item, ends) };
    }

    /// As [`Producer::push`], straight from where the item is: what is moved
    /// twice is moved once too often.
    ///
    /// # Safety
    /// `item` is readable, and its place is from here on without an item.
    #[inline(always)]
    pub(crate) unsafe fn push_from(&mut self, item: *const T, ends: bool) {
        // SAFETY: the caller's promise.
        self.push_with(ends, |slot| unsafe { move_by_words(item, slot.as_mut_ptr()) });
    }

    /// As [`Producer::push`], of an item that `make` puts into its slot.
    #[inline(always)]
    pub(crate) fn push_with(&mut self, ends: bool, make: impl FnOnce(&mut MaybeUninit<T>)) {
        if self.write.index == self.write.len {
            self.advance();
        }
        if ends {
            self.open = None;
        } else if self.open.is_none() {
            self.open = Some(self.write);
        }
        // SAFETY: `index` is inside the chunk, which the consumer never frees
        // at the producer's place; the slot is ours until it is published.
        unsafe {
            let slot = slots_of(self.write.chunk).get_unchecked(self.write.index);
            slot.with_mut(|slot| make(&mut *slot));
        }
        self.write.index += 1;
        self.write.count += 1;
        self.prefetch();
    }

    /// Asks for the cache line of a slot to come, which the consumer had last:
    /// by the time it is written it is here.
    #[inline(always)]
    fn prefetch(&self) {
        #[cfg(all(target_arch = "x86_64", not(loom)))]
        if let Some(slot) = self.write.ahead() {
            // The intrinsic with the hint to write becomes a plain prefetch on
            // the baseline of the architecture, and the line would be asked
            // for twice; where there is no such instruction it does nothing.
            // SAFETY: a prefetch reads and writes nothing.
            unsafe {
                std::arch::asm!("prefetchw [{}]", in(reg) slot, options(nostack, preserves_flags));
            }
        }
    }

    /// Moves the write cursor to the next chunk, making one where needed.
    #[cold]
    fn advance(&mut self) {
        let full = self.write.chunk;
        let next = if full.is_null() {
            ptr::null_mut()
        } else {
            // SAFETY: the consumer never frees the chunk at the producer's
            // place. After a rollback the chain may already go on; only the
            // producer writes `next`.
            unsafe { (*full).next.load(Ordering::Relaxed) }
        };
        if next.is_null() {
            // Acquire: the consumer was done with the chunk before it gave it.
            let spare = self.shared.spare.swap(ptr::null_mut(), Ordering::Acquire);
            let capacity = (self.write.len * 2).clamp(FIRST_CHUNK, LARGEST_CHUNK);
            let chunk = if spare.is_null() { Chunk::new(capacity) } else { spare };
            // SAFETY: the chunk is the producer's alone.
            unsafe { (*chunk).next.store(ptr::null_mut(), Ordering::Relaxed) };
            if full.is_null() {
                self.shared.first.store(chunk, Ordering::Relaxed);
            } else {
                // Relaxed: the publish of the tail carries it to the consumer.
                // SAFETY: as above.
                unsafe { (*full).next.store(chunk, Ordering::Relaxed) };
            }
            self.write.enter(chunk);
        } else {
            self.write.enter(next);
        }
    }

    /// Makes all finished groups visible. It is a full fence: what the caller
    /// reads afterwards is not older than the publication.
    #[inline(always)]
    pub(crate) fn publish(&mut self) {
        let end = self.open.as_ref().map_or(self.write.count, |open| open.count);
        self.shared.tail.swap(end, Ordering::SeqCst);
        fence_after_swap();
    }

    /// How many items the unfinished group has.
    pub(crate) fn unfinished(&self) -> usize {
        self.open.as_ref().map_or(0, |open| self.write.count - open.count)
    }

    /// As [`Producer::publish`], without the fence.
    #[inline(always)]
    pub(crate) fn publish_lightly(&mut self) {
        let end = self.open.as_ref().map_or(self.write.count, |open| open.count);
        self.shared.tail.store(end, Ordering::Release);
    }

    /// Takes back, and drops, the items of the unfinished group.
    pub(crate) fn rollback(&mut self) {
        let Some(open) = self.open.take() else { return };
        let mut at = open;
        while at.count != self.write.count {
            // SAFETY: the unpublished slots are the producer's, all written.
            unsafe {
                if at.index == at.len {
                    at.enter((*at.chunk).next.load(Ordering::Relaxed));
                }
                slots_of(at.chunk)[at.index].with_mut(|slot| (*slot).assume_init_drop());
            }
            at.index += 1;
            at.count += 1;
        }
        self.write = open;
    }
}

impl<T> Consumer<T> {
    /// Whether nothing is visible beyond what was taken. Looks at the
    /// producer's tail only when its copy is used up.
    #[inline(always)]
    pub(crate) fn is_empty(&mut self) -> bool {
        if self.read.count == self.tail {
            self.tail = self.shared.tail.load(Ordering::Acquire);
        }
        self.read.count == self.tail
    }

    /// Moves the next item to `place`. False when there is none. Nothing may
    /// have been peeked at and not taken.
    ///
    /// # Safety
    /// `place` is writable; what it holds is overwritten, not dropped.
    #[inline(always)]
    pub(crate) unsafe fn pop_to(&mut self, place: *mut T) -> bool {
        debug_assert!(self.ahead.count <= self.read.count);
        if self.is_empty() {
            return false;
        }
        self.step();
        // SAFETY: the slot is published, initialised, and taken only here; the
        // caller's promise.
        unsafe {
            let slot = slots_of(self.read.chunk).get_unchecked(self.read.index);
            slot.with(|slot| ptr::copy_nonoverlapping((*slot).as_ptr(), place, 1));
            slot.mark_taken();
        }
        self.read.index += 1;
        self.read.count += 1;
        self.prefetch();
        true
    }

    /// As [`Consumer::pop_to`], if the next item is such a one.
    ///
    /// # Safety
    /// As for [`Consumer::pop_to`].
    #[inline(always)]
    pub(crate) unsafe fn pop_to_if(
        &mut self,
        place: *mut T,
        wanted: impl FnOnce(&T) -> bool,
    ) -> bool {
        // SAFETY: the caller's promise.
        self.front().is_some_and(wanted) && unsafe { self.pop_to(place) }
    }

    /// Asks for the cache line of a published slot to come.
    #[inline(always)]
    fn prefetch(&self) {
        #[cfg(all(target_arch = "x86_64", not(loom)))]
        if self.tail - self.read.count > PREFETCH_SLOTS {
            // SAFETY: the slot is published. A prefetch reads and writes nothing.
            unsafe {
                let slot = self.read.ahead().unwrap_or_else(|| self.read.beyond());
                _mm_prefetch::<_MM_HINT_T0>(slot);
            }
        }
    }

    /// The item a few places ahead, if it is published and in the same chunk:
    /// for what a hint is good for.
    #[inline(always)]
    pub(crate) fn upcoming(&self) -> Option<&T> {
        let at = self.read.index + UPCOMING_SLOTS;
        if self.tail - self.read.count <= UPCOMING_SLOTS || at >= self.read.len {
            return None;
        }
        // SAFETY: the slot is in the chunk, published and not taken.
        Some(unsafe {
            slots_of(self.read.chunk).get_unchecked(at).with(|slot| (*slot).assume_init_ref())
        })
    }

    /// The next item to be popped, without taking it.
    #[inline]
    pub(crate) fn front(&mut self) -> Option<&T> {
        if self.is_empty() {
            return None;
        }
        let mut at = self.read;
        Self::settle(&self.shared, &mut at);
        // SAFETY: the slot is published and the consumer's until taken.
        Some(unsafe { slots_of(at.chunk)[at.index].with(|slot| (*slot).assume_init_ref()) })
    }

    /// Looks at the next item ahead of those already peeked at.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<&T> {
        if self.ahead.count < self.read.count {
            self.ahead = self.read;
        }
        if self.ahead.count == self.tail {
            self.tail = self.shared.tail.load(Ordering::Acquire);
            if self.ahead.count == self.tail {
                return None;
            }
        }
        Self::settle(&self.shared, &mut self.ahead);
        // SAFETY: the slot is published and the consumer's until taken.
        let item = unsafe {
            let slot = slots_of(self.ahead.chunk).get_unchecked(self.ahead.index);
            slot.with(|slot| (*slot).assume_init_ref())
        };
        self.ahead.index += 1;
        self.ahead.count += 1;
        Some(item)
    }

    /// Whether something is visible beyond what was peeked at.
    pub(crate) fn has_ahead(&mut self) -> bool {
        self.tail = self.shared.tail.load(Ordering::Acquire);
        self.ahead.count.max(self.read.count) != self.tail
    }

    /// Items visible and not yet taken.
    pub(crate) fn visible(&mut self) -> usize {
        self.tail = self.shared.tail.load(Ordering::Acquire);
        self.tail - self.read.count
    }

    /// Items peeked at and not yet taken.
    pub(crate) fn peeked(&self) -> usize {
        self.ahead.count.saturating_sub(self.read.count)
    }

    /// Drops the next item, which was peeked at before, where it is, and gives
    /// back what `note` makes of it.
    #[inline(always)]
    pub(crate) fn drop_peeked<R>(&mut self, note: impl FnOnce(&T) -> R) -> Option<R> {
        if self.peeked() == 0 {
            return None;
        }
        self.step();
        // SAFETY: the slot is published, initialised, and taken only here.
        let noted = unsafe {
            let slot = slots_of(self.read.chunk).get_unchecked(self.read.index);
            let noted = slot.with(|slot| note((*slot).assume_init_ref()));
            slot.with_mut(|slot| (*slot).assume_init_drop());
            slot.mark_taken();
            noted
        };
        self.read.index += 1;
        self.read.count += 1;
        Some(noted)
    }

    /// Goes back to the first item not taken.
    pub(crate) fn rewind(&mut self) {
        self.ahead = self.read;
    }

    /// Puts a cursor that stands at a chunk's end onto the next chunk.
    #[inline(always)]
    fn settle(shared: &Shared<T>, at: &mut Cursor<T>) {
        // SAFETY: a published slot lies ahead, so the chain goes on there; the
        // acquire load of the tail made its links visible.
        unsafe {
            if at.chunk.is_null() {
                at.enter(shared.first.load(Ordering::Relaxed));
            } else if at.index == at.len {
                at.enter((*at.chunk).next.load(Ordering::Relaxed));
            }
        }
    }

    /// Puts the read cursor onto the next slot.
    #[inline(always)]
    fn step(&mut self) {
        let before = self.read.chunk;
        Self::settle(&self.shared, &mut self.read);
        if before != self.read.chunk && !before.is_null() {
            self.give_back(before);
        }
    }

    /// Hands a used-up chunk to the producer; a spare it did not need is freed.
    #[cold]
    fn give_back(&mut self, chunk: *mut Chunk<T>) {
        // Release: done with the chunk before the producer has it. Acquire:
        // for the one that comes back to be freed.
        let surplus = self.shared.spare.swap(chunk, Ordering::AcqRel);
        if !surplus.is_null() {
            // SAFETY: whoever takes a pointer out of `spare` owns it.
            unsafe { Chunk::free(surplus) };
        }
    }
}

/// Moves an item that has just been written, in the pieces in which it was: words.
/// A larger piece, put together from several stores that have not reached the cache
/// yet, would have to wait until they have.
///
/// # Safety
/// As for [`ptr::copy_nonoverlapping`] of one item.
#[inline(always)]
unsafe fn move_by_words<T>(from: *const T, to: *mut T) {
    type Word = MaybeUninit<u64>;
    const { assert!(size_of::<T>().is_multiple_of(8) && align_of::<T>() == align_of::<Word>()) };
    for word in 0..size_of::<T>() / size_of::<Word>() {
        // SAFETY: the caller's promise. Volatile keeps the pieces as they are.
        unsafe {
            to.cast::<Word>().add(word).write(from.cast::<Word>().add(word).read_volatile());
        }
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.rollback();
        let end = self.write;
        // SAFETY: written by this half only, read when both have ended.
        self.shared.written.with_mut(|cell| unsafe { *cell = end });
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        let end = self.read;
        // SAFETY: written by this half only, read when both have ended.
        self.shared.taken.with_mut(|cell| unsafe { *cell = end });
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: both halves have ended; the last reference synchronises.
        let (mut at, end) =
            unsafe { (self.taken.with(|cell| *cell), self.written.with(|cell| (*cell).count)) };
        if at.chunk.is_null() {
            at.chunk = self.first.load(Ordering::Relaxed);
        }
        while !at.chunk.is_null() {
            // SAFETY: the chain from the reader's chunk on belongs to us now;
            // the slots from `at` to `end` hold items.
            let slots = unsafe { slots_of(at.chunk) };
            while at.count != end && at.index < slots.len() {
                // SAFETY: as above.
                slots[at.index].with_mut(|slot| unsafe { (*slot).assume_init_drop() });
                at.index += 1;
                at.count += 1;
            }
            // SAFETY: as above; nothing of the chunk is used afterwards.
            unsafe {
                let next = (*at.chunk).next.load(Ordering::Relaxed);
                Chunk::free(at.chunk);
                at.chunk = next;
            }
            at.index = 0;
        }
        let spare = self.spare.load(Ordering::Relaxed);
        if !spare.is_null() {
            // SAFETY: a spare is in no chain.
            unsafe { Chunk::free(spare) };
        }
    }
}

#[cfg(test)]
impl<T> Consumer<T> {
    fn pop(&mut self) -> Option<T> {
        let mut place = MaybeUninit::uninit();
        // SAFETY: filled when there is an item.
        unsafe { self.pop_to(place.as_mut_ptr()).then(|| place.assume_init()) }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod loom_tests;
