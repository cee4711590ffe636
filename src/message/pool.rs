//! Memory for bodies that do not fit into the message.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

use super::Block;
use crate::error::{Errno, Result};

/// A block with room for `len` bytes behind its head, one reference.
pub(super) fn allocate(len: usize) -> Result<NonNull<Block>> {
    let size = len
        .checked_add(size_of::<Block>() + 8)
        .ok_or(Errno::ENOMEM)?;
    let layout = Layout::from_size_align(size, align_of::<Block>()).map_err(|_| Errno::ENOMEM)?;
    // SAFETY: the layout is not empty.
    let block = NonNull::new(unsafe { alloc(layout) }.cast::<Block>()).ok_or(Errno::ENOMEM)?;
    // SAFETY: freshly allocated, large enough and aligned.
    unsafe {
        block.write(Block {
            references: AtomicU32::new(1),
            class: 0,
        })
    };
    Ok(block)
}

/// Takes back a block nobody refers to any more.
///
/// # Safety
/// `block` came from [`allocate`] and is not used afterwards.
pub(super) unsafe fn release(block: NonNull<Block>) {
    // SAFETY: the system's allocator is told the alignment only.
    unsafe {
        dealloc(
            block.as_ptr().cast(),
            Layout::from_size_align_unchecked(16, 16),
        )
    };
}
