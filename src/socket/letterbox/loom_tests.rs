//! Models: no news is slept through, however it is waited for.

use super::*;
use crate::sync::{Parker, bounded_model};

type Parkers = Letterbox<u32, Arc<Parker>, Lamp>;

impl Wake for Arc<Parker> {
    fn wake(&self, _: &NewsCount) {
        self.unpark();
    }
}

/// Stands for an eventfd.
struct Lamp(AtomicBool);

impl Readiness for Lamp {
    fn signal(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn drain(&self) {
        self.0.swap(false, Ordering::AcqRel);
    }
}

impl Parkers {
    /// As a call sleeps: see `Slot::park`.
    fn park(&self, parker: &Arc<Parker>, seen: u32) {
        let id = self.register(parker.clone());
        if self.is_quiet_since(seen) {
            parker.park(None);
        }
        self.unregister(id);
    }

    fn count(&self) -> u32 {
        self.announced().load(Ordering::Acquire)
    }

    /// As a call handles news: see `Socket::process`.
    fn process(&self, inbox: &mut Vec<u32>) {
        if !self.has_news() {
            return;
        }
        let mut commands = VecDeque::new();
        loop {
            self.quieten();
            if !self.take(&mut commands) {
                break;
            }
            inbox.extend(commands.drain(..));
        }
    }

    /// As `Slot::retry`: tries, and sleeps in between without the lock.
    fn receive(&self, socket: &Mutex<Vec<u32>>) -> u32 {
        let parker = Arc::new(Parker::new());
        loop {
            let seen = {
                let mut inbox = socket.lock();
                let seen = self.count();
                self.process(&mut inbox);
                if let Some(command) = inbox.pop() {
                    return command;
                }
                seen
            };
            self.park(&parker, seen);
        }
    }
}

fn letterbox() -> (Arc<Parkers>, u64) {
    let letterbox = Arc::new(Parkers::new());
    let generation = letterbox.open_for_next();
    (letterbox, generation)
}

fn post(letterbox: &Arc<Parkers>, generation: u64, command: u32) -> loom::thread::JoinHandle<()> {
    let letterbox = letterbox.clone();
    loom::thread::spawn(move || assert!(letterbox.post(generation, command).is_ok()))
}

#[test]
fn loom_two_posters_wake_a_call_that_waits() {
    bounded_model(2, || {
        let (letterbox, generation) = letterbox();
        let posters = [1, 2].map(|command| post(&letterbox, generation, command));
        let socket = Mutex::new(Vec::new());
        let got = [letterbox.receive(&socket), letterbox.receive(&socket)];
        assert_eq!(got[0] + got[1], 3);
        posters.into_iter().for_each(|poster| poster.join().unwrap());
        assert_eq!(letterbox.waiters.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn loom_a_call_sees_news_that_another_call_took() {
    bounded_model(2, || {
        let (letterbox, generation) = letterbox();
        let socket = Arc::new(Mutex::new(Vec::new()));
        let other = {
            let (letterbox, socket) = (letterbox.clone(), socket.clone());
            loom::thread::spawn(move || letterbox.receive(&socket))
        };
        let poster = {
            let letterbox = letterbox.clone();
            loom::thread::spawn(move || {
                assert!(letterbox.post(generation, 1).is_ok());
                assert!(letterbox.post(generation, 2).is_ok());
            })
        };
        let got = letterbox.receive(&socket);
        assert_eq!(got + other.join().unwrap(), 3);
        poster.join().unwrap();
    });
}

/// A user who looks only when the descriptor is readable.
fn watch(letterbox: &Parkers, mut look: impl FnMut() -> bool) {
    let lamp = letterbox.descriptor(|| Ok::<_, ()>(Lamp(AtomicBool::new(true)))).unwrap();
    loop {
        while !lamp.0.load(Ordering::Acquire) {
            loom::thread::yield_now();
        }
        if look() {
            return;
        }
    }
}

#[test]
fn loom_a_descriptor_tells_who_asks_for_events() {
    bounded_model(2, || {
        let (letterbox, generation) = letterbox();
        let posters = [1, 2].map(|command| post(&letterbox, generation, command));
        let mut inbox = Vec::new();
        // As `ZMQ_EVENTS`.
        watch(&letterbox, || {
            letterbox.quieten();
            letterbox.process(&mut inbox);
            inbox.len() == 2
        });
        posters.into_iter().for_each(|poster| poster.join().unwrap());
    });
}

#[test]
fn loom_a_descriptor_tells_who_receives_until_there_is_nothing() {
    bounded_model(2, || {
        let (letterbox, generation) = letterbox();
        let posters = [1, 2].map(|command| post(&letterbox, generation, command));
        let (mut inbox, mut got) = (Vec::new(), 0);
        // As `Slot::recv` that is not to wait.
        watch(&letterbox, || {
            loop {
                letterbox.process(&mut inbox);
                if inbox.is_empty() && letterbox.quieten() {
                    letterbox.process(&mut inbox);
                }
                if inbox.pop().is_none() {
                    return got == 2;
                }
                got += 1;
            }
        });
        posters.into_iter().for_each(|poster| poster.join().unwrap());
    });
}

#[test]
fn loom_what_comes_too_late_reaches_no_other_socket() {
    bounded_model(2, || {
        let (letterbox, generation) = letterbox();
        let poster = {
            let letterbox = letterbox.clone();
            loom::thread::spawn(move || letterbox.post(generation, 1).is_ok())
        };
        let waiter = {
            let letterbox = letterbox.clone();
            loom::thread::spawn(move || {
                let seen = 0;
                letterbox.park(&Arc::new(Parker::new()), seen);
            })
        };
        let left = letterbox.close();
        let next = letterbox.open_for_next();
        assert_eq!(poster.join().unwrap(), !left.is_empty());
        let mut inbox = Vec::new();
        letterbox.process(&mut inbox);
        assert!(inbox.is_empty());
        waiter.join().unwrap();
        // A waiter that was on its way out counts for no other socket.
        assert_eq!(letterbox.waiters.load(Ordering::Relaxed), 0);
        assert!(letterbox.post(next, 2).is_ok());
    });
}
