//! SERVER (RFC 41) and PEER (RFC 51): each peer has a number, which received
//! messages bear and which says where a message goes that is sent. A peer cannot
//! choose its own. They differ in whom they talk to, and in that a PEER is told
//! the number of a peer when it connects (`zmq_connect_peer`), so that it may
//! speak first.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher, Hasher};

use super::Pattern;
use super::singles::{Singles, check_single};
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::pipe::{Key, PipeSet};
use crate::routing::FairQueue;

/// See the file's head.
pub(super) struct Server {
    queue: FairQueue,
    input: Singles,
    numbers: Numbers,
}

/// The peers' numbers, none of which is 0.
struct Numbers {
    keys: HashMap<u32, Key>,
    /// The number of the peer with each key; 0: there is none.
    numbers: Vec<u32>,
    next: u32,
}

impl Default for Server {
    fn default() -> Server {
        let numbers = Numbers {
            keys: HashMap::new(),
            numbers: Vec::new(),
            // Starts anywhere, so that numbers of a former run mean nobody.
            next: RandomState::new().build_hasher().finish() as u32,
        };
        Server { queue: FairQueue::default(), input: Singles::default(), numbers }
    }
}

impl Numbers {
    /// Gives a new peer a number that no other has.
    fn learn(&mut self, key: Key) {
        let number = loop {
            self.next = self.next.wrapping_add(1);
            if self.next != 0
                && let Entry::Vacant(free) = self.keys.entry(self.next)
            {
                free.insert(key);
                break self.next;
            }
        };
        let index = key.0 as usize;
        if index >= self.numbers.len() {
            self.numbers.resize(index + 1, 0);
        }
        self.numbers[index] = number;
    }

    fn forget(&mut self, key: Key) {
        if let Some(number) = self.numbers.get_mut(key.0 as usize) {
            self.keys.remove(&std::mem::take(number));
        }
    }

    fn of(&self, key: Key) -> u32 {
        self.numbers.get(key.0 as usize).copied().unwrap_or(0)
    }
}

/// Takes the next frame, which bears the number of its peer.
fn next(
    queue: &mut FairQueue,
    numbers: &Numbers,
    pipes: &mut PipeSet,
    frame: &mut Message,
) -> Result<()> {
    let key = queue.recv(pipes, frame).ok_or(Errno::EAGAIN)?;
    frame.set_routing_id(numbers.of(key));
    Ok(())
}

impl Pattern for Server {
    fn attach(&mut self, _: &mut PipeSet, key: Key, _: bool) -> bool {
        self.numbers.learn(key);
        self.queue.readable(key);
        true
    }

    fn readable(&mut self, _: &mut PipeSet, key: Key) {
        self.queue.readable(key);
    }

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.queue.remove(pipes, key);
        self.numbers.forget(key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        check_single(message)?;
        let key = self.numbers.keys.get(&message.routing_id()).ok_or(Errno::EHOSTUNREACH)?;
        if !pipes.can_write(*key) {
            let gone = pipes.pipe(*key).is_none_or(|pipe| pipe.peer_closed());
            return Err(if gone { Errno::EHOSTUNREACH } else { Errno::EAGAIN });
        }
        // The number means nothing to the peer.
        message.set_routing_id(0);
        pipes.push(*key, message);
        Ok(())
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        let (queue, numbers) = (&mut self.queue, &self.numbers);
        self.input.recv(message, |frame| next(queue, numbers, pipes, frame))
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        let (queue, numbers) = (&mut self.queue, &self.numbers);
        self.input.has_input(|frame| next(queue, numbers, pipes, frame))
    }

    fn has_output(&mut self, _: &mut PipeSet) -> bool {
        // As in libzmq: which peer is meant is not known yet.
        true
    }

    #[cfg(feature = "draft")]
    fn last_number(&self) -> Option<u32> {
        self.numbers.keys.contains_key(&self.numbers.next).then_some(self.numbers.next)
    }

    #[cfg(feature = "draft")]
    fn numbered(&self, number: u32) -> Result<Key> {
        self.numbers.keys.get(&number).copied().ok_or(Errno::EHOSTUNREACH)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_never_zero_and_never_given_twice() {
        let mut numbers = Server::default().numbers;
        numbers.next = u32::MAX - 1;
        numbers.learn(Key(0));
        numbers.learn(Key(3));
        assert_eq!((numbers.of(Key(0)), numbers.of(Key(3))), (u32::MAX, 1));
        numbers.next = u32::MAX - 1;
        numbers.learn(Key(1));
        assert_eq!((numbers.of(Key(1)), numbers.of(Key(2))), (2, 0));
        numbers.forget(Key(0));
        assert_eq!(numbers.of(Key(0)), 0);
        assert_eq!(numbers.keys.len(), 2);
    }
}
