//! What a connection's bytes mean: ZMTP, or nothing at all (`raw`). The session
//! speaks to either in the same words.

use std::time::Instant;

use super::Settings;
use crate::gssapi::{Errand, Outcome};
use crate::message::Message;
use crate::raw;
use crate::zmtp::{self, Inbox, ProtocolError, zap};

/// What an open connection speaks.
// One for each connection, in a box already: another box would cost a look
// for each frame.
#[allow(clippy::large_enum_variant)]
pub(super) enum Protocol {
    /// Messages in frames, after a handshake.
    Zmtp(zmtp::Connection),
    /// Bytes (`ZMQ_STREAM`, `ZMQ_ROUTER_RAW`).
    Raw(raw::Connection),
}

impl Protocol {
    /// A connection that has just been made.
    pub(super) fn new(settings: &Settings, now: Instant) -> Protocol {
        match settings.raw {
            Some(config) => Protocol::Raw(raw::Connection::new(config)),
            None => Protocol::Zmtp(zmtp::Connection::new(settings.zmtp.clone(), now)),
        }
    }

    /// Whether there is no protocol.
    pub(super) fn is_raw(&self) -> bool {
        matches!(self, Protocol::Raw(_))
    }

    /// Whether messages may come and go.
    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.is_ready(),
            Protocol::Raw(_) => true,
        }
    }

    /// See [`zmtp::Connection::poll_event`].
    pub(super) fn event(&mut self) -> Option<zmtp::Event> {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.poll_event(),
            Protocol::Raw(_) => None,
        }
    }

    /// See [`zmtp::Connection::answer`].
    pub(super) fn answer(
        &mut self,
        now: Instant,
        answer: &zap::Answer<'_>,
    ) -> Result<(), ProtocolError> {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.answer(now, answer),
            Protocol::Raw(_) => Ok(()),
        }
    }

    /// See [`zmtp::Connection::errand`].
    pub(super) fn errand(&mut self) -> Option<Errand> {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.errand(),
            Protocol::Raw(_) => None,
        }
    }

    /// See [`zmtp::Connection::ran`].
    pub(super) fn ran(&mut self, now: Instant, outcome: Outcome) -> Result<(), ProtocolError> {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.ran(now, outcome),
            Protocol::Raw(_) => Ok(()),
        }
    }

    /// See [`zmtp::Connection::receive`], [`raw::Connection::receive`].
    pub(super) fn receive(
        &mut self,
        now: Instant,
        input: &[u8],
        inbox: &mut impl Inbox,
    ) -> Result<usize, ProtocolError> {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.receive(now, input, inbox),
            Protocol::Raw(raw) => raw.receive(input, inbox),
        }
    }

    /// See [`zmtp::Connection::body_target`].
    pub(super) fn body_target(&mut self) -> Option<&mut [u8]> {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.body_target(),
            Protocol::Raw(_) => None,
        }
    }

    /// See [`zmtp::Connection::body_received`].
    pub(super) fn body_received(
        &mut self,
        now: Instant,
        bytes: usize,
        inbox: &mut impl Inbox,
    ) -> Result<(), ProtocolError> {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.body_received(now, bytes, inbox),
            Protocol::Raw(_) => Ok(()),
        }
    }

    /// See [`zmtp::Connection::take_longest_begun`].
    pub(super) fn take_longest_begun(&mut self) -> usize {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.take_longest_begun(),
            Protocol::Raw(_) => 0,
        }
    }

    /// See [`zmtp::Connection::is_sealed`].
    pub(super) fn is_sealed(&self) -> bool {
        matches!(self, Protocol::Zmtp(zmtp) if zmtp.is_sealed())
    }

    /// Whether something is to be told to the socket that is not read from the
    /// kernel.
    pub(super) fn is_notice_due(&self) -> bool {
        match self {
            Protocol::Zmtp(_) => false,
            Protocol::Raw(raw) => raw.is_notice_due(),
        }
    }

    /// The connection is over.
    pub(super) fn ended(&mut self, inbox: &mut impl Inbox) {
        if let Protocol::Raw(raw) = self {
            raw.ended(inbox);
        }
    }

    /// See [`zmtp::Connection::take_output`].
    pub(super) fn take_output(&mut self, out: &mut Vec<u8>) {
        if let Protocol::Zmtp(zmtp) = self {
            zmtp.take_output(out);
        }
    }

    /// See [`zmtp::Connection::has_output`].
    #[inline]
    pub(super) fn has_output(&self) -> bool {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.has_output(),
            Protocol::Raw(_) => false,
        }
    }

    /// See [`zmtp::Connection::encode`].
    pub(super) fn encode(
        &mut self,
        message: &Message,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.encode(message, out),
            Protocol::Raw(_) => {
                out.extend_from_slice(message.data());
                Ok(())
            }
        }
    }

    /// Appends what precedes the body of `message` on the wire.
    #[inline]
    pub(super) fn encode_header(&self, message: &Message, out: &mut Vec<u8>) {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.encode_header(message, out),
            Protocol::Raw(_) => {}
        }
    }

    /// See [`zmtp::Connection::deadline`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.deadline(),
            Protocol::Raw(_) => None,
        }
    }

    /// See [`zmtp::Connection::on_deadline`].
    pub(super) fn on_deadline(&mut self, now: Instant) -> Result<(), ProtocolError> {
        match self {
            Protocol::Zmtp(zmtp) => zmtp.on_deadline(now),
            Protocol::Raw(_) => Ok(()),
        }
    }
}
