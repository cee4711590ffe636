//! Subscriptions (SUB) and the topics of subscribers (PUB), against plain maps:
//! peers choose the topics, and how they share beginnings.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use ferrozmq_fuzz::Input;
use libfuzzer_sys::fuzz_target;
use zmq::routing::{Addition, Removal, Subscriptions, Topics};

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let mut tables = Tables::default();
    while !input.is_empty() {
        let what = input.byte();
        let topic = topic(&mut input);
        let pipe = what >> 5;
        match what % 8 {
            0..3 => tables.add(&topic, pipe),
            3..5 => tables.remove(&topic, pipe),
            5 => tables.leave(pipe),
            _ => tables.look_up(&topic),
        }
    }
    for pipe in 0..8 {
        tables.leave(pipe);
    }
    assert!(tables.topics.is_empty());
});

/// A short text, or a long one which begins as others do.
fn topic(input: &mut Input<'_>) -> Vec<u8> {
    let shape = input.byte();
    let end = input.take(usize::from(shape % 8));
    let start = [0, 0, 0, 0, 0, 7, 250, 600][usize::from(shape >> 5)];
    let len = start + usize::from(shape >> 3 & 3);
    [&b"abcd".repeat(len / 4 + 1)[..len * usize::from(start > 0)], end].concat()
}

#[derive(Default)]
struct Tables {
    subscriptions: Subscriptions,
    counts: BTreeMap<Vec<u8>, usize>,
    topics: Topics<u8>,
    pipes: BTreeMap<Vec<u8>, BTreeSet<u8>>,
}

impl Tables {
    fn add(&mut self, topic: &[u8], pipe: u8) {
        let count = self.counts.entry(topic.to_vec()).or_default();
        *count += 1;
        assert_eq!(self.subscriptions.add(topic), Ok(*count == 1));
        let pipes = self.pipes.entry(topic.to_vec()).or_default();
        let addition = match (pipes.is_empty(), pipes.insert(pipe)) {
            (true, _) => Addition::First,
            (_, true) => Addition::Joined,
            _ => Addition::Known,
        };
        assert_eq!(self.topics.add(topic, pipe), Ok(addition));
        self.check();
    }

    fn remove(&mut self, topic: &[u8], pipe: u8) {
        let count = self.counts.get(topic).copied().unwrap_or_default();
        let removal = match count {
            0 => Removal::NotFound,
            1 => Removal::Gone,
            _ => Removal::StillWanted,
        };
        match count {
            0 | 1 => drop(self.counts.remove(topic)),
            _ => drop(self.counts.insert(topic.to_vec(), count - 1)),
        }
        assert_eq!(self.subscriptions.remove(topic), removal);
        let removal = self.forget(topic, pipe);
        assert_eq!(self.topics.remove(topic, pipe), removal);
        self.check();
    }

    /// A pipe's interest in the model.
    fn forget(&mut self, topic: &[u8], pipe: u8) -> Removal {
        let Some(pipes) = self.pipes.get_mut(topic) else { return Removal::NotFound };
        if !pipes.remove(&pipe) {
            return Removal::NotFound;
        }
        if !pipes.is_empty() {
            return Removal::StillWanted;
        }
        self.pipes.remove(topic);
        Removal::Gone
    }

    /// A pipe is gone.
    fn leave(&mut self, pipe: u8) {
        let mut told = BTreeMap::new();
        self.topics.remove_pipe(pipe, |topic, removal| {
            assert!(told.insert(topic.to_vec(), removal).is_none());
        });
        let all: Vec<Vec<u8>> = self.pipes.keys().cloned().collect();
        for topic in all {
            match self.forget(&topic, pipe) {
                Removal::NotFound => assert!(!told.contains_key(&topic)),
                removal => assert_eq!(told.remove(&topic), Some(removal)),
            }
        }
        assert!(told.is_empty());
        self.check();
    }

    fn look_up(&mut self, body: &[u8]) {
        let matches = self.counts.keys().any(|topic| body.starts_with(topic));
        assert_eq!(self.subscriptions.matches(body), matches);
        let mut found = Vec::new();
        self.topics.matching(body, |pipe| found.push(pipe));
        let wanted = self.pipes.iter().filter(|(topic, _)| body.starts_with(topic));
        assert_eq!(found, wanted.flat_map(|(_, pipes)| pipes).copied().collect::<Vec<_>>());
        let mut topics = Vec::new();
        self.subscriptions.for_each(|topic| topics.push(topic.to_vec())).expect("memory");
        assert!(topics.iter().eq(self.counts.keys()));
    }

    fn check(&self) {
        assert_eq!(self.subscriptions.len(), self.counts.len());
        assert_eq!(self.topics.len(), self.pipes.len());
    }
}
