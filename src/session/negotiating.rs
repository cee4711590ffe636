//! Between a proxy that was reached and the peer behind it: the conversation of
//! `transport/socks.rs`, tied to the kernel. Connecting side only; runs on
//! whichever thread drives the session, and never blocks. A proxy that refuses,
//! hangs or goes is an address that was not reached.

use std::io::{ErrorKind, IoSlice};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::drive::{Inner, Phase};
use super::{Session, Settings};
use crate::error::{Errno, Result};
use crate::transport::Stream;
use crate::transport::socks::{Destination, Negotiation, Proxy};

/// How long a proxy may try to reach the peer where `ZMQ_CONNECT_TIMEOUT` says
/// nothing: somewhat longer than Linux itself tries.
const PROXY_CONNECTS: Duration = Duration::from_secs(150);

/// A connection to a proxy.
pub(super) struct Negotiating {
    stream: Stream,
    negotiation: Negotiation,
    /// When the attempt to connect is over.
    attempt_until: Option<Instant>,
    /// Until when the proxy may be silent.
    until: Option<Instant>,
}

impl Inner {
    /// An address was reached within the time of an attempt to connect: the
    /// peer's own, or that of the proxy that is to go on from there. False when
    /// that is refused; the phase is still to be left then.
    pub(super) fn reached(
        &mut self,
        session: &Arc<Session>,
        stream: Stream,
        watched: bool,
        attempt_until: Option<Instant>,
    ) -> bool {
        let Some(surroundings) = &self.surroundings else { return true };
        let settings = &surroundings.settings;
        let destination = self.dialer.as_ref().and_then(|(dialer, _)| dialer.destination.clone());
        let (Some(destination), Some(proxy)) = (destination, &settings.proxy) else {
            self.open(session, stream, !watched);
            return true;
        };
        let watch =
            if watched { Ok(()) } else { session.reactor.watch(session.id, stream.as_raw_fd()) };
        let negotiating = Negotiating::new(stream, proxy, destination, settings, attempt_until);
        self.phase = Phase::Negotiating(Box::new(negotiating));
        watch.is_ok() && self.negotiate(session)
    }

    /// The proxy may have spoken.
    pub(super) fn heard_proxy(&mut self, session: &Arc<Session>) {
        if !self.negotiate(session) {
            self.try_next_address(session);
        }
    }

    /// Goes on as far as that is possible now. False when nothing comes of it.
    fn negotiate(&mut self, session: &Arc<Session>) -> bool {
        let Phase::Negotiating(negotiating) = &mut self.phase else { return true };
        match negotiating.advance() {
            Ok(false) => true,
            Ok(true) => {
                let phase = std::mem::replace(&mut self.phase, Phase::Resolving);
                if let Phase::Negotiating(negotiating) = phase {
                    self.open(session, negotiating.stream, false);
                }
                true
            }
            Err(error) => {
                if let Some((dialer, _)) = &mut self.dialer {
                    dialer.failed(error);
                }
                false
            }
        }
    }
}

impl Negotiating {
    fn new(
        stream: Stream,
        proxy: &Proxy,
        destination: Destination,
        settings: &Settings,
        attempt_until: Option<Instant>,
    ) -> Negotiating {
        let negotiation = Negotiation::new(proxy.credentials.clone(), destination);
        let until = earlier(attempt_until, settings.zmtp.handshake_timeout);
        Negotiating { stream, negotiation, attempt_until, until }
    }

    /// The connection's descriptor.
    pub(super) fn fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    /// When the proxy's time is up.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Says and hears what is possible now. True once the way is open.
    fn advance(&mut self) -> Result<bool> {
        let had_requested = self.negotiation.has_requested();
        // The proxy has a handful of messages: this ends.
        while !self.negotiation.is_open() {
            let mut output = self.negotiation.output();
            while !output.is_empty() {
                match self.stream.send_vectored(&[IoSlice::new(output)]) {
                    Ok(bytes) => self.negotiation.sent(bytes),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
                output = self.negotiation.output();
            }
            let mut buffer = [0; Negotiation::INPUT_BYTES];
            let wanted = self.negotiation.wanted();
            match self.stream.receive(&mut buffer[..wanted]) {
                Ok(0) => return Err(Errno::EPIPE),
                Ok(bytes) => {
                    let input = &buffer[..bytes];
                    self.negotiation.receive(input).map_err(|_| Errno::ECONNREFUSED)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        if !had_requested && self.negotiation.has_requested() {
            self.until = self.attempt_until.or_else(|| earlier(None, Some(PROXY_CONNECTS)));
        }
        Ok(self.negotiation.is_open())
    }
}

/// The earlier of a moment and the end of this time from now; `None` is never.
fn earlier(moment: Option<Instant>, time: Option<Duration>) -> Option<Instant> {
    let then = time.and_then(|time| Instant::now().checked_add(time));
    match (moment, then) {
        (Some(moment), Some(then)) => Some(moment.min(then)),
        (moment, then) => moment.or(then),
    }
}
