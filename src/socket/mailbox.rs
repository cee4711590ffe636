//! What comes to a socket from other threads: signals of its pipes, new pipes,
//! the end of its context; and who waits for that.
//!
//! Posting costs a lock that is almost never contended, and happens only when
//! something changes: a pipe that is being read signals nothing. Waking costs
//! nothing while nobody waits: a poster publishes, then looks for waiters; a
//! waiter registers, then looks for news. One of them sees the other.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Slot;
use crate::error::{KeepErrno, Result};
use crate::pipe::{EndRef, Owner, Pipe};
use crate::reactor::{NewsCount, Reactor, leads_for};
use crate::session::Host;
use crate::sync::{AtomicBool, AtomicU32, EventFd, Ordering, Parker, fence_after_swap};

/// A message to a socket.
pub(super) enum Command {
    /// A pipe has signals.
    Signals(EndRef),
    /// A new pipe, and the endpoint it came about through.
    Attach(Box<Pipe>, Arc<str>),
    /// The context ends.
    Terminate,
}

/// Whom to wake.
#[derive(Clone)]
pub(crate) enum Waker {
    /// A thread that is parked.
    Thread(Arc<Parker>),
    /// A thread that leads a reactor.
    Leader(Arc<Reactor>),
    /// A thread that polls descriptors, among them this one.
    Descriptor(Arc<EventFd>),
}

/// A socket's mailbox. It stays with the slot.
pub(super) struct Mailbox {
    /// There may be something to take.
    news: AtomicBool,
    /// Counts announcements: whoever waits compares it with what it was before
    /// the last look, since another thread's call may take the news away.
    announced: NewsCount,
    inner: Mutex<Inner>,
    /// Wakers registered, and `ZMQ_FD` if it was asked for.
    waiters: AtomicU32,
    wakers: Mutex<Vec<(u64, Waker)>>,
    fd: Mutex<Option<Arc<EventFd>>>,
    /// `ZMQ_FD` is readable.
    fd_signalled: AtomicBool,
}

struct Inner {
    /// Counts the slot's sockets: a port posts to its own only.
    generation: u64,
    open: bool,
    commands: VecDeque<Command>,
    next_waker: u64,
}

impl Mailbox {
    pub(super) fn new() -> Mailbox {
        Mailbox {
            news: AtomicBool::new(false),
            announced: AtomicU32::new(0),
            inner: Mutex::new(Inner {
                generation: 0,
                open: false,
                commands: VecDeque::new(),
                next_waker: 0,
            }),
            waiters: AtomicU32::new(0),
            wakers: Mutex::new(Vec::new()),
            fd: Mutex::new(None),
            fd_signalled: AtomicBool::new(false),
        }
    }

