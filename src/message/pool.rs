//! Memory for bodies that do not fit into the message.
//!
//! A body is made on one thread and mostly freed on another, which is what
//! malloc does worst: it costs more than everything else on a message's way. So
//! bodies are recycled, in size classes. Each thread keeps a few blocks per
//! class and touches nothing shared for them; when it runs out or has too many
//! it exchanges a handful at once with a shelf that all threads share. A thread
//! that ends puts its blocks on the shelves. What exceeds the limits below goes
//! back to the system.
//!
//! Small bodies of messages that pass through share a block; see [`sheet`].
//!
//! Nothing here waits: a shelf that another thread holds for long (or held while
//! the process forked) counts as empty and full.
//!
//! The atomics here and in the message are the standard library's even under
//! loom, whose own cannot stand in a static or in memory used again as it is.
//!
//! Built with `RUSTFLAGS="--cfg ferrozmq_no_pool"` every body comes from the
//! system's allocator, so that valgrind and the sanitizers see its true life.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::hint;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::Block;
use crate::error::{Errno, Result};
use crate::sync::{FutexMutex, FutexMutexGuard};

mod sheet;

pub(super) use sheet::Place;
use sheet::{Released, Sheet};

/// The largest body that is recycled: beyond it, filling the body costs so much
/// that its allocation does not matter.
const MAX_RECYCLED: usize = if cfg!(ferrozmq_no_pool) { 0 } else { 1 << 20 };
/// Bodies with so much room begin in the middle of a page, …
const PLACED: usize = 32 << 10;
const PAGE: usize = 4096;
/// … as far as may be from where they are copied from and to. The kernel and the C
/// library copy with string moves, which some processors (AMD's Zen 3) make ten times
/// slower when they write up to 31 bytes further into a page than they read. The
/// allocator's memory begins at 16 and ours at 32, what the kernel has for us mostly
/// begins with a page, and a frame's header is 9 bytes: just so far.
const PLACE: usize = PAGE / 2;
/// The smallest class; smaller bodies mostly live in the message.
const MIN_CAPACITY: usize = 64;
/// Capacities are 64, 96, 128, 192, … 1 MiB: at most a third is unused.
const CLASSES: usize = 29;
/// The class of blocks that go back to the system.
const UNPOOLED: u16 = u16::MAX;

/// What a thread keeps of one class: blocks enough to visit the shelf only once
/// in some 32 messages, …
const MAX_THREAD_BLOCKS: usize = 64;
/// … but few bytes, since every thread may keep as much of each class, …
const MAX_THREAD_BYTES: usize = 64 << 10;
/// … and of the largest still so many that most bodies need no visit. A thread that
/// uses all classes holds at most 2.5 MiB.
const MIN_THREAD_BLOCKS: usize = 8;
/// The classes that threads keep blocks of, up to 64 KiB. For larger ones the
/// visit to the shelf is nothing beside the copying of the body.
const THREAD_CLASSES: usize = 21;

/// How many blocks ahead are asked for from the other cores' caches.
const AHEAD: usize = 4;

/// What a shelf keeps: two thousand bodies of 4 KiB, about what fills the
/// default water marks of two sockets. Of classes too large for the threads' caches
/// it keeps as many blocks as are in use, if that is more: a sender that was held up
/// at its water mark goes on when half of what waits is gone, and fills as much again.
/// Fresh memory would cost it a page fault for every 4 KiB.
const MAX_SHELF_BYTES: usize = 8 << 20;
/// What all shelves keep together: what an idle process may hold on to, …
const MAX_SHELVES_BYTES: usize = 32 << 20;
/// … and one that has as much in use.
const MAX_BUSY_BYTES: usize = 64 << 20;
/// How often to try for a shelf that another thread holds: a few microseconds,
/// many times what an exchange takes.
const MAX_TRIES: usize = 64;

