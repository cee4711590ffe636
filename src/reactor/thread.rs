//! The I/O thread: leads the reactor whenever no application thread does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::leadership::{Corked, PAUSE};
use super::{Lead, NAP, Reactor, event};

impl Reactor {
    /// Runs the I/O thread until [`Reactor::stop`]. A panic ends the reactor
    /// and is reported to the caller, never further.
    pub(super) fn run(self: &Arc<Self>) -> std::thread::Result<()> {
        catch_unwind(AssertUnwindSafe(|| {
            while !self.leadership.is_stopping() {
                self.lead_as_io_thread();
                self.leadership.pause(&**self);
            }
        }))
    }

    /// Makes the I/O thread end.
    pub(super) fn stop(&self) {
        self.leadership.stop();
        self.wake_leader();
    }

    /// Leads until an application thread would like to, or already does.
    fn lead_as_io_thread(&self) {
        if let Some(mut lead) = self.leadership.lead_as_io_thread() {
            lead.with(|lead| self.lead_for_others(lead));
        }
    }

    fn lead_for_others(&self, lead: &mut Lead) {
        let mut flushed = Instant::now();
        while !self.leadership.is_stopping() {
            let corked = self.has_corked();
            // EINTR cannot happen here (all signals are blocked); any other
            // failure of the kernel's poll must not become a busy loop.
            if self.turn(lead, corked.then_some(NAP), true).is_err() {
                std::thread::sleep(PAUSE);
            }
            if corked && flushed.elapsed() >= NAP {
                self.flush_corked();
                flushed = Instant::now();
            }
            if self.leadership.is_wanted() {
                break;
            }
        }
    }
}

impl Corked for Reactor {
    fn has_corked(&self) -> bool {
        !self.corked.lock().is_empty()
    }

    fn flush_corked(&self) {
        let corked = self.corked.lock().clone();
        for source in corked {
            source.notice(event::NAP_OVER);
        }
    }
}
