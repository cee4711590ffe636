//! A way around the tree for a great many short topics.
//!
//! In a tree of a million topics the last steps of a walk each wait for memory.
//! Where topics have few different lengths, as numbers and codes do, their values
//! are also kept by hash, and a body is looked up once for each length. The tree
//! stays what counts: this is built from it when the topics have become many, and
//! given up when they are of too many lengths, too long, or memory is short. Built
//! anew it is only once there are twice as many, so that no peer can make us build
//! it again and again. The hash is keyed, since topics come from peers.

use std::collections::HashMap;

/// The longest topic that is kept here.
pub(super) const LONGEST: usize = 15;
/// The count of the topics that are longer.
const LONGER: usize = LONGEST + 1;
/// With topics of more lengths the walk through the tree is quicker.
const MOST_LENGTHS: u32 = 4;
/// A smaller tree lies in the cache.
const BUILD_AT: usize = if cfg!(test) { 16 } else { 4096 };

/// A short topic, zeros behind it, and its length in the last byte. In bytes, so
/// that a place in the table takes 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; LONGEST + 1]);

/// The values of all topics by their bytes, while that is of use.
#[derive(Debug)]
pub(super) struct Shortcut {
    /// Topics of each length; the last ones are longer.
    counts: [u32; LONGER + 1],
    /// The lengths that there are, a bit each.
    lengths: u32,
    values: Option<HashMap<Key, u32>>,
    /// With so many topics it is to be built.
    build_at: usize,
}

impl Default for Shortcut {
    fn default() -> Shortcut {
        Shortcut { counts: [0; LONGER + 1], lengths: 0, values: None, build_at: BUILD_AT }
    }
}

impl Key {
    /// A topic of [`LONGEST`] bytes at most.
    pub(super) fn new(topic: &[u8]) -> Key {
        debug_assert!(topic.len() <= LONGEST);
        Key::of_prefix(head(topic), topic.len() as u32)
    }

    /// The first `len` bytes.
    #[inline]
    fn of_prefix(head: u128, len: u32) -> Key {
        let topic = head & ((1 << (8 * len)) - 1);
        Key((topic | (u128::from(len) << (8 * LONGEST))).to_le_bytes())
    }

    fn len(self) -> usize {
        usize::from(self.0[LONGEST])
    }
}

impl Shortcut {
    /// Whether the values are here.
    #[inline]
    pub(super) fn is_built(&self) -> bool {
        self.values.is_some()
    }

    /// Whether it is to be built for so many topics.
    pub(super) fn is_due(&mut self, topics: usize) -> bool {
        if self.is_built() || topics < self.build_at {
            return false;
        }
        let due = self.is_of_use();
        if !due {
            self.give_up(topics);
        }
        due
    }

    /// Builds it of all topics, of which there are so many.
    pub(super) fn build(&mut self, topics: usize, all: impl Iterator<Item = (Key, u32)>) {
        let mut values = HashMap::new();
        if values.try_reserve(topics).is_err() {
            return self.give_up(topics);
        }
        values.extend(all);
        self.values = Some(values);
    }

    /// A topic is added, as one of so many. `None`: a long one.
    pub(super) fn add(&mut self, topic: Option<Key>, topics: usize) {
        let len = topic.map_or(LONGER, Key::len);
        self.counts[len] += 1;
        self.lengths |= 1 << len;
        if self.is_built() && !self.is_of_use() {
            self.give_up(topics);
        }
    }

    /// A topic has this value from now on.
    pub(super) fn set(&mut self, topic: Option<Key>, value: u32, topics: usize) {
        let (Some(values), Some(topic)) = (&mut self.values, topic) else { return };
        if values.try_reserve(1).is_ok() {
            values.insert(topic, value);
        } else {
            self.give_up(topics);
        }
    }

    /// A topic is removed.
    pub(super) fn remove(&mut self, topic: Option<Key>) {
        let len = topic.map_or(LONGER, Key::len);
        self.counts[len] -= 1;
        if self.counts[len] == 0 {
            self.lengths &= !(1 << len);
        }
        if let (Some(values), Some(topic)) = (&mut self.values, topic) {
            values.remove(&topic);
        }
    }

