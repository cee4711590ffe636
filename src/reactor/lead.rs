//! Leading a reactor from an application thread that would otherwise sleep.
//!
//! Such a thread polls for everyone until its own condition holds. It spins a
//! little before it sleeps in the kernel, because a wake-up from there costs
//! many times what a short wait does; after a few spins in vain each further one
//! halves the next, one that was not restores it, and between two looks (a few of
//! them, while nobody takes it) the core is offered to others, so that spinning is
//! harmless where it does not pay. Two
//! threads that answer each other find into step that way: each must spin while
//! the other is still being woken.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Leader, Reactor, SourceId, event};
use crate::error::Errno;
use crate::sync::{AtomicU32, HeldSignals, Ordering, Parker, was_cancelled};

/// The longest spin: about twice what a wake-up from the kernel costs.
pub(crate) const LONGEST_SPIN: Duration = Duration::from_micros(60);

/// A spin that took so long was not one: on a machine with more to do than it has
/// cores, who offers the core to others gets it back after a whole turn of theirs.
const OVERSHOT: Duration = LONGEST_SPIN.saturating_mul(4);
/// Waits without a spin after the first such, and at most. To sleep is better then,
/// since the scheduler is quick with those who wake up.
const CROWDED: u32 = 16;
const LONG_CROWDED: u32 = 4096;

/// An offer that took so long was taken: another thread had the core meanwhile.
const TAKEN: Duration = Duration::from_nanos(1500);
/// Looks for each offer of a core that nobody took the last time: an offer costs as
/// much as a look, and what comes meanwhile is seen that much later.
const LOOKS_AN_OFFER: u32 = 6;

/// So often a spin begins anew because it was of use: the call has a time-out, and
/// others may depend on the thread.
const MOST_USEFUL: u32 = 32;

/// How long a thread whose last spin has paid spins before it holds signals back: as
/// long as most take that pay.
const UNHELD: Duration = Duration::from_micros(10);
/// Spins in vain before they get shorter.
const PATIENCE: u32 = 8;
/// Waits without a spin before it is tried again.
const TRY_AGAIN: u32 = 256;

/// A thread's experience with spinning.
#[derive(Clone, Copy)]
struct Spin {
    budget: Duration,
    /// Spins in vain, or waits without one, since the last that paid.
    in_vain: u32,
    /// Waits until the next spin, since the core was wanted by others.
    abstaining: u32,
    /// How many they were at the beginning, 0 if it was not.
    crowded: u32,
    /// The last offer of the core was taken.
    taken: bool,
}

impl Spin {
    const NEW: Spin =
        Spin { budget: LONGEST_SPIN, in_vain: 1, abstaining: 0, crowded: 0, taken: true };

    /// A spin is over that has offered the core to others, and took so long.
    fn offered(self, spun: Duration) -> Spin {
        match spun >= OVERSHOT {
            true => {
                let crowded = (self.crowded * 2).clamp(CROWDED, LONG_CROWDED);
                Spin { abstaining: crowded, crowded, ..self }
            }
            false => Spin { crowded: self.crowded / 2, ..self },
        }
    }

    /// A spin has not paid: after some, the next ones are shorter.
    fn lost(self) -> Spin {
        let budget = match self.in_vain {
            ..PATIENCE => self.budget,
            // Not below a microsecond: then it does not spin at all.
            _ if self.budget < Duration::from_micros(2) => Duration::ZERO,
            _ => self.budget / 2,
        };
        Spin { budget, in_vain: self.in_vain + 1, ..self }
    }

    /// A spin has paid, or would have.
    fn paid(self) -> Spin {
        Spin { budget: LONGEST_SPIN, in_vain: 0, ..self }
    }

    /// A wait without a spin, since none has paid for long.
    fn spared(self) -> Spin {
        match self.in_vain >= TRY_AGAIN {
            true => Spin { budget: LONGEST_SPIN, in_vain: PATIENCE, ..self },
            false => Spin { in_vain: self.in_vain + 1, ..self },
        }
    }
}

