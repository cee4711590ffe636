//! What the subscribers of a PUB or XPUB socket want (RFC 29): which topic goes
//! to which pipes.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

use super::Removal;
use super::trie::Trie;
use crate::error::{Errno, Result};

/// A set of pipes for each topic.
#[derive(Debug)]
pub struct Topics<K> {
    /// For each topic the place of its set in `sets`, plus 1.
    trie: Trie,
    sets: Vec<Set<K>>,
    /// The first free place; they are linked.
    free_set: Option<u32>,
    pipes: HashMap<K, Wanted>,
    /// Room for the longest topic, so that removing a pipe needs no memory.
    topic: Vec<u8>,
}

/// The pipes of one topic.
#[derive(Debug)]
enum Set<K> {
    One(K),
    /// Sorted; for a topic that had several at a time.
    Many(Vec<K>),
    /// Free; the next one that is.
    Free(Option<u32>),
}

/// The topics of one pipe.
#[derive(Debug, Default)]
struct Wanted {
    /// The topics' nodes. Removed ones stay here for a while (and may have come
    /// back, or be other topics by now); they are swept out once they are more
    /// than the others, so that removing costs no search.
    nodes: Vec<u32>,
    /// The number of topics that the pipe really has.
    live: usize,
}

/// Removed topics that a pipe may have before they are swept out.
const SWEEP_AT: usize = 32;

impl<K: Copy + Ord + Hash> Topics<K> {
    /// No topics: no message goes anywhere.
    pub fn new() -> Topics<K> {
        Topics {
            trie: Trie::default(),
            sets: Vec::new(),
            free_set: None,
            pipes: HashMap::new(),
            topic: Vec::new(),
        }
    }

    /// Notes that a pipe wants a topic; true when it is the topic's first pipe.
    /// A second time changes nothing. `ENOMEM` changes nothing either.
    pub fn add(&mut self, topic: &[u8], pipe: K) -> Result<bool> {
        self.reserve(topic, pipe)?;
        let added = self.add_reserved(topic, pipe);
        if added.is_err() && self.pipes.get(&pipe).is_some_and(|w| w.live == 0) {
            self.pipes.remove(&pipe);
        }
        added
    }

    /// Notes that a pipe does not want a topic any more.
    pub fn remove(&mut self, topic: &[u8], pipe: K) -> Removal {
        let Some(node) = self.trie.find(topic) else {
            return Removal::NotFound;
        };
        let removal = self.remove_from(node, pipe);
        if removal != Removal::NotFound {
            if removal == Removal::Gone {
                self.trie.remove(node);
            }
            self.forget_one(pipe);
        }
        removal
    }

    /// Removes a pipe from all its topics; `gone` is called with each topic that
    /// no other pipe wants.
    pub fn remove_pipe(&mut self, pipe: K, mut gone: impl FnMut(&[u8])) {
        let Some(mut wanted) = self.pipes.remove(&pipe) else {
            return;
        };
        wanted.nodes.sort_unstable();
        wanted.nodes.dedup();
        let mut topic = mem::take(&mut self.topic);
        for node in wanted.nodes {
            if self.remove_from(node, pipe) == Removal::Gone {
                self.trie.topic(node, &mut topic);
                self.trie.remove(node);
                gone(&topic);
            }
        }
        self.topic = topic;
        self.shrink();
    }

    /// Calls `out` with every pipe that wants a body that starts like this one.
    /// A pipe that wants it for several topics is named once for each.
    #[inline]
    pub fn matching(&self, body: &[u8], mut out: impl FnMut(K)) {
        self.trie.prefixes(body, |set| {
            match &self.sets[set as usize - 1] {
                Set::One(pipe) => out(*pipe),
                Set::Many(pipes) => pipes.iter().for_each(|pipe| out(*pipe)),
                Set::Free(_) => {}
            }
            true
        });
    }

    /// The number of topics.
    pub fn len(&self) -> usize {
        self.trie.len()
    }

    /// Whether no pipe wants anything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gets the memory for everything but the trie and the topic's set, so that
    /// adding fails before it has begun.
    fn reserve(&mut self, topic: &[u8], pipe: K) -> Result<()> {
        self.topic.clear();
        self.topic
            .try_reserve(topic.len())
            .and_then(|()| self.sets.try_reserve(1))
            .map_err(|_| Errno::ENOMEM)?;
        match self.pipes.get_mut(&pipe) {
            Some(wanted) => wanted.nodes.try_reserve(1).map_err(|_| Errno::ENOMEM),
            None => {
                let mut wanted = Wanted::default();
                wanted
                    .nodes
                    .try_reserve(1)
                    .and_then(|()| self.pipes.try_reserve(1))
                    .map_err(|_| Errno::ENOMEM)?;
                self.pipes.insert(pipe, wanted);
                Ok(())
            }
        }
    }

