//! What peers had sent whose routing id was taken over: it is received before what
//! the new holder sends.

use std::collections::VecDeque;

use crate::error::Result;
use crate::message::Message;
use crate::pipe::{Key, PipeSet};

/// Frames for which there is room, and to the end of a message: peers could take
/// over from each other without end.
const MAX_FRAMES: usize = 10_000;

/// Whole messages, each behind the id of who sent it.
#[derive(Default)]
pub(super) struct Inheritance(VecDeque<Message>);

impl Inheritance {
    /// Takes over what there is to read from a peer, of this id.
    pub(super) fn take(&mut self, pipes: &mut PipeSet, key: Key, id: &[u8]) {
        // Whoever receives it may ask.
        pipes.with_metadata = true;
        let mut begins = true;
        let mut frame = Message::new();
        while (!begins || self.0.len() < MAX_FRAMES) && pipes.pop(key, &mut frame) {
            let frame = std::mem::take(&mut frame);
            if begins {
                let Ok(first) = envelope(id, &frame) else { break };
                self.0.push_back(first);
            }
            begins = !frame.more();
            self.0.push_back(frame);
        }
    }

    /// Adds a message of this id and an empty frame.
    #[cfg(feature = "draft")]
    pub(super) fn add_notice(&mut self, id: &[u8]) {
        if self.0.len() < MAX_FRAMES
            && let Ok(first) = envelope(id, &Message::new())
        {
            self.0.extend([first, Message::new()]);
        }
    }

    /// The next frame.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Message> {
        self.0.pop_front()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The frame that says who has sent the message with this one.
pub(super) fn envelope(id: &[u8], frame: &Message) -> Result<Message> {
    let mut first = Message::copy_of(id)?;
    first.set_more(true);
    first.set_metadata(frame.metadata().cloned());
    Ok(first)
}
