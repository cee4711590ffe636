//! Socket addresses: as values, as the kernel takes them, and as the texts
//! that endpoints, monitors and the `Peer-Address` property show.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::error::{Errno, Result};

/// The longest path: `sun_path` less its terminating zero.
const PATH_MAX_BYTES: usize = 107;
/// Where `sun_path` begins in a `sockaddr_un`.
const PATH_OFFSET: usize = std::mem::offset_of!(libc::sockaddr_un, sun_path);

/// An address that a stream can have or be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// A path or an abstract name.
    Ipc(UnixAddress),
}

/// A path, or `@name` in the abstract namespace; empty for an unnamed socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixAddress(Vec<u8>);

impl UnixAddress {
    /// ENAMETOOLONG past 107 bytes, EINVAL for nothing, for `@` alone and for
    /// a path with a zero byte.
    pub(super) fn new(text: &str) -> Result<UnixAddress> {
        if text.len() > PATH_MAX_BYTES {
            return Err(Errno::ENAMETOOLONG);
        }
        if matches!(text, "" | "@") || text.contains('\0') {
            return Err(Errno::EINVAL);
        }
        Ok(UnixAddress(text.as_bytes().to_vec()))
    }

    /// The file, unless the name is abstract.
    pub(super) fn path(&self) -> Option<&Path> {
        match self.0.first() {
            None | Some(b'@') => None,
            Some(_) => Some(Path::new(std::ffi::OsStr::from_bytes(&self.0))),
        }
    }
}

impl Address {
    /// The endpoint text: `tcp://127.0.0.1:5`, `tcp://[::1]:5`, `ipc://path`.
    pub fn endpoint(&self) -> String {
        match self {
            Address::Tcp(SocketAddr::V4(a)) => format!("tcp://{}:{}", a.ip(), a.port()),
            Address::Tcp(a) => format!("tcp://[{}]:{}", host_text(a), a.port()),
            Address::Ipc(UnixAddress(name)) => format!("ipc://{}", String::from_utf8_lossy(name)),
        }
    }

    /// The form for the kernel.
    pub(super) fn encode(&self) -> RawAddress {
        let mut raw = RawAddress::empty();
        match self {
            Address::Tcp(SocketAddr::V4(a)) => raw.put(libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: a.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from(*a.ip()).to_be() },
                sin_zero: [0; 8],
            }),
            Address::Tcp(SocketAddr::V6(a)) => raw.put(libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: a.port().to_be(),
                sin6_flowinfo: a.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: a.ip().octets() },
                sin6_scope_id: a.scope_id(),
            }),
            Address::Ipc(UnixAddress(name)) => {
                let mut path = [0; 108];
                for (to, from) in path.iter_mut().zip(name) {
                    *to = *from as libc::c_char;
                }
                let mut len = PATH_OFFSET + name.len();
                if name.first() == Some(&b'@') {
                    path[0] = 0;
                } else {
                    len += 1;
                }
                raw.put(libc::sockaddr_un {
                    sun_family: libc::AF_UNIX as libc::sa_family_t,
                    sun_path: path,
                });
                raw.set_len(len as libc::socklen_t);
            }
        }
        raw
    }

    /// `AF_INET`, `AF_INET6` or `AF_UNIX`.
    pub(super) fn family(&self) -> libc::c_int {
        match self {
            Address::Tcp(SocketAddr::V4(_)) => libc::AF_INET,
            Address::Tcp(SocketAddr::V6(_)) => libc::AF_INET6,
            Address::Ipc(_) => libc::AF_UNIX,
        }
    }
}

/// The IP address alone, an IPv6 scope by the name of its interface:
/// `fe80::1%eth0`. This is the `Peer-Address` of tcp peers.
pub(super) fn host_text(address: &SocketAddr) -> String {
    let SocketAddr::V6(v6) = address else {
        return address.ip().to_string();
    };
    let mut text = v6.ip().to_string();
    if v6.scope_id() != 0 {
        let mut name = [0 as libc::c_char; libc::IF_NAMESIZE];
        text.push('%');
        // SAFETY: the buffer has the size the function asks for.
        if unsafe { libc::if_indextoname(v6.scope_id(), name.as_mut_ptr()) }.is_null() {
            text.push_str(&v6.scope_id().to_string());
        } else {
            // SAFETY: the function succeeded, so the buffer holds a string.
            let name = unsafe { std::ffi::CStr::from_ptr(name.as_ptr()) };
            text.push_str(&name.to_string_lossy());
        }
    }
    text
}

