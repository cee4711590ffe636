//! Memory for things that C callers hold by address: its places are recycled
//! and never unmapped, so that a handle which is stale or was never one can be
//! told from a good one without reading freed memory.

use std::collections::VecDeque;
// The standard library's, also under loom: arenas are statics.
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::GlobalLock;

/// Places in the first block; each further block has twice as many.
const FIRST_BLOCK: usize = 64;
/// More than any process has addresses for.
const BLOCKS: usize = 32;
/// Places that wait before the first of them is used again: the longer a
/// closed handle stays closed, the more mistakes are noticed.
const REST: usize = 32;

/// Places of one type.
pub(crate) struct Arena<T: 'static> {
    blocks: [AtomicPtr<T>; BLOCKS],
    /// Blocks in use.
    count: AtomicUsize,
    /// Places nobody uses. A child that takes the lock over begins with none.
    free: GlobalLock<VecDeque<&'static T>>,
}

impl<T: Sync + 'static> Arena<T> {
    /// An arena without places.
    pub(crate) const fn new() -> Arena<T> {
        Arena {
            blocks: [const { AtomicPtr::new(std::ptr::null_mut()) }; BLOCKS],
            count: AtomicUsize::new(0),
            free: GlobalLock::new(VecDeque::new()),
        }
    }

    /// The place at this address, if it is one of ours.
    #[inline]
    pub(crate) fn find(&self, address: usize) -> Option<&'static T> {
        // Most handles are in the first block.
        let start = self.blocks[0].load(Ordering::Acquire) as usize;
        let offset = address.wrapping_sub(start);
        if start != 0
            && offset < FIRST_BLOCK * size_of::<T>()
            && offset.is_multiple_of(size_of::<T>())
        {
            // SAFETY: inside the first block, at a multiple of the size.
            return Some(unsafe { &*(address as *const T) });
        }
        self.find_further(address)
    }

    fn find_further(&self, address: usize) -> Option<&'static T> {
        let count = self.count.load(Ordering::Acquire);
        // The last block has more places than all others together.
        for (index, block) in self.blocks[..count].iter().enumerate().rev() {
            let start = block.load(Ordering::Relaxed) as usize;
            let offset = address.wrapping_sub(start);
            if offset < (FIRST_BLOCK << index) * size_of::<T>() {
                return offset.is_multiple_of(size_of::<T>()).then(|| {
                    // SAFETY: inside a block, at a multiple of the size: a
                    // place, which is never unmapped.
                    unsafe { &*(address as *const T) }
                });
            }
        }
        None
    }

    /// Calls `f` for every place, used or not.
    pub(crate) fn each(&self, mut f: impl FnMut(&'static T)) {
        let count = self.count.load(Ordering::Acquire);
        for (index, block) in self.blocks[..count].iter().enumerate() {
            let start = block.load(Ordering::Relaxed);
            // SAFETY: a block of so many places, never unmapped.
            let places: &'static [T] =
                unsafe { std::slice::from_raw_parts(start, FIRST_BLOCK << index) };
            places.iter().for_each(&mut f);
        }
    }

    /// A place nobody uses. `None` when there is no memory for one.
    pub(crate) fn take(&self, make: impl Fn() -> T) -> Option<&'static T> {
        let mut free = self.free.lock();
        let count = self.count.load(Ordering::Relaxed);
        if free.len() > REST || count == BLOCKS {
            return free.pop_front();
        }
        let len = FIRST_BLOCK << count;
        let mut block = Vec::new();
        if block.try_reserve_exact(len).is_err() {
            return free.pop_front();
        }
        block.extend((0..len).map(|_| make()));
        let block: &'static mut [T] = block.leak();
        // Release: the places are made before they can be found.
        self.blocks[count].store(block.as_mut_ptr(), Ordering::Release);
        // Release: the places are made before they can be found.
        self.count.store(count + 1, Ordering::Release);
        free.extend(block.iter());
        free.pop_front()
    }

    /// Gives a place back.
    pub(crate) fn give_back(&self, place: &'static T) {
        self.free.lock().push_back(place);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_places_are_found() {
        static ARENA: Arena<u64> = Arena::new();
        assert!(ARENA.find(0).is_none());
        let places: Vec<_> = (0..200).map(|_| ARENA.take(|| 7).unwrap()).collect();
        let mut found = 0;
        ARENA.each(|place| found += usize::from(*place == 7));
        assert!(found >= places.len());
        for place in &places {
            let address = std::ptr::from_ref(*place) as usize;
            assert!(std::ptr::eq(ARENA.find(address).unwrap(), *place));
            assert!(ARENA.find(address + 1).is_none());
        }
        let local = 7u64;
        assert!(ARENA.find(&raw const local as usize).is_none());
    }

    #[test]
    fn a_place_rests_before_it_is_used_again() {
        static ARENA: Arena<u64> = Arena::new();
        let place = ARENA.take(|| 0).unwrap();
        ARENA.give_back(place);
        for _ in 0..REST {
            assert!(!std::ptr::eq(ARENA.take(|| 0).unwrap(), place));
        }
    }
}
