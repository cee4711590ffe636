//! The reactors of a context and their threads.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Reactor, Source};
use crate::error::{Errno, Result};
use crate::sync::{FutexMutex, Thread, prepare_fences};

/// What a background thread is set up with.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    /// Goes before the thread's name (`ZMQ_THREAD_NAME_PREFIX`).
    pub(crate) name_prefix: String,
    /// Scheduling policy and priority; -1 leaves them alone.
    pub(crate) sched_policy: i32,
    /// See `sched_policy`.
    pub(crate) priority: i32,
    /// Processors to run on; empty leaves them alone.
    pub(crate) cpus: Vec<usize>,
}

/// The reactors of a context. Threads start with [`ReactorPool::start`] and end
/// with [`ReactorPool::stop`].
pub(crate) struct ReactorPool {
    reactors: Vec<Arc<Reactor>>,
    threads: FutexMutex<Vec<Thread>>,
}

impl ReactorPool {
    /// Makes `count` reactors and starts their threads. `on_failure` runs on an
    /// I/O thread that had to be given up.
    pub(crate) fn start(
        count: usize,
        settings: &Settings,
        on_failure: impl Fn() + Send + Sync + Clone + 'static,
    ) -> Result<ReactorPool> {
        // While there is but one thread, which spares the kernel a wait for all cores:
        // some milliseconds, that the first connection would take longer.
        prepare_fences();
        let mut pool = ReactorPool { reactors: Vec::new(), threads: FutexMutex::new(Vec::new()) };
        for index in 0..count {
            let reactor = Arc::new(Reactor::new()?);
            pool.reactors.push(reactor.clone());
            let settings = settings.clone();
            let on_failure = on_failure.clone();
            let name = format!("{}ZMQbg/IO/{index}", settings.name_prefix);
            let thread = Thread::spawn(&name, move || {
                apply(&settings);
                if reactor.run().is_err() {
                    on_failure();
                }
            });
            match thread {
                Ok(thread) => pool.threads.lock().push(thread),
                Err(_) => {
                    pool.stop();
                    return Err(Errno::EAGAIN);
                }
            }
        }
        Ok(pool)
    }

    /// The least loaded reactor that `affinity` permits (`ZMQ_AFFINITY`; 0: any).
    pub(crate) fn choose(&self, affinity: u64) -> Option<Arc<Reactor>> {
        let permitted = |i: usize| affinity == 0 || (i < 64 && affinity & (1 << i) != 0);
        let reactors = self.reactors.iter().enumerate().filter(|(i, _)| permitted(*i));
        reactors.min_by_key(|(_, reactor)| reactor.load()).map(|(_, reactor)| reactor.clone())
    }

    /// Ends the threads and waits for them; not for one that sleeps and cannot be
    /// woken, since the program closed the descriptor for it.
    pub(crate) fn stop(&self) {
        for reactor in &self.reactors {
            reactor.stop();
        }
        for (thread, reactor) in self.threads.lock().drain(..).zip(&self.reactors) {
            if reactor.waker.is_lost() && !ends_soon(&thread) {
                // It ends when it wakes up; what it uses is its own.
                continue;
            }
            thread.join();
        }
        for reactor in &self.reactors {
            reactor.release();
        }
    }

    /// In a forked child: closes the child's copies of the descriptors and
    /// touches nothing else, since poll sets and connections are shared with
    /// the parent, whose threads may have been in the midst of anything.
    pub(crate) fn abandon(&self) {
        for reactor in &self.reactors {
            reactor.abandon();
        }
    }

    /// Has every source say why it is still there.
    pub(crate) fn explain(&self) {
        self.each_source(|source| source.explain());
    }

    /// The context has failed: ends everything, without lingering.
    pub(crate) fn give_up(&self) {
        self.each_source(|source| source.give_up());
    }

    /// Calls `f` for every source, with no lock held.
    fn each_source(&self, f: impl Fn(Arc<dyn Source>)) {
        for reactor in &self.reactors {
            let sources: Vec<_> = reactor.sources.lock().iter().flatten().cloned().collect();
            sources.into_iter().for_each(&f);
        }
    }
}

impl Reactor {
    fn abandon(&self) {
        let sources = self.sources.try_lock().map(|mut s| std::mem::take(&mut *s));
        for source in sources.into_iter().flatten().flatten() {
            if let Some(fd) = source.inherited_fd() {
                close(fd);
            }
            // Its memory may be half changed; it is only let go of.
            std::mem::forget(source);
        }
        self.registrar.inherited_fds().into_iter().for_each(close);
        close(self.waker.raw());
    }

    /// Breaks the cycles between the reactor and its sources.
    fn release(&self) {
        let sources = self.sources.try_lock().map(|mut s| std::mem::take(&mut *s));
        let queued = self.run_queue.try_lock().map(|mut q| std::mem::take(&mut *q));
        drop((sources, queued));
    }
}

/// How long to wait for a thread that maybe nobody can wake.
const PATIENCE: Duration = Duration::from_secs(1);

fn ends_soon(thread: &Thread) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !thread.has_ended() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    thread.has_ended()
}

fn close(fd: RawFd) {
    // SAFETY: a plain system call on a descriptor nobody else closes.
    unsafe { libc::close(fd) };
}

/// The nice value of threads that are to go before others.
const NICEST_PRIORITY: libc::c_int = -20;

/// Applies what the context asks of its threads. What the system refuses (a
/// priority without the permission for it) is left as it was.
fn apply(settings: &Settings) {
    // SAFETY: plain calls on the current thread with values of our own.
    unsafe {
        let mut policy = 0;
        let mut param: libc::sched_param = std::mem::zeroed();
        let this = libc::pthread_self();
        if (settings.sched_policy >= 0 || settings.priority >= 0)
            && libc::pthread_getschedparam(this, &mut policy, &mut param) == 0
        {
            if settings.sched_policy >= 0 {
                policy = settings.sched_policy;
            }
            if matches!(policy, libc::SCHED_FIFO | libc::SCHED_RR) {
                param.sched_priority = settings.priority.max(0);
            } else if settings.priority >= 0 {
                // Others have no priority; libzmq makes the thread as little
                // nice as can be, whatever number was given.
                libc::setpriority(libc::PRIO_PROCESS, 0, NICEST_PRIORITY);
            }
            libc::pthread_setschedparam(this, policy, &param);
        }
        if !settings.cpus.is_empty() {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            for cpu in settings.cpus.iter().filter(|c| **c < libc::CPU_SETSIZE as usize) {
                libc::CPU_SET(*cpu, &mut set);
            }
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
        }
    }
}
