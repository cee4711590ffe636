//! The options of one socket as typed values, set and read as the C functions
//! do. A value owned by its socket: whoever holds the socket may change it; a
//! connection works on the clone taken when it was bound or connected.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::{Errno, Result};
use crate::socket_type::SocketType;

use super::context::ContextOptions;
use super::row::Row;
use super::security::SecurityOptions;
use super::socks::SocksOptions;
use super::table;

/// The options of one socket.
#[derive(Clone, Debug)]
pub struct SocketOptions {
    kind: SocketType,
    /// `ZMQ_AFFINITY`: bit n lets I/O thread n serve new connections; 0: any.
    pub affinity: u64,
    /// `ZMQ_ROUTING_ID`: the name given to peers; empty: none.
    pub routing_id: Vec<u8>,
    /// `ZMQ_SNDBUF`: `SO_SNDBUF`; `None` leaves the system's.
    pub sndbuf_bytes: Option<i32>,
    /// `ZMQ_RCVBUF`: `SO_RCVBUF`; `None` leaves the system's.
    pub rcvbuf_bytes: Option<i32>,
    /// `ZMQ_LINGER`: how long unsent messages outlive the socket; `None`: for
    /// ever.
    pub linger: Option<Duration>,
    /// `ZMQ_RECONNECT_IVL` as given; see [`SocketOptions::reconnect_interval`].
    pub reconnect_ivl_ms: i32,
    /// `ZMQ_RECONNECT_IVL_MAX`: how far the interval doubles; `None`: it stays.
    pub reconnect_ivl_max: Option<Duration>,
    /// `ZMQ_BACKLOG`: the argument of `listen`.
    pub backlog: i32,
    /// `ZMQ_MAXMSGSIZE` as given; see [`SocketOptions::max_message_bytes`].
    pub maxmsgsize_bytes: i64,
    /// `ZMQ_SNDHWM`: messages per outgoing pipe; 0: unlimited.
    pub sndhwm: i32,
    /// `ZMQ_RCVHWM`: messages per incoming pipe; 0: unlimited.
    pub rcvhwm: i32,
    /// `ZMQ_SNDTIMEO`: how long a send blocks; `None`: for ever.
    pub sndtimeo: Option<Duration>,
    /// `ZMQ_RCVTIMEO`: how long a receive blocks; `None`: for ever.
    pub rcvtimeo: Option<Duration>,
    /// `ZMQ_TCP_KEEPALIVE`: `SO_KEEPALIVE`; `None` leaves the system's.
    pub tcp_keepalive: Option<bool>,
    /// `ZMQ_TCP_KEEPALIVE_CNT`: `TCP_KEEPCNT`; `None` leaves the system's.
    pub tcp_keepalive_cnt: Option<i32>,
    /// `ZMQ_TCP_KEEPALIVE_IDLE`: `TCP_KEEPIDLE`; `None` leaves the system's.
    pub tcp_keepalive_idle_s: Option<i32>,
    /// `ZMQ_TCP_KEEPALIVE_INTVL`: `TCP_KEEPINTVL`; `None` leaves the system's.
    pub tcp_keepalive_intvl_s: Option<i32>,
    /// `ZMQ_IMMEDIATE`: queue messages only for finished connections.
    pub immediate: bool,
    /// `ZMQ_IPV6` (and its opposite `ZMQ_IPV4ONLY`).
    pub ipv6: bool,
    /// `ZMQ_CONFLATE`: keep only the last message.
    pub conflate: bool,
    /// `ZMQ_TOS`: `IP_TOS`; 0 leaves the system's.
    pub tos: i32,
    /// `ZMQ_HANDSHAKE_IVL`: how long a handshake may take; `None`: for ever.
    pub handshake_ivl: Option<Duration>,
    /// `ZMQ_INVERT_MATCHING`: what matches a subscription is what is dropped.
    pub invert_matching: bool,
    /// `ZMQ_ROUTER_RAW` (ROUTER, REP): connections carry bytes without ZMTP.
    pub router_raw: bool,
    /// `ZMQ_STREAM_NOTIFY` (STREAM): connections tell of their beginning and
    /// end.
    pub stream_notify: bool,
    /// `ZMQ_HEARTBEAT_IVL`: how often to PING; `None`: never.
    pub heartbeat_ivl: Option<Duration>,
    /// `ZMQ_HEARTBEAT_TTL` in the unit of the PING command; 0: none.
    pub heartbeat_ttl_deciseconds: u16,
    /// `ZMQ_HEARTBEAT_TIMEOUT`, how long a peer may stay silent after a PING;
    /// `None` until set: as long as the interval of the heartbeats.
    pub heartbeat_timeout: Option<Duration>,
    /// `ZMQ_CONNECT_TIMEOUT`: how long a connect may take; `None`: as long as
    /// the system lets it.
    pub connect_timeout: Option<Duration>,
    /// `ZMQ_TCP_MAXRT`: `TCP_USER_TIMEOUT`; `None` leaves the system's.
    pub tcp_maxrt: Option<Duration>,
    /// `ZMQ_BINDTODEVICE` as given; see [`SocketOptions::device`].
    pub bind_to_device: Vec<u8>,
    /// `ZMQ_USE_FD`: the listening socket that the next bind serves; `None`:
    /// one of its own.
    pub use_fd: Option<i32>,
    /// `ZMQ_METADATA`: the properties that peers are told, by name.
    pub metadata: BTreeMap<Vec<u8>, Vec<u8>>,
    /// `ZMQ_RECONNECT_STOP`: what ends reconnecting; see
    /// [`SocketOptions::stops_when_refused`].
    pub reconnect_stop: i32,
    /// Mechanism, names and passwords, and who judges them.
    pub security: SecurityOptions,
    /// The proxy for tcp connects.
    pub socks: SocksOptions,
    /// What concerns multicast: udp heeds two of them, the others are kept to be read
    /// back.
    pub multicast: Multicast,
    /// Those of the draft API.
    #[cfg(feature = "draft")]
    pub draft: super::draft::DraftOptions,
}

