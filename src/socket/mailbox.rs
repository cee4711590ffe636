//! What comes to a socket from other threads: signals of its pipes, new pipes,
//! the end of its context; and who waits for that. How they find each other is
//! in `letterbox.rs`.

use std::sync::Arc;

use super::letterbox::{Letterbox, Readiness, Wake};
use super::{Slot, inproc};
use crate::error::{Errno, Result};
use crate::pipe::{EndRef, Owner, Pipe};
use crate::reactor::{NewsCount, Reactor, leads_for};
use crate::session::Host;
use crate::sync::{AtomicUsize, EventFd, Ordering, Parker};

/// What may wait before no more connections are taken on that bring new pipes: those
/// above all, of peers that may have gone already. Some kilobytes each. Of sockets of
/// this process, so many that were closed.
const MAX_WAITING: usize = 10_000;

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
pub(super) type Mailbox = Letterbox<Command, Waker, EventFd>;

impl Wake for Waker {
    fn wake(&self, announced: &NewsCount) {
        match self {
            Waker::Thread(parker) => parker.unpark(),
            // A leader that brings the news itself sees the count.
            Waker::Leader(_) if leads_for(announced) => {}
            Waker::Leader(reactor) => reactor.wake_leader(),
            Waker::Descriptor(fd) => fd.signal(),
        }
    }
}

impl Readiness for EventFd {
    fn signal(&self) {
        EventFd::signal(self);
    }

    fn drain(&self) {
        EventFd::drain(self);
    }
}

impl Mailbox {
    /// Says that the context ends.
    pub(super) fn post_termination(&self) {
        self.post_to_any(Command::Terminate);
    }

    /// `ZMQ_FD`: made at the first call, readable from the start so that the
    /// caller looks at `ZMQ_EVENTS` once.
    pub(super) fn event_fd(&self) -> Result<i32> {
        Ok(self.descriptor(|| EventFd::new(1))?.raw())
    }
}

/// The way into a mailbox for those who belong to one socket of the slot.
pub(super) struct Port {
    slot: &'static Slot,
    generation: u64,
    /// How much waits when it is time to look for what is useless.
    sweep_at: AtomicUsize,
    /// How much waits at least while the socket has not looked since there was no room.
    full_at: AtomicUsize,
}

impl Port {
    /// A port to the slot's next socket.
    pub(super) fn open(slot: &'static Slot) -> Port {
        let generation = slot.mailbox.open_for_next();
        Port {
            slot,
            generation,
            sweep_at: AtomicUsize::new(MAX_WAITING),
            full_at: AtomicUsize::new(usize::MAX),
        }
    }

    /// The slot it leads into.
    pub(super) fn slot(&self) -> &'static Slot {
        self.slot
    }

    /// Makes room for one more pipe from within the process, when many wait that the
    /// socket has not looked at: forgets those that were closed and that nobody would
    /// miss. `EMFILE` where there are too many others of closed sockets.
    pub(super) fn make_room(&self) -> Result<()> {
        let mailbox = &self.slot.mailbox;
        // Relaxed: to sweep once too often, or later, does no harm.
        let waiting = mailbox.waiting();
        if waiting >= self.full_at.load(Ordering::Relaxed) {
            return Err(Errno::EMFILE);
        }
        self.full_at.store(usize::MAX, Ordering::Relaxed);
        if waiting < self.sweep_at.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut unread = 0;
        let (useless, left) = mailbox.sweep(|command| match command {
            Command::Attach(pipe, endpoint) if pipe.peer_closed() => {
                let is_useless = match pipe.leads_to_socket() {
                    true => pipe.is_finished(),
                    // Who asked does not wait for an answer any more.
                    false => **endpoint == *inproc::AUTHENTICATOR,
                };
                unread += usize::from(!is_useless && pipe.leads_to_socket());
                is_useless
            }
            _ => false,
        });
        drop(useless);
        if unread >= MAX_WAITING {
            self.full_at.store(left, Ordering::Relaxed);
            return Err(Errno::EMFILE);
        }
        self.sweep_at.store(MAX_WAITING.max(2 * left), Ordering::Relaxed);
        Ok(())
    }

    /// Posts, or hands back what came too late.
    pub(super) fn post(&self, command: Command) -> std::result::Result<(), Command> {
        self.slot.mailbox.post(self.generation, command)
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

    fn is_crowded(&self) -> bool {
        self.slot.mailbox.waiting() >= MAX_WAITING
    }
}
