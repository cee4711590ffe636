//! Runs of equal items in one growing vector, recycled by size class: what the
//! trie keeps its labels and child tables in.

use crate::error::{Errno, Result};

/// The end of a free list.
const NONE: u32 = u32::MAX;

/// An item that can hold the link of a free list while its run is free.
pub(super) trait Link: Copy + Default {
    /// The item with this link in it.
    fn from_link(link: u32) -> Self;
    /// The link in the item.
    fn link(self) -> u32;
}

impl Link for u32 {
    fn from_link(link: u32) -> u32 {
        link
    }

    fn link(self) -> u32 {
        self
    }
}

impl Link for [u8; 16] {
    fn from_link(link: u32) -> [u8; 16] {
        u128::from(link).to_le_bytes()
    }

    fn link(self) -> u32 {
        u128::from_le_bytes(self) as u32
    }
}

/// Runs of items in `CLASSES` sizes, which the user names with each call.
#[derive(Debug)]
pub(super) struct Arena<T, const CLASSES: usize> {
    /// The items of all runs, those of free ones among them.
    pub(super) items: Vec<T>,
    free: [u32; CLASSES],
}

impl<T, const CLASSES: usize> Default for Arena<T, CLASSES> {
    fn default() -> Self {
        Arena { items: Vec::new(), free: [NONE; CLASSES] }
    }
}

impl<T: Link, const CLASSES: usize> Arena<T, CLASSES> {
    /// Makes sure that runs of together `len` items can be taken.
    pub(super) fn reserve(&mut self, len: usize) -> Result<()> {
        if self.items.len().saturating_add(len) >= NONE as usize {
            return Err(Errno::ENOMEM);
        }
        self.items.try_reserve(len).map_err(|_| Errno::ENOMEM)
    }

    /// The start of a run of `len` items, their values unspecified. The caller
    /// has reserved them, or has just given back a run of a higher class.
    pub(super) fn take(&mut self, class: usize, len: usize) -> u32 {
        if let Some(run) = self.pop(class) {
            return run;
        }
        if self.reserve(len).is_err()
            && let Some(run) = (class + 1..CLASSES).find_map(|larger| self.pop(larger))
        {
            // The surplus is lost until the arena is cleared: better than to
            // fail while giving memory back.
            return run;
        }
        let run = self.items.len();
        self.items.resize(run + len, T::default());
        run as u32
    }

    /// Takes back a run that [`Arena::take`] gave out with this class.
    pub(super) fn give_back(&mut self, class: usize, run: u32) {
        self.items[run as usize] = T::from_link(self.free[class]);
        self.free[class] = run;
    }

    fn pop(&mut self, class: usize) -> Option<u32> {
        let run = self.free[class];
        if run == NONE {
            return None;
        }
        self.free[class] = self.items[run as usize].link();
        Some(run)
    }
}
