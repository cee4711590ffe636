//! Models: while somebody waits, somebody polls.

use super::*;
use crate::sync::bounded_model;

/// What the kernel has to tell: there are two sockets, and a waker.
const EVENTS: [u32; 2] = [1, 2];
const WAKER: u32 = 4;

/// A reactor without a kernel: an event is news for one of two waiting calls.
struct Model {
    leadership: Leadership<()>,
    doze: Doze,
    kernel: AtomicU32,
    news: [AtomicU32; 2],
    parkers: [Arc<Parker>; 2],
    /// Event 0 comes once these are sent.
    corked: Mutex<bool>,
}

impl Model {
    fn new() -> loom::sync::Arc<Model> {
        loom::sync::Arc::new(Model {
            leadership: Leadership::new(()),
            doze: Doze::new(),
            kernel: AtomicU32::new(0),
            news: std::array::from_fn(|_| AtomicU32::new(0)),
            parkers: std::array::from_fn(|_| Arc::new(Parker::new())),
            corked: Mutex::new(false),
        })
    }

    fn fire(&self, events: u32) {
        self.kernel.fetch_or(events, Ordering::AcqRel);
    }

    fn has_news(&self, socket: usize) -> bool {
        self.news[socket].load(Ordering::Acquire) != 0
    }

    /// One turn of the leader: sleeps until the kernel has something to tell.
    fn turn(&self) {
        let events = loop {
            let events = self.kernel.swap(0, Ordering::AcqRel);
            if events != 0 {
                break events;
            }
            loom::thread::yield_now();
        };
        for socket in [0, 1] {
            if events & EVENTS[socket] != 0 {
                self.news[socket].store(1, Ordering::Release);
                self.parkers[socket].unpark();
            }
        }
    }

    /// A call that waits: see `Slot::wait_leading`.
    fn wait(&self, socket: usize) {
        while !self.has_news(socket) {
            if let Some(mut leading) = self.leadership.lead() {
                // What is polled is one thread's at a time.
                return leading.with(|()| {
                    while !self.has_news(socket) {
                        self.turn();
                    }
                });
            }
            let heir = Some(&self.parkers[socket]);
            self.leadership.follow(heir);
            if !self.has_news(socket) {
                self.parkers[socket].park(None);
            }
            self.leadership.unfollow(heir, !self.has_news(socket));
        }
    }

    /// The I/O thread: see `Reactor::run`.
    fn run(&self) {
        while !self.leadership.is_stopping() {
            if let Some(mut lead) = self.leadership.lead_as_io_thread() {
                while !self.leadership.is_stopping() {
                    let corked = self.doze.sleep(|| {
                        let corked = self.has_corked();
                        if !corked && !self.leadership.is_stopping() {
                            lead.with(|()| self.turn());
                        }
                        corked
                    });
                    if corked {
                        self.flush_corked();
                    }
                    if self.leadership.is_wanted() {
                        break;
                    }
                }
            }
            self.leadership.pause(self);
        }
    }

    fn stop(&self) {
        self.leadership.stop();
        self.fire(WAKER);
    }

    /// A sender leaves something behind in a corked pipe: see `Reactor::cork`.
    fn cork(&self) {
        *self.corked.lock() = true;
        self.leadership.wake_io_thread();
        self.doze.disturb(|| self.fire(WAKER));
    }
}

impl Corked for Model {
    fn has_corked(&self) -> bool {
        *self.corked.lock()
    }

    fn is_flushing(&self) -> bool {
        false
    }

    fn flush_corked(&self) {
        if std::mem::take(&mut *self.corked.lock()) {
            self.fire(EVENTS[0]);
        }
    }
}

fn spawn(
    model: &loom::sync::Arc<Model>,
    f: impl FnOnce(&Model) + 'static,
) -> loom::thread::JoinHandle<()> {
    let model = model.clone();
    loom::thread::spawn(move || f(&model))
}

