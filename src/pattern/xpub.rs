//! PUB and XPUB (RFC 29): send each message to every subscriber of a topic it
//! begins with. A subscriber without room misses the message.
//!
//! XPUB receives its subscribers' subscriptions as messages: a byte 1
//! (subscribe) or 0 (cancel) and the topic, once per topic unless it is
//! verbose; PUB keeps them to itself. In manual mode they are only that: what a
//! subscriber gets is what the user says after receiving its wish
//! (`ZMQ_SUBSCRIBE`, `ZMQ_UNSUBSCRIBE`).

use super::Pattern;
use super::news::News;
use super::subscribers::Subscribers;
use crate::error::{Errno, Result};
use crate::message::{Message, Role};
use crate::options::PatternOption;
use crate::pipe::{Key, PipeSet};
use crate::routing::{Distributor, KeyList};

/// Frames read from a peer in one go: one that floods must not hold up the
/// others.
const READS_PER_TURN: usize = 10_000;

/// See the file's head.
pub(super) struct XPub {
    subscribers: Subscribers,
    peers: KeyList,
    out: Distributor,
    /// The frames of a message are being sent.
    sending: bool,
    /// Pipes that are not read on until the news was received.
    paused: Vec<Key>,
    /// What each new peer is sent first.
    welcome: Option<Message>,
    /// A subscriber without room holds the message up for all.
    no_drop: bool,
    /// Messages go to those who did not ask for them.
    invert: bool,
    /// After news was received, the next message goes to who it came from.
    last_value: bool,
}

impl XPub {
    /// XPUB, or PUB.
    pub(super) fn new(shows_subscriptions: bool) -> XPub {
        XPub {
            subscribers: Subscribers::new(shows_subscriptions),
            peers: KeyList::default(),
            out: Distributor::default(),
            sending: false,
            paused: Vec::new(),
            welcome: None,
            no_drop: false,
            invert: false,
            last_value: false,
        }
    }

    fn choose_targets(&mut self, message: &Message) {
        let out = &mut self.out;
        out.begin();
        self.subscribers.matching(message, |key| out.choose(key));
        if self.last_value
            && let Some(key) = self.subscribers.last_asker()
        {
            self.out.keep_only(key);
        }
        if self.invert {
            self.invert_targets();
        }
    }

    #[cold]
    fn invert_targets(&mut self) {
        let out = &mut self.out;
        let others: Vec<_> =
            self.peers.keys().iter().copied().filter(|key| !out.is_chosen(*key)).collect();
        out.begin();
        others.into_iter().for_each(|key| out.choose(key));
    }
}

impl Pattern for XPub {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, _: bool) -> bool {
        self.peers.add(key);
        self.subscribers.join(key);
        if let Some(welcome) = &self.welcome {
            pipes.greet(key, &mut welcome.share());
        }
        self.readable(pipes, key);
        true
    }

    fn readable(&mut self, pipes: &mut PipeSet, key: Key) {
        // Whoever receives it later may ask who sent it, whatever call reads it now.
        pipes.with_metadata = true;
        let mut message = Message::new();
        for read in 0.. {
            if !self.subscribers.may_speak(key) {
                // Until the user has received some: its peers wait meanwhile.
                self.paused.push(key);
                return;
            }
            if read >= READS_PER_TURN && self.subscribers.is_between_messages(key) {
                break;
            }
            if !pipes.pop(key, &mut message) {
                return;
            }
            if matches!(message.role(), Role::Subscribe | Role::Cancel) {
                pipes.count_aside();
            }
            self.subscribers.hear(key, std::mem::take(&mut message));
            if self.refuses(key) && pipes.pipe(key).is_some_and(|pipe| !pipe.leads_to_socket()) {
                pipes.retire(key);
                return;
            }
        }
        if let Some(pipe) = pipes.pipe(key) {
            pipe.remind();
        }
    }

    fn refuses(&self, key: Key) -> bool {
        self.subscribers.refuses(key)
    }

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, _: &mut PipeSet, key: Key) {
        self.subscribers.leave(key);
        self.peers.remove(key);
        self.out.remove(key);
        self.paused.retain(|paused| *paused != key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        let starts = !self.sending;
        if starts {
            self.choose_targets(message);
            if self.no_drop && !self.out.all_have_room(pipes) {
                return Err(Errno::EAGAIN);
            }
            if self.last_value {
                self.subscribers.forget_asker();
            }
        }
        self.sending = message.more();
        let frame = std::mem::take(message);
        if starts {
            self.out.offer(pipes, frame);
        } else {
            self.out.send(pipes, frame);
        }
        Ok(())
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        self.subscribers.news().ok_or(Errno::ENOTSUP)?;
        *message = self.subscribers.next_news().ok_or(Errno::EAGAIN)?;
        if self.subscribers.news().is_some_and(News::is_empty) {
            for key in std::mem::take(&mut self.paused) {
                self.readable(pipes, key);
            }
        }
        Ok(())
    }

    fn has_input(&mut self, _: &mut PipeSet) -> bool {
        self.subscribers.news().is_some_and(|news| !news.is_empty())
    }

    fn has_output(&mut self, _: &mut PipeSet) -> bool {
        true
    }

    fn set(&mut self, option: PatternOption<'_>) -> Result<()> {
        let settings = &mut self.subscribers.settings;
        match option {
            PatternOption::XPubVerbose(on) => {
                settings.verbose_subscribe = on;
                settings.verbose_cancel = false;
            }
            PatternOption::XPubVerboser(on) => {
                settings.verbose_subscribe = on;
                settings.verbose_cancel = on;
            }
            PatternOption::XPubNoDrop(on) => self.no_drop = on,
            PatternOption::XPubManual(on) => settings.manual = on,
            PatternOption::XPubManualLastValue(on) => {
                settings.manual = on;
                self.last_value = on;
            }
            PatternOption::XPubWelcome(body) => {
                self.welcome = if body.is_empty() { None } else { Some(Message::copy_of(body)?) };
            }
            PatternOption::InvertMatching(on) => self.invert = on,
            PatternOption::OnlyFirstSubscribe(on) => settings.only_first = on,
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    #[cfg(feature = "draft")]
    fn topics_count(&self) -> Option<usize> {
        Some(self.subscribers.topics_count())
    }

    fn subscribe(&mut self, _: &mut PipeSet, topic: &[u8], add: bool) -> Result<()> {
        if !self.subscribers.settings.manual {
            return Err(Errno::EINVAL);
        }
        self.subscribers.say(topic, add)
    }
}
