//! The part of a session's life in which it has no connection: names are looked
//! up, addresses tried in turn, attempts waited for. Connecting side only; runs
//! on whichever thread drives the session, and never blocks.

use std::fmt;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Instant;

use super::dial::local_address;
use super::drive::{Inner, Phase};
use super::{CROWDED_PAUSE, Event, RESOLVED, Session};
use crate::error::{Errno, Result};
use crate::message::run_waiting_frees;
use crate::sync::Ordering;
use crate::trace::say;
use crate::transport::{Progress, Target, finish_connect, start_connect};

impl Inner {
    pub(super) fn dial(&mut self, session: &Arc<Session>) {
        let Some((dialer, resolver)) = &mut self.dialer else { return };
        let Some(surroundings) = &self.surroundings else { return };
        if !self.keeps_pipe && surroundings.host.is_crowded() {
            // A connection would bring one pipe more that nobody looks at.
            self.phase = Phase::Waiting(Instant::now() + CROWDED_PAUSE);
            return;
        }
        if let Some(local) = local_address(&dialer.target) {
            return match local {
                Ok(address) => {
                    dialer.found_path(address);
                    self.try_next_address(session);
                }
                Err(error) => {
                    dialer.failure = Some(error);
                    self.wait(session);
                }
            };
        }
        match dialer.sought(&surroundings.settings) {
            Ok(Some(address)) => {
                self.phase = Phase::Resolving;
                let session = session.clone();
                resolver.resolve(&address, surroundings.settings.tuning.ipv6, move |answer| {
                    *session.resolved.lock() = Some(answer);
                    session.attend(RESOLVED);
                    run_waiting_frees();
                });
            }
            Ok(None) => {}
            Err(error) => {
                dialer.failure = Some(error);
                self.wait(session);
            }
        }
    }

    pub(super) fn resolved(&mut self, session: &Arc<Session>) {
        let answer: Option<Result<Target>> = session.resolved.lock().take();
        if !matches!(self.phase, Phase::Resolving) {
            return;
        }
        match (answer, &mut self.dialer) {
            (Some(Ok(target)), Some((dialer, _))) => {
                dialer.found(target);
                self.try_next_address(session);
            }
            (Some(Err(error)), Some((dialer, _))) => {
                dialer.failure = Some(error);
                self.wait(session);
            }
            _ => {}
        }
    }

    pub(super) fn try_next_address(&mut self, session: &Arc<Session>) {
        loop {
            self.leave_phase(session);
            let Some((dialer, _)) = &mut self.dialer else { return };
            let Some(settings) = self.surroundings.as_ref().map(|s| s.settings.clone()) else {
                return;
            };
            let Some(address) = dialer.next_address() else {
                let stops = dialer.refused && settings.stops_when_refused;
                if stops {
                    self.note_failure();
                    return self.give_up(session);
                }
                return self.wait(session);
            };
            let (stream, progress) = match start_connect(&address, dialer.source, &settings.tuning)
            {
                Ok(started) => started,
                Err(error) => {
                    dialer.failed(error);
                    continue;
                }
            };
            let fd = stream.as_raw_fd();
            let until = settings.connect_timeout.and_then(|t| Instant::now().checked_add(t));
            match progress {
                Progress::Connected => {
                    if self.reached(session, stream, false, until) {
                        return;
                    }
                }
                Progress::InProgress => {
                    if session.reactor.watch(session.id, fd).is_err() {
                        drop(stream);
                        self.report(Event::Closed(fd));
                        continue;
                    }
                    self.report(Event::ConnectDelayed);
                    self.say_attempt(format_args!("connects"));
                    self.phase = Phase::Connecting(stream, until);
                    return;
                }
                Progress::Failed(error) => {
                    dialer.failed(error);
                    drop(stream);
                    self.report(Event::Closed(fd));
                }
            }
        }
    }

    /// The time for an address is over (`ZMQ_CONNECT_TIMEOUT`).
    pub(super) fn timed_out(&mut self, session: &Arc<Session>) {
        if let Some((dialer, _)) = &mut self.dialer {
            dialer.failure = Some(Errno::ETIMEDOUT);
        }
        self.try_next_address(session);
    }

