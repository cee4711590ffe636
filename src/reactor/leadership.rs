//! Who polls: an application thread that waits, or the I/O thread.
//!
//! Leadership is the lock around the poll; it is only ever tried. While an
//! application thread leads the I/O thread sleeps, and whoever gives the lead
//! up wakes it if others depend on the poll. Somebody polls within a moment
//! whenever somebody waits: the I/O thread pauses with a time-out, except
//! where it was seen that a thread leads, which then has to wake it.
//!
//! What is polled is a parameter, so that loom can check all of this without a
//! kernel.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::NAP;
use crate::sync::{
    AtomicBool, AtomicU32, AtomicU64, Mutex, Ordering, Parker, TryLock, TryLockGuard, fence,
    fence_after_swap,
};

/// How long the I/O thread leaves the poll to application threads after one of
/// them has led and left.
pub(super) const PAUSE: Duration = Duration::from_millis(1);

/// Who leads a reactor, and who depends on that.
pub(super) struct Leadership<L> {
    lead: TryLock<L>,
    stopping: AtomicBool,
    /// Where the I/O thread sleeps while it does not lead.
    io_parker: Parker,
    /// The I/O thread leaves the poll to application threads.
    io_pauses: AtomicBool,
    /// The I/O thread sleeps until an application thread stops leading.
    io_waits_for_leader: AtomicBool,
    /// Times an application thread took the lead.
    leads: AtomicU64,
    app_leads: AtomicBool,
    /// An application thread wanted to lead and could not.
    lead_wanted: AtomicBool,
    /// Application threads that sleep until somebody else's poll serves them.
    followers: AtomicU32,
    /// Where those of them sleep that would lead, and were not asked to yet.
    heirs: Mutex<Vec<Arc<Parker>>>,
}

/// Sources that hold back what they have to send, which the I/O thread looks
/// after even while others lead.
pub(super) trait Corked {
    /// Whether there are any.
    fn has_corked(&self) -> bool;
    /// Whether some were let look, and others have yet to.
    fn is_flushing(&self) -> bool;
    /// Lets some look whether something was left over, if it is time to.
    fn flush_corked(&self);
}

/// An application thread's lead. What ends it is done in the order of the fields.
pub(super) struct Leading<'a, L> {
    _says_so: SaysSo<'a>,
    lead: TryLockGuard<'a, L>,
    _hand_over: HandOver<'a, L>,
}

impl<L> Leading<'_, L> {
    /// Lends what the leader polls.
    pub(super) fn with<R>(&mut self, f: impl FnOnce(&mut L) -> R) -> R {
        self.lead.with(f)
    }
}

/// Takes back that an application thread leads, while the lock is still held:
/// else it would be taken back for the next one.
struct SaysSo<'a>(&'a AtomicBool);

impl Drop for SaysSo<'_> {
    fn drop(&mut self) {
        self.0.swap(false, Ordering::SeqCst);
    }
}

/// Hands over, the lock given back. At once when other threads depend on the poll,
/// to one of them if any would lead; else the I/O thread finds out by itself within a
/// millisecond.
struct HandOver<'a, L>(&'a Leadership<L>);

impl<L> Drop for HandOver<'_, L> {
    fn drop(&mut self) {
        // After the swap of `SaysSo`. Pairs with the fences in `follow` and
        // `pause_until_needed`.
        fence_after_swap();
        let waits = self.0.io_waits_for_leader.load(Ordering::SeqCst);
        let followed = self.0.followers.load(Ordering::SeqCst) > 0;
        // Who comes from the application reads its own messages without a hop.
        let inherited = followed && self.0.wake_heir();
        if waits || (followed && !inherited) {
            self.0.wake_io_thread();
        }
    }
}

/// Application threads.
impl<L> Leadership<L> {
    pub(super) fn new(lead: L) -> Leadership<L> {
        Leadership {
            lead: TryLock::new(lead),
            stopping: AtomicBool::new(false),
            io_parker: Parker::new(),
            io_pauses: AtomicBool::new(false),
            io_waits_for_leader: AtomicBool::new(false),
            leads: AtomicU64::new(0),
            app_leads: AtomicBool::new(false),
            lead_wanted: AtomicBool::new(false),
            followers: AtomicU32::new(0),
            heirs: Mutex::new(Vec::new()),
        }
    }

