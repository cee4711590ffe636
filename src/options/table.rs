//! The table of socket options: one row for every option of the stable header
//! and for the draft ones that libzmq's stable functions accept, by number.

use std::time::Duration;

use crate::error::Errno;
use crate::socket_type::SocketType::{Dealer, Pub, Rep, Req, Router, Stream, Sub, XPub, XSub};

#[cfg(feature = "draft")]
use super::draft;
use super::row::{
    Access::{ReadOnly, ReadWrite, WriteOnly},
    FROM_MINUS_1, Get,
    Initial::{self, Empty, Int, Words},
    Kind, NOT_NEGATIVE, POSITIVE, Row, Set,
    State::{self, Absent, Now},
};
use super::security::{
    CURVE_PUBLICKEY, CURVE_SECRETKEY, CURVE_SERVER, CURVE_SERVERKEY, GSSAPI_PLAINTEXT,
    GSSAPI_PRINCIPAL, GSSAPI_PRINCIPAL_NAMETYPE, GSSAPI_SERVER, GSSAPI_SERVICE_PRINCIPAL,
    GSSAPI_SERVICE_PRINCIPAL_NAMETYPE, MECHANISM, PLAIN_PASSWORD, PLAIN_SERVER, PLAIN_USERNAME,
    ZAP_DOMAIN, ZAP_ENFORCE_DOMAIN,
};
use super::socket::{Change, Filter, PatternOption};
use super::socks::{SOCKS_PASSWORD, SOCKS_PROXY, SOCKS_USERNAME};

/// The row of an option.
pub(super) fn find(option: i32) -> Option<&'static Row> {
    let place = *ROW_OF_NUMBER.get(usize::try_from(option).ok()?)?;
    TABLE.get(usize::from(place))
}

/// An int kept as it is given.
macro_rules! int {
    ($field:ident) => {
        int!($field, Change::Stored)
    };
    ($field:ident, $change:expr) => {
        Now(
            Set::Int(|o, v| {
                o.$field = v;
                Ok($change)
            }),
            Get::Int(|o| o.$field),
        )
    };
}

/// An int of which -1 means none.
macro_rules! optional {
    ($field:ident) => {
        Now(
            Set::Int(|o, v| {
                o.$field = (v != -1).then_some(v);
                Ok(Change::Stored)
            }),
            Get::Int(|o| o.$field.unwrap_or(-1)),
        )
    };
}

/// Milliseconds of which one value, -1 or 0, means none.
macro_rules! millis {
    ($field:ident, none is $none:literal) => {
        Now(
            Set::Int(|o, v| {
                o.$field = (v != $none).then(|| Duration::from_millis(u64::from(v.unsigned_abs())));
                Ok(Change::Stored)
            }),
            Get::Int(|o| o.$field.map_or($none, |span| span.as_millis() as i32)),
        )
    };
}

macro_rules! flag {
    ($field:ident) => {
        Now(
            Set::Flag(|o, v| {
                o.$field = v;
                Ok(Change::Stored)
            }),
            Get::Int(|o| i32::from(o.$field)),
        )
    };
}

/// An int that nothing here acts on.
macro_rules! multicast {
    ($field:ident) => {
        Now(
            Set::Int(|o, v| {
                o.multicast.$field = v;
                Ok(Change::Stored)
            }),
            Get::Int(|o| o.multicast.$field),
        )
    };
    (flag $field:ident) => {
        Now(
            Set::Flag(|o, v| {
                o.multicast.$field = v;
                Ok(Change::Stored)
            }),
            Get::Int(|o| i32::from(o.multicast.$field)),
        )
    };
}

/// A filter of local peers.
macro_rules! process_filter {
    ($filter:ident) => {
        Now(Set::IntFilter(|v| Change::Filter(Filter::$filter(v))), Get::Never)
    };
}

