//! The reactor: a kernel poll (mio), timers and a run queue, driven by whoever
//! *leads* it.
//!
//! Each reactor has an I/O thread, which leads whenever nobody else does. A
//! thread that would block in a socket call leads instead ([`Reactor::lead`]):
//! it then finds its message without a hop through another thread. Leadership
//! is the lock around the poll; it is only ever tried, never waited for.
//!
//! What is registered is a [`Source`]: a session or a listener. A source is
//! told of events by the leader and runs at once, on the leader's thread,
//! unless another thread is running it already (see `session/`).

mod lead;
mod leadership;
mod poll_set;
mod pool;
mod rounds;
mod thread;
mod timers;

use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Interest, Token};

pub(crate) use lead::{Awaited, Expected, Led, MOST_AWAITED, NewsCount, leads_for, spin, waited};
pub(crate) use pool::{ReactorPool, Settings};

use crate::error::Result;
use crate::sync::{AtomicU32, EventFd, FutexMutex, HeldSignals, Ordering};
use leadership::{Doze, Leadership};
use poll_set::{PollSet, Registrar};
use rounds::Rounds;
use timers::Timers;

/// What a source is told; bits, which sources combine with their own.
pub(crate) mod event {
    /// The descriptor may have something to read, or its peer is gone.
    pub(crate) const READABLE: u32 = 1 << 8;
    /// The descriptor may take more.
    pub(crate) const WRITABLE: u32 = 1 << 9;
    /// The peer has closed, or the connection failed: there is an end to be
    /// read, and no further event will tell of it.
    pub(crate) const HANGUP: u32 = 1 << 13;
    /// The source's timer is due.
    pub(crate) const TIMER: u32 = 1 << 10;
    /// The source asked to go on.
    pub(crate) const RUN: u32 = 1 << 11;
    /// A corked source should look whether something was left over.
    pub(crate) const NAP_OVER: u32 = 1 << 12;
    /// Somebody waits for what the source may have to read; the kernel was not asked.
    pub(crate) const GLANCE: u32 = 1 << 14;
}

/// Something that lives in a reactor.
pub(crate) trait Source: Send + Sync {
    /// Events have come; bits of [`event`].
    fn notice(self: Arc<Self>, events: u32);

    /// In a forked child, where no thread but the caller's exists: the
    /// descriptor to be closed there, unless the fork caught it in change.
    fn inherited_fd(&self) -> Option<RawFd>;

    /// The reactor is given up: ends without lingering.
    fn give_up(self: Arc<Self>);

    /// Says, in the trace, what keeps it from ending, if it is to end.
    fn explain(self: Arc<Self>) {}
}

/// The waker's own token.
const WAKER: Token = Token(usize::MAX);
/// How long messages may lie in a corked pipe before the I/O thread sends them.
const NAP: Duration = Duration::from_micros(100);

/// What the leader holds.
struct Lead {
    poll: PollSet,
    /// The source that an application thread's news come from, for all that is known:
    /// the last that the kernel had something to tell.
    told: Option<SourceId>,
    /// Looks of that thread's spin.
    looks: u32,
    /// Reused for the run queue.
    batch: Vec<Arc<dyn Source>>,
}

/// Who leads, for one turn.
#[derive(Clone, Copy)]
enum Leader<'a> {
    /// The I/O thread, which has no signals, and other things to see to.
    IoThread,
    /// An application thread. If it may sleep, signals are held back, so that none comes
    /// while it serves others, where it would leave no trace; they come in its sleep.
    Application(Option<&'a HeldSignals>),
}

/// One I/O thread's worth of connections.
pub(crate) struct Reactor {
    leadership: Leadership<Lead>,
    registrar: Registrar,
    waker: EventFd,
    doze: Doze,
    sources: FutexMutex<Vec<Option<Arc<dyn Source>>>>,
    free_tokens: FutexMutex<Vec<usize>>,
    run_queue: FutexMutex<Vec<Arc<dyn Source>>>,
    timers: FutexMutex<Timers>,
    /// Sources that hold back what they have to send until a batch is full.
    corked: FutexMutex<Rounds>,
    /// Registered sources: what the choice of a reactor goes by.
    load: AtomicU32,
}

/// A source's place in a reactor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceId(usize);

impl Reactor {
    fn new() -> Result<Reactor> {
        let poll = PollSet::new()?;
        let registrar = poll.registrar()?;
        // Not mio's own waker: a forked child must be able to close it.
        let waker = EventFd::new(0)?;
        registrar.watch(waker.raw(), WAKER, Interest::READABLE)?;
        Ok(Reactor {
            leadership: Leadership::new(Lead { poll, told: None, looks: 0, batch: Vec::new() }),
            registrar,
            waker,
            doze: Doze::new(),
            sources: FutexMutex::new(Vec::new()),
            free_tokens: FutexMutex::new(Vec::new()),
            run_queue: FutexMutex::new(Vec::new()),
            timers: FutexMutex::new(Timers::default()),
            corked: FutexMutex::new(Rounds::default()),
            load: AtomicU32::new(0),
        })
    }

    /// A place for a source, to be filled with [`Reactor::install`] and given
    /// up with [`Reactor::remove`].
    pub(crate) fn reserve(&self) -> SourceId {
        self.load.fetch_add(1, Ordering::Relaxed);
        let reused = self.free_tokens.lock().pop();
        SourceId(reused.unwrap_or_else(|| {
            let mut sources = self.sources.lock();
            sources.push(None);
            sources.len() - 1
        }))
    }

