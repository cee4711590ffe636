//! `zmq_socket_monitor`: events of a socket's endpoints and connections as
//! messages to a PAIR socket that connects to an inproc name.
//!
//! The monitor behaves as a bound PAIR would, but is none: events come from
//! I/O threads and from threads that hold the socket's lock, and a socket's lock
//! is taken by no reactor. It is one end of a pipe under a lock of its own, which
//! is held for the moment of a push only. It never reads and never waits: what
//! finds no peer, or its pipe full, is dropped.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::inproc::{Door, Registry, Side};
use super::{Place, Slot};
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::pipe::Pipe;
use crate::session::{Event, Watcher};
use crate::socket_type::SocketType;
use crate::sync::{AtomicU32, Ordering};
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
    monitor: Mutex<Option<Arc<Monitor>>>,
}

/// An inproc name with a peer, who is sent events.
pub(super) struct Monitor {
    /// A name like a PAIR's, for what connects.
    socket: Name,
    name: String,
    inproc: Arc<Registry>,
    peer: Mutex<Option<Pipe>>,
    /// Given back when the monitor goes.
    _place: Box<dyn Place>,
}

impl Slot {
    /// Starts to send the socket's `events`, a mask, to whoever connects to the
    /// inproc `endpoint`; a monitor that there was ends. `None` only ends it.
    /// `EINVAL`, `EPROTONOSUPPORT`, `ENOCOMPATPROTO` (for the endpoint),
    /// `EADDRINUSE`, `EMFILE`, `ETERM`, `ENOTSOCK`.
    pub(crate) fn monitor(&self, endpoint: Option<&str>, events: u32) -> Result<()> {
        let socket = self.lock()?;
        // The news stays where it is: a socket that has not heard of the end yet
        // may still stop its monitor, as with libzmq.
        socket.check_alive()?;
        if events >> EVENT_BITS != 0 {
            return Err(Errno::EINVAL);
        }
        let name = match endpoint.map(Endpoint::parse).transpose()? {
            None => None,
            Some(Endpoint::Inproc(name)) => Some(name),
            Some(_) => return Err(Errno::EPROTONOSUPPORT),
        };
        socket.monitoring.stop();
        let Some(name) = name else { return Ok(()) };
        let place = (socket.home.take_place)()?;
        let inproc = socket.home.inproc.clone();
        let socket_name = Name::next(SocketType::Pair);
        let monitor = Arc::new(Monitor {
            socket: socket_name,
            name,
            inproc,
            peer: Mutex::new(None),
            _place: place,
        });
        monitor.inproc.bind(&monitor.name, &monitor.side())?;
        socket.monitoring.start(monitor, events);
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
            self.report(Event::Closed(fd), shown);
        }
        let address = text.split_once("://").map_or(text, |(_, address)| address);
        self.report(Event::BindFailed(failure.errno), address);
    }

    /// Ends the monitor, if there is one: its last event says so.
    fn stop(&self) {
        let Some(monitor) = self.monitor.lock().take() else { return };
        let wanted = self.wanted.swap(0, Ordering::Relaxed);
        if is_in(wanted, Event::MonitorStopped) {
            monitor.send(Event::MonitorStopped, "");
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

    fn report(&self, event: Event, endpoint: &str) {
        // Held while sending: nothing comes after MONITOR_STOPPED.
        let monitor = self.monitor.lock();
        if let Some(monitor) = &*monitor
            && is_in(self.wanted.load(Ordering::Relaxed), event)
        {
            monitor.send(event, endpoint);
        }
    }
}

fn is_in(mask: u32, event: Event) -> bool {
    mask & u32::from(event.in_c().0) != 0
}

impl Monitor {
    fn side(self: &Arc<Self>) -> Side {
        Side {
            name: self.socket,
            door: Door::Monitor(self.clone()),
            send_hwm: HWM,
            receive_hwm: HWM,
            conflate: false,
            routing_id: Vec::new(),
        }
    }

    /// Takes a peer in, unless there is one already.
    pub(super) fn attach(&self, pipe: Pipe) {
        let mut peer = self.peer.lock();
        if peer.as_ref().is_some_and(|peer| !peer.peer_closed()) {
            drop(peer);
            return pipe.close(Some(Duration::ZERO));
        }
        let former = peer.replace(pipe);
        drop(peer);
        drop(former);
    }

    /// Sends the two frames of an event, if there is room and memory.
    fn send(&self, event: Event, endpoint: &str) {
        let mut peer = self.peer.lock();
        let Some(pipe) = &mut *peer else { return };
        // Nobody takes this end's signals.
        pipe.look_again();
        if !pipe.can_write() {
            return;
        }
        let (number, value) = event.in_c();
        let mut head = [0; 6];
        head[..2].copy_from_slice(&number.to_ne_bytes());
        head[2..].copy_from_slice(&value.to_ne_bytes());
        let (Ok(mut head), Ok(mut endpoint)) =
            (Message::copy_of(&head), Message::copy_of(endpoint.as_bytes()))
        else {
            return;
        };
        head.set_more(true);
        pipe.push(&mut head);
        pipe.push(&mut endpoint);
        pipe.flush();
    }
}