fn the_io_thread_takes_over(follow: impl Fn(&Model) + Copy + Send + Sync + 'static) {
    bounded_model(3, move || {
        let model = Model::new();
        let leading = model.leadership.lead();
        let io_thread = spawn(&model, |model| model.leadership.pause(model));
        let follower = spawn(&model, follow);
        drop(leading);
        // Nobody leads any more, and nobody else will wake it.
        io_thread.join().unwrap();
        follower.join().unwrap();
    });
}

#[test]
fn loom_the_io_thread_takes_over_for_a_follower() {
    the_io_thread_takes_over(|model| model.leadership.follow(None));
}

#[test]
fn loom_the_io_thread_takes_over_for_an_heir_that_does_not_lead() {
    the_io_thread_takes_over(|model| model.leadership.follow(Some(&model.parkers[0])));
}

#[test]
fn loom_a_follower_leads_next() {
    bounded_model(3, || {
        let model = Model::new();
        let leading = model.leadership.lead();
        let follower = spawn(&model, |model| {
            let heir = Some(&model.parkers[0]);
            model.leadership.follow(heir);
            // Else it has come too late to be seen, and the I/O thread is told.
            if model.leadership.app_leads.load(Ordering::SeqCst) {
                model.parkers[0].park(None);
                model.leadership.unfollow(heir, true);
                assert!(model.leadership.lead().is_some());
            }
        });
        drop(leading);
        follower.join().unwrap();
    });
}

#[test]
fn loom_an_heir_that_does_not_lead_hands_on() {
    bounded_model(3, || {
        let model = Model::new();
        let leading = model.leadership.lead();
        for parker in &model.parkers {
            model.leadership.follow(Some(parker));
        }
        let heirs = [0, 1].map(|index| {
            spawn(&model, move |model| {
                model.parkers[index].park(None);
                model.leadership.unfollow(Some(&model.parkers[index]), false);
            })
        });
        drop(leading);
        // Nobody else would wake the second one.
        heirs.into_iter().for_each(|heir| heir.join().unwrap());
    });
}

#[test]
fn loom_the_io_thread_polls_when_nobody_waits() {
    bounded_model(2, || {
        let model = Model::new();
        let io_thread = spawn(&model, Model::run);
        model.fire(EVENTS[0]);
        model.wait(0);
        model.fire(EVENTS[1]);
        while !model.has_news(1) {
            loom::thread::yield_now();
        }
        model.stop();
        io_thread.join().unwrap();
    });
}

#[test]
fn loom_the_io_thread_sends_for_a_leader_that_stays() {
    bounded_model(3, || {
        let model = Model::new();
        let leading = model.leadership.lead();
        let io_thread = spawn(&model, Model::run);
        // Else the scheduler would hardly let the I/O thread fall asleep.
        (0..2).for_each(|_| loom::thread::yield_now());
        model.cork();
        while model.kernel.load(Ordering::Acquire) & EVENTS[0] == 0 {
            loom::thread::yield_now();
        }
        drop(leading);
        model.stop();
        io_thread.join().unwrap();
    });
}

#[test]
fn loom_the_io_thread_knows_when_a_thread_leads() {
    loom::model(|| {
        let model = Model::new();
        let lead = |model: &Model| {
            if let Some(_leading) = model.leadership.lead() {
                // Else it would look again and again, for as long as this lasts.
                assert!(model.leadership.app_leads.load(Ordering::SeqCst));
            }
        };
        let other = spawn(&model, lead);
        lead(&model);
        other.join().unwrap();
        assert!(!model.leadership.app_leads.load(Ordering::SeqCst));
    });
}

#[test]
fn loom_a_leader_that_dozes_off_misses_nothing() {
    loom::model(|| {
        let model = Model::new();
        let other = spawn(&model, |model| {
            // As `Reactor::run_later`.
            *model.corked.lock() = true;
            model.doze.disturb(|| model.fire(WAKER));
        });
        let mut lead = model.leadership.lead_as_io_thread().unwrap();
        while !model.has_corked() {
            model.doze.sleep(|| {
                if !model.has_corked() {
                    lead.with(|()| model.turn());
                }
            });
        }
        other.join().unwrap();
    });
}
