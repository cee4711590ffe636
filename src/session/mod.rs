//! A session ties a connection to a pipe. On the connecting side it outlives
//! its connections: it dials, reconnects with back-off, and what its pipe holds
//! waits meanwhile. On the accepting side it ends with its connection.
//!
//! A session has no thread. It sits behind a word: whoever finds it unowned
//! owns it and *drives* it, be that the leader of its reactor, which has an
//! event for it, or an application thread that has just put a message into its
//! pipe and sends it right there. Whoever finds it owned leaves a bit behind
//! and goes on; the owner drives once more before it lets go, so no event is
//! lost and nobody ever waits for a session.

mod authentication;
mod batch;
mod buffer;
mod connected;
mod connecting;
mod datagrams;
mod dial;
mod drive;
mod ending;
mod errand;
mod events;
mod flow;
mod listener;
mod live;
mod negotiating;
mod opening;
mod ownership;
mod pace;
mod protocol;
mod report;

use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use authentication::Authentication;
pub(crate) use datagrams::{DatagramSession, Framing};
pub(crate) use events::{At, Event, Watcher};
pub(crate) use listener::Acceptor;
pub(crate) use opening::Opening;

use crate::counters::Tally;
use crate::error::{KeepErrno, Result};
use crate::gssapi::Negotiators;
use crate::message::{Message, run_waiting_frees};
use crate::pipe::{EndRef, Owner, Pipe};
use crate::raw;
use crate::reactor::{Reactor, ReactorPool, Source, SourceId};
use crate::sync::{AtomicBool, FutexMutex, Ordering};
use crate::trace::Name;
use crate::transport::socks::Proxy;
use crate::transport::{Endpoint, Resolver, Stream, Target, Tuning};
use crate::zmtp;
use drive::Inner;
use ending::Ending;
use ownership::{Driven, Owned};

// Bits of the word; bit 0 is the ownership's own (see `ownership.rs`), those
// from 8 to 14 are the reactor's.

/// Its pipe has signals.
const PIPE: u32 = 1 << 1;
/// Its socket is gone or has disconnected: end, unless a pipe lingers.
const ABANDON: u32 = 1 << 2;
/// Begin to work.
const START: u32 = 1 << 3;
/// The name service has answered.
const RESOLVED: u32 = 1 << 4;
/// End at once, whatever is queued.
const KILL: u32 = 1 << 5;
/// The authenticator has answered.
const ANSWERED: u32 = 1 << 6;
/// A step of the handshake that may block was taken.
const RAN: u32 = 1 << 7;
/// Say what keeps it from ending. Beyond the reactor's bits.
const EXPLAIN: u32 = 1 << 15;

/// How long to take on no connection that would bring a new pipe, when the socket
/// has not looked at those that came before.
const CROWDED_PAUSE: Duration = Duration::from_millis(50);

/// What all sessions of one endpoint have in common, taken from the socket's
/// options when it was bound or connected.
pub(crate) struct Settings {
    /// What we bring into each connection.
    pub(crate) zmtp: Arc<zmtp::Config>,
    /// Connections speak no ZMTP, but carry bytes as they are.
    pub(crate) raw: Option<raw::Config>,
    /// What the kernel is asked for.
    pub(crate) tuning: Tuning,
    /// Water marks of a new pipe, in messages: what the session may have
    /// received (`ZMQ_RCVHWM`), what the socket may have to send (`ZMQ_SNDHWM`).
    pub(crate) receive_hwm: u32,
    /// See `receive_hwm`.
    pub(crate) send_hwm: u32,
    /// Pipes keep the last message only.
    pub(crate) conflate: bool,
    /// The first wait before a reconnect; `None`: no reconnects.
    pub(crate) reconnect_after: Option<Duration>,
    /// The longest wait; `None`: always the first one.
    pub(crate) reconnect_max: Option<Duration>,
    /// A refused connection is not tried again.
    pub(crate) stops_when_refused: bool,
    /// Nor is one that ended before its handshake did.
    pub(crate) stops_when_handshake_fails: bool,
    /// The proxy that tcp connects go through.
    pub(crate) proxy: Option<Proxy>,
    /// How long one attempt to connect may take.
    pub(crate) connect_timeout: Option<Duration>,
    /// Says what a connection begins with (SUB's and XSUB's subscriptions).
    pub(crate) opening: Option<Arc<dyn Opening>>,
    /// What the socket receives when a peer has gone.
    pub(crate) farewells: Farewells,
}

