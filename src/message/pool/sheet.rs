//! Sheets: blocks that many small bodies are cut from.
//!
//! Messages that come from a peer, or from a caller's buffer, pass through one after
//! the other: made in a row on one thread, released in that order on another. A block
//! for each has to be found, and is cold where it is read. Cut from one sheet, the
//! bodies lie side by side: making one moves a mark, releasing one counts, and the
//! reader's core sees from the first few which memory comes next.
//!
//! A sheet lives as long as any body cut from it, so it is a page: no more than that
//! is held on to by a message that is kept.

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;

use super::{AHEAD, Block, expect_write};

/// The largest body that is cut from a sheet; a larger one gains nothing.
pub(super) const LARGEST: usize = if cfg!(ferrozmq_no_pool) { 0 } else { 512 };
/// The bytes of a sheet.
pub(super) const CAPACITY: usize = 4096;
/// Bodies begin at multiples of this, as malloc's do.
const GRAIN: usize = 16;
/// The references that the thread which cuts a sheet holds: one of them goes with
/// each body, and nothing is counted meanwhile. More than there are bodies.
const HELD: u32 = 1 << 16;

const _: () = assert!(CAPACITY / GRAIN < HELD as usize);

/// A body's place: the block that is released with it, and its first byte.
pub(in crate::message) type Place = (NonNull<Block>, NonNull<u8>);

/// The sheet that a thread cuts bodies from.
pub(super) struct Sheet {
    block: Cell<*mut Block>,
    /// The bytes that were cut off; all of them while there is no sheet.
    used: Cell<usize>,
    bodies: Cell<u32>,
}

impl Sheet {
    pub(super) const fn none() -> Sheet {
        Sheet { block: Cell::new(ptr::null_mut()), used: Cell::new(CAPACITY), bodies: Cell::new(0) }
    }

    /// Room for a body of `len` bytes, if that much is left.
    #[inline]
    pub(super) fn cut(&self, len: usize) -> Option<Place> {
        let start = self.used.get();
        let end = start + len.next_multiple_of(GRAIN);
        let block = NonNull::new(self.block.get()).filter(|_| end <= CAPACITY)?;
        self.used.set(end);
        self.bodies.set(self.bodies.get() + 1);
        // SAFETY: a sheet has so many bytes behind its head.
        let data = unsafe { block.add(1).cast::<u8>().add(start) };
        expect_write(data.as_ptr().wrapping_add(AHEAD * (end - start)));
        Some((block, data))
    }

    /// Begins a sheet, of which the caller holds the only reference.
    pub(super) fn begin(&self, block: NonNull<Block>) {
        // SAFETY: a live block. Relaxed: what hands a body to another thread orders
        // this store too.
        unsafe { block.as_ref() }.references.store(HELD, Ordering::Relaxed);
        self.block.set(block.as_ptr());
        self.used.set(0);
        self.bodies.set(0);
    }

    /// Ends the sheet; gives it back if all its bodies were released already, here or
    /// elsewhere.
    pub(super) fn end(&self, released: &Released) -> Option<NonNull<Block>> {
        let block = NonNull::new(self.block.replace(ptr::null_mut()))?;
        // The thread's own references keep it alive meanwhile.
        released.settle(block);
        self.used.set(CAPACITY);
        // SAFETY: alive while the thread holds what it did not hand out with bodies.
        unsafe { block.as_ref() }.remove_owners(HELD - self.bodies.get()).then_some(block)
    }
}

/// The sheets that a thread released bodies of, not yet taken off their counts: one
/// read-modify-write a sheet, where each would also wait for all that the thread wrote
/// before.
pub(super) struct Released([Entry; ENTRIES]);

/// As many sheets as a thread that receives from several peers in turn releases
/// bodies of at a time; what it may hold on to for later.
const ENTRIES: usize = 8;

/// So many are counted for a sheet before they are taken off: copies of one body that
/// are made and closed again would else be counted for ever.
const MOST_COUNTED: u32 = 1 << 16;

struct Entry {
    block: Cell<*mut Block>,
    bodies: Cell<u32>,
}

impl Released {
    pub(super) const fn none() -> Released {
        Released(
            [const { Entry { block: Cell::new(ptr::null_mut()), bodies: Cell::new(0) } }; ENTRIES],
        )
    }

    /// Counts a released body, if its sheet is here already.
    #[inline]
    pub(super) fn count(&self, block: NonNull<Block>) -> bool {
        let entry = self.entry(block);
        let known = entry.block.get() == block.as_ptr() && entry.bodies.get() < MOST_COUNTED;
        if known {
            entry.bodies.set(entry.bodies.get() + 1);
        }
        known
    }

    /// Begins to count a sheet's bodies with one. What was counted in its place is taken
    /// off: returns another sheet, if nobody refers to that one any more.
    pub(super) fn begin(&self, block: NonNull<Block>) -> Option<NonNull<Block>> {
        let entry = self.entry(block);
        let other = entry.take();
        entry.block.set(block.as_ptr());
        entry.bodies.set(1);
        other
    }

    /// Takes what was counted for a sheet that the caller refers to off its count.
    fn settle(&self, block: NonNull<Block>) {
        let entry = self.entry(block);
        if entry.block.get() == block.as_ptr() {
            entry.take();
        }
    }

    /// Settles all; gives back the sheets that are unused now.
    pub(super) fn settle_all(&self) -> impl Iterator<Item = NonNull<Block>> {
        self.0.iter().filter_map(Entry::take)
    }

    #[inline]
    fn entry(&self, block: NonNull<Block>) -> &Entry {
        &self.0[(block.addr().get() / CAPACITY) % ENTRIES]
    }
}

impl Entry {
    /// Empties it: the sheet, if it is unused now.
    fn take(&self) -> Option<NonNull<Block>> {
        let block = NonNull::new(self.block.replace(ptr::null_mut()))?;
        // SAFETY: alive while bodies are not yet taken off its count.
        unsafe { block.as_ref() }.remove_owners(self.bodies.get()).then_some(block)
    }
}

#[cfg(test)]
mod tests;
