//! Sources that hold back what they have to send, and when each is looked at.
//!
//! The I/O thread goes round them, [`NAP`] after the last round; where a round takes
//! longer it rests as long as that took. So a few streams leave every moment, and of
//! thousands each leaves with all that has gathered in it meanwhile: a system call for
//! each message of each connection is what they could not afford. A round is made in
//! slices, between which the kernel is asked what else there is to do.

use std::time::{Duration, Instant};

use super::NAP;

/// Sources looked at before the kernel is asked again.
pub(super) const SLICE: usize = 32;
/// The longest rest between two rounds: what is held back must not wait for ever.
const LONGEST_REST: Duration = Duration::from_millis(20);
/// Not in the list.
const ABSENT: u32 = u32::MAX;

/// See the file's head. Joining and leaving cost the same for one and for thousands.
#[derive(Default)]
pub(super) struct Rounds {
    members: Vec<usize>,
    /// Where each source is among the members.
    places: Vec<u32>,
    /// Those whose turn in the round under way is still to come, and since when it is.
    waiting: Vec<usize>,
    began: Option<Instant>,
    /// When the next round is due.
    due: Option<Instant>,
}

impl Rounds {
    /// A source joins, unless it is there already. True when it is the only one.
    pub(super) fn join(&mut self, id: usize) -> bool {
        if id >= self.places.len() {
            self.places.resize(id + 1, ABSENT);
        }
        if self.places[id] != ABSENT {
            return false;
        }
        self.places[id] = self.members.len() as u32;
        self.members.push(id);
        self.members.len() == 1
    }

    /// A source leaves, if it was there.
    pub(super) fn leave(&mut self, id: usize) {
        let Some(place) = self.places.get_mut(id) else { return };
        let place = std::mem::replace(place, ABSENT) as usize;
        if place >= self.members.len() {
            return;
        }
        self.members.swap_remove(place);
        if let Some(moved) = self.members.get(place) {
            self.places[*moved] = place as u32;
        }
    }

    /// Whether nobody holds anything back.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether a round has begun and is not over.
    pub(super) fn is_under_way(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The next few to be looked at, put into `slice`; says how many. None before a
    /// round is due.
    pub(super) fn next_slice(&mut self, now: Instant, slice: &mut [usize; SLICE]) -> usize {
        if self.waiting.is_empty() && self.due.is_none_or(|due| due <= now) {
            // In the order in which they joined, as long as none has left.
            self.waiting.extend(self.members.iter().rev());
            self.began = Some(now);
        }
        let rest = self.waiting.len().saturating_sub(SLICE);
        let next = self.waiting.drain(rest..).rev();
        let mut count = 0;
        for (place, id) in slice.iter_mut().zip(next) {
            *place = id;
            count += 1;
        }
        count
    }

    /// A slice was looked at.
    pub(super) fn end_slice(&mut self, now: Instant) {
        if self.waiting.is_empty()
            && let Some(began) = self.began.take()
        {
            let took = now.saturating_duration_since(began);
            self.due = Some(now + took.clamp(NAP, LONGEST_REST));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn round(rounds: &mut Rounds, now: Instant) -> Vec<usize> {
        let mut slice = [0; SLICE];
        let count = rounds.next_slice(now, &mut slice);
        slice[..count].to_vec()
    }

    #[test]
    fn sources_come_and_go_without_trace() {
        let mut rounds = Rounds::default();
        assert!(rounds.join(7) && !rounds.join(7) && !rounds.join(3) && !rounds.join(9));
        rounds.leave(7);
        rounds.leave(7);
        rounds.leave(100);
        let mut left = round(&mut rounds, Instant::now());
        left.sort_unstable();
        assert_eq!(left, [3, 9]);
        rounds.leave(9);
        rounds.leave(3);
        assert!(rounds.is_empty() && rounds.join(3));
    }

    #[test]
    fn a_round_is_made_in_slices_and_is_followed_by_a_rest_as_long() {
        let mut rounds = Rounds::default();
        (0..SLICE + 1).for_each(|id| _ = rounds.join(id));
        let start = Instant::now();
        assert_eq!(round(&mut rounds, start), (0..SLICE).collect::<Vec<_>>());
        rounds.end_slice(start + NAP);
        assert!(rounds.is_under_way());
        assert_eq!(round(&mut rounds, start + NAP), [SLICE]);
        let end = start + 3 * NAP;
        rounds.end_slice(end);
        assert!(!rounds.is_under_way());
        assert!(round(&mut rounds, end + 2 * NAP).is_empty());
        assert_eq!(round(&mut rounds, end + 3 * NAP).len(), SLICE);
    }
}
