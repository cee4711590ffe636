//! The shell that every socket type shares: lock, blocking and time-outs,
//! endpoints, events.
//!
//! A socket lives in a [`Slot`], memory that is recycled and never unmapped.
//! Each call takes the slot's lock, handles what has come to the mailbox, asks
//! the pattern, and lets go of the lock while it waits: so one thread may
//! block in receiving while another sends. Reactors never take the lock; they
//! post to the mailbox.

mod behind;
mod counting;
#[cfg(feature = "draft")]
mod draft;
mod endpoints;
mod inproc;
mod letterbox;
mod mailbox;
mod monitor;
mod options;
mod slot;
mod transfer;
mod wait;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use counting::say_counters_at_exit;
use endpoints::Endpoints;
pub(crate) use inproc::Registry;
use mailbox::{Command, Port};
pub(crate) use monitor::MonitorFormat;
use monitor::Monitoring;
pub(crate) use slot::{ARENA, Slot};
pub(crate) use transfer::Blocking;
pub(crate) use wait::{Following, Watch, lead_for, park_on, parker};

use crate::counters::Tally;
use crate::error::{Errno, Result};
use crate::gssapi::Negotiators;
use crate::options::{ContextOptions, SocketOptions};
use crate::pattern::{Pattern, pattern};
use crate::pipe::{Key, Pipe, PipeSet, signal};
use crate::reactor::{Reactor, ReactorPool};
use crate::session::Lease;
use crate::socket_type::SocketType;
use crate::trace::{Area, Name, on};
use crate::transport::{Admission, Resolver};

/// What a socket needs of its context.
#[derive(Clone)]
pub(crate) struct Home {
    /// The context's reactors.
    pub(crate) reactors: Arc<ReactorPool>,
    /// Asks the name service.
    pub(crate) resolver: Resolver,
    /// Take steps of handshakes that may block.
    pub(crate) negotiators: Negotiators,
    /// The context's inproc endpoints.
    pub(crate) inproc: Arc<Registry>,
    /// Keeps the context waiting until everything of this socket has ended.
    pub(crate) lease: Arc<dyn Lease>,
    /// Takes one of the context's places for a monitor. `EMFILE`, `ETERM`.
    pub(crate) take_place: Arc<dyn Fn() -> Result<Box<dyn Place>> + Send + Sync>,
    /// Tells the context that the socket was closed.
    pub(crate) closed: Arc<dyn Fn(&'static Slot) + Send + Sync>,
    /// Whether this process is a fork of the one that made the context.
    pub(crate) inherited: Arc<dyn Fn() -> bool + Send + Sync>,
    /// `ZMQ_MAX_MSGSZ`, where it was set.
    pub(crate) max_message_bytes: Option<u64>,
}

/// One of the places that `ZMQ_MAX_SOCKETS` counts, given back when dropped,
/// which may be on any thread, with a socket's lock held.
pub(crate) trait Place: Send + Sync {}

/// A socket, under its slot's lock.
pub(crate) struct Socket {
    /// What the trace calls it.
    name: Name,
    options: SocketOptions,
    /// Who may connect to what is bound from now on.
    admission: Admission,
    pattern: Box<dyn Pattern>,
    pipes: PipeSet,
    /// The one pipe that messages go to, and the one that they come from, as the
    /// pattern said; forgotten as soon as it may say something else.
    sole_output: Option<Key>,
    sole_input: Option<Key>,
    endpoints: Endpoints,
    last_endpoint: String,
    /// The frame received last has another one behind it.
    receive_more: bool,
    /// The frame sent last has another one behind it.
    send_more: bool,
    /// Something was sent since the last call that receives.
    sent: bool,
    /// Frames received, in all and before the last wait.
    received: u32,
    received_before: u32,
    /// What sending and receiving have to look at, in one look; bits, none for most
    /// sockets.
    watched: u8,
    /// How many frames may still pass before the end of the context is noticed.
    before_the_end: u8,
    monitoring: Arc<Monitoring>,
    /// What its sessions and listeners count.
    tally: Arc<Tally>,
    home: Home,
    port: Arc<Port>,
    /// Memory for what comes from the mailbox.
    commands: VecDeque<Command>,
    /// The reactor that a thread which waits for this socket leads.
    reactor: Option<Arc<Reactor>>,
}

impl Socket {
    fn new(name: Name, defaults: &ContextOptions, home: Home, port: Arc<Port>) -> Socket {
        let kind = name.kind;
        Socket {
            name,
            options: SocketOptions::new(kind, defaults),
            admission: Admission::default(),
            pattern: pattern(kind),
            pipes: PipeSet::new(name),
            sole_output: None,
            sole_input: None,
            endpoints: Endpoints::default(),
            last_endpoint: String::new(),
            receive_more: false,
            send_more: false,
            sent: false,
            received: 0,
            received_before: 0,
            watched: if on(Area::Msg) { TOLD } else { 0 },
            before_the_end: BEFORE_THE_END,
            monitoring: Arc::default(),
            tally: Arc::default(),
            home,
            port,
            commands: VecDeque::new(),
            reactor: None,
        }
    }

    fn kind(&self) -> SocketType {
        self.options.kind()
    }

    /// Handles what has come to the mailbox.
    #[inline]
    fn process(&mut self, slot: &Slot) {
        if slot.mailbox.has_news() {
            self.process_news(slot);
        }
    }

    /// Something happens that the pattern is to see.
    #[inline]
    fn forget_sole_pipes(&mut self) {
        self.sole_output = None;
        self.sole_input = None;
    }

