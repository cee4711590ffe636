//! One connection from its first byte to its last: greeting, handshake,
//! traffic. Driven by whoever holds its bytes, never by itself; no call
//! blocks.

use std::sync::Arc;
use std::time::Instant;

use super::cipher::Sealed;
use super::collector::Collector;
use super::command;
use super::dialect::Dialect;
use super::frame;
use super::greeting::{Greeted, Greeting};
use super::identity::Identity;
use super::mechanism::{Desk, Mechanism, Progress};
use super::traffic::{Traffic, publishes};
use super::zap::Answer;
use super::{Config, Event, Inbox, PeerInfo, ProtocolError, TimeOut, Version};
use crate::gssapi::{Errand, Outcome};
use crate::message::{Message, Role};

/// The longest handshake command; `ZMQ_MAXMSGSIZE` has no say in this. Room for the
/// tickets of Kerberos (48 000 bytes by Windows' default), and below the 64 KiB that
/// a peer may make us hold before it is known.
pub(super) const MAX_HANDSHAKE_COMMAND: usize = 56 * 1024;

/// A connection that speaks ZMTP, without its socket.
pub struct Connection {
    config: Arc<Config>,
    state: State,
    /// Bytes of ours that go out before any further message.
    output: Vec<u8>,
    event: Option<Event>,
    /// When greeting and handshake must be over.
    handshake_due: Option<Instant>,
    /// What the peer understands, once that is known.
    dialect: Dialect,
}

/// Where a connection stands.
enum State {
    Greeting(Greeting),
    Handshake(Handshake),
    /// A peer older than 3.0: we may send, and its identity comes.
    Identity(Identity),
    Traffic(Traffic),
    /// Traffic that the mechanism encodes.
    Sealed(Box<Sealed>),
    Failed(ProtocolError),
}

/// Commands under way to the mechanism.
struct Handshake {
    mechanism: Box<dyn Mechanism>,
    version: Version,
    frame: Collector,
}

impl Connection {
    /// A connection that has just been made. The first bytes of the greeting
    /// wait in the output.
    pub fn new(config: Arc<Config>, now: Instant) -> Connection {
        let mut output = Vec::new();
        let greeting = Greeting::new(&config, &mut output);
        let handshake_due = config.handshake_timeout.and_then(|timeout| now.checked_add(timeout));
        Connection {
            state: State::Greeting(greeting),
            config,
            output,
            event: None,
            handshake_due,
            dialect: Dialect::V3_1,
        }
    }

    /// Decodes as much of `input` as it can and returns how many bytes that
    /// was. It stops before the end in three cases only: at the end of the
    /// handshake, so that [`Event::Ready`] is seen before the first message
    /// (call again with the rest, even if none was decoded); before a
    /// message for which the inbox has no room (call again with the rest when
    /// it has); and before that message while an authenticator is asked (call
    /// again after [`Connection::answer`]).
    ///
    /// An error ends the connection; every later call returns the same one.
    pub fn receive(
        &mut self,
        now: Instant,
        input: &[u8],
        inbox: &mut impl Inbox,
    ) -> Result<usize, ProtocolError> {
        if let State::Traffic(traffic) = &mut self.state {
            let received = traffic.receive(now, input, inbox, &mut self.output);
            return received.map_err(|error| self.fail(error));
        }
        let received = match &mut self.state {
            State::Sealed(sealed) => sealed.receive(now, input, inbox, &mut self.output),
            State::Identity(_) => self.identify(now, input, inbox),
            _ => self.negotiate(now, input),
        };
        received.map_err(|error| self.fail(error))
    }

    /// Takes the answer to [`Event::Ask`]. One that comes too late changes nothing.
    pub fn answer(&mut self, now: Instant, answer: &Answer<'_>) -> Result<(), ProtocolError> {
        self.resume(now, |mechanism, desk| mechanism.judged(answer.verdict(desk.config)?, desk))
    }

