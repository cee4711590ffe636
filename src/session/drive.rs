//! What a session's owner does with it: the phases of its life, and one drive.

use std::ops::ControlFlow;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::dial::Dialer;
use super::live::{Live, Round};
use super::negotiating::Negotiating;
use super::report::{Met, Place};
use super::{
    ABANDON, ANSWERED, EXPLAIN, Ending, Event, KILL, Lease, PIPE, RAN, RESOLVED, START, Session,
    Surroundings, pace,
};
use crate::message::{Message, Metadata, Role};
use crate::pipe::{Pipe, pipe, signal};
use crate::reactor::event;
use crate::trace::say;
use crate::transport::{Endpoint, Resolver, Stream};
use crate::zmtp::{self, PeerInfo};

/// A corked session that had nothing left over, or could not send it, this many
/// times in a row is not in a stream any more.
const IDLE_NAPS: u32 = 3;
/// Direct writes in a row after which a stream is taken for one.
const STREAK: u32 = 2;
/// Reads in one go before other connections have their turn.
const READS_PER_TURN: usize = 16;

/// What only the owner of a session touches.
pub(super) struct Inner {
    pub(super) phase: Phase,
    /// Set on the connecting side.
    pub(super) dialer: Option<(Dialer, Resolver)>,
    /// `None` once the session has ended.
    pub(super) surroundings: Option<Surroundings>,
    pub(super) pipe: Option<Pipe>,
    /// The pipe outlives its connections (not with `ZMQ_IMMEDIATE`).
    keeps_pipe: bool,
    /// The socket has closed its end of the pipe; what is left in it may be
    /// sent until then (`None` inside: for ever).
    pub(super) lingering: Option<Option<Instant>>,
    /// What the reactor's timer is set to.
    timer: Option<Instant>,
    flow: Flow,
}

