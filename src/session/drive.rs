//! What a session's owner does with it: the phases of its life, and one drive. What
//! belongs to an open connection is in `connected.rs` and `flow.rs`, what belongs to
//! none in `connecting.rs`.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::dial::Dialer;
use super::flow::{Flow, Sending};
use super::live::Live;
use super::negotiating::Negotiating;
use super::{
    ABANDON, ANSWERED, EXPLAIN, Ending, KILL, Lease, PIPE, RAN, RESOLVED, START, Session,
    Surroundings,
};
use crate::pipe::{Pipe, signal};
use crate::reactor::event;
use crate::trace::{Area, on};
use crate::transport::{Endpoint, Resolver, Stream};

/// Reads in one go before other connections have their turn.
const READS_PER_TURN: usize = 16;

/// Why what a socket has left behind is lost.
const NO_LINGER: &str = "ZMQ_LINGER is 0";
const LINGER_OVER: &str = "the time to linger is over (ZMQ_LINGER)";

/// Events of the connection.
const OF_CONNECTION: u32 = event::READABLE | event::WRITABLE | event::GLANCE;

/// What only the owner of a session touches.
pub(super) struct Inner {
    pub(super) phase: Phase,
    /// Set on the connecting side.
    pub(super) dialer: Option<(Dialer, Resolver)>,
    /// `None` once the session has ended.
    pub(super) surroundings: Option<Surroundings>,
    pub(super) pipe: Option<Pipe>,
    /// The pipe outlives its connections (not with `ZMQ_IMMEDIATE`).
    pub(super) keeps_pipe: bool,
    /// The socket has closed its end of the pipe; what is left in it may be
    /// sent until then (`None` inside: for ever).
    pub(super) lingering: Option<Option<Instant>>,
    /// What the reactor's timer is set to.
    timer: Option<Instant>,
    pub(super) flow: Flow,
}

/// How far a session has come.
pub(super) enum Phase {
    /// Not begun.
    New(Option<Stream>),
    /// Until the next attempt to connect.
    Waiting(Instant),
    /// The name service is asked.
    Resolving,
    /// The kernel connects.
    Connecting(Stream, Option<Instant>),
    /// A proxy was reached, the peer is yet to be.
    Negotiating(Box<Negotiating>),
    /// Never to connect, since there are no further attempts; what is sent
    /// stays in the pipe.
    Parked,
    /// Connected: handshake or traffic.
    Open(Box<Live>),
    Ended,
}

impl Inner {
    pub(super) fn dialer(
        target: Endpoint,
        resolver: Resolver,
        surroundings: Surroundings,
        pipe: Option<Pipe>,
    ) -> Inner {
        Inner {
            dialer: Some((Dialer::new(target), resolver)),
            keeps_pipe: pipe.is_some(),
            pipe,
            ..Inner::new(None, surroundings)
        }
    }

    pub(super) fn accepted(stream: Stream, surroundings: Surroundings) -> Inner {
        Inner::new(Some(stream), surroundings)
    }

    fn new(stream: Option<Stream>, surroundings: Surroundings) -> Inner {
        Inner {
            phase: Phase::New(stream),
            dialer: None,
            surroundings: Some(surroundings),
            pipe: None,
            keeps_pipe: false,
            lingering: None,
            timer: None,
            flow: Flow::default(),
        }
    }

    /// One drive. `direct`: on behalf of a sender, on its thread.
    pub(super) fn drive(&mut self, session: &Arc<Session>, bits: u32, direct: bool) {
        // Events that came in the same moment are to be seen to, too.
        let direct = direct && bits == PIPE;
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        let mut bits = bits;
        if bits == event::GLANCE {
            if !self.glance(session) {
                return;
            }
            // It was read.
            bits = 0;
        }
        if bits & (KILL | EXPLAIN) != 0 {
            if bits & KILL != 0 {
                return self.end(session);
            }
            self.explain();
        }
        if bits & START != 0 {
            self.start(session);
        }
        if bits & ABANDON != 0 && self.abandoned(session) {
            return self.end(session);
        }
        let signals = if bits & PIPE != 0 { self.hear_pipe() } else { 0 };
        if bits & RESOLVED != 0 {
            self.resolved(session);
        }
        if bits & event::TIMER != 0 {
            self.timer = None;
            self.on_timer(session);
        }
        if self.lingering.is_some() && self.pipe.is_none() {
            // Nothing may be sent any more, not even the rest of a batch: its
            // bodies were in the pipe.
            return self.end(session);
        }
        if bits & OF_CONNECTION != 0 {
            self.on_ready(session, bits);
        }
        if bits & ANSWERED != 0
            && let Err(error) = self.hear_answer()
        {
            self.disconnected(session, Ending::Protocol(error));
        }
        if bits & RAN != 0
            && let Err(error) = self.hear_outcome()
        {
            self.disconnected(session, Ending::Protocol(error));
        }
        let nap = bits & event::NAP_OVER != 0;
        if nap && self.nap_over(session) && bits == event::NAP_OVER {
            return;
        }
        let reads = match direct {
            false => READS_PER_TURN,
            // A sender reads for others only what its own reading made room for.
            true => usize::from(signals & signal::WRITABLE != 0),
        };
        let sending = match direct && signals & signal::WRITABLE == 0 {
            false if bits & !OF_CONNECTION == 0 => Sending::Nobody,
            false => Sending::Other,
            true if signals & signal::BATCH != 0 => Sending::Batch,
            true => Sending::Message,
        };
        self.pump(session, reads, sending, nap);
        self.end_if_done(session);
        self.set_timer(session);
    }