/// What a socket receives when a peer that it had met has gone, where it wants to
/// know (`ZMQ_DISCONNECT_MSG`, `ZMQ_HICCUP_MSG`).
#[derive(Default)]
pub(crate) struct Farewells {
    /// One that was accepted.
    pub(crate) accepted: Option<Message>,
    /// One that was connected, and may come back.
    pub(crate) connected: Option<Message>,
}

/// The socket that a session works for.
pub(crate) trait Host: Send + Sync {
    /// A connection that is ready brings a new pipe. False, and the pipe is
    /// closed, when the socket is. `endpoint` is the one that was bound or connected.
    /// Called on any thread; takes no socket lock.
    fn attach(&self, pipe: Pipe, endpoint: &Arc<str>) -> bool;

    /// Whether so many pipes wait to be looked at that no further ones should
    /// come.
    fn is_crowded(&self) -> bool;
}

/// Keeps the context waiting for as long as somebody holds it.
pub(crate) trait Lease: Send + Sync {
    /// A panic has ended what held it: the context answers ETERM from now on.
    /// Called with no lock held but a socket's.
    fn fail(&self);
    /// Messages wait to be sent though the socket, or one of its endpoints, was given up:
    /// a closed socket keeps its place among the others until they are gone.
    fn linger(&self);
}

/// What a session needs of its surroundings.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// The socket.
    pub(crate) host: Arc<dyn Host>,
    /// The endpoint as the user wrote it (connect) or as it was bound.
    pub(crate) endpoint: Arc<str>,
    /// The endpoint as monitors know it: that of the proxy, if there is one; of a tcp
    /// connect that had a connection before, the address that it was to.
    pub(crate) shown: Arc<str>,
    /// See [`Settings`].
    pub(crate) settings: Arc<Settings>,
    /// Is told what happens to endpoints and connections.
    pub(crate) watcher: Arc<dyn Watcher>,
    /// What the trace calls the socket.
    pub(crate) name: Name,
    /// Where the socket's sessions and listeners count.
    pub(crate) tally: Arc<Tally>,
    /// The way to the application's authenticator.
    pub(crate) authentication: Arc<dyn Authentication>,
    /// Take the steps of handshakes that may block.
    pub(crate) negotiators: Negotiators,
    /// Keeps the context waiting until the session has ended.
    pub(crate) lease: Arc<dyn Lease>,
}

/// A connection and its pipe; see the room's head.
pub(crate) struct Session {
    reactor: Arc<Reactor>,
    /// What only the owner touches.
    inner: Owned<Inner>,
    /// Where the name service leaves its answer.
    resolved: FutexMutex<Option<Result<Target>>>,
    /// How long what is queued may wait once the session was given up.
    abandon_linger: FutexMutex<Option<Duration>>,
    /// The session's place in its reactor.
    id: SourceId,
    /// It has ended for want of reconnects: its endpoint is connected no more.
    given_up: AtomicBool,
}

impl Session {
    /// A session that connects to `target`. Without a pipe it makes one for
    /// each connection (`ZMQ_IMMEDIATE`).
    pub(crate) fn connect(
        reactor: Arc<Reactor>,
        target: Endpoint,
        resolver: &Resolver,
        surroundings: Surroundings,
        pipe: Option<Pipe>,
    ) -> Arc<Session> {
        let end = pipe.as_ref().map(Pipe::end);
        let inner = Inner::dialer(target, resolver.clone(), surroundings, pipe);
        let session = Session::new(reactor, inner);
        if let Some(end) = end {
            end.set_owner(session.clone());
        }
        session.attend(START);
        session
    }

