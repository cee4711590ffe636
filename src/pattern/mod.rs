//! What each socket type does with its pipes: one small file a type.
//!
//! A pattern runs under its socket's lock, never blocks and knows nothing of
//! time: where it cannot go on it answers `EAGAIN`, and the socket's shell
//! waits. Types are composed, not inherited: REQ *has* a DEALER, REP *has* a
//! ROUTER, SUB *has* an XSUB.

#![forbid(unsafe_code)]

mod channel;
mod client;
mod dealer;
mod dgram;
mod dish;
mod gather;
mod inheritance;
mod interest;
mod news;
mod pair;
mod peers;
mod pull;
mod push;
mod radio;
mod rep;
mod req;
mod requests;
mod router;
mod scatter;
mod server;
mod singles;
mod stream;
mod sub;
mod subscribers;
mod waiting;
mod xpub;
mod xsub;

use std::sync::Arc;

use crate::error::{Errno, Result};
use crate::message::Message;
use crate::options::PatternOption;
use crate::pipe::{Key, PipeSet};
use crate::session::Opening;
use crate::socket_type::SocketType;

/// A socket type's behaviour. Keys name pipes of the socket's [`PipeSet`].
pub(crate) trait Pattern: Send {
    /// A new pipe. `connected`: this side asked for it. False refuses it.
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, connected: bool) -> bool;

    /// The routing id that the pipe taken in last was given, where the socket
    /// is to tell it (`ZMQ_ROUTING_ID` of STREAM).
    fn take_given_id(&mut self) -> Option<Box<[u8]>> {
        None
    }

    /// The pipe has something to read, after it had nothing.
    fn readable(&mut self, pipes: &mut PipeSet, key: Key);

    /// Whether what comes from this pipe is ever received. When not, the pipe
    /// goes as soon as its peer does.
    fn hears(&self, _key: Key) -> bool {
        true
    }

    /// Whether the pipe, which is about to be detached, is closed because of
    /// what its peer did: then nothing more is sent to it.
    fn refuses(&self, _key: Key) -> bool {
        false
    }

    /// The pipe has room, after it had none.
    fn writable(&mut self, pipes: &mut PipeSet, key: Key);

    /// The pipe is about to be removed.
    fn detach(&mut self, pipes: &mut PipeSet, key: Key);

    /// Sends a frame, leaving an empty message behind. On failure the message
    /// is left alone; `EAGAIN`: try again when something has changed.
    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()>;

    /// Receives a frame into `message`. `EAGAIN`: nothing there, and `message` is
    /// empty or, of XPUB and STREAM, as it was.
    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()>;

    /// The one pipe that a message of one frame would go to, until something
    /// happens to a pipe or a call does anything but send and receive. Then the
    /// socket's shell may send there without asking.
    fn sole_output(&self) -> Option<Key> {
        None
    }

    /// The one pipe that a message would come from, in the same way.
    fn sole_input(&self) -> Option<Key> {
        None
    }

    /// The one pipe that the next frame may come from, as far as is known: the
    /// others tell when they have anything.
    fn source(&self) -> Option<Key> {
        self.sole_input()
    }

    /// Whether [`Pattern::recv`] would succeed.
    fn has_input(&mut self, pipes: &mut PipeSet) -> bool;

    /// Whether [`Pattern::send`] would succeed.
    fn has_output(&mut self, pipes: &mut PipeSet) -> bool;

    /// Sets an option of this type.
    fn set(&mut self, _option: PatternOption<'_>) -> Result<()> {
        Err(Errno::EINVAL)
    }

    /// Adds or ends a subscription (`ZMQ_SUBSCRIBE`, `ZMQ_UNSUBSCRIBE`).
    fn subscribe(&mut self, _pipes: &mut PipeSet, _topic: &[u8], _add: bool) -> Result<()> {
        Err(Errno::EINVAL)
    }

    /// Joins or leaves a group.
    #[cfg(feature = "draft")]
    fn join(&mut self, _pipes: &mut PipeSet, _group: &[u8], _join: bool) -> Result<()> {
        Err(Errno::ENOTSUP)
    }

    /// The number of the peer whose pipe was taken in last, where peers have
    /// numbers.
    #[cfg(feature = "draft")]
    fn last_number(&self) -> Option<u32> {
        None
    }

    /// The peer with this number. `EHOSTUNREACH` when there is none, `ENOTSUP`
    /// where peers have no numbers.
    #[cfg(feature = "draft")]
    fn numbered(&self, _number: u32) -> Result<Key> {
        Err(Errno::ENOTSUP)
    }

    /// What would not block with the peer of this routing id: POLLIN (1), POLLOUT
    /// (2). `EHOSTUNREACH` when there is none, `ENOTSUP` for other types than
    /// ROUTER.
    #[cfg(feature = "draft")]
    fn peer_state(&mut self, _pipes: &mut PipeSet, _id: &[u8]) -> Result<u32> {
        Err(Errno::ENOTSUP)
    }

    /// How many topics are subscribed to, where there are topics.
    #[cfg(feature = "draft")]
    fn topics_count(&self) -> Option<usize> {
        None
    }

    /// What each connection begins with.
    fn opening(&self) -> Option<Arc<dyn Opening>> {
        None
    }
}

/// The behaviour of a new socket.
pub(crate) fn pattern(kind: SocketType) -> Box<dyn Pattern> {
    match kind {
        SocketType::Pair => Box::<pair::Pair>::default(),
        SocketType::Pub => Box::new(xpub::XPub::new(false)),
        SocketType::XPub => Box::new(xpub::XPub::new(true)),
        SocketType::Sub => Box::<sub::Sub>::default(),
        SocketType::XSub => Box::<xsub::XSub>::default(),
        SocketType::Req => Box::<req::Req>::default(),
        SocketType::Rep => Box::<rep::Rep>::default(),
        SocketType::Dealer => Box::<dealer::Dealer>::default(),
        SocketType::Router => Box::<router::Router>::default(),
        SocketType::Pull => Box::<pull::Pull>::default(),
        SocketType::Push => Box::<push::Push>::default(),
        SocketType::Stream => Box::<stream::Stream>::default(),
        SocketType::Server | SocketType::Peer => Box::<server::Server>::default(),
        SocketType::Client => Box::<client::Client>::default(),
        SocketType::Radio => Box::<radio::Radio>::default(),
        SocketType::Dish => Box::<dish::Dish>::default(),
        SocketType::Gather => Box::<gather::Gather>::default(),
        SocketType::Scatter => Box::<scatter::Scatter>::default(),
        SocketType::Dgram => Box::<dgram::Dgram>::default(),
        SocketType::Channel => Box::<channel::Channel>::default(),
    }
}
