//! `zmq_socket_monitor`: events of a socket's endpoints and connections as
//! messages to a PAIR socket that connects to an inproc name.
//!
//! The monitor behaves as a bound PAIR would (or PUB or PUSH, in the draft API), but
//! is none: events come from I/O threads and from threads that hold the socket's
//! lock, and a socket's lock is taken by no reactor. It has a pattern and pipes
//! under a lock of its own, which is held for the moment of a push only. It never
//! waits: what finds no peer, or its pipe full, is dropped.

use std::sync::Arc;
use std::time::Duration;

use super::inproc::{Door, Registry, Side};
use super::{Place, Slot};
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::pattern::{Pattern, pattern};
use crate::pipe::{Pipe, PipeSet};
use crate::session::{At, Event, Watcher};
use crate::socket_type::SocketType;
use crate::sync::{AtomicU32, FutexMutex, Ordering};
use crate::trace::Name;
use crate::transport::{BindFailure, Endpoint};

/// The water marks that the monitor brings into its pipe: a PAIR's defaults.
const HWM: i32 = 1000;
/// Event numbers have so many bits.
const EVENT_BITS: u32 = 16;

/// Where events of one socket go. The socket and its sessions and listeners
/// share it; with the last of them it goes, and with it the monitor.
#[derive(Default)]
pub(super) struct Monitoring {
    /// The events that are wanted; 0 without a monitor.
    wanted: AtomicU32,
    monitor: FutexMutex<Option<Arc<Monitor>>>,
}

/// An inproc name with a peer, who is sent events.
pub(super) struct Monitor {
    /// What the trace calls it: a socket of its type.
    called: Name,
    name: String,
    inproc: Arc<Registry>,
    format: MonitorFormat,
    peers: FutexMutex<Peers>,
    /// Given back when the monitor goes.
    _place: Box<dyn Place>,
}

/// Who is sent events, and how they are spread.
struct Peers {
    pipes: PipeSet,
    pattern: Box<dyn Pattern>,
}

/// What messages of a monitor look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MonitorFormat {
    /// Two frames: event and value in 6 bytes, and the endpoint.
    V1,
    /// A frame for the event, one for the number of values, one for each, one for
    /// the local and one for the remote endpoint.
    #[cfg(feature = "draft")]
    V2,
}

impl Slot {
    /// Starts to send the socket's `events`, a mask, to whoever connects to the
    /// inproc `endpoint`; a monitor that there was ends. `None` only ends it.
    /// `EINVAL`, `EPROTONOSUPPORT`, `ENOCOMPATPROTO` (for the endpoint),
    /// `EADDRINUSE`, `EMFILE`, `ETERM`, `ENOTSOCK`; `EINVAL` for a `kind` that
    /// cannot be a monitor; `EINTR` in a forked child.
    pub(crate) fn monitor(
        &self,
        endpoint: Option<&str>,
        events: u64,
        format: MonitorFormat,
        kind: SocketType,
    ) -> Result<()> {
        let socket = self.lock()?;
        // The news stays where it is: a socket that has not heard of the end yet
        // may still stop its monitor, as with libzmq.
        socket.check_context()?;
        if format == MonitorFormat::V1 && events >> EVENT_BITS != 0 {
            return Err(Errno::EINVAL);
        }
        let name = match endpoint.map(Endpoint::parse).transpose()? {
            None => None,
            Some(Endpoint::Inproc(name)) => Some(name),
            Some(Endpoint::Udp(_)) => return Err(Errno::ENOCOMPATPROTO),
            Some(_) => return Err(Errno::EPROTONOSUPPORT),
        };
        let one_way = matches!(kind, SocketType::Pair | SocketType::Pub | SocketType::Push);
        if name.is_some() && !one_way {
            return Err(Errno::EINVAL);
        }
        if socket.is_inherited() {
            // Its monitor is the parent's, threads of which may hold what it takes to stop it.
            return if name.is_none() { Ok(()) } else { Err(Errno::EINTR) };
        }
        socket.monitoring.stop();
        let Some(name) = name else { return Ok(()) };
        let place = (socket.home.take_place)()?;
        let inproc = socket.home.inproc.clone();
        let called = Name::next(kind);
        let peers = FutexMutex::new(Peers::new(called));
        let monitor = Arc::new(Monitor { called, name, inproc, format, peers, _place: place });
        monitor.inproc.bind(&monitor.name, &monitor.side())?;
        // There are no further ones.
        socket.monitoring.start(monitor, events as u32);
        Ok(())
    }
}

