//! Traffic that a mechanism encodes (CURVE, GSSAPI): each frame that travels
//! holds one frame of a message, or one command, in a form that the mechanism's
//! [`Cipher`] makes and takes apart. Beside it all is as in [`Traffic`], which
//! this leans on for what a frame means once it is open.
//!
//! [`Traffic`]: super::traffic::Traffic

use std::time::Instant;

use super::command;
use super::dialect::Dialect;
use super::frame::{COMMAND, FrameHeader};
use super::heartbeat::MAX_WAITING_OUTPUT;
use super::traffic::{EAGER_BODY, Traffic};
use super::{Config, Inbox, ProtocolError};
use crate::message::{Message, Role};
use crate::socket_type::SocketType;

/// How a mechanism encodes traffic, one for each connection. Frames are sealed
/// in the order they are sent, and opened in the order they come, each once.
pub(super) trait Cipher: Send {
    /// Appends a whole frame, header included. `flags` are those of the frame
    /// that is inside ([`super::frame::MORE`], [`COMMAND`]), whose body is `head` and then
    /// `body`. An error ends the connection.
    fn seal(
        &mut self,
        flags: u8,
        head: &[u8],
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError>;

    /// Takes the body of a frame of the peer's, with the header's flags; gives
    /// what is inside. An error ends the connection.
    fn open(&mut self, flags: u8, sealed: &[u8]) -> Result<Opened, ProtocolError>;

    /// How much longer than its content a sealed body may be.
    fn overhead(&self) -> usize;
}

/// What was inside a frame.
pub(super) struct Opened {
    /// Its flags, as in [`Cipher::seal`].
    pub(super) flags: u8,
    /// Its body.
    pub(super) body: Message,
}

/// A connection in encoded traffic.
pub(super) struct Sealed {
    traffic: Traffic,
    cipher: Box<dyn Cipher>,
    /// Header and body of a frame that has come in part. Beyond [`EAGER_BODY`] it
    /// grows with what has really come.
    partial: Vec<u8>,
    /// Commands of ours that are not sealed yet.
    commands: Vec<u8>,
}

impl Sealed {
    pub(super) fn new(traffic: Traffic, cipher: Box<dyn Cipher>) -> Sealed {
        Sealed { traffic, cipher, partial: Vec::new(), commands: Vec::new() }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.traffic.heartbeat.deadline()
    }

    /// Decodes `input` up to its end or to a frame without room. Whether that
    /// is a message is known only once it is open: a command waits for room, too.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        input: &[u8],
        inbox: &mut impl Inbox,
        output: &mut Vec<u8>,
    ) -> Result<usize, ProtocolError> {
        let mut rest = input;
        while !rest.is_empty() {
            self.traffic.heartbeat.heard();
            let next = if self.partial.is_empty() {
                self.receive_frame(now, rest, inbox)?
            } else {
                self.resume_frame(now, rest, inbox)?
            };
            let Some(next) = next else { break };
            rest = next;
        }
        self.traffic.set_listening(rest.is_empty());
        self.seal_commands(output)?;
        Ok(input.len() - rest.len())
    }

    /// Heartbeats.
    pub(super) fn on_deadline(
        &mut self,
        now: Instant,
        config: &Config,
        output: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        self.traffic.on_deadline(now, config, &mut self.commands)?;
        self.seal_commands(output)
    }

    /// Appends a message, all of it.
    pub(super) fn encode(
        &mut self,
        dialect: Dialect,
        ours: SocketType,
        message: &Message,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let (flags, head) = match message.role() {
            role @ (Role::Subscribe | Role::Cancel) => match dialect.subscription(ours, role) {
                Some(name) => (COMMAND, command::led_name(name)),
                None => (0, vec![u8::from(role == Role::Subscribe)]),
            },
            _ => (u8::from(message.more()), Vec::new()),
        };
        self.cipher.seal(flags, &head, message.data(), out)
    }

    /// Opens the frame at the start of `input`, or begins it; gives what
    /// follows. `None` when there is no room.
    fn receive_frame<'a>(
        &mut self,
        now: Instant,
        input: &'a [u8],
        inbox: &mut impl Inbox,
    ) -> Result<Option<&'a [u8]>, ProtocolError> {
        if let Some((header, size)) = FrameHeader::parse(input) {
            let len = self.check_len(header)?;
            if let Some((body, rest)) = input[size..].split_at_checked(len) {
                let taken = self.take(now, header.flags, body, inbox)?;
                return Ok(taken.then_some(rest));
            }
            self.partial.reserve_exact((size + len).min(EAGER_BODY));
        }
        self.partial.extend_from_slice(input);
        Ok(Some(&[]))
    }

    /// Goes on with a frame that came in parts. Its last bytes are left to the
    /// caller when there is no room, who knows then that they must come again.
    fn resume_frame<'a>(
        &mut self,
        now: Instant,
        input: &'a [u8],
        inbox: &mut impl Inbox,
    ) -> Result<Option<&'a [u8]>, ProtocolError> {
        let before = self.partial.len();
        let mut rest = input;
        let (header, size) = loop {
            let header = FrameHeader::parse(&self.partial);
            let end = match header {
                Some((header, size)) => size + self.check_len(header)?,
                None => super::frame::header_size(self.partial[0]),
            };
            let (part, later) = rest.split_at(rest.len().min(end - self.partial.len()));
            self.partial.extend_from_slice(part);
            rest = later;
            match header {
                _ if self.partial.len() < end => return Ok(Some(rest)),
                Some(whole) => break whole,
                // Its body may be empty.
                None => {}
            }
        };
        let frame = std::mem::take(&mut self.partial);
        if self.take(now, header.flags, &frame[size..], inbox)? {
            return Ok(Some(rest));
        }
        self.partial = frame;
        self.partial.truncate(before);
        Ok(None)
    }

    /// The length of a body that is within limits.
    fn check_len(&self, header: FrameHeader) -> Result<usize, ProtocolError> {
        let longest = self.traffic.longest_frame().saturating_add(self.cipher.overhead());
        let len = usize::try_from(header.len).ok().filter(|len| *len <= longest);
        len.ok_or(ProtocolError::MessageTooLarge)
    }

    /// Opens a frame and does what it says. False when there is no room for it.
    fn take(
        &mut self,
        now: Instant,
        flags: u8,
        sealed: &[u8],
        inbox: &mut impl Inbox,
    ) -> Result<bool, ProtocolError> {
        if !self.traffic.is_in_message() && !inbox.has_room() {
            return Ok(false);
        }
        let Opened { flags, body } = self.cipher.open(flags, sealed)?;
        self.traffic.take_whole(now, flags, body, inbox, &mut self.commands)?;
        Ok(true)
    }

    /// Seals our commands, which are heartbeats, as long as their like does not
    /// wait already.
    fn seal_commands(&mut self, output: &mut Vec<u8>) -> Result<(), ProtocolError> {
        let commands = std::mem::take(&mut self.commands);
        let mut rest = &commands[..];
        while output.len() < MAX_WAITING_OUTPUT
            && let Some((header, size)) = FrameHeader::parse(rest)
        {
            let (body, later) = rest[size..].split_at(header.len as usize);
            self.cipher.seal(COMMAND, &[], body, output)?;
            rest = later;
        }
        Ok(())
    }
}