    /// Whether there may be something to take.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.news.load(Ordering::Acquire)
    }

    /// Counts announcements.
    pub(super) fn announced(&self) -> &NewsCount {
        &self.announced
    }

    /// Whether nothing was announced since the count was `seen`.
    #[inline]
    pub(super) fn is_quiet_since(&self, seen: u32) -> bool {
        self.announced.load(Ordering::Acquire) == seen
    }

    /// Swaps what has come for `commands`, which is empty and keeps its memory
    /// in use. False when nothing has.
    pub(super) fn take(&self, commands: &mut VecDeque<Command>) -> bool {
        // Before the queue: what is posted after it raises the flag again.
        self.news.swap(false, Ordering::AcqRel);
        std::mem::swap(commands, &mut self.inner.lock().commands);
        !commands.is_empty()
    }

    /// Closes the mailbox and gives out what nobody will read.
    pub(super) fn close(&self) -> VecDeque<Command> {
        let commands = {
            let mut inner = self.inner.lock();
            inner.open = false;
            std::mem::take(&mut inner.commands)
        };
        *self.fd.lock() = None;
        self.fd_signalled.store(false, Ordering::Relaxed);
        self.announce();
        commands
    }

    /// In a forked child: closes the child's copy of `ZMQ_FD`.
    pub(super) fn close_inherited_fd(&self) {
        if let Some(mut fd) = self.fd.try_lock() {
            *fd = None;
        }
    }

    pub(super) fn post_termination(&self) {
        self.inner.lock().commands.push_back(Command::Terminate);
        self.announce();
    }

    /// Says that there is news and wakes whoever waits for it.
    fn announce(&self) {
        self.news.store(true, Ordering::Release);
        self.announced.fetch_add(1, Ordering::SeqCst);
        fence_after_swap();
        if self.waiters.load(Ordering::SeqCst) != 0 {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(&self) {
        let _errno = KeepErrno::new();
        for (_, waker) in &*self.wakers.lock() {
            match waker {
                Waker::Thread(parker) => parker.unpark(),
                // A leader that brings the news itself sees the count.
                Waker::Leader(_) if leads_for(&self.announced) => {}
                Waker::Leader(reactor) => reactor.wake_leader(),
                Waker::Descriptor(fd) => fd.signal(),
            }
        }
        if let Some(fd) = &*self.fd.lock()
            && !self.fd_signalled.swap(true, Ordering::SeqCst)
        {
            fd.signal();
        }
    }

    /// Registers a waiter. From here on news wakes it; news that came before
    /// must be looked for after.
    pub(super) fn register(&self, waker: Waker) -> u64 {
        let id = {
            let mut inner = self.inner.lock();
            inner.next_waker += 1;
            inner.next_waker
        };
        self.wakers.lock().push((id, waker));
        self.waiters.fetch_add(1, Ordering::SeqCst);
        fence_after_swap();
        id
    }

    /// Ends a registration.
    pub(super) fn unregister(&self, id: u64) {
        self.waiters.fetch_sub(1, Ordering::SeqCst);
        self.wakers.lock().retain(|(registered, _)| *registered != id);
    }

    /// `ZMQ_FD`: made at the first call, readable from the start so that the
    /// caller looks at `ZMQ_EVENTS` once.
    pub(super) fn event_fd(&self) -> Result<i32> {
        let mut slot = self.fd.lock();
        if let Some(fd) = &*slot {
            return Ok(fd.raw());
        }
        let fd = Arc::new(EventFd::new(1)?);
        let raw = fd.raw();
        *slot = Some(fd);
        self.fd_signalled.store(true, Ordering::SeqCst);
        self.waiters.fetch_add(1, Ordering::SeqCst);
        Ok(raw)
    }

    /// The socket is being looked at: `ZMQ_FD` is quiet until there is news.
    /// Says whether it was not.
    #[inline]
    pub(super) fn quieten_fd(&self) -> bool {
        self.fd_signalled.load(Ordering::Relaxed) && self.drain_fd()
    }

    #[cold]
    fn drain_fd(&self) -> bool {
        let _errno = KeepErrno::new();
        if let Some(fd) = &*self.fd.lock() {
            fd.drain();
            self.fd_signalled.swap(false, Ordering::SeqCst);
        }
        true
    }

    fn open_for_next(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.generation += 1;
        inner.open = true;
        inner.commands.clear();
        self.news.store(false, Ordering::Relaxed);
        // A waiter of the former socket may still be on its way out.
        self.waiters.store(self.wakers.lock().len() as u32, Ordering::SeqCst);
        inner.generation
    }
}

/// The way into a mailbox for those who belong to one socket of the slot.
pub(super) struct Port {
    slot: &'static Slot,
    generation: u64,
}

impl Port {
    /// A port to the slot's next socket.
    pub(super) fn open(slot: &'static Slot) -> Port {
        Port { slot, generation: slot.mailbox.open_for_next() }
    }

    /// The slot it leads into.
    pub(super) fn slot(&self) -> &'static Slot {
        self.slot
    }

    /// Posts, or hands back what came too late.
    pub(super) fn post(&self, command: Command) -> std::result::Result<(), Command> {
        {
            let mut inner = self.slot.mailbox.inner.lock();
            if !inner.open || inner.generation != self.generation {
                return Err(command);
            }
            inner.commands.push_back(command);
        }
        self.slot.mailbox.announce();
        Ok(())
    }
}

impl Owner for Port {
    fn signalled(self: Arc<Self>, end: &EndRef) {
        // Signals for a socket that is gone are nobody's.
        let _ = self.post(Command::Signals(end.clone()));
    }
}

impl Host for Port {
    fn attach(&self, pipe: Pipe, endpoint: &Arc<str>) -> bool {
        self.post(Command::Attach(Box::new(pipe), endpoint.clone())).is_ok()
    }
}