    /// Drops what the phase holds of the kernel.
    pub(super) fn leave_phase(&mut self, session: &Arc<Session>) {
        let phase = std::mem::replace(&mut self.phase, Phase::Resolving);
        let fd = match &phase {
            Phase::Connecting(stream, _) => stream.as_raw_fd(),
            Phase::Negotiating(negotiating) => negotiating.fd(),
            _ => return,
        };
        session.reactor.unwatch(fd);
        drop(phase);
        self.report(Event::Closed(fd));
    }

    /// Tells of an event at the endpoint that is being connected.
    pub(super) fn report(&self, event: Event) {
        if let Some(surroundings) = &self.surroundings {
            surroundings.report(event);
        }
    }

    pub(super) fn connected(&mut self, session: &Arc<Session>) {
        let Phase::Connecting(stream, until) = std::mem::replace(&mut self.phase, Phase::Resolving)
        else {
            return;
        };
        let Some(surroundings) = &self.surroundings else { return };
        match finish_connect(&stream, &surroundings.settings.tuning) {
            Ok(()) => {
                if !self.reached(session, stream, true, until) {
                    self.try_next_address(session);
                }
            }
            // An event that was meant for somebody else.
            Err(Errno::ENOTCONN) => self.phase = Phase::Connecting(stream, until),
            Err(error) => {
                self.phase = Phase::Connecting(stream, until);
                if let Some((dialer, _)) = &mut self.dialer {
                    dialer.failed(error);
                }
                self.try_next_address(session);
            }
        }
    }

    /// An attempt has failed: waits for the next, or for ever.
    fn wait(&mut self, session: &Arc<Session>) {
        self.note_failure();
        self.phase = match self.next_attempt() {
            Some(until) => Phase::Waiting(until),
            None => Phase::Parked,
        };
        self.end_if_done(session);
    }

    fn say_attempt(&self, what: fmt::Arguments<'_>) {
        if let (Some((dialer, _)), Some(surroundings)) = (&self.dialer, &self.surroundings)
            && dialer.is_worth_telling().is_some()
        {
            say!(Conn, "{}: {what}: {}", surroundings.name, surroundings.shown);
        }
    }

    /// Counts an attempt that came to nothing, and says why it did.
    fn note_failure(&mut self) {
        let (Some((dialer, _)), Some(surroundings)) = (&mut self.dialer, &self.surroundings) else {
            return;
        };
        dialer.attempt_failed();
        surroundings.tally.connect_failures.one();
        let failure = dialer.failure.take();
        let Some(failures) = dialer.is_worth_telling() else { return };
        let (name, shown) = (surroundings.name, &surroundings.shown);
        let why = failure.unwrap_or(Errno::EHOSTUNREACH);
        say!(Conn, "{name}: cannot reach {shown}: {why:?} (failures in a row: {failures})");
    }

    /// A connection is gone: waits before the next attempt, or ends.
    pub(super) fn wait_again(&mut self, session: &Arc<Session>) {
        if let (Some((dialer, _)), Some(surroundings)) = (&self.dialer, &mut self.surroundings)
            && let Some(reached) = dialer.reached()
        {
            surroundings.shown = reached.into();
        }
        match self.next_attempt() {
            Some(until) => self.phase = Phase::Waiting(until),
            None => self.give_up(session),
        }
    }

    fn next_attempt(&mut self) -> Option<Instant> {
        let settings = self.surroundings.as_ref()?.settings.clone();
        let wait = self.dialer.as_mut()?.0.back_off(&settings)?;
        let until = Instant::now().checked_add(wait)?;
        self.report(Event::ConnectRetried(wait));
        self.say_attempt(format_args!("tries again in {} ms", wait.as_millis()));
        Some(until)
    }

    /// The end, for want of reconnects.
    fn give_up(&mut self, session: &Arc<Session>) {
        if let Some(surroundings) = &self.surroundings {
            let (name, shown) = (surroundings.name, &surroundings.shown);
            say!(Conn, "{name}: does not connect to {shown} again");
        }
        session.given_up.store(true, Ordering::Relaxed);
        self.end(session);
    }
}
