//! The pipes of one socket, by key. Patterns and routing speak of keys; the
//! socket's shell and this set own the pipes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{EndRef, Flushed, Pipe};
use crate::counters::{Cause, Drops};
use crate::message::Message;
use crate::trace::Name;

/// Names a pipe within its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(pub(crate) u32);

impl Pipe {
    /// Pushes a frame and flushes a whole message. Says whether the pipe is to
    /// be listed among the corked.
    #[inline(always)]
    fn send(&mut self, message: &mut Message) -> bool {
        let more = message.more();
        self.push(message);
        !more
            && self.flush() == Flushed::Corked
            && !std::mem::replace(&mut self.listed_corked, true)
    }
}

impl Passed {
    fn count(&mut self, pipe: &Pipe) {
        self.out += pipe.messages_out() as u64;
        self.input += pipe.messages_in() as u64;
    }
}

/// A socket's pipes.
#[derive(Default)]
pub(crate) struct PipeSet {
    slots: Vec<Option<Pipe>>,
    free: Vec<u32>,
    /// Pipes found closed by their peer and read to the end.
    finished: VecDeque<Key>,
    /// Pipes in which messages wait, or have waited, for company.
    corked: Vec<Key>,
    /// Popped messages carry what is known of their peer.
    pub(crate) with_metadata: bool,
    /// Messages that were dropped.
    pub(crate) drops: Drops,
    /// What pipes that are gone had counted.
    past: Passed,
    /// Subscriptions, and ends of some, among the messages taken.
    asides: u64,
}

/// Messages that have passed a socket's pipes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Passed {
    /// To their other ends.
    pub(crate) out: u64,
    /// From there.
    pub(crate) input: u64,
}

impl PipeSet {
    /// The pipes of the socket of this name.
    pub(crate) fn new(name: Name) -> PipeSet {
        PipeSet { drops: Drops::new(name), ..PipeSet::default() }
    }

    /// Takes a pipe in.
    pub(crate) fn insert(&mut self, pipe: Pipe) -> Key {
        let key = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        pipe.set_key(key);
        self.slots[key as usize] = Some(pipe);
        Key(key)
    }

