//! What goes through an open connection: what can be read and written is, and a
//! pipe through which a stream runs is corked.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use super::drive::{Inner, Phase};
use super::live::Round;
use super::pace::{self, Busy};
use super::{Ending, Event, Session};
use crate::pipe::Pipe;
use crate::zmtp;

/// A corked session that had nothing left over, or could not send it, this many
/// times in a row is not in a stream any more.
const IDLE_NAPS: u32 = 3;
/// Direct writes in a row after which a stream is taken for one.
const STREAK: u32 = 2;

/// On whose behalf is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// Of nobody: the connection has had an event.
    Nobody,
    /// Not of a sender: the I/O thread comes by, or something else has happened.
    Other,
    /// Of a sender with a message for an idle connection.
    Message,
    /// Of one who wants all that has gathered to be sent.
    Batch,
}

/// How messages have been leaving lately.
#[derive(Default)]
pub(super) struct Flow {
    corked: bool,
    last_write: Option<Instant>,
    streak: u32,
    /// Batches the sender wrote itself since the last nap.
    batches: u32,
    idle_naps: u32,
}

impl Flow {
    fn cork(&mut self, session: &Session) {
        if !std::mem::replace(&mut self.corked, true) {
            self.idle_naps = 0;
            session.reactor.cork(session.id);
        }
    }
}

impl Sending {
    fn is_of_sender(self) -> bool {
        matches!(self, Sending::Message | Sending::Batch)
    }
}

impl Inner {
    /// Reads and writes what can be.
    pub(super) fn pump(
        &mut self,
        session: &Arc<Session>,
        reads: usize,
        sending: Sending,
        nap: bool,
    ) {
        if let Err(ending) = self.try_pump(session, reads, sending, nap) {
            self.disconnected(session, ending);
        }
    }

    fn try_pump(
        &mut self,
        session: &Arc<Session>,
        reads: usize,
        sending: Sending,
        nap: bool,
    ) -> std::result::Result<(), Ending> {
        let Phase::Open(live) = &mut self.phase else { return Ok(()) };
        let mut later = false;
        if reads > 0 && (live.readable || live.holds_input()) {
            // Asked before each read: the first event is the peer's READY.
            let ready = live.protocol.is_ready();
            let round = live.read(self.pipe.as_mut().filter(|_| ready), reads)?;
            later = round == Round::MoreLater;
        }
        if !live.met && self.shake_hands(session, reads, &mut later)?.is_break() {
            return Ok(());
        }
        later |= self.send_out(session, sending, nap)?;
        if later {
            session.reactor.run_later(session.clone());
        }
        Ok(())
    }

    /// Writes, unless what there is should gather. Says whether there is more than its
    /// turn allows.
    fn send_out(
        &mut self,
        session: &Arc<Session>,
        sending: Sending,
        nap: bool,
    ) -> std::result::Result<bool, Ending> {
        if sending == Sending::Nobody && self.is_gathering() {
            return Ok(false);
        }
        let busy = sending.is_of_sender().then(pace::write_begins);
        if sending == Sending::Message
            && busy.is_some_and(|busy| busy.with_many)
            && self.leave_to_gather(session)
        {
            pace::write_ends();
            return Ok(false);
        }
        let later = self.write(busy, nap)?;
        self.rest(session, busy);
        Ok(later)
    }

