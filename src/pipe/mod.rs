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

mod ring;
mod set;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ring::{Consumer, Producer, ring};

pub(crate) use set::{Key, PipeSet};

use crate::message::{Message, Metadata, Role};
use crate::sync::{
    AtomicBool, AtomicI64, AtomicU32, AtomicUsize, CachePadded, Ordering, SetOnce, fence,
    fence_after_swap, heavy_fence, light_fence, prepare_fences,
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

/// Bytes a corked lane collects before its writer asks for them to be sent.
const BATCH_BYTES: usize = 64 * 1024;
/// What a message is reckoned to take beside its body.
const MESSAGE_OVERHEAD: usize = 9;

/// The reader of a lane looks again by itself.
const ACTIVE: u32 = 0;
/// The reader of a lane must be told.
const IDLE: u32 = 1;
/// The reader of a lane looks again soon by itself, but would rather be told
/// once a batch has come together.
const CORKED: u32 = 2;

/// The other socket's water mark is not known yet.
const UNKNOWN_HWM: u32 = u32::MAX;

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
    signals: AtomicU32,
    key: AtomicU32,
    closed: AtomicBool,
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
    /// What the reader is doing: ACTIVE, IDLE or CORKED.
    reader: AtomicU32,
    /// The reader wants subscriptions as they change; while it does not, it
    /// takes the whole of them later (see `session/opening.rs`).
    wants_subscriptions: AtomicBool,
    /// Only the last message is kept (`ZMQ_CONFLATE`).
    conflated: Option<Mutex<Option<Message>>>,
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
    /// Body and header bytes pushed since the reader was last told.
    unsent_bytes: usize,
    /// Messages taken.
    taken: usize,
    /// The message on its way into, or peeked at in, a conflated lane.
    conflate_out: Option<Message>,
    conflate_in: VecDeque<Message>,
    /// What is known of the peer behind the other end.
    metadata: Option<Arc<Metadata>>,
    routing_id: Option<Box<[u8]>>,
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
        conflated: conflate.then(|| Mutex::new(None)),
    };
    let end = || End {
        linger_ms: AtomicI64::new(-1),
        signals: AtomicU32::new(0),
        key: AtomicU32::new(u32::MAX),
        closed: AtomicBool::new(false),
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
        taken: 0,
        conflate_out: None,
        conflate_in: VecDeque::new(),
        metadata: None,
        routing_id: None,
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
        self.link.ends[self.side].linger_ms.store(ms, Ordering::Relaxed);
    }

    /// Tells the other end that this one is closed, while this one still reads
    /// what the other has written.
    pub(crate) fn shut(&mut self) {
        self.rollback();
        self.link.ends[self.side].closed.store(true, Ordering::SeqCst);
        self.link.signal(1 - self.side, signal::CLOSED);
    }

    /// How long the closed other end lets what it wrote wait to be sent.
    pub(crate) fn peer_linger(&self) -> Option<Duration> {
        let ms = self.link.ends[1 - self.side].linger_ms.load(Ordering::Relaxed);
        u64::try_from(ms).ok().map(Duration::from_millis)
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

/// Writing.
impl Pipe {
    /// Whether a further message may be pushed. When not, and the other end
    /// is open, WRITABLE will be signalled once it may.
    #[inline(always)]
    pub(crate) fn can_write(&mut self) -> bool {
        self.written < self.limit || self.look_for_room()
    }

    /// Signals have come: what was known of the lane's room no longer holds.
    pub(crate) fn look_again(&mut self) {
        self.limit = 0;
    }

    #[cold]
    fn look_for_room(&mut self) -> bool {
        if self.peer_closed() {
            return false;
        }
        let hwm = self.out_lane().hwm.load(Ordering::Relaxed) as usize;
        if hwm == 0 || self.conflates {
            self.limit = usize::MAX;
            return true;
        }
        if self.room_now(hwm) {
            return true;
        }
        // The messages may only be waiting for a batch to come together.
        if self.out_lane().reader.load(Ordering::Relaxed) == CORKED {
            self.unsent_bytes = 0;
            self.link.signal(1 - self.side, signal::BATCH);
            return self.room_now(hwm);
        }
        false
    }

    fn room_now(&mut self, hwm: usize) -> bool {
        let lane = &self.link.lanes[self.side];
        let taken = lane.taken.load(Ordering::Acquire);
        if let Some(until) = self.full_until {
            let waits = lane.reopen_at.load(Ordering::Relaxed) != usize::MAX;
            if waits && taken < until {
                return false;
            }
            lane.reopen_at.store(usize::MAX, Ordering::Relaxed);
            self.full_until = None;
        }
        if self.written - taken < hwm {
            self.limit = taken + hwm;
            return true;
        }
        // Full. Say from when on we want to know, then look once more.
        let until = self.written - hwm + hwm.div_ceil(2);
        lane.reopen_at.swap(until, Ordering::SeqCst);
        heavy_fence();
        self.full_until = Some(until);
        let same_hwm = lane.hwm.load(Ordering::SeqCst) as usize == hwm;
        if same_hwm && lane.taken.load(Ordering::SeqCst) < until {
            return false;
        }
        lane.reopen_at.store(usize::MAX, Ordering::Relaxed);
        self.full_until = None;
        // Whoever has changed the mark meanwhile signals WRITABLE next, and
        // then it is looked at anew.
        same_hwm
    }

    /// Writes a frame, leaving an empty one behind. Whole messages become
    /// visible with [`Pipe::flush`].
    #[inline(always)]
    pub(crate) fn push(&mut self, message: &mut Message) {
        self.unsent_bytes += message.len() + MESSAGE_OVERHEAD;
        if message.ends_data() && !self.conflates {
            self.written += 1;
            // SAFETY: `vacate` leaves the place without the item.
            unsafe {
                self.out.push_from(message, true);
                message.vacate();
            }
        } else {
            self.push_other(std::mem::take(message));
        }
    }

    /// Writes what is not the last frame of a message for its reader.
    #[inline(never)]
    fn push_other(&mut self, message: Message) {
        let ends = !message.more();
        if ends && message.role() != Role::Peer {
            self.written += 1;
        }
        if self.conflates && message.role() == Role::Data {
            self.conflate_out = Some(message);
        } else {
            self.out.push(message, ends);
        }
    }

    /// Shows the reader what was pushed, says whether it lies in wait there, and wakes it when it sleeps. A
    /// session behind the other end may write to the network right here.
    #[inline(always)]
    pub(crate) fn flush(&mut self) -> Flushed {
        if self.conflates {
            self.flush_conflated();
        }
        self.out.publish();
        match self.out_lane().reader.load(Ordering::SeqCst) {
            ACTIVE => Flushed::Seen,
            CORKED if self.unsent_bytes < BATCH_BYTES => Flushed::Corked,
            _ => {
                self.tell_reader();
                Flushed::Seen
            }
        }
    }

    #[cold]
    fn flush_conflated(&mut self) {
        if let Some(message) = self.conflate_out.take()
            && let Some(slot) = &self.out_lane().conflated
        {
            *slot.lock() = Some(message);
        }
    }

    #[inline]
    fn tell_reader(&mut self) {
        self.unsent_bytes = 0;
        let reader = &self.out_lane().reader;
        let told = reader.compare_exchange(IDLE, ACTIVE, Ordering::SeqCst, Ordering::SeqCst);
        match told {
            Ok(_) => self.link.signal(1 - self.side, signal::READABLE),
            Err(CORKED) => self.link.signal(1 - self.side, signal::BATCH),
            Err(_) => {}
        }
    }

    /// Asks the reader to send what a corked lane has collected.
    pub(crate) fn push_out(&mut self) {
        if self.out_lane().reader.load(Ordering::Relaxed) == CORKED && self.unsent_bytes > 0 {
            self.unsent_bytes = 0;
            self.link.signal(1 - self.side, signal::BATCH);
        }
    }

    /// Takes back the frames of an unfinished message. They never counted.
    pub(crate) fn rollback(&mut self) {
        self.conflate_out = None;
        self.out.rollback();
    }
}

/// Reading.
impl Pipe {
    /// Takes the next frame into `message`, whose content is dropped. False
    /// when there is none.
    #[inline(always)]
    pub(crate) fn pop(&mut self, message: &mut Message) -> bool {
        loop {
            message.clear();
            // SAFETY: an empty message need not be dropped.
            if !unsafe { self.input.pop_to(message) } {
                return self.conflates && self.pop_conflated(message);
            }
            if let Some(next) = self.input.upcoming() {
                next.prefetch();
            }
            if message.ends_data() {
                self.count_taken(1);
                return true;
            }
            if message.role() == Role::Peer {
                self.learn_peer(message);
                continue;
            }
            if !message.more() {
                self.count_taken(1);
            }
            return true;
        }
    }

    fn pop_conflated(&mut self, message: &mut Message) -> bool {
        let Some(slot) = &self.in_lane().conflated else { return false };
        let Some(last) = slot.lock().take() else { return false };
        *message = last;
        self.count_taken(1);
        true
    }

    /// Whether [`Pipe::pop`] has a frame to give.
    #[inline]
    pub(crate) fn can_read(&mut self) -> bool {
        loop {
            match self.input.front() {
                None => return self.conflate_waits(),
                Some(message) if message.role() == Role::Peer => {
                    let mut message = Message::new();
                    // SAFETY: an empty message need not be dropped.
                    unsafe { self.input.pop_to(&mut message) };
                    self.learn_peer(&message);
                }
                Some(_) => return true,
            }
        }
    }

    #[cold]
    fn learn_peer(&mut self, message: &Message) {
        self.metadata = message.metadata().cloned();
        self.routing_id = Some(message.data().into());
    }

    #[inline(always)]
    fn count_taken(&mut self, messages: usize) {
        self.taken = self.taken.wrapping_add(messages);
        let lane = &self.link.lanes[1 - self.side];
        lane.taken.store(self.taken, Ordering::Release);
        // Store, then look whether a writer waits: a writer says so, then looks
        // at the count. One of us sees the other; the writer, who does this
        // only when the lane is full, pays for both.
        light_fence();
        if self.taken >= lane.reopen_at.load(Ordering::Relaxed) {
            self.reopen();
        }
    }

    #[cold]
    fn reopen(&mut self) {
        if self.in_lane().reopen_at.swap(usize::MAX, Ordering::SeqCst) != usize::MAX {
            self.link.signal(1 - self.side, signal::WRITABLE);
        }
    }

    /// Goes idle: from now on the writer signals READABLE. False (and still
    /// active) when something arrived meanwhile.
    pub(crate) fn go_idle(&mut self) -> bool {
        self.rest(IDLE)
    }

    /// Goes idle in the way of a reader that looks again by itself within a
    /// moment: the writer signals BATCH only.
    pub(crate) fn cork(&mut self) -> bool {
        self.rest(CORKED)
    }

    fn rest(&mut self, how: u32) -> bool {
        self.in_lane().reader.swap(how, Ordering::SeqCst);
        fence_after_swap();
        let nothing = if self.input.peeked() == 0 {
            self.input.is_empty() && !self.conflate_waits()
        } else {
            !self.input.has_ahead() && !self.conflate_waits()
        };
        if !nothing {
            self.be_active();
        }
        nothing
    }

    fn conflate_waits(&self) -> bool {
        self.conflates
            && self.in_lane().conflated.as_ref().is_some_and(|slot| slot.lock().is_some())
    }

    /// Signals READABLE to this end itself: it stopped reading early.
    pub(crate) fn remind(&self) {
        self.link.signal(self.side, signal::READABLE);
    }

    /// Tells the writer that the reader is at work and needs no signals.
    pub(crate) fn be_active(&mut self) {
        let reader = &self.in_lane().reader;
        if reader.load(Ordering::Relaxed) != ACTIVE {
            reader.store(ACTIVE, Ordering::SeqCst);
        }
    }

    /// The metadata of the peer whose messages are being read.
    pub(crate) fn metadata(&self) -> Option<&Arc<Metadata>> {
        self.metadata.as_ref()
    }

    /// Says who the peer is, where no message from it will.
    pub(crate) fn know_peer(&mut self, routing_id: &[u8]) {
        self.routing_id = Some(routing_id.into());
    }

    /// The routing id of the peer, once it is known.
    pub(crate) fn routing_id(&self) -> Option<&[u8]> {
        self.routing_id.as_deref()
    }

    /// Closed by the peer and read to the end.
    pub(crate) fn is_finished(&mut self) -> bool {
        self.peer_closed() && !self.can_read()
    }
}

/// Reading in the way of a session, which takes a message only once it was
/// handed to the kernel whole.
impl Pipe {
    /// The next frame beyond those already peeked at.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<&Message> {
        if self.conflates
            && let Some(message) = self.in_lane().conflated.as_ref().and_then(|c| c.lock().take())
        {
            self.conflate_in.push_back(message);
            return self.conflate_in.back();
        }
        self.input.peek()
    }

    /// Whether there are frames beyond those peeked at.
    pub(crate) fn has_ahead(&mut self) -> bool {
        self.input.has_ahead() || self.conflate_waits()
    }

    /// Takes the first `frames` of the frames peeked at.
    pub(crate) fn take_peeked(&mut self, frames: usize) {
        let mut messages = 0;
        for _ in 0..frames {
            let counts = |frame: &Message| !frame.more() && frame.role() != Role::Peer;
            let taken = self.input.drop_peeked(counts);
            let Some(counts) = taken.or_else(|| self.conflate_in.pop_front().as_ref().map(counts))
            else {
                break;
            };
            messages += usize::from(counts);
        }
        if messages > 0 {
            self.count_taken(messages);
        }
    }

    /// Frames that are visible and not yet taken.
    pub(crate) fn visible_frames(&mut self) -> usize {
        self.input.visible()
    }

    /// Forgets that frames were peeked at: they will be seen again.
    pub(crate) fn rewind(&mut self) {
        self.input.rewind();
        if let (Some(slot), Some(message)) = (&self.in_lane().conflated, self.conflate_in.back()) {
            let mut slot = slot.lock();
            if slot.is_none() {
                *slot = Some(message.share());
            }
        }
        self.conflate_in.clear();
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.shut();
    }
}

#[cfg(test)]
mod tests;
