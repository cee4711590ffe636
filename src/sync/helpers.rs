//! Threads for what may block, beside those that carry messages: a few at most, made
//! when there is work, gone when there is none. Whoever makes them owns them: a
//! forked child begins with new ones and never meets a lock or a thread that stayed
//! behind in its parent.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{FutexMutex, Thread};

/// Threads that do jobs of one kind. Dropping the last clone lets what is under way
/// finish; jobs still waiting for a thread are done, too.
pub(crate) struct Helpers<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    /// What the threads are called.
    name: &'static str,
    /// How many there may be.
    most: usize,
    work: fn(T),
    state: FutexMutex<State<T>>,
}

struct State<T> {
    threads: usize,
    waiting: VecDeque<T>,
}

impl<T> Clone for Helpers<T> {
    fn clone(&self) -> Helpers<T> {
        Helpers { shared: self.shared.clone() }
    }
}

impl<T: Send + 'static> Helpers<T> {
    /// No threads yet, and later `most` that do `work` with each job. A job that
    /// panics is lost alone; the thread's panic message has told of it.
    pub(crate) fn new(name: &'static str, most: usize, work: fn(T)) -> Helpers<T> {
        let state = FutexMutex::new(State { threads: 0, waiting: VecDeque::new() });
        Helpers { shared: Arc::new(Shared { name, most, work, state }) }
    }

    /// Hands a job over. Gives back what will never be done, this job among it, when
    /// no thread can be had.
    pub(crate) fn hand(&self, job: T) -> Result<(), VecDeque<T>> {
        let mut state = self.shared.state.lock();
        state.waiting.push_back(job);
        if state.threads == self.shared.most {
            return Ok(());
        }
        state.threads += 1;
        drop(state);
        let shared = self.shared.clone();
        if Thread::spawn(shared.name, move || shared.do_all()).is_ok() {
            return Ok(());
        }
        let mut state = self.shared.state.lock();
        state.threads -= 1;
        // Other threads, if there are any, will come to what waits.
        if state.threads == 0 { Err(std::mem::take(&mut state.waiting)) } else { Ok(()) }
    }

    /// How many threads there are.
    #[cfg(test)]
    pub(crate) fn threads(&self) -> usize {
        self.shared.state.lock().threads
    }
}

impl<T> Shared<T> {
    /// Does jobs until none waits.
    fn do_all(&self) {
        loop {
            let mut state = self.state.lock();
            let Some(job) = state.waiting.pop_front() else {
                state.threads -= 1;
                return;
            };
            drop(state);
            let _ = catch_unwind(AssertUnwindSafe(|| (self.work)(job)));
        }
    }
}
