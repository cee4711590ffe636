//! Frames. Since ZMTP 2.0 (RFC 37, "Framing"): a flags byte, a length of one or
//! eight bytes, a body. In ZMTP 1.0 (RFC 13, "The Framing Layer"): a length of
//! one byte, or of eight behind 255; a flags byte, which the length counts; a
//! body.

use super::error::ProtocolError;

/// More frames of the same message follow.
pub(super) const MORE: u8 = 0x01;
/// The length has eight bytes.
pub(super) const LONG: u8 = 0x02;
/// The frame is a command.
pub(super) const COMMAND: u8 = 0x04;

/// The longest body with a length of one byte.
pub(super) const MAX_SHORT_BODY: usize = 255;
/// The longest header of any version: that of ZMTP 1.0.
pub(super) const MAX_HEADER: usize = LONG_V1_HEADER;

/// The size of a header with a length of one byte.
const SHORT_HEADER: usize = 2;
/// The size of a header with a length of eight bytes.
const LONG_HEADER: usize = 9;
/// The same in ZMTP 1.0.
const LONG_V1_HEADER: usize = 10;
/// Announces a length of eight bytes in ZMTP 1.0.
const V1_LONG: u8 = 0xff;

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
            Some((FrameHeader { flags, len }, SHORT_HEADER))
        } else {
            let len = u64::from_be_bytes(*bytes.get(1..)?.first_chunk()?);
            Some((FrameHeader { flags, len }, LONG_HEADER))
        }
    }

    /// The same for ZMTP 1.0, of whose flags only MORE has a meaning. A length
    /// that does not even count the flags is an error.
    pub(super) fn parse_v1(bytes: &[u8]) -> Result<Option<(FrameHeader, usize)>, ProtocolError> {
        let Some(first) = bytes.first() else { return Ok(None) };
        let (size, len) = match *first {
            V1_LONG => match bytes[1..].first_chunk() {
                Some(len) => (LONG_V1_HEADER, u64::from_be_bytes(*len)),
                None => return Ok(None),
            },
            short => (SHORT_HEADER, u64::from(short)),
        };
        let len = len.checked_sub(1).ok_or(ProtocolError::MalformedFrame)?;
        let header = bytes.get(size - 1).map(|flags| FrameHeader { flags: flags & MORE, len });
        Ok(header.map(|header| (header, size)))
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

/// The header of a frame of data since ZMTP 2.0 whose body has a length of one
/// byte.
#[inline(always)]
pub fn short_header(more: bool, len: u8) -> [u8; SHORT_HEADER] {
    [if more { MORE } else { 0 }, len]
}

/// Appends the header of a frame, in the shortest form.
#[inline]
pub(super) fn encode_header(flags: u8, len: usize, out: &mut Vec<u8>) {
    if len <= MAX_SHORT_BODY {
        out.extend_from_slice(&[flags, len as u8]);
    } else {
        let mut header = [flags | LONG; LONG_HEADER];
        header[1..].copy_from_slice(&(len as u64).to_be_bytes());
        out.extend_from_slice(&header);
    }
}

/// The same for ZMTP 1.0.
pub(super) fn encode_v1_header(more: bool, len: usize, out: &mut Vec<u8>) {
    match u8::try_from(len + 1) {
        Ok(len) if len != V1_LONG => out.push(len),
        _ => {
            out.push(V1_LONG);
            out.extend_from_slice(&(len as u64 + 1).to_be_bytes());
        }
    }
    out.push(u8::from(more));
}

/// The size of the header that begins with this byte.
pub(super) fn header_size(first: u8) -> usize {
    if first & LONG == 0 { SHORT_HEADER } else { LONG_HEADER }
}

/// The same for ZMTP 1.0.
pub(super) fn v1_header_size(first: u8) -> usize {
    if first == V1_LONG { LONG_V1_HEADER } else { SHORT_HEADER }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_zmtp_1_have_the_layout_of_the_rfc() {
        for (more, len, bytes) in [
            (false, 0, &[1, 0][..]),
            (true, 0, &[1, 1]),
            (true, 253, &[254, 1]),
            (false, 254, &[255, 0, 0, 0, 0, 0, 0, 0, 255, 0]),
            (true, 255, &[255, 0, 0, 0, 0, 0, 0, 1, 0, 1]),
            (false, 70_000, &[255, 0, 0, 0, 0, 0, 1, 0x11, 0x71, 0]),
        ] {
            let mut out = Vec::new();
            encode_v1_header(more, len, &mut out);
            assert_eq!(out, bytes);
            assert_eq!(v1_header_size(bytes[0]), bytes.len());
            for cut in 0..bytes.len() {
                assert_eq!(FrameHeader::parse_v1(&bytes[..cut]), Ok(None));
            }
            let (header, size) = FrameHeader::parse_v1(bytes).unwrap().unwrap();
            assert_eq!((header.len, size), (len as u64, bytes.len()));
            assert_eq!((header.has_more(), header.is_command()), (more, false));
        }
    }

    #[test]
    fn zmtp_1_takes_long_lengths_for_short_frames_and_no_length_of_0() {
        let header = FrameHeader { flags: MORE, len: 0 };
        let long = [255, 0, 0, 0, 0, 0, 0, 0, 1, 0xff];
        assert_eq!(FrameHeader::parse_v1(&long), Ok(Some((header, 10))));
        for none in [&[0][..], &[0, 0], &[255, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(FrameHeader::parse_v1(none), Err(ProtocolError::MalformedFrame));
        }
    }

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
            assert_eq!(header_size(bytes[0]), bytes.len());
            assert_eq!(header.has_more(), flags == MORE);
            assert_eq!(header.is_command(), flags == COMMAND);
        }
    }
}
