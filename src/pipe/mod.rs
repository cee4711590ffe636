//! A bidirectional message pipe: what joins two sockets (inproc) or a socket
//! and a session.
//!
//! A pipe has two [`Pipe`] ends and two lanes, one per direction. Each end is
//! used by one thread at a time (a socket under its lock, a session under its
//! ownership word); the two ends run concurrently. Patterns see messages;
//! how they are stored is this room's own business.
//!
//! **Signals.** An end that has something to say to the other sets a bit in its
//! word and, when the word was empty, tells the other's [`Owner`]: READABLE when
//! a message arrives at a reader that had gone idle, WRITABLE when a lane that
//! was full opens again, CLOSED when the end is gone, BATCH when a corked lane
//! holds enough for a write. Nothing is signalled while the reader is at work.
//!
//! **Water marks** count whole messages, exactly: a message counts from its
//! push until the reader has taken it. A lane that was found full opens again
//! after (HWM + 1) / 2 further messages were taken.

mod counting;
mod reading;
mod ring;
mod set;
mod stream;
mod writing;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ring::{Consumer, Producer, ring};

pub(crate) use set::{Key, PipeSet};
use stream::Stream;

use crate::message::{Message, Metadata};
use crate::sync::{
    AtomicBool, AtomicI64, AtomicU32, AtomicUsize, CachePadded, FutexMutex, Ordering, SetOnce,
    fence, prepare_fences,
};

/// What one end tells the other; bits of a word.
pub(crate) mod signal {
    /// Something to read, after the reader had gone idle.
    pub(crate) const READABLE: u32 = 1;
    /// Room to write again, after the lane was full.
    pub(crate) const WRITABLE: u32 = 2;
    /// The other end is closed.
    pub(crate) const CLOSED: u32 = 4;
    /// A corked lane holds a batch, or is full: write it out.
    pub(crate) const BATCH: u32 = 8;
}

/// Bytes that are worth a write to the kernel when they are many messages, whose
/// memory should still be in the cache when they are gathered, …
const BATCH_BYTES: usize = 64 * 1024;
/// … and when they are few: then the kernel's own work for a write counts.
const LARGE_BATCH_BYTES: usize = 256 * 1024;
/// They are few when each has so many bytes on average.
const LARGE_MESSAGE: usize = 1024;
/// What a message is reckoned to take beside its body.
const MESSAGE_OVERHEAD: usize = 9;

/// The reader of a lane looks again by itself.
const ACTIVE: u32 = 0;
/// The reader of a lane must be told.
const IDLE: u32 = 1;
/// The reader of a lane looks again soon by itself, but would rather be told
/// once a batch has come together.
const CORKED: u32 = 2;

/// The reader of a lane looks again by itself, and sees to the fence when it stops:
/// showing it a message costs a plain store.
const STREAMING: u32 = 3;

/// The other socket's water mark is not known yet.
const UNKNOWN_HWM: u32 = u32::MAX;

/// Whether so many bytes in so many messages are worth a write to the kernel.
#[inline]
pub(crate) fn is_batch(bytes: usize, messages: usize) -> bool {
    bytes >= BATCH_BYTES && (bytes >= LARGE_BATCH_BYTES || bytes < messages * LARGE_MESSAGE)
}

/// What becomes of messages that were flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// The reader looks at them.
    Seen,
    /// They wait for company in a corked lane.
    Corked,
}

/// Whoever uses an end: a socket's mailbox or a session.
pub(crate) trait Owner: Send + Sync {
    /// The end has signals to take. Called on any thread, with locks of the
    /// other end's owner held; must not take a socket lock.
    fn signalled(self: Arc<Self>, end: &EndRef);
}

/// Names one end without owning its messages.
#[derive(Clone)]
pub(crate) struct EndRef {
    link: Arc<Link>,
    side: usize,
}

impl EndRef {
    /// Takes the signals that have come for this end.
    pub(crate) fn take_signals(&self) -> u32 {
        self.link.ends[self.side].signals.swap(0, Ordering::SeqCst)
    }

