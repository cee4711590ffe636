//! Traffic (RFC 37, "Framing"): from the end of the handshake on, frames are
//! messages, subscriptions and heartbeats. Whole small frames are decoded in
//! one tight loop; whatever is long, a command or cut in two takes the way
//! through [`Partial`].

use std::time::Instant;

use super::command::{self, Command};
use super::dialect::Dialect;
use super::frame::{FrameHeader, MAX_HEADER, MAX_SHORT_BODY, MORE};
use super::heartbeat::Heartbeat;
use super::{Config, Inbox, ProtocolError};
use crate::message::{MAX_INLINE, Message, Role};
use crate::socket_type::SocketType;

/// No machine has memory for a longer body, whatever the peer announces.
const LARGEST_BODY: u64 = 1 << 46;

/// The longest command in traffic; in practice, a subscription's topic.
pub(super) const MAX_COMMAND: usize = 16 << 20;

/// Room for a command's name beside a topic of the longest message's length.
const MAX_NAME: usize = 16;

/// A body that its length announces is allocated at once up to this size.
/// Beyond, memory follows what has really arrived.
pub(super) const EAGER_BODY: usize = 1 << 20;

/// How many times what has arrived a growing body may reserve: enough that a
/// body of 64 MiB is moved twice, 9 MiB in all. Memory that was reserved and
/// not yet written to is address space only, so that what a peer makes us
/// hold is what it has sent.
const BODY_GROWTH: usize = 8;

/// With less than this to come of a body, a driver does better to read it
/// into its own buffer, together with what follows.
const DIRECT_READ_MIN: usize = 8 * 1024;

/// A connection in traffic.
pub(super) struct Traffic {
    pub(super) heartbeat: Heartbeat,
    dialect: Dialect,
    partial: Partial,
    /// The longest message we take.
    max_body: usize,
    /// Whether the peer may subscribe with us.
    takes_subscriptions: bool,
    /// What it subscribes to are groups, which it joins and leaves (RFC 48).
    takes_groups: bool,
    /// Whether the last data frame announced more of its message.
    in_message: bool,
    /// False while the inbox had no room, so that we left bytes unread.
    listening: bool,
    /// The longest body that has begun since somebody asked.
    longest_begun: usize,
}

/// What has come of a frame that was cut in two.
#[derive(Default)]
enum Partial {
    #[default]
    None,
    Header {
        bytes: [u8; MAX_HEADER],
        len: usize,
    },
    Body(Body),
}

/// A body under way.
struct Body {
    header: FrameHeader,
    /// As much of the body as is allocated.
    message: Message,
    /// How much of that has arrived.
    filled: usize,
}

impl Traffic {
    /// The beginning of traffic.
    pub(super) fn new(config: &Config, dialect: Dialect, now: Instant) -> Traffic {
        let largest = config.max_message_size.unwrap_or(u64::MAX);
        let heartbeat = match dialect.has_commands() {
            true => Heartbeat::new(config, now),
            false => Heartbeat::none(),
        };
        Traffic {
            heartbeat,
            dialect,
            partial: Partial::None,
            max_body: largest.min(LARGEST_BODY) as usize,
            takes_subscriptions: publishes(config) || has_groups(config),
            takes_groups: has_groups(config),
            in_message: false,
            listening: true,
            longest_begun: 0,
        }
    }

    /// Decodes `input` up to its end or to a message without room.
    #[inline]
    pub(super) fn receive(
        &mut self,
        now: Instant,
        input: &[u8],
        inbox: &mut impl Inbox,
        output: &mut Vec<u8>,
    ) -> Result<usize, ProtocolError> {
        let mut rest = input;
        while !rest.is_empty() {
            self.heartbeat.heard();
            let before = rest.len();
            rest = match std::mem::take(&mut self.partial) {
                Partial::None => {
                    let rest = match self.dialect {
                        Dialect::V1 => rest,
                        _ => self.receive_small(rest, inbox)?,
                    };
                    self.receive_frame(now, rest, inbox, output)?
                }
                Partial::Header { bytes, len } => {
                    self.resume_header(now, (bytes, len), rest, inbox, output)?
                }
                Partial::Body(body) => self.resume_body(now, body, rest, inbox, output)?,
            };
            if rest.len() == before {
                break;
            }
        }
        self.listening = rest.is_empty();
        Ok(input.len() - rest.len())
    }

