//! Where contexts live: the memory behind a C handle.

use std::sync::Arc;

use super::Context;
use super::tracing::begin_trace;
use crate::error::{Errno, Result};
use crate::sync::{Arena, GlobalLock};

/// Every context of the process.
pub(crate) static ARENA: Arena<ContextSlot> = Arena::new();

/// A place for a context. Its address is the C handle.
#[repr(align(64))]
pub(crate) struct ContextSlot {
    context: GlobalLock<Option<Arc<Context>>>,
}

impl ContextSlot {
    /// Makes a context. `ENOMEM` when there is no place for one.
    pub(crate) fn open() -> Result<&'static ContextSlot> {
        begin_trace();
        let make = || ContextSlot { context: GlobalLock::new(None) };
        let slot = ARENA.take(make).ok_or(Errno::ENOMEM)?;
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
        self.context()?.terminate()?;
        // Another thread may have terminated it as well: one of them frees it.
        if self.context.lock().take().is_some() {
            ARENA.give_back(self);
        }
        Ok(())
    }
}