    /// The lead for an application thread, unless somebody has it, who is told
    /// that it was wanted.
    pub(super) fn lead(&self) -> Option<Leading<'_, L>> {
        let Some(lead) = self.lead.try_lock() else {
            self.lead_wanted.store(true, Ordering::Relaxed);
            return None;
        };
        self.app_leads.store(true, Ordering::Relaxed);
        self.leads.fetch_add(1, Ordering::Relaxed);
        Some(Leading { _says_so: SaysSo(&self.app_leads), lead, _hand_over: HandOver(self) })
    }

    /// A thread begins to sleep until somebody else's poll serves it. Makes
    /// sure that somebody polls. An `heir` is woken when it may lead itself.
    pub(super) fn follow(&self, heir: Option<&Arc<Parker>>) {
        if let Some(heir) = heir {
            self.heirs.lock().push(heir.clone());
        }
        self.followers.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence in `HandOver`.
        fence_after_swap();
        if !self.app_leads.load(Ordering::SeqCst) {
            self.wake_io_thread();
        }
    }

    /// The thread does not sleep any more. An heir that was woken and does not lead
    /// hands on.
    pub(super) fn unfollow(&self, heir: Option<&Arc<Parker>>, leads_next: bool) {
        let others = self.followers.fetch_sub(1, Ordering::SeqCst) > 1;
        let Some(heir) = heir else { return };
        let mut heirs = self.heirs.lock();
        if let Some(place) = heirs.iter().position(|other| Arc::ptr_eq(other, heir)) {
            heirs.swap_remove(place);
            return;
        }
        drop(heirs);
        fence_after_swap();
        if others && !leads_next && !self.app_leads.load(Ordering::SeqCst) && !self.wake_heir() {
            self.wake_io_thread();
        }
    }

    /// Wakes a follower that would lead. False where there is none.
    fn wake_heir(&self) -> bool {
        let heir = self.heirs.lock().pop();
        if let Some(heir) = &heir {
            heir.unpark();
        }
        heir.is_some()
    }

    /// Ends a pause of the I/O thread. One that does not pause is not told: it
    /// would end its next pause early.
    pub(super) fn wake_io_thread(&self) {
        // Pairs with the swap that begins a pause.
        fence(Ordering::SeqCst);
        if self.io_pauses.load(Ordering::SeqCst) {
            self.io_parker.unpark();
        }
    }

    /// Makes the I/O thread end; it may be in the kernel.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.io_parker.unpark();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// The I/O thread.
impl<L> Leadership<L> {
    /// The lead for the I/O thread, unless an application thread has it.
    pub(super) fn lead_as_io_thread(&self) -> Option<TryLockGuard<'_, L>> {
        let lead = self.lead.try_lock()?;
        self.lead_wanted.store(false, Ordering::Relaxed);
        Some(lead)
    }

    /// Whether an application thread wanted to lead since the last time.
    pub(super) fn is_wanted(&self) -> bool {
        self.lead_wanted.swap(false, Ordering::Relaxed)
    }

    /// Stays away from the poll while application threads lead.
    pub(super) fn pause(&self, corked: &impl Corked) {
        self.io_pauses.swap(true, Ordering::SeqCst);
        // Pairs with the fence in `wake_io_thread`.
        fence_after_swap();
        // What came before it was seen to pause is looked at here.
        self.pause_until_needed(corked);
        self.io_pauses.store(false, Ordering::SeqCst);
    }

    fn pause_until_needed(&self, corked: &impl Corked) {
        let mut seen = self.leads.load(Ordering::Relaxed);
        let mut not_led = Duration::ZERO;
        loop {
            if self.is_stopping() {
                return;
            }
            let has_corked = corked.has_corked();
            let followed = self.followers.load(Ordering::SeqCst) > 0;
            if followed && !self.app_leads.load(Ordering::SeqCst) {
                // It was left behind with nobody to poll for it: let it lead, or be quick.
                self.wake_heir();
            }
            let pause = if has_corked || followed { NAP } else { PAUSE };
            if !has_corked || !corked.is_flushing() {
                self.io_parker.park(Some(Instant::now() + pause));
            }
            if has_corked {
                corked.flush_corked();
            }
            not_led += pause;
            let leads = self.leads.load(Ordering::Relaxed);
            if std::mem::replace(&mut seen, leads) != leads {
                not_led = Duration::ZERO;
            }
            if !self.app_leads.load(Ordering::SeqCst) {
                // Who has led lately is at work, and comes back.
                let followed = self.followers.load(Ordering::SeqCst) > 0;
                if not_led >= PAUSE || followed {
                    return;
                }
            } else if not_led >= PAUSE && !corked.has_corked() {
                // One application thread leads and stays: sleep until it goes.
                self.io_waits_for_leader.swap(true, Ordering::SeqCst);
                // Pairs with the fence in `HandOver`.
                fence_after_swap();
                if self.app_leads.load(Ordering::SeqCst) && !corked.has_corked() {
                    self.io_parker.park(None);
                }
                self.io_waits_for_leader.store(false, Ordering::SeqCst);
                seen = self.leads.load(Ordering::Relaxed);
                not_led = Duration::ZERO;
            }
        }
    }
}

/// Whether the leader sleeps in the kernel, or is about to.
pub(super) struct Doze {
    asleep: AtomicBool,
}

impl Doze {
    pub(super) fn new() -> Doze {
        Doze { asleep: AtomicBool::new(false) }
    }

    /// Runs `sleep`, which looks once more whether there is something to do:
    /// what was added before the leader was seen asleep is seen there.
    pub(super) fn sleep<R>(&self, sleep: impl FnOnce() -> R) -> R {
        self.asleep.swap(true, Ordering::SeqCst);
        // Pairs with the fence in `disturb`.
        fence_after_swap();
        let slept = sleep();
        self.asleep.store(false, Ordering::Relaxed);
        slept
    }

    /// Something was added for the leader to do; `wake` wakes one that sleeps.
    pub(super) fn disturb(&self, wake: impl FnOnce()) {
        // Pairs with the swap before the leader's last look.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) {
            wake();
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests;