    /// The unread part of a large body's memory.
    pub(super) fn body_target(&mut self) -> Option<&mut [u8]> {
        match &mut self.partial {
            Partial::Body(body) => body.space().filter(|space| space.len() >= DIRECT_READ_MIN),
            _ => None,
        }
    }

    /// Bytes arrived in [`Traffic::body_target`].
    pub(super) fn body_received(
        &mut self,
        now: Instant,
        bytes: usize,
        inbox: &mut impl Inbox,
        output: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        self.heartbeat.heard();
        match std::mem::take(&mut self.partial) {
            Partial::Body(mut body) => {
                body.filled = body.message.len().min(body.filled + bytes);
                self.keep_or_deliver(now, body, inbox, output)
            }
            other => {
                self.partial = other;
                Ok(())
            }
        }
    }

    /// See [`super::Connection::take_longest_begun`].
    pub(super) fn take_longest_begun(&mut self) -> usize {
        std::mem::take(&mut self.longest_begun)
    }

    /// Heartbeats.
    pub(super) fn on_deadline(
        &mut self,
        now: Instant,
        config: &Config,
        output: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        self.heartbeat.on_deadline(now, self.listening, config, output)
    }

    /// Whether the frames so far leave a message unfinished.
    pub(super) fn is_in_message(&self) -> bool {
        self.in_message
    }

    /// Whether what comes is read to its end.
    pub(super) fn set_listening(&mut self, listening: bool) {
        self.listening = listening;
    }

    /// The longest body of any frame.
    pub(super) fn longest_frame(&self) -> usize {
        self.max_body.max(self.longest_command())
    }

    /// Takes a frame that has come whole and was decoded elsewhere. The inbox
    /// has room for it.
    pub(super) fn take_whole(
        &mut self,
        now: Instant,
        flags: u8,
        mut body: Message,
        inbox: &mut impl Inbox,
        output: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let header = FrameHeader { flags, len: body.len() as u64 };
        self.check_len(header)?;
        if header.is_command() {
            return self.receive_command(now, body.data(), inbox, output);
        }
        self.in_message = header.has_more();
        body.set_more(self.in_message);
        inbox.push(body);
        Ok(())
    }