/// A block with room for `len` bytes behind its head, one reference.
#[inline]
pub(super) fn allocate(len: usize) -> Result<NonNull<Block>> {
    if len > MAX_RECYCLED {
        return allocate_unpooled(len);
    }
    let class = class_of(len);
    let Some(block) = CACHE.with(|cache| cache.pop(class)) else {
        return allocate_shared(class);
    };
    // SAFETY: a block in the cache belongs to nobody else. Relaxed: what hands
    // the message to another thread orders this store too.
    unsafe { block.as_ref() }.references.store(1, Ordering::Relaxed);
    Ok(block)
}

/// A place for the body of a message that passes through, if it is small enough to
/// have neighbours; released by [`release_cut`].
#[inline]
pub(super) fn cut(len: usize) -> Option<Place> {
    if len > sheet::LARGEST {
        return None;
    }
    CACHE.with(|cache| cache.sheet.cut(len)).or_else(|| cut_anew(len))
}

/// Takes back a block nobody refers to any more.
///
/// # Safety
/// `block` came from [`allocate`] and is not used afterwards.
#[inline]
pub(super) unsafe fn release(block: NonNull<Block>) {
    // SAFETY: the caller's promise.
    let class = unsafe { block.as_ref() }.class;
    if class == UNPOOLED {
        // SAFETY: the caller's promise.
        unsafe { give_to_system(block) };
    } else if !CACHE.with(|cache| cache.push(class.into(), block)) {
        release_shared(class.into(), block);
    }
}

/// Takes back one of the places in a block that came from [`cut`].
///
/// # Safety
/// `block` came from there and the place is not used afterwards.
#[inline]
pub(super) unsafe fn release_cut(block: NonNull<Block>) {
    if !CACHE.with(|cache| cache.released.count(block)) {
        // SAFETY: the caller's promise.
        unsafe { release_first_cut(block) };
    }
}

/// The smallest class with room for `len` bytes.
#[inline]
const fn class_of(len: usize) -> usize {
    let last = if len < MIN_CAPACITY { MIN_CAPACITY - 1 } else { len - 1 };
    // The highest bit says between which powers of two, the next one in which
    // half; 63 makes class 0.
    let log = last.ilog2() as usize;
    2 * log + ((last >> (log - 1)) & 1) - 11
}

/// The bytes behind the head of a class's blocks.
const fn capacity_of(class: usize) -> usize {
    let base = if class.is_multiple_of(2) { 64 } else { 96 };
    base << (class / 2)
}

const _: () = assert!(capacity_of(CLASSES - 1) == 1 << 20);
const _: () = assert!(capacity_of(THREAD_CLASSES - 1) == MAX_THREAD_BYTES);

/// How many blocks of a class a thread keeps.
const fn thread_limit(class: usize) -> usize {
    let limit = MAX_THREAD_BYTES / capacity_of(class);
    if limit > MAX_THREAD_BLOCKS {
        MAX_THREAD_BLOCKS
    } else if limit < MIN_THREAD_BLOCKS {
        MIN_THREAD_BLOCKS
    } else {
        limit
    }
}

/// Where each class's places in [`Cache::blocks`] start, and where the last
/// one's end.
const STARTS: [usize; THREAD_CLASSES + 1] = {
    let mut starts = [0; THREAD_CLASSES + 1];
    let mut class = 0;
    while class < THREAD_CLASSES {
        starts[class + 1] = starts[class] + thread_limit(class);
        class += 1;
    }
    starts
};

/// What a thread keeps. It has no destructor of its own, so that using it costs
/// neither a check nor a registration.
struct Cache {
    /// How many blocks of each class are here. Classes of larger bodies have
    /// entries too, always 0, so that no bounds are checked in between.
    len: [Cell<u32>; CLASSES],
    /// How many there may be: 0 before [`EXIT`] is registered and after it ran.
    limit: [Cell<u32>; CLASSES],
    blocks: [Cell<*mut Block>; STARTS[THREAD_CLASSES]],
    sheet: Sheet,
    released: Released,
}

/// Puts the thread's blocks on the shelves when it ends.
struct Exit;