    /// The connection, while it is open.
    pub(super) fn live(&mut self) -> Option<(&mut Live, &Surroundings)> {
        match (&mut self.phase, &self.surroundings) {
            (Phase::Open(live), Some(surroundings)) => Some((live, surroundings)),
            _ => None,
        }
    }

    /// What keeps the context waiting, until the session has ended.
    pub(super) fn lease(&self) -> Option<Arc<dyn Lease>> {
        self.surroundings.as_ref().map(|surroundings| surroundings.lease.clone())
    }

    /// The descriptor of the connection, if there is one.
    pub(super) fn fd(&self) -> Option<RawFd> {
        match &self.phase {
            Phase::New(stream) => stream.as_ref().map(AsRawFd::as_raw_fd),
            Phase::Connecting(stream, _) => Some(stream.as_raw_fd()),
            Phase::Negotiating(negotiating) => Some(negotiating.fd()),
            Phase::Open(live) => Some(live.fd()),
            _ => None,
        }
    }

    fn start(&mut self, session: &Arc<Session>) {
        match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::New(Some(stream)) => self.open(session, stream, true),
            Phase::New(None) => self.dial(session),
            phase => self.phase = phase,
        }
    }

    /// Takes the pipe's signals.
    fn hear_pipe(&mut self) -> u32 {
        let Some(pipe) = &mut self.pipe else { return 0 };
        let signals = pipe.take_signals();
        if signals & (signal::WRITABLE | signal::CLOSED) != 0 {
            pipe.look_again();
        }
        if signals & signal::CLOSED != 0 {
            // It may come twice: a pipe that is closed for good after its
            // pattern had shut it. Time that was granted grows no longer.
            let linger = pipe.peer_linger();
            let until = linger.and_then(|time| Instant::now().checked_add(time));
            self.lingering = Some(match (self.lingering, until) {
                (Some(Some(before)), Some(until)) => Some(before.min(until)),
                (Some(before), until) => before.or(until),
                (None, until) => until,
            });
            // What the kernel takes in this very drive costs nobody time.
            if linger == Some(Duration::ZERO) && !self.takes_at_once() {
                self.discard_pipe(NO_LINGER);
            }
        }
        signals
    }

    /// The socket gave the session up. True when it can end at once; else it
    /// sends what its pipe holds first.
    fn abandoned(&mut self, session: &Session) -> bool {
        let Some(pipe) = &mut self.pipe else { return true };
        if self.lingering.is_none() {
            let linger = *session.abandon_linger.lock();
            self.lingering = Some(linger.and_then(|time| Instant::now().checked_add(time)));
            pipe.shut();
        }
        false
    }

    fn on_timer(&mut self, session: &Arc<Session>) {
        let now = Instant::now();
        if self.lingering.flatten().is_some_and(|until| until <= now) {
            self.discard_pipe(LINGER_OVER);
            return;
        }
        match &mut self.phase {
            Phase::Waiting(until) if *until <= now => self.dial(session),
            Phase::Connecting(_, Some(until)) if *until <= now => self.timed_out(session),
            Phase::Negotiating(negotiating) if negotiating.until().is_some_and(|t| t <= now) => {
                self.timed_out(session);
            }
            Phase::Open(live) => {
                if let Err(error) = live.protocol.on_deadline(now) {
                    self.disconnected(session, Ending::Protocol(error));
                }
            }
            _ => {}
        }
    }

    /// Reads once. False where nothing was there: then nothing else is to be done.
    fn glance(&mut self, session: &Arc<Session>) -> bool {
        let Phase::Open(live) = &mut self.phase else { return false };
        if !(live.met || live.protocol.is_raw()) || self.lingering.is_some() {
            return false;
        }
        if live.holds_input() {
            return true;
        }
        live.readable = true;
        let heard = std::mem::take(&mut live.heard);
        let read = live.read(self.pipe.as_mut(), 1);
        let anything = live.heard;
        live.heard |= heard;
        if let Err(ending) = read {
            self.disconnected(session, ending);
            return true;
        }
        anything
    }

    fn on_ready(&mut self, session: &Arc<Session>, bits: u32) {
        match &self.phase {
            // The peer may have connected, spoken and gone in one event.
            Phase::Connecting(..) => self.connected(session),
            Phase::Negotiating(_) => self.heard_proxy(session),
            _ => {}
        }
        if let Phase::Open(live) = &mut self.phase {
            live.readable |= bits & (event::READABLE | event::GLANCE) != 0;
            live.hung_up |= bits & event::HANGUP != 0;
            live.writable |= bits & event::WRITABLE != 0;
        }
    }

    /// Ends once the socket is gone and nothing is left to send.
    pub(super) fn end_if_done(&mut self, session: &Arc<Session>) {
        if self.lingering.is_none() {
            return;
        }
        let left = self.pipe.as_mut().is_some_and(Pipe::can_read);
        let writing = match &self.phase {
            Phase::Open(live) => self.pipe.is_some() && !live.is_written(),
            _ => false,
        };
        // What will never be sent is not waited for.
        if (!left && !writing) || matches!(self.phase, Phase::Parked) || self.lets_go() {
            // Bytes that nobody reads would make a reset of the end of a raw
            // connection, and cost the peer what it has not read yet.
            if let Phase::Open(live) = &mut self.phase
                && live.protocol.is_raw()
            {
                live.readable = true;
                let _ = live.read(self.pipe.as_mut(), READS_PER_TURN);
            }
            self.end(session);
        } else if self.lingering.flatten().is_some_and(|until| until <= Instant::now()) {
            let none = self.pipe.as_ref().and_then(Pipe::peer_linger) == Some(Duration::ZERO);
            self.end_since(session, if none { NO_LINGER } else { LINGER_OVER });
        } else if let Some(surroundings) = &self.surroundings {
            surroundings.lease.linger();
        }
    }

    /// Whether a message would be handed to the kernel at once.
    fn takes_at_once(&self) -> bool {
        matches!(&self.phase, Phase::Open(live) if live.protocol.is_ready() && live.writable)
    }

    /// Whether what is left is worth no wait, and nobody takes it at once. libzmq drops such
    /// messages with the socket: its programs end though peers are not there, or stuck.
    fn lets_go(&self) -> bool {
        self.pipe.as_ref().is_some_and(Pipe::is_left_dispensable) && !self.takes_at_once()
    }

    /// The end of the session.
    pub(super) fn end(&mut self, session: &Arc<Session>) {
        self.end_since(session, "its connection has ended");
    }

    /// The end; `why` is told of what is lost.
    fn end_since(&mut self, session: &Arc<Session>, why: &str) {
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        self.uncork(session);
        if on(Area::Drop) {
            self.settle_to_tell();
        }
        self.discard_pipe(why);
        self.leave_phase(session);
        self.phase = Phase::Ended;
        self.dialer = None;
        session.reactor.remove(session.id);
        // Last: the context may go once nobody holds the lease.
        self.surroundings = None;
    }

    fn set_timer(&mut self, session: &Arc<Session>) {
        let phase = match &self.phase {
            Phase::Waiting(until) => Some(*until),
            Phase::Connecting(_, until) => *until,
            Phase::Negotiating(negotiating) => negotiating.until(),
            Phase::Open(live) => live.protocol.deadline(),
            Phase::Ended => return,
            _ => None,
        };
        let due = match (phase, self.lingering.flatten()) {
            (Some(phase), Some(linger)) => Some(phase.min(linger)),
            (phase, linger) => phase.or(linger),
        };
        // A timer that goes off early does no harm; one that is moved with
        // every message would.
        let Some(due) = due else { return };
        if self.timer.is_none_or(|timer| due < timer) {
            self.timer = Some(due);
            session.reactor.set_timer(session.id, self.timer);
        }
    }
}
