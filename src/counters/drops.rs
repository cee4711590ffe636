//! Messages that a socket drops, by cause; owned by whoever holds the socket.
//!
//! The trace says the first of a cause at once, and then how many there were no
//! more than once a second, so that a flood of drops is no flood of lines.

use std::fmt;
use std::time::{Duration, Instant};

use crate::trace::{Area, Messages, Name, line, on};

/// Why a message is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its peer's queue is full.
    Full,
    /// Nobody has subscribed to it.
    NoSubscriber,
    /// No peer has the routing id that it names.
    Unroutable,
    /// Its peer left while it was being sent.
    Cut,
    /// It matches no subscription.
    Unsubscribed,
    /// It answers no request under way.
    Stale,
    /// It has no envelope.
    Malformed,
    /// A later one replaced it.
    Conflated,
    /// It was lost with its peer, or its connection.
    Unsent,
    /// It was not received in time.
    Unread,
}

/// How many there are.
const CAUSES: usize = 10;
/// Lines of one cause are so far apart at least.
const PAUSE: Duration = Duration::from_secs(1);

/// What was dropped.
#[derive(Default)]
pub(crate) struct Drops {
    /// What the trace calls the socket.
    pub(crate) name: Name,
    counts: [u64; CAUSES],
    told: [Told; CAUSES],
}

/// What was said of a cause.
#[derive(Clone, Copy, Default)]
struct Told {
    count: u64,
    last: Option<Instant>,
}

impl Drops {
    /// For the socket of this name.
    pub(crate) fn new(name: Name) -> Drops {
        Drops { name, ..Drops::default() }
    }

    /// Messages dropped for this cause.
    pub(crate) fn count(&self, cause: Cause) -> u64 {
        self.counts[cause as usize]
    }

    /// Counts messages that are dropped. `peer`: whose they are, where that is
    /// somebody's.
    #[cold]
    #[inline(never)]
    pub(crate) fn note(&mut self, cause: Cause, messages: u64, peer: Option<&str>) {
        self.counts[cause as usize] += messages;
        if on(Area::Drop) && messages > 0 {
            self.tell(cause, peer);
        }
    }

    fn tell(&mut self, cause: Cause, peer: Option<&str>) {
        let now = Instant::now();
        let told = &mut self.told[cause as usize];
        if told.last.is_some_and(|last| now.duration_since(last) < PAUSE) {
            return;
        }
        let all = self.counts[cause as usize];
        let news = all - std::mem::replace(&mut told.count, all);
        told.last = Some(now);
        let (name, so_far) = (self.name, SoFar { news, all });
        match peer {
            Some(peer) => line(Area::Drop, format_args!("{name}: {so_far}, for {peer}: {cause}")),
            None => line(Area::Drop, format_args!("{name}: {so_far}: {cause}")),
        }
    }
}

struct SoFar {
    news: u64,
    all: u64,
}

impl fmt::Display for SoFar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dropped {}", Messages(self.news as usize))?;
        if self.all > self.news { write!(f, " ({} in all)", self.all) } else { Ok(()) }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Full => "the queue is full (ZMQ_SNDHWM, and the peer's ZMQ_RCVHWM)",
            Cause::NoSubscriber => "nobody has subscribed to it",
            Cause::Unroutable => "no peer has the routing id that it names",
            Cause::Cut => "the peer left in the midst of it",
            Cause::Unsubscribed => "it matches no subscription",
            Cause::Stale => "it answers no request under way",
            Cause::Malformed => "it has no envelope (an empty frame in front)",
            Cause::Conflated => "a later one replaced it (ZMQ_CONFLATE)",
            Cause::Unsent => "the connection or the peer is gone",
            Cause::Unread => "it was not received before the end",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_a_count_of_its_own() {
        let mut drops = Drops::default();
        drops.note(Cause::Full, 2, None);
        drops.note(Cause::Unread, 1, Some("tcp://127.0.0.1:5555"));
        drops.note(Cause::Full, 1, None);
        assert_eq!((drops.count(Cause::Full), drops.count(Cause::Unread)), (3, 1));
        assert_eq!(drops.count(Cause::Stale), 0);
        assert_eq!(Cause::Unread as usize, CAUSES - 1);
    }
}
