//! From the text `[source;]host:port` to socket addresses, on the caller's
//! thread. What a host may be depends on its use: to bind, a wildcard, a
//! number, an interface or a name that the name service knows; for a source,
//! all of these but a name; to connect, a number or a name.
//!
//! Numbers go to the C library's parser, so that `127.1` and `0x7f000001`
//! mean what they mean to libzmq; names do too, so that nsswitch applies.

use std::ffi::{CStr, CString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::address::{Address, RawAddress, mapped};
use super::endpoint::TcpAddress;
use crate::error::{Errno, Result};
use crate::sync::uncancelled;

/// Where a connecting session may find its peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address to connect from, if the endpoint names one.
    pub source: Option<SocketAddr>,
    /// The peer's addresses, to be tried in this order. With IPv6 allowed all
    /// are IPv6 addresses, IPv4 ones in their mapped form.
    pub addresses: Vec<SocketAddr>,
}

/// The addresses to bind: one, save for a host name with several. Blocks
/// while a host name is looked up. EINVAL for a malformed port or scope,
/// ENODEV for a host that is none.
pub(super) fn local(address: &TcpAddress, ipv6: bool) -> Result<Vec<SocketAddr>> {
    let (source, rest) = address.split_source();
    if let Some(source) = source {
        Place::parse(source)?.local(ipv6)?;
    }
    let place = Place::parse(rest)?;
    match place.local(ipv6) {
        Err(Errno::ENODEV) => place.named(ipv6),
        found => found.map(|address| vec![address]),
    }
}

/// Where to connect. Blocks while a host name is looked up.
pub(super) fn target(address: &TcpAddress, ipv6: bool) -> Result<Target> {
    let (source, place) = source_and_place(address, ipv6)?;
    let addresses = match place.numeric(ipv6) {
        Some(address) => vec![address],
        None => place.named(ipv6)?,
    };
    Ok(Target { source, addresses })
}

/// Where to connect, if that can be told without the name service.
pub(super) fn target_at_once(address: &TcpAddress, ipv6: bool) -> Result<Option<Target>> {
    let (source, place) = source_and_place(address, ipv6)?;
    match place.numeric(ipv6) {
        Some(address) => Ok(Some(Target { source, addresses: vec![address] })),
        None if place.may_be_name() => Ok(None),
        None => Err(Errno::ENODEV),
    }
}

/// The address to connect from, if the endpoint names one.
pub(super) fn source(address: &TcpAddress, ipv6: bool) -> Result<Option<SocketAddr>> {
    let (source, _) = address.split_source();
    source.map(|text| Place::parse(text)?.local(ipv6)).transpose()
}

/// The host as it is written, less brackets and source, and the port.
pub(super) fn host_and_port(address: &TcpAddress) -> Result<(&str, u16)> {
    split_port(address.split_source().1)
}

/// The number that stands for a host, of whatever family.
pub(super) fn any_number(host: &str) -> Option<IpAddr> {
    let found = addresses(host, libc::AF_UNSPEC, libc::AI_NUMERICHOST).ok()?;
    found.first().map(SocketAddr::ip)
}

fn source_and_place(address: &TcpAddress, ipv6: bool) -> Result<(Option<SocketAddr>, Place<'_>)> {
    Ok((source(address, ipv6)?, Place::parse(address.split_source().1)?))
}

/// `host[%scope]:port`, the host without the brackets it may have.
struct Place<'a> {
    host: &'a str,
    scope: Option<u32>,
    port: u16,
}