    /// Puts a source into its place.
    pub(crate) fn install(&self, id: SourceId, source: Arc<dyn Source>) {
        if let Some(place) = self.sources.lock().get_mut(id.0) {
            *place = Some(source);
        }
    }

    /// Gives a source up. Its descriptor must be deregistered before. Events
    /// already under way may still reach whoever gets its id next, and tell it
    /// nothing wrong: they only say "look".
    pub(crate) fn remove(&self, id: SourceId) {
        self.set_timer(id, None);
        let gone = self.sources.lock().get_mut(id.0).and_then(Option::take);
        if gone.is_some() {
            self.free_tokens.lock().push(id.0);
            self.load.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Watches a descriptor for a source, edge-triggered, both directions.
    pub(crate) fn watch(&self, id: SourceId, fd: RawFd) -> Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        Ok(self.registrar.watch(fd, Token(id.0), interest)?)
    }

    /// Watches a listening descriptor.
    pub(crate) fn watch_readable(&self, id: SourceId, fd: RawFd) -> Result<()> {
        Ok(self.registrar.watch(fd, Token(id.0), Interest::READABLE)?)
    }

    /// Stops watching a descriptor that is about to be closed.
    pub(crate) fn unwatch(&self, fd: RawFd) {
        self.registrar.unwatch(fd);
    }

    /// Sets, moves or clears the one timer of a source.
    pub(crate) fn set_timer(&self, id: SourceId, when: Option<Instant>) {
        if self.timers.lock().set(id.0, when) {
            self.interrupt();
        }
    }

    /// Lets a source go on after others had their turn.
    pub(crate) fn run_later(&self, source: Arc<dyn Source>) {
        self.run_queue.lock().push(source);
        self.interrupt();
    }

    /// Takes note that a source holds back a batch; the I/O thread looks after
    /// it in its rounds until [`Reactor::uncork`].
    pub(crate) fn cork(&self, id: SourceId) {
        if self.corked.lock().join(id.0) {
            self.leadership.wake_io_thread();
            self.interrupt();
        }
    }

    /// The source holds nothing back any more.
    pub(crate) fn uncork(&self, id: SourceId) {
        self.corked.lock().leave(id.0);
    }

    /// Makes a sleeping leader look again.
    pub(crate) fn interrupt(&self) {
        self.doze.disturb(|| self.wake_leader());
    }

    /// Makes the leader, if any, return from the kernel.
    pub(crate) fn wake_leader(&self) {
        // Edge-triggered: every signal is an event, read or not.
        self.waker.signal();
    }

    fn load(&self) -> u32 {
        self.load.load(Ordering::Relaxed)
    }

    /// One round: due timers, the run queue, then the kernel, for at most
    /// `max_wait` (`None`: until something happens), and only for a look when the
    /// leader is `done` already: what it waits for may have come from the run
    /// queue, and nobody wakes a thread for news that it brings itself. The I/O
    /// thread stays no longer than [`NAP`] while there are corked sources.
    fn turn(
        &self,
        lead: &mut Lead,
        max_wait: Option<Duration>,
        done: impl Fn() -> bool,
        leader: Leader<'_>,
    ) -> io::Result<()> {
        self.run_due(lead);
        let look = max_wait == Some(Duration::ZERO) || done();
        let wait = if look { Some(Duration::ZERO) } else { self.wait_time(max_wait) };
        if wait == Some(Duration::ZERO) {
            lead.poll.take(wait)?;
        } else {
            self.doze.sleep(|| {
                let nap = if let Leader::IoThread = leader { self.nap() } else { None };
                self.sleep(&mut lead.poll, self.wait_time(nap.or(max_wait)), leader)
            })?;
        }
        for (token, bits) in lead.poll.ready() {
            if token != WAKER {
                self.notice(token.0, bits);
                lead.told = Some(SourceId(token.0));
            }
        }
        Ok(())
    }

    fn sleep(
        &self,
        poll: &mut PollSet,
        wait: Option<Duration>,
        leader: Leader<'_>,
    ) -> io::Result<()> {
        match leader {
            _ if wait == Some(Duration::ZERO) => poll.take(wait),
            Leader::Application(held) => {
                poll.sleep_and_take(wait, held.and_then(HeldSignals::mask))
            }
            Leader::IoThread if wait.is_some_and(|wait| wait < Duration::from_millis(1)) => {
                poll.sleep_and_take(wait, None)
            }
            Leader::IoThread => poll.take(wait),
        }
    }

    fn wait_time(&self, max_wait: Option<Duration>) -> Option<Duration> {
        if !self.run_queue.lock().is_empty() || self.leadership.is_stopping() {
            return Some(Duration::ZERO);
        }
        let due = self.timers.lock().next_due();
        let due = due.map(|due| due.saturating_duration_since(Instant::now()));
        match (due, max_wait) {
            (Some(due), Some(max)) => Some(due.min(max)),
            (due, max) => due.or(max),
        }
    }

    /// Runs what is due without the kernel's help.
    fn run_due(&self, lead: &mut Lead) {
        if self.timers.lock().next_due().is_some_and(|due| due <= Instant::now()) {
            let due = self.timers.lock().take_due(Instant::now());
            for id in due {
                self.notice(id, event::TIMER);
            }
        }
        let mut batch = std::mem::take(&mut lead.batch);
        std::mem::swap(&mut batch, &mut *self.run_queue.lock());
        for source in batch.drain(..) {
            source.notice(event::RUN);
        }
        lead.batch = batch;
    }

    fn notice(&self, id: usize, bits: u32) {
        let source = self.sources.lock().get(id).and_then(Clone::clone);
        if let Some(source) = source {
            source.notice(bits);
        }
    }
}
