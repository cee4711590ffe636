//! Descriptors that the library keeps while the program, or a library beside
//! it, may close their numbers and have something else opened under them; and
//! how a thread waits for descriptors.

use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::time::Duration;

use super::cancel::cancellable;
#[cfg(ferrozmq_tsan)]
use super::cancel::uncancelled;
use crate::error::Errno;

/// Whether an eventfd or a poll set is no more: the program closed the number,
/// or put a file, pipe or socket in its place.
pub(super) fn is_lost(fd: i32) -> bool {
    // SAFETY: plain data, filled by the call.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: a place for the answer.
    let known = unsafe { libc::fstat(fd, &mut status) } == 0;
    // Neither kind has a type of file.
    !known || status.st_mode & libc::S_IFMT != 0
}

/// Closes a descriptor; no cancellation point, unlike the C library's `close`.
///
/// # Safety
/// The caller owns the descriptor, and nothing uses it afterwards.
pub(crate) unsafe fn close_fd(fd: i32) {
    // The thread sanitizer must learn that the number may come back as another
    // file, and knows the C library's calls only.
    #[cfg(ferrozmq_tsan)]
    // SAFETY: as the caller promises.
    uncancelled(|| unsafe { libc::close(fd) });
    #[cfg(not(ferrozmq_tsan))]
    // SAFETY: as the caller promises.
    unsafe {
        libc::syscall(libc::SYS_close, fd)
    };
}

/// Sleeps until an item is ready, at most for `timeout` (`None`: for ever), and
/// says how many are. Fails as interrupted only where a signal handler ran: unlike
/// epoll's own wait, this one goes on when the process was stopped and goes on.
/// `ECANCELED` when the thread was cancelled while it slept. While it sleeps, `mask`
/// says which signals wait, if there is one.
pub(crate) fn ppoll(
    items: &mut [libc::pollfd],
    timeout: Option<Duration>,
    mask: Option<&libc::sigset_t>,
) -> io::Result<usize> {
    let sleeps = timeout != Some(Duration::ZERO);
    let mut timeout = timeout.map(|time| libc::timespec {
        tv_sec: libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: time.subsec_nanos() as libc::c_long,
    });
    let timeout = timeout.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    let (items, count) = (items.as_mut_ptr(), items.len());
    let mask = mask.map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: valid items, a time-out and a mask that outlive the call; the kernel
    // writes to the former two. Its set of signals is the mask's first 8 bytes.
    let poll = || unsafe { libc::syscall(libc::SYS_ppoll, items, count, timeout, mask, 8) };
    // SAFETY: a system call; nobody looks at what it wrote after a cancellation.
    let ready = if sleeps { unsafe { cancellable(poll) } } else { Some(poll()) };
    let ready = ready.ok_or_else(|| io::Error::from_raw_os_error(Errno::ECANCELED.raw()))?;
    usize::try_from(ready).map_err(|_| io::Error::last_os_error())
}

/// Owns a poll set, and closes it when it is dropped unless the number is lost: one
/// that is somebody else's by now is not closed, and one that is free is no
/// [`std::os::fd::OwnedFd`]'s to close either (with debug assertions that ends the
/// process). What holds it is never dropped: mio keeps no memory with a poll set,
/// except for its debug assertions.
pub(crate) struct UnlessLost<T: AsRawFd>(ManuallyDrop<T>);

impl<T: AsRawFd> UnlessLost<T> {
    /// Takes over what holds a poll set.
    pub(crate) fn new(holder: T) -> UnlessLost<T> {
        UnlessLost(ManuallyDrop::new(holder))
    }
}

impl<T: AsRawFd> Deref for UnlessLost<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: AsRawFd> Drop for UnlessLost<T> {
    fn drop(&mut self) {
        let fd = self.0.as_raw_fd();
        if !is_lost(fd) {
            // SAFETY: closed once, here, and not used afterwards.
            unsafe { close_fd(fd) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::Poll;

    #[test]
    fn what_took_the_number_stays_open() {
        let poll = UnlessLost::new(Poll::new().unwrap());
        let fd = poll.as_raw_fd();
        let (reader, _writer) = std::io::pipe().unwrap();
        // SAFETY: puts the pipe in the place of a descriptor that is ours.
        assert_eq!(unsafe { libc::dup2(reader.as_raw_fd(), fd) }, fd);
        assert!(is_lost(fd));
        drop(poll);
        // SAFETY: asks about a number, and closes what was put there above.
        unsafe {
            assert!(libc::fcntl(fd, libc::F_GETFD) >= 0);
            libc::close(fd);
        }
    }
}