    #[cold]
    fn process_news(&mut self, slot: &Slot) {
        if self.is_inherited() {
            return;
        }
        self.forget_sole_pipes();
        let mut commands = std::mem::take(&mut self.commands);
        loop {
            // Quiet first, also of what handling the news has brought: what
            // comes after the last look signals again.
            slot.mailbox.quieten();
            if !slot.mailbox.take(&mut commands) {
                break;
            }
            for command in commands.drain(..) {
                self.handle(command);
            }
        }
        if commands.capacity() <= KEEP_COMMANDS {
            self.commands = commands;
        }
        self.detach_finished();
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Signals(end) => {
                let Some(key) = self.pipes.key_of(&end) else { return };
                let signals = end.take_signals();
                if signals & (signal::WRITABLE | signal::CLOSED) != 0
                    && let Some(pipe) = self.pipes.pipe(key)
                {
                    pipe.look_again();
                }
                if signals & signal::READABLE != 0 {
                    self.pattern.readable(&mut self.pipes, key);
                }
                if signals & signal::WRITABLE != 0 {
                    self.pattern.writable(&mut self.pipes, key);
                }
                if signals & signal::CLOSED != 0 {
                    if self.pattern.hears(key) {
                        self.pipes.note_if_finished(key);
                    } else {
                        self.pipes.retire(key);
                    }
                }
            }
            Command::Attach(pipe, endpoint) => self.attach(*pipe, endpoint, false),
            Command::Terminate => self.watched |= TERMINATED,
        }
    }

    /// Takes a pipe in.
    fn attach(&mut self, mut pipe: Pipe, endpoint: Arc<str>, connected: bool) {
        let end = pipe.end();
        pipe.came_through(endpoint);
        let key = self.pipes.insert(pipe);
        if self.pattern.attach(&mut self.pipes, key, connected) {
            if let Some(id) = self.pattern.take_given_id() {
                self.options.routing_id = id.into_vec();
            }
            #[cfg(feature = "draft")]
            self.greet(key);
            end.set_owner(self.port.clone());
        } else {
            self.drop_pipe(key, Some(Duration::ZERO));
        }
    }

    /// Takes out the pipes that their peers closed and that were read.
    fn detach_finished(&mut self) {
        while let Some(key) = self.pipes.next_finished() {
            let linger = self.pattern.refuses(key).then_some(Duration::ZERO);
            self.pattern.detach(&mut self.pipes, key);
            self.drop_pipe(key, linger);
        }
    }

    /// Drops a pipe of a socket, or of a connect, that is being closed.
    fn drop_for_good(&mut self, key: Key, linger: Option<Duration>) {
        let Some(pipe) = self.pipes.pipe(key) else { return };
        if linger != Some(Duration::ZERO) && pipe.holds_unsent() {
            self.home.lease.linger();
        }
        self.drop_pipe(key, linger);
    }

    fn drop_pipe(&mut self, key: Key, linger: Option<Duration>) {
        self.forget_sole_pipes();
        self.count_lost(key);
        if let Some(pipe) = self.pipes.remove(key) {
            pipe.close(linger);
        }
    }

    /// `EINVAL` and its like are answered before; this is for calls that need
    /// a living context.
    fn check_alive(&self) -> Result<()> {
        if self.is_inherited() { Err(Errno::EINTR) } else { self.check_context() }
    }

    /// For calls that need no more of the socket than what it is set to.
    fn check_context(&self) -> Result<()> {
        if self.watched & TERMINATED != 0 { Err(Errno::ETERM) } else { Ok(()) }
    }

    /// The process is a child of the socket's: its connections are the parent's, and what
    /// is said or heard there would be missed or come twice.
    fn is_inherited(&self) -> bool {
        self.watched & INHERITED != 0
    }

    /// See [`Socket::is_inherited`].
    fn disown(&mut self) {
        self.watched |= INHERITED;
    }

    /// Whether the context ends, the trace tells of what is sent and received, or the socket
    /// is another process's.
    #[inline]
    fn is_watched(&self) -> bool {
        self.watched != 0
    }

    /// Whether sending would not block now.
    fn has_output(&mut self) -> bool {
        self.pattern.has_output(&mut self.pipes)
    }

    /// `ZMQ_EVENTS`: what would not block now.
    fn ready_events(&mut self) -> u32 {
        let mut events = 0;
        // Looking may fetch a message, which zmq_msg_recv gets afterwards.
        self.pipes.with_metadata = true;
        if self.pattern.has_input(&mut self.pipes) {
            events |= POLLIN;
        }
        if self.pattern.has_output(&mut self.pipes) {
            events |= POLLOUT;
        }
        // Looking may have read a closed pipe to its end.
        self.detach_finished();
        events
    }

    /// The end: pipes close and linger as the options say, then what listens
    /// or connects is given up.
    fn close(mut self) {
        let linger = self.options.linger;
        let counters = self.counters_to_tell();
        for key in self.pipes.keys() {
            self.drop_for_good(key, linger);
        }
        if let Some(counters) = counters {
            self.say_counters(counters);
        }
        self.endpoints.close_all(&self.home.inproc, &self.port, linger);
    }
}

/// The context was terminated or shut down.
const TERMINATED: u8 = 1;
/// The trace tells of what is sent and received.
const TOLD: u8 = 2;
/// The process that made the socket has forked, and this is its child.
const INHERITED: u8 = 4;

/// Frames that may pass before the end of the context is noticed: libzmq's receivers look
/// at every hundredth. Peers that go on sending do not keep a receiver from it.
const BEFORE_THE_END: u8 = 99;
/// Commands for which a socket keeps memory.
const KEEP_COMMANDS: usize = 64;

/// `ZMQ_POLLIN`.
pub(crate) const POLLIN: u32 = 1;
/// `ZMQ_POLLOUT`.
pub(crate) const POLLOUT: u32 = 2;
