//! What only functions of the draft API ask of a socket: groups, peers by their
//! number, the state of a ROUTER's peer; and what its options have said to peers.

use std::sync::Arc;

use super::{Slot, Socket};
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::pipe::{Key, Pipe};
use crate::session::{Farewells, Opening};
use crate::socket_type::SocketType;

/// `ZMQ_HELLO_MSG`.
struct Hello(Message);

impl Opening for Hello {
    fn open(&self, _: &mut Pipe) -> Result<(Vec<Message>, usize)> {
        Ok((vec![self.0.share()], 0))
    }

    fn close(&self, _: &Pipe) {}
}

impl Socket {
    /// `ZMQ_PRIORITY` and `ZMQ_BUSY_POLL`.
    pub(super) fn priority(&self) -> (i32, i32) {
        (self.options.draft.priority, self.options.draft.busy_poll)
    }

    /// What each connection begins with, of those whose patterns say nothing of it.
    pub(super) fn hello(&self) -> Option<Arc<dyn Opening>> {
        Some(Arc::new(Hello(message(&self.options.draft.hello)?)))
    }

    /// Greets a new peer in the same process, where no session does.
    pub(super) fn greet(&mut self, key: Key) {
        let between = self.pipes.pipe(key).is_some_and(|pipe| pipe.leads_to_socket());
        if let Some(mut hello) = message(&self.options.draft.hello).filter(|_| between) {
            self.pipes.push(key, &mut hello);
        }
    }

    /// What is received when a peer has gone.
    pub(super) fn farewells(&self) -> Farewells {
        let options = &self.options.draft;
        Farewells { accepted: message(&options.disconnect), connected: message(&options.hiccup) }
    }
}

/// `None` for nothing.
fn message(body: &[u8]) -> Option<Message> {
    Message::copy_of(body).ok().filter(|message| !message.is_empty())
}

impl Slot {
    /// Whether the socket's type is made for several threads. `ENOTSOCK`.
    pub(crate) fn is_thread_safe(&self) -> Result<bool> {
        Ok(self.lock()?.kind().is_thread_safe())
    }

    /// Makes a DISH join a group, or leave it. `EINVAL` for a group that it is in
    /// already, or is not in, or with too long a name; `ENOTSUP` for other types.
    pub(crate) fn join(&self, group: &[u8], join: bool) -> Result<()> {
        self.alive(|socket| socket.pattern.join(&mut socket.pipes, group, join))
    }

    /// Connects a PEER, and says by which number the peer is known. `ENOTSUP` for
    /// other types; `EFAULT` with `ZMQ_IMMEDIATE`, since the peer would have no
    /// pipe, and so no number, before it is there; and as [`Slot::connect`].
    pub(crate) fn connect_peer(&self, text: &str) -> Result<u32> {
        self.alive(|socket| {
            if socket.kind() != SocketType::Peer {
                return Err(Errno::ENOTSUP);
            }
            if socket.options.immediate {
                return Err(Errno::EFAULT);
            }
            socket.connect(text)?;
            socket.pattern.last_number().ok_or(Errno::EFAULT)
        })
    }

    /// Ends the connection to the peer with this number. `EHOSTUNREACH` when there
    /// is none, `ENOTSUP` for types whose peers have no numbers.
    pub(crate) fn disconnect_peer(&self, number: u32) -> Result<()> {
        self.alive(|socket| {
            let key = socket.pattern.numbered(number)?;
            socket.pattern.detach(&mut socket.pipes, key);
            socket.drop_pipe(key, socket.options.linger);
            Ok(())
        })
    }

    /// What would not block with this peer of a ROUTER: POLLIN, POLLOUT.
    /// `EHOSTUNREACH` when there is none, `ENOTSUP` for other types.
    pub(crate) fn peer_state(&self, id: &[u8]) -> Result<u32> {
        self.alive(|socket| socket.pattern.peer_state(&mut socket.pipes, id))
    }

    fn alive<R>(&self, call: impl FnOnce(&mut Socket) -> Result<R>) -> Result<R> {
        let mut socket = self.lock()?;
        socket.process(self);
        socket.check_alive()?;
        call(&mut socket)
    }
}
