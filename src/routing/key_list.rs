//! An ordered list of pipes without duplicates, walked in a circle.

use crate::pipe::Key;

/// Not in the list.
const ABSENT: u32 = u32::MAX;

/// The pipes, in the order they joined, and whose turn it is. Joining, leaving
/// and membership cost the same for ten pipes and ten thousand.
#[derive(Default)]
pub(crate) struct KeyList {
    keys: Vec<Key>,
    /// Where each key is in `keys`.
    places: Vec<u32>,
    turn: usize,
}

impl KeyList {
    /// Whether the list holds the key.
    pub(crate) fn contains(&self, key: Key) -> bool {
        self.places.get(key.0 as usize).is_some_and(|place| *place != ABSENT)
    }

    /// Adds a key at the end, unless it is there already.
    pub(crate) fn add(&mut self, key: Key) {
        if self.contains(key) {
            return;
        }
        let index = key.0 as usize;
        if index >= self.places.len() {
            self.places.resize(index + 1, ABSENT);
        }
        self.places[index] = self.keys.len() as u32;
        self.keys.push(key);
    }

    /// Takes a key out; the last one takes its place. True if it was there.
    pub(crate) fn remove(&mut self, key: Key) -> bool {
        if !self.contains(key) {
            return false;
        }
        let place = self.places[key.0 as usize] as usize;
        self.places[key.0 as usize] = ABSENT;
        self.keys.swap_remove(place);
        if let Some(moved) = self.keys.get(place) {
            self.places[moved.0 as usize] = place as u32;
        }
        // If it was the turn of the one that moved, it is the first one's now,
        // as in libzmq.
        if self.turn >= self.keys.len() {
            self.turn = 0;
        }
        true
    }

    /// All keys, in no particular order.
    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Whose turn it is.
    #[inline]
    pub(crate) fn current(&self) -> Option<Key> {
        self.keys.get(self.turn).copied()
    }

    /// The key in the list, if it is the only one.
    pub(crate) fn sole(&self) -> Option<Key> {
        match self.keys[..] {
            [key] => Some(key),
            _ => None,
        }
    }

    /// The turn passes on.
    #[inline]
    pub(crate) fn advance(&mut self) {
        self.turn += 1;
        if self.turn >= self.keys.len() {
            self.turn = 0;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn keys_take_turns_and_leave_without_trace() {
        let mut list = KeyList::default();
        (0..4).for_each(|i| list.add(Key(i)));
        list.add(Key(2));
        let mut seen = Vec::new();
        for _ in 0..8 {
            seen.push(list.current().unwrap().0);
            list.advance();
        }
        assert_eq!(seen, [0, 1, 2, 3, 0, 1, 2, 3]);
        assert!(list.remove(Key(0)) && !list.remove(Key(0)));
        let mut rest: Vec<_> = (0..3)
            .map(|_| {
                let key = list.current().unwrap().0;
                list.advance();
                key
            })
            .collect();
        rest.sort_unstable();
        assert_eq!(rest, [1, 2, 3]);
        (1..4).for_each(|i| assert!(list.remove(Key(i))));
        assert_eq!(list.current(), None);
        list.advance();
    }
}
