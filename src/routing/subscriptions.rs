//! What a SUB or XSUB socket has subscribed to (RFC 29): a topic counts as often
//! as it was subscribed, and only its first and last subscription go upstream.

use super::Removal;
use super::trie::Trie;
use crate::error::Result;

/// A counted set of topics.
#[derive(Debug, Default)]
pub struct Subscriptions {
    /// The number of subscriptions of each topic.
    topics: Trie,
}

impl Subscriptions {
    /// No subscriptions: nothing matches.
    pub fn new() -> Subscriptions {
        Subscriptions::default()
    }

    /// Subscribes to a topic once more; true when it is new and must be sent
    /// upstream. `ENOMEM` changes nothing.
    pub fn add(&mut self, topic: &[u8]) -> Result<bool> {
        let node = self.topics.insert(topic)?;
        let count = self.topics.value(node);
        self.topics.set_value(node, count.saturating_add(1));
        Ok(count == 0)
    }

    /// Takes one subscription back; it must be cancelled upstream when it is
    /// [`Removal::Gone`].
    pub fn remove(&mut self, topic: &[u8]) -> Removal {
        let Some(node) = self.topics.find(topic) else {
            return Removal::NotFound;
        };
        match self.topics.value(node) {
            1 => {
                self.topics.remove(node);
                Removal::Gone
            }
            count => {
                self.topics.set_value(node, count - 1);
                Removal::StillWanted
            }
        }
    }

    /// Whether `body` starts with any of the topics.
    #[inline]
    pub fn matches(&self, body: &[u8]) -> bool {
        let mut found = false;
        self.topics.prefixes(body, |_| {
            found = true;
            false
        });
        found
    }

    /// Whether this very topic is among them.
    pub fn contains(&self, topic: &[u8]) -> bool {
        self.topics.find(topic).is_some()
    }

    /// Calls `visit` once with each topic, in the order of their bytes.
    /// `ENOMEM` when there is no memory to put the next one together.
    pub fn for_each(&self, visit: impl FnMut(&[u8])) -> Result<()> {
        self.topics.for_each(visit)
    }

    /// The number of different topics.
    pub fn len(&self) -> usize {
        self.topics.len()
    }

    /// Whether nothing is subscribed to.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::routing::test::{Random, random_topic};

    #[test]
    fn random_operations_agree_with_a_plain_map() {
        for seed in 0..40 {
            let mut random = Random::new(seed);
            let mut subscriptions = Subscriptions::new();
            let mut model: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
            for _ in 0..3000 {
                let topic = random_topic(&mut random);
                // Phases of growth and of decline, down to nothing.
                if random.below(100) < 30 + 40 * (seed as usize % 2) {
                    let count = model.entry(topic.clone()).or_default();
                    *count += 1;
                    assert_eq!(subscriptions.add(&topic), Ok(*count == 1));
                } else {
                    let removal = match model.get_mut(&topic) {
                        None => Removal::NotFound,
                        Some(1) => {
                            model.remove(&topic);
                            Removal::Gone
                        }
                        Some(count) => {
                            *count -= 1;
                            Removal::StillWanted
                        }
                    };
                    assert_eq!(subscriptions.remove(&topic), removal);
                }
                assert_eq!(subscriptions.len(), model.len());
                let body = random_topic(&mut random);
                let expected = model.keys().any(|topic| body.starts_with(topic));
                assert_eq!(subscriptions.matches(&body), expected);
            }
            let mut topics = Vec::new();
            subscriptions.for_each(|topic| topics.push(topic.to_vec())).unwrap();
            assert_eq!(topics, model.into_keys().collect::<Vec<_>>());
        }
    }

    #[test]
    fn nothing_matches_before_the_first_subscription() {
        let mut subscriptions = Subscriptions::new();
        assert!(!subscriptions.matches(b""));
        assert_eq!(subscriptions.add(b""), Ok(true));
        assert!(subscriptions.matches(b"") && subscriptions.matches(b"body"));
        assert_eq!(subscriptions.remove(b""), Removal::Gone);
        assert!(!subscriptions.matches(b"body") && subscriptions.is_empty());
    }

    #[test]
    fn every_first_byte_may_be_a_topic() {
        let mut subscriptions = Subscriptions::new();
        // An order in which neighbours come apart: 77 is odd.
        let bytes = || (0..=255_u8).map(|i| i.wrapping_mul(77));
        for (i, byte) in bytes().enumerate() {
            assert_eq!(subscriptions.add(&[byte]), Ok(true));
            let matched = (0..=255).filter(|b| subscriptions.matches(&[*b, 1])).count();
            assert_eq!(matched, i + 1);
        }
        assert_eq!(subscriptions.add(b"xyz"), Ok(true));
        assert_eq!(subscriptions.add(b"xyy"), Ok(true));
        assert_eq!(subscriptions.remove(b"xyz"), Removal::Gone);
        assert_eq!(subscriptions.remove(b"xyy"), Removal::Gone);
        for (i, byte) in bytes().enumerate() {
            assert_eq!(subscriptions.remove(&[byte]), Removal::Gone);
            let matched = (0..=255).filter(|b| subscriptions.matches(&[*b])).count();
            assert_eq!(matched, 255 - i);
        }
    }

    #[test]
    fn a_topic_of_two_megabytes_is_as_good_as_any() {
        let mut subscriptions = Subscriptions::new();
        let mut topic: Vec<u8> = (0..2_000_000_u64).map(|i| ((i * i) >> 7) as u8).collect();
        assert_eq!(subscriptions.add(&topic), Ok(true));
        assert!(subscriptions.matches(&topic));
        assert!(!subscriptions.matches(&topic[..topic.len() - 1]));
        // Short topics on its path cost no more for its length.
        for len in (0..1000).rev() {
            subscriptions.add(&topic[..len]).unwrap();
        }
        for _ in 0..100 {
            for len in 0..1000 {
                subscriptions.remove(&topic[..len]);
                subscriptions.add(&topic[..len]).unwrap();
            }
        }
        for len in (0..1000).step_by(2).chain((1..1000).step_by(2)) {
            assert_eq!(subscriptions.remove(&topic[..len]), Removal::Gone);
        }
        assert_eq!(subscriptions.len(), 1);
        subscriptions.for_each(|only| assert!(only == topic)).unwrap();
        topic.push(0);
        assert!(subscriptions.matches(&topic));
        assert_eq!(subscriptions.remove(&topic), Removal::NotFound);
        topic.pop();
        assert_eq!(subscriptions.remove(&topic), Removal::Gone);
    }

    #[test]
    fn a_ladder_of_nested_topics_is_climbed_without_recursion() {
        let mut subscriptions = Subscriptions::new();
        let topic = vec![b'a'; 3000];
        for len in 1..=topic.len() {
            assert_eq!(subscriptions.add(&topic[..len]), Ok(true));
        }
        let mut seen = 0;
        subscriptions
            .for_each(|topic| {
                seen += 1;
                assert_eq!(topic.len(), seen);
            })
            .unwrap();
        assert_eq!(seen, topic.len());
        for len in 1..=topic.len() {
            assert_eq!(subscriptions.remove(&topic[..len]), Removal::Gone);
        }
        assert!(subscriptions.is_empty());
    }
}
