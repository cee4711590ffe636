//! One write to the kernel: many small frames copied together, large bodies
//! only referred to, and the account of which frames of the pipe are in it.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;

use super::protocol::Protocol;
use crate::message::{MAX_INLINE, Message, Role};
use crate::pipe::{Pipe, is_batch};
use crate::transport::Stream;
use crate::zmtp::{self, ProtocolError};

/// Bodies from this size on are not copied but referred to.
const REFER_BYTES: usize = 8 * 1024;
/// Bodies referred to in one write, and their bytes together.
const REFER_COUNT: usize = 32;
const REFER_TOTAL: usize = 1024 * 1024;

/// A body in its message, which the pipe keeps until the batch is written.
struct Body {
    /// Its place in the batch's own bytes.
    at: usize,
    data: *const u8,
    len: usize,
}

/// What is being written, and what of the pipe is in it.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    bodies: Vec<Body>,
    /// Bytes in the batch, bodies included, and those the kernel took.
    total: usize,
    sent: usize,
    /// Bytes that the kernel took and nobody has counted.
    newly_sent: usize,
    /// Bytes at the beginning that are no frames of the pipe.
    control: usize,
    /// Frames peeked at and not taken, their bytes, and the bytes of them that
    /// went with earlier batches.
    frames: usize,
    frame_bytes: usize,
    handed: usize,
    /// The same up to the last whole message.
    whole_frames: usize,
    whole_bytes: usize,
    /// Frames, from the first one not taken, whose subscriptions are obsolete.
    stale: usize,
    /// What each frame not taken came to on the wire, where the mechanism
    /// encodes them and only it can tell.
    sealed: VecDeque<usize>,
}

// SAFETY: the pointers lead to bodies of messages that wait in the session's
// own end of the pipe; batch and pipe move together.
unsafe impl Send for Batch {}

/// How a write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The whole batch.
    All,
    /// The kernel takes no more for now.
    Blocked,
}

