//! PUB and XPUB (RFC 29): send each message to every subscriber of a topic it
//! begins with. A subscriber without room misses the message.
//!
//! XPUB receives its subscribers' subscriptions as messages: a byte 1
//! (subscribe) or 0 (cancel) and the topic, once per topic unless it is
//! verbose; PUB keeps them to itself.

use std::collections::VecDeque;

use super::Pattern;
use crate::error::{Errno, Result};
use crate::message::{Message, Role};
use crate::options::PatternOption;
use crate::pipe::{Key, PipeSet};
use crate::routing::{Distributor, KeyList, Removal, Topics};

/// Frames read from a peer in one go: one that floods must not hold up the
/// others.
const READS_PER_TURN: usize = 10_000;
/// Messages of users that wait to be received; subscriptions do not count.
const USER_MESSAGES: usize = 1000;

/// See the file's head.
pub(super) struct XPub {
    topics: Topics<Key>,
    peers: KeyList,
    out: Distributor,
    /// The frames of a message are being sent.
    sending: bool,
    /// What the user has to receive; `None` for PUB, where nobody does.
    news: Option<VecDeque<Message>>,
    /// Messages of users, not subscriptions, among the news.
    user_messages: usize,
    /// Pipes that are not read on until the news was received.
    paused: Vec<Key>,
    /// Repeated subscriptions are news, too.
    verbose_subscribe: bool,
    /// And repeated ends of them.
    verbose_cancel: bool,
    /// A subscriber without room holds the message up for all.
    no_drop: bool,
    invert: bool,
}

impl XPub {
    /// XPUB, or PUB.
    pub(super) fn new(shows_subscriptions: bool) -> XPub {
        XPub {
            topics: Topics::new(),
            peers: KeyList::default(),
            out: Distributor::default(),
            sending: false,
            news: shows_subscriptions.then(VecDeque::new),
            user_messages: 0,
            paused: Vec::new(),
            verbose_subscribe: false,
            verbose_cancel: false,
            no_drop: false,
            invert: false,
        }
    }

    fn hear(&mut self, key: Key, message: Message) {
        let topic = message.data();
        let (byte, is_news) = match message.role() {
            Role::Subscribe => {
                // Without memory for it the subscription has not happened.
                let first = self.topics.add(topic, key).unwrap_or(false);
                (1, first || self.verbose_subscribe)
            }
            Role::Cancel => match self.topics.remove(topic, key) {
                Removal::Gone => (0, true),
                Removal::StillWanted | Removal::NotFound => (0, self.verbose_cancel),
            },
            Role::Data | Role::Peer => {
                if let Some(news) = &mut self.news {
                    self.user_messages += usize::from(!message.more());
                    news.push_back(message);
                }
                return;
            }
        };
        if is_news {
            tell(&mut self.news, byte, &message);
        }
    }

    fn choose_targets(&mut self, pipes: &mut PipeSet, message: &Message) {
        let out = &mut self.out;
        out.begin();
        self.topics.matching(message.data(), |key| out.choose(key));
        if self.invert {
            let others: Vec<_> =
                self.peers.keys().iter().copied().filter(|key| !out.is_chosen(*key)).collect();
            out.begin();
            others.into_iter().for_each(|key| out.choose(key));
        }
        if !self.no_drop {
            self.out.drop_full(pipes);
        }
    }
}

/// Notes a subscription, or the end of one, for the user.
fn tell(news: &mut Option<VecDeque<Message>>, byte: u8, about: &Message) {
    let Some(news) = news else { return };
    let mut body = Vec::with_capacity(about.len() + 1);
    body.push(byte);
    body.extend_from_slice(about.data());
    if let Ok(mut message) = Message::copy_of(&body) {
        message.set_metadata(about.metadata().cloned());
        news.push_back(message);
    }
}

impl Pattern for XPub {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, _: bool) -> bool {
        self.peers.add(key);
        self.readable(pipes, key);
        true
    }

    fn readable(&mut self, pipes: &mut PipeSet, key: Key) {
        let mut message = Message::new();
        for _ in 0..READS_PER_TURN {
            if self.user_messages >= USER_MESSAGES {
                // Until the user has received some: its peers wait meanwhile.
                self.paused.push(key);
                return;
            }
            if !pipes.pop(key, &mut message) {
                return;
            }
            self.hear(key, std::mem::take(&mut message));
        }
        if let Some(pipe) = pipes.pipe(key) {
            pipe.remind();
        }
    }

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, _: &mut PipeSet, key: Key) {
        let mut unwanted = Vec::new();
        self.topics.remove_pipe(key, |topic| unwanted.push(topic.to_vec()));
        unwanted.sort_unstable();
        for topic in unwanted {
            if let Ok(topic) = Message::copy_of(&topic) {
                tell(&mut self.news, 0, &topic);
            }
        }
        self.peers.remove(key);
        self.out.remove(key);
        self.paused.retain(|paused| *paused != key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        if !self.sending {
            self.choose_targets(pipes, message);
            if self.no_drop && !self.out.all_have_room(pipes) {
                return Err(Errno::EAGAIN);
            }
        }
        self.sending = message.more();
        self.out.send(pipes, std::mem::take(message));
        Ok(())
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        let news = self.news.as_mut().ok_or(Errno::ENOTSUP)?;
        *message = news.pop_front().ok_or(Errno::EAGAIN)?;
        if news.is_empty() {
            self.user_messages = 0;
            for key in std::mem::take(&mut self.paused) {
                self.readable(pipes, key);
            }
        }
        Ok(())
    }

    fn has_input(&mut self, _: &mut PipeSet) -> bool {
        self.news.as_ref().is_some_and(|news| !news.is_empty())
    }

    fn has_output(&mut self, _: &mut PipeSet) -> bool {
        true
    }

    fn set(&mut self, option: PatternOption<'_>) -> Result<()> {
        match option {
            PatternOption::XPubVerbose(on) => {
                self.verbose_subscribe = on;
                self.verbose_cancel = false;
            }
            PatternOption::XPubVerboser(on) => {
                self.verbose_subscribe = on;
                self.verbose_cancel = on;
            }
            PatternOption::XPubNoDrop(on) => self.no_drop = on,
            PatternOption::InvertMatching(on) => self.invert = on,
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }
}
