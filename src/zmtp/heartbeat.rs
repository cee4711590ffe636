//! Heartbeats (RFC 37, "Connection Heartbeating"), timed like libzmq's: a
//! PING at each interval whatever the traffic; the first one unanswered
//! starts the time-out; a peer's PING with a time-to-live starts another; and
//! whatever the peer sends ends both.

use std::time::{Duration, Instant};

use super::{Config, ProtocolError, TimeOut, command};

/// The longest context that a PING may carry; of longer ones the rest is not
/// echoed.
const MAX_CONTEXT: usize = 16;

/// PINGs and PONGs wait for their turn up to this many bytes; beyond, they
/// are left out: a peer that does not read learns nothing from more of them.
pub(super) const MAX_WAITING_OUTPUT: usize = 4096;

/// The clocks of a connection in traffic.
pub(super) struct Heartbeat {
    /// When our next PING is due.
    next_ping: Option<Instant>,
    /// When the peer's silence after our PING has lasted too long.
    answer_due: Option<Instant>,
    /// When the time-to-live of the peer's last PING ends, and that time.
    life_ends: Option<(Instant, Duration)>,
}

impl Heartbeat {
    /// Clocks that start with the traffic.
    pub(super) fn new(config: &Config, now: Instant) -> Heartbeat {
        Heartbeat {
            next_ping: config.heartbeat_interval.and_then(|interval| now.checked_add(interval)),
            answer_due: None,
            life_ends: None,
        }
    }

    /// No clocks: for peers that know no PING.
    pub(super) fn none() -> Heartbeat {
        Heartbeat { next_ping: None, answer_due: None, life_ends: None }
    }

    /// The peer gave a sign of life.
    #[inline]
    pub(super) fn heard(&mut self) {
        self.answer_due = None;
        self.life_ends = None;
    }

    /// Answers a PING.
    pub(super) fn receive_ping(
        &mut self,
        now: Instant,
        data: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let (ttl_ds, context) = data.split_first_chunk().ok_or(ProtocolError::MalformedCommand)?;
        let ttl = Duration::from_millis(100) * u32::from(u16::from_be_bytes(*ttl_ds));
        self.heard();
        if !ttl.is_zero() {
            self.life_ends = now.checked_add(ttl).map(|end| (end, ttl));
        }
        if output.len() < MAX_WAITING_OUTPUT {
            let context = &context[..context.len().min(MAX_CONTEXT)];
            command::encode(command::PONG, context, output);
        }
        Ok(())
    }

    /// When [`Heartbeat::on_deadline`] wants to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let life_ends = self.life_ends.map(|(end, _)| end);
        [self.next_ping, self.answer_due, life_ends].into_iter().flatten().min()
    }

    /// Fails when the peer was silent too long; sends the PING that is due.
    /// While it is we who do not `listen`, silence says nothing about the
    /// peer, and its time starts anew.
    pub(super) fn on_deadline(
        &mut self,
        now: Instant,
        listening: bool,
        config: &Config,
        output: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let patience = patience(config);
        if self.answer_due.is_some_and(|due| due <= now) {
            if listening {
                return Err(ProtocolError::TimedOut(TimeOut::Heartbeat));
            }
            self.answer_due = patience.and_then(|patience| now.checked_add(patience));
        }
        if let Some((_, ttl)) = self.life_ends.filter(|(end, _)| *end <= now) {
            if listening {
                return Err(ProtocolError::TimedOut(TimeOut::Heartbeat));
            }
            self.life_ends = now.checked_add(ttl).map(|end| (end, ttl));
        }
        if self.next_ping.is_some_and(|due| due <= now) {
            if output.len() < MAX_WAITING_OUTPUT {
                let ttl_ds = config.heartbeat_ttl_ds.to_be_bytes();
                command::encode(command::PING, &ttl_ds, output);
            }
            self.next_ping =
                config.heartbeat_interval.and_then(|interval| now.checked_add(interval));
            if self.answer_due.is_none() {
                self.answer_due = patience.and_then(|patience| now.checked_add(patience));
            }
        }
        Ok(())
    }
}

/// How long we wait for an answer to a PING.
fn patience(config: &Config) -> Option<Duration> {
    config.heartbeat_timeout.or(config.heartbeat_interval).filter(|patience| !patience.is_zero())
}