impl<'a> Place<'a> {
    fn parse(text: &'a str) -> Result<Place<'a>> {
        let (host, port) = split_port(text)?;
        match host.rsplit_once('%') {
            None => Ok(Place { host, scope: None, port }),
            Some((host, scope)) => Ok(Place { host, scope: Some(parse_scope(scope)?), port }),
        }
    }

    /// A wildcard, a number or an interface. ENODEV when it is none of them.
    fn local(&self, ipv6: bool) -> Result<SocketAddr> {
        if self.host == "*" {
            return Ok(match ipv6 {
                true => (Ipv6Addr::UNSPECIFIED, self.port).into(),
                false => (Ipv4Addr::UNSPECIFIED, self.port).into(),
            });
        }
        match self.numeric(ipv6) {
            Some(address) => Ok(address),
            None => self.interface(ipv6),
        }
    }

    fn numeric(&self, ipv6: bool) -> Option<SocketAddr> {
        let (family, flags) = match ipv6 {
            true => (libc::AF_INET6, libc::AI_NUMERICHOST | libc::AI_V4MAPPED),
            false => (libc::AF_INET, libc::AI_NUMERICHOST),
        };
        let found = addresses(self.host, family, flags).ok()?;
        found.first().map(|address| self.complete(*address))
    }

    /// The first address of the interface: of IPv6 if allowed and there is
    /// one, else of IPv4.
    fn interface(&self, ipv6: bool) -> Result<SocketAddr> {
        let all = interface_addresses(self.host)?;
        let wanted = all.iter().find(|a| a.is_ipv6() == ipv6);
        let mapped_v4 = || all.iter().find(|_| ipv6);
        let address = wanted.or_else(mapped_v4).ok_or(Errno::ENODEV)?;
        Ok(self.complete(if ipv6 { mapped(*address) } else { *address }))
    }

    /// What the name service knows of a host name. ENODEV for nothing.
    fn named(&self, ipv6: bool) -> Result<Vec<SocketAddr>> {
        if !self.may_be_name() {
            return Err(Errno::ENODEV);
        }
        let family = if ipv6 { libc::AF_UNSPEC } else { libc::AF_INET };
        let mut found: Vec<SocketAddr> = addresses(self.host, family, 0)?
            .into_iter()
            .map(|a| self.complete(if ipv6 { mapped(a) } else { a }))
            .collect();
        found.dedup();
        if found.is_empty() { Err(Errno::ENODEV) } else { Ok(found) }
    }

    /// Whether the name service should be troubled: names have letters,
    /// digits, hyphens, dots and underscores, and their last label is no
    /// number.
    fn may_be_name(&self) -> bool {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        let name = self.host.strip_suffix('.').unwrap_or(self.host);
        let last = name.rsplit('.').next().unwrap_or_default();
        name.bytes().all(allowed) && !last.bytes().all(|b| b.is_ascii_digit())
    }

    /// The address with our port and scope.
    fn complete(&self, mut address: SocketAddr) -> SocketAddr {
        address.set_port(self.port);
        if let (SocketAddr::V6(v6), Some(scope)) = (&mut address, self.scope) {
            v6.set_scope_id(scope);
        }
        address
    }
}

/// The number that stands for a host, with the scope it may have: what a
/// filter of accepted peers is made of. `None` for everything else.
pub(super) fn number(host: &str, ipv6: bool) -> Option<SocketAddr> {
    Place::parse(&format!("{host}:*")).ok()?.numeric(ipv6)
}

/// The host, without the brackets it may have, and the port.
fn split_port(text: &str) -> Result<(&str, u16)> {
    let (host, port) = text.rsplit_once(':').ok_or(Errno::EINVAL)?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    Ok((host, parse_port(port)?))
}

/// `*` and `0` stand for any port. Other texts are read as C's `atoi` reads
/// them and cut to 16 bits, as libzmq does: `99999` is 34463 and `-1` is
/// 65535; what makes 0 is an error.
fn parse_port(text: &str) -> Result<u16> {
    if matches!(text, "*" | "0") {
        return Ok(0);
    }
    match atoi(text) as u16 {
        0 => Err(Errno::EINVAL),
        port => Ok(port),
    }
}

/// An interface by name or number.
fn parse_scope(text: &str) -> Result<u32> {
    let name = CString::new(text).map_err(|_| Errno::EINVAL)?;
    // SAFETY: `name` is a C string.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => match atoi(text) as u32 {
            0 => Err(Errno::EINVAL),
            number => Ok(number),
        },
        index => Ok(index),
    }
}

