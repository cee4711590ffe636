//! A connection that is fed as a session feeds it, and watched: what it holds
//! before it is ready, that it keeps to the contract of its inbox, that an
//! error is the end.

use std::sync::Arc;
use std::time::Instant;

use zmq::message::{Message, Role};
use zmq::zmtp::{Config, Connection, Event, Inbox, ProtocolError, zap::Answer};

use crate::Cuts;
use crate::memory::live;

/// The most that a connection holds for a peer that is not known yet.
const MOST_BEFORE_READY: isize = 64 * 1024;
/// More than any peer may make a connection say in one go.
const MOST_OUTPUT: usize = 64 * 1024;

/// A frame as the inbox saw it.
pub type Frame = (Role, bool, Vec<u8>);

/// What became of a stream.
#[derive(Debug, Default, PartialEq)]
pub struct Seen {
    pub frames: Vec<Frame>,
    pub events: Vec<Event>,
    pub error: Option<ProtocolError>,
    /// All that the connection has said.
    pub output: Vec<u8>,
}

/// A connection under test.
pub struct Tested {
    connection: Connection,
    now: Instant,
    cuts: Cuts,
    /// Read into the body under way, where there is one.
    direct: bool,
    /// What came and was not taken, from `taken` on.
    waiting: Vec<u8>,
    taken: usize,
    sink: Sink,
    /// What the connection holds, as measured around each call.
    held: isize,
    heard: usize,
    is_met: bool,
    /// A question to the authenticator has no answer yet.
    asks: bool,
    pub seen: Seen,
}

impl Tested {
    /// A new connection, which is fed in pieces.
    pub fn new(config: &Arc<Config>, cuts: Cuts) -> Tested {
        let seen = Seen::default();
        let now = Instant::now();
        let before = live();
        let connection = Connection::new(Arc::clone(config), now);
        let held = live() - before + size_of::<Connection>() as isize;
        let sink = Sink::default();
        let waiting = Vec::new();
        let mut tested = Tested {
            connection,
            now,
            cuts,
            direct: false,
            waiting,
            taken: 0,
            sink,
            held,
            heard: 0,
            is_met: false,
            asks: false,
            seen,
        };
        tested.look();
        tested
    }

    /// Bodies are read into straight, and the inbox has room for one message
    /// at a time.
    pub fn cramped(mut self) -> Tested {
        self.direct = true;
        self.sink.cramped = true;
        self
    }

    /// The peer says this.
    pub fn say(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && self.seen.error.is_none() {
            let piece = self.cuts.next(rest.len());
            self.waiting.extend_from_slice(&rest[..piece]);
            rest = &rest[piece..];
            self.pump();
        }
    }

    /// The peer says this, and nothing cuts it: what another target cuts everywhere.
    pub fn say_whole(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        self.pump();
    }

    /// The authenticator says this.
    pub fn answer(&mut self, answer: &Answer<'_>) {
        self.asks = false;
        if self.seen.error.is_some() {
            return;
        }
        let before = live();
        let answered = self.connection.answer(self.now, answer);
        self.held += live() - before;
        self.note(answered.map(|()| 0));
        self.look();
        self.pump();
    }

    /// What the connection has said since the last call.
    pub fn hear(&mut self) -> Vec<u8> {
        let heard = self.seen.output[self.heard..].to_vec();
        self.heard = self.seen.output.len();
        heard
    }

    pub fn is_ready(&self) -> bool {
        self.connection.is_ready()
    }

    /// Whether an authenticator was asked and has not answered yet.
    pub fn asks(&self) -> bool {
        self.asks && self.seen.error.is_none()
    }

    /// What the connection would send. Nothing once it has failed.
    pub fn encode(&mut self, message: &Message, out: &mut Vec<u8>) {
        if self.is_ready() {
            self.connection.encode(message, out).expect("a message can be encoded");
        }
    }

