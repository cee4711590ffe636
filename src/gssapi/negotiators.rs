//! The threads on which negotiations take their steps, `ZMQbg/GSSAPI`: a KDC that
//! does not answer stalls no connection but those that wait for it. Accepting, which
//! asks no KDC, has threads of its own, so that it does not wait behind connecting.
//! At most `AT_ONCE` steps of either kind run at a time, the rest wait their turn;
//! what nobody waits for any more is not begun. How long a step takes is the
//! library's affair (it gives a KDC up after some tens of seconds), how long a
//! connection waits for it that of the handshake's time.

use std::sync::{Arc, Weak};

use super::{Errand, Failed, Outcome};
use crate::sync::{FutexMutex, Helpers};

/// How many steps of either kind one context takes at the same time.
const AT_ONCE: usize = 4;
/// What the threads are called.
const THREAD_NAME: &str = "ZMQbg/GSSAPI";

/// The threads of a context.
#[derive(Clone)]
pub(crate) struct Negotiators {
    initiating: Helpers<Job>,
    accepting: Helpers<Job>,
}

/// A step that somebody waits for, until the ticket is dropped.
struct Job {
    errand: Errand,
    place: Weak<Place>,
    done: Box<dyn FnOnce() + Send>,
}

/// Where an outcome is left.
type Place = FutexMutex<Option<Outcome>>;

/// Stands for the outcome of a step.
pub(crate) struct Ticket(Arc<Place>);

impl Ticket {
    /// The outcome, once it is there.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.0.lock().take()
    }
}

impl Negotiators {
    /// No threads yet.
    pub(crate) fn new() -> Negotiators {
        let helpers = || Helpers::new(THREAD_NAME, AT_ONCE, Job::run);
        Negotiators { initiating: helpers(), accepting: helpers() }
    }

    /// Has a step taken, and calls `done` when the ticket has its outcome: on a
    /// helper thread, or before this returns when no thread can be had, which is a
    /// failure. `done` must not block. It is not called for a ticket that was dropped
    /// before.
    pub(crate) fn run(&self, errand: Errand, done: impl FnOnce() + Send + 'static) -> Ticket {
        let ticket = Ticket(Arc::default());
        let helpers = if errand.initiates { &self.initiating } else { &self.accepting };
        let place = Arc::downgrade(&ticket.0);
        if let Err(lost) = helpers.hand(Job { errand, place, done: Box::new(done) }) {
            lost.into_iter().for_each(Job::fail);
        }
        ticket
    }
}

impl Job {
    fn run(self) {
        if self.place.strong_count() == 0 {
            return;
        }
        let outcome = self.errand.run();
        Job::leave(&self.place, outcome, self.done);
    }

    fn fail(self) {
        let outcome = Outcome { negotiation: self.errand.negotiation, step: Err(Failed) };
        Job::leave(&self.place, outcome, self.done);
    }

    fn leave(place: &Weak<Place>, outcome: Outcome, done: Box<dyn FnOnce() + Send>) {
        let Some(place) = place.upgrade() else { return };
        *place.lock() = Some(outcome);
        drop(place);
        done();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::gssapi::{Negotiation, Step};

    /// Waits for a word before each step.
    struct Slow(mpsc::Receiver<()>);

    impl Negotiation for Slow {
        fn step(&mut self, token: &[u8]) -> Result<Step, Failed> {
            self.0.recv().map_err(|_| Failed)?;
            Ok(Step { token: token.to_vec(), established: None })
        }
    }

    fn errand(initiates: bool, token: &[u8]) -> (mpsc::Sender<()>, Errand) {
        let (go, word) = mpsc::channel();
        (go, Errand { initiates, negotiation: Box::new(Slow(word)), token: token.to_vec() })
    }

    #[test]
    fn accepting_does_not_wait_for_initiating() {
        let negotiators = Negotiators::new();
        let (tell, told) = mpsc::channel();
        let mut held = Vec::new();
        for number in 0..2 * AT_ONCE {
            let (go, errand) = errand(true, b"");
            let tell = tell.clone();
            held.push((go, negotiators.run(errand, move || tell.send(number).unwrap())));
        }
        let (go, errand) = errand(false, b"token");
        go.send(()).unwrap();
        let ticket = negotiators.run(errand, move || tell.send(100).unwrap());
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(100));
        let outcome = ticket.outcome().unwrap();
        assert_eq!(outcome.step.unwrap().token, b"token");
        assert!(ticket.outcome().is_none());
        for (go, ticket) in &held {
            assert!(ticket.outcome().is_none());
            go.send(()).unwrap();
        }
        for _ in 0..2 * AT_ONCE {
            assert!(told.recv_timeout(Duration::from_secs(10)).unwrap() < 100);
        }
    }

    #[test]
    fn what_nobody_waits_for_is_not_begun() {
        let negotiators = Negotiators::new();
        let (tell, told) = mpsc::channel();
        let mut busy = Vec::new();
        for _ in 0..AT_ONCE {
            let (go, errand) = errand(true, b"");
            busy.push((go, negotiators.run(errand, || ())));
        }
        let (go, given_up) = errand(true, b"");
        drop(negotiators.run(given_up, || panic!("nobody waits")));
        let (last_go, last) = errand(true, b"");
        last_go.send(()).unwrap();
        let ticket = negotiators.run(last, move || tell.send(()).unwrap());
        for (go, _) in &busy {
            go.send(()).unwrap();
        }
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(()));
        assert!(ticket.outcome().unwrap().step.is_ok());
        // Its negotiation is gone, unasked.
        assert!(go.send(()).is_err());
    }
}
