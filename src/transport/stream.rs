//! Connected byte streams, and how a session connects one. Driven by whichever
//! thread owns the connection.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};

use super::address::{Address, RawAddress, host_text, unmapped};
use super::fd::Fd;
use super::tuning::Tuning;
use crate::error::{Errno, Result};

/// A tcp or ipc connection, closed on drop. Its calls never block, raise no
/// SIGPIPE and are no cancellation points.
#[derive(Debug)]
pub struct Stream {
    fd: Fd,
    kind: Kind,
}

/// What is known of the peer without asking: a stream that was reset has
/// forgotten it.
#[derive(Debug)]
enum Kind {
    Tcp(SocketAddr),
    Ipc,
}

/// How far [`start_connect`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The stream is ready.
    Connected,
    /// [`finish_connect`] tells, once the stream is writable.
    InProgress,
    /// Nothing comes of it. Usual for ipc (ENOENT, ECONNREFUSED; EAGAIN when
    /// the listener's queue is full) and for tcp without a route.
    Failed(Errno),
}

/// Starts to connect, from `source` if given. Fails only where there is no
/// descriptor to be had.
pub fn start_connect(
    address: &Address,
    source: Option<SocketAddr>,
    tuning: &Tuning,
) -> Result<(Stream, Progress)> {
    let (fd, address) = open(address.clone(), tuning)?;
    let kind = match address {
        Address::Tcp(peer) => Kind::Tcp(peer),
        Address::Ipc(_) => Kind::Ipc,
    };
    let stream = Stream { fd, kind };
    let progress = begin(&stream, &address, source, tuning).unwrap_or_else(Progress::Failed);
    Ok((stream, progress))
}

fn begin(
    stream: &Stream,
    address: &Address,
    source: Option<SocketAddr>,
    tuning: &Tuning,
) -> Result<Progress> {
    if let Some(mut source) = source {
        if address.family() == libc::AF_INET {
            source = unmapped(&source).unwrap_or(source);
        }
        // Lets a given source port serve again while old connections linger.
        stream.fd.set(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        stream.fd.bind(&Address::Tcp(source).encode())?;
    }
    match stream.fd.connect(&address.encode()) {
        Ok(()) => finish_connect(stream, tuning).map(|()| Progress::Connected),
        // An interrupted connect goes on in the background, too.
        Err(Errno::EINPROGRESS | Errno::EINTR) => Ok(Progress::InProgress),
        Err(error) => Err(error),
    }
}

/// Whether the connection came about; called once the stream is writable.
/// ECONNREFUSED also when it met itself: a tcp connect to a port of this host
/// that nobody listens on may be given that very port as its own.
pub fn finish_connect(stream: &Stream, tuning: &Tuning) -> Result<()> {
    stream.fd.take_error()?;
    if let Kind::Tcp(_) = stream.kind {
        if stream.fd.local()? == stream.fd.peer()? {
            return Err(Errno::ECONNREFUSED);
        }
        tuning.tune(&stream.fd);
    }
    Ok(())
}

/// A socket for the address. Where the kernel has no IPv6, one for the IPv4
/// address that it stands for, if it does.
pub(super) fn open(address: Address, tuning: &Tuning) -> Result<(Fd, Address)> {
    let (fd, address) = match (Fd::stream(address.family()), &address) {
        (Err(Errno::EAFNOSUPPORT), Address::Tcp(v6)) => {
            let v4 = unmapped(v6).ok_or(Errno::EAFNOSUPPORT)?;
            (Fd::stream(libc::AF_INET)?, Address::Tcp(v4))
        }
        (fd, _) => (fd?, address),
    };
    if let Address::Tcp(_) = address {
        tuning.prepare(&fd, address.family())?;
    }
    Ok((fd, address))
}

/// What became of a connection that waited at a listener.
pub enum Accepted {
    /// It is open.
    Stream(Stream),
    /// A filter closed it.
    TurnedAway,
    /// It failed while it waited.
    Failed(Errno),
}

impl Stream {
    /// A stream that a listener accepted, if the peer may connect.
    pub(super) fn accepted(fd: Fd, peer: &RawAddress, tuning: &Tuning) -> Accepted {
        let admission = &tuning.admission;
        let kind = match peer.decode() {
            Ok(Address::Tcp(address)) => {
                if !admission.admits_address(&address) {
                    return Accepted::TurnedAway;
                }
                tuning.tune(&fd);
                Kind::Tcp(address)
            }
            _ => {
                if admission.asks_for_credentials() {
                    let admitted = fd.credentials().map(|peer| admission.admits_process(&peer));
                    if !matches!(admitted, Ok(true)) {
                        return Accepted::TurnedAway;
                    }
                }
                Kind::Ipc
            }
        };
        Accepted::Stream(Stream { fd, kind })
    }

    /// Reads what is there. 0 when the peer has closed (or the buffer is
    /// empty), `WouldBlock` when nothing is there.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fd.receive(buffer)
    }

    /// Reads into several buffers in turn.
    pub fn receive_vectored(&self, parts: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.fd.receive_vectored(parts)
    }

    /// Writes what fits, of the first 1024 parts. `WouldBlock` when nothing
    /// does.
    pub fn send_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.fd.send_vectored(parts)
    }

    /// The `Peer-Address` of the peer's messages: its IP address, or
    /// `localhost:uid:gid:pid` for a local process.
    pub fn peer_address(&self) -> String {
        match &self.kind {
            Kind::Tcp(address) => host_text(address),
            Kind::Ipc => match self.fd.credentials() {
                Ok(peer) => format!("localhost:{}:{}:{}", peer.uid, peer.gid, peer.pid),
                Err(_) => String::new(),
            },
        }
    }

    /// The endpoint text of this end: what the monitor of an accepted
    /// connection shows. Empty when the kernel does not tell.
    pub fn local_endpoint(&self) -> String {
        self.fd.local().map(|address| address.endpoint()).unwrap_or_default()
    }

    /// The endpoint text of the other end; `ipc://` for a connecting process,
    /// whose end has no name.
    pub fn remote_endpoint(&self) -> String {
        match &self.kind {
            Kind::Tcp(address) => Address::Tcp(*address).endpoint(),
            Kind::Ipc => self.fd.peer().map(|address| address.endpoint()).unwrap_or_default(),
        }
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
