//! The word behind which a session sits: who drives it, and what is to be done.
//!
//! Bits come from any thread. Whoever adds some and finds the word unowned
//! owns it, and with it what lies behind, until it gives the word back with
//! nothing left in it. No bit is lost, nobody ever waits, and one thread at a
//! time is inside.

use crate::sync::{AtomicU32, Ordering, SharedCell};

/// Somebody drives. The other bits belong to whoever adds them.
const OWNED: u32 = 1;

/// What lies behind the word.
pub(super) struct Owned<T> {
    word: AtomicU32,
    inner: SharedCell<T>,
}

// SAFETY: `inner` is lent to whoever has set OWNED, to one thread at a time;
// acquire and release on the word order what they do.
unsafe impl<T: Send> Sync for Owned<T> {}

/// What becomes of the word after a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driven {
    /// It is given back.
    Done,
    /// It stays owned for good: nobody comes in any more.
    Wrecked,
}

impl<T> Owned<T> {
    pub(super) fn new(inner: T) -> Owned<T> {
        Owned { word: AtomicU32::new(0), inner: SharedCell::new(inner) }
    }

    /// Adds `bits`. True when the word is the caller's from now on, who must
    /// then call [`Owned::drive`]; otherwise its owner sees to them.
    #[inline]
    pub(super) fn claim(&self, bits: u32) -> bool {
        // Acquire: what the last owner did. Release: what our bits announce.
        self.word.fetch_or(bits | OWNED, Ordering::AcqRel) & OWNED == 0
    }

    /// Has `drive` see to what has come, until nothing has. With `once` a
    /// single time: what came meanwhile stays in the word for whoever is next,
    /// and `later` makes sure that there is somebody.
    ///
    /// # Safety
    /// The caller has claimed the word, and calls this once for it.
    #[inline]
    pub(super) unsafe fn drive(
        &self,
        once: bool,
        mut drive: impl FnMut(&mut T, u32) -> Driven,
        later: impl FnOnce(),
    ) {
        loop {
            let bits = self.word.swap(OWNED, Ordering::AcqRel) & !OWNED;
            // SAFETY: OWNED is the caller's: nobody else reaches `inner` until
            // it is given back below.
            let driven = self.inner.with_mut(|inner| drive(unsafe { &mut *inner }, bits));
            if driven == Driven::Wrecked {
                return;
            }
            match self.let_go(once) {
                LetGo::Free => return,
                LetGo::Left => return later(),
                LetGo::More => {}
            }
        }
    }

    /// Gives the word back, unless something has come meanwhile that is to be
    /// seen to here.
    fn let_go(&self, once: bool) -> LetGo {
        loop {
            let free = self.word.compare_exchange(OWNED, 0, Ordering::AcqRel, Ordering::Acquire);
            let Err(word) = free else { return LetGo::Free };
            if !once {
                return LetGo::More;
            }
            let rest = word & !OWNED;
            let left = self.word.compare_exchange(word, rest, Ordering::AcqRel, Ordering::Relaxed);
            if left.is_ok() {
                return LetGo::Left;
            }
        }
    }

    /// Looks inside, unless somebody is there.
    ///
    /// # Safety
    /// No other thread may claim the word meanwhile.
    pub(super) unsafe fn look<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        if self.word.load(Ordering::Relaxed) & OWNED != 0 {
            return None;
        }
        // SAFETY: nobody owns the word, nor will: the caller's promise.
        Some(self.inner.with(|inner| look(unsafe { &*inner })))
    }
}

/// How an attempt to give the word back ended.
enum LetGo {
    /// Nothing was left.
    Free,
    /// Something was, and is in the word, unowned.
    Left,
    /// Something is, and the word is still owned.
    More,
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::sync::{Arc, AtomicUsize, bounded_model};

    const PIPE: u32 = 1 << 1;
    const RUN: u32 = 1 << 2;
    const READABLE: u32 = 1 << 3;
    const TIMER: u32 = 1 << 4;

    /// A session that only notes what it was told.
    struct Model {
        seen: Owned<u32>,
        /// How often it was put into the reactor's run queue.
        queued: AtomicUsize,
        /// What the bits announce, written before they are set.
        announced: [AtomicU32; 3],
    }

    impl Model {
        fn new() -> Arc<Model> {
            Arc::new(Model {
                seen: Owned::new(0),
                queued: AtomicUsize::new(0),
                announced: std::array::from_fn(|_| AtomicU32::new(0)),
            })
        }

        /// As `Session::attend`.
        fn attend(&self, bits: u32) {
            if !self.seen.claim(bits) {
                return;
            }
            let later = || _ = self.queued.fetch_add(1, Ordering::AcqRel);
            let drive = |seen: &mut u32, bits| {
                for (index, bit) in [PIPE, READABLE, TIMER].into_iter().enumerate() {
                    if bits & bit != 0 {
                        assert_eq!(self.announced[index].load(Ordering::Relaxed), 1);
                    }
                }
                *seen |= bits;
                Driven::Done
            };
            // SAFETY: claimed above.
            unsafe { self.seen.drive(bits == PIPE, drive, later) };
        }

        fn tell(&self, index: usize) {
            self.announced[index].store(1, Ordering::Relaxed);
            self.attend([PIPE, READABLE, TIMER][index]);
        }

        /// The leader goes through the run queue.
        fn run(&self) {
            for _ in 0..self.queued.swap(0, Ordering::AcqRel) {
                self.attend(RUN);
            }
        }
    }

    fn tell_from_other_threads(indices: [usize; 2]) {
        bounded_model(4, move || {
            let model = Model::new();
            let threads = indices.map(|index| {
                let model = model.clone();
                loom::thread::spawn(move || model.tell(index))
            });
            // The sender.
            model.tell(0);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            model.run();
            assert_eq!(model.seen.word.load(Ordering::Relaxed), 0);
            // SAFETY: the other threads have ended.
            let seen = unsafe { model.seen.look(|seen| *seen) };
            let told = indices.iter().fold(PIPE, |bits, i| bits | [PIPE, READABLE, TIMER][*i]);
            assert_eq!(seen.map(|seen| seen & !RUN), Some(told));
        });
    }

    #[test]
    fn loom_no_bit_is_lost_and_one_thread_drives() {
        tell_from_other_threads([1, 2]);
    }

    #[test]
    fn loom_two_senders_and_a_leader_leave_nothing() {
        tell_from_other_threads([0, 1]);
    }

    #[test]
    fn loom_nobody_comes_into_a_wreck() {
        loom::model(|| {
            let model = Arc::new(Owned::new(0));
            let enter = |model: &Owned<u32>| {
                let drive = |entered: &mut u32, _| {
                    *entered += 1;
                    assert_eq!(*entered, 1);
                    Driven::Wrecked
                };
                if model.claim(PIPE) {
                    // SAFETY: claimed.
                    unsafe { model.drive(true, drive, || unreachable!()) };
                }
            };
            let other = model.clone();
            let thread = loom::thread::spawn(move || enter(&other));
            enter(&model);
            thread.join().unwrap();
            // SAFETY: the other thread has ended.
            assert!(unsafe { model.look(|_| ()) }.is_none());
        });
    }
}
