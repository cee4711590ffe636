//! Frames (RFC 37, "Framing"): a flags byte, a length of one or eight bytes,
//! a body.

/// More frames of the same message follow.
pub(super) const MORE: u8 = 0x01;
/// The length has eight bytes.
pub(super) const LONG: u8 = 0x02;
/// The frame is a command.
pub(super) const COMMAND: u8 = 0x04;

/// The longest body with a length of one byte.
pub(super) const MAX_SHORT_BODY: usize = 255;
/// The shortest header.
pub(super) const MIN_HEADER: usize = 2;
/// The longest header.
pub(super) const MAX_HEADER: usize = 9;

/// What precedes a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// The flags byte. Bits 3 to 7 are reserved; like the peers in the field
    /// we do not look at them.
    pub(super) flags: u8,
    /// The length of the body that the peer claims.
    pub(super) len: u64,
}

impl FrameHeader {
    /// The header at the start of `bytes` and its size, `None` while bytes
    /// are missing.
    #[inline]
    pub(super) fn parse(bytes: &[u8]) -> Option<(FrameHeader, usize)> {
        let flags = *bytes.first()?;
        if flags & LONG == 0 {
            let len = u64::from(*bytes.get(1)?);
            Some((FrameHeader { flags, len }, 2))
        } else {
            let len = u64::from_be_bytes(*bytes.get(1..)?.first_chunk()?);
            Some((FrameHeader { flags, len }, MAX_HEADER))
        }
    }

    /// Whether the frame is a command.
    pub(super) fn is_command(self) -> bool {
        self.flags & COMMAND != 0
    }

    /// Whether more frames of the same message follow. A command stands
    /// alone, whatever its flag says.
    pub(super) fn has_more(self) -> bool {
        self.flags & (MORE | COMMAND) == MORE
    }
}

/// Appends the header of a frame, in the shortest form.
#[inline]
pub(super) fn encode_header(flags: u8, len: usize, out: &mut Vec<u8>) {
    if len <= MAX_SHORT_BODY {
        out.extend_from_slice(&[flags, len as u8]);
    } else {
        let mut header = [flags | LONG; MAX_HEADER];
        header[1..].copy_from_slice(&(len as u64).to_be_bytes());
        out.extend_from_slice(&header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_the_layout_of_the_rfc() {
        for (flags, len, bytes) in [
            (0, 0, &[0, 0][..]),
            (MORE, 255, &[1, 255]),
            (0, 256, &[2, 0, 0, 0, 0, 0, 0, 1, 0]),
            (MORE, 1 << 26, &[3, 0, 0, 0, 0, 4, 0, 0, 0]),
            (COMMAND, 4, &[4, 4]),
            (COMMAND, 300, &[6, 0, 0, 0, 0, 0, 0, 1, 44]),
        ] {
            let mut out = Vec::new();
            encode_header(flags, len, &mut out);
            assert_eq!(out, bytes);
            for cut in 0..bytes.len() {
                assert_eq!(FrameHeader::parse(&bytes[..cut]), None);
            }
            let (header, size) = FrameHeader::parse(bytes).unwrap();
            assert_eq!((header.len, size), (len as u64, bytes.len()));
            assert_eq!(header.has_more(), flags == MORE);
            assert_eq!(header.is_command(), flags == COMMAND);
        }
    }
}
