//! The protocol of a socket's mailbox: who posts, who takes, who waits.
//!
//! Posting costs a lock that is almost never contended, and happens only when
//! something changes: a pipe that is being read signals nothing. Waking costs
//! nothing while nobody waits: a poster publishes, then looks for waiters; a
//! waiter registers, then looks for news. One of them sees the other.
//!
//! What is posted, who is woken and what descriptor tells of it are parameters,
//! so that loom can check the protocol without a kernel.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use crate::error::KeepErrno;
use crate::reactor::NewsCount;
use crate::sync::{AtomicBool, AtomicU32, Mutex, Ordering, fence_after_swap, take_over};

/// Who waits.
pub(super) trait Wake {
    /// There is news: `announced` has changed. Called on the poster's thread,
    /// with a lock of the letterbox held; takes no other.
    fn wake(&self, announced: &NewsCount);
}

/// A descriptor that a user polls.
pub(super) trait Readiness {
    /// Makes it readable.
    fn signal(&self);
    /// Makes it unreadable.
    fn drain(&self);
}

/// A place for what is posted to one socket after another.
pub(super) struct Letterbox<C, W, F> {
    /// There may be something to take.
    news: AtomicBool,
    /// Counts announcements: whoever waits compares it with what it was before
    /// the last look, since another thread's call may take the news away.
    announced: NewsCount,
    inner: Mutex<Inner<C>>,
    /// Wakers registered, and the descriptor if there is one.
    waiters: AtomicU32,
    wakers: Mutex<Wakers<W>>,
    fd: Mutex<Option<Arc<F>>>,
    /// The descriptor is readable.
    fd_signalled: AtomicBool,
}

struct Inner<C> {
    /// Counts the slot's sockets: a port posts to its own only.
    generation: u64,
    open: bool,
    commands: VecDeque<C>,
}

struct Wakers<W> {
    list: Vec<(u64, W)>,
    next: u64,
}

impl<C, W: Wake, F: Readiness> Letterbox<C, W, F> {
    pub(super) fn new() -> Self {
        Letterbox {
            news: AtomicBool::new(false),
            announced: AtomicU32::new(0),
            inner: Mutex::new(Inner { generation: 0, open: false, commands: VecDeque::new() }),
            waiters: AtomicU32::new(0),
            wakers: Mutex::new(Wakers { list: Vec::new(), next: 0 }),
            fd: Mutex::new(None),
            fd_signalled: AtomicBool::new(false),
        }
    }

    /// Opens it for the next socket: says which generation may post.
    pub(super) fn open_for_next(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.generation += 1;
        inner.open = true;
        inner.commands.clear();
        self.news.store(false, Ordering::Relaxed);
        // A waiter of the former socket may still be on its way out.
        let wakers = self.wakers.lock();
        self.waiters.store(wakers.list.len() as u32, Ordering::SeqCst);
        inner.generation
    }

    /// Closes it and gives out what nobody will read.
    pub(super) fn close(&self) -> VecDeque<C> {
        let commands = {
            let mut inner = self.inner.lock();
            inner.open = false;
            mem::take(&mut inner.commands)
        };
        *self.fd.lock() = None;
        self.fd_signalled.store(false, Ordering::Relaxed);
        self.announce();
        commands
    }

    /// Posts for one generation, or hands back what came too late.
    pub(super) fn post(&self, generation: u64, command: C) -> Result<(), C> {
        {
            let mut inner = self.inner.lock();
            if !inner.open || inner.generation != generation {
                return Err(command);
            }
            inner.commands.push_back(command);
        }
        self.announce();
        Ok(())
    }

    /// Posts to whatever socket there is.
    pub(super) fn post_to_any(&self, command: C) {
        self.inner.lock().commands.push_back(command);
        self.announce();
    }

    /// How much has come that nobody has taken.
    pub(super) fn waiting(&self) -> usize {
        self.inner.lock().commands.len()
    }

    /// Takes out what is of no use any more, and says how much is left.
    pub(super) fn sweep(&self, mut is_useless: impl FnMut(&mut C) -> bool) -> (Vec<C>, usize) {
        let mut inner = self.inner.lock();
        let mut useless = Vec::new();
        for mut command in mem::take(&mut inner.commands) {
            match is_useless(&mut command) {
                true => useless.push(command),
                false => inner.commands.push_back(command),
            }
        }
        (useless, inner.commands.len())
    }

