//! The accepting side: takes connections from the kernel and makes sessions.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::{CROWDED_PAUSE, Event, Placement, Session, Surroundings};
use crate::error::Result;
use crate::reactor::{Reactor, Source, SourceId, event};
use crate::sync::FutexMutex;
use crate::trace::say;
use crate::transport::{Accepted, Listener};

/// Connections accepted in one go before others have their turn.
const ACCEPTS_PER_TURN: usize = 64;
/// How long to wait when the process has no descriptor left for a connection
/// (EMFILE and its like): the kernel would report it again and again.
const NO_DESCRIPTOR_PAUSE: Duration = Duration::from_millis(50);

/// A listening socket in its reactor.
pub(crate) struct Acceptor {
    reactor: Arc<Reactor>,
    id: SourceId,
    state: FutexMutex<State>,
}

struct State {
    open: Option<Open>,
    /// The sessions of accepted connections; some may have ended.
    sessions: Vec<Weak<Session>>,
    prune_at: usize,
}

struct Open {
    listener: Listener,
    placement: Placement,
    surroundings: Surroundings,
}

impl Acceptor {
    /// Starts to accept.
    pub(crate) fn start(
        reactor: Arc<Reactor>,
        listener: Listener,
        placement: Placement,
        surroundings: Surroundings,
    ) -> Result<Arc<Acceptor>> {
        let fd = listener.as_raw_fd();
        let id = reactor.reserve();
        let open = Open { listener, placement, surroundings: surroundings.clone() };
        let state = State { open: Some(open), sessions: Vec::new(), prune_at: 64 };
        let acceptor = Arc::new(Acceptor { reactor, id, state: FutexMutex::new(state) });
        acceptor.reactor.install(id, acceptor.clone());
        // Before anything is accepted there.
        surroundings.report_bound(Event::Listening(fd));
        if let Err(error) = acceptor.reactor.watch_readable(id, fd) {
            acceptor.close(None);
            return Err(error);
        }
        Ok(acceptor)
    }

    /// Stops to accept. Gives up the connections that were accepted: they
    /// end once what is queued for them was sent, within `linger`.
    pub(crate) fn close(&self, linger: Option<Duration>) {
        self.stop();
        let sessions = std::mem::take(&mut self.state.lock().sessions);
        for session in sessions.iter().filter_map(Weak::upgrade) {
            session.abandon(linger);
        }
    }

    /// Stops to accept; who was accepted stays.
    pub(crate) fn stop(&self) {
        let open = self.state.lock().open.take();
        if let Some(Open { listener, surroundings, .. }) = open {
            let fd = listener.as_raw_fd();
            self.reactor.unwatch(fd);
            self.reactor.remove(self.id);
            let closed = listener.close();
            say!(Conn, "{}: listens no more at {}", surroundings.name, surroundings.shown);
            surroundings
                .report_bound(closed.map_or_else(Event::CloseFailed, |()| Event::Closed(fd)));
        }
    }

    fn accept_some(self: &Arc<Self>) {
        for _ in 0..ACCEPTS_PER_TURN {
            let state = self.state.lock();
            let Some(open) = &state.open else { return };
            if open.surroundings.host.is_crowded() {
                return self.pause(CROWDED_PAUSE);
            }
            match open.listener.accept(&open.surroundings.settings.tuning) {
                Ok(Some(Accepted::TurnedAway)) => open.surroundings.report_bound(Event::TurnedAway),
                Ok(Some(Accepted::Failed(error))) => {
                    open.surroundings.report_bound(Event::AcceptFailed(error));
                }
                Ok(Some(Accepted::Stream(stream))) => {
                    let Some(reactor) = open.placement.pool.choose(open.placement.affinity) else {
                        return;
                    };
                    let surroundings = open.surroundings.clone();
                    // Starting may end in the socket; not under our lock.
                    drop(state);
                    let session = Session::accept(reactor, stream, surroundings);
                    self.remember(&session);
                }
                Ok(None) => return,
                Err(error) => {
                    open.surroundings.report_bound(Event::AcceptFailed(error));
                    return self.pause(NO_DESCRIPTOR_PAUSE);
                }
            }
        }
        self.reactor.run_later(self.clone());
    }

    /// Accepts nothing more for a moment.
    fn pause(&self, time: Duration) {
        self.reactor.set_timer(self.id, Some(Instant::now() + time));
    }

    fn remember(&self, session: &Arc<Session>) {
        let mut state = self.state.lock();
        if state.open.is_none() {
            drop(state);
            return session.abandon(Some(Duration::ZERO));
        }
        if state.sessions.len() >= state.prune_at {
            state.sessions.retain(|session| session.strong_count() > 0);
            state.prune_at = (state.sessions.len() * 2).max(64);
        }
        state.sessions.push(Arc::downgrade(session));
    }
}

impl Source for Acceptor {
    fn notice(self: Arc<Self>, events: u32) {
        // A glance was meant for who had the place before.
        if events != event::GLANCE {
            self.accept_some();
        }
    }

    fn give_up(self: Arc<Self>) {
        self.close(Some(Duration::ZERO));
    }

    fn inherited_fd(&self) -> Option<RawFd> {
        let state = self.state.try_lock()?;
        state.open.as_ref().map(|open| open.listener.as_raw_fd())
    }
}