    /// Sees to what has happened in the handshake; reads on, if it is done.
    #[cold]
    fn shake_hands(
        &mut self,
        session: &Arc<Session>,
        reads: usize,
        later: &mut bool,
    ) -> std::result::Result<ControlFlow<()>, Ending> {
        while let Phase::Open(live) = &mut self.phase
            && let Some(event) = live.event()
        {
            match event {
                zmtp::Event::Ask(inquiry) => self.ask(session, &inquiry)?,
                zmtp::Event::Blocks => self.run_errand(session),
                zmtp::Event::Refused(status) => {
                    live.refused = true;
                    let event = Event::HandshakeFailedAuth(u32::from(status));
                    if let Phase::Open(live) = &self.phase {
                        self.report_of(live, event);
                    }
                }
                zmtp::Event::Ready(peer) => {
                    self.flow.streak = 0;
                    if !self.meet(session, peer)? {
                        return Ok(ControlFlow::Break(()));
                    }
                    let Phase::Open(live) = &mut self.phase else { break };
                    *later |= live.read(self.pipe.as_mut(), reads)? == Round::MoreLater;
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Whether all that is to be sent lies in a corked pipe, to which somebody will come:
    /// what was read for is no reason to send what has hardly begun to gather.
    fn is_gathering(&self) -> bool {
        let Phase::Open(live) = &self.phase else { return false };
        self.flow.corked
            && self.lingering.is_none()
            && live.is_quiet()
            && live.is_written()
            && self.pipe.as_ref().is_some_and(Pipe::is_corked)
    }

    /// Corks the pipe with the message in it, where nothing else is on its way and the
    /// peer does not wait for an answer. False where it is to be sent at once.
    fn leave_to_gather(&mut self, session: &Session) -> bool {
        let Phase::Open(live) = &self.phase else { return false };
        let Some(pipe) = &mut self.pipe else { return false };
        if live.heard || self.lingering.is_some() || !live.is_quiet() {
            return false;
        }
        self.flow.cork(session);
        pipe.cork_as_it_is();
        true
    }

    /// Writes. Says whether there is more than its turn allows.
    fn write(&mut self, busy: Option<Busy>, nap: bool) -> std::result::Result<bool, Ending> {
        let Phase::Open(live) = &mut self.phase else { return Ok(false) };
        if let Some(pipe) = &mut self.pipe {
            pipe.be_active();
        }
        let waited = !live.is_written() || self.pipe.as_mut().is_some_and(|p| p.has_ahead());
        let round = live.write(self.pipe.as_mut())?;
        if nap {
            // Where the kernel is full, its next event goes on: to look every
            // nap would be in vain, for as long as the peer reads nothing.
            let flows = waited && live.writable;
            self.flow.idle_naps = if flows { 0 } else { self.flow.idle_naps + 1 };
        }
        if let Some(busy) = busy {
            self.flow.batches += 1;
            if std::mem::take(&mut live.heard) {
                self.flow.streak = 0;
            }
            let streaming = self.flow.last_write.is_some_and(|last| last >= busy.since);
            self.flow.streak = if streaming { self.flow.streak + 1 } else { 0 };
            self.flow.last_write = Some(pace::write_ends());
        }
        Ok(round == Round::MoreLater)
    }

    /// Goes idle, or corks the pipe when a stream runs through it.
    fn rest(&mut self, session: &Arc<Session>, busy: Option<Busy>) {
        let Phase::Open(live) = &mut self.phase else { return };
        let Some(pipe) = &mut self.pipe else { return };
        if !live.is_quiet() {
            // The next event of the connection looks at the pipe again.
            return;
        }
        if busy.is_some() && self.flow.streak >= STREAK {
            self.flow.cork(session);
        }
        let rests = if self.flow.corked { pipe.cork() } else { pipe.go_idle() };
        if !self.flow.corked {
            live.batch.shrink();
        }
        if !rests {
            session.reactor.run_later(session.clone());
        }
    }

    /// The I/O thread looks after a corked session. True when there is nothing
    /// to do: the sender is at it.
    pub(super) fn nap_over(&mut self, session: &Arc<Session>) -> bool {
        if !self.flow.corked {
            return true;
        }
        if std::mem::take(&mut self.flow.batches) > 0 {
            return true;
        }
        if self.flow.idle_naps >= IDLE_NAPS {
            self.uncork(session);
        }
        false
    }

    pub(super) fn uncork(&mut self, session: &Arc<Session>) {
        if std::mem::take(&mut self.flow.corked) {
            self.flow.streak = 0;
            session.reactor.uncork(session.id);
        }
    }
}
