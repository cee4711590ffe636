//! XSUB (RFC 29): receives what its publishers send, and sends them
//! subscriptions as messages: a byte 1 (subscribe) or 0 (cancel) and the
//! topic. Any other message goes to all publishers as it is.

use std::sync::Arc;

use super::Pattern;
use super::interest::Interest;
use crate::error::{Errno, Result};
use crate::message::Message;
use crate::pipe::{Key, PipeSet};
use crate::routing::{Distributor, FairQueue, KeyList};
use crate::session::Opening;

/// See the file's head.
#[derive(Default)]
pub(super) struct XSub {
    pub(super) interest: Arc<Interest>,
    input: FairQueue,
    /// A frame that was fetched to see whether there is one.
    held: Option<Message>,
    peers: KeyList,
    out: Distributor,
    /// The frames of a message are being sent.
    sending: bool,
}

impl XSub {
    /// Adds or ends a subscription.
    pub(super) fn change(&mut self, pipes: &mut PipeSet, topic: &[u8], add: bool) -> Result<()> {
        self.interest.change(pipes, self.peers.keys(), topic, add)?;
        // Shown, and maybe sent, only now that the subscriptions are unlocked.
        for key in self.peers.keys() {
            if let Some(pipe) = pipes.pipe(*key) {
                pipe.flush();
            }
        }
        Ok(())
    }

    /// Takes the next frame, whatever its topic.
    pub(super) fn recv_any(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        self.input.recv(pipes, message).map(drop).ok_or(Errno::EAGAIN)
    }

    /// Sends a user's message to all publishers that have room.
    fn send_up(&mut self, pipes: &mut PipeSet, message: &mut Message) {
        if !self.sending {
            self.out.begin();
            self.peers.keys().iter().for_each(|key| self.out.choose(*key));
            self.out.drop_full(pipes);
        }
        self.sending = message.more();
        self.out.send(pipes, std::mem::take(message));
    }
}

impl Pattern for XSub {
    fn attach(&mut self, pipes: &mut PipeSet, key: Key, connected: bool) -> bool {
        self.peers.add(key);
        self.input.readable(key);
        if let Some(pipe) = pipes.pipe(key).filter(|pipe| connected || pipe.leads_to_socket()) {
            if self.interest.tell_all(pipe).is_err() {
                return false;
            }
            pipe.flush();
        }
        true
    }

    fn readable(&mut self, _: &mut PipeSet, key: Key) {
        self.input.readable(key);
    }

    fn writable(&mut self, _: &mut PipeSet, _: Key) {}

    fn detach(&mut self, pipes: &mut PipeSet, key: Key) {
        self.peers.remove(key);
        self.input.remove(pipes, key);
        self.out.remove(key);
    }

    fn send(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        match message.data().split_first() {
            Some((first @ (0 | 1), topic)) => {
                let topic = topic.to_vec();
                self.change(pipes, &topic, *first == 1)?;
                // The last frame of a message ends it, whatever it says.
                self.sending &= message.more();
                drop(std::mem::take(message));
            }
            _ => self.send_up(pipes, message),
        }
        Ok(())
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        match self.held.take() {
            Some(held) => *message = held,
            None => self.recv_any(pipes, message)?,
        }
        Ok(())
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        if self.held.is_none() {
            let mut message = Message::new();
            if self.recv_any(pipes, &mut message).is_ok() {
                self.held = Some(message);
            }
        }
        self.held.is_some()
    }

    fn has_output(&mut self, _: &mut PipeSet) -> bool {
        true
    }

    fn opening(&self) -> Option<Arc<dyn Opening>> {
        Some(self.interest.clone())
    }
}
