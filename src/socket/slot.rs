//! Where sockets live: the memory behind a C handle.

use std::mem::offset_of;
use std::sync::Arc;

use super::mailbox::{Mailbox, Port};
use super::{Home, Socket, behind};
use crate::error::{Errno, Result};
use crate::message::run_waiting_frees;
use crate::options::ContextOptions;
use crate::reactor::Reactor;
use crate::socket_type::SocketType;
use crate::sync::{
    Arena, AtomicBool, AtomicU32, AtomicU64, GlobalLock, Lock, LockGuard, Ordering, call_in_child,
    fork_generation,
};
use crate::trace::Name;

/// Every socket of the process.
pub(crate) static ARENA: Arena<Slot> = Arena::new();

/// The events that were cached are current.
const KNOWN: u32 = 1 << 31;

/// A place for a socket. Its address is the C handle.
#[repr(align(128))]
pub(crate) struct Slot {
    core: Lock<Option<Box<Socket>>>,
    pub(super) mailbox: Mailbox,
    /// The reactor that a thread which waits for this socket leads.
    reactor: GlobalLock<Option<Arc<Reactor>>>,
    /// Messages may wait for company in the socket's pipes.
    corked: AtomicBool,
    /// What `ZMQ_EVENTS` said last, with KNOWN, until something may have
    /// changed it: lets a poll over many idle sockets take no locks.
    events: AtomicU32,
    /// The socket's context ends, or has ended.
    ending: AtomicBool,
    /// The fork generation in which the socket was made.
    pub(super) made_in: AtomicU64,
    /// What the trace calls the socket, or the last one that was here.
    name: AtomicU64,
}

/// The locked socket of a slot.
pub(super) struct Locked<'a> {
    guard: LockGuard<'a, Option<Box<Socket>>>,
    /// Dropped after the lock.
    _frees: RunFrees,
}

/// Runs the free functions of messages dropped while a socket was held.
struct RunFrees;

impl Drop for RunFrees {
    #[inline(always)]
    fn drop(&mut self) {
        run_waiting_frees();
    }
}

impl std::ops::Deref for Locked<'_> {
    type Target = Socket;
    #[inline]
    fn deref(&self) -> &Socket {
        match &*self.guard {
            Some(socket) => socket,
            // `Slot::lock` hands out live sockets only.
            None => unreachable_slot(),
        }
    }
}

impl std::ops::DerefMut for Locked<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Socket {
        match &mut *self.guard {
            Some(socket) => socket,
            None => unreachable_slot(),
        }
    }
}

#[cold]
fn unreachable_slot() -> ! {
    // Caught at the C boundary like any panic.
    panic!("a locked slot without a socket")
}

impl Slot {
    fn empty() -> Slot {
        Slot {
            core: Lock::new(None),
            mailbox: Mailbox::new(),
            reactor: GlobalLock::new(None),
            corked: AtomicBool::new(false),
            events: AtomicU32::new(0),
            ending: AtomicBool::new(false),
            made_in: AtomicU64::new(0),
            name: AtomicU64::new(0),
        }
    }

