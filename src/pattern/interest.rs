//! What a SUB or XSUB socket has subscribed to, or a DISH has joined. The socket
//! changes it, and each session reads the whole of it when its connection begins:
//! that way subscriptions are state, which no water mark drops and no reconnect
//! loses.

use crate::error::Result;
use crate::message::{Message, Role};
use crate::pipe::Pipe;
use crate::routing::{Removal, Subscriptions};
use crate::session::Opening;
use crate::sync::FutexMutex;

/// Changes that may wait for a first connection, beside two for each topic.
const UNREAD_CHANGES: usize = 10_000;

/// The subscriptions of a socket, shared with its sessions.
#[derive(Default)]
pub(super) struct Interest {
    topics: FutexMutex<Subscriptions>,
}

impl Interest {
    /// Adds or ends a subscription. If its peers must know, `tell` puts that
    /// into their pipes, by way of the [`Telling`] it gets, and shows nothing
    /// yet; true then. They must know of a repeated subscription (an XPUB may
    /// want every one), and of an ended one only when it was the topic's last, unless
    /// all are wanted.
    pub(super) fn change(
        &self,
        topic: &[u8],
        add: bool,
        verbose_cancel: bool,
        tell: impl FnOnce(Telling),
    ) -> Result<bool> {
        // Changed and told under one lock, so that a session that begins now
        // finds the change either in the whole or in its pipe.
        let topics = &mut *self.topics.lock();
        if add {
            topics.add(topic)?;
        } else if topics.remove(topic) != Removal::Gone && !verbose_cancel {
            return Ok(false);
        }
        tell(Telling { unread_limit: 2 * topics.len() + UNREAD_CHANGES });
        Ok(true)
    }

    /// Puts everything into a new pipe, and from then on every change: into
    /// one to another socket (inproc), where no session does it, and into that
    /// of a connect, so that its first connection is told in the order of the
    /// calls.
    pub(super) fn tell_all(&self, pipe: &mut Pipe) -> Result<()> {
        let topics = self.topics.lock();
        pipe.send_subscriptions(true);
        let mut failure = Ok(());
        topics.for_each(|topic| match Message::copy_of(topic) {
            Ok(message) => pipe.push(&mut message.with_role(Role::Subscribe)),
            Err(error) => failure = Err(error),
        })?;
        failure
    }

    /// How many topics there are.
    #[cfg(feature = "draft")]
    pub(super) fn len(&self) -> usize {
        self.topics.lock().len()
    }

    /// Whether this very topic was subscribed to.
    pub(super) fn contains(&self, topic: &[u8]) -> bool {
        self.topics.lock().contains(topic)
    }

    /// Whether a message that begins with `body` was subscribed to.
    pub(super) fn matches(&self, body: &[u8]) -> bool {
        self.topics.lock().matches(body)
    }
}

/// The right to tell peers of a change while it is made.
pub(super) struct Telling {
    unread_limit: usize,
}

impl Telling {
    /// Tells a peer, if it wants to know.
    pub(super) fn tell(&self, pipe: &mut Pipe, change: &Message) {
        if !pipe.peer_wants_subscriptions() {
            return;
        }
        if pipe.unread() > self.unread_limit && !pipe.leads_to_socket() {
            // Nobody has been connected for long: the whole is less.
            pipe.send_subscriptions(false);
        } else {
            pipe.push(&mut change.share());
        }
    }
}

impl Opening for Interest {
    fn open(&self, pipe: &mut Pipe) -> Result<(Vec<Message>, usize)> {
        let topics = self.topics.lock();
        if pipe.wants_subscriptions() {
            return Ok((Vec::new(), 0));
        }
        pipe.want_subscriptions(true);
        let mut messages = Vec::new();
        let mut failure = Ok(());
        topics.for_each(|topic| match Message::copy_of(topic) {
            Ok(message) => messages.push(message.with_role(Role::Subscribe)),
            Err(error) => failure = Err(error),
        })?;
        failure?;
        let stale = pipe.visible_frames();
        Ok((messages, stale))
    }

    fn is_empty(&self) -> bool {
        self.topics.lock().is_empty()
    }

    fn close(&self, pipe: &Pipe) {
        let _topics = self.topics.lock();
        pipe.want_subscriptions(false);
    }
}