/// The number of `ZMQ_EVENT_PIPES_STATS`.
#[cfg(feature = "draft")]
const PIPES_STATS: u32 = 0x10000;

#[cfg(feature = "draft")]
impl Slot {
    /// Has the monitor told how many messages wait in each pipe, to be sent and to
    /// be received. `EINVAL` without a monitor that wants to know, `EAGAIN` without
    /// pipes.
    pub(crate) fn report_queues(&self) -> Result<()> {
        let mut socket = self.lock()?;
        socket.process(self);
        socket.check_alive()?;
        let monitoring = socket.monitoring.clone();
        let monitor = monitoring.monitor.lock();
        let wanted = monitoring.wanted.load(Ordering::Relaxed) & PIPES_STATS != 0;
        let monitor = monitor.as_ref().filter(|_| wanted).ok_or(Errno::EINVAL)?;
        let keys = socket.pipes.keys();
        if keys.is_empty() {
            return Err(Errno::EAGAIN);
        }
        for key in keys {
            let endpoint = socket.pipes.endpoint(key).cloned().unwrap_or_default();
            let connected = socket.endpoints.connects_to(&endpoint);
            let Some(pipe) = socket.pipes.pipe(key) else { continue };
            let queues = [pipe.unread() as u64, pipe.waiting() as u64];
            let at = if connected { At::Remote(&endpoint) } else { At::Local(&endpoint) };
            // What finds no room is dropped, as all events are.
            let _ = monitor.send_values(PIPES_STATS.into(), &queues, at);
        }
        Ok(())
    }
}

impl Monitoring {
    fn start(&self, monitor: Arc<Monitor>, events: u32) {
        *self.monitor.lock() = Some(monitor);
        // Events of other threads may miss the first moment.
        self.wanted.store(events, Ordering::Relaxed);
    }

    /// Tells of a bind that failed, and of the descriptor it had: as libzmq
    /// does, with the address alone and, for tcp, with nothing.
    pub(super) fn report_failed_bind(&self, endpoint: &Endpoint, text: &str, failure: BindFailure) {
        if let Some(fd) = failure.closed {
            let shown = if let Endpoint::Tcp(_) = endpoint { "" } else { text };
            self.report(Event::Closed(fd), At::Local(shown));
        }
        let address = text.split_once("://").map_or(text, |(_, address)| address);
        self.report(Event::BindFailed(failure.errno), At::Local(address));
    }

    /// Ends the monitor, if there is one: its last event says so.
    fn stop(&self) {
        let Some(monitor) = self.monitor.lock().take() else { return };
        let wanted = self.wanted.swap(0, Ordering::Relaxed);
        if is_in(wanted, Event::MonitorStopped) {
            monitor.send(Event::MonitorStopped, At::Local(""));
        }
        monitor.inproc.unbind(&monitor.name, &Door::Monitor(monitor.clone()));
    }
}

impl Drop for Monitoring {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Watcher for Monitoring {
    fn watches(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) != 0
    }

    fn report(&self, event: Event, at: At<'_>) {
        // Held while sending: nothing comes after MONITOR_STOPPED.
        let monitor = self.monitor.lock();
        if let Some(monitor) = &*monitor
            && is_in(self.wanted.load(Ordering::Relaxed), event)
        {
            monitor.send(event, at);
        }
    }
}