    /// A session for an accepted connection.
    fn accept(reactor: Arc<Reactor>, stream: Stream, surroundings: Surroundings) -> Arc<Session> {
        let session = Session::new(reactor, Inner::accepted(stream, surroundings));
        session.attend(START);
        session
    }

    fn new(reactor: Arc<Reactor>, inner: Inner) -> Arc<Session> {
        let id = reactor.reserve();
        let session = Arc::new(Session {
            inner: Owned::new(inner),
            resolved: FutexMutex::new(None),
            abandon_linger: FutexMutex::new(None),
            id,
            reactor,
            given_up: AtomicBool::new(false),
        });
        session.reactor.install(id, session.clone());
        session
    }

    /// The socket gives the session up: it ends now or, where it has a pipe,
    /// once what that holds was sent, within `linger` (`None`: for ever).
    pub(crate) fn abandon(self: &Arc<Self>, linger: Option<Duration>) {
        *self.abandon_linger.lock() = linger;
        self.attend(ABANDON);
    }

    /// Whether it has ended because it does not connect again
    /// (`ZMQ_RECONNECT_IVL` -1, `ZMQ_RECONNECT_STOP`).
    pub(crate) fn has_given_up(&self) -> bool {
        // Only a note to the socket, which hears of the pipe's end as well.
        self.given_up.load(Ordering::Relaxed)
    }

    /// Drives the session with `bits`, here or wherever it is being driven.
    fn attend(self: &Arc<Self>, bits: u32) {
        if !self.inner.claim(bits) {
            return;
        }
        let _errno = KeepErrno::new();
        // A sender drives on its own behalf: one round. What came meanwhile is
        // the reactor's.
        let direct = bits == PIPE;
        let drive = |inner: &mut Inner, bits| {
            let driven = catch_unwind(AssertUnwindSafe(|| inner.drive(self, bits, direct)));
            if driven.is_ok() {
                return Driven::Done;
            }
            self.wreck(inner);
            Driven::Wrecked
        };
        // SAFETY: claimed above.
        unsafe { self.inner.drive(direct, drive, || self.reactor.run_later(self.clone())) };
    }

    /// A drive has panicked. The session stays owned, so that nobody looks at
    /// what it left half done; what it holds is let go of, and its context
    /// fails.
    #[cold]
    fn wreck(self: &Arc<Self>, inner: &mut Inner) {
        let lease = inner.lease();
        let dropped = catch_unwind(AssertUnwindSafe(|| inner.end(self)));
        // A payload may panic when it is dropped; leaking it is safe.
        std::mem::forget(dropped);
        if let Some(lease) = lease {
            lease.fail();
        }
    }
}

impl Owner for Session {
    fn signalled(self: Arc<Self>, _: &EndRef) {
        self.attend(PIPE);
    }
}

impl Source for Session {
    fn notice(self: Arc<Self>, events: u32) {
        self.attend(events);
        // The leader holds no socket: callers' free functions may run.
        run_waiting_frees();
    }

    fn give_up(self: Arc<Self>) {
        self.attend(KILL);
    }

    fn explain(self: Arc<Self>) {
        self.attend(EXPLAIN);
    }

    fn inherited_fd(&self) -> Option<RawFd> {
        // SAFETY: the process has forked, and this is the only thread here.
        unsafe { self.inner.look(Inner::fd) }.flatten()
    }
}

/// Chooses where an accepted connection lives: the least loaded reactor that
/// `ZMQ_AFFINITY` permits.
#[derive(Clone)]
pub(crate) struct Placement {
    /// The context's reactors.
    pub(crate) pool: Arc<ReactorPool>,
    /// `ZMQ_AFFINITY`.
    pub(crate) affinity: u64,
}
