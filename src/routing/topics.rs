//! What the subscribers of a PUB or XPUB socket want (RFC 29): which topic goes
//! to which pipes.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

use super::trie::Trie;
use super::{Addition, Removal};
use crate::error::{Errno, Result};

/// A set of pipes for each topic.
#[derive(Debug)]
pub struct Topics<K> {
    /// The pipes of each topic, as [`Pipes`] says.
    trie: Trie,
    /// The pipes that want anything, and where they are.
    pipes: Slab<Pipe<K>>,
    places: HashMap<K, u32>,
    /// The pipes of topics with several, sorted.
    sets: Slab<Vec<K>>,
    /// Room for the longest topic, so that removing a pipe needs no memory.
    topic: Vec<u8>,
}

/// One pipe and its topics.
#[derive(Debug)]
struct Pipe<K> {
    key: K,
    /// The topics' nodes. Removed ones stay here for a while (and may have come
    /// back, or be other topics by now); they are swept out once they are more
    /// than the others, so that removing costs no search.
    nodes: Vec<u32>,
    /// The number of topics that the pipe really has.
    live: usize,
}

/// The value of a topic in the trie: most topics have a single pipe and need no
/// set for it.
#[derive(Clone, Copy)]
enum Pipes {
    /// The place of a pipe.
    One(u32),
    /// The place of a set.
    Several(u32),
}

/// Removed topics that a pipe may have before they are swept out.
const SWEEP_AT: usize = 32;

impl<K: Copy + Ord + Hash> Topics<K> {
    /// No topics: no message goes anywhere.
    pub fn new() -> Topics<K> {
        Topics {
            trie: Trie::default(),
            pipes: Slab::new(),
            places: HashMap::new(),
            sets: Slab::new(),
            topic: Vec::new(),
        }
    }

    /// Notes that a pipe wants a topic. A second time changes nothing. `ENOMEM`
    /// changes nothing either.
    pub fn add(&mut self, topic: &[u8], pipe: K) -> Result<Addition> {
        self.topic.clear();
        self.topic.try_reserve(topic.len()).map_err(|_| Errno::ENOMEM)?;
        self.sets.reserve()?;
        let place = self.place(pipe)?;
        let added = self.add_at(topic, place);
        if self.pipes.items[place as usize].live == 0 {
            self.forget(pipe, place);
        }
        added
    }

    /// Notes that a pipe does not want a topic any more.
    pub fn remove(&mut self, topic: &[u8], pipe: K) -> Removal {
        let (Some(node), Some(&place)) = (self.trie.find(topic), self.places.get(&pipe)) else {
            return Removal::NotFound;
        };
        let removal = self.remove_from(node, pipe);
        if removal == Removal::NotFound {
            return removal;
        }
        if removal == Removal::Gone {
            self.trie.remove(node);
        }
        let wanted = &mut self.pipes.items[place as usize];
        wanted.live -= 1;
        if wanted.live == 0 {
            self.forget(pipe, place);
        } else if wanted.nodes.len() > 2 * wanted.live + SWEEP_AT {
            self.sweep(place);
        }
        removal
    }

    /// Removes a pipe from all its topics; `each` is called with each of them
    /// and whether another pipe still wants it.
    pub fn remove_pipe(&mut self, pipe: K, mut each: impl FnMut(&[u8], Removal)) {
        let Some(&place) = self.places.get(&pipe) else {
            return;
        };
        let mut nodes = mem::take(&mut self.pipes.items[place as usize].nodes);
        nodes.sort_unstable();
        nodes.dedup();
        let mut topic = mem::take(&mut self.topic);
        for node in nodes {
            let removal = self.remove_from(node, pipe);
            if removal == Removal::NotFound {
                continue;
            }
            self.trie.topic(node, &mut topic);
            if removal == Removal::Gone {
                self.trie.remove(node);
            }
            each(&topic, removal);
        }
        self.topic = topic;
        self.forget(pipe, place);
    }