    /// What [`Event::Blocks`] tells of, once.
    pub fn errand(&mut self) -> Option<Errand> {
        match &mut self.state {
            State::Handshake(handshake) => handshake.mechanism.errand(),
            _ => None,
        }
    }

    /// Takes what came of the errand.
    pub fn ran(&mut self, now: Instant, outcome: Outcome) -> Result<(), ProtocolError> {
        self.resume(now, |mechanism, desk| mechanism.ran(outcome, desk))
    }

    /// A handshake that waited goes on with `step`; nothing else does.
    fn resume(
        &mut self,
        now: Instant,
        step: impl FnOnce(&mut dyn Mechanism, Desk<'_>) -> Result<Progress, ProtocolError>,
    ) -> Result<(), ProtocolError> {
        let consumed_state = State::Failed(ProtocolError::Untimely);
        match std::mem::replace(&mut self.state, consumed_state) {
            State::Handshake(mut handshake) => {
                let desk = handshake.desk(&self.config, &mut self.output);
                let progress = step(&mut *handshake.mechanism, desk);
                let next = progress.map(|progress| self.proceed(handshake, progress, now));
                self.state = next.map_err(|error| self.fail(error))?;
            }
            other => self.state = other,
        }
        Ok(())
    }

    /// The part still missing of a large body that has begun to come: the
    /// driver may read straight into it and then calls
    /// [`Connection::body_received`]. While this is `Some`, bytes given to
    /// `receive` continue the same body.
    pub fn body_target(&mut self) -> Option<&mut [u8]> {
        match &mut self.state {
            State::Traffic(traffic) => traffic.body_target(),
            _ => None,
        }
    }

    /// The driver read `bytes` bytes into [`Connection::body_target`].
    pub fn body_received(
        &mut self,
        now: Instant,
        bytes: usize,
        inbox: &mut impl Inbox,
    ) -> Result<(), ProtocolError> {
        let State::Traffic(traffic) = &mut self.state else {
            return Ok(());
        };
        let received = traffic.body_received(now, bytes, inbox, &mut self.output);
        received.map_err(|error| self.fail(error))
    }

    /// The length of the longest body that has begun to come since the last call;
    /// short ones are not looked at, nor those that a mechanism has sealed.
    pub fn take_longest_begun(&mut self) -> usize {
        match &mut self.state {
            State::Traffic(traffic) => traffic.take_longest_begun(),
            _ => 0,
        }
    }

    /// What has happened since the last call.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.event.take()
    }

    /// Moves to `out` the control bytes that go to the peer before any
    /// further message. What is not taken stays bounded here, so take it only
    /// when the bytes taken before have left.
    pub fn take_output(&mut self, out: &mut Vec<u8>) {
        // Taken with its memory: an idle connection holds none for the next PONG.
        out.append(&mut std::mem::take(&mut self.output));
    }

    /// Whether control bytes wait.
    #[inline]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Whether the handshake is done and messages may be encoded.
    #[inline]
    pub fn is_ready(&self) -> bool {
        matches!(self.state, State::Traffic(_) | State::Identity(_) | State::Sealed(_))
    }

    /// Whether the mechanism encodes messages: they go through
    /// [`Connection::encode`] then, and not as they are behind a header.
    #[inline]
    pub fn is_sealed(&self) -> bool {
        matches!(self.state, State::Sealed(_))
    }

    /// Appends a whole message, header and body. What was appended must leave,
    /// in the order of the calls and after the output of before: a mechanism
    /// may number it. An error ends the connection.
    pub fn encode(&mut self, message: &Message, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        if let State::Sealed(sealed) = &mut self.state {
            let encoded = sealed.encode(self.dialect, self.config.socket_type, message, out);
            return encoded.map_err(|error| self.fail(error));
        }
        self.encode_header(message, out);
        out.extend_from_slice(message.data());
        Ok(())
    }