fn is_in(mask: u32, event: Event) -> bool {
    mask & u32::from(event.in_c().0) != 0
}

impl Monitor {
    fn side(self: &Arc<Self>) -> Side {
        Side {
            name: self.called,
            door: Door::Monitor(self.clone()),
            send_hwm: HWM,
            receive_hwm: HWM,
            conflate: false,
            routing_id: Vec::new(),
        }
    }

    /// Takes a peer in, unless its type has room for one only and there is one.
    pub(super) fn attach(&self, pipe: Pipe) {
        let mut peers = self.peers.lock();
        let gone = peers.look();
        let refused = peers.attach(pipe);
        drop(peers);
        drop(gone);
        if let Some(pipe) = refused {
            pipe.close(Some(Duration::ZERO));
        }
    }

    /// Sends an event, if there is room and memory.
    fn send(&self, event: Event, at: At<'_>) {
        let (number, value) = event.in_c();
        let _ = match self.format {
            MonitorFormat::V1 => {
                let mut head = [0; 6];
                head[..2].copy_from_slice(&number.to_ne_bytes());
                head[2..].copy_from_slice(&value.to_ne_bytes());
                self.send_frames(&[&head, at.text().as_bytes()])
            }
            #[cfg(feature = "draft")]
            MonitorFormat::V2 => self.send_values(number.into(), &[value.into()], at),
        };
    }

    /// Sends a frame for the event, one for the number of its values, one for each,
    /// and the endpoints.
    #[cfg(feature = "draft")]
    fn send_values(&self, event: u64, values: &[u64], at: At<'_>) -> Result<()> {
        let numbers = [&[event, values.len() as u64], values].concat();
        let numbers: Vec<_> = numbers.into_iter().map(u64::to_ne_bytes).collect();
        let (local, remote) = match at {
            At::Local(text) => (text, ""),
            At::Remote(text) => ("", text),
        };
        let mut frames: Vec<&[u8]> = numbers.iter().map(|number| &number[..]).collect();
        frames.extend([local.as_bytes(), remote.as_bytes()]);
        self.send_frames(&frames)
    }

    fn send_frames(&self, frames: &[&[u8]]) -> Result<()> {
        let mut messages = Vec::with_capacity(frames.len());
        for (index, frame) in frames.iter().enumerate() {
            let mut message = Message::copy_of(frame)?;
            message.set_more(index + 1 < frames.len());
            messages.push(message);
        }
        let mut peers = self.peers.lock();
        let gone = peers.look();
        let sent = messages.iter_mut().try_for_each(|message| peers.send(message));
        drop(peers);
        drop(gone);
        sent
    }
}

impl Peers {
    fn new(name: Name) -> Peers {
        Peers { pipes: PipeSet::new(name), pattern: pattern(name.kind) }
    }

    /// Takes note of what has happened at the pipes' other ends: nobody takes this
    /// end's signals. Pipes that have ended are to be dropped without the lock.
    fn look(&mut self) -> Vec<Pipe> {
        let mut gone = Vec::new();
        for key in self.pipes.keys() {
            if let Some(pipe) = self.pipes.pipe(key) {
                pipe.look_again();
            }
            self.pattern.readable(&mut self.pipes, key);
            self.pattern.writable(&mut self.pipes, key);
            if self.pipes.pipe(key).is_some_and(|pipe| pipe.peer_closed()) {
                self.pattern.detach(&mut self.pipes, key);
                gone.extend(self.pipes.remove(key));
            }
        }
        gone
    }

    /// Gives the pipe back where it is not taken in.
    fn attach(&mut self, pipe: Pipe) -> Option<Pipe> {
        let key = self.pipes.insert(pipe);
        if self.pattern.attach(&mut self.pipes, key, false) {
            return None;
        }
        self.pipes.remove(key)
    }

    fn send(&mut self, message: &mut Message) -> Result<()> {
        self.pattern.send(&mut self.pipes, message)
    }
}