    /// Decodes data frames of up to 255 bytes while they are whole, and
    /// returns what is left: nothing, or something else.
    #[inline]
    fn receive_small<'a>(
        &mut self,
        mut rest: &'a [u8],
        inbox: &mut impl Inbox,
    ) -> Result<&'a [u8], ProtocolError> {
        while let [flags @ 0..=MORE, len, tail @ ..] = rest
            && let Some((body, next)) = tail.split_at_checked(usize::from(*len))
        {
            if body.len() > self.max_body {
                return Err(ProtocolError::MessageTooLarge);
            }
            if !self.in_message && !inbox.has_room() {
                break;
            }
            let more = *flags == MORE;
            match tail.first_chunk() {
                Some(chunk) if body.len() <= MAX_INLINE => {
                    self.in_message = more;
                    inbox.push_small(chunk, body.len(), more);
                }
                _ => self.deliver_data(more, body, inbox)?,
            }
            rest = next;
        }
        Ok(rest)
    }

    /// Decodes one frame of any kind at the start of `input`, or begins it;
    /// returns what follows. Nothing is consumed when there is no room.
    fn receive_frame<'a>(
        &mut self,
        now: Instant,
        input: &'a [u8],
        inbox: &mut impl Inbox,
        output: &mut Vec<u8>,
    ) -> Result<&'a [u8], ProtocolError> {
        let Some((header, size)) = self.dialect.parse_header(input)? else {
            let mut bytes = [0; MAX_HEADER];
            bytes[..input.len()].copy_from_slice(input);
            if !input.is_empty() {
                let len = input.len();
                self.partial = Partial::Header { bytes, len };
            }
            return Ok(&[]);
        };
        let begun = self.begin(now, header, &input[size..], inbox, output)?;
        Ok(begun.unwrap_or(input))
    }

    /// Completes a header that came in parts. When there is no room its last
    /// bytes are left to the caller, who knows then that it must come again.
    fn resume_header<'a>(
        &mut self,
        now: Instant,
        (mut bytes, len): ([u8; MAX_HEADER], usize),
        input: &'a [u8],
        inbox: &mut impl Inbox,
        output: &mut Vec<u8>,
    ) -> Result<&'a [u8], ProtocolError> {
        let kept = Partial::Header { bytes, len };
        let taken = input.len().min(MAX_HEADER - len);
        bytes[len..len + taken].copy_from_slice(&input[..taken]);
        let Some((header, size)) = self.dialect.parse_header(&bytes[..len + taken])? else {
            let len = len + taken;
            self.partial = Partial::Header { bytes, len };
            return Ok(&[]);
        };
        match self.begin(now, header, &input[size - len..], inbox, output)? {
            Some(rest) => Ok(rest),
            None => {
                self.partial = kept;
                Ok(input)
            }
        }
    }

    /// Takes a body from `tail` or begins it; `None` when there is no room.
    fn begin<'a>(
        &mut self,
        now: Instant,
        header: FrameHeader,
        tail: &'a [u8],
        inbox: &mut impl Inbox,
        output: &mut Vec<u8>,
    ) -> Result<Option<&'a [u8]>, ProtocolError> {
        let len = self.check_len(header)?;
        // A command needs room where it may turn out to be a subscription.
        let needs_room = !self.in_message && (self.takes_subscriptions || !header.is_command());
        if needs_room && !inbox.has_room() {
            return Ok(None);
        }
        self.longest_begun = self.longest_begun.max(len);
        if let Some((body, rest)) = tail.split_at_checked(len) {
            if header.is_command() {
                self.receive_command(now, body, inbox, output)?;
            } else {
                self.deliver_data(header.has_more(), body, inbox)?;
            }
            return Ok(Some(rest));
        }
        let body = Body { header, message: allocate(len.min(EAGER_BODY))?, filled: 0 };
        self.resume_body(now, body, tail, inbox, output).map(Some)
    }

    /// The length of a body that is within limits.
    fn check_len(&self, header: FrameHeader) -> Result<usize, ProtocolError> {
        let (limit, error) = if header.is_command() {
            (self.longest_command(), ProtocolError::CommandTooLarge)
        } else {
            (self.max_body, ProtocolError::MessageTooLarge)
        };
        usize::try_from(header.len).ok().filter(|len| *len <= limit).ok_or(error)
    }

    fn longest_command(&self) -> usize {
        self.max_body.saturating_add(MAX_NAME).clamp(MAX_SHORT_BODY, MAX_COMMAND)
    }

    /// Goes on with a body that came in parts.
    fn resume_body<'a>(
        &mut self,
        now: Instant,
        mut body: Body,
        input: &'a [u8],
        inbox: &mut impl Inbox,
        output: &mut Vec<u8>,
    ) -> Result<&'a [u8], ProtocolError> {
        let rest = body.fill(input)?;
        self.keep_or_deliver(now, body, inbox, output)?;
        Ok(rest)
    }

    /// Room for the message was asked for at its beginning.
    fn keep_or_deliver(
        &mut self,
        now: Instant,
        mut body: Body,
        inbox: &mut impl Inbox,
        output: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        if !body.is_whole() {
            body.make_space()?;
            self.partial = Partial::Body(body);
            return Ok(());
        }
        let (header, mut message) = (body.header, body.message);
        if header.is_command() {
            return self.receive_command(now, message.data(), inbox, output);
        }
        self.in_message = header.has_more();
        message.set_more(self.in_message);
        inbox.push(message);
        Ok(())
    }

    /// Delivers a data frame. Those that subscribe (ZMTP 3.0) are no different
    /// here: the pattern knows them.
    #[inline]
    fn deliver_data(
        &mut self,
        more: bool,
        body: &[u8],
        inbox: &mut impl Inbox,
    ) -> Result<(), ProtocolError> {
        let mut message = Message::passing_copy(body).map_err(|_| ProtocolError::OutOfMemory)?;
        message.set_more(more);
        self.in_message = more;
        inbox.push(message);
        Ok(())
    }

    /// Acts on a command; those it does not know are ignored, as all are of
    /// peers older than 3.0, and a PONG has done its work by arriving.
    #[cold]
    fn receive_command(
        &mut self,
        now: Instant,
        body: &[u8],
        inbox: &mut impl Inbox,
        output: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let Some(Command { name, data }) = Command::parse(body) else {
            return Ok(());
        };
        if !self.dialect.has_commands() {
            return Ok(());
        }
        let role = match name {
            command::PING => return self.heartbeat.receive_ping(now, data, output),
            command::SUBSCRIBE if !self.takes_groups => Role::Subscribe,
            command::CANCEL if !self.takes_groups => Role::Cancel,
            command::JOIN if self.takes_groups => Role::Subscribe,
            command::LEAVE if self.takes_groups => Role::Cancel,
            _ => return Ok(()),
        };
        if self.takes_subscriptions { deliver_subscription(role, data, inbox) } else { Ok(()) }
    }
}

