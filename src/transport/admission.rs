//! Who may connect: the filters of a bound endpoint (`ZMQ_TCP_ACCEPT_FILTER`,
//! `ZMQ_IPC_FILTER_PID`, `_UID`, `_GID`). A connection that none of them lets
//! in is closed before anything was said on it. Asked by the listener, on its
//! reactor's thread; a filter by group may ask the system's group database.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::lookup;
use crate::error::{Errno, Result};

/// The longest filter by address, a terminating zero not counted.
const FILTER_MAX_BYTES: usize = 255;

/// The filters of a socket, copied when it binds. Without any for its
/// transport, everybody may connect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    networks: Vec<Network>,
    processes: BTreeSet<i32>,
    users: BTreeSet<u32>,
    groups: BTreeSet<u32>,
}

/// Addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

impl Admission {
    /// Adds a filter `address[/bits]`, read as libzmq reads it: the address is
    /// a number, of IPv6 if `ipv6` says so (an IPv4 one in its mapped form),
    /// and matches peers of that family only. EINVAL.
    pub fn add_network(&mut self, text: &[u8], ipv6: bool) -> Result<()> {
        if text.is_empty() || text.len() > FILTER_MAX_BYTES {
            return Err(Errno::EINVAL);
        }
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
        self.networks.push(Network::parse(text, ipv6).ok_or(Errno::EINVAL)?);
        Ok(())
    }

    /// Forgets the filters by address.
    pub fn clear_networks(&mut self) {
        self.networks.clear();
    }

    /// Lets a process in; `None` forgets those that were.
    pub fn set_process(&mut self, pid: Option<i32>) {
        add_or_clear(&mut self.processes, pid);
    }

    /// Lets a user in; `None` forgets those that were.
    pub fn set_user(&mut self, uid: Option<u32>) {
        add_or_clear(&mut self.users, uid);
    }

    /// Lets the members of a group in; `None` forgets those that were.
    pub fn set_group(&mut self, gid: Option<u32>) {
        add_or_clear(&mut self.groups, gid);
    }

    /// Whether a tcp peer may connect.
    pub(super) fn admits_address(&self, peer: &SocketAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.has(peer.ip()))
    }

    /// Whether any filter asks who a local peer is.
    pub(super) fn asks_for_credentials(&self) -> bool {
        !(self.processes.is_empty() && self.users.is_empty() && self.groups.is_empty())
    }

    /// Whether a local peer may connect: one filter that lets it in is enough.
    pub(super) fn admits_process(&self, peer: &libc::ucred) -> bool {
        self.processes.contains(&peer.pid)
            || self.users.contains(&peer.uid)
            || self.groups.contains(&peer.gid)
            || (!self.groups.is_empty()
                && groups_of(peer).iter().any(|group| self.groups.contains(group)))
    }
}

fn add_or_clear<T: Ord>(set: &mut BTreeSet<T>, value: Option<T>) {
    match value {
        Some(value) => drop(set.insert(value)),
        None => set.clear(),
    }
}

impl Network {
    fn parse(text: &str, ipv6: bool) -> Option<Network> {
        let (host, bits) = match text.rsplit_once('/') {
            Some((host, bits)) => (host, Some(bits)),
            None => (text, None),
        };
        let address = lookup::number(host, ipv6)?.ip();
        let all_bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            None => all_bits,
            Some("0") => 0,
            Some(bits) => {
                u32::try_from(lookup::atoi(bits)).ok().filter(|n| (1..=all_bits).contains(n))?
            }
        };
        Some(Network { address, prefix_bits })
    }

    fn has(&self, peer: IpAddr) -> bool {
        let (ours, theirs) = match (self.address, peer) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                (u128::from(a.to_bits()) << 96, u128::from(b.to_bits()) << 96)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits()),
            _ => return false,
        };
        (ours ^ theirs).leading_zeros() >= self.prefix_bits
    }
}

