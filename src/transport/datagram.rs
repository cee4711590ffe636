//! UDP (manual page zmq_udp): sockets that send to one address, and sockets that
//! are bound, to an address of the machine's or to a multicast group, which they
//! join. Made on the application's thread, read and written by whoever drives them.

use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};

use super::address::{Address, RawAddress, mapped};
use super::endpoint::{TcpAddress, UdpAddress};
use super::fd::Fd;
use super::lookup;
use super::tuning::Tuning;
use crate::error::{Errno, Result};

/// What options ask of multicast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multicast {
    /// `ZMQ_MULTICAST_HOPS`: how far datagrams go.
    pub hops: i32,
    /// `ZMQ_MULTICAST_LOOP`: whether this machine hears them, too.
    pub loops_back: bool,
}

/// An open UDP socket.
#[derive(Debug)]
pub struct Datagrams {
    fd: Fd,
    ipv6: bool,
}

impl Datagrams {
    /// Binds, and says where: the text that `zmq_unbind` takes. Blocks while a
    /// host name is looked up. EINVAL, ENODEV, EADDRINUSE, EADDRNOTAVAIL or what
    /// else the kernel says.
    pub fn bind(
        address: &UdpAddress,
        tuning: &Tuning,
        multicast: &Multicast,
    ) -> Result<(Datagrams, String)> {
        let (interface, place) = address.split_interface();
        let found = lookup::local(&TcpAddress(place.to_owned()), tuning.ipv6)?;
        let wanted = plain(*found.first().ok_or(Errno::ENODEV)?);
        let datagrams = Datagrams::open(wanted, tuning)?;
        let joins = wanted.ip().is_multicast();
        if joins {
            // Every program on this machine may listen to a group.
            datagrams.fd.set(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        }
        let interface = interface.map(|name| Interface::find(name, tuning.ipv6)).transpose()?;
        datagrams.reach(&interface, multicast)?;
        datagrams.fd.bind(&Address::Tcp(wanted).encode())?;
        if joins {
            datagrams.join(wanted.ip(), &interface)?;
        }
        let Address::Tcp(bound) = datagrams.fd.local()? else { return Err(Errno::EAFNOSUPPORT) };
        let chosen = interface.map_or_else(String::new, |interface| interface.text + ";");
        Ok((datagrams, format!("udp://{chosen}{bound}")))
    }

    /// A socket that sends, and where to. Blocks while a host name is looked up.
    /// EINVAL for what is no address, or what else the kernel says.
    pub fn to(
        address: &UdpAddress,
        tuning: &Tuning,
        multicast: &Multicast,
    ) -> Result<(Datagrams, SocketAddr)> {
        let (interface, place) = address.split_interface();
        let target = lookup::target(&TcpAddress(place.to_owned()), tuning.ipv6);
        let found = target.map_err(|_| Errno::EINVAL)?.addresses;
        let to = plain(*found.first().ok_or(Errno::EINVAL)?);
        if to.port() == 0 {
            return Err(Errno::EINVAL);
        }
        let datagrams = Datagrams::open(to, tuning)?;
        let interface = interface.map(|name| Interface::find(name, tuning.ipv6)).transpose()?;
        datagrams.reach(&interface, multicast)?;
        Ok((datagrams, to))
    }

    /// The next datagram, as much of it as fits, and where it came from. `None`
    /// when there is none.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<(usize, SocketAddr)>> {
        loop {
            let mut from = RawAddress::empty();
            match self.fd.receive_from(buffer, &mut from) {
                Ok(len) => {
                    if let Ok(Address::Tcp(from)) = from.decode() {
                        return Ok(Some((len, plain(from))));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                // What a former datagram came to is told to whoever calls next.
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a datagram. Fails with `WouldBlock` when the kernel takes no more for
    /// now.
    pub fn send(&self, to: SocketAddr, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let to = if self.ipv6 { mapped(to) } else { to };
        self.fd.send_to(parts, &Address::Tcp(to).encode()).map(drop)
    }

    fn open(address: SocketAddr, tuning: &Tuning) -> Result<Datagrams> {
        let family = Address::Tcp(address).family();
        let fd = Fd::datagram(family)?;
        tuning.prepare(&fd, family)?;
        Ok(Datagrams { fd, ipv6: address.is_ipv6() })
    }

    /// How far, and by which interface, what is sent to a group goes.
    fn reach(&self, interface: &Option<Interface>, multicast: &Multicast) -> Result<()> {
        let loops_back = i32::from(multicast.loops_back);
        if self.ipv6 {
            self.fd.set(libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_HOPS, multicast.hops.min(255))?;
            self.fd.set(libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_LOOP, loops_back)?;
            if let Some(interface) = interface {
                let index = interface.index.cast_signed();
                self.fd.set(libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF, index)?;
            }
            return Ok(());
        }
        self.fd.set(libc::IPPROTO_IP, libc::IP_MULTICAST_TTL, multicast.hops.min(255))?;
        self.fd.set(libc::IPPROTO_IP, libc::IP_MULTICAST_LOOP, loops_back)?;
        if let Some(interface) = interface {
            let address = interface.v4().octets();
            self.fd.set_bytes(libc::IPPROTO_IP, libc::IP_MULTICAST_IF, &address)?;
        }
        Ok(())
    }

    fn join(&self, group: IpAddr, interface: &Option<Interface>) -> Result<()> {
        match group {
            IpAddr::V4(group) => {
                let address = interface.as_ref().map_or(Ipv4Addr::UNSPECIFIED, Interface::v4);
                // ip_mreq: the group, then the interface.
                let request = [group.octets(), address.octets()].concat();
                self.fd.set_bytes(libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, &request)
            }
            IpAddr::V6(group) => {
                let index = interface.as_ref().map_or(0, |interface| interface.index);
                // ipv6_mreq: the group, then the interface.
                let request = [&group.octets()[..], &index.to_ne_bytes()].concat();
                self.fd.set_bytes(libc::IPPROTO_IPV6, libc::IPV6_ADD_MEMBERSHIP, &request)
            }
        }
    }
}

impl AsRawFd for Datagrams {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// An interface as an endpoint names it: by name or by its address.
struct Interface {
    text: String,
    address: IpAddr,
    /// 0: the system's choice.
    index: u32,
}

impl Interface {
    /// ENODEV.
    fn find(text: &str, ipv6: bool) -> Result<Interface> {
        let found = lookup::local(&TcpAddress(format!("{text}:0")), ipv6)?;
        let address = plain(*found.first().ok_or(Errno::ENODEV)?).ip();
        Ok(Interface { text: text.to_owned(), address, index: lookup::interface_index(text) })
    }

    fn v4(&self) -> Ipv4Addr {
        match self.address {
            IpAddr::V4(address) => address,
            IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
        }
    }
}

/// The address without the form that lets IPv6 sockets reach IPv4: groups of IPv4
/// are joined by sockets of IPv4.
fn plain(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(v4.into(), address.port()),
            None => address,
        },
        IpAddr::V4(_) => address,
    }
}

/// Whether the error is of one datagram, and the next one may fare better.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, Interrupted, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | Interrupted | NetworkUnreachable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: Multicast = Multicast { hops: 1, loops_back: true };

    fn address(text: &str) -> UdpAddress {
        UdpAddress::new(text)
    }

    fn bound(text: &str) -> Result<(Datagrams, String)> {
        Datagrams::bind(&address(text), &Tuning::default(), &LOCAL)
    }

    /// What came, waiting for it.
    fn next(datagrams: &Datagrams) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; 100];
        loop {
            if let Some((len, from)) = datagrams.receive(&mut buffer).unwrap() {
                return (buffer[..len].to_vec(), from);
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_datagram_arrives_whole_and_with_its_sender() {
        let (receiver, endpoint) = bound("127.0.0.1:*").unwrap();
        let place = endpoint.strip_prefix("udp://").unwrap();
        assert_eq!(receiver.receive(&mut [0; 9]).unwrap(), None);
        let (sender, to) = Datagrams::to(&address(place), &Tuning::default(), &LOCAL).unwrap();
        sender.send(to, &[IoSlice::new(b"head"), IoSlice::new(b"body")]).unwrap();
        let (bytes, from) = next(&receiver);
        assert_eq!(bytes, b"headbody");
        receiver.send(from, &[IoSlice::new(b"back")]).unwrap();
        assert_eq!(next(&sender), (b"back".to_vec(), to));
    }

    #[test]
    fn what_cannot_be_bound_or_reached_says_why() {
        let (_held, endpoint) = bound("127.0.0.1:*").unwrap();
        let place = endpoint.strip_prefix("udp://").unwrap();
        assert_eq!(bound(place).map(drop), Err(Errno::EADDRINUSE));
        assert_eq!(bound("127.0.0.1").map(drop), Err(Errno::EINVAL));
        assert_eq!(bound("no_such_interface:5").map(drop), Err(Errno::ENODEV));
        assert_eq!(bound("no_such_interface;127.0.0.1:*").map(drop), Err(Errno::ENODEV));
        for text in ["127.0.0.1", "127.0.0.1:*", "*:5", "lo:5", "a b:5"] {
            let to = Datagrams::to(&address(text), &Tuning::default(), &LOCAL);
            assert_eq!(to.map(drop), Err(Errno::EINVAL), "{text}");
        }
    }

    #[test]
    fn interfaces_stay_in_the_text_that_unbinds() {
        let Ok((_, endpoint)) = bound("lo;239.255.1.2:*") else {
            // No multicast here.
            return;
        };
        assert!(endpoint.starts_with("udp://lo;239.255.1.2:"), "{endpoint}");
    }
}
