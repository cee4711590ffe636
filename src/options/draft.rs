//! Options that libzmq has only where it was built with the draft API, and so have
//! we. Plain values of their socket's.

use super::row::{
    Access::{ReadOnly, ReadWrite, WriteOnly},
    Get,
    Initial::{Empty, Int, Words},
    Kind, Row, Set,
    State::Now,
};
use super::socket::{Change, PatternOption};
use crate::socket_type::SocketType::{Client, Dealer, Peer, Pub, Router, Server, Sub, XPub, XSub};

/// See the file's head.
#[derive(Clone, Debug, Default)]
pub struct DraftOptions {
    /// `ZMQ_HELLO_MSG`: what each connection begins with; empty: nothing.
    pub hello: Vec<u8>,
    /// `ZMQ_DISCONNECT_MSG`: what is received when an accepted peer has gone; empty:
    /// nothing.
    pub disconnect: Vec<u8>,
    /// `ZMQ_HICCUP_MSG`: what is received when a connected peer has gone; empty:
    /// nothing.
    pub hiccup: Vec<u8>,
    /// `ZMQ_PRIORITY`: `SO_PRIORITY`; 0 leaves the system's.
    pub priority: i32,
    /// `ZMQ_BUSY_POLL`: `SO_BUSY_POLL`; 0 leaves the system's.
    pub busy_poll: i32,
}

macro_rules! bytes {
    ($field:ident) => {
        Now(
            Set::Bytes(|o, v| {
                o.draft.$field = v.to_vec();
                Ok(Change::Stored)
            }),
            Get::Never,
        )
    };
}

macro_rules! number {
    ($field:ident) => {
        Now(
            Set::Int(|o, v| {
                o.draft.$field = v;
                Ok(Change::Stored)
            }),
            Get::Int(|o| o.draft.$field),
        )
    };
}

const MESSAGE: Kind = Kind::Binary { min: 0, max: usize::MAX };
const FLAGS: Kind = Kind::Int { min: 0, max: 3 };
const NOT_NEGATIVE: Kind = Kind::Int { min: 0, max: i32::MAX };

pub(super) const ROUTER_NOTIFY: Row = Row::new(
    97,
    "ROUTER_NOTIFY",
    FLAGS,
    "flags",
    Int(0),
    WriteOnly,
    Now(Set::Int(|_, v| Ok(Change::Pattern(PatternOption::RouterNotify(v)))), Get::Never),
)
.on(&[Router])
.at_once()
.noting("with the feature draft only; 1: of new peers, 2: of those that go");

pub(super) const HELLO_MSG: Row =
    Row::new(110, "HELLO_MSG", MESSAGE, "", Empty, WriteOnly, bytes!(hello))
        .on(&[Dealer, Router, Client, Server, Peer])
        .noting("with the feature draft only");

pub(super) const DISCONNECT_MSG: Row =
    Row::new(111, "DISCONNECT_MSG", MESSAGE, "", Empty, WriteOnly, bytes!(disconnect))
        .on(&[Router, Server, Peer])
        .noting("with the feature draft only; over tcp and ipc");

pub(super) const PRIORITY: Row =
    Row::new(112, "PRIORITY", NOT_NEGATIVE, "", Int(0), ReadWrite, number!(priority))
        .noting("with the feature draft only");

pub(super) const BUSY_POLL: Row =
    Row::new(113, "BUSY_POLL", NOT_NEGATIVE, "µs", Int(0), ReadWrite, number!(busy_poll))
        .noting("with the feature draft only");

pub(super) const HICCUP_MSG: Row =
    Row::new(114, "HICCUP_MSG", MESSAGE, "", Empty, WriteOnly, bytes!(hiccup))
        .on(&[Dealer, Client, Peer])
        .noting("with the feature draft only; over tcp and ipc");

pub(super) const XSUB_VERBOSE_UNSUBSCRIBE: Row = Row::new(
    115,
    "XSUB_VERBOSE_UNSUBSCRIBE",
    Kind::LooseFlag,
    "",
    Int(0),
    WriteOnly,
    Now(Set::Flag(|_, v| Ok(Change::Pattern(PatternOption::XSubVerboseCancel(v)))), Get::Never),
)
.on(&[XSub])
.at_once()
.noting("with the feature draft only");

pub(super) const TOPICS_COUNT: Row = Row::new(
    116,
    "TOPICS_COUNT",
    NOT_NEGATIVE,
    "",
    Words(""),
    ReadOnly,
    Now(Set::Never, Get::LiveInt(|live| live.topics_count())),
)
.on(&[Pub, Sub, XPub, XSub])
.noting("with the feature draft only");