    /// Says who uses this end. Signals that came before are passed on now.
    pub(crate) fn set_owner(&self, owner: Arc<dyn Owner>) {
        let end = &self.link.ends[self.side];
        end.owner.set(owner);
        // Pairs with the fence in `Link::signal`: either the signaller sees
        // the owner, or we see its signal.
        fence(Ordering::SeqCst);
        if end.signals.load(Ordering::SeqCst) != 0
            && let Some(owner) = end.owner.get()
        {
            owner.clone().signalled(self);
        }
    }

    /// Whether both name the same end.
    pub(crate) fn same(&self, other: &EndRef) -> bool {
        self.side == other.side && Arc::ptr_eq(&self.link, &other.link)
    }

    /// The key under which the owner keeps this end.
    pub(crate) fn key(&self) -> u32 {
        self.link.ends[self.side].key.load(Ordering::Relaxed)
    }
}

struct Link {
    /// Lane `i` is written by end `i`.
    lanes: [Lane; 2],
    ends: [End; 2],
    /// Both ends belong to sockets.
    between_sockets: AtomicBool,
    /// What the socket at each end allows, for sending and for receiving.
    own_hwms: [[AtomicU32; 2]; 2],
}

struct End {
    /// How long what this end wrote may wait to be sent once it is closed, in
    /// milliseconds; -1: for ever.
    linger_ms: AtomicI64,
    /// Once it is closed: what it wrote waits for no connection (see `is_dispensable`).
    dispensable: AtomicBool,
    signals: AtomicU32,
    key: AtomicU32,
    closed: AtomicBool,
    /// What this end had written, in messages, when it was closed.
    written_at_close: AtomicUsize,
    owner: SetOnce<Arc<dyn Owner>>,
}

struct Lane {
    /// Messages the reader has taken. On a line of its own: written per message.
    taken: CachePadded<AtomicUsize>,
    /// Messages that may be in the lane; 0: any number.
    hwm: AtomicU32,
    /// The value of `taken` at which a writer that found the lane full wants to
    /// be told; `usize::MAX` while none waits.
    reopen_at: AtomicUsize,
    /// What the reader is doing: ACTIVE, IDLE, CORKED or STREAMING.
    reader: AtomicU32,
    /// The reader wants subscriptions as they change; while it does not, it
    /// takes the whole of them later (see `session/opening.rs`).
    wants_subscriptions: AtomicBool,
    /// Only the last message is kept (`ZMQ_CONFLATE`).
    conflated: Option<FutexMutex<Option<Message>>>,
}

impl Link {
    fn signal(self: &Arc<Self>, side: usize, bits: u32) {
        let end = &self.ends[side];
        if end.signals.fetch_or(bits, Ordering::SeqCst) == 0 {
            // Pairs with the fence in `EndRef::set_owner`.
            fence(Ordering::SeqCst);
            if let Some(owner) = end.owner.get() {
                owner.clone().signalled(&EndRef { link: self.clone(), side });
            }
        }
    }
}

/// One end of a pipe. Dropping it closes it: what it has published stays
/// readable at the other end.
pub(crate) struct Pipe {
    link: Arc<Link>,
    side: usize,
    out: Producer<Message>,
    input: Consumer<Message>,
    /// Messages pushed, and how many may be before the lane is looked at again.
    written: usize,
    limit: usize,
    /// The lane was found full; it opens when `taken` reaches this.
    full_until: Option<usize>,
    /// Only the last message is kept.
    conflates: bool,
    /// Body and header bytes pushed since the reader was last told, and what
    /// `written` was then.
    unsent_bytes: usize,
    told_at: usize,
    /// Messages taken.
    taken: usize,
    /// Subscriptions, and ends of some, among the messages pushed.
    asides_out: usize,
    /// The endpoint it came about through, where the owner is a socket.
    endpoint: Option<Arc<str>>,
    /// The writer may have published without a fence since the lane that is read
    /// last went idle.
    lightly_read: bool,
    /// How the reader waits for more of a stream.
    stream: Stream,
    /// The message on its way into, or peeked at in, a conflated lane.
    conflate_out: Option<Message>,
    conflate_in: VecDeque<Message>,
    /// What is known of the peer behind the other end.
    metadata: Option<Arc<Metadata>>,
    routing_id: Option<Box<[u8]>>,
    /// What was pushed first is a greeting.
    greeted: bool,
    /// In its set's list of corked pipes.
    listed_corked: bool,
    /// In its set's list of pipes to be closed.
    retired: bool,
}