    fn add_reserved(&mut self, topic: &[u8], pipe: K) -> Result<bool> {
        let node = self.trie.insert(topic)?;
        let first = match self.trie.value(node) {
            0 => {
                let set = self.new_set(pipe);
                self.trie.set_value(node, set + 1);
                true
            }
            set => {
                if !self.sets[set as usize - 1].insert(pipe)? {
                    return Ok(false);
                }
                false
            }
        };
        let wanted = self.pipes.entry(pipe).or_default();
        wanted.nodes.push(node);
        wanted.live += 1;
        Ok(first)
    }

    fn new_set(&mut self, pipe: K) -> u32 {
        match self.free_set {
            Some(set) => {
                if let Set::Free(next) = self.sets[set as usize] {
                    self.free_set = next;
                }
                self.sets[set as usize] = Set::One(pipe);
                set
            }
            None => {
                self.sets.push(Set::One(pipe));
                (self.sets.len() - 1) as u32
            }
        }
    }

    /// Takes the pipe out of a node's set. [`Removal::Gone`] leaves a topic that
    /// the caller removes from the trie.
    fn remove_from(&mut self, node: u32, pipe: K) -> Removal {
        let Some(set) = self.trie.value(node).checked_sub(1) else {
            return Removal::NotFound;
        };
        let pipes = &mut self.sets[set as usize];
        let removal = pipes.remove(pipe);
        if removal == Removal::Gone {
            *pipes = Set::Free(self.free_set.replace(set));
        }
        removal
    }

    /// Accounts for one topic less of this pipe.
    fn forget_one(&mut self, pipe: K) {
        let Some(wanted) = self.pipes.get_mut(&pipe) else {
            return;
        };
        wanted.live -= 1;
        if wanted.live == 0 {
            self.pipes.remove(&pipe);
            self.shrink();
        } else if wanted.nodes.len() > 2 * wanted.live + SWEEP_AT {
            wanted.nodes.sort_unstable();
            wanted.nodes.dedup();
            wanted.nodes.retain(|node| {
                let set = self.trie.value(*node).checked_sub(1);
                set.is_some_and(|set| self.sets[set as usize].contains(pipe))
            });
            wanted.nodes.shrink_to(2 * wanted.live);
            debug_assert_eq!(wanted.nodes.len(), wanted.live);
        }
    }

    /// Gives all memory back when nobody wants anything any more.
    fn shrink(&mut self) {
        if self.pipes.is_empty() {
            *self = Topics::new();
        }
    }
}

impl<K: Copy + Ord + Hash> Default for Topics<K> {
    fn default() -> Topics<K> {
        Topics::new()
    }
}

impl<K: Copy + Ord> Set<K> {
    /// Whether the pipe was not there before. `ENOMEM` changes nothing.
    fn insert(&mut self, pipe: K) -> Result<bool> {
        match self {
            Set::One(one) => {
                if *one == pipe {
                    return Ok(false);
                }
                let mut pipes = Vec::new();
                pipes.try_reserve(2).map_err(|_| Errno::ENOMEM)?;
                pipes.extend([pipe.min(*one), pipe.max(*one)]);
                *self = Set::Many(pipes);
            }
            Set::Many(pipes) => match pipes.binary_search(&pipe) {
                Ok(_) => return Ok(false),
                Err(at) => {
                    pipes.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                    pipes.insert(at, pipe);
                }
            },
            Set::Free(_) => *self = Set::One(pipe),
        }
        Ok(true)
    }

    fn remove(&mut self, pipe: K) -> Removal {
        match self {
            Set::One(one) if *one == pipe => Removal::Gone,
            Set::Many(pipes) => match pipes.binary_search(&pipe) {
                Ok(_) if pipes.len() == 1 => Removal::Gone,
                Ok(at) => {
                    pipes.remove(at);
                    Removal::StillWanted
                }
                Err(_) => Removal::NotFound,
            },
            _ => Removal::NotFound,
        }
    }