    /// Says that there is news and wakes whoever waits for it.
    fn announce(&self) {
        // Release: what was posted is found by whoever sees the flag.
        self.news.store(true, Ordering::Release);
        self.announced.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence in `register`.
        fence_after_swap();
        if self.waiters.load(Ordering::SeqCst) != 0 {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(&self) {
        let _errno = KeepErrno::new();
        for (_, waker) in &self.wakers.lock().list {
            waker.wake(&self.announced);
        }
        if let Some(fd) = &*self.fd.lock()
            && !self.fd_signalled.swap(true, Ordering::SeqCst)
        {
            fd.signal();
        }
    }

    /// Whether there may be something to take.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.news.load(Ordering::Acquire)
    }

    /// Swaps what has come for `commands`, which is empty and keeps its memory
    /// in use. False when nothing has.
    pub(super) fn take(&self, commands: &mut VecDeque<C>) -> bool {
        // Before the queue: what is posted after it raises the flag again.
        self.news.swap(false, Ordering::AcqRel);
        mem::swap(commands, &mut self.inner.lock().commands);
        !commands.is_empty()
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

    /// Registers a waiter. From here on news wakes it; news that came before
    /// must be looked for after.
    pub(super) fn register(&self, waker: W) -> u64 {
        let id = {
            let mut wakers = self.wakers.lock();
            wakers.next += 1;
            let id = wakers.next;
            wakers.list.push((id, waker));
            // Under the lock: what `open_for_next` counts is what is listed.
            self.waiters.fetch_add(1, Ordering::SeqCst);
            id
        };
        // Pairs with the fence in `announce`.
        fence_after_swap();
        id
    }

    /// Ends a registration.
    pub(super) fn unregister(&self, id: u64) {
        let mut wakers = self.wakers.lock();
        wakers.list.retain(|(registered, _)| *registered != id);
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }

    /// The descriptor, made at the first call: readable from the start, as
    /// `make` gives it, so that the caller looks once.
    pub(super) fn descriptor<E>(&self, make: impl FnOnce() -> Result<F, E>) -> Result<Arc<F>, E> {
        let mut slot = self.fd.lock();
        if let Some(fd) = &*slot {
            return Ok(fd.clone());
        }
        let fd = Arc::new(make()?);
        *slot = Some(fd.clone());
        self.fd_signalled.store(true, Ordering::SeqCst);
        self.waiters.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence in `announce`: the caller's look comes after.
        fence_after_swap();
        Ok(fd)
    }

    /// In a child that was just forked: nobody waits here, and nothing that was posted
    /// concerns it. Threads that are not here any more may have held each lock, in the midst
    /// of a change. The descriptor is the parent's as well, which alone may signal it.
    pub(super) fn disown(&self) {
        // SAFETY: this is the only thread.
        unsafe {
            take_over(&self.inner, |inner| mem::forget(mem::take(&mut inner.commands)));
            take_over(&self.wakers, |wakers| mem::forget(mem::take(&mut wakers.list)));
            take_over(&self.fd, |fd| self.fd_signalled.store(fd.is_some(), Ordering::Relaxed));
        }
    }

    /// In a forked child: closes the child's copy of the descriptor.
    pub(super) fn close_inherited_descriptor(&self) {
        if let Some(mut fd) = self.fd.try_lock() {
            *fd = None;
        }
    }

    /// The socket is being looked at: the descriptor is quiet until there is
    /// news. Says whether it was not. Whoever quietens it looks afterwards.
    #[inline]
    pub(super) fn quieten(&self) -> bool {
        self.fd_signalled.load(Ordering::Relaxed) && self.drain()
    }

    #[cold]
    fn drain(&self) -> bool {
        let _errno = KeepErrno::new();
        if let Some(fd) = &*self.fd.lock() {
            fd.drain();
            self.fd_signalled.swap(false, Ordering::SeqCst);
        }
        true
    }
}

#[cfg(all(test, loom))]
mod loom_tests;