impl Body {
    fn is_whole(&self) -> bool {
        self.filled as u64 == self.header.len
    }

    /// The memory that waits for bytes.
    fn space(&mut self) -> Option<&mut [u8]> {
        self.message.data_mut()?.get_mut(self.filled..)
    }

    /// Takes what belongs to it from `input` and returns the rest.
    fn fill<'a>(&mut self, mut input: &'a [u8]) -> Result<&'a [u8], ProtocolError> {
        while !self.is_whole() && !input.is_empty() {
            self.make_space()?;
            let space = self.space().ok_or(ProtocolError::OutOfMemory)?;
            let taken = space.len().min(input.len());
            let (now, later) = input.split_at(taken);
            space[..taken].copy_from_slice(now);
            self.filled += taken;
            input = later;
        }
        Ok(input)
    }

    /// Moves a body that has filled its memory into a larger one.
    fn make_space(&mut self) -> Result<(), ProtocolError> {
        if self.filled < self.message.len() {
            return Ok(());
        }
        let len = (self.header.len as usize).min(self.filled.saturating_mul(BODY_GROWTH));
        let mut larger = allocate(len)?;
        if let Some(space) = larger.data_mut() {
            space[..self.filled].copy_from_slice(self.message.data());
        }
        self.message = larger;
        Ok(())
    }
}

/// Whether peers subscribe with a socket of this type.
pub(super) fn publishes(config: &Config) -> bool {
    matches!(config.socket_type, SocketType::Pub | SocketType::XPub)
}

/// Whether peers join groups of a socket of this type.
fn has_groups(config: &Config) -> bool {
    config.socket_type == SocketType::Radio
}

fn allocate(len: usize) -> Result<Message, ProtocolError> {
    Message::with_len(len).map_err(|_| ProtocolError::OutOfMemory)
}

#[cold]
fn deliver_subscription(
    role: Role,
    topic: &[u8],
    inbox: &mut impl Inbox,
) -> Result<(), ProtocolError> {
    let message = Message::copy_of(topic).map_err(|_| ProtocolError::OutOfMemory)?;
    inbox.push(message.with_role(role));
    Ok(())
}
