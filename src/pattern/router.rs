//! ROUTER (RFC 28): each peer has a routing id. Received messages begin with
//! the id of the peer they came from; the first frame of a sent message says
//! which peer it goes to.
//!
//! A peer is unknown until its id has come. One without an id of its own is
//! given one of five bytes, the first zero. One whose id is taken waits,
//! unheard, until the id is free; with `ZMQ_ROUTER_HANDOVER` it takes over, and
//! what its predecessor had sent is received first.
//!
//! With `ZMQ_ROUTER_RAW` peers are known from the start, by ids of ours; a
//! message to one has a single frame behind the id, and an empty one closes it.

use std::collections::HashSet;

use super::Pattern;
use super::inheritance::{Inheritance, envelope};
use super::peers::Peers;
use super::waiting::Waiting;
use crate::counters::Cause;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::options::PatternOption;
use crate::pipe::{Key, PipeSet};
use crate::routing::FairQueue;

/// See the file's head.
#[derive(Default)]
pub(super) struct Router {
    input: FairQueue,
    peers: Peers,
    /// Peers whose id has not come.
    unknown: HashSet<Key>,
    /// Peers whose id is taken, by that id.
    waiting: Waiting,
    /// The id of a message that was fetched to see whether there is one: it is
    /// the next to be received, whatever comes of its peer.
    looked_at: Option<Message>,
    inheritance: Inheritance,
    /// A frame that waits behind its routing id.
    held: Option<Message>,
    /// The frames of a message are being received.
    in_message: bool,
    sending: Sending,
    mandatory: bool,
    handover: bool,
    probe: bool,
    raw: bool,
    /// Of what the user is told: `NOTIFY_CONNECT`, `NOTIFY_DISCONNECT`.
    #[cfg(feature = "draft")]
    notify: i32,
}

/// `ZMQ_NOTIFY_CONNECT`.
#[cfg(feature = "draft")]
const NOTIFY_CONNECT: i32 = 1;
/// `ZMQ_NOTIFY_DISCONNECT`.
#[cfg(feature = "draft")]
const NOTIFY_DISCONNECT: i32 = 2;

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Sending {
    /// The next frame names a peer.
    #[default]
    Between,
    /// The frames of a message go to this peer.
    Within(Key),
    /// The frames of a message go nowhere.
    Dropping,
}

impl Router {
    /// Takes back an envelope that no reply follows.
    pub(super) fn rollback(&mut self, pipes: &mut PipeSet) {
        if let Sending::Within(key) = self.sending
            && let Some(pipe) = pipes.pipe(key)
        {
            pipe.rollback();
        }
        self.sending = Sending::Between;
    }

    /// Makes a peer known under its id, if that has come and is free.
    fn identify(&mut self, pipes: &mut PipeSet, key: Key) {
        // The id is at the head of what there is to read.
        pipes.can_read(key);
        let id = pipes.pipe(key).and_then(|pipe| pipe.routing_id().map(Box::<[u8]>::from));
        let Some(id) = id else { return };
        let id = if id.is_empty() { self.peers.automatic_id() } else { id };
        if let Some(holder) = self.peers.key(&id) {
            if !self.handover {
                self.unknown.remove(&key);
                self.waiting.add(id, key);
                return;
            }
            // That of which the user has some frames is kept by the queue.
            self.input.keep_rest(pipes, holder);
            self.inheritance.take(pipes, holder, &id);
            self.forget(pipes, holder);
            // What it was sent goes on its way, for as long as this socket lets it.
            pipes.shut(holder);
        }
        self.unknown.remove(&key);
        self.learn(key, id);
    }

    /// Makes a peer known; its id must be free.
    fn learn(&mut self, key: Key, id: Box<[u8]>) {
        #[cfg(feature = "draft")]
        self.notify_of(NOTIFY_CONNECT, &id);
        self.peers.learn(key, id);
    }

    /// Has the user told of a peer, if he wants to know (`ZMQ_ROUTER_NOTIFY`): by a
    /// message of its id and an empty frame.
    #[cfg(feature = "draft")]
    fn notify_of(&mut self, what: i32, id: &[u8]) {
        if self.notify & what != 0 {
            self.inheritance.add_notice(id);
        }
    }

    /// Forgets a peer. Returns the id that is free now.
    fn forget(&mut self, pipes: &mut PipeSet, key: Key) -> Option<Box<[u8]>> {
        self.input.remove(pipes, key);
        if self.sending == Sending::Within(key) {
            pipes.dropped(Cause::Cut, 1, Some(key));
            self.sending = Sending::Dropping;
        }
        let id = self.peers.forget(key)?;
        #[cfg(feature = "draft")]
        self.notify_of(NOTIFY_DISCONNECT, &id);
        Some(id)
    }

    /// Closes a peer's connection, once what it was sent has gone.
    fn close(&mut self, pipes: &mut PipeSet, key: Key) {
        if let Some(id) = self.forget(pipes, key) {
            pipes.shut(key);
            self.give_away(pipes, id);
        }
    }

    /// An id is free: whoever has waited longest for it may have it.
    fn give_away(&mut self, pipes: &mut PipeSet, id: Box<[u8]>) {
        if let Some(next) = self.waiting.next(&id) {
            self.learn(next, id);
            self.readable(pipes, next);
        }
    }

