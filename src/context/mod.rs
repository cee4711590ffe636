//! The context: options, sockets, inproc names, I/O threads, and the end of
//! it all.
//!
//! Threads start with the first socket, so that a process may daemonise after
//! it made its context. The end is a protocol: [`Context::shutdown`] tells
//! every socket, [`Context::terminate`] waits until all are closed and all that
//! lingers has ended, then ends the threads.

mod slot;
mod tracing;

use std::sync::{Arc, Weak};

pub(crate) use slot::{ARENA, ContextSlot};

use crate::error::{Errno, Result};
use crate::gssapi::Negotiators;
use crate::options::ContextOptions;
use crate::reactor::{ReactorPool, Settings};
use crate::session;
use crate::socket::{self, Home, Registry, Slot};
use crate::socket_type::SocketType;
use crate::sync::{
    AtomicU32, AtomicU64, FutexMutex, FutexMutexGuard, Ordering, Parked, Parker, fork_generation,
    uncancelled,
};
use crate::transport::Resolver;
use tracing::Report;

/// A context.
pub(crate) struct Context {
    state: FutexMutex<State>,
    /// Where threads that terminate the context wait.
    waiters: FutexMutex<Vec<Arc<Parker>>>,
    /// The fork generation in which the I/O threads were started.
    started_in: Arc<AtomicU64>,
}

struct State {
    options: ContextOptions,
    /// Set with the first socket.
    works: Option<Works>,
    sockets: Vec<&'static Slot>,
    /// Monitors, which count among the sockets.
    monitors: usize,
    /// Sockets that are open, or of which something is left.
    leases: usize,
    /// Sockets that are closed and have messages that linger.
    lingering: usize,
    /// No new sockets.
    shut: bool,
}

/// What exists from the first socket on.
struct Works {
    reactors: Arc<ReactorPool>,
    resolver: Resolver,
    negotiators: Negotiators,
    inproc: Arc<Registry>,
    max_sockets: usize,
}

/// Held by everything of a socket that the context must wait for.
struct Lease {
    context: Arc<Context>,
    /// [`CLOSED`], [`LINGERS`]; changed under the context's lock.
    state: AtomicU32,
}

/// The socket was closed.
const CLOSED: u32 = 1;
/// Something of it waited to be sent when it, or one of its endpoints, was given up.
const LINGERS: u32 = 2;

impl Lease {
    /// The place of a socket that is both is taken until the lease ends.
    fn note(&self, bit: u32) {
        let mut context = self.context.state.lock();
        let before = self.state.fetch_or(bit, Ordering::Relaxed);
        if before != CLOSED | LINGERS && before | bit == CLOSED | LINGERS {
            context.lingering += 1;
        }
    }
}

impl session::Lease for Lease {
    fn fail(&self) {
        self.context.fail();
    }

    fn linger(&self) {
        if self.state.load(Ordering::Relaxed) & LINGERS == 0 {
            self.note(LINGERS);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.context.state.lock();
        state.leases -= 1;
        if self.state.load(Ordering::Relaxed) == CLOSED | LINGERS {
            state.lingering -= 1;
        }
        drop(state);
        self.context.wake_waiters();
    }
}

impl State {
    /// Whether there are as many sockets as there may be.
    fn is_full(&self) -> bool {
        let max = self.works.as_ref().map_or(0, |works| works.max_sockets);
        self.sockets.len() + self.lingering + self.monitors >= max
    }
}

/// A monitor's place among the sockets.
struct Place {
    context: Weak<Context>,
}

impl socket::Place for Place {}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(context) = self.context.upgrade() {
            context.state.lock().monitors -= 1;
        }
    }
}

impl Context {
    /// A context without sockets or threads.
    pub(crate) fn new() -> Arc<Context> {
        Arc::new(Context {
            state: FutexMutex::new(State {
                options: ContextOptions::default(),
                works: None,
                sockets: Vec::new(),
                monitors: 0,
                leases: 0,
                lingering: 0,
                shut: false,
            }),
            waiters: FutexMutex::new(Vec::new()),
            started_in: Arc::new(AtomicU64::new(fork_generation())),
        })
    }

