//! What the table of socket options is made of: one [`Row`] an option, and the
//! parsing and encoding of values that all rows share.

use zeroize::Zeroizing;

use crate::error::{Errno, Result};
use crate::gssapi;
use crate::socket_type::SocketType;
use crate::z85;

use super::socket::{Change, Live, SocketOptions};

/// One option of `zmq_setsockopt` and `zmq_getsockopt`.
pub(super) struct Row {
    pub(super) number: i32,
    /// The C name without its `ZMQ_`.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The unit of the value, empty where it has none.
    pub(super) unit: &'static str,
    pub(super) initial: Initial,
    pub(super) access: Access,
    /// The socket types that accept it in `zmq_setsockopt`; empty: every type.
    pub(super) sockets: &'static [SocketType],
    pub(super) state: State,
    /// A change reaches connections that exist already.
    pub(super) at_once: bool,
    pub(super) note: &'static str,
}

/// The C type of a value and the values that may be set.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// `int` from `min` to `max`.
    Int { min: i32, max: i32 },
    /// `int` that is 0 or 1.
    Flag,
    /// `int` from 0, everything but 0 being true.
    LooseFlag,
    /// Any `int`, everything but 0 being true.
    AnyFlag,
    /// `int64_t`, any value.
    Int64,
    /// `uint64_t`, any value.
    UInt64,
    /// Bytes, this many.
    Binary { min: usize, max: usize },
    /// A key: 32 bytes, or the 40 characters of its Z85, maybe with a
    /// terminating zero; to be read, always with one.
    Key,
    /// Text of this many bytes; NULL clears it, with whatever size where a text
    /// may be empty. It is stored as given, so that a
    /// terminating zero given with it counts as part of it; reading adds one.
    Text { min: usize, max: usize },
}

/// A key of CURVE, wiped when it is dropped.
pub(super) type Key = Zeroizing<[u8; KEY_BYTES]>;

const KEY_BYTES: usize = 32;
/// The characters of its Z85.
const KEY_LETTERS: usize = 40;

pub(super) const POSITIVE: Kind = Kind::Int { min: 1, max: i32::MAX };
pub(super) const NOT_NEGATIVE: Kind = Kind::Int { min: 0, max: i32::MAX };
pub(super) const FROM_MINUS_1: Kind = Kind::Int { min: -1, max: i32::MAX };

/// The value of a fresh socket.
#[derive(Clone, Copy)]
pub(super) enum Initial {
    Int(i64),
    Empty,
    /// There is none, or it takes words.
    Words(&'static str),
}

/// The functions of the C API that accept the option.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    ReadWrite,
    ReadOnly,
    WriteOnly,
}

/// How much of the option works.
pub(super) enum State {
    /// All of it.
    Now(Set, Get),
    /// All of it where GSSAPI's library can be loaded, and nothing where not.
    Gssapi(Set, Get),
    /// Nothing ever: libzmq is not built with it either.
    Absent,
}

