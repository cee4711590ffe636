//! What the kernel is asked by the leader: which descriptors have become ready.
//!
//! Descriptors are registered through mio, edge-triggered. The answers are taken by a
//! system call of our own, because mio's goes through the C library's `epoll_wait`, which
//! is a cancellation point: an application thread that leads must not be cancelled in
//! there, under frames that have something to drop. (To disable cancellation does not
//! help. glibc before 2.37 signals a thread that it saw sleep in [`crate::sync::ppoll`],
//! and if it has left by itself when the signal comes, the handler acts inside of the
//! next cancellation point, disabled or not.)

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use libc::epoll_event;
use mio::unix::SourceFd;
use mio::{Interest, Poll, Registry, Token};

use super::event;
use crate::error::Result;
use crate::sync::{UnlessLost, ppoll};

/// Events taken from the kernel at once.
const EVENTS_PER_LOOK: usize = 256;

/// The descriptors that the leader looks at. Owned by whoever leads.
pub(super) struct PollSet {
    poll: UnlessLost<Poll>,
    events: [MaybeUninit<epoll_event>; EVENTS_PER_LOOK],
    /// How many of them the last look has filled.
    ready: usize,
}

impl PollSet {
    pub(super) fn new() -> Result<PollSet> {
        let poll = UnlessLost::new(Poll::new()?);
        Ok(PollSet { poll, events: [MaybeUninit::uninit(); EVENTS_PER_LOOK], ready: 0 })
    }

    /// Where descriptors come into the set, whoever leads.
    pub(super) fn registrar(&self) -> Result<Registrar> {
        let registry = UnlessLost::new(self.poll.registry().try_clone()?);
        Ok(Registrar { registry, set: self.poll.as_raw_fd() })
    }

    /// Takes what is ready. Sleeps for whole milliseconds at most (`None`: until there
    /// is something); only the I/O thread may.
    pub(super) fn take(&mut self, wait: Option<Duration>) -> io::Result<()> {
        const NO_SIGNALS: *const libc::sigset_t = std::ptr::null();
        self.ready = 0;
        let wait = wait.map_or(-1, |wait| {
            let up = wait.as_nanos().div_ceil(1_000_000);
            libc::c_int::try_from(up).unwrap_or(libc::c_int::MAX)
        });
        let (fd, events) = (self.poll.as_raw_fd(), self.events.as_mut_ptr());
        // SAFETY: room for as many events as is said. Without a mask its size is not
        // looked at.
        let ready = unsafe {
            let room = EVENTS_PER_LOOK as libc::c_int;
            libc::syscall(libc::SYS_epoll_pwait, fd, events, room, wait, NO_SIGNALS, 8)
        };
        self.ready = usize::try_from(ready).map_err(|_| io::Error::last_os_error())?;
        Ok(())
    }

    /// Sleeps to the nanosecond, and takes what is ready then. As [`ppoll`], whose `mask`
    /// says which signals wait meanwhile. Unlike in epoll's own sleep a thread is not
    /// interrupted when the process was stopped and goes on, although no handler ran.
    pub(super) fn sleep_and_take(
        &mut self,
        wait: Option<Duration>,
        mask: Option<&libc::sigset_t>,
    ) -> io::Result<()> {
        self.ready = 0;
        let fd = self.poll.as_raw_fd();
        let mut item = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        ppoll(std::slice::from_mut(&mut item), wait, mask)?;
        self.take(Some(Duration::ZERO))
    }

    /// What was taken: the tokens of descriptors, and what they are told (bits of
    /// [`event`]).
    pub(super) fn ready(&self) -> impl Iterator<Item = (Token, u32)> {
        // SAFETY: the kernel has filled these.
        self.events[..self.ready].iter().map(|event| unsafe { event.assume_init() }).map(|event| {
            // mio registers a descriptor with its token as the kernel's data.
            (Token(event.u64 as usize), bits_of(event.events as libc::c_int))
        })
    }
}

/// What an event means to a source.
fn bits_of(ready: libc::c_int) -> u32 {
    let is = |kinds| ready & kinds != 0;
    if is(libc::EPOLLERR | libc::EPOLLHUP) {
        return event::READABLE | event::WRITABLE | event::HANGUP;
    }
    let mut bits = 0;
    if is(libc::EPOLLIN) {
        bits |= event::READABLE;
    }
    if is(libc::EPOLLRDHUP) {
        bits |= event::READABLE | event::HANGUP;
    }
    if is(libc::EPOLLOUT) {
        bits |= event::WRITABLE;
    }
    bits
}

/// Puts descriptors into a poll set and takes them out.
pub(super) struct Registrar {
    registry: UnlessLost<Registry>,
    set: RawFd,
}

impl Registrar {
    /// Has the leader look at a descriptor.
    pub(super) fn watch(&self, fd: RawFd, token: Token, interest: Interest) -> io::Result<()> {
        self.registry.register(&mut SourceFd(&fd), token, interest)
    }

    /// No more.
    pub(super) fn unwatch(&self, fd: RawFd) {
        // A descriptor the kernel no longer knows is not watched either.
        let _ = self.registry.deregister(&mut SourceFd(&fd));
    }

    /// In a forked child: the descriptors to be closed there.
    pub(super) fn inherited_fds(&self) -> [RawFd; 2] {
        [self.registry.as_raw_fd(), self.set]
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn look(set: &mut PollSet) -> Vec<(Token, u32)> {
        set.take(Some(Duration::ZERO)).unwrap();
        set.ready().collect()
    }

    #[test]
    fn a_look_tells_the_token_and_what_is_new() {
        let mut set = PollSet::new().unwrap();
        let registrar = set.registrar().unwrap();
        let (mine, mut theirs) = UnixStream::pair().unwrap();
        let both = Interest::READABLE | Interest::WRITABLE;
        registrar.watch(mine.as_raw_fd(), Token(7), both).unwrap();
        assert_eq!(look(&mut set), [(Token(7), event::WRITABLE)]);
        assert_eq!(look(&mut set), []);
        theirs.write_all(b"x").unwrap();
        set.sleep_and_take(None, None).unwrap();
        let readable = event::READABLE | event::WRITABLE;
        assert_eq!(set.ready().collect::<Vec<_>>(), [(Token(7), readable)]);
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(look(&mut set), [(Token(7), readable | event::HANGUP)]);
        registrar.unwatch(mine.as_raw_fd());
        drop(theirs);
        assert_eq!(look(&mut set), []);
    }

    #[test]
    fn a_connection_that_failed_is_looked_at_for_everything() {
        let mut set = PollSet::new().unwrap();
        let registrar = set.registrar().unwrap();
        let (mine, theirs) = UnixStream::pair().unwrap();
        registrar.watch(mine.as_raw_fd(), Token(0), Interest::READABLE).unwrap();
        drop(theirs);
        let all = event::READABLE | event::WRITABLE | event::HANGUP;
        assert_eq!(look(&mut set), [(Token(0), all)]);
    }
}
