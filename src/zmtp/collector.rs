//! Frames before traffic: few, small, each kept until it is whole.

use super::dialect::Dialect;
use super::error::ProtocolError;

/// A frame that may come in parts.
pub(super) struct Collector {
    dialect: Dialect,
    /// The longest body that is taken; it bounds what a peer makes us hold.
    longest: usize,
    /// Header and body as far as they have come.
    bytes: Vec<u8>,
}

impl Collector {
    /// For a frame that has begun with `bytes`.
    pub(super) fn new(dialect: Dialect, longest: usize, bytes: Vec<u8>) -> Collector {
        Collector { dialect, longest, bytes }
    }

    /// Takes what belongs to the frame from `input`; says how much that was,
    /// and gives the body once it is whole. A body that will be too long is an
    /// error as soon as its header has come.
    pub(super) fn receive(
        &mut self,
        input: &[u8],
    ) -> Result<(usize, Option<&[u8]>), ProtocolError> {
        let mut rest = input;
        loop {
            let wanted = match self.dialect.parse_header(&self.bytes)? {
                Some((header, _)) if header.len > self.longest as u64 => {
                    return Err(ProtocolError::HandshakeTooLarge);
                }
                Some((header, size)) if self.bytes.len() == size + header.len as usize => {
                    return Ok((input.len() - rest.len(), Some(&self.bytes[size..])));
                }
                Some((header, size)) => size + header.len as usize,
                None => self.bytes.first().map_or(1, |first| self.dialect.header_size(*first)),
            };
            if rest.is_empty() {
                return Ok((input.len(), None));
            }
            let (part, later) = rest.split_at(rest.len().min(wanted - self.bytes.len()));
            self.make_room(part.len(), wanted);
            self.bytes.extend_from_slice(part);
            rest = later;
        }
    }

    /// Makes room for what has come, growing as a `Vec` does, but not beyond what
    /// is wanted: what is held is bounded, not only what is used.
    fn make_room(&mut self, more: usize, wanted: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let room = needed.max(2 * self.bytes.capacity()).min(wanted);
            self.bytes.reserve_exact(room - self.bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zmtp::frame;

    #[test]
    fn what_is_held_is_never_more_than_the_frame() {
        for len in [0, 1, 255, 256, 1000] {
            let mut stream = Vec::new();
            frame::encode_header(frame::COMMAND, len, &mut stream);
            stream.resize(stream.len() + len, 7);
            for step in [1, 3, 100, stream.len()] {
                let mut collector = Collector::new(Dialect::V3_1, 1000, Vec::new());
                let mut whole = None;
                for part in stream.chunks(step) {
                    whole = collector.receive(part).unwrap().1.map(<[u8]>::len);
                    assert!(collector.bytes.capacity() <= stream.len());
                }
                assert_eq!(whole, Some(len));
            }
        }
    }

    #[test]
    fn a_frame_that_will_be_too_long_is_refused_by_its_header() {
        let mut head = Vec::new();
        frame::encode_header(frame::COMMAND, 1001, &mut head);
        let mut collector = Collector::new(Dialect::V3_1, 1000, Vec::new());
        let outcome = collector.receive(&head).map(|(taken, body)| (taken, body.is_some()));
        assert_eq!(outcome, Err(ProtocolError::HandshakeTooLarge));
    }
}
