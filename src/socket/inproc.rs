//! inproc endpoints of a context: names, who is bound to them, and who has
//! connected and waits for a bind.

use std::collections::HashMap;
use std::sync::Arc;

use super::mailbox::{Command, Port};
use super::monitor::Monitor;
use crate::error::{Errno, Result};
use crate::message::{Message, Role};
use crate::pipe::{Pipe, pipe};
use crate::session::Authentication;
use crate::socket_type::SocketType;
use crate::sync::FutexMutex;
use crate::trace::{Name, say};
use crate::zmtp::zap;

/// What one side of an inproc connection brings.
#[derive(Clone)]
pub(super) struct Side {
    pub(super) name: Name,
    pub(super) door: Door,
    pub(super) send_hwm: i32,
    pub(super) receive_hwm: i32,
    pub(super) conflate: bool,
    pub(super) routing_id: Vec<u8>,
}

/// Where a side takes new pipes in.
#[derive(Clone)]
pub(super) enum Door {
    Socket(Arc<Port>),
    Monitor(Arc<Monitor>),
}

impl Door {
    fn is(&self, other: &Door) -> bool {
        match (self, other) {
            (Door::Socket(a), Door::Socket(b)) => Arc::ptr_eq(a, b),
            (Door::Monitor(a), Door::Monitor(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Side {
    /// For sending and for receiving.
    fn hwms(&self) -> [i32; 2] {
        [self.send_hwm, self.receive_hwm]
    }
}

/// Somebody who connected to a name nobody is bound to.
struct Waiting {
    /// The binder's end.
    pipe: Pipe,
    side: Side,
    /// The socket has closed, and left messages.
    is_left: bool,
}

impl Waiting {
    /// Whether there is more than the subscriptions of a SUB.
    fn has_messages(&mut self) -> bool {
        self.side.name.kind != SocketType::Sub && self.pipe.can_read()
    }
}

#[derive(Default)]
struct Names {
    bound: HashMap<String, Side>,
    waiting: HashMap<String, Vec<Waiting>>,
    /// How many of those who wait have closed.
    left: usize,
}

/// The inproc names of a context.
#[derive(Default)]
pub(crate) struct Registry {
    names: FutexMutex<Names>,
}

impl Registry {
    /// Binds a name; whoever has connected to it gets its peer. `EADDRINUSE`.
    pub(super) fn bind(&self, name: &str, side: &Side) -> Result<()> {
        let waiting = {
            let mut names = self.names.lock();
            if names.bound.contains_key(name) {
                return Err(Errno::EADDRINUSE);
            }
            names.bound.insert(name.to_owned(), side.clone());
            say!(Conn, "{}: bound to inproc://{name}", side.name);
            let waiting = names.waiting.remove(name).unwrap_or_default();
            names.left -= waiting.iter().filter(|waiting| waiting.is_left).count();
            waiting
        };
        for Waiting { mut pipe, side: connecter, .. } in waiting {
            say!(Conn, "{}: connected to inproc://{name}, {}", connecter.name, side.name);
            // They may have changed since it connected.
            let theirs = pipe.peer_hwms(connecter.hwms());
            pipe.set_hwm(true, sum(side.send_hwm, theirs[1]));
            pipe.set_hwm(false, sum(theirs[0], side.receive_hwm));
            pipe.note_hwms(side.hwms(), theirs);
            introduce(&mut pipe, side, &connecter);
            // The lane from there to here is the connecter's to write.
            if wants_introduction(side) {
                pipe.know_peer(&connecter.routing_id);
            }
            deliver(pipe, name, side);
        }
        Ok(())
    }

    /// Frees a name that was bound from behind this door.
    pub(super) fn unbind(&self, name: &str, door: &Door) {
        let mut names = self.names.lock();
        if names.bound.get(name).is_some_and(|side| side.door.is(door)) {
            names.bound.remove(name);
        }
    }

    /// Forgets those who wait at any name, whose socket has closed its pipes and
    /// who have left no message for whoever binds it.
    pub(super) fn forget(&self, door: &Door) {
        let names = &mut *self.names.lock();
        for waiting in names.waiting.values_mut() {
            waiting.retain_mut(|waiting| {
                if !waiting.side.door.is(door) {
                    return true;
                }
                waiting.is_left = waiting.has_messages();
                names.left += usize::from(waiting.is_left);
                waiting.is_left
            });
        }
        names.waiting.retain(|_, waiting| !waiting.is_empty());
    }

    /// Connects to a name, now or when it is bound. Returns our end. `EMFILE` where
    /// too many have been there that nobody has looked at, or have left messages for
    /// names that nobody has bound.
    pub(super) fn connect(&self, name: &str, side: &Side) -> Result<Pipe> {
        // With no lock held: pipes are dropped.
        let bound = self.names.lock().bound.get(name).cloned();
        if let Some(Side { door: Door::Socket(port), .. }) = bound {
            port.make_room()?;
        }
        let mut names = self.names.lock();
        let bound = names.bound.get(name).cloned();
        let (send, receive) = bound.as_ref().map_or((0, 0), |b| (b.receive_hwm, b.send_hwm));
        let hwm = match &bound {
            Some(_) => [sum(side.send_hwm, send), sum(receive, side.receive_hwm)],
            None => [unsigned(side.send_hwm), unsigned(side.receive_hwm)],
        };
        let (mut ours, mut theirs) = pipe(hwm, side.conflate);
        ours.joins_sockets();
        match bound {
            None if names.left >= MAX_LEFT => return Err(Errno::EMFILE),
            None => {
                say!(Conn, "{}: waits for somebody to bind inproc://{name}", side.name);
                let waiting = Waiting { pipe: theirs, side: side.clone(), is_left: false };
                names.waiting.entry(name.to_owned()).or_default().push(waiting);
            }
            Some(bound) => {
                drop(names);
                say!(Conn, "{}: connected to inproc://{name}, {}", side.name, bound.name);
                ours.note_hwms(side.hwms(), bound.hwms());
                introduce(&mut ours, side, &bound);
                introduce(&mut theirs, &bound, side);
                deliver(theirs, name, &bound);
            }
        }
        Ok(ours)
    }
}

/// So many closed sockets of a context may have left messages for names that nobody
/// has bound.
const MAX_LEFT: usize = 10_000;

/// The endpoint that authenticators are asked at.
pub(super) const AUTHENTICATOR: &str = "inproc://zeromq.zap.01";

/// Messages in a pipe to an authenticator: a note of who asks and the request;
/// the reply, and one more to spare.
const INQUIRY_HWM: u32 = 2;

impl Authentication for Registry {
    /// Sockets of other types than REP and ROUTER could not answer, and count
    /// as none.
    fn ask(&self, request: Vec<Message>) -> Option<Pipe> {
        let answers = |side: &&Side| matches!(side.name.kind, SocketType::Rep | SocketType::Router);
        let bound = self.names.lock().bound.get(zap::AUTHENTICATOR).filter(answers).cloned()?;
        if let Door::Socket(port) = &bound.door {
            // It fails for the sake of others only.
            let _ = port.make_room();
        }
        let (mut ours, theirs) = pipe([INQUIRY_HWM; 2], false);
        ours.push(&mut Message::new().with_role(Role::Peer));
        for mut frame in request {
            ours.push(&mut frame);
        }
        ours.flush();
        deliver(theirs, zap::AUTHENTICATOR, &bound);
        Some(ours)
    }
}

/// A lane between two sockets holds what both allow together; either may say
/// that there is no bound.
fn sum(send: i32, receive: i32) -> u32 {
    if send == 0 || receive == 0 { 0 } else { unsigned(send).saturating_add(unsigned(receive)) }
}

fn unsigned(hwm: i32) -> u32 {
    u32::try_from(hwm).unwrap_or(0)
}

/// Tells the peer who writes here, if that is of use to it. Inproc messages
/// carry no metadata.
fn introduce(pipe: &mut Pipe, from: &Side, to: &Side) {
    if wants_introduction(to)
        && let Ok(message) = Message::copy_of(&from.routing_id)
    {
        pipe.push(&mut message.with_role(Role::Peer));
        pipe.flush();
    }
}

fn wants_introduction(side: &Side) -> bool {
    matches!(side.name.kind, SocketType::Router | SocketType::Rep)
}

fn deliver(pipe: Pipe, name: &str, to: &Side) {
    match &to.door {
        // A socket that has just been closed has no use for it.
        Door::Socket(port) => {
            let endpoint = Arc::from(format!("inproc://{name}"));
            let _ = port.post(Command::Attach(Box::new(pipe), endpoint));
        }
        Door::Monitor(monitor) => monitor.attach(pipe),
    }
}