/// The options of multicast, and `ZMQ_LOOPBACK_FASTPATH`, which means something to
/// Windows alone. Those that udp does not heed are of transports that are not here:
/// programs set them whether they use them or not.
#[derive(Clone, Debug)]
pub struct Multicast {
    /// `ZMQ_RATE`.
    pub rate_kbps: i32,
    /// `ZMQ_RECOVERY_IVL`.
    pub recovery_ivl_ms: i32,
    /// `ZMQ_MULTICAST_HOPS`.
    pub hops: i32,
    /// `ZMQ_MULTICAST_MAXTPDU`.
    pub max_tpdu_bytes: i32,
    /// `ZMQ_MULTICAST_LOOP`.
    pub loops_back: bool,
    /// `ZMQ_LOOPBACK_FASTPATH`.
    pub fast_loopback: bool,
}

/// What the socket must do after an option was set, beyond storing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'v> {
    /// Nothing.
    Stored,
    /// Bring the new `sndhwm` to the pipes that exist.
    SendHwm,
    /// Bring the new `rcvhwm` to the pipes that exist.
    RecvHwm,
    /// Subscribe to this topic.
    Subscribe(&'v [u8]),
    /// End one subscription to this topic, if there is one.
    Unsubscribe(&'v [u8]),
    /// Tell the pattern.
    Pattern(PatternOption<'v>),
    /// Let some peers connect to what is bound from now on.
    Filter(Filter<'v>),
}

/// One more filter of accepted peers; `None` forgets all of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter<'v> {
    /// `ZMQ_TCP_ACCEPT_FILTER`: the text of an address, maybe with bits.
    Network(Option<&'v [u8]>),
    /// `ZMQ_IPC_FILTER_PID`.
    Process(Option<i32>),
    /// `ZMQ_IPC_FILTER_UID`.
    User(Option<i32>),
    /// `ZMQ_IPC_FILTER_GID`.
    Group(Option<i32>),
}

/// An option that means something to the socket type alone. Only types that
/// know it get here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternOption<'v> {
    /// `ZMQ_ROUTER_MANDATORY` (ROUTER, REP).
    RouterMandatory(bool),
    /// `ZMQ_ROUTER_HANDOVER` (ROUTER, REP).
    RouterHandover(bool),
    /// `ZMQ_ROUTER_RAW` (ROUTER, REP).
    RouterRaw(bool),
    /// `ZMQ_CONNECT_ROUTING_ID` (ROUTER, REP, STREAM): the name of the peer that the
    /// next connect reaches. Not empty; may be longer than a routing id.
    ConnectRoutingId(&'v [u8]),
    /// `ZMQ_PROBE_ROUTER` (REQ, REP, DEALER, ROUTER).
    ProbeRouter(bool),
    /// `ZMQ_REQ_CORRELATE` (REQ).
    ReqCorrelate(bool),
    /// `ZMQ_REQ_RELAXED` (REQ).
    ReqRelaxed(bool),
    /// `ZMQ_XPUB_VERBOSE` (XPUB, PUB).
    XPubVerbose(bool),
    /// `ZMQ_XPUB_VERBOSER` (XPUB, PUB).
    XPubVerboser(bool),
    /// `ZMQ_XPUB_NODROP` (XPUB, PUB).
    XPubNoDrop(bool),
    /// `ZMQ_XPUB_MANUAL` (XPUB, PUB).
    XPubManual(bool),
    /// `ZMQ_XPUB_MANUAL_LAST_VALUE` (XPUB, PUB).
    XPubManualLastValue(bool),
    /// `ZMQ_XPUB_WELCOME_MSG` (XPUB, PUB); empty: none.
    XPubWelcome(&'v [u8]),
    /// `ZMQ_ONLY_FIRST_SUBSCRIBE` (XPUB, PUB, XSUB).
    OnlyFirstSubscribe(bool),
    /// `ZMQ_ROUTER_NOTIFY` (ROUTER): 1 for peers that come, 2 for those that go.
    #[cfg(feature = "draft")]
    RouterNotify(i32),
    /// `ZMQ_XSUB_VERBOSE_UNSUBSCRIBE` (XSUB).
    #[cfg(feature = "draft")]
    XSubVerboseCancel(bool),
    /// `ZMQ_INVERT_MATCHING` (every type; PUB, XPUB and SUB act on it).
    InvertMatching(bool),
}

/// What only the socket knows and `zmq_getsockopt` asks for. Called on the
/// thread of the C call; nothing here blocks.
pub trait Live {
    /// `ZMQ_RCVMORE`: the frame received last has another one behind it.
    fn receive_more(&self) -> bool;
    /// `ZMQ_EVENTS`, after processing what is pending; `ETERM` where that says
    /// so.
    fn events(&self) -> Result<i32>;
    /// `ZMQ_THREAD_SAFE`: the type is made for several threads at once.
    fn thread_safe(&self) -> bool;
    /// `ZMQ_TOPICS_COUNT`. `EINVAL` for types without topics.
    #[cfg(feature = "draft")]
    fn topics_count(&self) -> Result<i32>;
    /// `ZMQ_FD`, made at the first call. `EINVAL` for types made for several
    /// threads.
    fn fd(&self) -> Result<i32>;
    /// `ZMQ_LAST_ENDPOINT` without a terminating zero; empty before the first.
    fn last_endpoint(&self) -> &[u8];
}

impl SocketOptions {
    /// The options of a new socket.
    pub fn new(kind: SocketType, context_defaults: &ContextOptions) -> SocketOptions {
        use SocketType::{Dish, Sub, XSub};
        let lingers = context_defaults.blocky && !matches!(kind, Sub | XSub | Dish);
        SocketOptions {
            kind,
            affinity: 0,
            routing_id: Vec::new(),
            sndbuf_bytes: None,
            rcvbuf_bytes: None,
            linger: if lingers { None } else { Some(Duration::ZERO) },
            reconnect_ivl_ms: 100,
            reconnect_ivl_max: None,
            backlog: 100,
            maxmsgsize_bytes: -1,
            sndhwm: 1000,
            rcvhwm: 1000,
            sndtimeo: None,
            rcvtimeo: None,
            tcp_keepalive: None,
            tcp_keepalive_cnt: None,
            tcp_keepalive_idle_s: None,
            tcp_keepalive_intvl_s: None,
            immediate: false,
            ipv6: context_defaults.ipv6,
            conflate: false,
            tos: 0,
            handshake_ivl: Some(Duration::from_secs(30)),
            invert_matching: false,
            router_raw: false,
            stream_notify: true,
            heartbeat_ivl: None,
            heartbeat_ttl_deciseconds: 0,
            heartbeat_timeout: None,
            connect_timeout: None,
            tcp_maxrt: None,
            bind_to_device: Vec::new(),
            use_fd: None,
            metadata: BTreeMap::new(),
            reconnect_stop: 0,
            security: SecurityOptions::default(),
            socks: SocksOptions::default(),
            multicast: Multicast {
                rate_kbps: 100,
                recovery_ivl_ms: 10_000,
                hops: 1,
                max_tpdu_bytes: 1500,
                loops_back: true,
                fast_loopback: false,
            },
            #[cfg(feature = "draft")]
            draft: super::draft::DraftOptions::default(),
        }
    }

    /// The type of the socket.
    pub fn kind(&self) -> SocketType {
        self.kind
    }

    /// Sets an option from the bytes a caller gave; `None` is a NULL pointer of
    /// size 0. On an error nothing has changed.
    pub fn set<'v>(&mut self, option: i32, value: Option<&'v [u8]>) -> Result<Change<'v>> {
        table::find(option).ok_or(Errno::EINVAL)?.set(self, value)
    }

    /// Whether only a look at a value of this many bytes could tell whether it
    /// may be set: `EINVAL` is certain otherwise.
    pub fn reads_value(&self, option: i32, length: usize) -> bool {
        table::find(option).is_some_and(|row| row.reads_value(self.kind, length))
    }

    /// Whether the option may be set to NULL of whatever size.
    pub fn takes_null(&self, option: i32) -> bool {
        table::find(option).is_some_and(Row::takes_null)
    }

    /// Reads an option into the caller's buffer: the value, then zeros to the
    /// buffer's end. Returns the length of the value, the terminating zero of a
    /// text included.
    pub fn get(&self, option: i32, live: &dyn Live, buffer: &mut [u8]) -> Result<usize> {
        table::find(option).ok_or(Errno::EINVAL)?.get(self, live, buffer)
    }

    /// How long to wait before the first reconnect; `None`: never reconnect.
    pub fn reconnect_interval(&self) -> Option<Duration> {
        (self.reconnect_ivl_ms > 0).then(|| Duration::from_millis(self.reconnect_ivl_ms as u64))
    }

    /// The largest body a peer may send; `None`: any.
    pub fn max_message_bytes(&self) -> Option<u64> {
        u64::try_from(self.maxmsgsize_bytes).ok()
    }

    /// Whether a refused connection is the last attempt.
    pub fn stops_when_refused(&self) -> bool {
        self.reconnect_stop & RECONNECT_STOP_CONN_REFUSED != 0
    }

    /// Whether a connection that ends before its handshake does is the last.
    pub fn stops_when_handshake_fails(&self) -> bool {
        self.reconnect_stop & RECONNECT_STOP_HANDSHAKE_FAILED != 0
    }

    /// Adds a property `X-name:value` that peers are told; a second one of the
    /// same name changes nothing, as in libzmq.
    pub(super) fn add_metadata(&mut self, text: &[u8]) -> Result<()> {
        let colon = text.iter().position(|byte| *byte == b':').ok_or(Errno::EINVAL)?;
        let (name, value) = (&text[..colon], &text[colon + 1..]);
        let valid = text.len() >= PROPERTY_MIN_BYTES
            && name.starts_with(b"X-")
            && name.len() <= PROPERTY_NAME_MAX_BYTES
            && !value.is_empty();
        if !valid {
            return Err(Errno::EINVAL);
        }
        self.metadata.entry(name.to_vec()).or_insert_with(|| value.to_vec());
        Ok(())
    }

    /// The network device to bind connections to, if any, without the zeros
    /// that a caller counted in.
    pub fn device(&self) -> Option<&[u8]> {
        self.bind_to_device.split(|byte| *byte == 0).next().filter(|name| !name.is_empty())
    }
}

/// `ZMQ_RECONNECT_STOP_CONN_REFUSED`.
const RECONNECT_STOP_CONN_REFUSED: i32 = 1;
/// `ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED`.
const RECONNECT_STOP_HANDSHAKE_FAILED: i32 = 2;
/// libzmq takes no shorter text for a property.
const PROPERTY_MIN_BYTES: usize = 5;
/// The wire has one byte for the length of a name.
const PROPERTY_NAME_MAX_BYTES: usize = 255;

#[cfg(test)]
mod tests;
