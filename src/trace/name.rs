//! How lines call things: a socket by its type, and which it is of all the process
//! has made.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::socket_type::SocketType;

/// A socket's name: `PUSH#3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// The socket's type.
    pub(crate) kind: SocketType,
    number: u32,
}

// The standard library's, also under loom: this is a static.
static MADE: AtomicU32 = AtomicU32::new(0);

impl Name {
    /// A name for a new socket.
    pub(crate) fn next(kind: SocketType) -> Name {
        Name { kind, number: MADE.fetch_add(1, Ordering::Relaxed).wrapping_add(1) }
    }

    /// The name as a number, never 0, from which [`Name::from_bits`] has it back.
    pub(crate) fn bits(self) -> u64 {
        (self.kind as u64 + 1) << 32 | u64::from(self.number)
    }

    /// The name with these bits, if there is one.
    pub(crate) fn from_bits(bits: u64) -> Option<Name> {
        let kind = SocketType::from_c(i32::try_from(bits >> 32).ok()? - 1)?;
        Some(Name { kind, number: bits as u32 })
    }
}

/// Of no socket: what stands there until a socket says its own.
impl Default for Name {
    fn default() -> Name {
        Name { kind: SocketType::Pair, number: 0 }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.kind.name(), self.number)
    }
}

/// So many messages, in words.
pub(crate) struct Messages(pub(crate) usize);

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} message{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_as_bits() {
        let name = Name::next(SocketType::Stream);
        assert_eq!(Name::from_bits(name.bits()), Some(name));
        assert_eq!(Name::from_bits(0), None);
        assert!(name.to_string().starts_with("STREAM#"));
        assert_ne!(Name::next(SocketType::Stream), name);
    }
}
