//! Host names are looked up on helper threads, so that a slow name service
//! stalls no connection but the one that waits for it. A thread lives while
//! there are names to look up; at most `LOOKUPS_MAX` run at a time, the rest
//! wait their turn. Every context has its own resolver: a forked child makes
//! a new one with its own context and never meets a lock or a thread that
//! stayed behind in the parent.

use super::endpoint::TcpAddress;
use super::lookup::{self, Target};
use crate::error::{Errno, Result};
use crate::sync::Helpers;

/// How many names one context looks up at the same time.
const LOOKUPS_MAX: usize = 4;
/// What the helper threads are called, beside `ZMQbg/IO/0` and its like.
const THREAD_NAME: &str = "ZMQbg/Resolver";

/// Looks up host names for the connecting sessions of one context. Dropping
/// it lets lookups under way finish; those still waiting for a thread are
/// made, too.
#[derive(Clone)]
pub struct Resolver {
    helpers: Helpers<Lookup>,
}

struct Lookup {
    address: TcpAddress,
    ipv6: bool,
    done: Box<dyn FnOnce(Result<Target>) + Send>,
}

impl Resolver {
    /// A resolver without threads.
    pub fn new() -> Resolver {
        let work = |lookup: Lookup| {
            (lookup.done)(lookup::target(&lookup.address, lookup.ipv6));
        };
        Resolver { helpers: Helpers::new(THREAD_NAME, LOOKUPS_MAX, work) }
    }

    /// Resolves the address and calls `done` exactly once: before this
    /// returns when no name service is needed (numbers, interface names,
    /// malformed addresses) or no thread can be had (EAGAIN), else on a
    /// helper thread. `done` must not block. Errors: EINVAL for a malformed
    /// port or scope, ENODEV for a host that is not known, now.
    pub fn resolve(
        &self,
        address: &TcpAddress,
        ipv6: bool,
        done: impl FnOnce(Result<Target>) + Send + 'static,
    ) {
        match lookup::target_at_once(address, ipv6) {
            Ok(Some(target)) => return done(Ok(target)),
            Ok(None) => {}
            Err(error) => return done(Err(error)),
        }
        let lookup = Lookup { address: address.clone(), ipv6, done: Box::new(done) };
        if let Err(lost) = self.helpers.hand(lookup) {
            lost.into_iter().for_each(|lookup| (lookup.done)(Err(Errno::EAGAIN)));
        }
    }
}

impl Default for Resolver {
    fn default() -> Resolver {
        Resolver::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::resume_unwind;
    use std::sync::mpsc;
    use std::time::Duration;

    fn ask(resolver: &Resolver, text: &str) -> mpsc::Receiver<(Result<Target>, String)> {
        let (tell, answer) = mpsc::channel();
        resolver.resolve(&TcpAddress(text.to_owned()), false, move |result| {
            let thread = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
            tell.send((result, thread)).unwrap();
        });
        answer
    }

    #[test]
    fn numbers_are_answered_before_resolve_returns() {
        let (target, _) = ask(&Resolver::new(), "127.0.0.1:5").try_recv().unwrap();
        assert_eq!(target.unwrap().addresses, ["127.0.0.1:5".parse().unwrap()]);
        let (target, _) = ask(&Resolver::new(), "127.0.0.1:abc").try_recv().unwrap();
        assert_eq!(target, Err(Errno::EINVAL));
    }

    #[test]
    fn names_are_answered_on_a_helper_thread_and_threads_end() {
        let resolver = Resolver::new();
        let answers: Vec<_> = (0..20).map(|_| ask(&resolver, "localhost:5")).collect();
        for answer in answers {
            let (target, thread) = answer.recv_timeout(Duration::from_secs(10)).unwrap();
            assert_eq!(target.unwrap().addresses, ["127.0.0.1:5".parse().unwrap()]);
            assert_eq!(thread.trim_end(), THREAD_NAME);
        }
        for _ in 0..1000 {
            if resolver.helpers.threads() == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("helper threads stay");
    }

    #[test]
    fn a_panicking_callback_harms_no_other_lookup() {
        let resolver = Resolver::new();
        for _ in 0..2 * LOOKUPS_MAX {
            let address = TcpAddress("localhost:5".to_owned());
            resolver.resolve(&address, false, |_| resume_unwind(Box::new("its own fault")));
        }
        let answer = ask(&resolver, "localhost:5");
        assert!(answer.recv_timeout(Duration::from_secs(10)).is_ok());
    }
}