/// How messages have been leaving lately.
#[derive(Default)]
struct Flow {
    corked: bool,
    last_write: Option<Instant>,
    streak: u32,
    /// Batches the sender wrote itself since the last nap.
    batches: u32,
    idle_naps: u32,
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
        if bits & (event::READABLE | event::WRITABLE) != 0 {
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
        self.pump(session, reads, direct && signals & signal::WRITABLE == 0, nap);
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
            if linger == Some(Duration::ZERO) {
                self.discard_pipe("ZMQ_LINGER is 0");
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
            self.discard_pipe("the time to linger is over (ZMQ_LINGER)");
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

    fn on_ready(&mut self, session: &Arc<Session>, bits: u32) {
        match &self.phase {
            // The peer may have connected, spoken and gone in one event.
            Phase::Connecting(..) => self.connected(session),
            Phase::Negotiating(_) => self.heard_proxy(session),
            _ => {}
        }
        if let Phase::Open(live) = &mut self.phase {
            live.readable |= bits & event::READABLE != 0;
            live.hung_up |= bits & event::HANGUP != 0;
            live.writable |= bits & event::WRITABLE != 0;
        }
    }
}

/// Connected.
impl Inner {
    pub(super) fn open(&mut self, session: &Arc<Session>, stream: Stream, watch: bool) {
        let Some(surroundings) = &self.surroundings else { return };
        let fd = stream.as_raw_fd();
        let settings = &surroundings.settings;
        let tally = surroundings.tally.clone();
        let live = Live::new(stream, session.reactor.clone(), settings, tally, Instant::now());
        let raw = live.protocol.is_raw();
        if let Some((dialer, _)) = &mut self.dialer {
            if dialer.succeeded() {
                surroundings.tally.reconnects.one();
            }
        }
        self.report_of(
            &live,
            if self.dialer.is_some() { Event::Connected } else { Event::Accepted }(fd),
        );
        self.flow = Flow::default();
        self.phase = Phase::Open(Box::new(live));
        if watch && let Err(error) = session.reactor.watch(session.id, fd) {
            return self.disconnected(session, Ending::Disconnected(error));
        }
        // There is no handshake to wait for.
        if raw && let Err(ending) = self.meet(session, PeerInfo::default()) {
            self.disconnected(session, ending);
        }
    }

    /// Tells of an event of a connection, at the endpoint that was connected
    /// or, on the accepting side, at the connection's own.
    fn report_of(&self, live: &Live, event: Event) {
        match &self.surroundings {
            Some(surroundings) if self.dialer.is_some() => surroundings.report(event),
            Some(surroundings) => surroundings.report_at(event, || live.local_endpoint()),
            None => {}
        }
    }

    /// Reads and writes what can be.
    fn pump(&mut self, session: &Arc<Session>, reads: usize, sending: bool, nap: bool) {
        if let Err(ending) = self.try_pump(session, reads, sending, nap) {
            self.disconnected(session, ending);
        }
    }

    fn try_pump(
        &mut self,
        session: &Arc<Session>,
        reads: usize,
        sending: bool,
        nap: bool,
    ) -> std::result::Result<(), Ending> {
        let Phase::Open(live) = &mut self.phase else { return Ok(()) };
        let mut later = false;
        if reads > 0 && (live.readable || live.holds_input()) {
            // Asked before each read: the first event is the peer's READY.
            let ready = live.protocol.is_ready();
            let round = live.read(self.pipe.as_mut().filter(|_| ready), reads)?;
            later = round == Round::MoreLater;
        }
        if !live.met && self.shake_hands(session, reads, &mut later)?.is_break() {
            return Ok(());
        }
        let busy_since = sending.then(pace::write_begins);
        later |= self.write(busy_since, nap)?;
        self.rest(session, busy_since);
        if later {
            session.reactor.run_later(session.clone());
        }
        Ok(())
    }

    /// Sees to what has happened in the handshake; reads on, if it is done.
    #[cold]
    fn shake_hands(
        &mut self,
        session: &Arc<Session>,
        reads: usize,
        later: &mut bool,
    ) -> std::result::Result<ControlFlow<()>, Ending> {
        while let Phase::Open(live) = &mut self.phase
            && let Some(event) = live.event()
        {
            match event {
                zmtp::Event::Ask(inquiry) => self.ask(session, &inquiry)?,
                zmtp::Event::Blocks => self.run_errand(session),
                zmtp::Event::Refused(status) => {
                    live.refused = true;
                    if let Some(s) = &self.surroundings {
                        let (name, place) = (s.name, Place::new(s, live));
                        say!(
                            Conn,
                            "{name}: the authenticator refused the peer of {place}: {status}"
                        );
                    }
                    let event = Event::HandshakeFailedAuth(u32::from(status));
                    if let Phase::Open(live) = &self.phase {
                        self.report_of(live, event);
                    }
                }
                zmtp::Event::Ready(peer) => {
                    self.flow.streak = 0;
                    if !self.meet(session, peer)? {
                        return Ok(ControlFlow::Break(()));
                    }
                    let Phase::Open(live) = &mut self.phase else { break };
                    *later |= live.read(self.pipe.as_mut(), reads)? == Round::MoreLater;
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Writes. Says whether there is more than its turn allows.
    fn write(
        &mut self,
        busy_since: Option<Instant>,
        nap: bool,
    ) -> std::result::Result<bool, Ending> {
        let Phase::Open(live) = &mut self.phase else { return Ok(false) };
        if let Some(pipe) = &mut self.pipe {
            pipe.be_active();
        }
        let waited = !live.is_written() || self.pipe.as_mut().is_some_and(|p| p.has_ahead());
        let round = live.write(self.pipe.as_mut())?;
        if nap {
            // Where the kernel is full, its next event goes on: to look every
            // nap would be in vain, for as long as the peer reads nothing.
            let flows = waited && live.writable;
            self.flow.idle_naps = if flows { 0 } else { self.flow.idle_naps + 1 };
        }
        if let Some(busy_since) = busy_since {
            self.flow.batches += 1;
            if std::mem::take(&mut live.heard) {
                self.flow.streak = 0;
            }
            let streaming = self.flow.last_write.is_some_and(|last| last >= busy_since);
            self.flow.streak = if streaming { self.flow.streak + 1 } else { 0 };
            self.flow.last_write = Some(pace::write_ends());
        }
        Ok(round == Round::MoreLater)
    }

    /// Goes idle, or corks the pipe when a stream runs through it.
    fn rest(&mut self, session: &Arc<Session>, busy_since: Option<Instant>) {
        let Phase::Open(live) = &mut self.phase else { return };
        let Some(pipe) = &mut self.pipe else { return };
        if !live.protocol.is_ready() || !live.writable || !live.batch.is_empty() {
            // The next event of the connection looks at the pipe again.
            return;
        }
        if busy_since.is_some() && self.flow.streak >= STREAK && !self.flow.corked {
            self.flow.corked = true;
            self.flow.idle_naps = 0;
            session.reactor.cork(session.clone());
        }
        let rests = if self.flow.corked { pipe.cork() } else { pipe.go_idle() };
        if !self.flow.corked {
            live.batch.shrink();
        }
        if !rests {
            session.reactor.run_later(session.clone());
        }
    }

    /// The I/O thread looks after a corked session. True when there is nothing
    /// to do: the sender is at it.
    fn nap_over(&mut self, session: &Arc<Session>) -> bool {
        if !self.flow.corked {
            return true;
        }
        if std::mem::take(&mut self.flow.batches) > 0 {
            return true;
        }
        if self.flow.idle_naps >= IDLE_NAPS {
            self.uncork(session);
        }
        false
    }

    fn uncork(&mut self, session: &Arc<Session>) {
        if std::mem::take(&mut self.flow.corked) {
            self.flow.streak = 0;
            let source: Arc<dyn crate::reactor::Source> = session.clone();
            session.reactor.uncork(&source);
        }
    }

    /// The handshake is done. False when the session has ended over it.
    fn meet(
        &mut self,
        session: &Arc<Session>,
        peer: PeerInfo,
    ) -> std::result::Result<bool, Ending> {
        // Nothing is told of peers older than ZMTP 3.0, nor without a handshake.
        if !peer.identity_follows
            && let Phase::Open(live) = &self.phase
            && !live.protocol.is_raw()
        {
            self.report_of(live, Event::HandshakeSucceeded);
        }
        let Phase::Open(live) = &mut self.phase else { return Ok(false) };
        let Some(surroundings) = &self.surroundings else { return Ok(false) };
        let settings = &surroundings.settings;
        if !live.protocol.is_raw() {
            say!(
                Conn,
                "{}: handshake done at {}: {}",
                surroundings.name,
                Place::new(surroundings, live),
                Met(&peer, settings)
            );
        }
        live.met = !live.protocol.is_raw();
        let news =
            (!peer.identity_follows).then(|| peer_message(&peer, &live.peer_address(), live.fd()));
        match &mut self.pipe {
            Some(pipe) => tell(pipe, news),
            None => {
                let hwm = [settings.receive_hwm, settings.send_hwm];
                let (mut ours, theirs) = pipe(hwm, settings.conflate);
                tell(&mut ours, news);
                ours.end().set_owner(session.clone());
                self.pipe = Some(ours);
                if !surroundings.host.attach(theirs, &surroundings.endpoint) {
                    self.end(session);
                    return Ok(false);
                }
            }
        }
        if let (Some(opening), Some(pipe)) = (&settings.opening, &mut self.pipe) {
            let (messages, stale) = opening.open(pipe).map_err(Ending::Disconnected)?;
            live.batch.skip_subscriptions(stale);
            // The rest of our handshake goes before the first message.
            while !live.is_written() {
                if live.write(None)? != Round::MoreLater {
                    break;
                }
            }
            live.begin_with(&messages)?;
        }
        Ok(true)
    }

    /// The connection is gone.
    fn disconnected(&mut self, session: &Arc<Session>, ending: Ending) {
        self.uncork(session);
        let opening = self.surroundings.as_ref().and_then(|s| s.settings.opening.clone());
        if let (Some(pipe), Some(opening)) = (&self.pipe, opening) {
            opening.close(pipe);
        }
        let phase = std::mem::replace(&mut self.phase, Phase::Resolving);
        let mut for_good = false;
        if let Phase::Open(mut live) = phase {
            let settings = self.surroundings.as_ref().map(|s| &s.settings);
            for_good = !live.met && settings.is_some_and(|s| s.stops_when_handshake_fails);
            // Our part of a handshake that the peer has spoilt: it may see what
            // is wrong, and not come back.
            if !live.met && matches!(ending, Ending::Protocol(_)) {
                let _ = live.write(None);
            }
            let explained = live.refused && !ending.is_protocol_error();
            let event = match (live.met, &ending) {
                (false, _) if !explained => Event::of_failed_handshake(&ending),
                // Of encoded traffic libzmq tells as it does of the handshake.
                (true, Ending::Protocol(_)) if live.sealed => Event::of_failed_handshake(&ending),
                _ => None,
            };
            if let Some(event) = event {
                self.report_of(&live, event);
            }
            self.note_end(&live, &ending);
            self.report_of(&live, Event::Disconnected(live.fd()));
            if let Some(pipe) = &mut self.pipe {
                pipe.rollback();
                live.tell_end(pipe);
                live.settle(pipe);
            }
        }
        for_good |= match ending {
            Ending::Disconnected(_) => false,
            Ending::Protocol(error) => error.is_fatal_for_connecter(),
        };
        if self.dialer.is_none() || for_good {
            if let (Some(_), Some(s)) = (&self.dialer, &self.surroundings) {
                say!(Conn, "{}: does not connect to {} again", s.name, s.shown);
            }
            return self.end(session);
        }
        if !self.keeps_pipe {
            self.pipe = None;
        }
        self.wait_again(session);
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
        if (!left && !writing) || matches!(self.phase, Phase::Parked) {
            // Bytes that nobody reads would make a reset of the end of a raw
            // connection, and cost the peer what it has not read yet.
            if let Phase::Open(live) = &mut self.phase
                && live.protocol.is_raw()
            {
                live.readable = true;
                let _ = live.read(self.pipe.as_mut(), READS_PER_TURN);
            }
            self.end(session);
        }
    }

    /// The end of the session.
    pub(super) fn end(&mut self, session: &Arc<Session>) {
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        self.uncork(session);
        if let Some(pipe) = &mut self.pipe {
            // What the kernel has is not lost.
            if let Phase::Open(_) = self.phase
                && let Phase::Open(live) = std::mem::replace(&mut self.phase, Phase::Resolving)
            {
                live.settle(pipe);
            }
            self.discard_pipe("its connection has ended");
        }
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

/// Tells the socket who its peer is, unless the peer itself will.
fn tell(pipe: &mut Pipe, news: Option<Message>) {
    if let Some(mut news) = news {
        pipe.push(&mut news);
        pipe.flush();
    }
}

/// The in-band note that tells the socket who its peer is from here on.
fn peer_message(peer: &PeerInfo, address: &str, fd: RawFd) -> Message {
    let mut metadata = Metadata::new();
    // The first of a name counts: what we know, then what the authenticator
    // says, then what the peer claims.
    metadata.add(b"__fd", fd.to_string().as_bytes());
    metadata.add(b"Peer-Address", address.as_bytes());
    for (name, value) in peer.vouched.iter().chain(&peer.properties) {
        metadata.add(name, value);
    }
    let mut message = Message::copy_of(&peer.routing_id).unwrap_or_default().with_role(Role::Peer);
    message.set_metadata(Some(Arc::new(metadata)));
    message
}
