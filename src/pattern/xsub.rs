//! XSUB (RFC 29): receives what its publishers send, and sends them
//! subscriptions as messages: a byte 1 (subscribe) or 0 (cancel) and the
//! topic. Any other message goes to all publishers as it is.

use std::sync::Arc;

use super::Pattern;
use super::interest::Interest;
use super::requests::Requests;
use crate::error::{Errno, Result};
use crate::message::{Message, Role};
use crate::options::PatternOption;
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
    /// The frames of the message being sent.
    requests: Requests,
    /// Some of them are in the pipes of `out`.
    begun: bool,
    /// Every end of a subscription is sent, not only a topic's last
    /// (`ZMQ_XSUB_VERBOSE_UNSUBSCRIBE`).
    verbose_cancel: bool,
    /// `ZMQ_ONLY_FIRST_SUBSCRIBE`.
    only_first: bool,
}

impl XSub {
    /// Adds or ends a subscription (`ZMQ_SUBSCRIBE`, `ZMQ_UNSUBSCRIBE`).
    pub(super) fn change(&mut self, pipes: &mut PipeSet, topic: &[u8], add: bool) -> Result<()> {
        let role = if add { Role::Subscribe } else { Role::Cancel };
        let message = Message::copy_of(topic)?.with_role(role);
        self.change_alone(pipes, topic, add, &message)
    }

    /// A change told by a message of its own, which no water mark holds up.
    fn change_alone(
        &mut self,
        pipes: &mut PipeSet,
        topic: &[u8],
        add: bool,
        message: &Message,
    ) -> Result<()> {
        let peers = self.peers.keys();
        let told = self.interest.change(topic, add, self.verbose_cancel, |telling| {
            for key in peers {
                if let Some(pipe) = pipes.pipe(*key) {
                    telling.tell(pipe, message);
                }
            }
        })?;
        // Shown, and maybe sent, only now that the subscriptions are unlocked.
        if told {
            self.flush(pipes);
        }
        Ok(())
    }

    /// A change told by a frame of a user's message, among others. Peers that
    /// miss the message for want of room are told by a message of its own.
    fn change_amid(
        &mut self,
        pipes: &mut PipeSet,
        topic: &[u8],
        add: bool,
        frame: &Message,
    ) -> Result<()> {
        let mut alone = frame.share();
        alone.set_more(false);
        let (peers, out) = (self.peers.keys(), &self.out);
        let told = self.interest.change(topic, add, self.verbose_cancel, |telling| {
            for key in peers {
                let Some(pipe) = pipes.pipe(*key) else { continue };
                if out.is_chosen(*key) {
                    pipe.push(&mut frame.share());
                } else {
                    telling.tell(pipe, &alone);
                }
            }
        })?;
        if told {
            self.begun = frame.more();
            self.flush(pipes);
        } else if self.begun && !frame.more() {
            // Nobody is to know, but the message has to end.
            self.begun = false;
            self.out.send(pipes, Message::new());
        }
        Ok(())
    }

    fn flush(&self, pipes: &mut PipeSet) {
        for key in self.peers.keys() {
            if let Some(pipe) = pipes.pipe(*key) {
                pipe.flush();
            }
        }
    }

    /// Whether some frames of a message were taken, and not its last.
    pub(super) fn is_within(&self) -> bool {
        self.input.is_within()
    }

    /// Takes the next frame, whatever its topic.
    pub(super) fn recv_any(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        self.input.recv(pipes, message).map(drop).ok_or(Errno::EAGAIN)
    }

    /// Chooses the publishers that get the message which begins: all that have
    /// room.
    fn choose_targets(&mut self, pipes: &mut PipeSet) {
        self.out.begin();
        self.peers.keys().iter().for_each(|key| self.out.choose(*key));
        self.out.drop_full(pipes);
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
        let starts = self.requests.at_start();
        let mut requests = self.requests;
        let request = requests.note(message, self.only_first);
        let alone = starts && !message.more();
        if starts && !(alone && request.is_some()) {
            self.begun = false;
            self.choose_targets(pipes);
        }
        if let Some(add) = request {
            let frame = message.share().with_role(Role::Request);
            let topic = &frame.data()[1..];
            if alone {
                self.change_alone(pipes, topic, add, &frame)?;
            } else {
                self.change_amid(pipes, topic, add, &frame)?;
            }
            drop(std::mem::take(message));
        } else {
            self.begun = message.more();
            self.out.send(pipes, std::mem::take(message));
        }
        self.requests = requests;
        Ok(())
    }

    fn recv(&mut self, pipes: &mut PipeSet, message: &mut Message) -> Result<()> {
        match self.held.take() {
            Some(held) => *message = held,
            None => self.recv_any(pipes, message)?,
        }
        Ok(())
    }

    fn source(&self) -> Option<Key> {
        if self.held.is_some() { None } else { self.input.sole() }
    }

    fn has_input(&mut self, pipes: &mut PipeSet) -> bool {
        // Of a message that is being received the rest is there.
        if self.held.is_none() && !self.is_within() {
            let mut message = Message::new();
            if self.recv_any(pipes, &mut message).is_ok() {
                self.held = Some(message);
            }
        }
        self.held.is_some() || self.is_within()
    }

    fn has_output(&mut self, _: &mut PipeSet) -> bool {
        true
    }

    fn set(&mut self, option: PatternOption<'_>) -> Result<()> {
        match option {
            PatternOption::OnlyFirstSubscribe(on) => self.only_first = on,
            #[cfg(feature = "draft")]
            PatternOption::XSubVerboseCancel(on) => self.verbose_cancel = on,
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    #[cfg(feature = "draft")]
    fn topics_count(&self) -> Option<usize> {
        Some(self.interest.len())
    }

    fn opening(&self) -> Option<Arc<dyn Opening>> {
        Some(self.interest.clone())
    }
}
