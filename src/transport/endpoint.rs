//! Endpoint texts, `transport://address`, as the C functions receive them.
//!
//! Splitting a text says nothing about whether it can be bound or connected:
//! the two have different syntax, and unbind and disconnect compare texts that
//! need be neither. `zmq_connect` rejects at once what
//! [`Endpoint::check_connect`] rejects; whatever else is wrong with an address
//! shows when it is resolved, and a connecting session tries that for ever.

use std::net::SocketAddr;

use super::address::{Address, UnixAddress};
use super::lookup;
use crate::error::{Errno, Result};

/// Of a text there are copies in several places: it ends before that is a matter of
/// memory.
const LONGEST: usize = 1 << 20;

/// Where to bind or connect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `tcp://…`
    Tcp(TcpAddress),
    /// `ipc://…`
    Ipc(IpcAddress),
    /// `udp://…`, for RADIO, DISH and DGRAM
    Udp(UdpAddress),
    /// `inproc://name`; any non-empty name will do.
    Inproc(String),
}

/// The address part of a tcp endpoint: `[source;]host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TcpAddress(pub(super) String);

/// The address part of an udp endpoint: `[interface;]host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UdpAddress(String);

/// The address part of an ipc endpoint: a path, `@name` in the abstract
/// namespace, or `*` for a temporary path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IpcAddress(pub(super) String);

impl Endpoint {
    /// Splits an endpoint text. Fails with EINVAL when the text has not the
    /// form `transport://address` or is too long, and with EPROTONOSUPPORT for a
    /// transport that is not here.
    pub fn parse(text: &str) -> Result<Endpoint> {
        if text.len() > LONGEST {
            return Err(Errno::EINVAL);
        }
        let (protocol, address) = text.split_once("://").ok_or(Errno::EINVAL)?;
        if protocol.is_empty() || address.is_empty() {
            return Err(Errno::EINVAL);
        }
        match protocol {
            "tcp" => Ok(Endpoint::Tcp(TcpAddress(address.to_owned()))),
            "ipc" => Ok(Endpoint::Ipc(IpcAddress(address.to_owned()))),
            "inproc" => Ok(Endpoint::Inproc(address.to_owned())),
            "udp" => Ok(Endpoint::Udp(UdpAddress(address.to_owned()))),
            _ => Err(Errno::EPROTONOSUPPORT),
        }
    }

    /// What `zmq_connect` refuses before it makes a session.
    pub fn check_connect(&self) -> Result<()> {
        match self {
            Endpoint::Tcp(address) => address.check_connect(),
            Endpoint::Ipc(address) => address.address().map(drop),
            // An udp address is looked up before anything is made.
            Endpoint::Udp(_) | Endpoint::Inproc(_) => Ok(()),
        }
    }

    /// The text under which a bound tcp endpoint of this address would be
    /// known, when it differs from the endpoint's own and can be found out:
    /// `tcp://127.1:5x` is `tcp://127.0.0.1:5`. `zmq_unbind` and
    /// `zmq_disconnect` look for it when they don't know the text they were
    /// given. Wildcards, of ports, too, and interface names have none, as in
    /// libzmq. Blocks while a host name is looked up.
    pub fn canonical(&self, ipv6: bool) -> Option<String> {
        let Endpoint::Tcp(address) = self else {
            return None;
        };
        let target = lookup::target(address, ipv6).ok()?;
        let address = *target.addresses.first().filter(|address| address.port() != 0)?;
        Some(Address::Tcp(address).endpoint())
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Endpoint::Tcp(TcpAddress(address)) => write!(f, "tcp://{address}"),
            Endpoint::Ipc(IpcAddress(address)) => write!(f, "ipc://{address}"),
            Endpoint::Udp(UdpAddress(address)) => write!(f, "udp://{address}"),
            Endpoint::Inproc(name) => write!(f, "inproc://{name}"),
        }
    }
}

impl TcpAddress {
    /// The address to connect from, if the endpoint names one. ENODEV, EINVAL.
    pub fn source(&self, ipv6: bool) -> Result<Option<SocketAddr>> {
        lookup::source(self, ipv6)
    }

    /// The source, if one is given, and the rest.
    pub(super) fn split_source(&self) -> (Option<&str>, &str) {
        match self.0.rsplit_once(';') {
            Some((source, rest)) => (Some(source), rest),
            None => (None, &self.0),
        }
    }