/// Makes a pipe: `hwm[i]` bounds what end `i` may have written and the other
/// end not taken, in messages (0: no bound).
pub(crate) fn pipe(hwm: [u32; 2], conflate: bool) -> (Pipe, Pipe) {
    prepare_fences();
    let lane = |hwm| Lane {
        taken: CachePadded(AtomicUsize::new(0)),
        hwm: AtomicU32::new(hwm),
        reopen_at: AtomicUsize::new(usize::MAX),
        reader: AtomicU32::new(IDLE),
        wants_subscriptions: AtomicBool::new(false),
        conflated: conflate.then(|| FutexMutex::new(None)),
    };
    let end = || End {
        linger_ms: AtomicI64::new(-1),
        dispensable: AtomicBool::new(false),
        signals: AtomicU32::new(0),
        key: AtomicU32::new(u32::MAX),
        closed: AtomicBool::new(false),
        written_at_close: AtomicUsize::new(0),
        owner: SetOnce::new(),
    };
    let link = Arc::new(Link {
        lanes: [lane(hwm[0]), lane(hwm[1])],
        ends: [end(), end()],
        between_sockets: AtomicBool::new(false),
        own_hwms: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU32::new(UNKNOWN_HWM))),
    });
    let (out0, input1) = ring();
    let (out1, input0) = ring();
    let make = |side, out, input| Pipe {
        link: link.clone(),
        side,
        out,
        input,
        written: 0,
        limit: 0,
        full_until: None,
        conflates: conflate,
        unsent_bytes: 0,
        told_at: 0,
        taken: 0,
        asides_out: 0,
        endpoint: None,
        lightly_read: false,
        stream: Stream::default(),
        conflate_out: None,
        conflate_in: VecDeque::new(),
        metadata: None,
        routing_id: None,
        greeted: false,
        listed_corked: false,
        retired: false,
    };
    (make(0, out0, input0), make(1, out1, input1))
}

/// Both ends.
impl Pipe {
    /// A name for this end.
    pub(crate) fn end(&self) -> EndRef {
        EndRef { link: self.link.clone(), side: self.side }
    }

    /// Remembers the key under which the owner keeps this end.
    pub(crate) fn set_key(&self, key: u32) {
        self.link.ends[self.side].key.store(key, Ordering::Relaxed);
    }

    /// Takes the signals that have come for this end.
    pub(crate) fn take_signals(&self) -> u32 {
        let word = &self.link.ends[self.side].signals;
        if word.load(Ordering::Relaxed) == 0 { 0 } else { word.swap(0, Ordering::SeqCst) }
    }

    /// Whether the other end is closed. What it wrote may still be unread.
    #[inline]
    pub(crate) fn peer_closed(&self) -> bool {
        self.link.ends[1 - self.side].closed.load(Ordering::Acquire)
    }

