//! Distribution (RFC 29): sends a copy of each message to a set of pipes,
//! chosen when the message begins. A pipe without room misses it.

use crate::counters::Cause;
use crate::message::Message;
use crate::pipe::{Key, PipeSet};

/// Where the message under way goes.
#[derive(Default)]
pub(crate) struct Distributor {
    targets: Vec<Key>,
    /// When each pipe was chosen last, so that none is chosen twice.
    chosen_in: Vec<u64>,
    round: u64,
}

impl Distributor {
    /// A new message begins: nobody is chosen yet.
    pub(crate) fn begin(&mut self) {
        self.targets.clear();
        self.round += 1;
    }

    /// Chooses a pipe. Choosing it twice is choosing it once.
    #[inline]
    pub(crate) fn choose(&mut self, key: Key) {
        let index = key.0 as usize;
        if index >= self.chosen_in.len() {
            self.chosen_in.resize(index + 1, 0);
        }
        if std::mem::replace(&mut self.chosen_in[index], self.round) != self.round {
            self.targets.push(key);
        }
    }

    /// Whether the message under way goes there.
    pub(crate) fn is_chosen(&self, key: Key) -> bool {
        self.chosen_in.get(key.0 as usize) == Some(&self.round)
    }

    /// Of the chosen pipes, keeps this one alone.
    pub(crate) fn keep_only(&mut self, key: Key) {
        self.keep(|target| target == key);
    }

    /// Whether every chosen pipe has room.
    pub(crate) fn all_have_room(&self, pipes: &mut PipeSet) -> bool {
        self.targets.iter().all(|key| pipes.can_write(*key))
    }

    /// Leaves out the chosen pipes without room.
    pub(crate) fn drop_full(&mut self, pipes: &mut PipeSet) {
        self.keep(|target| {
            let room = pipes.can_write(target);
            if !room {
                pipes.dropped(Cause::Full, 1, Some(target));
            }
            room
        });
    }

    /// The pipe is gone.
    pub(crate) fn remove(&mut self, key: Key) {
        self.keep(|target| target != key);
    }

    #[inline(always)]
    fn keep(&mut self, mut kept: impl FnMut(Key) -> bool) {
        let chosen_in = &mut self.chosen_in;
        self.targets.retain(|target| {
            let kept = kept(*target);
            if !kept {
                chosen_in[target.0 as usize] = 0;
            }
            kept
        });
    }

    /// Sends the first frame of a message to all that were chosen and have room;
    /// the others miss the message. Looks at each pipe only once.
    pub(crate) fn offer(&mut self, pipes: &mut PipeSet, mut message: Message) {
        let Some((last, others)) = self.targets.split_last() else {
            return pipes.drops.note(Cause::NoSubscriber, 1, None);
        };
        let mut others = others.iter();
        let chosen_in = &mut self.chosen_in;
        let mut missed = false;
        let mut offer = |key: Key, frame: &mut Message| {
            if pipes.offer(key, frame).is_none() {
                chosen_in[key.0 as usize] = 0;
                missed = true;
                pipes.dropped(Cause::Full, 1, Some(key));
            }
        };
        let more = message.more();
        message.share_among(others.len(), |mut copy| {
            if let Some(key) = others.next() {
                offer(*key, &mut copy);
            }
        });
        offer(*last, &mut message);
        if missed && more {
            let (chosen_in, round) = (&self.chosen_in, self.round);
            self.targets.retain(|target| chosen_in[target.0 as usize] == round);
        }
    }

    /// Sends a frame to all that were chosen.
    pub(crate) fn send(&mut self, pipes: &mut PipeSet, mut message: Message) {
        let Some((last, others)) = self.targets.split_last() else { return };
        let mut others = others.iter();
        message.share_among(others.len(), |mut copy| {
            if let Some(key) = others.next() {
                pipes.push(*key, &mut copy);
            }
        });
        pipes.push(*last, &mut message);
    }
}