    /// Gives a pipe up.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Pipe> {
        let pipe = self.slots.get_mut(key.0 as usize)?.take()?;
        if pipe.retired {
            // The key may soon name another pipe.
            self.finished.retain(|finished| *finished != key);
        }
        if pipe.listed_corked {
            self.corked.retain(|corked| *corked != key);
        }
        self.free.push(key.0);
        self.past.count(&pipe);
        Some(pipe)
    }

    /// Counts messages that were dropped, on the way to or from a peer.
    #[cold]
    #[inline(never)]
    pub(crate) fn dropped(&mut self, cause: Cause, messages: u64, key: Option<Key>) {
        let pipe = key.and_then(|key| self.slots.get(key.0 as usize)?.as_ref());
        let peer = pipe.and_then(|pipe| pipe.endpoint()).map(|endpoint| &**endpoint);
        self.drops.note(cause, messages, peer);
    }

    /// What was taken last was no message, but a subscription.
    pub(crate) fn count_aside(&mut self) {
        self.asides += 1;
    }

    /// Messages that have passed all pipes there are and were.
    pub(crate) fn passed(&self) -> Passed {
        let mut passed = self.past;
        self.slots.iter().flatten().for_each(|pipe| passed.count(pipe));
        passed.input = passed.input.saturating_sub(self.asides);
        passed
    }

    /// All pipes, to be changed.
    pub(crate) fn all(&mut self) -> impl Iterator<Item = &mut Pipe> {
        self.slots.iter_mut().flatten()
    }

    /// All pipes, to be looked at.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pipe> {
        self.slots.iter().flatten()
    }

    /// The endpoint that a pipe came about through.
    pub(crate) fn endpoint(&self, key: Key) -> Option<&Arc<str>> {
        self.slots.get(key.0 as usize)?.as_ref()?.endpoint()
    }

    /// The pipe with this key.
    #[inline(always)]
    pub(crate) fn pipe(&mut self, key: Key) -> Option<&mut Pipe> {
        self.slots.get_mut(key.0 as usize)?.as_mut()
    }

    /// The key of the pipe with this end; `None` when it is gone.
    pub(crate) fn key_of(&mut self, end: &EndRef) -> Option<Key> {
        let key = Key(end.key());
        self.pipe(key).is_some_and(|pipe| pipe.end().same(end)).then_some(key)
    }

    /// Sends what waits in corked pipes for company.
    pub(crate) fn push_out(&mut self) {
        for key in std::mem::take(&mut self.corked) {
            if let Some(pipe) = self.pipe(key) {
                pipe.listed_corked = false;
                pipe.push_out();
            }
        }
    }

    /// Ends what is written to a pipe: what was goes on its way, and the pipe
    /// stays until its other end is closed, too.
    pub(crate) fn shut(&mut self, key: Key) {
        let Some(pipe) = self.pipe(key) else { return };
        pipe.shut();
        if pipe.peer_closed() {
            // No further signal may tell.
            self.retire(key);
        }
    }

    /// Every key.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let live = self.slots.iter().enumerate().filter(|(_, pipe)| pipe.is_some());
        live.map(|(key, _)| Key(key as u32)).collect()
    }

    /// Whether the pipe takes a further message.
    #[inline(always)]
    pub(crate) fn can_write(&mut self, key: Key) -> bool {
        self.pipe(key).is_some_and(Pipe::can_write)
    }

    /// Pushes a frame, which is empty afterwards, and, at the end of its message,
    /// shows it to the reader.
    #[inline(always)]
    pub(crate) fn push(&mut self, key: Key, message: &mut Message) {
        if let Some(pipe) = self.pipe(key)
            && pipe.send(message)
        {
            self.corked.push(key);
        }
    }

    /// Pushes a message that every peer gets first, whoever it is.
    pub(crate) fn greet(&mut self, key: Key, message: &mut Message) {
        if let Some(pipe) = self.pipe(key) {
            pipe.greeted = true;
        }
        self.push(key, message);
    }

    /// As [`PipeSet::push`] for the first frame of a message, if the pipe has
    /// room for it. Says whether the pipe was listed among the corked.
    #[inline(always)]
    pub(crate) fn offer(&mut self, key: Key, message: &mut Message) -> Option<bool> {
        let pipe = self.pipe(key)?;
        if !pipe.can_write() {
            return None;
        }
        let corked = pipe.send(message);
        if corked {
            self.corked.push(key);
        }
        Some(corked)
    }

    /// Takes the next message into `message` if it is of one frame, as
    /// [`PipeSet::pop`] would. False: that is to be asked.
    #[inline(always)]
    pub(crate) fn pop_whole(&mut self, key: Key, message: &mut Message) -> bool {
        let with_metadata = self.with_metadata;
        self.pipe(key).is_some_and(|pipe| pipe.pop_whole(message, with_metadata))
    }

    /// Takes the next frame into `message`. A pipe with none goes idle, and is noted when its
    /// peer has closed it.
    #[inline(always)]
    pub(crate) fn pop(&mut self, key: Key, message: &mut Message) -> bool {
        let with_metadata = self.with_metadata;
        let Some(pipe) = self.pipe(key) else { return false };
        loop {
            if pipe.pop(message) {
                if with_metadata && let Some(metadata) = pipe.metadata() {
                    message.set_metadata(Some(metadata.clone()));
                }
                return true;
            }
            if pipe.go_idle() {
                break;
            }
        }
        self.note_if_finished(key);
        false
    }

    /// Whether there is a frame to take; otherwise the pipe goes idle as in
    /// [`PipeSet::pop`].
    #[inline]
    pub(crate) fn can_read(&mut self, key: Key) -> bool {
        let Some(pipe) = self.pipe(key) else {
            return false;
        };
        loop {
            if pipe.can_read() {
                return true;
            }
            if pipe.go_idle() {
                break;
            }
        }
        self.note_if_finished(key);
        false
    }

    /// Notes a pipe that its peer closed and that was read to the end.
    pub(crate) fn note_if_finished(&mut self, key: Key) {
        if self.pipe(key).is_some_and(Pipe::is_finished) {
            self.retire(key);
        }
    }

    /// Notes a pipe that is to be detached and closed.
    pub(crate) fn retire(&mut self, key: Key) {
        if let Some(pipe) = self.pipe(key)
            && !std::mem::replace(&mut pipe.retired, true)
        {
            self.finished.push_back(key);
        }
    }

    /// A pipe that is to be detached and closed.
    pub(crate) fn next_finished(&mut self) -> Option<Key> {
        let key = self.finished.pop_front()?;
        if let Some(pipe) = self.pipe(key) {
            pipe.retired = false;
        }
        Some(key)
    }

    /// Whether messages may wait for company.
    #[inline]
    pub(crate) fn has_corked(&self) -> bool {
        !self.corked.is_empty()
    }
}