impl Batch {
    /// Whether nothing waits to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.sent == self.total
    }

    /// The first `frames` frames not taken hold obsolete subscriptions.
    pub(super) fn skip_subscriptions(&mut self, frames: usize) {
        self.stale = frames;
    }

    /// Adds messages that are not in the pipe, before any that are.
    pub(super) fn add_control(
        &mut self,
        protocol: &mut Protocol,
        messages: &[Message],
    ) -> Result<(), ProtocolError> {
        debug_assert!(self.frame_bytes == self.handed);
        protocol.take_output(&mut self.bytes);
        for message in messages {
            protocol.encode(message, &mut self.bytes)?;
        }
        self.total = self.bytes.len();
        self.control = self.total;
        Ok(())
    }

    /// Fills an empty batch: control bytes first, then frames of the pipe,
    /// which is only peeked at.
    pub(super) fn fill(
        &mut self,
        protocol: &mut Protocol,
        pipe: Option<&mut Pipe>,
    ) -> Result<(), ProtocolError> {
        debug_assert!(self.is_empty());
        self.bytes.clear();
        self.bodies.clear();
        protocol.take_output(&mut self.bytes);
        self.control = self.bytes.len();
        self.sent = 0;
        let mut referred = 0;
        if let (Some(pipe), true) = (pipe, protocol.is_ready()) {
            referred = match protocol {
                Protocol::Zmtp(zmtp) if zmtp.is_sealed() => {
                    self.gather_sealed(pipe, zmtp)?;
                    0
                }
                Protocol::Zmtp(zmtp) if zmtp.frames_as_v1() => {
                    let encode = |message: &_, out: &mut _| {
                        zmtp.encode_header_as::<true>(message, out);
                    };
                    self.gather::<false>(pipe, encode)
                }
                Protocol::Zmtp(zmtp) => {
                    let encode = |message: &_, out: &mut _| {
                        zmtp.encode_header_as::<false>(message, out);
                    };
                    self.gather::<true>(pipe, encode)
                }
                Protocol::Raw(_) => self.gather::<false>(pipe, |_, _| ()),
            };
        }
        self.total = self.bytes.len() + referred;
        Ok(())
    }

    /// Adds frames of the pipe as the mechanism encodes them.
    fn gather_sealed(
        &mut self,
        pipe: &mut Pipe,
        zmtp: &mut zmtp::Connection,
    ) -> Result<(), ProtocolError> {
        while !is_batch(self.bytes.len(), self.frames)
            && let Some(message) = pipe.peek()
        {
            let before = self.bytes.len();
            if !self.is_obsolete(message) {
                zmtp.encode(message, &mut self.bytes)?;
            }
            let bytes = self.bytes.len() - before;
            self.sealed.push_back(bytes);
            self.count(message, bytes);
        }
        Ok(())
    }

    /// Adds frames of the pipe; `encode` appends what precedes a body. `SHORT`:
    /// which is [`zmtp::short_header`], where the body is short. Returns the bytes
    /// that are only referred to.
    #[inline]
    fn gather<const SHORT: bool>(
        &mut self,
        pipe: &mut Pipe,
        encode: impl Fn(&Message, &mut Vec<u8>),
    ) -> usize {
        let mut referred = 0;
        while !is_batch(self.bytes.len(), self.frames)
            && self.bodies.len() < REFER_COUNT
            && referred < REFER_TOTAL
        {
            let Some(message) = pipe.peek() else { break };
            referred += self.add::<SHORT>(message, &encode);
        }
        referred
    }

    /// Adds a frame. Returns the bytes that are only referred to.
    #[inline]
    fn add<const SHORT: bool>(
        &mut self,
        message: &Message,
        encode: &impl Fn(&Message, &mut Vec<u8>),
    ) -> usize {
        if SHORT && let Some((body, len)) = message.inline_data() {
            let bytes = self.add_small(zmtp::short_header(message.more(), len as u8), body, len);
            self.count(message, bytes);
            return 0;
        }
        let before = self.bytes.len();
        let mut referred = 0;
        if !self.is_obsolete(message) {
            encode(message, &mut self.bytes);
            let body = message.data();
            if body.len() < REFER_BYTES {
                self.bytes.extend_from_slice(body);
            } else {
                let at = self.bytes.len();
                self.bodies.push(Body { at, data: body.as_ptr(), len: body.len() });
                referred = body.len();
            }
        }
        self.count(message, self.bytes.len() - before + referred);
        referred
    }

    /// Adds a frame of data whose body lies in its message: two copies of known
    /// size. Returns its bytes.
    #[inline(always)]
    fn add_small(
        &mut self,
        header: [u8; 2],
        body: &[MaybeUninit<u8>; MAX_INLINE],
        len: usize,
    ) -> usize {
        self.bytes.reserve(header.len() + MAX_INLINE);
        let begin = self.bytes.len();
        // SAFETY: there is room for the header and the longest body, of which
        // the first `len` bytes were written and count.
        unsafe {
            let end = self.bytes.as_mut_ptr().add(begin);
            end.cast::<[u8; 2]>().write(header);
            end.add(header.len()).cast::<[MaybeUninit<u8>; MAX_INLINE]>().write(*body);
            self.bytes.set_len(begin + header.len() + len);
        }
        header.len() + len
    }

    /// Whether the next frame is a subscription that goes without saying.
    #[inline]
    fn is_obsolete(&self, message: &Message) -> bool {
        self.frames < self.stale && stands_alone(message, self.frames == self.whole_frames)
    }

    /// A frame came to this many bytes.
    #[inline]
    fn count(&mut self, message: &Message, bytes: usize) {
        self.frames += 1;
        self.frame_bytes += bytes;
        if !message.more() {
            self.whole_frames = self.frames;
            self.whole_bytes = self.frame_bytes;
        }
    }

    /// Writes what the kernel takes. When that was all, the whole messages
    /// are taken out of the pipe.
    pub(super) fn write(
        &mut self,
        stream: &Stream,
        pipe: Option<&mut Pipe>,
    ) -> io::Result<Written> {
        while self.sent < self.total {
            match self.write_some(stream) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => {
                    self.sent += bytes;
                    self.newly_sent += bytes;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Written::Blocked);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.sent = 0;
        self.total = 0;
        self.control = 0;
        self.handed = self.frame_bytes;
        if let Some(pipe) = pipe {
            self.take_whole(pipe);
        }
        Ok(Written::All)
    }

    /// The bytes that the kernel took since the last time.
    pub(super) fn take_sent(&mut self) -> usize {
        std::mem::take(&mut self.newly_sent)
    }

    fn write_some(&self, stream: &Stream) -> io::Result<usize> {
        if self.bodies.is_empty() {
            return stream.send_vectored(&[IoSlice::new(&self.bytes[self.sent..])]);
        }
        let mut parts = Vec::with_capacity(2 * self.bodies.len() + 1);
        let mut skip = self.sent;
        let early = self.sent == 0 && self.total >= LARGE_BATCH;
        let mut left = if early { HEAD_START } else { usize::MAX };
        let mut add = |part: &[u8]| {
            let skipped = skip.min(part.len());
            let taken = left.min(part.len() - skipped);
            skip -= skipped;
            left -= taken;
            if taken > 0 {
                // SAFETY: the slice is used below, within the borrow of `self`
                // and while the pipe keeps the bodies.
                let rest = unsafe { std::slice::from_raw_parts(part.as_ptr().add(skipped), taken) };
                parts.push(IoSlice::new(rest));
            }
        };
        let mut from = 0;
        for body in &self.bodies {
            add(&self.bytes[from..body.at]);
            // SAFETY: the message lies in the pipe until the batch is written.
            add(unsafe { std::slice::from_raw_parts(body.data, body.len) });
            from = body.at;
        }
        add(&self.bytes[from..]);
        stream.send_vectored(&parts)
    }

    /// Takes what is in an empty batch: obsolete subscriptions.
    pub(super) fn take_skipped(&mut self, pipe: &mut Pipe) {
        if self.whole_frames > 0 {
            self.take_whole(pipe);
        }
    }

    fn take_whole(&mut self, pipe: &mut Pipe) {
        pipe.take_peeked(self.whole_frames);
        self.sealed.drain(..self.whole_frames.min(self.sealed.len()));
        self.frames -= self.whole_frames;
        self.frame_bytes -= self.whole_bytes;
        self.handed -= self.whole_bytes;
        self.stale = self.stale.saturating_sub(self.whole_frames);
        self.whole_frames = 0;
        self.whole_bytes = 0;
    }

    /// The connection is gone: takes the messages the kernel has whole out of
    /// the pipe; the others will be seen again, from their first frame.
    pub(super) fn settle(&mut self, protocol: &Protocol, pipe: &mut Pipe) {
        let handed = self.handed + self.sent.saturating_sub(self.control);
        let (mut frames, mut bytes, mut whole) = (0, 0, 0);
        let mut header = Vec::new();
        pipe.rewind();
        while frames < self.frames {
            let Some(message) = pipe.peek() else { break };
            let obsolete = frames < self.stale && stands_alone(message, frames == whole);
            frames += 1;
            let before = bytes;
            if let Some(sealed) = self.sealed.pop_front() {
                bytes += sealed;
            } else if !obsolete {
                header.clear();
                protocol.encode_header(message, &mut header);
                bytes += header.len() + message.len();
            }
            // The bytes of a stream are not sent twice, nor a part without the
            // rest: of a raw connection, what has begun to go counts as gone.
            let begun = protocol.is_raw() && before < handed;
            if bytes > handed && !begun {
                break;
            }
            if !message.more() {
                whole = frames;
            }
        }
        pipe.take_peeked(whole);
        pipe.rewind();
        *self = Batch::default();
    }

    /// Gives back the memory of a batch that has been written.
    pub(super) fn shrink(&mut self) {
        if self.bytes.capacity() > KEEP_BYTES {
            self.bytes = Vec::new();
        }
    }
}

/// Whether this is a subscription, or the end of one, and nothing else of a
/// message: such a frame may be left out. `begins`: the frame before it, if
/// any, ended a message.
fn stands_alone(message: &Message, begins: bool) -> bool {
    message.role() != Role::Data && begins && !message.more()
}

/// Copying so many bytes into the kernel takes longer than waking the peer: …
const LARGE_BATCH: usize = 256 * 1024;
/// … so the first few go ahead, and it is awake when the others come.
const HEAD_START: usize = 8 * 1024;

/// An idle connection keeps at most this much memory for its next batch.
const KEEP_BYTES: usize = 1024;