    fn contains(&self, pipe: K) -> bool {
        match self {
            Set::One(one) => *one == pipe,
            Set::Many(pipes) => pipes.binary_search(&pipe).is_ok(),
            Set::Free(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::routing::test::{Random, random_topic};

    #[test]
    fn random_operations_agree_with_a_plain_map() {
        for seed in 0..40 {
            let mut random = Random::new(seed);
            let mut topics = Topics::new();
            let mut model: BTreeMap<Vec<u8>, BTreeSet<u32>> = BTreeMap::new();
            for _ in 0..3000 {
                let topic = random_topic(&mut random);
                let pipe = random.below(5) as u32;
                match random.below(40) {
                    0 => {
                        let mut gone = BTreeSet::new();
                        topics.remove_pipe(pipe, |topic| assert!(gone.insert(topic.to_vec())));
                        model.retain(|topic, pipes| {
                            let last = pipes.remove(&pipe) && pipes.is_empty();
                            assert_eq!(last, gone.contains(topic));
                            !last
                        });
                    }
                    1..20 => {
                        let pipes = model.entry(topic.clone()).or_default();
                        assert_eq!(topics.add(&topic, pipe), Ok(pipes.is_empty()));
                        pipes.insert(pipe);
                    }
                    _ => {
                        let had = model.get_mut(&topic).is_some_and(|p| p.remove(&pipe));
                        let last = model.get(&topic).is_some_and(|p| p.is_empty());
                        let removal = match (had, last) {
                            (false, _) => Removal::NotFound,
                            (true, false) => Removal::StillWanted,
                            (true, true) => Removal::Gone,
                        };
                        if last {
                            model.remove(&topic);
                        }
                        assert_eq!(topics.remove(&topic, pipe), removal);
                    }
                }
                assert_eq!(topics.len(), model.len());
                let body = random_topic(&mut random);
                let mut found = Vec::new();
                topics.matching(&body, |pipe| found.push(pipe));
                let expected: Vec<u32> = model
                    .iter()
                    .filter(|(topic, _)| body.starts_with(topic))
                    .flat_map(|(_, pipes)| pipes.iter().copied())
                    .collect();
                assert_eq!(found, expected);
            }
            for pipe in 0..5 {
                topics.remove_pipe(pipe, |_| {});
            }
            assert!(topics.is_empty());
            assert!(topics.sets.is_empty() && topics.pipes.is_empty());
        }
    }

    #[test]
    fn a_flapping_topic_does_not_pile_up() {
        let mut topics = Topics::new();
        topics.add(b"kept", 1).unwrap();
        for _ in 0..10_000 {
            assert_eq!(topics.add(b"kept too", 1), Ok(true));
            assert_eq!(topics.remove(b"kept too", 1), Removal::Gone);
        }
        assert!(topics.pipes[&1].nodes.len() <= 3 + SWEEP_AT);
        let mut gone = Vec::new();
        topics.remove_pipe(1, |topic| gone.push(topic.to_vec()));
        assert_eq!(gone, [b"kept".to_vec()]);
    }

    #[test]
    fn ten_thousand_pipes_share_a_topic_and_leave() {
        let mut topics = Topics::new();
        for pipe in 0..10_000_u32 {
            assert_eq!(topics.add(b"", pipe), Ok(pipe == 0));
            assert_eq!(topics.add(b"", pipe), Ok(false));
        }
        let mut count = 0;
        topics.matching(b"anything", |_| count += 1);
        assert_eq!(count, 10_000);
        for pipe in 0..10_000 {
            let mut gone = 0;
            topics.remove_pipe(pipe, |_| gone += 1);
            assert_eq!(gone, u32::from(pipe == 9999));
        }
    }

    #[test]
    fn a_million_topics_are_found_and_forgotten() {
        let mut topics = Topics::new();
        let mut random = Random::new(7);
        let names: Vec<String> = (0..1_000_000)
            .map(|i| format!("{}/{i}", random.below(1_000_000)))
            .collect();
        for (i, name) in names.iter().enumerate() {
            assert_eq!(topics.add(name.as_bytes(), i as u32 % 100), Ok(true));
        }
        assert_eq!(topics.len(), names.len());
        for (i, name) in names.iter().enumerate() {
            let mut found = false;
            topics.matching(name.as_bytes(), |pipe| found |= pipe == i as u32 % 100);
            assert!(found);
        }
        let mut gone = 0;
        for pipe in 0..100 {
            topics.remove_pipe(pipe, |_| gone += 1);
        }
        assert_eq!(gone, names.len());
    }
}