/// Of so many looks of a spin that knows where its message comes from, the first asks the
/// kernel what there is: others have their turn with each wait. The rest go straight there,
/// by one system call in place of two.
const LOOKS_A_TURN: u32 = 4;

/// What a thread leads for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A single message, as the last time: it is read as soon as it comes, if it comes from
    /// where the last ones did.
    Message,
    /// Many, which gather meanwhile, or one of many.
    Any,
}

/// Waits in a row that did not end with the first look, after which the next is expected to
/// take as long: else messages follow each other, and it is better that some gather.
const LATE: u32 = 8;

/// The source that brought the last news, and the count that it was waited for by. What
/// has either's place by now is told to look, no more.
#[derive(Clone, Copy)]
struct Bringer {
    count: *const NewsCount,
    source: SourceId,
    /// How many waits in a row it has ended, none of them with the first look.
    late: u32,
}

thread_local! {
    /// Who brought the last news to this thread.
    static BRINGER: Cell<Option<Bringer>> = const { Cell::new(None) };
    /// How long this thread spins before it sleeps.
    static SPIN: Cell<Spin> = const { Cell::new(Spin::NEW) };
    /// The counts whose change this thread leads for, so that it does not wake
    /// itself out of the kernel.
    static LEADING_FOR: [Cell<*const NewsCount>; MOST_AWAITED] =
        const { [const { Cell::new(std::ptr::null()) }; MOST_AWAITED] };
}

/// Changed by whoever has something for a leading thread.
pub(crate) type NewsCount = AtomicU32;

/// A count, and what it was before the last look.
pub(crate) type Awaited<'a> = (&'a NewsCount, u32);

/// So many counts may one thread lead for: each is looked at between any two
/// looks at the kernel.
pub(crate) const MOST_AWAITED: usize = 16;

/// How a turn of leading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Led {
    /// A count has changed.
    Done,
    /// The deadline passed.
    TimedOut,
    /// A signal handler ran on this thread.
    Interrupted,
    /// This thread was cancelled.
    Cancelled,
    /// Somebody else leads.
    NotLeader,
}

/// Whether this thread leads for that count.
pub(crate) fn leads_for(count: &NewsCount) -> bool {
    LEADING_FOR.with(|counts| {
        let counts = counts.iter().map(Cell::get).take_while(|known| !known.is_null());
        counts.into_iter().any(|known| std::ptr::eq(known, count))
    })
}

/// Spins until `done`, at most as long as spinning has paid on this thread, and
/// notes whether it has again. `look` runs first and between two looks; where it says
/// that it was of use, the spin begins there. `EINTR` when a signal
/// handler ran, as far as can be told; `ECANCELED` when the thread was cancelled.
pub(crate) fn spin(
    done: impl Fn() -> bool,
    mut look: impl FnMut() -> io::Result<bool>,
) -> io::Result<bool> {
    let spin = SPIN.get();
    if spin.abstaining > 0 {
        SPIN.set(Spin { abstaining: spin.abstaining - 1, ..spin });
        return Ok(done());
    }
    if spin.budget.is_zero() {
        let done = done();
        SPIN.set(if done { spin.paid() } else { spin.spared() });
        return Ok(done);
    }
    let mut spin = spin;
    let (mut looks, mut useful) = (0, 0);
    let mut start = Instant::now();
    // A handler that runs now would leave no trace, and the call would go to sleep
    // all the same: signals wait, and are seen at the end. That takes two system
    // calls, too many where the last spin has paid and this one does at once.
    let mut held = (spin.in_vain > 0).then(HeldSignals::new);
    let mut yielded = false;
    loop {
        let was_useful = look()?;
        if done() {
            SPIN.set(match yielded {
                true => spin.paid().offered(start.elapsed()),
                false => spin.paid(),
            });
            return Ok(true);
        }
        if !std::mem::replace(&mut yielded, true) && was_cancelled() {
            return Err(io::Error::from_raw_os_error(Errno::ECANCELED.raw()));
        }
        if was_useful && useful < MOST_USEFUL {
            useful += 1;
            held.get_or_insert_with(HeldSignals::new);
            start = Instant::now();
            continue;
        }
        let spun = start.elapsed();
        if spun >= spin.budget {
            SPIN.set(spin.lost().offered(spun));
            if held.is_some_and(|held| held.deliver()) {
                return Err(io::Error::from_raw_os_error(libc::EINTR));
            }
            return Ok(false);
        }
        if held.is_none() && spun >= UNHELD {
            held = Some(HeldSignals::new());
        }
        looks += 1;
        if spin.taken || looks % LOOKS_AN_OFFER == 0 {
            std::thread::yield_now();
            spin.taken = start.elapsed() - spun >= TAKEN;
        } else {
            std::hint::spin_loop();
        }
    }
}