    /// Appends all that precedes the body of `message` on the wire; the body
    /// follows it as it is. For a subscription that is a command, or to a
    /// peer older than ZMTP 3.1 the first byte of a message.
    pub fn encode_header(&self, message: &Message, out: &mut Vec<u8>) {
        if self.frames_as_v1() {
            self.encode_header_as::<true>(message, out);
        } else {
            self.encode_header_as::<false>(message, out);
        }
    }

    /// Whether frames have the layout of ZMTP 1.0.
    pub fn frames_as_v1(&self) -> bool {
        self.dialect == Dialect::V1
    }

    /// [`Connection::encode_header`] for many messages in a row: `V1` is what
    /// [`Connection::frames_as_v1`] says, asked once.
    #[inline]
    pub fn encode_header_as<const V1: bool>(&self, message: &Message, out: &mut Vec<u8>) {
        match message.role() {
            Role::Subscribe | Role::Cancel => self.encode_subscription_head(message, out),
            // `Role::Peer` is between session and socket; it comes here never.
            Role::Data | Role::Request | Role::Peer if V1 => {
                frame::encode_v1_header(message.more(), message.len(), out);
            }
            Role::Data | Role::Request | Role::Peer => {
                frame::encode_header(u8::from(message.more()), message.len(), out);
            }
        }
    }

