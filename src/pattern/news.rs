//! What an XPUB's user has to receive: subscriptions, their ends, and what
//! users of XSUBs send.

use std::collections::VecDeque;

use crate::message::{Message, Role};
use crate::pipe::Key;

/// Messages of users that may wait; subscriptions do not count.
const USER_MESSAGES: usize = 1000;
/// What all that waits may take, each message with [`OVERHEAD`]. It takes
/// millions of subscriptions that nobody receives to get there.
const BYTES: usize = 256 << 20;
/// What a message is reckoned to take beside its body.
const OVERHEAD: usize = 96;

/// Who asked for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asker {
    pub(super) key: Key,
    /// Tells the peers apart that have the key one after another.
    pub(super) serial: u32,
}

/// See the file's head.
#[derive(Default)]
pub(super) struct News {
    queue: VecDeque<(Message, Option<Asker>)>,
    /// Messages of users among them.
    user_messages: usize,
    bytes: usize,
}

impl News {
    /// Adds a frame of a user's message.
    pub(super) fn push_user_message(&mut self, message: Message) {
        self.user_messages += usize::from(!message.more());
        self.push(message.with_role(Role::Data), None);
    }

    /// Adds a subscription (`byte` is 1) or the end of one (0): either a topic
    /// or a frame that begins with that byte.
    pub(super) fn push_request(&mut self, byte: u8, message: Message, asker: Option<Asker>) {
        let whole = match message.role() {
            Role::Subscribe | Role::Cancel => told(byte, &message),
            _ => Some(message),
        };
        if let Some(mut message) = whole {
            // The frame may have come amid others, but stands for itself.
            message.set_more(false);
            self.push(message.with_role(Role::Data), asker);
        }
    }

    /// Adds the ends of subscriptions to these topics, in the order of their
    /// bytes.
    pub(super) fn push_ends(&mut self, mut topics: Vec<Message>, asker: Option<Asker>) {
        topics.sort_unstable_by(|a, b| a.data().cmp(b.data()));
        for topic in topics {
            if let Some(message) = told(0, &topic) {
                self.push(message, asker);
            }
        }
    }

    /// Takes what comes next.
    pub(super) fn pop(&mut self) -> Option<(Message, Option<Asker>)> {
        let next = self.queue.pop_front()?;
        self.bytes -= next.0.len() + OVERHEAD;
        if self.queue.is_empty() {
            self.user_messages = 0;
            if self.queue.capacity() > KEEP {
                self.queue = VecDeque::new();
            }
        }
        Some(next)
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether so much waits that its senders should wait, too.
    pub(super) fn is_full(&self) -> bool {
        self.user_messages >= USER_MESSAGES || self.bytes >= BYTES
    }

    fn push(&mut self, message: Message, asker: Option<Asker>) {
        self.bytes += message.len() + OVERHEAD;
        self.queue.push_back((message, asker));
    }
}

/// The message that tells of a topic. `None` without memory for it.
fn told(byte: u8, topic: &Message) -> Option<Message> {
    let mut message = Message::with_len(topic.len() + 1).ok()?;
    let body = message.data_mut()?;
    body[0] = byte;
    body[1..].copy_from_slice(topic.data());
    message.set_metadata(topic.metadata().cloned());
    Some(message)
}

/// Messages for which an empty queue keeps memory.
const KEEP: usize = 1024;
