//! A descriptor that is readable when something has been signalled.

use super::descriptor::{close_fd, is_lost};
use crate::error::{Errno, Result};

/// An eventfd, non-blocking and closed on exec.
#[derive(Debug)]
pub(crate) struct EventFd(i32);

impl EventFd {
    /// A descriptor whose count begins with `count`.
    pub(crate) fn new(count: u32) -> Result<EventFd> {
        // SAFETY: a plain system call.
        let fd = unsafe { libc::eventfd(count, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if fd < 0 { Err(Errno::last()) } else { Ok(EventFd(fd)) }
    }

    /// The descriptor.
    pub(crate) fn raw(&self) -> i32 {
        self.0
    }

    /// Makes it readable.
    pub(crate) fn signal(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight readable bytes. A full counter is readable, too. A raw
        // system call is no cancellation point.
        unsafe { libc::syscall(libc::SYS_write, self.0, one.as_ptr(), one.len()) };
    }

    /// Whether the program closed the descriptor, or put a file, pipe or socket
    /// in its place: nobody is woken any more.
    pub(crate) fn is_lost(&self) -> bool {
        is_lost(self.0)
    }

    /// Makes it unreadable.
    pub(crate) fn drain(&self) {
        let mut count = [0u8; 8];
        // SAFETY: eight writable bytes; fails harmlessly when there is nothing.
        unsafe { libc::syscall(libc::SYS_read, self.0, count.as_mut_ptr(), count.len()) };
    }
}

impl Drop for EventFd {
    fn drop(&mut self) {
        // What has the number by now may be somebody else's.
        if !self.is_lost() {
            // SAFETY: the descriptor is ours and closed once.
            unsafe { close_fd(self.0) };
        }
    }
}