/// The groups that the system's database has the peer's user in; none when it
/// does not know the user.
fn groups_of(peer: &libc::ucred) -> Vec<u32> {
    // SAFETY: passwd is plain data; zeros and nulls are an empty one.
    let mut user: libc::passwd = unsafe { std::mem::zeroed() };
    let mut found = std::ptr::null_mut();
    let mut text = vec![0; NAME_SERVICE_BYTES];
    // SAFETY: all pointers are valid for the call, the size is the buffer's.
    unsafe { libc::getpwuid_r(peer.uid, &mut user, text.as_mut_ptr(), text.len(), &mut found) };
    if found.is_null() {
        return Vec::new();
    }
    let mut groups: Vec<libc::gid_t> = vec![0; GROUPS_MAX];
    let mut count = GROUPS_MAX as libc::c_int;
    // SAFETY: the name is a C string in `text`; `count` is the array's length.
    let all =
        unsafe { libc::getgrouplist(user.pw_name, peer.gid, groups.as_mut_ptr(), &mut count) };
    // -1: there are more, of which the first are given.
    let given = if all < 0 { GROUPS_MAX } else { usize::try_from(count).unwrap_or(0) };
    groups.truncate(given);
    groups
}

/// Room for what the name service tells of a user.
const NAME_SERVICE_BYTES: usize = 16 * 1024;
/// Groups of a user that are looked at.
const GROUPS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str, ipv6: bool) -> Result<Admission> {
        let mut admission = Admission::default();
        admission.add_network(text.as_bytes(), ipv6).map(|()| admission)
    }

    fn admits(text: &str, ipv6: bool, peer: &str) -> bool {
        let peer = SocketAddr::new(peer.parse().unwrap(), 5);
        network(text, ipv6).unwrap().admits_address(&peer)
    }

    #[test]
    fn a_filter_is_a_number_and_bits() {
        for text in [
            "127.0.0.1",
            "127.0.0.1\0rest",
            "127.1",
            "[127.0.0.1]",
            "10.0.0.0/0",
            "10.0.0.0/8",
            "10.0.0.0/+8",
            "10.0.0.0/ 08x",
            "127.0.0.1/32x",
        ] {
            assert!(network(text, false).is_ok(), "{text}");
        }
        for text in [
            "",
            "::1",
            "localhost",
            "lo",
            "*",
            "10.0.0.0/33",
            "10.0.0.0/00",
            "10.0.0.0/-1",
            "10.0.0.0/",
            "10.0.0.0/x",
            "10.0.0.0/8/8",
            "10.0.0.0/99999999999",
            "127.0.0.1:80",
            "/8",
            "127.0.0.1 ",
        ] {
            assert_eq!(network(text, false), Err(Errno::EINVAL), "{text}");
        }
        assert!(network("[::1]/128", true).is_ok());
        assert!(network("127.0.0.1/33", true).is_ok());
        assert!(network("::1/129", true).is_err());
        assert!(network(&"1".repeat(256), false).is_err());
    }

    #[test]
    fn the_first_bits_decide() {
        assert!(admits("127.0.0.2/31", false, "127.0.0.3"));
        assert!(!admits("127.0.0.2/31", false, "127.0.0.4"));
        assert!(admits("1.2.3.4/0", false, "127.0.0.4"));
        assert!(admits("::2/126", true, "::1"));
        assert!(!admits("::2/127", true, "::1"));
    }

    #[test]
    fn families_are_kept_apart() {
        assert!(admits("127.0.0.1", true, "::ffff:127.0.0.1"));
        assert!(!admits("127.0.0.1", true, "127.0.0.1"));
        assert!(!admits("127.0.0.1", false, "::ffff:127.0.0.1"));
    }

    #[test]
    fn one_filter_that_lets_a_process_in_is_enough() {
        let peer = libc::ucred { pid: 7, uid: 4_000_000_000, gid: 9 };
        let mut admission = Admission::default();
        assert!(!admission.asks_for_credentials());
        admission.set_process(Some(8));
        admission.set_user(Some(1));
        assert!(admission.asks_for_credentials() && !admission.admits_process(&peer));
        admission.set_group(Some(9));
        assert!(admission.admits_process(&peer));
        admission.set_group(None);
        assert!(!admission.admits_process(&peer));
        admission.set_user(Some(4_000_000_000));
        assert!(admission.admits_process(&peer));
    }
}
