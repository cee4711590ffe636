//! Waiting for a socket: by leading its reactor, by spinning, by parking.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::mailbox::Waker;
use super::{Slot, Socket, behind};
use crate::error::{Errno, Result};
use crate::reactor::{Awaited, Expected, Led, Reactor, spin, waited};
use crate::sync::{EventFd, Ordering, Parked, Parker};

/// Looks at the flag before the first yield: an answer from a thread on
/// another core comes within them, …
const QUICK_LOOKS: u32 = 100;
/// … one from a thread that waits for this core never does, and they take longer
/// than giving it the core. After so many waits in a row that the looks did not
/// win there are none, …
const BLIND_AFTER: u32 = 8;
/// … but now and then they are tried again.
const LOOK_AGAIN: u32 = 256;

/// News that comes within so many looks continues a stream.
const STREAM_LOOKS: u32 = 30;
/// A reader that outruns a stream pauses and then takes many messages at once:
/// to take each as it comes would cost both sides a wake-up and a cache line
/// or two per message. It pauses longer while it is back early, and less when
/// it is not; in spin-loop hints, some 10 to 40 nanoseconds each.
const PAUSES: std::ops::RangeInclusive<u32> = 16..=512;
/// Back early: the messages that had gathered were few.
const EARLY: Duration = Duration::from_micros(4);

/// A reader that never answers and gets one message at a time may only be too
/// quick: so many hints, under a microsecond, show.
const NUDGE: u32 = 32;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Streaming {
    /// The next messages of a stream.
    Yes,
    /// A single message, by a socket that cannot answer.
    Perhaps,
    /// A single message.
    No,
}

thread_local! {
    /// How long this thread pauses for a stream, and when it last did.
    static PAUSE: Cell<(u32, Option<Instant>)> = const { Cell::new((*PAUSES.start(), None)) };
    /// How many waits in a row of this thread outlasted the quick looks.
    static OUTLASTED: Cell<u32> = const { Cell::new(0) };
    static PARKER: Arc<Parker> = Arc::new(Parker::new());
}

/// Whether quick looks are not worth their time on this thread.
fn is_blind() -> bool {
    let outlasted = OUTLASTED.get();
    outlasted >= BLIND_AFTER && !outlasted.is_multiple_of(LOOK_AGAIN)
}

/// Pauses so that more than one message is there to be taken.
fn let_stream_gather() {
    let (pauses, last) = PAUSE.get();
    let early = last.is_some_and(|last| last.elapsed() < EARLY);
    let pauses = if early { pauses * 2 } else { pauses / 2 };
    let pauses = pauses.clamp(*PAUSES.start(), *PAUSES.end());
    (0..pauses).for_each(|_| std::hint::spin_loop());
    PAUSE.set((pauses, Some(Instant::now())));
}

/// This thread's parker. Once its thread-local storage is gone, a new one: keep
/// it for the whole of a wait.
pub(crate) fn parker() -> Arc<Parker> {
    PARKER.try_with(Arc::clone).unwrap_or_else(|_| Arc::new(Parker::new()))
}

/// A registration of a waiter, ended on drop.
pub(crate) struct Watch {
    slot: &'static Slot,
    id: u64,
}

impl Watch {
    pub(super) fn new(slot: &'static Slot, waker: Waker) -> Watch {
        Watch { slot, id: slot.mailbox.register(waker) }
    }

    /// Unparks the thread of this parker when the socket has news.
    pub(crate) fn thread(slot: &'static Slot, parker: &Arc<Parker>) -> Watch {
        Watch::new(slot, Waker::Thread(parker.clone()))
    }

    /// Makes a descriptor readable when the socket has news.
    pub(crate) fn descriptor(slot: &'static Slot, fd: Arc<EventFd>) -> Watch {
        Watch::new(slot, Waker::Descriptor(fd))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.slot.mailbox.unregister(self.id);
    }
}

/// A thread that sleeps until somebody else polls a reactor for it.
pub(crate) struct Following {
    reactor: Arc<Reactor>,
    /// Where it sleeps, if it would lead.
    heir: Option<Arc<Parker>>,
    leads_next: bool,
}

impl Following {
    /// This thread follows. Where it sleeps as an `heir`, it is woken when it may lead
    /// itself.
    pub(crate) fn new(reactor: Arc<Reactor>, heir: Option<Arc<Parker>>) -> Following {
        reactor.follow(heir.as_ref());
        Following { reactor, heir, leads_next: false }
    }

    /// Ends, and the thread tries to lead.
    fn lead_next(mut self) {
        self.leads_next = true;
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.reactor.unfollow(self.heir.as_ref(), self.leads_next);
    }
}

/// Parks this thread until a watched socket has news, the deadline passes
/// (`EAGAIN`), a signal comes (`EINTR`) or the thread is cancelled (`ECANCELED`).
pub(crate) fn park_on(parker: &Parker, deadline: Option<Instant>) -> Result<()> {
    match parker.park(deadline) {
        Parked::Unparked => Ok(()),
        Parked::TimedOut => Err(Errno::EAGAIN),
        Parked::Interrupted => Err(Errno::EINTR),
        Parked::Cancelled => Err(Errno::ECANCELED),
    }
}