thread_local! {
    static CACHE: Cache = const {
        Cache {
            len: [const { Cell::new(0) }; CLASSES],
            limit: [const { Cell::new(0) }; CLASSES],
            blocks: [const { Cell::new(ptr::null_mut()) }; STARTS[THREAD_CLASSES]],
            sheet: Sheet::none(),
            released: Released::none(),
        }
    };
    static EXIT: Exit = const { Exit };
}

impl Cache {
    #[inline]
    fn pop(&self, class: usize) -> Option<NonNull<Block>> {
        let len = self.len[class].get().checked_sub(1)?;
        self.len[class].set(len);
        self.prefetch(STARTS[class] + (len as usize).saturating_sub(AHEAD));
        NonNull::new(self.blocks[STARTS[class] + len as usize].get())
    }

    /// Asks for the head of a block that comes soon, and with it for the first
    /// bytes of its body. The place may be another class's; then that one's block comes.
    #[inline(always)]
    fn prefetch(&self, place: usize) {
        if let Some(block) = self.blocks.get(place) {
            expect_write(block.get().cast());
        }
    }

    /// Whether there was room.
    #[inline]
    fn push(&self, class: usize, block: NonNull<Block>) -> bool {
        let len = self.len[class].get();
        let room = len < self.limit[class].get();
        if room {
            self.blocks[STARTS[class] + len as usize].set(block.as_ptr());
            self.len[class].set(len + 1);
        }
        room
    }

    /// Puts the `count` oldest blocks of a class on its shelf.
    fn put_back(&self, class: usize, count: usize) {
        let len = self.len[class].get() as usize;
        let blocks = &self.blocks[STARTS[class]..][..len];
        let (old, kept) = blocks.split_at(count.min(len));
        put_on_shelf(class, old);
        for (to, from) in blocks.iter().zip(kept) {
            to.set(from.get());
        }
        self.len[class].set(kept.len() as u32);
    }

    /// Whether what is left here when the thread ends is put back then.
    fn is_kept(&self) -> bool {
        if self.limit[0].get() == 0 {
            self.register();
        }
        self.limit[0].get() != 0
    }

    /// Lets the thread keep blocks from now on, unless it is about to end.
    fn register(&self) {
        if EXIT.try_with(|_| ()).is_ok() {
            for class in 0..THREAD_CLASSES {
                self.limit[class].set(thread_limit(class) as u32);
            }
        }
    }
}

/// Asks for memory that another thread had last and that will be written to.
#[inline(always)]
fn expect_write(_place: *mut u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads and writes nothing. Processors without the instruction
    // take it for none.
    unsafe {
        std::arch::asm!(
            "prefetchw [{}]",
            in(reg) _place,
            options(nostack, preserves_flags, readonly)
        );
    }
}

impl Drop for Exit {
    fn drop(&mut self) {
        CACHE.with(|cache| {
            for sheet in
                cache.sheet.end(&cache.released).into_iter().chain(cache.released.settle_all())
            {
                // SAFETY: nobody else refers to it.
                unsafe { release(sheet) };
            }
            for class in 0..THREAD_CLASSES {
                cache.limit[class].set(0);
                cache.put_back(class, MAX_THREAD_BLOCKS);
            }
        });
    }
}

/// The blocks that all threads share, a class each. Aligned so that threads
/// which use different classes do not disturb each other.
#[repr(align(64))]
struct Shelf {
    idle: FutexMutex<Vec<Idle>>,
    /// Blocks that are in use, of classes that no thread keeps any of. Relaxed: a
    /// measure, no more.
    used: AtomicUsize,
}

/// A block that belongs to whoever holds this.
struct Idle(NonNull<Block>);

// SAFETY: a block is memory and a number, bound to no thread.
unsafe impl Send for Idle {}

static SHELVES: [Shelf; CLASSES] =
    [const { Shelf { idle: FutexMutex::new(Vec::new()), used: AtomicUsize::new(0) } }; CLASSES];

/// The bytes on all shelves. Relaxed suffices: it orders nothing, it only keeps
/// the sum below its limit, and read-modify-writes of one word never get lost.
static SHELVES_BYTES: AtomicUsize = AtomicUsize::new(0);