    /// Calls `out` with every pipe that wants a body that starts like this one.
    /// A pipe that wants it for several topics is named once for each.
    #[inline]
    pub fn matching(&self, body: &[u8], mut out: impl FnMut(K)) {
        self.trie.prefixes(body, |value| {
            match Pipes::from_value(value) {
                Pipes::One(place) => out(self.pipes.items[place as usize].key),
                Pipes::Several(set) => {
                    for pipe in &self.sets.items[set as usize] {
                        out(*pipe);
                    }
                }
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

    /// The place of a pipe, made if need be, with room for one more topic.
    fn place(&mut self, pipe: K) -> Result<u32> {
        if let Some(&place) = self.places.get(&pipe) {
            let nodes = &mut self.pipes.items[place as usize].nodes;
            nodes.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            return Ok(place);
        }
        let mut nodes = Vec::new();
        nodes
            .try_reserve(1)
            .and_then(|()| self.places.try_reserve(1))
            .map_err(|_| Errno::ENOMEM)?;
        self.pipes.reserve()?;
        let place = self.pipes.insert(Pipe { key: pipe, nodes, live: 0 });
        self.places.insert(pipe, place);
        Ok(place)
    }

    fn add_at(&mut self, topic: &[u8], place: u32) -> Result<Addition> {
        let node = self.trie.insert(topic)?;
        let value = self.trie.value(node);
        let first = value == 0;
        let pipes = if first {
            Pipes::One(place)
        } else {
            match self.joined(Pipes::from_value(value), place)? {
                Some(pipes) => pipes,
                None => return Ok(Addition::Known),
            }
        };
        self.trie.set_value(node, pipes.value());
        let wanted = &mut self.pipes.items[place as usize];
        wanted.nodes.push(node);
        wanted.live += 1;
        Ok(if first { Addition::First } else { Addition::Joined })
    }

    /// The pipes with one more, `None` when it is among them already.
    fn joined(&mut self, pipes: Pipes, place: u32) -> Result<Option<Pipes>> {
        let pipe = self.pipes.items[place as usize].key;
        match pipes {
            Pipes::One(other) if other == place => Ok(None),
            Pipes::One(other) => {
                let other = self.pipes.items[other as usize].key;
                let mut set = Vec::new();
                set.try_reserve(2).map_err(|_| Errno::ENOMEM)?;
                set.extend([pipe.min(other), pipe.max(other)]);
                Ok(Some(Pipes::Several(self.sets.insert(set))))
            }
            Pipes::Several(place) => {
                let set = &mut self.sets.items[place as usize];
                let Err(at) = set.binary_search(&pipe) else {
                    return Ok(None);
                };
                set.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                set.insert(at, pipe);
                Ok(Some(pipes))
            }
        }
    }

    /// Takes a pipe out of a node's set. [`Removal::Gone`] leaves a topic that
    /// the caller removes from the trie.
    fn remove_from(&mut self, node: u32, pipe: K) -> Removal {
        match self.trie.value(node) {
            0 => Removal::NotFound,
            value => match Pipes::from_value(value) {
                Pipes::One(place) if self.pipes.items[place as usize].key == pipe => Removal::Gone,
                Pipes::One(_) => Removal::NotFound,
                Pipes::Several(place) => {
                    let set = &mut self.sets.items[place as usize];
                    let Ok(at) = set.binary_search(&pipe) else {
                        return Removal::NotFound;
                    };
                    set.remove(at);
                    if let [last] = set[..]
                        && let Some(&last) = self.places.get(&last)
                    {
                        self.sets.items[place as usize] = Vec::new();
                        self.sets.give_back(place);
                        self.trie.set_value(node, Pipes::One(last).value());
                    }
                    Removal::StillWanted
                }
            },
        }
    }

    /// Drops the removed topics from a pipe's list.
    fn sweep(&mut self, place: u32) {
        let wanted = &mut self.pipes.items[place as usize];
        let (pipe, live) = (wanted.key, wanted.live);
        let mut nodes = mem::take(&mut wanted.nodes);
        nodes.sort_unstable();
        nodes.dedup();
        nodes.retain(|node| match self.trie.value(*node) {
            0 => false,
            value => match Pipes::from_value(value) {
                Pipes::One(one) => one == place,
                Pipes::Several(set) => self.sets.items[set as usize].binary_search(&pipe).is_ok(),
            },
        });
        debug_assert_eq!(nodes.len(), live);
        nodes.shrink_to(2 * live);
        self.pipes.items[place as usize].nodes = nodes;
    }

    /// Drops a pipe without topics; with the last one, all memory.
    fn forget(&mut self, pipe: K, place: u32) {
        self.places.remove(&pipe);
        if self.places.is_empty() {
            *self = Topics::new();
        } else {
            self.pipes.items[place as usize].nodes = Vec::new();
            self.pipes.give_back(place);
        }
    }
}

impl<K: Copy + Ord + Hash> Default for Topics<K> {
    fn default() -> Topics<K> {
        Topics::new()
    }
}

impl Pipes {
    /// Marks the value of a set; a pipe's is its place plus 1.
    const SEVERAL: u32 = 1 << 31;

    #[inline]
    fn from_value(value: u32) -> Pipes {
        if value & Pipes::SEVERAL != 0 {
            Pipes::Several(value & !Pipes::SEVERAL)
        } else {
            Pipes::One(value - 1)
        }
    }

    fn value(self) -> u32 {
        match self {
            Pipes::One(place) => place + 1,
            Pipes::Several(place) => place | Pipes::SEVERAL,
        }
    }
}

/// Items with numbers that are used again.
#[derive(Debug)]
struct Slab<T> {
    items: Vec<T>,
    /// The places given back; it always has room for all of them.
    free: Vec<u32>,
}

impl<T> Slab<T> {
    fn new() -> Slab<T> {
        Slab { items: Vec::new(), free: Vec::new() }
    }

    /// Makes room for one more item.
    fn reserve(&mut self) -> Result<()> {
        let missing = self.items.len() + 1 - self.free.len();
        if self.items.len() >= Pipes::SEVERAL as usize - 1 {
            return Err(Errno::ENOMEM);
        }
        self.items
            .try_reserve(1)
            .and_then(|()| self.free.try_reserve(missing))
            .map_err(|_| Errno::ENOMEM)
    }

    fn insert(&mut self, item: T) -> u32 {
        if let Some(place) = self.free.pop() {
            self.items[place as usize] = item;
            return place;
        }
        self.items.push(item);
        (self.items.len() - 1) as u32
    }

    /// Frees a place; its item stays until the place is used again.
    fn give_back(&mut self, place: u32) {
        self.free.push(place);
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
                        topics.remove_pipe(pipe, |topic, removal| match removal {
                            Removal::Gone => assert!(gone.insert(topic.to_vec())),
                            removal => assert_eq!(removal, Removal::StillWanted),
                        });
                        model.retain(|topic, pipes| {
                            let last = pipes.remove(&pipe) && pipes.is_empty();
                            assert_eq!(last, gone.contains(topic));
                            !last
                        });
                    }
                    1..20 => {
                        let pipes = model.entry(topic.clone()).or_default();
                        let addition = match pipes.len() {
                            0 => Addition::First,
                            _ if pipes.contains(&pipe) => Addition::Known,
                            _ => Addition::Joined,
                        };
                        assert_eq!(topics.add(&topic, pipe), Ok(addition));
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
                topics.remove_pipe(pipe, |_, _| {});
            }
            assert!(topics.is_empty());
            assert!(topics.sets.items.is_empty() && topics.pipes.items.is_empty());
        }
    }

    #[test]
    fn a_flapping_topic_does_not_pile_up() {
        let mut topics = Topics::new();
        topics.add(b"kept", 1).unwrap();
        for _ in 0..10_000 {
            assert_eq!(topics.add(b"kept too", 1), Ok(Addition::First));
            assert_eq!(topics.remove(b"kept too", 1), Removal::Gone);
        }
        assert!(topics.pipes.items[0].nodes.len() <= 3 + SWEEP_AT);
        let mut gone = Vec::new();
        topics.remove_pipe(1, |topic, _| gone.push(topic.to_vec()));
        assert_eq!(gone, [b"kept".to_vec()]);
    }

    #[test]
    fn ten_thousand_pipes_share_a_topic_and_leave() {
        let mut topics = Topics::new();
        for pipe in 0..10_000_u32 {
            assert_eq!(topics.add(b"", pipe).map(|a| a == Addition::First), Ok(pipe == 0));
            assert_eq!(topics.add(b"", pipe), Ok(Addition::Known));
        }
        let mut count = 0;
        topics.matching(b"anything", |_| count += 1);
        assert_eq!(count, 10_000);
        for pipe in 0..10_000 {
            let mut gone = 0;
            topics.remove_pipe(pipe, |_, removal| gone += u32::from(removal == Removal::Gone));
            assert_eq!(gone, u32::from(pipe == 9999));
        }
    }

    #[test]
    fn a_million_topics_are_found_and_forgotten() {
        let mut topics = Topics::new();
        let mut random = Random::new(7);
        let names: Vec<String> =
            (0..1_000_000).map(|i| format!("{}/{i}", random.below(1_000_000))).collect();
        for (i, name) in names.iter().enumerate() {
            assert_eq!(topics.add(name.as_bytes(), i as u32 % 100), Ok(Addition::First));
        }
        assert_eq!(topics.len(), names.len());
        for (i, name) in names.iter().enumerate() {
            let mut found = false;
            topics.matching(name.as_bytes(), |pipe| found |= pipe == i as u32 % 100);
            assert!(found);
        }
        let mut gone = 0;
        for pipe in 0..100 {
            topics.remove_pipe(pipe, |_, removal| gone += u32::from(removal == Removal::Gone));
        }
        assert_eq!(gone as usize, names.len());
    }
}
