//! The beginning and the end of a connection, as its session sees them: opened,
//! its peer met, gone.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

use super::drive::{Inner, Phase};
use super::flow::Flow;
use super::live::{Live, Round};
use super::{Ending, Event, Session};
use crate::message::{Message, Metadata, Role};
use crate::pipe::{Pipe, pipe};
use crate::transport::Stream;
use crate::zmtp::PeerInfo;

impl Inner {
    pub(super) fn open(&mut self, session: &Arc<Session>, stream: Stream, watch: bool) {
        let Some(surroundings) = &self.surroundings else { return };
        let fd = stream.as_raw_fd();
        let settings = &surroundings.settings;
        let live = Live::new(stream, session.reactor.clone(), settings, Instant::now());
        let raw = live.protocol.is_raw();
        if let Some((dialer, _)) = &mut self.dialer {
            dialer.succeeded();
        }
        self.report_of(
            &live,
            if self.dialer.is_some() { Event::Connected } else { Event::Accepted }(fd),
        );
        self.flow = Flow::default();
        self.phase = Phase::Open(Box::new(live));
        if watch && let Err(error) = session.reactor.watch(session.id, fd) {
            return self.disconnected(session, Ending::Disconnected(error));
        }
        // There is no handshake to wait for.
        if raw && let Err(ending) = self.meet(session, PeerInfo::default()) {
            self.disconnected(session, ending);
        }
    }

    /// Tells of an event of a connection, at the endpoint that was connected
    /// or, on the accepting side, at the connection's own.
    pub(super) fn report_of(&self, live: &Live, event: Event) {
        match &self.surroundings {
            Some(surroundings) if self.dialer.is_some() => surroundings.report(event),
            Some(surroundings) => surroundings.report_at(event, || live.local_endpoint()),
            None => {}
        }
    }

    /// The handshake is done. False when the session has ended over it.
    pub(super) fn meet(
        &mut self,
        session: &Arc<Session>,
        peer: PeerInfo,
    ) -> std::result::Result<bool, Ending> {
        // Nothing is told of peers older than ZMTP 3.0, nor without a handshake.
        if !peer.identity_follows
            && let Phase::Open(live) = &self.phase
            && !live.protocol.is_raw()
        {
            self.report_of(live, Event::HandshakeSucceeded);
        }
        let Phase::Open(live) = &mut self.phase else { return Ok(false) };
        let Some(surroundings) = &self.surroundings else { return Ok(false) };
        let settings = &surroundings.settings;
        live.met = !live.protocol.is_raw();
        let news =
            (!peer.identity_follows).then(|| peer_message(&peer, &live.peer_address(), live.fd()));
        match &mut self.pipe {
            Some(pipe) => tell(pipe, news),
            None => {
                let hwm = [settings.receive_hwm, settings.send_hwm];
                let (mut ours, theirs) = pipe(hwm, settings.conflate);
                tell(&mut ours, news);
                ours.end().set_owner(session.clone());
                self.pipe = Some(ours);
                if !surroundings.host.attach(theirs, &surroundings.endpoint) {
                    self.end(session);
                    return Ok(false);
                }
            }
        }
        if let (Some(opening), Some(pipe)) = (&settings.opening, &mut self.pipe) {
            let (messages, stale) = opening.open(pipe).map_err(Ending::Disconnected)?;
            live.batch.skip_subscriptions(stale);
            // The rest of our handshake goes before the first message.
            while !live.is_written() {
                if live.write(None)? != Round::MoreLater {
                    break;
                }
            }
            live.begin_with(&messages)?;
        }
        Ok(true)
    }

    /// The connection is gone.
    pub(super) fn disconnected(&mut self, session: &Arc<Session>, ending: Ending) {
        self.uncork(session);
        let opening = self.surroundings.as_ref().and_then(|s| s.settings.opening.clone());
        if let (Some(pipe), Some(opening)) = (&self.pipe, opening) {
            opening.close(pipe);
        }
        let phase = std::mem::replace(&mut self.phase, Phase::Resolving);
        let mut for_good = false;
        if let Phase::Open(mut live) = phase {
            let settings = self.surroundings.as_ref().map(|s| &s.settings);
            for_good = !live.met && settings.is_some_and(|s| s.stops_when_handshake_fails);
            // Our part of a handshake that the peer has spoilt: it may see what
            // is wrong, and not come back.
            if !live.met && matches!(ending, Ending::Protocol(_)) {
                let _ = live.write(None);
            }
            let explained = live.refused && !ending.is_protocol_error();
            let event = match (live.met, &ending) {
                (false, _) if !explained => Event::of_failed_handshake(&ending),
                // Of encoded traffic libzmq tells as it does of the handshake.
                (true, Ending::Protocol(_)) if live.sealed => Event::of_failed_handshake(&ending),
                _ => None,
            };
            if let Some(event) = event {
                self.report_of(&live, event);
            }
            self.report_of(&live, Event::Disconnected(live.fd()));
            if let Some(pipe) = &mut self.pipe {
                pipe.rollback();
                live.tell_end(pipe);
                let met = live.met;
                live.settle(pipe);
                let farewells = settings.filter(|_| met).map(|s| &s.farewells);
                let farewell = match self.dialer {
                    Some(_) => farewells.and_then(|f| f.connected.as_ref()),
                    None => farewells.and_then(|f| f.accepted.as_ref()),
                };
                // One for whom there is no room is not told of.
                if let Some(farewell) = farewell.filter(|_| pipe.can_write()) {
                    pipe.push(&mut farewell.share());
                    pipe.flush();
                }
            }
        }
        for_good |= match ending {
            Ending::Disconnected(_) => false,
            Ending::Protocol(error) => error.is_fatal_for_connecter(),
        };
        if self.dialer.is_none() || for_good {
            return self.end(session);
        }
        if !self.keeps_pipe {
            self.pipe = None;
        }
        self.wait_again(session);
    }
}

/// Tells the socket who its peer is, unless the peer itself will.
fn tell(pipe: &mut Pipe, news: Option<Message>) {
    if let Some(mut news) = news {
        pipe.push(&mut news);
        pipe.flush();
    }
}

/// The in-band note that tells the socket who its peer is from here on.
fn peer_message(peer: &PeerInfo, address: &str, fd: RawFd) -> Message {
    let mut metadata = Metadata::new();
    // The first of a name counts: what we know, then what the authenticator
    // says, then what the peer claims.
    metadata.add(b"__fd", fd.to_string().as_bytes());
    metadata.add(b"Peer-Address", address.as_bytes());
    for (name, value) in peer.vouched.iter().chain(&peer.properties) {
        metadata.add(name, value);
    }
    let mut message = Message::copy_of(&peer.routing_id).unwrap_or_default().with_role(Role::Peer);
    message.set_metadata(Some(Arc::new(metadata)));
    message
}
