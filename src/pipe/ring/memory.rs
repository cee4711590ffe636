//! Memory of chunks, recycled across all queues of the process.
//!
//! A queue that fills and is drained again and again needs its chunks each time:
//! from the system's allocator they would cost more than the messages in them. What
//! lies here is bound to no queue, type or thread. Nothing waits: a shelf that
//! another thread holds (or held while the process forked) counts as empty and full.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};

use crate::sync::FutexMutex;

/// The layout of the memory that is kept: large chunks of messages.
const KEPT: Layout = match Layout::from_size_align(64 + super::LARGEST_CHUNK * 64, 64) {
    Ok(layout) => layout,
    Err(_) => panic!("a chunk has a layout"),
};
/// How many are kept, by all threads: 16 MiB.
const MOST: usize = if cfg!(any(loom, ferrozmq_no_pool)) { 0 } else { 1024 };

/// Memory that belongs to whoever holds this.
struct Idle(*mut u8);

// SAFETY: memory is bound to no thread.
unsafe impl Send for Idle {}

static SHELF: FutexMutex<Vec<Idle>> = FutexMutex::new(Vec::new());

/// Memory of this layout, which is not empty.
pub(super) fn take(layout: Layout) -> *mut u8 {
    if layout == KEPT
        && let Some(mut shelf) = SHELF.try_lock()
        && let Some(Idle(memory)) = shelf.pop()
    {
        return memory;
    }
    // SAFETY: the layout is not empty.
    let memory = unsafe { alloc(layout) };
    if memory.is_null() {
        handle_alloc_error(layout);
    }
    memory
}

/// Takes it back.
///
/// # Safety
/// It came from [`take`] with this layout, and nobody uses it any more.
pub(super) unsafe fn give_back(memory: *mut u8, layout: Layout) {
    if layout == KEPT
        && let Some(mut shelf) = SHELF.try_lock()
        && shelf.len() < MOST
    {
        shelf.push(Idle(memory));
        return;
    }
    // SAFETY: the caller's promise.
    unsafe { dealloc(memory, layout) };
}
