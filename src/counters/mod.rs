//! What a socket counts: the structure that `zmq_getsockopt` fills for
//! [`OPTION`] (`include/ferrozmq.h`), and where its numbers come from.
//!
//! Nothing is counted for a message that is not counted anyway. Messages come
//! from what pipes know of themselves; bytes are added up once for each call to
//! the kernel; drops are counted where a message has already left the fast way.
//! [`Drops`] belongs to whoever holds the socket; a [`Tally`] is shared with its
//! sessions and listeners, which outlive it.

mod drops;
mod tally;

use std::mem::offset_of;

pub(crate) use drops::{Cause, Drops};
pub(crate) use tally::Tally;

/// The number of the option: far from those of libzmq.
pub const OPTION: i32 = 0x465A_0001;

/// The structure, and its fields with their places, for a comparison with the
/// header.
macro_rules! counters {
    ($($(#[$doc:meta])* $field:ident,)*) => {
        /// What is known of a socket's work, as C sees it. New fields come at the
        /// end.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[repr(C)]
        pub struct Counters {
            /// Bytes of the whole structure, whatever part of it was asked for.
            pub size: u32,
            /// 1; grows where the meaning of a field changes.
            pub version: u32,
            $($(#[$doc])* pub $field: u64,)*
        }

        impl Counters {
            /// Every field behind the first two, in order, with its place.
            pub const FIELDS: &[(&'static str, usize)] =
                &[$((stringify!($field), offset_of!(Counters, $field)),)*];

            /// The fields of [`Counters::FIELDS`] in the same order.
            pub fn values(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($field), self.$field),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Whole messages handed to peers; each peer's copy of a PUB's counts.
    messages_out,
    /// Whole messages taken from peers, those that were dropped then included.
    messages_in,
    /// Bytes given to the kernel for tcp and ipc, framing and handshakes included.
    bytes_out,
    /// Bytes taken from the kernel.
    bytes_in,
    /// Messages that wait for their peer or its connection.
    queued_out,
    /// Messages that wait to be received.
    queued_in,
    /// Peers with which messages can be exchanged or kept for.
    peers,
    /// Connections that connects have brought about.
    connects,
    /// Those among them that replaced one that was lost.
    reconnects,
    /// Attempts to connect that came to nothing.
    connect_failures,
    /// Connections that binds have taken in.
    accepts,
    /// Connections that could not be taken in, or that a filter turned away.
    accept_failures,
    /// Connections that have ended other than by this socket.
    disconnects,
    /// Connections that ended within their handshake.
    handshake_failures,
    /// Messages dropped since the peer's queue was full (PUB, XPUB, XSUB, ROUTER).
    dropped_full,
    /// Messages dropped since nobody has subscribed to them (PUB, XPUB).
    dropped_no_subscriber,
    /// Messages dropped since no peer has the routing id they name (ROUTER).
    dropped_unroutable,
    /// Messages cut short since their peer left while they were sent.
    dropped_cut,
    /// Messages dropped since they match no subscription (SUB).
    dropped_unsubscribed,
    /// Messages dropped since they answer no request under way (REQ).
    dropped_stale,
    /// Messages dropped since they have no envelope (REQ, REP).
    dropped_malformed,
    /// Messages replaced by later ones (`ZMQ_CONFLATE`).
    dropped_conflated,
    /// Messages lost unsent with their peer or its connection.
    dropped_unsent,
    /// Messages that had come and were not received when their pipe was closed.
    dropped_unread,
}

impl Counters {
    /// The smallest buffer that is of use: it tells the size.
    const HEAD_BYTES: usize = 8;

    /// Writes as much of the structure as fits into `buffer`. `None` when that is
    /// less than its head.
    pub(crate) fn write(&self, buffer: &mut [u8]) -> Option<usize> {
        if buffer.len() < Self::HEAD_BYTES {
            return None;
        }
        let mut bytes = Vec::with_capacity(size_of::<Counters>());
        bytes.extend_from_slice(&self.size.to_ne_bytes());
        bytes.extend_from_slice(&self.version.to_ne_bytes());
        self.values().for_each(|(_, value)| bytes.extend_from_slice(&value.to_ne_bytes()));
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        Some(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_bytes_are_written_as_fit() {
        let size = u32::try_from(size_of::<Counters>()).unwrap();
        let counters = Counters { size, version: 1, messages_out: 7, ..Counters::default() };
        assert_eq!(counters.write(&mut [0; 7]), None);
        let mut some = [0xff; 20];
        assert_eq!(counters.write(&mut some), Some(20));
        assert_eq!(some[8..16], 7u64.to_ne_bytes());
        let mut all = [0xff; 1000];
        assert_eq!(counters.write(&mut all), Some(size_of::<Counters>()));
        assert_eq!(all[size as usize], 0xff);
    }

    #[test]
    fn fields_lie_one_behind_the_other() {
        for (index, (name, place)) in Counters::FIELDS.iter().enumerate() {
            assert_eq!(*place, 8 + 8 * index, "{name}");
        }
        assert_eq!(size_of::<Counters>(), 8 + 8 * Counters::FIELDS.len());
    }
}
