//! What a socket's sessions and listeners count, on whichever threads drive them:
//! atomics, added to once for each connection or each call to the kernel.

use crate::sync::{AtomicU64, Ordering};

/// One count.
#[derive(Debug)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Counts so many more.
    pub(crate) fn add(&self, more: u64) {
        // Relaxed: a number that nothing depends on.
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Counts one more.
    pub(crate) fn one(&self) {
        self.add(1);
    }

    /// How many there are.
    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Count {
    fn default() -> Count {
        Count(AtomicU64::new(0))
    }
}

/// See the file's head; the fields are those of [`super::Counters`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) bytes_out: Count,
    pub(crate) bytes_in: Count,
    pub(crate) connects: Count,
    pub(crate) reconnects: Count,
    pub(crate) connect_failures: Count,
    pub(crate) accepts: Count,
    pub(crate) accept_failures: Count,
    pub(crate) disconnects: Count,
    pub(crate) handshake_failures: Count,
}