impl Shelf {
    fn try_lock(&self) -> Option<FutexMutexGuard<'_, Vec<Idle>>> {
        (0..MAX_TRIES).find_map(|_| {
            let guard = self.idle.try_lock();
            if guard.is_none() {
                hint::spin_loop();
            }
            guard
        })
    }

    /// How many blocks of its class it may keep, and what all shelves may then.
    fn room(&self, class: usize) -> (usize, usize) {
        let always = MAX_SHELF_BYTES / capacity_of(class);
        match self.used.load(Ordering::Relaxed) {
            used if used > always => (used, MAX_BUSY_BYTES),
            _ => (always, MAX_SHELVES_BYTES),
        }
    }
}

/// The way of [`allocate`] when the thread has no block of this class.
#[cold]
#[inline(never)]
fn allocate_shared(class: usize) -> Result<NonNull<Block>> {
    let block = match CACHE.with(|cache| take_from_shelf(class, cache)) {
        Some(block) => {
            // SAFETY: whoever takes a block from the shelf owns it.
            unsafe { block.as_ref() }.references.store(1, Ordering::Relaxed);
            block
        }
        None => take_from_system(capacity_of(class), class as u16)?,
    };
    if class >= THREAD_CLASSES {
        SHELVES[class].used.fetch_add(1, Ordering::Relaxed);
    }
    Ok(block)
}

/// The way of [`cut`] when the thread's sheet has no such room left.
#[cold]
#[inline(never)]
fn cut_anew(len: usize) -> Option<Place> {
    CACHE.with(|cache| {
        if !cache.is_kept() {
            return None;
        }
        let unused = cache.sheet.end(&cache.released);
        cache.sheet.begin(unused.or_else(|| allocate(sheet::CAPACITY).ok())?);
        cache.sheet.cut(len)
    })
}

/// The way of [`release_cut`] when the thread has released none of this block's places
/// of late.
///
/// # Safety
/// As there.
#[cold]
#[inline(never)]
unsafe fn release_first_cut(block: NonNull<Block>) {
    let unused = CACHE.with(|cache| match cache.is_kept() {
        true => cache.released.begin(block),
        // SAFETY: alive by the caller's reference.
        false => unsafe { block.as_ref() }.remove_owners(1).then_some(block),
    });
    if let Some(unused) = unused {
        // SAFETY: nobody refers to it any more.
        unsafe { release(unused) };
    }
}

/// The way of [`release`] when the thread has no room for the block.
#[cold]
#[inline(never)]
fn release_shared(class: usize, block: NonNull<Block>) {
    if class >= THREAD_CLASSES {
        SHELVES[class].used.fetch_sub(1, Ordering::Relaxed);
        put_on_shelf(class, &[Cell::new(block.as_ptr())]);
        return clear_shelf(class);
    }
    CACHE.with(|cache| {
        if cache.is_kept() {
            cache.put_back(class, exchanged(class));
        }
        if !cache.push(class, block) {
            put_on_shelf(class, &[Cell::new(block.as_ptr())]);
        }
    });
}

/// Gives a block of a shelf back to the system, where it, or all together, have more than
/// they may keep since fewer are in use. One for each that is released is enough: none is
/// too many in the end.
fn clear_shelf(class: usize) {
    let shelf = &SHELVES[class];
    let Some(mut idle) = shelf.try_lock() else { return };
    let (most, most_bytes) = shelf.room(class);
    if idle.len() <= most && SHELVES_BYTES.load(Ordering::Relaxed) <= most_bytes {
        return;
    }
    let Some(Idle(block)) = idle.pop() else { return };
    SHELVES_BYTES.fetch_sub(capacity_of(class), Ordering::Relaxed);
    drop(idle);
    // SAFETY: whoever takes a block from the shelf owns it.
    unsafe { give_to_system(block) };
}

/// How many blocks of a class a thread exchanges with the shelf at once: half of
/// what it keeps, so that the next visit is as far away whichever way it goes.
fn exchanged(class: usize) -> usize {
    if class < THREAD_CLASSES { thread_limit(class).div_ceil(2) } else { 1 }
}

