//! The accepting side: takes connections from the kernel and makes sessions.

use std::os::fd::AsRawFd;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{Placement, Session, Surroundings};
use crate::error::Result;
use crate::reactor::{Reactor, Source, SourceId};
use crate::transport::Listener;

/// Connections accepted in one go before others have their turn.
const ACCEPTS_PER_TURN: usize = 64;
/// How long to wait when the process has no descriptor left for a connection
/// (EMFILE and its like): the kernel would report it again and again.
const NO_DESCRIPTOR_PAUSE: Duration = Duration::from_millis(50);

/// A listening socket in its reactor.
pub(crate) struct Acceptor {
    reactor: Arc<Reactor>,
    id: SourceId,
    state: Mutex<State>,
}

struct State {
    open: Option<Open>,
    /// Sessions that may not have reached the socket yet.
    young: Vec<Weak<Session>>,
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
        let open = Open { listener, placement, surroundings };
        let state = State { open: Some(open), young: Vec::new(), prune_at: 64 };
        let acceptor = Arc::new(Acceptor { reactor, id, state: Mutex::new(state) });
        acceptor.reactor.install(id, acceptor.clone());
        if let Err(error) = acceptor.reactor.watch_readable(id, fd) {
            acceptor.close();
            return Err(error);
        }
        Ok(acceptor)
    }

    /// Stops to accept. Connections whose handshake is not done end; the
    /// others are the socket's.
    pub(crate) fn close(&self) {
        let (open, young) = {
            let mut state = self.state.lock();
            (state.open.take(), std::mem::take(&mut state.young))
        };
        if let Some(open) = &open {
            self.reactor.unwatch(open.listener.as_raw_fd());
            self.reactor.remove(self.id);
        }
        for session in young.iter().filter_map(Weak::upgrade) {
            session.abandon();
        }
    }

    /// In a forked child: only closes the descriptor.
    pub(crate) fn forget(&self) {
        if let Some(open) = self.state.try_lock().and_then(|mut state| state.open.take()) {
            open.listener.abandon();
        }
    }

    fn accept_some(self: &Arc<Self>) {
        for _ in 0..ACCEPTS_PER_TURN {
            let mut state = self.state.lock();
            let Some(open) = &state.open else { return };
            match open.listener.accept(&open.surroundings.settings.tuning) {
                Ok(Some(stream)) => {
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
                Err(_) => {
                    let pause = Instant::now() + NO_DESCRIPTOR_PAUSE;
                    self.reactor.set_timer(self.id, Some(pause));
                    return;
                }
            }
        }
        self.reactor.run_later(self.clone());
    }

    fn remember(&self, session: &Arc<Session>) {
        let mut state = self.state.lock();
        if state.open.is_none() {
            drop(state);
            return session.abandon();
        }
        if state.young.len() >= state.prune_at {
            state.young.retain(|session| session.strong_count() > 0);
            state.prune_at = (state.young.len() * 2).max(64);
        }
        state.young.push(Arc::downgrade(session));
    }
}

impl Source for Acceptor {
    fn notice(self: Arc<Self>, _: u32) {
        self.accept_some();
    }
}
