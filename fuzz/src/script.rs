//! Handshakes without secrets, NULL and PLAIN: an input is a play for the peer
//! and the authenticator, in which any line may be the right one or nonsense.

use std::sync::Arc;

use zmq::socket_type::SocketType;
use zmq::zmtp::{Config, Event, PeerInfo, zap::Answer};

use crate::wire::{command, frame, greeting, properties, property, reply};
use crate::{Cuts, Input, Tested, is_part};

/// More than a command of a handshake may have.
const MOST_REPEATED: usize = 40_000;

const NAMES: [&[u8]; 7] =
    [b"READY", b"HELLO", b"WELCOME", b"INITIATE", b"ERROR", b"^RROR", b"PING"];

/// What has come of a play when the connection was ready, or at its end.
pub struct Played {
    pub tested: Tested,
    /// All that the peer has said.
    pub said: Vec<u8>,
    /// The last answer of the authenticator, to a question.
    pub verdict: Option<Verdict>,
}

/// What the authenticator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    Refused,
    Absent,
    Nonsense,
}

/// Plays the input, cut somehow, which must make no difference; `check` looks at a peer
/// that was let in.
pub fn play(config: Config, mut input: Input<'_>, check: impl Fn(&Played, &PeerInfo)) {
    let config = Arc::new(config);
    let cuts = Cuts::new(input.byte());
    let played = act(&config, input, cuts);
    if cuts.are_compared() {
        let whole = act(&config, input, Cuts::NONE);
        assert_eq!(played.tested.seen, whole.tested.seen);
    }
    for event in &played.tested.seen.events {
        if let Event::Ready(peer) = event {
            check_peer(&played, peer, config.socket_type);
            check(&played, peer);
        }
    }
}

/// What is true of every peer that was let in.
fn check_peer(played: &Played, peer: &PeerInfo, ours: SocketType) {
    let told = peer.properties.iter().map(|(name, value)| property(name, value));
    let told: Vec<u8> = told.flatten().collect();
    assert!(is_part(&told, &played.said), "properties that nobody has told");
    assert!(peer.socket_type.is_none_or(|theirs| ours.talks_to(theirs)));
    assert!(peer.routing_id.len() <= 255);
    match played.verdict {
        None => assert!(peer.vouched.is_empty()),
        Some(Verdict::Accepted) => {
            assert_eq!(peer.vouched[..], [(b"User-Id".to_vec(), b"joe".to_vec())]);
        }
        Some(verdict) => assert_eq!(verdict, Verdict::Absent),
    }
}

fn act(config: &Arc<Config>, mut input: Input<'_>, cuts: Cuts) -> Played {
    let mut played = Played { tested: Tested::new(config, cuts), said: Vec::new(), verdict: None };
    let mechanism: &[u8] = match config.security.clone() {
        zmq::zmtp::Security::Null => b"NULL",
        _ => b"PLAIN",
    };
    let greeting = greeting(3, input.byte() & 1, mechanism);
    played.said.extend_from_slice(&greeting);
    played.tested.say_whole(&greeting);
    let mut proper = proper(config).into_iter();
    let mut has_said_much = false;
    while !input.is_empty() && played.tested.seen.error.is_none() {
        let line = input.byte() % 12;
        match line {
            0..7 => played.say(&command(NAMES[usize::from(line)], input.led())),
            7 => played.say(&proper.next().unwrap_or_default()),
            8 => {
                let verdict = input.byte();
                played.judge(verdict);
            }
            9 => {
                let flags = input.byte();
                let body = input.led();
                played.say(&frame(flags & !2, body));
            }
            10 => played.say(input.led()),
            // Once is enough: it takes longer than all the rest.
            _ if std::mem::replace(&mut has_said_much, true) => {}
            _ => {
                // A long one: a property, over and over.
                let name = NAMES[usize::from(input.byte() % 4)];
                let times = usize::from(input.byte()) * usize::from(input.byte()) / 4;
                let each = property(b"X", input.led());
                let times = times.min(MOST_REPEATED / each.len());
                played.say(&command(name, &each.repeat(times)));
            }
        }
    }
    played
}

/// What a good peer says.
fn proper(config: &Config) -> Vec<Vec<u8>> {
    use zmq::zmtp::Security::*;
    let theirs = SocketType::ALL.into_iter().find(|t| config.socket_type.talks_to(*t));
    let metadata = properties(theirs.expect("every type has a partner"));
    match config.security {
        PlainServer => {
            vec![command(b"HELLO", b"\x04name\x04word"), command(b"INITIATE", &metadata)]
        }
        PlainClient { .. } => vec![command(b"WELCOME", b""), command(b"READY", &metadata)],
        _ => vec![command(b"READY", &metadata), frame(0, b"message")],
    }
}

impl Played {
    fn say(&mut self, bytes: &[u8]) {
        self.said.extend_from_slice(bytes);
        self.tested.say(bytes);
    }

    /// An answer, asked for or not.
    fn judge(&mut self, verdict: u8) {
        let asked = self.tested.asks();
        let (verdict, frames) = match verdict % 8 {
            0..3 => (Verdict::Accepted, reply(b"200")),
            3 => (Verdict::Refused, reply(b"300")),
            4 => (Verdict::Refused, reply(b"400")),
            5 => (Verdict::Refused, reply(b"500")),
            6 => (Verdict::Nonsense, reply(b"201")),
            _ => (Verdict::Absent, Vec::new()),
        };
        // The library's owner answers questions only, and each once.
        if !asked {
            return;
        }
        self.verdict = Some(verdict);
        match verdict {
            Verdict::Absent => self.tested.answer(&Answer::NoAuthenticator),
            _ => self.tested.answer(&Answer::Reply(&frames)),
        }
    }
}