    /// `zmq_ctx_set`.
    pub(crate) fn set(&self, option: i32, value: i32) -> Result<()> {
        self.state.lock().options.set(option, value)
    }

    /// `zmq_ctx_get`.
    pub(crate) fn option(&self, option: i32) -> Result<i32> {
        self.state.lock().options.get(option)
    }

    /// `zmq_ctx_set_ext`.
    #[cfg(feature = "draft")]
    pub(crate) fn set_bytes(&self, option: i32, value: &[u8]) -> Result<()> {
        self.state.lock().options.set_bytes(option, value)
    }

    /// `zmq_ctx_get_ext`.
    #[cfg(feature = "draft")]
    pub(crate) fn option_bytes(&self, option: i32, buffer: &mut [u8]) -> Result<usize> {
        self.state.lock().options.get_bytes(option, buffer)
    }

    /// Makes a socket. `ETERM` after shutdown, `EINVAL` for an unknown type, `EMFILE` when there are too
    /// many, `EAGAIN` or `EMFILE` when the I/O threads cannot be started.
    pub(crate) fn socket(self: &Arc<Self>, kind: Option<SocketType>) -> Result<&'static Slot> {
        let mut state = self.state.lock();
        if state.shut {
            return Err(Errno::ETERM);
        }
        if state.works.is_none() {
            state.works = Some(self.start_works(&state.options)?);
        }
        let Some(works) = &state.works else { return Err(Errno::EMFILE) };
        if state.is_full() {
            return Err(Errno::EMFILE);
        }
        let kind = kind.ok_or(Errno::EINVAL)?;
        let lease = Arc::new(Lease { context: self.clone(), state: AtomicU32::new(0) });
        let home = self.home(works, &state.options, lease.clone());
        state.leases += 1;
        match Slot::open(kind, &state.options, home) {
            Ok(slot) => {
                state.sockets.push(slot);
                Ok(slot)
            }
            Err(error) => {
                // The end of a lease wants this lock.
                drop(state);
                drop(lease);
                Err(error)
            }
        }
    }

    fn home(self: &Arc<Self>, works: &Works, options: &ContextOptions, lease: Arc<Lease>) -> Home {
        let context = Arc::downgrade(self);
        Home {
            reactors: works.reactors.clone(),
            resolver: works.resolver.clone(),
            negotiators: works.negotiators.clone(),
            inproc: works.inproc.clone(),
            lease: lease.clone(),
            inherited: Arc::new({
                let started_in = self.started_in.clone();
                move || fork_generation() != started_in.load(Ordering::Relaxed)
            }),
            take_place: Arc::new({
                let context = context.clone();
                move || take_place(&context)
            }),
            closed: Arc::new(move |slot| {
                forget_socket(&context, slot);
                lease.note(CLOSED);
            }),
            max_message_bytes: options.max_msgsz_bytes.and_then(|max| u64::try_from(max).ok()),
        }
    }

    fn start_works(self: &Arc<Self>, options: &ContextOptions) -> Result<Works> {
        let settings = Settings {
            name_prefix: options
                .thread_name_prefix
                .as_ref()
                .map_or(String::new(), |p| format!("{p}/")),
            sched_policy: options.thread_sched_policy.unwrap_or(-1),
            priority: options.thread_priority.unwrap_or(-1),
            cpus: options
                .thread_affinity_cpus
                .iter()
                .filter_map(|cpu| usize::try_from(*cpu).ok())
                .collect(),
        };
        self.started_in.store(fork_generation(), Ordering::Relaxed);
        let context = Arc::downgrade(self);
        let on_failure = move || {
            if let Some(context) = context.upgrade() {
                context.fail();
            }
        };
        let count = usize::try_from(options.io_threads).unwrap_or(0).min(MAX_IO_THREADS);
        Ok(Works {
            reactors: Arc::new(ReactorPool::start(count, &settings, on_failure)?),
            resolver: Resolver::new(),
            negotiators: Negotiators::new(),
            inproc: Arc::default(),
            max_sockets: usize::try_from(options.max_sockets).unwrap_or(0),
        })
    }

    /// Ends all waiting in this context: every call but close answers `ETERM`
    /// from now on.
    pub(crate) fn shutdown(&self) {
        let Some(mut state) = self.lock_state() else { return };
        if !std::mem::replace(&mut state.shut, true) {
            for slot in &state.sockets {
                slot.terminate();
            }
        }
    }

    /// Waits until all sockets are closed and nothing lingers, then ends the
    /// threads. `EINTR` when a signal handler ran, `ECANCELED` when the thread
    /// was cancelled: it may be called again.
    pub(crate) fn terminate(&self) -> Result<()> {
        if self.is_inherited() {
            self.abandon();
            return Ok(());
        }
        self.shutdown();
        let parker = Arc::new(Parker::new());
        self.waiters.lock().push(parker.clone());
        let ended = self.await_end(&parker);
        self.waiters.lock().retain(|waiter| !Arc::ptr_eq(waiter, &parker));
        ended?;
        let works = self.state.lock().works.take();
        if let Some(works) = works {
            uncancelled(|| works.reactors.stop());
        }
        Ok(())
    }

    /// Whether this process is a fork of the one that started the threads.
    fn is_inherited(&self) -> bool {
        fork_generation() != self.started_in.load(Ordering::Relaxed)
    }

    /// The state, but for a forked child in which whoever holds it may not be.
    fn lock_state(&self) -> Option<FutexMutexGuard<'_, State>> {
        if self.is_inherited() { self.state.try_lock() } else { Some(self.state.lock()) }
    }

    /// Waits until nothing holds a lease and no socket is open.
    fn await_end(&self, parker: &Parker) -> Result<()> {
        let mut report = Report::new();
        loop {
            {
                let state = self.state.lock();
                if state.leases == 0 && state.sockets.is_empty() {
                    return Ok(());
                }
            }
            match parker.park(report.due()) {
                Parked::Unparked => {}
                Parked::TimedOut => report.say(self),
                Parked::Interrupted => return Err(Errno::EINTR),
                Parked::Cancelled => return Err(Errno::ECANCELED),
            }
        }
    }

    fn wake_waiters(&self) {
        self.waiters.lock().iter().for_each(|waiter| waiter.unpark());
    }

    /// In a forked child: the threads and all that lingers are the parent's.
    fn abandon(&self) {
        if let Some(works) = self.state.try_lock().and_then(|mut state| state.works.take()) {
            works.reactors.abandon();
        }
    }

    /// An I/O thread had to be given up: nothing lingers any more, and every
    /// call answers `ETERM`.
    fn fail(&self) {
        self.shutdown();
        let reactors = self.state.lock().works.as_ref().map(|works| works.reactors.clone());
        if let Some(reactors) = reactors {
            reactors.give_up();
        }
    }
}

/// More I/O threads than this help nobody; the option takes any number.
const MAX_IO_THREADS: usize = 1024;

fn take_place(context: &Weak<Context>) -> Result<Box<dyn socket::Place>> {
    let alive = context.upgrade().ok_or(Errno::ETERM)?;
    let mut state = alive.state.lock();
    if state.shut {
        return Err(Errno::ETERM);
    }
    if state.is_full() {
        return Err(Errno::EMFILE);
    }
    state.monitors += 1;
    Ok(Box::new(Place { context: context.clone() }))
}

fn forget_socket(context: &Weak<Context>, slot: &'static Slot) {
    if let Some(context) = context.upgrade() {
        context.state.lock().sockets.retain(|open| !std::ptr::eq(*open, slot));
        context.wake_waiters();
    }
}
