//! The I/O thread: leads the reactor whenever no application thread does.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::leadership::{Corked, PAUSE};
use super::rounds::SLICE;
use super::{Lead, Leader, NAP, Reactor, event};

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
        while !self.leadership.is_stopping() {
            let nap = self.nap();
            if let Err(error) = self.turn(lead, nap, || false, Leader::IoThread) {
                match error.raw_os_error() {
                    Some(libc::EBADF | libc::EINVAL) => return Err(error),
                    // The process was stopped and goes on: all signals are blocked.
                    Some(libc::EINTR) => {}
                    // Want of memory, which must not become a busy loop.
                    _ => std::thread::sleep(PAUSE),
                }
            }
            if nap.is_some() {
                self.flush_corked();
            }
            if self.leadership.is_wanted() {
                break;
            }
        }
        Ok(())
    }
}

impl Reactor {
    /// How long the I/O thread may be away, if there are corked sources.
    pub(super) fn nap(&self) -> Option<Duration> {
        let corked = self.corked.lock();
        match corked.is_under_way() {
            true => Some(Duration::ZERO),
            false => (!corked.is_empty()).then_some(NAP),
        }
    }
}

impl Corked for Reactor {
    fn has_corked(&self) -> bool {
        !self.corked.lock().is_empty()
    }

    fn is_flushing(&self) -> bool {
        self.corked.lock().is_under_way()
    }

    fn flush_corked(&self) {
        let mut slice = [0; SLICE];
        let count = self.corked.lock().next_slice(Instant::now(), &mut slice);
        for id in &slice[..count] {
            self.notice(*id, event::NAP_OVER);
        }
        self.corked.lock().end_slice(Instant::now());
    }
}