/// The IPv4 address as an IPv6 socket sees it: `::ffff:a.b.c.d`.
pub(super) fn mapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(v4) => SocketAddr::new(v4.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

/// The IPv4 address that does what this IPv6 one does, for a kernel without
/// IPv6: a mapped address, or the wildcard.
pub(super) fn unmapped(address: &SocketAddr) -> Option<SocketAddr> {
    let IpAddr::V6(v6) = address.ip() else {
        return None;
    };
    let v4 = if v6.is_unspecified() { Ipv4Addr::UNSPECIFIED } else { v6.to_ipv4_mapped()? };
    Some(SocketAddr::new(v4.into(), address.port()))
}

/// A `sockaddr` of any family with its length.
pub(super) struct RawAddress {
    storage: libc::sockaddr_storage,
    len: libc::socklen_t,
}

impl RawAddress {
    pub(super) const CAPACITY: libc::socklen_t =
        size_of::<libc::sockaddr_storage>() as libc::socklen_t;

    pub(super) fn empty() -> RawAddress {
        // SAFETY: sockaddr_storage is plain data; zeros are AF_UNSPEC.
        let storage = unsafe { std::mem::zeroed() };
        RawAddress { storage, len: 0 }
    }

    /// Copies an address the C library owns. `None` for a null pointer and
    /// for families that are neither IPv4 nor IPv6.
    ///
    /// # Safety
    /// The pointer is null or points to an address as long as its family asks.
    pub(super) unsafe fn copy(from: *const libc::sockaddr) -> Option<RawAddress> {
        if from.is_null() {
            return None;
        }
        let mut raw = RawAddress::empty();
        // SAFETY: the caller vouches that the pointer holds an address whose
        // family tells its type.
        unsafe {
            match libc::c_int::from((*from).sa_family) {
                libc::AF_INET => raw.put(from.cast::<libc::sockaddr_in>().read_unaligned()),
                libc::AF_INET6 => raw.put(from.cast::<libc::sockaddr_in6>().read_unaligned()),
                _ => return None,
            }
        }
        Some(raw)
    }

    fn put<T: Copy>(&mut self, address: T) {
        const { assert!(size_of::<T>() <= Self::CAPACITY as usize) };
        // SAFETY: the storage is large enough and aligned for every sockaddr.
        unsafe { (&raw mut self.storage).cast::<T>().write(address) };
        self.len = size_of::<T>() as libc::socklen_t;
    }

    pub(super) fn as_ptr(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut libc::sockaddr {
        (&raw mut self.storage).cast()
    }

    pub(super) fn len(&self) -> libc::socklen_t {
        self.len
    }

    pub(super) fn set_len(&mut self, len: libc::socklen_t) {
        self.len = len.min(Self::CAPACITY);
    }

    pub(super) fn decode(&self) -> Result<Address> {
        match libc::c_int::from(self.storage.ss_family) {
            libc::AF_INET => {
                // SAFETY: the family says what the storage holds.
                let a = unsafe { *self.as_ptr().cast::<libc::sockaddr_in>() };
                let ip = Ipv4Addr::from(u32::from_be(a.sin_addr.s_addr));
                Ok(Address::Tcp(SocketAddrV4::new(ip, u16::from_be(a.sin_port)).into()))
            }
            libc::AF_INET6 => {
                // SAFETY: the family says what the storage holds.
                let a = unsafe { *self.as_ptr().cast::<libc::sockaddr_in6>() };
                let (ip, port) = (Ipv6Addr::from(a.sin6_addr.s6_addr), u16::from_be(a.sin6_port));
                Ok(Address::Tcp(
                    SocketAddrV6::new(ip, port, a.sin6_flowinfo, a.sin6_scope_id).into(),
                ))
            }
            libc::AF_UNIX => {
                // SAFETY: the family says what the storage holds, and bytes
                // past `len` are zeros.
                let a = unsafe { *self.as_ptr().cast::<libc::sockaddr_un>() };
                let len = (self.len as usize).clamp(PATH_OFFSET, PATH_OFFSET + a.sun_path.len());
                let mut name: Vec<u8> =
                    a.sun_path[..len - PATH_OFFSET].iter().map(|c| *c as u8).collect();
                match name.first_mut() {
                    Some(first @ 0) => *first = b'@',
                    _ => name.truncate(name.iter().position(|b| *b == 0).unwrap_or(name.len())),
                }
                Ok(Address::Ipc(UnixAddress(name)))
            }
            _ => Err(Errno::EAFNOSUPPORT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_kernel_form() {
        for text in ["127.0.0.1:5", "[::1]:6", "[fe80::1%1]:7"] {
            let address = Address::Tcp(text.parse().unwrap());
            assert_eq!(address.encode().decode().unwrap(), address);
        }
        for text in ["a", "/tmp/a b", "@abstract", &"x".repeat(107)] {
            let address = Address::Ipc(UnixAddress::new(text).unwrap());
            assert_eq!(address.encode().decode().unwrap(), address);
            assert_eq!(address.endpoint(), format!("ipc://{text}"));
        }
    }

    #[test]
    fn endpoint_texts_bracket_ipv6_and_name_its_scope() {
        let text = |t: &str| Address::Tcp(t.parse().unwrap()).endpoint();
        assert_eq!(text("0.0.0.0:5"), "tcp://0.0.0.0:5");
        assert_eq!(text("[::]:5"), "tcp://[::]:5");
        assert_eq!(text("[::ffff:0.0.0.0]:5"), "tcp://[::ffff:0.0.0.0]:5");
        assert_eq!(text("[fe80::1%1]:5"), "tcp://[fe80::1%lo]:5");
        assert_eq!(text("[fe80::1%4000000]:5"), "tcp://[fe80::1%4000000]:5");
    }
}