/// Notes how long a wait took that the thread did not win by spinning: short
/// ones make spinning worth another try.
pub(crate) fn waited(time: Duration) {
    if time < LONGEST_SPIN {
        SPIN.set(SPIN.get().paid());
    }
}

/// Where a message that is expected will come from, if that is known.
fn bringer(awaited: &[Awaited<'_>], expected: Expected) -> Option<SourceId> {
    let ([(count, _)], Expected::Message, Some(known)) = (awaited, expected, BRINGER.get()) else {
        return None;
    };
    (std::ptr::eq(known.count, *count) && known.late >= LATE).then_some(known.source)
}

/// A wait is over that took so many looks.
fn brought(awaited: &[Awaited<'_>], source: Option<SourceId>, looks: u32) {
    let ([(count, _)], Some(source)) = (awaited, source) else { return };
    let before = BRINGER
        .get()
        .filter(|known| looks > 1 && std::ptr::eq(known.count, *count) && known.source == source);
    let late = before.map_or(0, |known| known.late.saturating_add(1));
    BRINGER.set(Some(Bringer { count: *count, source, late }));
}

/// This thread leads for some counts, until it is dropped.
struct LeadsFor;

impl LeadsFor {
    fn new(awaited: &[Awaited<'_>]) -> LeadsFor {
        LEADING_FOR.with(|counts| {
            for (place, (count, _)) in counts.iter().zip(awaited) {
                place.set(*count);
            }
        });
        LeadsFor
    }
}

impl Drop for LeadsFor {
    fn drop(&mut self) {
        LEADING_FOR.with(|counts| counts.iter().for_each(|place| place.set(std::ptr::null())));
    }
}

impl Reactor {
    /// Leads until one of the counts has changed, the deadline passes or a
    /// signal or a cancellation comes; at once [`Led::NotLeader`] when somebody
    /// else leads. There may be [`MOST_AWAITED`] counts. Between two looks the thread
    /// does a little of what it has to do besides; `meanwhile` says whether there was any.
    pub(crate) fn lead(
        &self,
        awaited: &[Awaited<'_>],
        deadline: Option<Instant>,
        expected: Expected,
        meanwhile: impl Fn() -> bool,
    ) -> Led {
        debug_assert!(awaited.len() <= MOST_AWAITED);
        let Some(mut leading) = self.leadership.lead() else {
            return Led::NotLeader;
        };
        let _leads_for = LeadsFor::new(awaited);
        let done = || awaited.iter().any(|(count, seen)| count.load(Ordering::Acquire) != *seen);
        leading.with(|lead| {
            lead.told = bringer(awaited, expected);
            lead.looks = 0;
            let led = self.lead_until(lead, done, deadline, lead.told, meanwhile);
            if led == Led::Done {
                brought(awaited, lead.told, lead.looks);
            }
            led
        })
    }

    fn lead_until(
        &self,
        lead: &mut super::Lead,
        done: impl Fn() -> bool,
        deadline: Option<Instant>,
        bringer: Option<SourceId>,
        meanwhile: impl Fn() -> bool,
    ) -> Led {
        let start = Instant::now();
        let look = || {
            let asks = lead.looks.is_multiple_of(LOOKS_A_TURN);
            lead.looks += 1;
            match bringer {
                Some(bringer) if !asks => self.notice(bringer.0, event::GLANCE),
                _ => self.turn(lead, Some(Duration::ZERO), &done, Leader::Application(None))?,
            }
            Ok(!done() && meanwhile())
        };
        match spin(&done, look) {
            Ok(true) => return Led::Done,
            Ok(false) => {}
            Err(error) => return Self::end_of(&error),
        }
        let held = HeldSignals::new();
        while !done() {
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Led::TimedOut;
            }
            if let Err(error) = self.turn(lead, left, &done, Leader::Application(Some(&held))) {
                return Self::end_of(&error);
            }
            // While others have so much to do that there is no sleep in between.
            if !done() && held.deliver() {
                return Led::Interrupted;
            }
        }
        waited(start.elapsed());
        Led::Done
    }

    fn end_of(error: &io::Error) -> Led {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EINTR) => Led::Interrupted,
            Some(Errno::ECANCELED) => Led::Cancelled,
            // The kernel's poll failed otherwise: let the I/O thread try.
            _ => Led::NotLeader,
        }
    }

    /// A thread begins to sleep until somebody else's poll serves it. Makes
    /// sure that somebody polls. An `heir` is woken when it may lead itself.
    pub(crate) fn follow(&self, heir: Option<&Arc<Parker>>) {
        self.leadership.follow(heir);
    }

    /// The thread does not sleep any more.
    pub(crate) fn unfollow(&self, heir: Option<&Arc<Parker>>, leads_next: bool) {
        self.leadership.unfollow(heir, leads_next);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::os::fd::RawFd;

    use super::super::Source;
    use super::*;

    /// Is run twice; the second time it has news for whoever leads.
    struct Late {
        reactor: Arc<Reactor>,
        runs: AtomicU32,
        news: Arc<NewsCount>,
    }

    impl Source for Late {
        fn notice(self: Arc<Self>, _: u32) {
            if self.runs.fetch_add(1, Ordering::Relaxed) == 0 {
                // The spin is over by then.
                std::thread::sleep(2 * LONGEST_SPIN);
                self.reactor.clone().run_later(self);
            } else {
                assert!(leads_for(&self.news));
                self.news.fetch_add(1, Ordering::Release);
            }
        }

        fn inherited_fd(&self) -> Option<RawFd> {
            None
        }

        fn give_up(self: Arc<Self>) {}
    }

    #[test]
    fn a_leader_does_not_sleep_on_news_from_the_run_queue() {
        let reactor = Arc::new(Reactor::new().unwrap());
        let news = Arc::new(NewsCount::new(0));
        let late = Late { reactor: reactor.clone(), runs: AtomicU32::new(0), news: news.clone() };
        reactor.run_later(Arc::new(late));
        let start = Instant::now();
        let far = start + Duration::from_secs(60);
        assert_eq!(reactor.lead(&[(&*news, 0)], Some(far), Expected::Any, || false), Led::Done);
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_thread_whose_core_others_want_abstains_for_ever_longer() {
        let turn_of_others = Duration::from_millis(4);
        let mut spin = Spin::NEW;
        for abstaining in [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096] {
            // That it waited no longer than a spin without one is no reason to spin.
            spin = spin.paid().offered(turn_of_others).paid();
            assert_eq!(spin.abstaining, abstaining);
        }
        for crowded in [2048, 1024, 512] {
            spin = Spin { abstaining: 0, ..spin }.offered(LONGEST_SPIN);
            assert_eq!((spin.abstaining, spin.crowded), (0, crowded));
        }
    }
}
