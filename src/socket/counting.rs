//! What a socket has done and what it holds: its counters, and what the trace
//! says of it when it is closed, when the program ends, and while it keeps
//! `zmq_ctx_term` waiting.

use std::fmt;
use std::time::Duration;

use super::endpoints::Kind;
use super::{ARENA, Slot, Socket};
use crate::counters::{Cause, Counters, OPTION};
use crate::error::{Errno, Result};
use crate::pipe::Key;
use crate::sync::{Ordering, fork_generation};
use crate::trace::{Area, Messages, line, on, say};

/// See [`Counters::version`].
const VERSION: u32 = 1;

/// Whether the option is that of the counters.
pub(super) fn is_counters(option: i32) -> bool {
    option == OPTION
}

impl Slot {
    /// Says of the socket, for whoever waits for its end, what it is and holds.
    pub(crate) fn say_that_it_is_open(&self) {
        if let Some(core) = self.try_lock()
            && let Some(socket) = &*core
        {
            line(Area::Term, format_args!("{} is not closed: {}", socket.name, Holdings(socket)));
        }
    }
}

/// Says what all sockets have counted that are still open: the program ends. Sockets
/// in the midst of a call say nothing.
pub(crate) fn say_counters_at_exit() {
    ARENA.each(|slot| {
        if slot.made_in.load(Ordering::Relaxed) == fork_generation()
            && let Some(mut core) = slot.try_lock()
            && let Some(socket) = &mut *core
        {
            let counters = socket.counters();
            say!(Count, "{} at exit: {}", socket.name, Told(&counters));
        }
    });
}

impl Socket {
    /// Writes as much of the counters as there is room for.
    pub(super) fn write_counters(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.counters().write(buffer).ok_or(Errno::EINVAL)
    }

    fn counters(&mut self) -> Counters {
        let passed = self.pipes.passed();
        let (mut queued_out, mut queued_in, mut replaced, mut peers) = (0, 0, 0, 0);
        for pipe in self.pipes.all() {
            let (left, conflated) = pipe.left_out();
            queued_out += left as u64;
            replaced += conflated as u64;
            queued_in += pipe.waiting() as u64;
            peers += 1;
        }
        let (drops, tally) = (&self.pipes.drops, &self.tally);
        Counters {
            size: size_of::<Counters>() as u32,
            version: VERSION,
            messages_out: passed.out,
            messages_in: passed.input,
            bytes_out: tally.bytes_out.value(),
            bytes_in: tally.bytes_in.value(),
            queued_out,
            queued_in,
            peers,
            connects: tally.connects.value(),
            reconnects: tally.reconnects.value(),
            connect_failures: tally.connect_failures.value(),
            accepts: tally.accepts.value(),
            accept_failures: tally.accept_failures.value(),
            disconnects: tally.disconnects.value(),
            handshake_failures: tally.handshake_failures.value(),
            dropped_full: drops.count(Cause::Full),
            dropped_no_subscriber: drops.count(Cause::NoSubscriber),
            dropped_unroutable: drops.count(Cause::Unroutable),
            dropped_cut: drops.count(Cause::Cut),
            dropped_unsubscribed: drops.count(Cause::Unsubscribed),
            dropped_stale: drops.count(Cause::Stale),
            dropped_malformed: drops.count(Cause::Malformed),
            dropped_conflated: drops.count(Cause::Conflated) + replaced,
            dropped_unsent: drops.count(Cause::Unsent),
            dropped_unread: drops.count(Cause::Unread),
        }
    }

    /// Counts what goes with a pipe that is about to be closed.
    pub(super) fn count_lost(&mut self, key: Key) {
        let Some(pipe) = self.pipes.pipe(key) else { return };
        let (left, replaced) = pipe.left_out();
        // What is still on its way to a peer that is there is not lost.
        let unsent = if pipe.peer_closed() { left } else { 0 };
        let unread = pipe.waiting();
        for (cause, messages) in
            [(Cause::Conflated, replaced), (Cause::Unsent, unsent), (Cause::Unread, unread)]
        {
            if messages > 0 {
                self.pipes.dropped(cause, messages as u64, Some(key));
            }
        }
    }

    /// The counters before the socket is closed, if they are wanted.
    pub(super) fn counters_to_tell(&mut self) -> Option<Counters> {
        on(Area::Count).then(|| self.counters())
    }

    /// Says what a socket has counted whose pipes were just closed.
    pub(super) fn say_counters(&self, mut counters: Counters) {
        let drops = &self.pipes.drops;
        counters.dropped_unsent = drops.count(Cause::Unsent);
        counters.dropped_unread = drops.count(Cause::Unread);
        say!(Count, "{} closed: {}", self.name, Told(&counters));
    }
}

/// Counters that are not 0.
struct Told<'a>(&'a Counters);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, value) in self.0.values().filter(|(_, value)| *value > 0) {
            write!(f, "{separator}{name} {value}")?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}

/// What an open socket has bound, connected and not sent, and how long that would
/// linger.
struct Holdings<'a>(&'a Socket);

impl fmt::Display for Holdings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let socket = self.0;
        for entry in socket.endpoints.entries() {
            let how = match entry.kind {
                Kind::Acceptor(_) | Kind::Name(_) => "bound to",
                _ => "connected to",
            };
            write!(f, "{how} {}, ", entry.text)?;
        }
        write!(f, "{} unsent, linger {}", Messages(socket.unsent()), Linger(socket.options.linger))
    }
}

impl Socket {
    fn unsent(&self) -> usize {
        self.pipes.iter().map(|pipe| pipe.left_out().0).sum()
    }
}

/// How long messages linger.
struct Linger(Option<Duration>);

impl fmt::Display for Linger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(time) => write!(f, "{} ms", time.as_millis()),
            None => f.write_str("for ever"),
        }
    }
}