/// The number of the interface with this name; 0 when there is none.
pub(super) fn interface_index(name: &str) -> u32 {
    let Ok(name) = CString::new(name) else { return 0 };
    // SAFETY: `name` is a C string.
    unsafe { libc::if_nametoindex(name.as_ptr()) }
}

/// White space, a sign, digits; whatever follows is ignored, and large values
/// saturate.
pub(super) fn atoi(text: &str) -> i64 {
    let text = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.bytes().take_while(u8::is_ascii_digit);
    let value = digits.fold(0i64, |value, digit| {
        value.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    sign * value
}

/// `getaddrinfo`. ENODEV when there is no such host, ENOMEM without memory.
fn addresses(host: &str, family: libc::c_int, flags: libc::c_int) -> Result<Vec<SocketAddr>> {
    let host = CString::new(host).map_err(|_| Errno::EINVAL)?;
    // SAFETY: addrinfo is plain data; zeros and nulls are the default hints.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_family = family;
    hints.ai_socktype = libc::SOCK_STREAM;
    hints.ai_flags = flags;
    let mut list = std::ptr::null_mut();
    // SAFETY: the strings and hints are valid for the call, `list` takes the
    // result.
    let look_up =
        || unsafe { libc::getaddrinfo(host.as_ptr(), std::ptr::null(), &hints, &mut list) };
    match uncancelled(look_up) {
        0 => {}
        libc::EAI_MEMORY => return Err(Errno::ENOMEM),
        _ => return Err(Errno::ENODEV),
    }
    let mut found = Vec::new();
    let mut next = list.cast_const();
    // SAFETY: the list ends with a null, its addresses fit their families.
    while let Some(entry) = unsafe { next.as_ref() } {
        // SAFETY: as above.
        found.extend(unsafe { ip_address(entry.ai_addr) });
        next = entry.ai_next;
    }
    // SAFETY: the list came from getaddrinfo and is not used any more.
    unsafe { libc::freeaddrinfo(list) };
    Ok(found)
}

/// Every IP address of the interface with this name.
fn interface_addresses(name: &str) -> Result<Vec<SocketAddr>> {
    if name.is_empty() || name.len() >= libc::IF_NAMESIZE {
        return Err(Errno::ENODEV);
    }
    let mut list = std::ptr::null_mut();
    // SAFETY: `list` takes the result.
    uncancelled(|| match unsafe { libc::getifaddrs(&mut list) } {
        0.. => Ok(()),
        _ => Err(Errno::last()),
    })?;
    let mut found = Vec::new();
    let mut next = list.cast_const();
    // SAFETY: the list ends with a null, its addresses fit their families.
    while let Some(entry) = unsafe { next.as_ref() } {
        // SAFETY: the kernel gives every interface a name.
        if unsafe { CStr::from_ptr(entry.ifa_name) }.to_bytes() == name.as_bytes() {
            // SAFETY: as above.
            found.extend(unsafe { ip_address(entry.ifa_addr) });
        }
        next = entry.ifa_next;
    }
    // SAFETY: the list came from getifaddrs and is not used any more.
    unsafe { libc::freeifaddrs(list) };
    Ok(found)
}

/// # Safety
/// The pointer is null or points to an address as long as its family asks.
unsafe fn ip_address(from: *const libc::sockaddr) -> Option<SocketAddr> {
    // SAFETY: the caller's promise is the one asked for.
    match unsafe { RawAddress::copy(from) }?.decode() {
        Ok(Address::Tcp(SocketAddr::V6(v6))) => {
            Some(SocketAddrV6::new(*v6.ip(), v6.port(), 0, v6.scope_id()).into())
        }
        Ok(Address::Tcp(v4)) => Some(v4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(text: &str, ipv6: bool) -> Result<String> {
        local(&TcpAddress(text.to_owned()), ipv6).map(|all| all[0].to_string())
    }

    fn sought(text: &str, ipv6: bool) -> Result<Option<Target>> {
        target_at_once(&TcpAddress(text.to_owned()), ipv6)
    }

    #[test]
    fn ports_are_read_as_libzmq_reads_them() {
        for (text, port) in [
            ("*", 0),
            ("0", 0),
            ("99999", 34463),
            ("-1", 65535),
            ("5x", 5),
            (" 5", 5),
            ("+5", 5),
            ("005", 5),
            ("4294967295", 65535),
            ("99999999999999999999", 65535),
        ] {
            assert_eq!(parse_port(text), Ok(port), "{text}");
        }
        for text in ["", "00", "65536", "abc", "0x7531", "**", "!", "*0"] {
            assert_eq!(parse_port(text), Err(Errno::EINVAL), "{text}");
        }
    }

    #[test]
    fn wildcards_follow_the_address_family() {
        assert_eq!(bound("*:5", false).unwrap(), "0.0.0.0:5");
        assert_eq!(bound("*:5", true).unwrap(), "[::]:5");
        assert_eq!(bound("[*]:*", true).unwrap(), "[::]:0");
        assert_eq!(bound("*%lo:5", false).unwrap(), "0.0.0.0:5");
    }

    #[test]
    fn numbers_take_every_form_of_the_c_library() {
        for text in ["127.0.0.1", "127.1", "0x7f000001", "[127.0.0.1]", "::ffff:127.0.0.1"] {
            assert_eq!(bound(&format!("{text}:5"), false).unwrap(), "127.0.0.1:5", "{text}");
        }
        assert_eq!(bound("127.0.0.1:5", true).unwrap(), "[::ffff:127.0.0.1]:5");
        assert_eq!(bound("::1:5", true).unwrap(), "[::1]:5");
        assert_eq!(bound("[fe80::1%7]:5", true).unwrap(), "[fe80::1%7]:5");
        assert_eq!(bound("[fe80::1%lo]:5", true).unwrap(), "[fe80::1%1]:5");
    }

    #[test]
    fn interfaces_stand_for_their_first_address() {
        assert_eq!(bound("lo:5", false).unwrap(), "127.0.0.1:5");
        assert_eq!(bound("lo:5", false), bound("lo:9;lo:5", false));
        assert_eq!(
            sought("lo:0;127.1:5", false).unwrap().unwrap().source.unwrap().to_string(),
            "127.0.0.1:0"
        );
    }

    #[test]
    fn hosts_that_are_none_give_enodev() {
        for text in [
            "",
            "[]",
            "[",
            "]",
            "[::1",
            "::1]",
            "[[::1]]",
            "a b",
            "256.1.1.1",
            "**",
            "no_such_if;1",
        ] {
            let found = bound(&format!("{text}:5"), true);
            assert!(matches!(found, Err(Errno::ENODEV | Errno::EINVAL)), "{text}: {found:?}");
        }
        assert_eq!(bound("[::1]:5", false), Err(Errno::ENODEV));
        assert_eq!(bound("[::1%]:5", true), Err(Errno::EINVAL));
        assert_eq!(bound("[::1%0]:5", true), Err(Errno::EINVAL));
        assert_eq!(bound("lo", true), Err(Errno::EINVAL));
    }

    #[test]
    fn only_names_wait_for_the_name_service() {
        assert_eq!(sought("localhost:5", false), Ok(None));
        assert_eq!(sought("127.0.0.1:5", false).unwrap().unwrap().addresses.len(), 1);
        assert_eq!(sought("[::1]:5", false), Err(Errno::ENODEV));
        assert_eq!(sought("127.0.0.1:65536", false), Err(Errno::EINVAL));
        assert_eq!(sought("eth_none:0;127.0.0.1:5", false), Err(Errno::ENODEV));
    }

    #[test]
    fn host_names_can_be_bound() {
        assert_eq!(bound("localhost:5", false).unwrap(), "127.0.0.1:5");
        assert!(bound("localhost:5", true).unwrap().starts_with('['));
    }
}
