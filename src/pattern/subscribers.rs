//! Who subscribes to what at a publisher, and what its user is told of it.
//!
//! In manual mode what peers ask for is only news: what they get is what the
//! user says after receiving their wish.

use super::news::{Asker, News};
use super::requests::Requests;
use crate::error::Result;
use crate::message::{Message, Role};
use crate::pipe::Key;
use crate::routing::{Addition, Removal, Topics};

/// What a peer's topics may take, each with [`TOPIC_OVERHEAD`]. More than any
/// honest peer wants; beyond, its connection is closed.
const PEER_TOPIC_BYTES: usize = 256 << 20;
/// What a topic is reckoned to take beside its bytes.
const TOPIC_OVERHEAD: usize = 64;

/// See the file's head.
pub(super) struct Subscribers {
    /// What is sent to whom.
    topics: Topics<Key>,
    /// What was asked for in manual mode.
    asked: Topics<Key>,
    /// What is known of the peer of each key.
    states: Vec<PeerState>,
    /// What the user has to receive; `None` for PUB, where nobody does.
    news: Option<News>,
    /// In manual mode, who asked for what was received last.
    last_asker: Option<Asker>,
    pub(super) settings: Settings,
}

/// What options say of subscriptions.
#[derive(Default)]
pub(super) struct Settings {
    /// Repeated subscriptions are news, too.
    pub(super) verbose_subscribe: bool,
    /// And repeated ends of them.
    pub(super) verbose_cancel: bool,
    /// The user says what is sent to whom.
    pub(super) manual: bool,
    /// The first frame of a message tells whether any of them subscribes.
    pub(super) only_first: bool,
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

impl Subscribers {
    /// How many topics are wanted.
    #[cfg(feature = "draft")]
    pub(super) fn topics_count(&self) -> usize {
        self.topics.len()
    }

    /// With or without a user who receives subscriptions.
    pub(super) fn new(shown: bool) -> Subscribers {
        Subscribers {
            topics: Topics::new(),
            asked: Topics::new(),
            states: Vec::new(),
            news: shown.then(News::default),
            last_asker: None,
            settings: Settings::default(),
        }
    }

    /// A peer comes.
    pub(super) fn join(&mut self, key: Key) {
        let index = key.0 as usize;
        if index >= self.states.len() {
            self.states.resize(index + 1, PeerState::default());
        }
    }

    /// Takes a frame that came from a peer.
    pub(super) fn hear(&mut self, key: Key, message: Message) {
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
    pub(super) fn last_asker(&self) -> Option<Key> {
        // A peer that leaves takes its serial number with it.
        self.last_asker.filter(|asker| self.asker(asker.key) == *asker).map(|asker| asker.key)
    }

    /// From now on nobody has asked last.
    pub(super) fn forget_asker(&mut self) {
        self.last_asker = None;
    }

    /// Whether a peer has subscribed to more than it may.
    pub(super) fn refuses(&self, key: Key) -> bool {
        self.states[key.0 as usize].topic_bytes > PEER_TOPIC_BYTES
    }

    /// Whether a peer may be read on: amid a message always, so that another
    /// one's does not cut it in two, else while the user's news is not too much.
    pub(super) fn may_speak(&self, key: Key) -> bool {
        !self.is_between_messages(key) || !self.news.as_ref().is_some_and(News::is_full)
    }

    /// Whether no message of a peer is under way.
    pub(super) fn is_between_messages(&self, key: Key) -> bool {
        self.states[key.0 as usize].requests.at_start()
    }

    /// Calls `each` for the peers that a message goes to.
    #[inline]
    pub(super) fn matching(&mut self, message: &Message, each: impl FnMut(Key)) {
        self.topics.matching(message.data(), each);
    }

    /// What the user says of the peer whose wish was received last; nothing happens
    /// when it has gone, or there was none.
    pub(super) fn say(&mut self, topic: &[u8], add: bool) -> Result<()> {
        if let Some(key) = self.last_asker() {
            if add {
                self.topics.add(topic, key)?;
            } else {
                self.topics.remove(topic, key);
            }
        }
        Ok(())
    }

    /// What the user has to receive; `None` where there is no such user.
    pub(super) fn news(&self) -> Option<&News> {
        self.news.as_ref()
    }

    /// The next of what the user has to receive.
    pub(super) fn next_news(&mut self) -> Option<Message> {
        let (next, asker) = self.news.as_mut()?.pop()?;
        if self.settings.manual && asker.is_some() {
            self.last_asker = asker;
        }
        Some(next)
    }

    /// A peer leaves: its subscriptions end.
    pub(super) fn leave(&mut self, key: Key) {
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
    }
}

/// The topic of a subscription, or of the end of one.
fn topic_of(message: &Message) -> &[u8] {
    match message.role() {
        Role::Subscribe | Role::Cancel => message.data(),
        _ => message.data().get(1..).unwrap_or_default(),
    }
}
