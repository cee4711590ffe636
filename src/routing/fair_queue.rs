//! Fair queueing (RFC 28, RFC 30): receives from all pipes in turn, a whole
//! message from each.

use std::collections::VecDeque;

use super::KeyList;
use crate::message::Message;
use crate::pipe::{Key, PipeSet};

/// The pipes that may have something to read.
#[derive(Default)]
pub(crate) struct FairQueue {
    ready: KeyList,
    /// The pipe whose message is being read.
    reading: Option<Key>,
    /// The rest of a message that was being read when its pipe went.
    rest: VecDeque<Message>,
}

impl FairQueue {
    /// The pipe has something to read.
    pub(crate) fn readable(&mut self, key: Key) {
        self.ready.add(key);
    }

    /// The pipe is about to go. A message that is being read is read on.
    pub(crate) fn remove(&mut self, pipes: &mut PipeSet, key: Key) {
        self.keep_rest(pipes, key);
        self.ready.remove(key);
    }

    /// Takes the rest of a message that is being read out of its pipe.
    pub(crate) fn keep_rest(&mut self, pipes: &mut PipeSet, key: Key) {
        if self.reading == Some(key) && self.rest.is_empty() {
            // A message becomes visible whole: its rest is there.
            let mut frame = Message::new();
            while pipes.pop(key, &mut frame) {
                let more = frame.more();
                self.rest.push_back(std::mem::take(&mut frame));
                if !more {
                    break;
                }
            }
        }
    }

    /// Whether some frames of a message were received, and not its last.
    pub(crate) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Takes the next frame into `message` and says which pipe it came from. `None`:
    /// there is none, and `message` is empty.
    #[inline(always)]
    pub(crate) fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Option<Key> {
        if let Some(key) = self.reading {
            return self.read_on(pipes, message, key);
        }
        while let Some(key) = self.ready.current() {
            if pipes.pop(key, message) {
                if message.more() {
                    self.reading = Some(key);
                } else {
                    self.ready.advance();
                }
                return Some(key);
            }
            self.ready.remove(key);
        }
        message.clear();
        None
    }

    /// Whether some frames of a message were taken, and not its last.
    pub(crate) fn is_within(&self) -> bool {
        self.reading.is_some()
    }

    /// The pipe that all comes from while no other one has anything to read.
    pub(crate) fn sole(&self) -> Option<Key> {
        if self.is_reading() { None } else { self.ready.sole() }
    }

    /// Whether [`FairQueue::recv`] has a frame to give.
    pub(crate) fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        if self.is_within() {
            return true;
        }
        while let Some(key) = self.ready.current() {
            if pipes.can_read(key) {
                return true;
            }
            self.ready.remove(key);
        }
        false
    }

    fn read_on(&mut self, pipes: &mut PipeSet, message: &mut Message, key: Key) -> Option<Key> {
        match self.rest.pop_front() {
            Some(frame) => *message = frame,
            None if pipes.pop(key, message) => {}
            None => {
                self.reading = None;
                return None;
            }
        }
        if !message.more() {
            self.reading = None;
            if self.ready.current() == Some(key) {
                self.ready.advance();
            }
        }
        Some(key)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::pipe::pipe;

    #[test]
    fn a_pipe_is_the_only_source_while_no_other_has_anything_and_no_message_is_cut() {
        let (mut one, mut two) = (pipe([0, 0], false), pipe([0, 0], false));
        let mut pipes = PipeSet::default();
        let mut queue = FairQueue::default();
        let keys = [pipes.insert(one.1), pipes.insert(two.1)];
        keys.iter().for_each(|key| queue.readable(*key));
        let frame = |more| {
            let mut frame = Message::new();
            frame.set_more(more);
            frame
        };
        one.0.push(&mut frame(true));
        one.0.push(&mut frame(false));
        one.0.flush();
        two.0.push(&mut frame(false));
        two.0.flush();
        let mut next = || {
            let from = queue.recv(&mut pipes, &mut Message::new());
            (from, queue.sole())
        };
        assert_eq!(next(), (Some(keys[0]), None));
        assert_eq!(next(), (Some(keys[0]), None));
        assert_eq!(next(), (Some(keys[1]), None));
        assert_eq!(next(), (None, None));
        two.0.push(&mut frame(false));
        two.0.flush();
        queue.readable(keys[1]);
        assert_eq!(queue.sole(), Some(keys[1]));
    }
}