    /// Calls `visit` with the value of every topic that `body` starts with, the
    /// shortest first, until it returns false.
    #[inline]
    pub(super) fn prefixes(&self, body: &[u8], mut visit: impl FnMut(u32) -> bool) {
        let Some(values) = &self.values else { return };
        let head = head(body);
        let mut lengths = self.lengths;
        while lengths != 0 {
            let len = lengths.trailing_zeros();
            lengths &= lengths - 1;
            if len as usize > body.len() {
                return;
            }
            if let Some(value) = values.get(&Key::of_prefix(head, len))
                && !visit(*value)
            {
                return;
            }
        }
    }

    fn is_of_use(&self) -> bool {
        self.counts[LONGER] == 0 && self.lengths.count_ones() <= MOST_LENGTHS
    }

    fn give_up(&mut self, topics: usize) {
        self.values = None;
        self.build_at = 2 * topics;
    }
}

/// The first bytes, zeros behind a short body.
#[inline]
fn head(bytes: &[u8]) -> u128 {
    match bytes.first_chunk() {
        Some(head) => u128::from_le_bytes(*head),
        None => {
            let mut head = [0; size_of::<u128>()];
            head[..bytes.len()].copy_from_slice(bytes);
            u128::from_le_bytes(head)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::routing::test::Random;
    use crate::routing::trie::Trie;

    /// Topics of a few letters: mostly of three lengths, now and then of others.
    fn topic(random: &mut Random, unusual: usize) -> Vec<u8> {
        let len = match random.below(unusual) {
            0 => random.below(20),
            _ => [2, 3, 15][random.below(3)],
        };
        let mut topic = vec![0; len];
        let from = len.saturating_sub(3);
        topic[from..].iter_mut().for_each(|byte| *byte = random.below(4) as u8);
        topic
    }

    #[test]
    fn what_is_found_is_what_the_tree_would_find() {
        let mut built = 0;
        for (seed, unusual) in [(1, 10_000_000), (2, 400), (3, 100), (4, 10)] {
            let mut random = Random::new(seed);
            let mut trie = Trie::default();
            let mut model: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
            for step in 0..20_000 {
                let topic = topic(&mut random, unusual);
                // Phases of growth and of decline, down to nothing.
                if random.below(100) < if step % 5000 < 2500 { 80 } else { 10 } {
                    let value = 1 + random.below(1000) as u32;
                    let node = trie.insert(&topic).unwrap();
                    trie.set_value(node, value);
                    model.insert(topic.clone(), value);
                } else if let Some(node) = trie.find(&topic) {
                    trie.remove(node);
                    assert!(model.remove(&topic).is_some());
                } else {
                    assert!(!model.contains_key(&topic));
                }
                built += usize::from(trie.shortcut.is_built());
                assert_eq!(trie.len(), model.len());
                let mut found = Vec::new();
                trie.prefixes(&topic, |value| {
                    found.push(value);
                    true
                });
                let expected: Vec<u32> =
                    (0..=topic.len()).filter_map(|len| model.get(&topic[..len]).copied()).collect();
                assert_eq!(found, expected);
            }
        }
        assert!(built > 10_000, "{built}");
    }

    #[test]
    fn a_long_topic_that_comes_and_goes_does_not_have_it_built_again_and_again() {
        let mut trie = Trie::default();
        let add = |trie: &mut Trie, topic: &[u8]| {
            let node = trie.insert(topic).unwrap();
            trie.set_value(node, 1);
            node
        };
        for number in 0..100_u32 {
            add(&mut trie, &number.to_be_bytes());
        }
        assert!(trie.shortcut.is_built());
        for _ in 0..3 {
            let long = add(&mut trie, &[7; 40]);
            assert!(!trie.shortcut.is_built());
            trie.remove(long);
            add(&mut trie, &[1; 4]);
            assert!(!trie.shortcut.is_built());
        }
        for number in 100..300_u32 {
            add(&mut trie, &number.to_be_bytes());
        }
        assert!(trie.shortcut.is_built());
    }
}