    /// Makes a socket. `EMFILE` when there is no place for one.
    pub(crate) fn open(
        kind: SocketType,
        defaults: &ContextOptions,
        home: Home,
    ) -> Result<&'static Slot> {
        call_in_child(|| ARENA.each(Slot::disown));
        let slot = ARENA.take(Slot::empty).ok_or(Errno::EMFILE)?;
        let port = Arc::new(Port::open(slot));
        let name = Name::next(kind);
        slot.name.store(name.bits(), Ordering::Relaxed);
        slot.events.store(0, Ordering::Relaxed);
        slot.ending.store(false, Ordering::Relaxed);
        slot.made_in.store(fork_generation(), Ordering::Relaxed);
        *slot.core.lock() = Some(Box::new(Socket::new(name, defaults, home, port)));
        Ok(slot)
    }

    /// What the trace calls the socket here, or the last one that was.
    pub(crate) fn name(&self) -> Option<Name> {
        Name::from_bits(self.name.load(Ordering::Relaxed))
    }

    /// Closes the socket. `ENOTSOCK` when there is none.
    pub(crate) fn close(&'static self) -> Result<()> {
        if self.made_in.load(Ordering::Relaxed) != fork_generation() {
            return self.close_inherited();
        }
        let socket = self.core.lock().take().ok_or(Errno::ENOTSOCK)?;
        let home = socket.home.clone();
        drop(self.reactor.lock().take());
        if (home.inherited)() {
            // A forked child: what the socket holds is its parent's, too.
            std::mem::forget(socket);
            (home.closed)(self);
            std::mem::forget(home);
            return Ok(());
        }
        // Peers that come back as soon as they hear of the end are not let in.
        socket.endpoints.stop_listening();
        // Threads that wait for the socket find it gone. What was posted goes
        // with it.
        drop(self.mailbox.close());
        socket.close();
        (home.closed)(self);
        ARENA.give_back(self);
        Ok(())
    }

    /// In a child that was just forked: from here on, calls leave the socket alone. They need
    /// its locks to see that, also where a thread held them that is not here any more; so does
    /// the child's own socket that is the next in this place.
    fn disown(&self) {
        self.events.store(0, Ordering::Relaxed);
        let core = self.core.data_ptr();
        // SAFETY: this is the only thread, and what it writes is a byte that is valid in
        // whatever state the socket was left.
        if let Some(socket) = unsafe { (*core).as_mut() } {
            socket.disown();
        }
        if self.core.is_locked() {
            // SAFETY: the holder is gone. If it is this very thread, a signal handler has
            // forked amid a call, which gives back once more what nobody else takes.
            unsafe { self.core.force_unlock() };
        }
        self.mailbox.disown();
    }

    /// In a forked child: what the socket holds is its parent's, too. If another thread of the
    /// child's is at it, it is left as it is.
    fn close_inherited(&self) -> Result<()> {
        let Some(mut core) = self.core.try_lock() else { return Ok(()) };
        std::mem::forget(core.take().ok_or(Errno::ENOTSOCK)?);
        self.mailbox.close_inherited_descriptor();
        Ok(())
    }

    /// The socket, locked. `ENOTSOCK` when there is none (any more).
    #[inline]
    pub(super) fn lock(&self) -> Result<Locked<'_>> {
        let mut socket = self.lock_for_transfer()?;
        socket.forget_sole_pipes();
        Ok(socket)
    }

    /// As [`Slot::lock`], for a call that does nothing but send or receive.
    #[inline]
    pub(super) fn lock_for_transfer(&self) -> Result<Locked<'_>> {
        let guard = self.core.lock();
        if guard.is_none() {
            return Err(Errno::ENOTSOCK);
        }
        self.forget_events();
        Ok(Locked { guard, _frees: RunFrees })
    }

    /// What is here, unless somebody is at it.
    pub(super) fn try_lock(&self) -> Option<LockGuard<'_, Option<Box<Socket>>>> {
        self.core.try_lock()
    }

    pub(super) fn reactor(&self) -> Option<Arc<Reactor>> {
        self.reactor.lock().clone()
    }

    /// The socket's first endpoint was placed there.
    pub(super) fn set_reactor(&self, reactor: &Arc<Reactor>) {
        *self.reactor.lock() = Some(reactor.clone());
    }

    #[inline]
    pub(super) fn note_corked(&'static self) {
        if !self.corked.load(Ordering::Relaxed) {
            self.corked.store(true, Ordering::Relaxed);
            behind::leave(self);
        }
    }

    pub(super) fn may_be_corked(&self) -> bool {
        self.corked.load(Ordering::Relaxed) && self.corked.swap(false, Ordering::Relaxed)
    }

    /// Sends what waits for company, unless somebody is at the socket or it is another
    /// process's, too. Says whether something may have.
    pub(super) fn push_out_if_corked(&self) -> bool {
        if self.made_in.load(Ordering::Relaxed) != fork_generation() {
            return false;
        }
        let _frees = RunFrees;
        let Some(mut core) = self.core.try_lock() else { return false };
        let socket = core.as_mut().filter(|_| self.may_be_corked());
        socket.map(|socket| socket.push_out()).is_some()
    }

    /// `ENOTSOCK` when there is no socket here: what comes before any other
    /// error.
    pub(crate) fn check_is_socket(&self) -> Result<()> {
        self.lock().map(drop)
    }

    /// `ENOTSOCK` when there is no socket here, `ETERM` when its context ends:
    /// what comes before any other error in most calls.
    pub(crate) fn check_open(&self) -> Result<()> {
        let mut socket = self.lock()?;
        socket.process(self);
        socket.check_alive()
    }

    /// After a panic: the context answers ETERM from now on.
    pub(crate) fn fail_context(&self) {
        let lease = self.core.try_lock().and_then(|core| Some(core.as_ref()?.home.lease.clone()));
        if let Some(lease) = lease {
            lease.fail();
        }
    }

    /// Tells the socket that its context ends.
    pub(crate) fn terminate(&self) {
        // Relaxed: posting publishes it to whoever sees that there is news.
        self.ending.store(true, Ordering::Relaxed);
        self.mailbox.post_termination();
    }

    /// Whether the end of the context is among what has come, or has been seen.
    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    /// Asks the memory for what [`Slot::ready`] looks at of the slot at this address,
    /// if it is one.
    #[inline(always)]
    pub(crate) fn prefetch(address: usize) {
        #[cfg(target_arch = "x86_64")]
        for offset in [offset_of!(Slot, events), offset_of!(Slot, mailbox)] {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a prefetch reads and writes nothing, wherever it leads.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(address.wrapping_add(offset) as *const i8) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = address;
    }

    /// What would not block now: POLLIN, POLLOUT. `ENOTSOCK`, `ETERM`.
    pub(crate) fn ready(&self) -> Result<u32> {
        let known = self.events.load(Ordering::Acquire);
        if known & KNOWN != 0 && !self.mailbox.has_news() {
            return Ok(known & !KNOWN);
        }
        let mut socket = self.lock()?;
        socket.process(self);
        socket.check_alive()?;
        let events = socket.ready_events();
        // Release, under the lock: whoever changes the socket takes this back.
        self.events.store(events | KNOWN, Ordering::Release);
        Ok(events)
    }

    /// Whether a message may be sent now: POLLOUT alone, which is to be had for
    /// less than both. `ENOTSOCK`, `ETERM`.
    pub(crate) fn can_send(&self) -> Result<bool> {
        let mut socket = self.lock()?;
        socket.process(self);
        socket.check_alive()?;
        Ok(socket.has_output())
    }

    #[inline]
    fn forget_events(&self) {
        if self.events.load(Ordering::Relaxed) != 0 {
            self.events.store(0, Ordering::Relaxed);
        }
    }
}
