//! Where contexts live: the memory behind a C handle.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Context;
use super::tracing::begin_trace;
use crate::error::{Errno, Result};
use crate::sync::{Arena, AtomicU64, Ordering, fork_generation};

/// Every context of the process.
pub(crate) static ARENA: Arena<ContextSlot> = Arena::new();

/// A place for a context. Its address is the C handle.
#[repr(align(64))]
pub(crate) struct ContextSlot {
    context: Mutex<Option<Arc<Context>>>,
    /// The fork generation in which the context was made.
    made_in: AtomicU64,
}

impl ContextSlot {
    /// Makes a context. `ENOMEM` when there is no place for one.
    pub(crate) fn open() -> Result<&'static ContextSlot> {
        begin_trace();
        let make = || ContextSlot { context: Mutex::new(None), made_in: AtomicU64::new(0) };
        let slot = ARENA.take(make).ok_or(Errno::ENOMEM)?;
        slot.made_in.store(fork_generation(), Ordering::Relaxed);
        *slot.context.lock() = Some(Context::new());
        Ok(slot)
    }

    /// The context. `EFAULT` when there is none (any more).
    pub(crate) fn context(&self) -> Result<Arc<Context>> {
        self.context.lock().clone().ok_or(Errno::EFAULT)
    }

    /// Terminates the context; the handle is invalid afterwards, except after
    /// `EINTR`.
    pub(crate) fn terminate(&'static self) -> Result<()> {
        if self.made_in.load(Ordering::Relaxed) != fork_generation() {
            return self.terminate_inherited();
        }
        self.context()?.terminate()?;
        // Another thread may have terminated it as well: one of them frees it.
        if self.context.lock().take().is_some() {
            ARENA.give_back(self);
        }
        Ok(())
    }

    /// In a forked child, which may have started the threads all the same. A
    /// lock that is held is held by a thread of the parent: for good.
    fn terminate_inherited(&self) -> Result<()> {
        let Some(context) = self.context.try_lock().map(|context| context.clone()) else {
            return Ok(());
        };
        context.ok_or(Errno::EFAULT)?.terminate()?;
        // The place is not given back: the arena's lock may be held, too.
        if let Some(mut context) = self.context.try_lock() {
            drop(context.take());
        }
        Ok(())
    }
}