    /// A peer that waited for its id is gone.
    fn stop_waiting(&mut self, pipes: &mut PipeSet, key: Key) {
        if let Some(id) = pipes.pipe(key).and_then(|pipe| pipe.routing_id()) {
            self.waiting.remove(id, key);
        }
    }

    /// Names the peer of the message that begins.
    fn address(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        // An id without a message behind it goes nowhere.
        if message.more() {
            self.sending = match self.peers.key(message.data()) {
                Some(key) if pipes.can_write(key) => Sending::Within(key),
                Some(key) if self.mandatory => {
                    let gone = pipes.pipe(key).is_none_or(|pipe| pipe.peer_closed());
                    return Err(if gone { Errno::EHOSTUNREACH } else { Errno::EAGAIN });
                }
                None if self.mandatory => return Err(Errno::EHOSTUNREACH),
                key => {
                    let cause = if key.is_some() { Cause::Full } else { Cause::Unroutable };
                    pipes.dropped(cause, 1, key);
                    Sending::Dropping
                }
            };
        }
        drop(std::mem::take(message));
        Ok(())
    }
}

impl Pattern for Router {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, connected: bool) -> bool {
        // To a raw peer an empty message is nothing.
        if self.probe && !self.raw {
            pipes.greet(key, &mut Message::new());
        }
        match self.peers.take_name(connected) {
            Some(id) if self.peers.key(&id).is_some() => return false,
            Some(id) => self.learn(key, id),
            None if self.raw => {
                let id = self.peers.automatic_id();
                self.learn(key, id);
            }
            None => {
                self.unknown.insert(key);
                self.readable(pipes, key);
            }
        }
        true
    }

    fn readable(&mut self, pipes: &mut PipeSet, key: Key) {
        if self.unknown.contains(&key) {
            self.identify(pipes, key);
        }
        // One that waits for its id is not heard.
        if self.hears(key) {
            self.input.readable(key);
        }
    }

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn hears(&self, key: Key) -> bool {
        self.peers.id(key).is_some()
    }

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        if self.unknown.remove(&key) {
            return;
        }
        match self.forget(pipes, key) {
            Some(id) => self.give_away(pipes, id),
            None => self.stop_waiting(pipes, key),
        }
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        if self.raw && self.sending != Sending::Between {
            // ZMQ_SNDMORE means nothing to a stream of bytes.
            message.set_more(false);
        }
        let more = message.more();
        match self.sending {
            Sending::Between => return self.address(pipes, message),
            Sending::Within(key) if self.raw && message.is_empty() => self.close(pipes, key),
            Sending::Within(key) => pipes.push(key, message),
            Sending::Dropping => drop(std::mem::take(message)),
        }
        if !more {
            self.sending = Sending::Between;
        }
        Ok(())
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        if let Some(first) = self.looked_at.take() {
            *message = first;
            return Ok(());
        }
        if let Some(held) = self.held.take() {
            self.in_message = held.more();
            *message = held;
            return Ok(());
        }
        if !self.input.is_reading()
            && let Some(frame) = self.inheritance.pop()
        {
            self.in_message = frame.more();
            *message = frame;
            return Ok(());
        }
        // Whoever receives the body may ask for what this call's caller cannot.
        pipes.with_metadata |= !self.in_message;
        let key = self.input.recv(pipes, message).ok_or(Errno::EAGAIN)?;
        if self.in_message {
            self.in_message = message.more();
            return Ok(());
        }
        let first = envelope(self.peers.id(key).unwrap_or_default(), message)?;
        self.held = Some(std::mem::replace(message, first));
        self.in_message = true;
        Ok(())
    }

    fn source(&self) -> Option<Key> {
        let fetched = self.held.is_some() || self.looked_at.is_some();
        if fetched || !self.inheritance.is_empty() { None } else { self.input.sole() }
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        if self.held.is_some() {
            return true;
        }
        if self.in_message {
            return !self.inheritance.is_empty() || self.input.has_input(pipes);
        }
        let mut first = Message::new();
        if self.recv(pipes, &mut first).is_ok() {
            self.looked_at = Some(first);
        }
        self.looked_at.is_some()
    }

    fn has_output(&mut self, pipes: &mut PipeSet) -> bool {
        if !self.mandatory {
            return true;
        }
        self.peers.any_can_write(pipes)
    }

    #[cfg(feature = "draft")]
    fn peer_state(&mut self, pipes: &mut PipeSet, id: &[u8]) -> Result<u32> {
        let key = self.peers.key(id).ok_or(Errno::EHOSTUNREACH)?;
        let readable = pipes.pipe(key).is_some_and(|pipe| pipe.can_read());
        let writable = pipes.can_write(key);
        Ok(u32::from(readable) | u32::from(writable) << 1)
    }

    fn set(&mut self, option: PatternOption<'_>) -> Result<()> {
        match option {
            PatternOption::RouterMandatory(mandatory) => self.mandatory = mandatory,
            PatternOption::RouterHandover(handover) => self.handover = handover,
            PatternOption::RouterRaw(raw) => self.raw = raw,
            PatternOption::ConnectRoutingId(id) => self.peers.name_next(id),
            PatternOption::ProbeRouter(probe) => self.probe = probe,
            #[cfg(feature = "draft")]
            PatternOption::RouterNotify(notify) => self.notify = notify,
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }
}