/// One block for the caller, and a few for the thread's cache, which has none.
fn take_from_shelf(class: usize, cache: &Cache) -> Option<NonNull<Block>> {
    let is_kept = class < THREAD_CLASSES && cache.is_kept();
    let room = if is_kept { cache.limit[class].get() as usize } else { 0 };
    let mut shelf = SHELVES[class].try_lock()?;
    let taken = exchanged(class).min(room.max(1)).min(shelf.len());
    SHELVES_BYTES.fetch_sub(taken * capacity_of(class), Ordering::Relaxed);
    let left = shelf.len() - taken;
    let mut blocks = shelf.drain(left..);
    let block = blocks.next();
    for Idle(block) in blocks {
        let kept = cache.push(class, block);
        debug_assert!(kept, "an empty cache has room for what it asked for");
    }
    block.map(|Idle(block)| block)
}

/// Puts blocks on their shelf as far as its limits allow; the others go back to
/// the system. The caller owns them and gives them up.
fn put_on_shelf(class: usize, blocks: &[Cell<*mut Block>]) {
    let mut blocks = blocks.iter().filter_map(|block| NonNull::new(block.get()));
    let count = blocks.clone().count();
    if let Some(mut shelf) = SHELVES[class].try_lock() {
        let (most, most_bytes) = SHELVES[class].room(class);
        let count = count.min(most.saturating_sub(shelf.len()));
        let bytes = count * capacity_of(class);
        let before = SHELVES_BYTES.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes <= most_bytes && shelf.try_reserve(count).is_ok() {
            shelf.extend(blocks.by_ref().take(count).map(Idle));
        } else {
            SHELVES_BYTES.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
    for block in blocks {
        // SAFETY: the caller gave it up, and it is on no shelf.
        unsafe { give_to_system(block) };
    }
}

#[cold]
#[inline(never)]
fn allocate_unpooled(len: usize) -> Result<NonNull<Block>> {
    take_from_system(len, UNPOOLED)
}

/// The memory for a block, in which it begins where its body is well placed.
fn layout(capacity: usize) -> Result<Layout> {
    // The allocator is not asked to align: glibc's does not recycle what it aligned.
    let spare = if capacity < PLACED { 0 } else { PAGE };
    (size_of::<Block>() + spare)
        .checked_add(capacity)
        .and_then(|size| Layout::from_size_align(size, align_of::<Block>()).ok())
        .ok_or(Errno::ENOMEM)
}

fn take_from_system(capacity: usize, class: u16) -> Result<NonNull<Block>> {
    // SAFETY: the layout has at least the head's size.
    let memory = NonNull::new(unsafe { alloc(layout(capacity)?) }).ok_or(Errno::ENOMEM)?;
    let before = if capacity < PLACED { 0 } else { to_place(memory) };
    // SAFETY: freshly allocated, large enough and aligned; there is a page to spare.
    let block = unsafe { memory.add(usize::from(before)) }.cast::<Block>();
    // SAFETY: as above.
    unsafe {
        block.write(Block { references: AtomicU32::new(1), class, before, capacity });
    }
    Ok(block)
}

/// How far from here a block begins whose body is at its place. Less than a page.
fn to_place(memory: NonNull<u8>) -> u16 {
    let body = memory.addr().get().wrapping_add(size_of::<Block>());
    (PLACE.wrapping_sub(body) % PAGE) as u16
}

/// # Safety
/// `block` came from [`take_from_system`] and is not used afterwards.
unsafe fn give_to_system(block: NonNull<Block>) {
    // SAFETY: the caller's promise.
    let Block { before, capacity, .. } = *unsafe { block.as_ref() };
    if let Ok(layout) = layout(capacity) {
        // SAFETY: where it was allocated, and the layout.
        unsafe { dealloc(block.cast::<u8>().sub(before.into()).as_ptr(), layout) };
    }
}

#[cfg(test)]
mod tests;
