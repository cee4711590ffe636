//! PUB and XPUB (RFC 29): send each message to every subscriber of a topic it
//! begins with. A subscriber without room misses the message.
//!
//! XPUB receives its subscribers' subscriptions as messages: a byte 1
//! (subscribe) or 0 (cancel) and the topic, once per topic unless it is
//! verbose; PUB keeps them to itself. In manual mode they are only that: what a
//! subscriber gets is what the user says after receiving its wish
//! (`ZMQ_SUBSCRIBE`, `ZMQ_UNSUBSCRIBE`).

use super::Pattern;
use super::news::{Asker, News};
use super::requests::Requests;
use crate::error::{Errno, Result};
use crate::message::{Message, Role};
use crate::options::PatternOption;
use crate::pipe::{Key, PipeSet};
use crate::routing::{Addition, Distributor, KeyList, Removal, Topics};

/// Frames read from a peer in one go: one that floods must not hold up the
/// others.
const READS_PER_TURN: usize = 10_000;
/// What a peer's topics may take, each with [`TOPIC_OVERHEAD`]. More than any
/// honest peer wants; beyond, its connection is closed.
const PEER_TOPIC_BYTES: usize = 256 << 20;
/// What a topic is reckoned to take beside its bytes.
const TOPIC_OVERHEAD: usize = 64;

/// See the file's head.
pub(super) struct XPub {
    /// What is sent to whom.
    topics: Topics<Key>,
    /// What was asked for in manual mode.
    asked: Topics<Key>,
    peers: KeyList,
    /// What is known of the peer of each key.
    states: Vec<PeerState>,
    out: Distributor,
    /// The frames of a message are being sent.
    sending: bool,
    /// What the user has to receive; `None` for PUB, where nobody does.
    news: Option<News>,
    /// Pipes that are not read on until the news was received.
    paused: Vec<Key>,
    /// In manual mode, who asked for what was received last.
    last_asker: Option<Asker>,
    /// What each new peer is sent first.
    welcome: Option<Message>,
    settings: Settings,
}

/// What options say.
#[derive(Default)]
struct Settings {
    /// Repeated subscriptions are news, too.
    verbose_subscribe: bool,
    /// And repeated ends of them.
    verbose_cancel: bool,
    /// A subscriber without room holds the message up for all.
    no_drop: bool,
    /// Messages go to those who did not ask for them.
    invert: bool,
    /// The user says what is sent to whom.
    manual: bool,
    /// After news was received, the next message goes to who it came from.
    last_value: bool,
    /// The first frame of a message tells whether any of them subscribes.
    only_first: bool,
}

/// What is known of one peer.
#[derive(Clone, Copy, Default)]
struct PeerState {
    /// Tells the peers apart that have the key one after another.
    serial: u32,
    requests: Requests,
    /// What its topics take, see [`PEER_TOPIC_BYTES`].
    topic_bytes: usize,
}

impl XPub {
    /// XPUB, or PUB.
    pub(super) fn new(shows_subscriptions: bool) -> XPub {
        XPub {
            topics: Topics::new(),
            asked: Topics::new(),
            peers: KeyList::default(),
            states: Vec::new(),
            out: Distributor::default(),
            sending: false,
            news: shows_subscriptions.then(News::default),
            paused: Vec::new(),
            last_asker: None,
            welcome: None,
            settings: Settings::default(),
        }
    }

    /// Takes a frame that came from a peer.
    fn hear(&mut self, key: Key, message: Message) {
        let state = &mut self.states[key.0 as usize];
        let add = match message.role() {
            Role::Subscribe => Some(true),
            Role::Cancel => Some(false),
            _ => state.requests.note(&message, self.settings.only_first),
        };
        match add {
            Some(true) => self.add(key, message),
            Some(false) => self.cancel(key, message),
            None => {
                if let Some(news) = &mut self.news {
                    news.push_user_message(message);
                }
            }
        }
    }

    /// The peer subscribes.
    fn add(&mut self, key: Key, message: Message) {
        let manual = self.settings.manual;
        let topic = topic_of(&message);
        let topics = if manual { &mut self.asked } else { &mut self.topics };
        let addition = match topics.add(topic, key) {
            Ok(addition) => addition,
            // Without memory for it the subscription has not happened.
            Err(_) => return,
        };
        let state = &mut self.states[key.0 as usize];
        if addition != Addition::Known {
            state.topic_bytes += topic.len() + TOPIC_OVERHEAD;
        }
        if manual || self.settings.verbose_subscribe || addition == Addition::First {
            self.tell(key, 1, message);
        }
    }

    /// The peer ends a subscription. One that was not there is told like the
    /// last one of its topic.
    fn cancel(&mut self, key: Key, message: Message) {
        let manual = self.settings.manual;
        let topic = topic_of(&message);
        let topics = if manual { &mut self.asked } else { &mut self.topics };
        let removal = topics.remove(topic, key);
        if removal != Removal::NotFound {
            let state = &mut self.states[key.0 as usize];
            state.topic_bytes = state.topic_bytes.saturating_sub(topic.len() + TOPIC_OVERHEAD);
        }
        if manual || self.settings.verbose_cancel || removal != Removal::StillWanted {
            self.tell(key, 0, message);
        }
    }

