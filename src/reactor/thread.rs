//! The I/O thread: leads the reactor whenever no application thread does.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{NAP, Reactor};
use crate::sync::{Ordering, fence_after_swap};

/// How long the I/O thread leaves the poll to application threads after one of
/// them has led and left.
const PAUSE: Duration = Duration::from_millis(1);

impl Reactor {
    /// Runs the I/O thread until [`Reactor::stop`]. A panic and the loss of the
    /// poll set (the program may have closed its descriptor) end the reactor
    /// and are reported to the caller, never further.
    pub(super) fn run(self: &Arc<Self>) -> io::Result<()> {
        catch_unwind(AssertUnwindSafe(|| {
            while !self.stopping.load(Ordering::Acquire) {
                self.lead_as_io_thread()?;
                self.pause();
            }
            Ok(())
        }))
        .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    }

    /// Makes the I/O thread end.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.io_parker.unpark();
        self.wake_leader();
    }

    /// Leads until an application thread would like to, or already does.
    fn lead_as_io_thread(&self) -> io::Result<()> {
        let Some(mut lead) = self.lead.try_lock() else {
            return Ok(());
        };
        self.lead_wanted.store(false, Ordering::Relaxed);
        let mut flushed = Instant::now();
        while !self.stopping.load(Ordering::Acquire) {
            let corked = self.has_corked();
            // EINTR cannot happen here (all signals are blocked).
            if let Err(error) = self.turn(&mut lead, corked.then_some(NAP), true) {
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
            if self.lead_wanted.swap(false, Ordering::Relaxed) {
                break;
            }
        }
        Ok(())
    }

    /// Stays away from the poll while application threads lead.
    fn pause(&self) {
        self.io_pauses.swap(true, Ordering::SeqCst);
        fence_after_swap();
        // What came before it was seen to pause is looked at here.
        self.pause_until_needed();
        self.io_pauses.store(false, Ordering::SeqCst);
    }

    fn pause_until_needed(&self) {
        loop {
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
            if self.has_corked() {
                self.io_parker.park(Some(Instant::now() + NAP));
                self.flush_corked();
                if !self.app_leads.load(Ordering::Relaxed) {
                    return;
                }
                continue;
            }
            let seen = self.leads.load(Ordering::Relaxed);
            // A follower was left behind with nobody to poll for it: be quick.
            let followed = self.followers.load(Ordering::SeqCst) > 0;
            let pause = if followed { NAP } else { PAUSE };
            self.io_parker.park(Some(Instant::now() + pause));
            let led_meanwhile = self.leads.load(Ordering::Relaxed) != seen;
            if !self.app_leads.load(Ordering::SeqCst) {
                let followed = self.followers.load(Ordering::SeqCst) > 0;
                if !led_meanwhile || followed {
                    return;
                }
            } else if !led_meanwhile && !self.has_corked() {
                // One application thread leads and stays: sleep until it goes.
                self.io_waits_for_leader.swap(true, Ordering::SeqCst);
                fence_after_swap();
                if self.app_leads.load(Ordering::SeqCst) && !self.has_corked() {
                    self.io_parker.park(None);
                }
                self.io_waits_for_leader.store(false, Ordering::SeqCst);
            }
        }
    }
}
