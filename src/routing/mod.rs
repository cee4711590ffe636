//! Who gets which message: one idea a file, without I/O and without knowledge
//! of what lies behind a pipe.

#![forbid(unsafe_code)]

mod arena;
mod distributor;
mod fair_queue;
mod key_list;
mod load_balancer;
mod subscriptions;
mod topics;
mod trie;

pub(crate) use distributor::Distributor;
pub(crate) use fair_queue::FairQueue;
pub(crate) use key_list::KeyList;
pub(crate) use load_balancer::LoadBalancer;
pub use subscriptions::Subscriptions;
pub use topics::Topics;

/// What adding a subscription has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addition {
    /// The topic is new.
    First,
    /// The topic had other subscriptions.
    Joined,
    /// The same subscription was there.
    Known,
}

/// What taking a subscription back has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// There was no such subscription.
    NotFound,
    /// The topic has other subscriptions.
    StillWanted,
    /// That was the topic's last subscription.
    Gone,
}

#[cfg(test)]
mod test {
    //! Random topics that share prefixes.

    /// A linear congruential generator: the same numbers in every run.
    pub(super) struct Random(u64);

    impl Random {
        pub(super) fn new(seed: u64) -> Random {
            Random(seed)
        }

        pub(super) fn below(&mut self, limit: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % limit
        }
    }

    /// Mostly short topics of few letters, sometimes long or of any byte.
    pub(super) fn random_topic(random: &mut Random) -> Vec<u8> {
        let letters = [1, 2, 3, 12, 256][random.below(5)];
        let len = match random.below(10) {
            0 => 250 * random.below(5) + random.below(20),
            1 => random.below(40),
            _ => random.below(4),
        };
        let mut topic = vec![0; len];
        // Long topics share their start, or none would ever meet another.
        let same = if len > 20 { len - random.below(20) } else { 0 };
        for byte in &mut topic[same..] {
            *byte = random.below(letters) as u8;
        }
        topic
    }
}