/// A flag that only the pattern keeps.
macro_rules! pattern {
    ($option:ident) => {
        Now(Set::Flag(|_, v| Ok(Change::Pattern(PatternOption::$option(v)))), Get::Never)
    };
}

const AFFINITY: State = Now(
    Set::UInt64(|o, v| {
        o.affinity = v;
        Ok(Change::Stored)
    }),
    Get::UInt64(|o| o.affinity),
);
const ROUTING_ID: State = Now(
    Set::Bytes(|o, v| {
        o.routing_id = v.to_vec();
        Ok(Change::Stored)
    }),
    Get::Bytes(|o| &o.routing_id),
);
const SUBSCRIBE: State = Now(Set::Bytes(|_, v| Ok(Change::Subscribe(v))), Get::Never);
const UNSUBSCRIBE: State = Now(Set::Bytes(|_, v| Ok(Change::Unsubscribe(v))), Get::Never);
const ROUTER_RAW: State = Now(
    Set::Flag(|o, v| {
        o.router_raw = v;
        Ok(Change::Pattern(PatternOption::RouterRaw(v)))
    }),
    Get::Never,
);
const STREAM_NOTIFY: State = Now(
    Set::Flag(|o, v| {
        o.stream_notify = v;
        Ok(Change::Stored)
    }),
    Get::Never,
);
const RCVMORE: State = Now(Set::Never, Get::LiveInt(|live| Ok(i32::from(live.receive_more()))));
const FD: State = Now(Set::Never, Get::LiveInt(|live| live.fd()));
const EVENTS: State = Now(Set::Never, Get::LiveInt(|live| live.events()));
const TYPE: State = Now(Set::Never, Get::Int(|o| o.kind() as i32));
const MAXMSGSIZE: State = Now(
    Set::Int64(|o, v| {
        o.maxmsgsize_bytes = v;
        Ok(Change::Stored)
    }),
    Get::Int64(|o| o.maxmsgsize_bytes),
);
const IPV4ONLY: State = Now(
    Set::Flag(|o, v| {
        o.ipv6 = !v;
        Ok(Change::Stored)
    }),
    Get::Int(|o| i32::from(!o.ipv6)),
);
const LAST_ENDPOINT: State = Now(Set::Never, Get::LiveText(|live| live.last_endpoint()));
const TCP_KEEPALIVE: State = Now(
    Set::Int(|o, v| {
        o.tcp_keepalive = (v != -1).then_some(v == 1);
        Ok(Change::Stored)
    }),
    Get::Int(|o| o.tcp_keepalive.map_or(-1, i32::from)),
);
const CONNECT_ROUTING_ID: State =
    Now(Set::Bytes(|_, v| Ok(Change::Pattern(PatternOption::ConnectRoutingId(v)))), Get::Never);
const XPUB_WELCOME_MSG: State =
    Now(Set::Bytes(|_, v| Ok(Change::Pattern(PatternOption::XPubWelcome(v)))), Get::Never);
const INVERT_MATCHING: State = Now(
    Set::Flag(|o, v| {
        o.invert_matching = v;
        Ok(Change::Pattern(PatternOption::InvertMatching(v)))
    }),
    Get::Int(|o| i32::from(o.invert_matching)),
);
const HEARTBEAT_TTL: State = Now(
    Set::Int(|o, v| {
        o.heartbeat_ttl_deciseconds = u16::try_from(v / 100).map_err(|_| Errno::EINVAL)?;
        Ok(Change::Stored)
    }),
    Get::Int(|o| i32::from(o.heartbeat_ttl_deciseconds) * 100),
);
const THREAD_SAFE: State = Now(Set::Never, Get::LiveInt(|live| Ok(i32::from(live.thread_safe()))));
const BINDTODEVICE: State = Now(
    Set::Bytes(|o, v| {
        o.bind_to_device = v.to_vec();
        Ok(Change::Stored)
    }),
    Get::Bytes(|o| &o.bind_to_device),
);

