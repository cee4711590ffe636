//! Load balancing (RFC 28, RFC 30): sends to all pipes that have room in turn,
//! a whole message to each.

use super::KeyList;
use crate::counters::Cause;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::pipe::{Key, PipeSet};

/// The pipes that may have room.
#[derive(Default)]
pub(crate) struct LoadBalancer {
    ready: KeyList,
    state: State,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The next frame begins a message.
    #[default]
    Between,
    /// The frames of a message go to this pipe.
    Within(Key),
    /// The pipe of the message under way is gone: its other frames go nowhere.
    Dropping,
}

impl LoadBalancer {
    /// The pipe has room, as far as is known.
    pub(crate) fn writable(&mut self, key: Key) {
        self.ready.add(key);
    }

    /// The pipe is gone.
    pub(crate) fn remove(&mut self, key: Key) {
        self.ready.remove(key);
        if self.state == State::Within(key) {
            self.state = State::Dropping;
        }
    }

    /// Sends a frame and says where to; `None`: it was part of a message whose
    /// pipe is gone. `EAGAIN` when no pipe has room; the message is left alone.
    #[inline(always)]
    pub(crate) fn send(
        &mut self,
        pipes: &mut PipeSet,
        message: &mut Message,
    ) -> Result<Option<Key>> {
        let more = message.more();
        let key = match self.state {
            State::Between => self.begin(pipes, message).ok_or(Errno::EAGAIN)?,
            State::Within(key) => {
                pipes.push(key, message);
                key
            }
            State::Dropping => {
                self.drop_frame(pipes, message);
                return Ok(None);
            }
        };
        if more {
            self.state = State::Within(key);
        } else {
            self.state = State::Between;
            if self.ready.current() == Some(key) {
                self.ready.advance();
            }
        }
        Ok(Some(key))
    }

    /// Drops a frame of a message whose pipe is gone.
    #[cold]
    #[inline(never)]
    fn drop_frame(&mut self, pipes: &mut PipeSet, message: &mut Message) {
        if !message.more() {
            self.state = State::Between;
            pipes.dropped(Cause::Cut, 1, None);
        }
        message.clear();
    }

    /// Sends the first frame to the next pipe with room; those without wait to
    /// be told.
    #[inline(always)]
    fn begin(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Option<Key> {
        while let Some(key) = self.ready.current() {
            if pipes.offer(key, message).is_some() {
                return Some(key);
            }
            self.ready.remove(key);
        }
        None
    }

    /// The pipe that all goes to while no other one has room.
    pub(crate) fn sole(&self) -> Option<Key> {
        if self.state == State::Between { self.ready.sole() } else { None }
    }

    /// Whether [`LoadBalancer::send`] would find a pipe.
    pub(crate) fn has_output(&mut self, pipes: &mut PipeSet) -> bool {
        if self.state != State::Between {
            return true;
        }
        while let Some(key) = self.ready.current() {
            if pipes.can_write(key) {
                return true;
            }
            self.ready.remove(key);
        }
        false
    }
}