    /// libzmq looks at the characters only: the first may begin a name or an
    /// address, the rest may be part of one, and a digit follows the last
    /// colon.
    fn check_connect(&self) -> Result<()> {
        let bytes = self.0.as_bytes();
        let starts = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'[' | b':');
        let continues = |b: &u8| b.is_ascii_alphanumeric() || b"%*-.:;[]_".contains(b);
        let port = bytes.iter().rposition(|b| *b == b':').map(|at| at + 1);
        let valid = bytes.first().is_some_and(starts)
            && bytes.iter().all(continues)
            && port.is_some_and(|at| bytes.get(at).is_some_and(u8::is_ascii_digit));
        if valid { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

impl UdpAddress {
    #[cfg(test)]
    pub(super) fn new(text: &str) -> UdpAddress {
        UdpAddress(text.to_owned())
    }

    /// The interface, if one is given, and the rest.
    pub(super) fn split_interface(&self) -> (Option<&str>, &str) {
        match self.0.split_once(';') {
            Some((interface, rest)) => (Some(interface), rest),
            None => (None, &self.0),
        }
    }
}

impl IpcAddress {
    /// Whether binding it makes a temporary path. libzmq looks at the first
    /// character only.
    pub(super) fn is_wildcard(&self) -> bool {
        self.0.starts_with('*')
    }

    /// The address for the kernel. ENAMETOOLONG past 107 bytes, EINVAL for an
    /// abstract name without a name.
    pub fn address(&self) -> Result<UnixAddress> {
        UnixAddress::new(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connectable(text: &str) -> Result<()> {
        Endpoint::parse(text)?.check_connect()
    }

    #[test]
    fn an_endpoint_needs_transport_separator_and_address() {
        for text in ["", "tcp", "tcp:", "tcp:/a:1", "://a:1", "tcp://", "foo://", "inproc"] {
            assert_eq!(Endpoint::parse(text), Err(Errno::EINVAL), "{text}");
        }
        for text in ["TCP://a:1", "foo://a", "tcp ://a:1", "ws://a:1"] {
            assert_eq!(Endpoint::parse(text), Err(Errno::EPROTONOSUPPORT), "{text}");
        }
    }

    #[test]
    fn an_endpoint_prints_as_it_was_written() {
        for text in ["tcp://*:*", "udp://lo;*:5", "ipc://@a", "inproc://x://y", "tcp://lo:0;a:1"] {
            assert_eq!(Endpoint::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn connect_takes_what_may_be_a_name() {
        for text in [
            "tcp://a:1",
            "tcp://:1",
            "tcp://::1:1",
            "tcp://[fe80::1%lo]:1",
            "tcp://a_b-.:1x",
            "tcp://127.0.0.1:99999",
            "tcp://lo:*;a:1",
            "tcp://a:0;",
            "ipc:///",
            "inproc://*",
        ] {
            assert_eq!(connectable(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn connect_refuses_what_cannot_be_a_name() {
        for text in [
            "tcp://*:1",
            "tcp://a:*",
            "tcp://a",
            "tcp://a:",
            "tcp://a:-1",
            "tcp://a: 1",
            "tcp://a:1:",
            "tcp://-a:1",
            "tcp://.a:1",
            "tcp://a/b:1",
            "tcp://a:1/",
            "tcp://ä:1",
            "tcp://;a:1",
            "tcp://a:1;b:c",
            "ipc://@",
        ] {
            assert_eq!(connectable(text), Err(Errno::EINVAL), "{text}");
        }
    }

    #[test]
    fn ipc_paths_end_at_107_bytes() {
        let longest = "x".repeat(107);
        assert_eq!(connectable(&format!("ipc://{longest}")), Ok(()));
        assert_eq!(connectable(&format!("ipc://{longest}x")), Err(Errno::ENAMETOOLONG));
        assert_eq!(connectable(&format!("ipc://@{longest}")), Err(Errno::ENAMETOOLONG));
    }

    #[test]
    fn canonical_texts_are_numeric() {
        let canonical = |text: &str, v6| Endpoint::parse(text).unwrap().canonical(v6);
        assert_eq!(canonical("tcp://127.1:99999", false).as_deref(), Some("tcp://127.0.0.1:34463"));
        assert_eq!(
            canonical("tcp://[127.0.0.1]:5x", true).as_deref(),
            Some("tcp://[::ffff:127.0.0.1]:5")
        );
        assert_eq!(canonical("tcp://*:5", false), None);
        assert_eq!(canonical("tcp://127.0.0.1:*", false), None);
        assert_eq!(canonical("ipc://a", false), None);
    }
}