const TCP_ACCEPT_FILTER: State =
    Now(Set::TextFilter(|v| Change::Filter(Filter::Network(v))), Get::Never);
const METADATA: State =
    Now(Set::Bytes(|o, v| o.add_metadata(v).map(|()| Change::Stored)), Get::Never);

const BITS_64: Kind = Kind::UInt64;
const FLAG: Kind = Kind::Flag;
const LOOSE: Kind = Kind::LooseFlag;
const ANY_FLAG: Kind = Kind::AnyFlag;
const ID: Kind = Kind::Binary { min: 1, max: 255 };
const TOPIC: Kind = Kind::Binary { min: 0, max: usize::MAX };
const SHORT_TEXT: Kind = Kind::Text { min: 1, max: 255 };
const SHORT_OR_NO_TEXT: Kind = Kind::Text { min: 0, max: 255 };
/// Connections have copies of what may be as long as a caller likes: it ends before that
/// is a matter of memory. (Topics and messages are copied where that may fail.)
const LONGEST: usize = 1 << 20;
const LONG_TEXT: Kind = Kind::Text { min: 1, max: LONGEST };
const LONG_ID: Kind = Kind::Binary { min: 1, max: LONGEST };
const DEVICE: Kind = Kind::Text { min: 1, max: 16 };
const ANY_INT: Kind = Kind::Int { min: i32::MIN, max: i32::MAX };
const TRISTATE: Kind = Kind::Int { min: -1, max: 1 };
const NAME_TYPE: Kind = Kind::Int { min: 0, max: 2 };
const TTL: Kind = Kind::Int { min: -99, max: 6_553_599 };

const NONE: Initial = Words("");

const MULTICAST: &str = "for pgm and norm, which are not here";

