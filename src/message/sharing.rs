//! Bodies with several owners: a message and its copies, the messages of a sheet.

use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;

use super::{Block, Message, UserBlock, deferred, pool, storage};

/// Only a program that overwrites copies without closing them gets here; its
/// body is then never freed, which is better than freed under the copies left.
pub(super) const MAX_REFERENCES: u32 = 1 << 31;
/// What the count of such a body is set back to, whichever way it moves.
pub(super) const IMMORTAL: u32 = 3 << 30;

impl Block {
    /// There are so many owners more. The caller is one already.
    #[inline]
    fn add_owners(&self, count: u32) {
        // Relaxed: whoever shares already holds a reference, as with `Arc`.
        if self.references.fetch_add(count, Ordering::Relaxed)
            >= MAX_REFERENCES.saturating_sub(count)
        {
            self.references.store(IMMORTAL, Ordering::Relaxed);
        }
    }

    /// There are so many owners less, the caller among them. Whether there are none
    /// any more.
    #[inline]
    pub(super) fn remove_owners(&self, count: u32) -> bool {
        // The last ones need no read-modify-write.
        if self.references.load(Ordering::Acquire) == count {
            return true;
        }
        // Acquire: what the other owners did to the body comes before its memory is
        // used again. Release: so does what this one did.
        let before = self.references.fetch_sub(count, Ordering::AcqRel);
        if before >= MAX_REFERENCES {
            self.references.store(IMMORTAL, Ordering::Relaxed);
        }
        before == count
    }
}

impl Message {
    /// Whether another message shares this body, or once did (`ZMQ_SHARED`).
    pub fn is_shared(&self) -> bool {
        match self.storage {
            storage::INLINE | storage::CLOSED => false,
            storage::CONSTANT => true,
            _ => self.inline_len != 0,
        }
    }

    /// Whether the body is in a block that counts its owners.
    #[inline(always)]
    pub(super) fn has_block(&self) -> bool {
        matches!(self.storage, storage::HEAP | storage::SHEET | storage::USER)
    }

    /// The block that the body is in.
    ///
    /// # Safety
    /// [`Message::has_block`].
    #[inline(always)]
    pub(super) unsafe fn block(&self) -> &Block {
        // SAFETY: the caller's promise; a block lives as long as its owners.
        unsafe { &*self.body.outer.block }
    }

    /// Another message with the same body (shared when it is large), flags and
    /// metadata. This one is not told: see [`Message::share_known`].
    #[inline]
    pub fn share(&self) -> Message {
        self.add_owners(1);
        // SAFETY: counted above.
        unsafe { self.duplicate() }
    }

    /// As [`Message::share`], and from now on this one says that it is shared, too
    /// (`zmq_msg_copy`).
    pub fn share_known(&mut self) -> Message {
        self.mark_shared();
        self.share()
    }

    #[inline]
    fn mark_shared(&mut self) {
        if self.has_block() {
            self.inline_len = 1;
        }
    }

    /// Shares the message `count` times, for one change of the count of owners,
    /// and gives each copy to `each` (every copy a publisher sends).
    #[inline]
    pub(crate) fn share_among(&mut self, count: usize, mut each: impl FnMut(Message)) {
        if count > 0 {
            self.mark_shared();
        }
        // More owners than the count can hold make the body immortal anyway.
        self.add_owners(u32::try_from(count).unwrap_or(MAX_REFERENCES));
        for _ in 0..count {
            // SAFETY: counted above.
            each(unsafe { self.duplicate() });
        }
    }

    #[inline]
    fn add_owners(&self, count: u32) {
        if self.has_block() {
            // SAFETY: just asked.
            unsafe { self.block() }.add_owners(count);
        }
    }

    /// A further owner of the body.
    ///
    /// # Safety
    /// The owner was counted by [`Message::add_owners`].
    #[inline]
    unsafe fn duplicate(&self) -> Message {
        Message {
            // SAFETY: a bitwise copy of plain bytes and pointers; the caller
            // has accounted for the further owner.
            body: unsafe { ptr::read(&self.body) },
            metadata: self.metadata.clone(),
            storage: self.storage,
            more: self.more,
            inline_len: if self.has_block() { 1 } else { self.inline_len },
            role: self.role,
            routing_id: self.routing_id,
            _reserved: 0,
        }
    }

    /// Gives up the shared or owned body outside the 64 bytes.
    #[inline(never)]
    pub(super) fn release_outer(&mut self) {
        // SAFETY: called for storage kinds with a block, once per owner.
        unsafe {
            let outer = self.body.outer;
            if self.storage == storage::SHEET {
                return pool::release_cut(NonNull::new_unchecked(outer.block));
            }
            if !(*outer.block).remove_owners(1) {
                return;
            }
            if self.storage == storage::HEAP {
                pool::release(NonNull::new_unchecked(outer.block));
            } else {
                let user = Box::from_raw(outer.block.cast::<UserBlock>());
                if let Some(function) = user.free {
                    let data = outer.data.cast();
                    deferred::run_soon(deferred::Free { function, data, hint: user.hint });
                }
            }
        }
    }
}