    /// Feeds what waits, as far as it is taken.
    fn pump(&mut self) {
        while self.seen.error.is_none() && self.taken < self.waiting.len() {
            let waiting = &self.waiting[self.taken..];
            let was_ready = self.is_ready();
            let before = live();
            let taken = match self.connection.body_target().filter(|_| self.direct) {
                Some(place) => {
                    let taken = place.len().min(waiting.len());
                    place[..taken].copy_from_slice(&waiting[..taken]);
                    let received = self.connection.body_received(self.now, taken, &mut self.sink);
                    received.map(|()| taken)
                }
                None => self.connection.receive(self.now, waiting, &mut self.sink),
            };
            self.held += live() - before;
            let taken = self.note(taken);
            let goes_on = self.look();
            self.taken += taken;
            if taken == 0 && !goes_on && self.is_ready() == was_ready && !self.sink.make_room() {
                return;
            }
        }
        self.waiting.clear();
        self.taken = 0;
    }

    /// Keeps an error, which must be the end.
    fn note(&mut self, outcome: Result<usize, ProtocolError>) -> usize {
        let error = match outcome {
            Ok(taken) => {
                assert!(taken <= self.waiting.len() - self.taken);
                return taken;
            }
            Err(error) => error,
        };
        let again = self.connection.receive(self.now, b"x", &mut self.sink);
        assert_eq!(again, Err(error.clone()));
        assert!(self.connection.body_target().is_none() && !self.is_ready());
        assert!(!error.to_string().is_empty());
        self.seen.error = Some(error);
        0
    }

    /// Takes what the connection has to tell, and runs what blocks: says whether
    /// there was such a thing.
    fn look(&mut self) -> bool {
        if self.connection.has_output() {
            self.take_output();
        }
        let before = live();
        let mut blocks = false;
        if let Some(event) = self.connection.poll_event() {
            self.seen.events.push(event.clone());
            let copied = live() - before;
            blocks = event == Event::Blocks;
            self.note_event(&event);
            drop(event);
            self.held += live() - before - copied;
        }
        if !self.is_met {
            assert!(self.sink.frames.is_empty(), "a message of a stranger");
            assert!(self.seen.error.is_some() || !self.is_ready());
            let held = self.held;
            assert!(held <= MOST_BEFORE_READY, "{held} bytes for a stranger");
        }
        self.seen.frames.append(&mut self.sink.frames);
        if blocks {
            self.run_errand();
        }
        blocks
    }

    /// Meanwhile nothing is read.
    fn run_errand(&mut self) {
        let before = live();
        let errand = self.connection.errand().expect("what blocks");
        assert!(self.connection.errand().is_none());
        assert_eq!(self.connection.receive(self.now, b"x", &mut self.sink), Ok(0));
        let ran = self.connection.ran(self.now, errand.run());
        self.held += live() - before;
        self.note(ran.map(|()| 0));
        self.look();
    }

    fn take_output(&mut self) {
        let before = live();
        let mut output = Vec::new();
        self.connection.take_output(&mut output);
        self.held += live() - before - output.capacity() as isize;
        assert!(!self.connection.has_output());
        self.seen.output.append(&mut output);
        assert!(self.seen.output.len() < MOST_OUTPUT, "says too much");
    }

    fn note_event(&mut self, event: &Event) {
        self.asks |= matches!(event, Event::Ask(_));
        if matches!(event, Event::Ready(_)) {
            assert!(!self.is_met, "ready twice");
            assert!(self.seen.frames.is_empty() && self.sink.frames.is_empty());
            self.is_met = true;
        }
    }
}

/// An inbox that holds its connection to the contract.
#[derive(Default)]
struct Sink {
    frames: Vec<Frame>,
    /// Room for a message is made only when it was missed.
    cramped: bool,
    full: bool,
    asked: bool,
    in_message: bool,
}

impl Sink {
    /// Says whether that helps.
    fn make_room(&mut self) -> bool {
        std::mem::take(&mut self.full)
    }
}

impl Inbox for Sink {
    fn has_room(&mut self) -> bool {
        assert!(!self.in_message, "asked for room within a message");
        self.asked = !self.full;
        self.asked
    }

    fn push(&mut self, message: Message) {
        let more = message.more();
        match message.role() {
            Role::Peer => {}
            role => {
                assert!(self.asked || self.in_message, "nobody asked for room");
                if role == Role::Data {
                    self.in_message = more;
                }
                if !self.in_message {
                    self.asked = false;
                    self.full = self.cramped;
                }
            }
        }
        self.frames.push((message.role(), more, message.data().to_vec()));
    }
}
