//! DISH (RFC 48): receives what RADIOs send to the groups it has joined, and
//! nothing else, whatever they send. On its way a message is two frames: the
//! group's name and the body (RFC 37, "The Radio-Dish Pattern"); the user
//! receives the body, which bears the group.
//!
//! It has an XSUB, whose subscriptions are the groups.

use std::sync::Arc;

use super::Pattern;
use super::singles::Singles;
use super::xsub::XSub;
use crate::error::{Errno, Result};
use crate::message::{Message, Metadata};
use crate::pipe::{Key, PipeSet};
use crate::session::Opening;

/// See the file's head.
#[derive(Default)]
pub(super) struct Dish {
    xsub: XSub,
    input: Singles,
    /// What the last message bore: the next one is likely to bear the same.
    last: Option<Arc<Metadata>>,
}

/// Takes the next message to a group that was joined.
fn next(
    xsub: &mut XSub,
    last: &mut Option<Arc<Metadata>>,
    pipes: &mut PipeSet,
    message: &mut Message,
) -> Result<()> {
    let mut group = Message::new();
    loop {
        xsub.recv_any(pipes, &mut group)?;
        if !group.more() {
            // Not from a RADIO.
            continue;
        }
        xsub.recv_any(pipes, message)?;
        if !message.more() && xsub.interest.contains(group.data()) {
            return bear(last, &group, message);
        }
        while message.more() {
            xsub.recv_any(pipes, message)?;
        }
    }
}

/// Makes the message bear its group, beside what is known of its peer.
fn bear(last: &mut Option<Arc<Metadata>>, group: &Message, message: &mut Message) -> Result<()> {
    let peer = message.metadata();
    let address = |metadata: Option<&Arc<Metadata>>| metadata.map(Arc::as_ptr);
    let same = last.as_ref().filter(|last| {
        last.group().is_some_and(|name| name.to_bytes() == group.data())
            && address(last.peer()) == address(peer)
    });
    let metadata = match same {
        Some(same) => same.clone(),
        None => Arc::new(Metadata::with_group(group.data(), peer.cloned())?),
    };
    *last = Some(metadata.clone());
    message.set_metadata(Some(metadata));
    Ok(())
}

impl Pattern for Dish {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, connected: bool) -> bool {
        self.xsub.attach(pipes, key, connected)
    }

    fn readable(&mut self, pipes: &mut PipeSet, key: Key) {
        self.xsub.readable(pipes, key);
    }

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.xsub.detach(pipes, key);
    }

    fn send(&mut self, _: &mut PipeSet, _: &mut Message) -> Result<()> {
        Err(Errno::ENOTSUP)
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        let (xsub, last) = (&mut self.xsub, &mut self.last);
        self.input.recv(message, |frame| next(xsub, last, pipes, frame))
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        let (xsub, last) = (&mut self.xsub, &mut self.last);
        self.input.has_input(|frame| next(xsub, last, pipes, frame))
    }

    fn has_output(&mut self, _: &mut PipeSet) -> bool {
        // As in libzmq, although nothing can be sent.
        true
    }

    #[cfg(feature = "draft")]
    fn join(&mut self, pipes: &mut PipeSet, group: &[u8], join: bool) -> Result<()> {
        let known = self.xsub.interest.contains(group);
        if group.len() > crate::message::MAX_GROUP || known == join {
            return Err(Errno::EINVAL);
        }
        self.xsub.change(pipes, group, join)
    }

    fn opening(&self) -> Option<Arc<dyn Opening>> {
        self.xsub.opening()
    }
}
