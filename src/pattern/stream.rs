//! STREAM (manual page zmq_socket): each peer is a connection without ØMQ's
//! protocol, known by a routing id. Every message has two frames, the id and
//! bytes. Received, no bytes tell that the connection has begun or has ended;
//! sent, they close it.
//!
//! Over inproc the peers are sockets, and each frame of theirs is a message.

use std::collections::VecDeque;

use super::Pattern;
use super::peers::Peers;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::options::PatternOption;
use crate::pipe::{Key, PipeSet};
use crate::routing::FairQueue;

/// See the file's head.
#[derive(Default)]
pub(super) struct Stream {
    peers: Peers,
    input: FairQueue,
    /// What was fetched and not received: a routing id and bytes, or bytes. A look
    /// whether there is something fetches it, and so decides whose turn it is.
    fetched: VecDeque<Message>,
    sending: Sending,
    /// The id given last, until the socket has taken it.
    given_id: Option<Box<[u8]>>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Sending {
    /// The next frame names a peer.
    #[default]
    Between,
    /// The next frame goes to this peer.
    Within(Key),
    /// The next frame goes nowhere.
    Dropping,
}

impl Stream {
    /// Takes in what is next to be received.
    fn fetch(&mut self, pipes: &mut PipeSet) -> Result<()> {
        // Whoever receives the body may ask for what this call's caller cannot.
        pipes.with_metadata = true;
        let mut body = Message::new();
        let key = self.input.recv(pipes, &mut body).ok_or(Errno::EAGAIN)?;
        body.set_more(false);
        let mut id = Message::copy_of(self.peers.id(key).unwrap_or_default())?;
        id.set_more(true);
        id.set_metadata(body.metadata().cloned());
        self.fetched.extend([id, body]);
        Ok(())
    }

    fn forget(&mut self, pipes: &mut PipeSet, key: Key) {
        self.input.remove(pipes, key);
        self.peers.forget(key);
        if self.sending == Sending::Within(key) {
            self.sending = Sending::Dropping;
        }
    }

    /// Whom the frame behind this one goes to.
    fn address(&self, pipes: &mut PipeSet, id: &Message) -> Result<Sending> {
        // An id that announces nothing lets the next frame go nowhere.
        if !id.more() {
            return Ok(Sending::Dropping);
        }
        let key = self.peers.key(id.data()).ok_or(Errno::EHOSTUNREACH)?;
        if pipes.can_write(key) {
            return Ok(Sending::Within(key));
        }
        let gone = pipes.pipe(key).is_none_or(|pipe| pipe.peer_closed());
        Err(if gone { Errno::EHOSTUNREACH } else { Errno::EAGAIN })
    }
}

impl Pattern for Stream {
    fn attach(&mut self, _: &mut PipeSet, key: Key, connected: bool) -> bool {
        match self.peers.take_name(connected) {
            Some(id) if self.peers.key(&id).is_some() => return false,
            Some(id) => self.peers.learn(key, id),
            None => {
                let id = self.peers.automatic_id();
                self.given_id = Some(id.clone());
                self.peers.learn(key, id);
            }
        }
        true
    }

    fn take_given_id(&mut self) -> Option<Box<[u8]>> {
        self.given_id.take()
    }

    fn readable(&mut self, _: &mut PipeSet, key: Key) {
        if self.hears(key) {
            self.input.readable(key);
        }
    }

    fn hears(&self, key: Key) -> bool {
        self.peers.id(key).is_some()
    }

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.forget(pipes, key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        match self.sending {
            Sending::Between => {
                self.sending = self.address(pipes, message)?;
                drop(std::mem::take(message));
                return Ok(());
            }
            Sending::Within(key) if message.is_empty() => {
                self.forget(pipes, key);
                pipes.shut(key);
            }
            Sending::Within(key) => {
                // ZMQ_SNDMORE means nothing to a stream of bytes.
                message.set_more(false);
                pipes.push(key, message);
            }
            Sending::Dropping => drop(std::mem::take(message)),
        }
        self.sending = Sending::Between;
        Ok(())
    }

    /// On failure `message` is left alone.
    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        if self.fetched.is_empty() {
            self.fetch(pipes)?;
        }
        *message = self.fetched.pop_front().ok_or(Errno::EAGAIN)?;
        Ok(())
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        !self.fetched.is_empty() || self.fetch(pipes).is_ok()
    }

    fn has_output(&mut self, _: &mut PipeSet) -> bool {
        true
    }

    fn set(&mut self, option: PatternOption<'_>) -> Result<()> {
        match option {
            PatternOption::ConnectRoutingId(id) => self.peers.name_next(id),
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }
}