    /// Closes this end; what it wrote may wait to be sent for `linger`
    /// (`None`: for ever).
    pub(crate) fn close(self, linger: Option<Duration>) {
        let ms = linger.map_or(-1, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        let end = &self.link.ends[self.side];
        end.linger_ms.store(ms, Ordering::Relaxed);
        end.dispensable.store(self.is_dispensable(), Ordering::Relaxed);
    }

    /// Tells the other end that this one is closed, while this one still reads
    /// what the other has written.
    pub(crate) fn shut(&mut self) {
        self.rollback();
        let end = &self.link.ends[self.side];
        end.written_at_close.store(self.written, Ordering::Relaxed);
        end.closed.store(true, Ordering::SeqCst);
        self.link.signal(1 - self.side, signal::CLOSED);
    }

    /// How long the closed other end lets what it wrote wait to be sent.
    pub(crate) fn peer_linger(&self) -> Option<Duration> {
        let ms = self.link.ends[1 - self.side].linger_ms.load(Ordering::Relaxed);
        u64::try_from(ms).ok().map(Duration::from_millis)
    }

    /// Whether what the closed other end wrote waits for no connection that takes it.
    pub(crate) fn is_left_dispensable(&self) -> bool {
        self.link.ends[1 - self.side].dispensable.load(Ordering::Relaxed)
    }

    /// Whether a socket, not a session, is at the other end (inproc).
    pub(crate) fn leads_to_socket(&self) -> bool {
        self.link.between_sockets.load(Ordering::Relaxed)
    }

    /// Says that both ends belong to sockets.
    pub(crate) fn joins_sockets(&self) {
        self.link.between_sockets.store(true, Ordering::Relaxed);
    }

    /// Whether the other end wants to be sent subscriptions as they change.
    pub(crate) fn peer_wants_subscriptions(&self) -> bool {
        self.out_lane().wants_subscriptions.load(Ordering::Relaxed)
    }

    /// Says, for the other end, whether it wants subscriptions.
    pub(crate) fn send_subscriptions(&self, want: bool) {
        self.out_lane().wants_subscriptions.store(want, Ordering::Relaxed);
    }

    /// Messages pushed and not taken.
    pub(crate) fn unread(&self) -> usize {
        self.written.wrapping_sub(self.out_lane().taken.load(Ordering::Relaxed))
    }

    /// Whether this end wants subscriptions as they change.
    pub(crate) fn wants_subscriptions(&self) -> bool {
        self.in_lane().wants_subscriptions.load(Ordering::Relaxed)
    }

    /// Says whether this end wants subscriptions as they change.
    pub(crate) fn want_subscriptions(&self, want: bool) {
        self.in_lane().wants_subscriptions.store(want, Ordering::Relaxed);
    }

    /// Changes the bound of the lane this end writes (`outgoing`) or reads.
    /// A writer that waits for room is told to look again.
    pub(crate) fn set_hwm(&mut self, outgoing: bool, hwm: u32) {
        let writer = if outgoing { self.side } else { 1 - self.side };
        let lane = &self.link.lanes[writer];
        lane.hwm.store(hwm, Ordering::SeqCst);
        let waited = lane.reopen_at.swap(usize::MAX, Ordering::SeqCst) != usize::MAX;
        if outgoing {
            self.full_until = None;
            self.look_again();
        }
        // The other end must forget its limit, whether it waits or not.
        if waited || !outgoing {
            self.link.signal(writer, signal::WRITABLE);
        }
    }

    /// The owner's own water mark, for sending or for receiving, is `own` (0:
    /// no bound). Between sockets, what both allow counts together.
    pub(crate) fn set_own_hwm(&mut self, outgoing: bool, own: i32) {
        let own = u32::try_from(own).unwrap_or(0);
        self.link.own_hwms[self.side][usize::from(!outgoing)].store(own, Ordering::Relaxed);
        let theirs = &self.link.own_hwms[1 - self.side][usize::from(outgoing)];
        let hwm = match theirs.load(Ordering::Relaxed) {
            _ if !self.leads_to_socket() => own,
            UNKNOWN_HWM => own,
            0 => 0,
            theirs if own > 0 => own.saturating_add(theirs),
            _ => 0,
        };
        self.set_hwm(outgoing, hwm);
    }

    /// What the socket at the other end allows, for sending and for receiving: as
    /// it said last, or else as given.
    pub(crate) fn peer_hwms(&self, given: [i32; 2]) -> [i32; 2] {
        let said = &self.link.own_hwms[1 - self.side];
        std::array::from_fn(|i| match said[i].load(Ordering::Relaxed) {
            UNKNOWN_HWM => given[i],
            hwm => i32::try_from(hwm).unwrap_or(i32::MAX),
        })
    }

    /// Notes what the sockets at this and at the other end allow, for sending
    /// and for receiving.
    pub(crate) fn note_hwms(&self, ours: [i32; 2], theirs: [i32; 2]) {
        for (side, hwms) in [(self.side, ours), (1 - self.side, theirs)] {
            for (slot, hwm) in self.link.own_hwms[side].iter().zip(hwms) {
                slot.store(u32::try_from(hwm).unwrap_or(0), Ordering::Relaxed);
            }
        }
    }

    fn out_lane(&self) -> &Lane {
        &self.link.lanes[self.side]
    }

    fn in_lane(&self) -> &Lane {
        &self.link.lanes[1 - self.side]
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.shut();
    }
}

#[cfg(test)]
mod tests;
