//! The connecting side: back-off, addresses tried in turn.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Settings;
use crate::error::{Errno, Result};
use crate::transport::socks::Destination;
use crate::transport::{Address, Endpoint, Target, TcpAddress};

/// Where a session dials, and how patient it is by now.
pub(super) struct Dialer {
    pub(super) target: Endpoint,
    /// Addresses still to be tried in this attempt.
    addresses: std::vec::IntoIter<Address>,
    /// The one that is being tried, or was reached.
    current: Option<Address>,
    pub(super) source: Option<SocketAddr>,
    /// What to ask a proxy for, if the way leads through one.
    pub(super) destination: Option<Destination>,
    /// The source that the endpoint names, for a proxy that names none.
    own_source: Option<SocketAddr>,
    /// The last address that was tried refused the connection.
    pub(super) refused: bool,
    /// Why the last attempt came to nothing, if that is known.
    pub(super) failure: Option<Errno>,
    /// Attempts that have failed one after the other.
    failures: u32,
    /// There was a connection.
    was_connected: bool,
    /// The wait before the next attempt.
    next_wait: Option<Duration>,
    random: u64,
}

impl Dialer {
    pub(super) fn new(target: Endpoint) -> Dialer {
        // Connections that were lost together must not come back together, be they of one
        // process, of its forked children or of others; nothing secret comes of it.
        let random = RandomState::new().hash_one((Instant::now(), std::process::id()));
        Dialer {
            target,
            addresses: Vec::new().into_iter(),
            current: None,
            source: None,
            destination: None,
            own_source: None,
            refused: false,
            failure: None,
            failures: 0,
            was_connected: false,
            next_wait: None,
            random,
        }
    }

    /// Whose address is to be looked up: the peer's own, or the proxy's, which
    /// is then to be asked for the peer. `None` for what needs no looking up.
    pub(super) fn sought(&mut self, settings: &Settings) -> Result<Option<TcpAddress>> {
        let Endpoint::Tcp(peer) = &self.target else { return Ok(None) };
        let Some(proxy) = &settings.proxy else { return Ok(Some(peer.clone())) };
        self.destination = Some(Destination::parse(peer)?);
        self.own_source = peer.source(settings.tuning.ipv6)?;
        Ok(Some(proxy.address.clone()))
    }

    /// Takes the name service's answer.
    pub(super) fn found(&mut self, target: Target) {
        self.source = target.source.or(self.own_source);
        let addresses: Vec<_> = target.addresses.into_iter().map(Address::Tcp).collect();
        self.addresses = addresses.into_iter();
    }

    /// Takes an ipc address.
    pub(super) fn found_path(&mut self, address: Address) {
        self.source = None;
        self.addresses = vec![address].into_iter();
    }

    /// An attempt to reach an address has failed.
    pub(super) fn failed(&mut self, error: Errno) {
        self.failure = Some(error);
        // Local sockets refuse whenever their owner has gone, and a proxy that
        // refuses is not the peer; libzmq tries on.
        self.refused = error == Errno::ECONNREFUSED
            && matches!(self.target, Endpoint::Tcp(_))
            && self.destination.is_none();
    }

    /// A whole attempt has failed.
    pub(super) fn attempt_failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// The attempt under way is the first, the second, the fourth … since it worked:
    /// more of them is nothing new. How many have failed.
    pub(super) fn is_worth_telling(&self) -> Option<u32> {
        (self.failures == 0 || self.failures.is_power_of_two()).then_some(self.failures)
    }

    /// The next address to try.
    pub(super) fn next_address(&mut self) -> Option<Address> {
        self.current = self.addresses.next();
        self.current.clone()
    }

    /// The peer's address that there was a connection to, as an endpoint: monitors know
    /// the next attempts by it. Not a path, which is as it was written, nor a proxy.
    pub(super) fn reached(&self) -> Option<String> {
        match &self.current {
            Some(address @ Address::Tcp(_)) if self.destination.is_none() => {
                Some(address.endpoint())
            }
            _ => None,
        }
    }

    /// A connection came about: the next back-off begins anew. True when there was
    /// one before.
    pub(super) fn succeeded(&mut self) -> bool {
        self.next_wait = None;
        self.failures = 0;
        std::mem::replace(&mut self.was_connected, true)
    }

    /// How long to wait before the next attempt; `None`: there is none
    /// (`ZMQ_RECONNECT_IVL`, `ZMQ_RECONNECT_IVL_MAX`). The wait is spread by
    /// up to the first interval, so that peers do not come back all at once.
    pub(super) fn back_off(&mut self, settings: &Settings) -> Option<Duration> {
        let first = settings.reconnect_after?;
        let wait = self.next_wait.unwrap_or(first);
        self.next_wait = Some(match settings.reconnect_max {
            Some(max) if max > first => (wait * 2).min(max),
            _ => wait,
        });
        Some(wait + self.jitter(first))
    }

    fn jitter(&mut self, range: Duration) -> Duration {
        // xorshift64
        self.random |= 1;
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let nanos = u64::try_from(range.as_nanos()).unwrap_or(u64::MAX).max(1);
        Duration::from_nanos(self.random % nanos)
    }
}

/// The address of an endpoint that needs no name service.
pub(super) fn local_address(target: &Endpoint) -> Option<Result<Address>> {
    match target {
        Endpoint::Ipc(address) => Some(address.address().map(Address::Ipc)),
        _ => None,
    }
}