    fn tell(&mut self, key: Key, byte: u8, message: Message) {
        let asker = self.settings.manual.then(|| self.asker(key));
        if let Some(news) = &mut self.news {
            news.push_request(byte, message, asker);
        }
    }

    fn asker(&self, key: Key) -> Asker {
        Asker { key, serial: self.states[key.0 as usize].serial }
    }

    /// Who asked for what was received last, if it is still there.
    fn asker_present(&self) -> Option<Key> {
        let asker = self.last_asker?;
        let present = self.peers.contains(asker.key) && self.asker(asker.key) == asker;
        present.then_some(asker.key)
    }

    fn choose_targets(&mut self, message: &Message) {
        let out = &mut self.out;
        out.begin();
        self.topics.matching(message.data(), |key| out.choose(key));
        if self.settings.last_value
            && let Some(key) = self.asker_present()
        {
            self.out.keep_only(key);
        }
        if self.settings.invert {
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

/// The topic of a subscription, or of the end of one.
fn topic_of(message: &Message) -> &[u8] {
    match message.role() {
        Role::Subscribe | Role::Cancel => message.data(),
        _ => message.data().get(1..).unwrap_or_default(),
    }
}

impl Pattern for XPub {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, _: bool) -> bool {
        self.peers.add(key);
        let index = key.0 as usize;
        if index >= self.states.len() {
            self.states.resize(index + 1, PeerState::default());
        }
        if let Some(welcome) = &self.welcome {
            pipes.push(key, &mut welcome.share());
        }
        self.readable(pipes, key);
        true
    }

    fn readable(&mut self, pipes: &mut PipeSet, key: Key) {
        let mut message = Message::new();
        for read in 0.. {
            // Not amid a message, which another peer's could cut in two.
            if self.states[key.0 as usize].requests.at_start() {
                if self.news.as_ref().is_some_and(News::is_full) {
                    // Until the user has received some: its peers wait meanwhile.
                    self.paused.push(key);
                    return;
                }
                if read >= READS_PER_TURN {
                    break;
                }
            }
            if !pipes.pop(key, &mut message) {
                return;
            }
            self.hear(key, std::mem::take(&mut message));
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
        self.states[key.0 as usize].topic_bytes > PEER_TOPIC_BYTES
    }

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, _: &mut PipeSet, key: Key) {
        let Settings { manual, verbose_cancel, .. } = self.settings;
        let news = &mut self.news;
        let mut ended = Vec::new();
        let asker = manual.then(|| Asker { key, serial: self.states[key.0 as usize].serial });
        let mut tell = |topic: &[u8]| {
            if news.is_some()
                && let Ok(topic) = Message::copy_of(topic)
            {
                ended.push(topic);
            }
        };
        self.asked.remove_pipe(key, |topic, _| {
            if manual {
                tell(topic);
            }
        });
        self.topics.remove_pipe(key, |topic, removal| {
            if !manual && (verbose_cancel || removal == Removal::Gone) {
                tell(topic);
            }
        });
        if let Some(news) = news {
            news.push_ends(ended, asker);
        }
        let state = &mut self.states[key.0 as usize];
        *state = PeerState { serial: state.serial.wrapping_add(1), ..PeerState::default() };
        self.peers.remove(key);
        self.out.remove(key);
        self.paused.retain(|paused| *paused != key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        let starts = !self.sending;
        if starts {
            self.choose_targets(message);
            if self.settings.no_drop && !self.out.all_have_room(pipes) {
                return Err(Errno::EAGAIN);
            }
            if self.settings.last_value {
                self.last_asker = None;
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
        let news = self.news.as_mut().ok_or(Errno::ENOTSUP)?;
        let (next, asker) = news.pop().ok_or(Errno::EAGAIN)?;
        *message = next;
        if self.settings.manual && asker.is_some() {
            self.last_asker = asker;
        }
        if news.is_empty() {
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
        let settings = &mut self.settings;
        match option {
            PatternOption::XPubVerbose(on) => {
                settings.verbose_subscribe = on;
                settings.verbose_cancel = false;
            }
            PatternOption::XPubVerboser(on) => {
                settings.verbose_subscribe = on;
                settings.verbose_cancel = on;
            }
            PatternOption::XPubNoDrop(on) => settings.no_drop = on,
            PatternOption::XPubManual(on) => settings.manual = on,
            PatternOption::XPubManualLastValue(on) => {
                settings.manual = on;
                settings.last_value = on;
            }
            PatternOption::XPubWelcome(body) => {
                self.welcome = if body.is_empty() { None } else { Some(Message::copy_of(body)?) };
            }
            PatternOption::InvertMatching(on) => settings.invert = on,
            PatternOption::OnlyFirstSubscribe(on) => settings.only_first = on,
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    /// For the peer whose wish was received last; nothing happens when it has
    /// gone, or there was none.
    fn subscribe(&mut self, _: &mut PipeSet, topic: &[u8], add: bool) -> Result<()> {
        if !self.settings.manual {
            return Err(Errno::EINVAL);
        }
        if let Some(key) = self.asker_present() {
            if add {
                self.topics.add(topic, key)?;
            } else {
                self.topics.remove(topic, key);
            }
        }
        Ok(())
    }
}