/// Stores a value that has passed the checks of its kind.
pub(super) enum Set {
    Never,
    Int(fn(&mut SocketOptions, i32) -> Result<Change<'static>>),
    Flag(fn(&mut SocketOptions, bool) -> Result<Change<'static>>),
    Int64(fn(&mut SocketOptions, i64) -> Result<Change<'static>>),
    UInt64(fn(&mut SocketOptions, u64) -> Result<Change<'static>>),
    Bytes(for<'v> fn(&mut SocketOptions, &'v [u8]) -> Result<Change<'v>>),
    Key(fn(&mut SocketOptions, Key) -> Change<'static>),
    /// One more filter; `None`, a NULL pointer of size 0, forgets all.
    IntFilter(fn(Option<i32>) -> Change<'static>),
    /// As `IntFilter`.
    TextFilter(for<'v> fn(Option<&'v [u8]>) -> Change<'v>),
}

/// Fetches the value.
pub(super) enum Get {
    Never,
    Int(fn(&SocketOptions) -> i32),
    Int64(fn(&SocketOptions) -> i64),
    UInt64(fn(&SocketOptions) -> u64),
    Bytes(fn(&SocketOptions) -> &[u8]),
    Key(fn(&SocketOptions) -> &Key),
    /// What only the socket knows. These ints, unlike the others, may be read
    /// into larger buffers.
    LiveInt(fn(&dyn Live) -> Result<i32>),
    LiveText(fn(&dyn Live) -> &[u8]),
}

impl Row {
    pub(super) const fn new(
        number: i32,
        name: &'static str,
        kind: Kind,
        unit: &'static str,
        initial: Initial,
        access: Access,
        state: State,
    ) -> Row {
        Row {
            number,
            name,
            kind,
            unit,
            initial,
            access,
            sockets: &[],
            state,
            at_once: false,
            note: "",
        }
    }

    /// Only these types accept it.
    pub(super) const fn on(mut self, sockets: &'static [SocketType]) -> Row {
        self.sockets = sockets;
        self
    }

    pub(super) const fn at_once(mut self) -> Row {
        self.at_once = true;
        self
    }

    pub(super) const fn noting(mut self, note: &'static str) -> Row {
        self.note = note;
        self
    }

    /// Checks and stores a value; `None` is a NULL pointer of size 0.
    pub(super) fn set<'v>(
        &self,
        options: &mut SocketOptions,
        value: Option<&'v [u8]>,
    ) -> Result<Change<'v>> {
        let Some((set, _)) = self.functions() else {
            return Err(Errno::EINVAL);
        };
        if !self.sockets.is_empty() && !self.sockets.contains(&options.kind()) {
            return Err(Errno::EINVAL);
        }
        let bytes = value.unwrap_or_default();
        match set {
            Set::Never => Err(Errno::EINVAL),
            Set::Int(store) => store(options, self.kind.int(bytes)?),
            Set::Flag(store) => store(options, self.kind.int(bytes)? != 0),
            Set::Int64(store) => store(options, i64::from_ne_bytes(sized(bytes)?)),
            Set::UInt64(store) => store(options, u64::from_ne_bytes(sized(bytes)?)),
            Set::Bytes(store) => {
                self.kind.check_length(value)?;
                store(options, bytes)
            }
            Set::Key(store) => Ok(store(options, parse_key(bytes)?)),
            Set::IntFilter(change) => {
                let value = value.map(|bytes| self.kind.int(bytes)).transpose()?;
                Ok(change(value))
            }
            Set::TextFilter(change) => {
                self.kind.check_length(value)?;
                Ok(change(value))
            }
        }
    }

    /// Whether only a look at a value of this many bytes could tell whether it
    /// may be set.
    pub(super) fn reads_value(&self, kind: SocketType, length: usize) -> bool {
        self.functions().is_some()
            && self.access != Access::ReadOnly
            && (self.sockets.is_empty() || self.sockets.contains(&kind))
            && match self.kind {
                Kind::Int64 | Kind::UInt64 => length == size_of::<i64>(),
                Kind::Binary { min, max } => (min..=max).contains(&length),
                Kind::Key => (KEY_BYTES..=KEY_LETTERS + 1).contains(&length),
                // NULL is told from a text before it is read.
                Kind::Text { .. } => false,
                _ => length == size_of::<i32>(),
            }
    }

    /// Whether NULL may be set, whatever its size.
    pub(super) fn takes_null(&self) -> bool {
        matches!((&self.state, self.kind), (State::Now(..), Kind::Text { min: 0, .. }))
    }

    /// Writes the value to the buffer, zeros behind it; returns its length.
    pub(super) fn get(
        &self,
        options: &SocketOptions,
        live: &dyn Live,
        buffer: &mut [u8],
    ) -> Result<usize> {
        if let Some((_, get)) = self.functions() {
            return match get {
                Get::Never => Err(Errno::EINVAL),
                Get::Int(load) => write_exactly(&load(options).to_ne_bytes(), buffer),
                Get::Int64(load) => write_exactly(&load(options).to_ne_bytes(), buffer),
                Get::UInt64(load) => write_exactly(&load(options).to_ne_bytes(), buffer),
                Get::Bytes(load) => self.write_bytes(load(options), buffer),
                Get::Key(load) => write_key(load(options), buffer),
                Get::LiveInt(load) if buffer.len() >= size_of::<i32>() => {
                    write_padded(&load(live)?.to_ne_bytes(), 0, buffer)
                }
                Get::LiveInt(_) => Err(Errno::EINVAL),
                Get::LiveText(load) => self.write_bytes(load(live), buffer),
            };
        }
        Err(Errno::EINVAL)
    }

    /// What sets it and what fetches it, as far as it works.
    fn functions(&self) -> Option<(&Set, &Get)> {
        match &self.state {
            State::Now(set, get) => Some((set, get)),
            State::Gssapi(set, get) if gssapi::is_available() => Some((set, get)),
            _ => None,
        }
    }

    fn write_bytes(&self, value: &[u8], buffer: &mut [u8]) -> Result<usize> {
        let terminator = usize::from(matches!(self.kind, Kind::Text { .. }));
        write_padded(value, terminator, buffer)
    }
}

impl Kind {
    /// The int in these bytes, if it may be set.
    fn int(self, bytes: &[u8]) -> Result<i32> {
        let value = i32::from_ne_bytes(sized(bytes)?);
        let allowed = match self {
            Kind::Int { min, max } => (min..=max).contains(&value),
            Kind::Flag => value == 0 || value == 1,
            Kind::LooseFlag => value >= 0,
            _ => true,
        };
        if allowed { Ok(value) } else { Err(Errno::EINVAL) }
    }

    /// Whether bytes or text may have this length. NULL clears a text.
    fn check_length(self, value: Option<&[u8]>) -> Result<()> {
        let length = value.map_or(0, <[u8]>::len);
        let allowed = match self {
            Kind::Binary { min, max } => (min..=max).contains(&length),
            Kind::Text { min, max } => value.is_none() || (min..=max).contains(&length),
            _ => false,
        };
        if allowed { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| Errno::EINVAL)
}

/// The key that bytes or text stand for.
fn parse_key(bytes: &[u8]) -> Result<Key> {
    let text = match bytes {
        [text @ .., 0] if bytes.len() == KEY_LETTERS + 1 => text,
        text => text,
    };
    let mut key = Key::default();
    match text.len() {
        KEY_BYTES => key.copy_from_slice(text),
        KEY_LETTERS => {
            for (place, group) in key.as_chunks_mut().0.iter_mut().zip(z85::decode(text)?) {
                *place = group?;
            }
        }
        _ => return Err(Errno::EINVAL),
    }
    Ok(key)
}

/// Writes a key in the form that the buffer has room for.
fn write_key(key: &Key, buffer: &mut [u8]) -> Result<usize> {
    if buffer.len() != KEY_LETTERS + 1 {
        return write_exactly(&key[..], buffer);
    }
    for (place, group) in buffer.as_chunks_mut().0.iter_mut().zip(z85::encode(&key[..])?) {
        *place = group;
    }
    buffer[KEY_LETTERS] = 0;
    Ok(buffer.len())
}

fn write_exactly(value: &[u8], buffer: &mut [u8]) -> Result<usize> {
    if buffer.len() != value.len() {
        return Err(Errno::EINVAL);
    }
    buffer.copy_from_slice(value);
    Ok(value.len())
}

fn write_padded(value: &[u8], terminator: usize, buffer: &mut [u8]) -> Result<usize> {
    let length = value.len() + terminator;
    if buffer.len() < length {
        return Err(Errno::EINVAL);
    }
    let (front, rest) = buffer.split_at_mut(value.len());
    front.copy_from_slice(value);
    rest.fill(0);
    Ok(length)
}