    /// When [`Connection::on_deadline`] wants to be called, whatever happens
    /// until then.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Greeting(_) | State::Handshake(_) | State::Identity(_) => self.handshake_due,
            State::Traffic(traffic) => traffic.heartbeat.deadline(),
            State::Sealed(sealed) => sealed.deadline(),
            State::Failed(_) => None,
        }
    }

    /// Does what is due: queues a PING, or fails with a time-out. Harmless
    /// when it comes early.
    pub fn on_deadline(&mut self, now: Instant) -> Result<(), ProtocolError> {
        let outcome = match &mut self.state {
            State::Greeting(_) | State::Handshake(_) | State::Identity(_) => {
                match self.handshake_due {
                    Some(due) if due <= now => Err(ProtocolError::TimedOut(TimeOut::Handshake)),
                    _ => Ok(()),
                }
            }
            State::Traffic(traffic) => traffic.on_deadline(now, &self.config, &mut self.output),
            State::Sealed(sealed) => sealed.on_deadline(now, &self.config, &mut self.output),
            State::Failed(error) => Err(error.clone()),
        };
        outcome.map_err(|error| self.fail(error))
    }

    /// Greeting and handshake, up to the first byte of traffic or of an old
    /// peer's identity.
    #[cold]
    fn negotiate(&mut self, now: Instant, input: &[u8]) -> Result<usize, ProtocolError> {
        let mut consumed = 0;
        // Each state is consumed; should it fail, the caller stores why.
        let consumed_state = State::Failed(ProtocolError::UnexpectedCommand);
        let mut state = std::mem::replace(&mut self.state, consumed_state);
        if let State::Greeting(mut greeting) = state {
            let (taken, greeted) = greeting.receive(input, &self.config, &mut self.output)?;
            consumed += taken;
            state = match greeted {
                None => State::Greeting(greeting),
                Some(Greeted::Handshake(version)) => self.start_handshake(version, now)?,
                Some(Greeted::Identity(identity)) => self.start_identity(identity),
            };
        }
        while let State::Handshake(mut handshake) = state {
            if consumed == input.len() || !handshake.mechanism.listens() {
                state = State::Handshake(handshake);
                break;
            }
            let (taken, progress) =
                handshake.receive(&input[consumed..], &self.config, &mut self.output)?;
            consumed += taken;
            state = self.proceed(handshake, progress, now);
        }
        if let State::Failed(error) = state {
            return Err(error);
        }
        self.state = state;
        Ok(consumed)
    }

    fn start_handshake(&mut self, version: Version, now: Instant) -> Result<State, ProtocolError> {
        let mut handshake = Handshake::new(self.config.security.mechanism(), version);
        let desk = handshake.desk(&self.config, &mut self.output);
        let progress = handshake.mechanism.start(desk)?;
        Ok(self.proceed(handshake, progress, now))
    }

    /// What a step of the handshake leads to.
    fn proceed(&mut self, handshake: Handshake, progress: Progress, now: Instant) -> State {
        match progress {
            Progress::Pending => {}
            Progress::Ask(inquiry) => self.event = Some(Event::Ask(inquiry)),
            Progress::Blocks => self.event = Some(Event::Blocks),
            Progress::Refused(status) => self.event = Some(Event::Refused(status)),
            Progress::Done(peer) => return self.start_traffic(handshake, peer, now),
        }
        State::Handshake(handshake)
    }

    fn start_traffic(&mut self, mut handshake: Handshake, peer: PeerInfo, now: Instant) -> State {
        self.dialect = Dialect::of(peer.version);
        self.event = Some(Event::Ready(peer));
        let traffic = Traffic::new(&self.config, self.dialect, now);
        match handshake.mechanism.cipher() {
            Some(cipher) => State::Sealed(Box::new(Sealed::new(traffic, cipher))),
            None => State::Traffic(traffic),
        }
    }

    fn start_identity(&mut self, identity: Identity) -> State {
        self.dialect = identity.dialect();
        let major = if self.dialect == Dialect::V1 { 1 } else { 2 };
        let version = Version { major, minor: 0 };
        let peer = PeerInfo { version, identity_follows: true, ..PeerInfo::default() };
        self.event = Some(Event::Ready(peer));
        State::Identity(identity)
    }

    /// An old peer's identity, up to the first byte of traffic.
    #[cold]
    fn identify(
        &mut self,
        now: Instant,
        input: &[u8],
        inbox: &mut impl Inbox,
    ) -> Result<usize, ProtocolError> {
        let State::Identity(identity) = &mut self.state else { return Ok(0) };
        let (taken, whole) = identity.receive(input, publishes(&self.config), inbox)?;
        if whole {
            self.state = State::Traffic(Traffic::new(&self.config, self.dialect, now));
        }
        Ok(taken)
    }

    /// Kept out of line, to leave [`Connection::encode_header`] small.
    #[cold]
    fn encode_subscription_head(&self, topic: &Message, out: &mut Vec<u8>) {
        let role = topic.role();
        if let Some(name) = self.dialect.subscription(self.config.socket_type, role) {
            command::encode_head(name, topic.len(), out);
        } else {
            self.dialect.encode_header(false, 1 + topic.len(), out);
            out.push(u8::from(role == Role::Subscribe));
        }
    }

    #[cold]
    fn fail(&mut self, error: ProtocolError) -> ProtocolError {
        self.state = State::Failed(error.clone());
        error
    }
}

impl Handshake {
    fn new(mechanism: Box<dyn Mechanism>, version: Version) -> Handshake {
        Handshake { mechanism, version, frame: collector(version) }
    }

    /// What the mechanism works with.
    fn desk<'a>(&self, config: &'a Config, output: &'a mut Vec<u8>) -> Desk<'a> {
        Desk { config, version: self.version, output }
    }

    /// Takes a frame, or the part of one that has come.
    fn receive(
        &mut self,
        input: &[u8],
        config: &Config,
        output: &mut Vec<u8>,
    ) -> Result<(usize, Progress), ProtocolError> {
        let desk = self.desk(config, output);
        let (taken, body) = self.frame.receive(input)?;
        let Some(body) = body else { return Ok((taken, Progress::Pending)) };
        let progress = self.mechanism.receive(body, desk)?;
        self.frame = collector(self.version);
        Ok((taken, progress))
    }
}

fn collector(version: Version) -> Collector {
    Collector::new(Dialect::of(version), MAX_HANDSHAKE_COMMAND, Vec::new())
}