#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    Row::new(4, "AFFINITY", BITS_64, "bitmap", Int(0), ReadWrite, AFFINITY),
    Row::new(5, "ROUTING_ID", ID, "", Empty, ReadWrite, ROUTING_ID)
        .noting("also named ZMQ_IDENTITY"),
    Row::new(6, "SUBSCRIBE", TOPIC, "", NONE, WriteOnly, SUBSCRIBE).on(&[Pub, Sub, XPub]).at_once()
        .noting("PUB, XPUB: in manual mode"),
    Row::new(7, "UNSUBSCRIBE", TOPIC, "", NONE, WriteOnly, UNSUBSCRIBE).on(&[Pub, Sub, XPub])
        .at_once().noting("PUB, XPUB: in manual mode"),
    Row::new(8, "RATE", POSITIVE, "kbit/s", Int(100), ReadWrite,
        multicast!(rate_kbps)).noting(MULTICAST),
    Row::new(9, "RECOVERY_IVL", NOT_NEGATIVE, "ms", Int(10_000), ReadWrite,
        multicast!(recovery_ivl_ms)).noting(MULTICAST),
    Row::new(11, "SNDBUF", FROM_MINUS_1, "bytes", Int(-1), ReadWrite, optional!(sndbuf_bytes))
        .noting("-1: the system's"),
    Row::new(12, "RCVBUF", FROM_MINUS_1, "bytes", Int(-1), ReadWrite, optional!(rcvbuf_bytes))
        .noting("-1: the system's"),
    Row::new(13, "RCVMORE", FLAG, "", NONE, ReadOnly, RCVMORE).noting("larger buffers fit"),
    Row::new(14, "FD", ANY_INT, "", NONE, ReadOnly, FD)
        .noting("larger buffers fit; EINVAL for the types of the draft API, but DGRAM"),
    Row::new(15, "EVENTS", ANY_INT, "flags", NONE, ReadOnly, EVENTS).noting("larger buffers fit"),
    Row::new(16, "TYPE", ANY_INT, "", NONE, ReadOnly, TYPE),
    Row::new(17, "LINGER", FROM_MINUS_1, "ms", Int(-1), ReadWrite, millis!(linger, none is -1))
        .at_once().noting("-1: for ever; 0 for SUB, XSUB and DISH, and where the context has ZMQ_BLOCKY 0"),
    Row::new(18, "RECONNECT_IVL", FROM_MINUS_1, "ms", Int(100), ReadWrite, int!(reconnect_ivl_ms))
        .noting("-1, 0: never"),
    Row::new(19, "BACKLOG", NOT_NEGATIVE, "", Int(100), ReadWrite, int!(backlog)),
    Row::new(21, "RECONNECT_IVL_MAX", NOT_NEGATIVE, "ms", Int(0), ReadWrite,
        millis!(reconnect_ivl_max, none is 0)).noting("0: the interval does not grow"),
    Row::new(22, "MAXMSGSIZE", Kind::Int64, "bytes", Int(-1), ReadWrite, MAXMSGSIZE)
        .noting("negative: unlimited"),
    Row::new(23, "SNDHWM", NOT_NEGATIVE, "messages", Int(1000), ReadWrite,
        int!(sndhwm, Change::SendHwm)).at_once().noting("0: unlimited"),
    Row::new(24, "RCVHWM", NOT_NEGATIVE, "messages", Int(1000), ReadWrite,
        int!(rcvhwm, Change::RecvHwm)).at_once().noting("0: unlimited"),
    Row::new(25, "MULTICAST_HOPS", POSITIVE, "", Int(1), ReadWrite, multicast!(hops))
        .noting("for udp"),
    Row::new(27, "RCVTIMEO", FROM_MINUS_1, "ms", Int(-1), ReadWrite, millis!(rcvtimeo, none is -1))
        .at_once().noting("-1: for ever"),
    Row::new(28, "SNDTIMEO", FROM_MINUS_1, "ms", Int(-1), ReadWrite, millis!(sndtimeo, none is -1))
        .at_once().noting("-1: for ever"),
    Row::new(31, "IPV4ONLY", FLAG, "", Int(1), ReadWrite, IPV4ONLY)
        .noting("deprecated: the opposite of ZMQ_IPV6"),
    Row::new(32, "LAST_ENDPOINT", LONG_TEXT, "", Empty, ReadOnly, LAST_ENDPOINT),
    Row::new(33, "ROUTER_MANDATORY", LOOSE, "", Int(0), WriteOnly, pattern!(RouterMandatory))
        .on(&[Rep, Router]).at_once()
        .noting("also named ZMQ_FAIL_UNROUTABLE, ZMQ_ROUTER_BEHAVIOR"),
    Row::new(34, "TCP_KEEPALIVE", TRISTATE, "", Int(-1), ReadWrite, TCP_KEEPALIVE)
        .noting("-1: the system's"),
    Row::new(35, "TCP_KEEPALIVE_CNT", FROM_MINUS_1, "", Int(-1), ReadWrite,
        optional!(tcp_keepalive_cnt)).noting("-1: the system's"),
    Row::new(36, "TCP_KEEPALIVE_IDLE", FROM_MINUS_1, "s", Int(-1), ReadWrite,
        optional!(tcp_keepalive_idle_s)).noting("-1: the system's"),
    Row::new(37, "TCP_KEEPALIVE_INTVL", FROM_MINUS_1, "s", Int(-1), ReadWrite,
        optional!(tcp_keepalive_intvl_s)).noting("-1: the system's"),
    Row::new(38, "TCP_ACCEPT_FILTER", SHORT_TEXT, "", NONE, WriteOnly, TCP_ACCEPT_FILTER)
        .noting("deprecated; `address[/bits]`, NULL forgets all"),
    Row::new(39, "IMMEDIATE", FLAG, "", Int(0), ReadWrite, flag!(immediate))
        .noting("also named ZMQ_DELAY_ATTACH_ON_CONNECT"),
    Row::new(40, "XPUB_VERBOSE", LOOSE, "", Int(0), WriteOnly, pattern!(XPubVerbose))
        .on(&[Pub, XPub]).at_once(),
    Row::new(41, "ROUTER_RAW", LOOSE, "", Int(0), WriteOnly, ROUTER_RAW).on(&[Rep, Router]),
    Row::new(42, "IPV6", FLAG, "", Int(0), ReadWrite, flag!(ipv6))
        .noting("inherited from the context"),
    Row::new(43, "MECHANISM", ANY_INT, "", Int(0), ReadOnly, MECHANISM)
        .noting("follows from the options of the mechanisms"),
    Row::new(44, "PLAIN_SERVER", FLAG, "", Int(0), ReadWrite, PLAIN_SERVER)
        .noting("0: back to NULL"),
    Row::new(45, "PLAIN_USERNAME", SHORT_TEXT, "", Empty, ReadWrite, PLAIN_USERNAME)
        .noting("NULL: back to NULL"),
    Row::new(46, "PLAIN_PASSWORD", SHORT_TEXT, "", Empty, ReadWrite, PLAIN_PASSWORD)
        .noting("NULL: back to NULL"),
    Row::new(47, "CURVE_SERVER", FLAG, "", Int(0), ReadWrite, CURVE_SERVER)
        .noting("0: back to NULL"),
    Row::new(48, "CURVE_PUBLICKEY", Kind::Key, "", Words("zeros"), ReadWrite, CURVE_PUBLICKEY)
        .noting("32 bytes, or Z85 of 40 (to set) or 41 bytes"),
    Row::new(49, "CURVE_SECRETKEY", Kind::Key, "", Words("zeros"), ReadWrite, CURVE_SECRETKEY)
        .noting("32 bytes, or Z85 of 40 (to set) or 41 bytes"),
    Row::new(50, "CURVE_SERVERKEY", Kind::Key, "", Words("zeros"), ReadWrite, CURVE_SERVERKEY)
        .noting("32 bytes, or Z85 of 40 (to set) or 41 bytes"),
    Row::new(51, "PROBE_ROUTER", LOOSE, "", Int(0), WriteOnly, pattern!(ProbeRouter))
        .on(&[Req, Rep, Dealer, Router]).at_once(),
    Row::new(52, "REQ_CORRELATE", LOOSE, "", Int(0), WriteOnly, pattern!(ReqCorrelate))
        .on(&[Req]).at_once(),
    Row::new(53, "REQ_RELAXED", LOOSE, "", Int(0), WriteOnly, pattern!(ReqRelaxed))
        .on(&[Req]).at_once(),
    Row::new(54, "CONFLATE", FLAG, "", Int(0), ReadWrite, flag!(conflate))
        .noting("for DEALER, PUB, SUB, PUSH, PULL"),
    Row::new(55, "ZAP_DOMAIN", SHORT_TEXT, "", Empty, ReadWrite, ZAP_DOMAIN),
    Row::new(56, "ROUTER_HANDOVER", LOOSE, "", Int(0), WriteOnly, pattern!(RouterHandover))
        .on(&[Rep, Router]).at_once(),
    Row::new(57, "TOS", NOT_NEGATIVE, "", Int(0), ReadWrite, int!(tos)),
    Row::new(58, "IPC_FILTER_PID", ANY_INT, "", NONE, WriteOnly, process_filter!(Process))
        .noting("deprecated; NULL forgets all"),
    Row::new(59, "IPC_FILTER_UID", ANY_INT, "", NONE, WriteOnly, process_filter!(User))
        .noting("deprecated; NULL forgets all"),
    Row::new(60, "IPC_FILTER_GID", ANY_INT, "", NONE, WriteOnly, process_filter!(Group))
        .noting("deprecated; NULL forgets all"),
    Row::new(61, "CONNECT_ROUTING_ID", LONG_ID, "", NONE, WriteOnly, CONNECT_ROUTING_ID)
        .on(&[Rep, Router, Stream])
        .noting("also named ZMQ_CONNECT_RID; for the next connect"),
    Row::new(62, "GSSAPI_SERVER", FLAG, "", Int(0), ReadWrite, GSSAPI_SERVER),
    Row::new(63, "GSSAPI_PRINCIPAL", SHORT_TEXT, "", Empty, ReadWrite, GSSAPI_PRINCIPAL),
    Row::new(64, "GSSAPI_SERVICE_PRINCIPAL", SHORT_TEXT, "", Empty, ReadWrite, GSSAPI_SERVICE_PRINCIPAL),
    Row::new(65, "GSSAPI_PLAINTEXT", FLAG, "", Int(0), ReadWrite, GSSAPI_PLAINTEXT),
    Row::new(66, "HANDSHAKE_IVL", NOT_NEGATIVE, "ms", Int(30_000), ReadWrite,
        millis!(handshake_ivl, none is 0)).noting("0: for ever"),
    Row::new(68, "SOCKS_PROXY", LONG_TEXT, "", Empty, ReadWrite, SOCKS_PROXY)
        .noting("for tcp connects"),
    Row::new(69, "XPUB_NODROP", LOOSE, "", Int(0), WriteOnly, pattern!(XPubNoDrop))
        .on(&[Pub, XPub]).at_once(),
    Row::new(71, "XPUB_MANUAL", LOOSE, "", Int(0), WriteOnly, pattern!(XPubManual))
        .on(&[Pub, XPub]).at_once(),
    Row::new(72, "XPUB_WELCOME_MSG", TOPIC, "", Empty, WriteOnly, XPUB_WELCOME_MSG)
        .on(&[Pub, XPub]).at_once().noting("empty: none; for those who come from then on"),
    Row::new(73, "STREAM_NOTIFY", FLAG, "", Int(1), WriteOnly, STREAM_NOTIFY).on(&[Stream]),
    Row::new(74, "INVERT_MATCHING", ANY_FLAG, "", Int(0), ReadWrite, INVERT_MATCHING).at_once()
        .noting("for PUB, XPUB, SUB"),
    Row::new(75, "HEARTBEAT_IVL", NOT_NEGATIVE, "ms", Int(0), ReadWrite,
        millis!(heartbeat_ivl, none is 0)).noting("0: no heartbeats"),
    Row::new(76, "HEARTBEAT_TTL", TTL, "ms", Int(0), ReadWrite, HEARTBEAT_TTL)
        .noting("cut to tenths of a second"),
    Row::new(77, "HEARTBEAT_TIMEOUT", NOT_NEGATIVE, "ms", Int(-1), ReadWrite,
        millis!(heartbeat_timeout, none is -1)).noting("-1 until set: ZMQ_HEARTBEAT_IVL"),
    Row::new(78, "XPUB_VERBOSER", LOOSE, "", Int(0), WriteOnly, pattern!(XPubVerboser))
        .on(&[Pub, XPub]).at_once(),
    Row::new(79, "CONNECT_TIMEOUT", NOT_NEGATIVE, "ms", Int(0), ReadWrite,
        millis!(connect_timeout, none is 0)).noting("0: the system's"),
    Row::new(80, "TCP_MAXRT", NOT_NEGATIVE, "ms", Int(0), ReadWrite, millis!(tcp_maxrt, none is 0))
        .noting("0: the system's"),
    Row::new(81, "THREAD_SAFE", FLAG, "", Int(0), ReadOnly, THREAD_SAFE)
        .noting("larger buffers fit; 1 for the types of the draft API, but DGRAM"),
    Row::new(84, "MULTICAST_MAXTPDU", POSITIVE, "bytes", Int(1500), ReadWrite,
        multicast!(max_tpdu_bytes)).noting(MULTICAST),
    Row::new(85, "VMCI_BUFFER_SIZE", BITS_64, "bytes", NONE, ReadWrite, Absent),
    Row::new(86, "VMCI_BUFFER_MIN_SIZE", BITS_64, "bytes", NONE, ReadWrite, Absent),
    Row::new(87, "VMCI_BUFFER_MAX_SIZE", BITS_64, "bytes", NONE, ReadWrite, Absent),
    Row::new(88, "VMCI_CONNECT_TIMEOUT", ANY_INT, "ms", NONE, ReadWrite, Absent),
    Row::new(89, "USE_FD", FROM_MINUS_1, "", Int(-1), ReadWrite, optional!(use_fd))
        .noting("for bind, tcp and ipc; -1: one of its own"),
    Row::new(90, "GSSAPI_PRINCIPAL_NAMETYPE", NAME_TYPE, "", Int(0), ReadWrite, GSSAPI_PRINCIPAL_NAMETYPE),
    Row::new(91, "GSSAPI_SERVICE_PRINCIPAL_NAMETYPE", NAME_TYPE, "", Int(0), ReadWrite, GSSAPI_SERVICE_PRINCIPAL_NAMETYPE),
    Row::new(92, "BINDTODEVICE", DEVICE, "", Empty, ReadWrite, BINDTODEVICE),
    Row::new(93, "ZAP_ENFORCE_DOMAIN", ANY_FLAG, "", Int(0), ReadWrite, ZAP_ENFORCE_DOMAIN)
        .noting("draft"),
    Row::new(94, "LOOPBACK_FASTPATH", ANY_FLAG, "", Int(0), ReadWrite,
        multicast!(flag fast_loopback)).noting("draft; means something on Windows only"),
    Row::new(95, "METADATA", LONG_TEXT, "", NONE, WriteOnly, METADATA)
        .noting("draft; `X-name:value`"),
    Row::new(96, "MULTICAST_LOOP", ANY_FLAG, "", Int(1), ReadWrite,
        multicast!(flag loops_back)).noting("draft; for udp"),
    #[cfg(feature = "draft")]
    draft::ROUTER_NOTIFY,
    Row::new(98, "XPUB_MANUAL_LAST_VALUE", LOOSE, "", Int(0), WriteOnly,
        pattern!(XPubManualLastValue)).on(&[Pub, XPub]).at_once()
        .noting("draft; sets ZMQ_XPUB_MANUAL, too"),
    Row::new(99, "SOCKS_USERNAME", SHORT_OR_NO_TEXT, "", Empty, ReadWrite, SOCKS_USERNAME)
        .noting("draft"),
    Row::new(100, "SOCKS_PASSWORD", SHORT_OR_NO_TEXT, "", Empty, ReadWrite, SOCKS_PASSWORD)
        .noting("draft"),
    Row::new(108, "ONLY_FIRST_SUBSCRIBE", LOOSE, "", Int(0), WriteOnly,
        pattern!(OnlyFirstSubscribe)).on(&[Pub, XPub, XSub]).at_once().noting("draft"),
    Row::new(109, "RECONNECT_STOP", ANY_INT, "flags", Int(0), ReadWrite, int!(reconnect_stop))
        .noting("draft; 1: when refused, 2: when a handshake fails"),
    #[cfg(feature = "draft")]
    draft::HELLO_MSG,
    #[cfg(feature = "draft")]
    draft::DISCONNECT_MSG,
    #[cfg(feature = "draft")]
    draft::PRIORITY,
    #[cfg(feature = "draft")]
    draft::BUSY_POLL,
    #[cfg(feature = "draft")]
    draft::HICCUP_MSG,
    #[cfg(feature = "draft")]
    draft::XSUB_VERBOSE_UNSUBSCRIBE,
    #[cfg(feature = "draft")]
    draft::TOPICS_COUNT,
];

/// Where in the table the row of each number is; 255 is nowhere.
const ROW_OF_NUMBER: [u8; 128] = {
    let mut places = [u8::MAX; 128];
    let mut place = 0;
    while place < TABLE.len() {
        places[TABLE[place].number as usize] = place as u8;
        place += 1;
    }
    places
};

#[cfg(test)]
mod tests;