/// Leads a reactor until something was announced to one of the sockets since its
/// count was as given. Fails as [`park_on`] does; `None`: somebody else leads.
pub(crate) fn lead_for(
    sockets: &[(&'static Slot, u32)],
    reactor: &Arc<Reactor>,
    deadline: Option<Instant>,
    expected: Expected,
) -> Option<Result<()>> {
    let watch = |(slot, _): &(&'static Slot, u32)| Watch::new(slot, Waker::Leader(reactor.clone()));
    let awaited = |(slot, seen): &(&'static Slot, u32)| (slot.mailbox.announced(), *seen);
    let led = match sockets {
        [socket] => {
            let _watch = watch(socket);
            reactor.lead(&[awaited(socket)], deadline, expected, behind::send_one)
        }
        _ => {
            let _watches: Vec<Watch> = sockets.iter().map(watch).collect();
            let awaited: Vec<Awaited<'_>> = sockets.iter().map(awaited).collect();
            reactor.lead(&awaited, deadline, expected, behind::send_one)
        }
    };
    match led {
        Led::Done => Some(Ok(())),
        Led::TimedOut => Some(Err(Errno::EAGAIN)),
        Led::Interrupted => Some(Err(Errno::EINTR)),
        Led::Cancelled => Some(Err(Errno::ECANCELED)),
        Led::NotLeader => None,
    }
}

impl Slot {
    /// The count of announcements, to be taken before the last look.
    #[inline]
    pub(crate) fn news_count(&self) -> u32 {
        self.mailbox.announced().load(Ordering::Acquire)
    }

    /// Waits until something was announced since the count was `seen`. `EAGAIN`
    /// once the deadline has passed, `EINTR` when a signal handler ran,
    /// `ECANCELED` when the thread was cancelled.
    pub(super) fn wait(
        &'static self,
        seen: u32,
        streaming: Streaming,
        reactor: Option<&Arc<Reactor>>,
        deadline: Option<Instant>,
    ) -> Result<()> {
        match reactor {
            Some(reactor) => self.wait_leading(seen, streaming, reactor, deadline),
            None => self.wait_parked(seen, streaming, deadline),
        }
    }

    /// Waits as a blocking call on this socket does, unless one of `events` is
    /// ready.
    pub(crate) fn wait_for(&'static self, events: u32, deadline: Option<Instant>) -> Result<()> {
        let seen = self.news_count();
        if self.ready()? & events != 0 {
            return Ok(());
        }
        let (reactor, streaming) = {
            let mut socket = self.lock()?;
            socket.push_out();
            (socket.reactor.clone(), socket.streaming())
        };
        self.wait(seen, streaming, reactor.as_ref(), deadline)
    }

    fn wait_leading(
        &'static self,
        seen: u32,
        streaming: Streaming,
        reactor: &Arc<Reactor>,
        deadline: Option<Instant>,
    ) -> Result<()> {
        let expected = match streaming {
            Streaming::Yes => Expected::Any,
            Streaming::Perhaps | Streaming::No => Expected::Message,
        };
        loop {
            if let Some(waited) = lead_for(&[(self, seen)], reactor, deadline, expected) {
                return waited;
            }
            let parker = parker();
            let following = Following::new(reactor.clone(), Some(parker.clone()));
            self.park(&parker, seen, deadline)?;
            if !self.mailbox.is_quiet_since(seen) {
                return Ok(());
            }
            following.lead_next();
        }
    }

    /// The answer to what this socket has just sent, or more of a stream, is looked
    /// for where it comes, before the pipe goes idle and its writer has to tell.
    #[inline(never)]
    pub(super) fn await_next(&self, socket: &mut Socket) {
        let has_sent = std::mem::take(&mut socket.sent);
        let Some(pipe) = socket.pattern.source().and_then(|key| socket.pipes.pipe(key)) else {
            return;
        };
        if !has_sent {
            pipe.await_stream();
        } else if !is_blind() && pipe.await_answer(QUICK_LOOKS, || self.mailbox.has_news()) {
            OUTLASTED.set(0);
        }
    }

    fn wait_parked(
        &'static self,
        seen: u32,
        streaming: Streaming,
        deadline: Option<Instant>,
    ) -> Result<()> {
        let blind = is_blind();
        OUTLASTED.set(OUTLASTED.get().wrapping_add(1));
        for look in 0..if blind { 1 } else { QUICK_LOOKS } {
            if !self.mailbox.is_quiet_since(seen) {
                OUTLASTED.set(0);
                if look < STREAM_LOOKS {
                    match streaming {
                        Streaming::Yes => let_stream_gather(),
                        Streaming::Perhaps => (0..NUDGE).for_each(|_| std::hint::spin_loop()),
                        Streaming::No => {}
                    }
                }
                return Ok(());
            }
            std::hint::spin_loop();
        }
        let start = Instant::now();
        let done =
            || !self.mailbox.is_quiet_since(seen) || deadline.is_some_and(|due| due <= start);
        spin(done, || Ok(behind::send_one()))?;
        self.park(&parker(), seen, deadline)?;
        waited(start.elapsed());
        Ok(())
    }

    fn park(
        &'static self,
        parker: &Arc<Parker>,
        seen: u32,
        deadline: Option<Instant>,
    ) -> Result<()> {
        let _watch = Watch::thread(self, parker);
        // Announced before the registration, or it unparks.
        if !self.mailbox.is_quiet_since(seen) {
            return Ok(());
        }
        park_on(parker, deadline)
    }

    /// The reactor that must be polled while a thread sleeps for this socket.
    /// What waits for company in its pipes is sent.
    pub(crate) fn reactor_to_follow(&'static self) -> Option<Arc<Reactor>> {
        if self.may_be_corked()
            && let Ok(mut socket) = self.lock()
        {
            socket.push_out();
        }
        self.reactor()
    }
}
