//! The I/O thread: leads the reactor whenever no application thread does.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::leadership::{Corked, PAUSE};
use super::{Lead, NAP, Reactor, event};

impl Reactor {
    /// Runs the I/O thread until [`Reactor::stop`]. A panic and the loss of the
    /// poll set (the program may have closed its descriptor) end the reactor
    /// and are reported to the caller, never further.
    pub(super) fn run(self: &Arc<Self>) -> io::Result<()> {
        catch_unwind(AssertUnwindSafe(|| {
            while !self.leadership.is_stopping() {
                self.lead_as_io_thread()?;
                self.leadership.pause(&**self);
            }
            Ok(())
        }))
        .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    }

    /// Makes the I/O thread end.
    pub(super) fn stop(&self) {
        self.leadership.stop();
        self.wake_leader();
    }

    /// Leads until an application thread would like to, or already does.
    fn lead_as_io_thread(&self) -> io::Result<()> {
        match self.leadership.lead_as_io_thread() {
            Some(mut lead) => lead.with(|lead| self.lead_for_others(lead)),
            None => Ok(()),
        }
    }

    fn lead_for_others(&self, lead: &mut Lead) -> io::Result<()> {
        let mut flushed = Instant::now();
        while !self.leadership.is_stopping() {
            let corked = self.has_corked();
            // EINTR cannot happen here (all signals are blocked).
            if let Err(error) = self.turn(lead, corked.then_some(NAP), || false, true) {
                if matches!(error.raw_os_error(), Some(libc::EBADF | libc::EINVAL)) {
                    return Err(error);
                }
                // Want of memory, which must not become a busy loop.
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
        Ok(())
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
