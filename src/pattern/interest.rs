//! What a SUB or XSUB socket has subscribed to. The socket changes it, and
//! each session reads the whole of it when its connection begins: that way
//! subscriptions are state, which no water mark drops and no reconnect loses.

use parking_lot::Mutex;

use crate::error::Result;
use crate::message::{Message, Role};
use crate::pipe::{Key, Pipe, PipeSet};
use crate::routing::{Removal, Subscriptions};
use crate::session::Opening;

/// Changes that may wait for a first connection, beside two for each topic.
const UNREAD_CHANGES: usize = 10_000;

/// The subscriptions of a socket, shared with its sessions.
#[derive(Default)]
pub(super) struct Interest {
    topics: Mutex<Subscriptions>,
}

impl Interest {
    /// Adds or ends a subscription and tells the peers that want to know. A
    /// repeated subscription is told again (the peer's XPUB may want every
    /// one), an ended one only when it was the topic's last.
    pub(super) fn change(
        &self,
        pipes: &mut PipeSet,
        peers: &[Key],
        topic: &[u8],
        add: bool,
    ) -> Result<()> {
        let role = if add { Role::Subscribe } else { Role::Cancel };
        let message = Message::copy_of(topic)?.with_role(role);
        // Changed and pushed under one lock, so that a session that begins
        // now finds the change either in the whole or in its pipe.
        let topics = &mut *self.topics.lock();
        if add {
            topics.add(topic)?;
        } else if topics.remove(topic) != Removal::Gone {
            return Ok(());
        }
        for key in peers {
            if let Some(pipe) = pipes.pipe(*key) {
                if !pipe.peer_wants_subscriptions() {
                    continue;
                }
                if pipe.unread() > 2 * topics.len() + UNREAD_CHANGES && !pipe.leads_to_socket() {
                    // Nobody has been connected for long: the whole is less.
                    pipe.send_subscriptions(false);
                } else {
                    pipe.push(&mut message.share());
                }
            }
        }
        Ok(())
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

    /// Whether a message that begins with `body` was subscribed to.
    pub(super) fn matches(&self, body: &[u8]) -> bool {
        self.topics.lock().matches(body)
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

    fn close(&self, pipe: &Pipe) {
        let _topics = self.topics.lock();
        pipe.want_subscriptions(false);
    }
}
