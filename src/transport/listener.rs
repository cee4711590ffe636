//! Sockets that listen: made by `zmq_bind` on the application's thread,
//! accepted from on a reactor's.

use std::ffi::{CString, OsString};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::address::{Address, UnixAddress};
use super::endpoint::{Endpoint, IpcAddress};
use super::fd::Fd;
use super::lookup;
use super::stream::{Accepted, Stream, open};
use super::tuning::Tuning;
use crate::error::{Errno, Result};

/// A listening socket, closed on drop.
#[derive(Debug)]
pub struct Listener {
    fd: Fd,
    endpoint: String,
    /// Removed when we stop listening. A path that the caller chose stays, as
    /// with libzmq: by then it may belong to a later bind.
    temporary: Option<TemporaryPath>,
    /// The caller's descriptor for the same socket, closed with ours.
    _adopted: Option<Fd>,
}

/// Why a bind failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindFailure {
    /// What is wrong.
    pub errno: Errno,
    /// The descriptor that was to listen and is closed again, if it came to
    /// that.
    pub closed: Option<RawFd>,
}

impl From<Errno> for BindFailure {
    fn from(errno: Errno) -> BindFailure {
        BindFailure { errno, closed: None }
    }
}

impl Listener {
    /// Starts to listen. An ipc path that exists is taken over, even one that
    /// is still served. Blocks only while a host name is looked up.
    ///
    /// Fails with EINVAL (malformed, or udp or inproc, where nobody listens), ENODEV
    /// (no such host or interface), EADDRNOTAVAIL, EADDRINUSE, ENAMETOOLONG,
    /// or what else the kernel says.
    ///
    /// With [`Tuning::use_fd`] it serves that listening socket, whatever the
    /// address says, and owns it from then on; EBADF, ENOTSOCK, EINVAL for
    /// one that does not listen, EAFNOSUPPORT.
    pub fn bind(
        endpoint: &Endpoint,
        tuning: &Tuning,
    ) -> std::result::Result<Listener, BindFailure> {
        if let (Some(fd), Endpoint::Tcp(_) | Endpoint::Ipc(_)) = (tuning.use_fd, endpoint) {
            return Ok(adopt(fd)?);
        }
        match endpoint {
            Endpoint::Tcp(address) => {
                let mut failure = Errno::ENODEV.into();
                for address in lookup::local(address, tuning.ipv6)? {
                    match listen_tcp(Address::Tcp(address), tuning) {
                        Ok(listener) => return Ok(listener),
                        Err(error) => failure = error,
                    }
                }
                Err(failure)
            }
            Endpoint::Ipc(address) if address.is_wildcard() => {
                let temporary = TemporaryPath::new()?;
                let address = temporary.address()?;
                listen_ipc(address, Some(temporary), tuning)
            }
            Endpoint::Ipc(address) => listen_ipc(address.address()?, None, tuning),
            Endpoint::Udp(_) | Endpoint::Inproc(_) => Err(Errno::EINVAL.into()),
        }
    }

    /// The endpoint as `ZMQ_LAST_ENDPOINT` shows it and `zmq_unbind` takes
    /// it: addresses and ports numeric, wildcard ports and temporary paths
    /// resolved.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The next connection, `None` when none waits. EMFILE, ENFILE, ENOBUFS
    /// and ENOMEM mean that it waits on: try again later. Connections that
    /// died in the queue are passed over.
    pub fn accept(&self, tuning: &Tuning) -> Result<Option<Accepted>> {
        loop {
            match self.fd.accept() {
                Ok((fd, peer)) => return Ok(Some(Stream::accepted(fd, &peer, tuning))),
                Err(Errno::EAGAIN) => return Ok(None),
                Err(Errno::EINTR) => {}
                // Linux reports errors of the connection to come here, too
                // (accept(2)); that connection has left the queue.
                Err(
                    error @ (Errno::ECONNABORTED
                    | Errno::EPROTO
                    | Errno::ENETDOWN
                    | Errno::ENETUNREACH
                    | Errno::EHOSTDOWN
                    | Errno::EHOSTUNREACH
                    | Errno::ENOPROTOOPT),
                ) => return Ok(Some(Accepted::Failed(error))),
                Err(error) => return Err(error),
            }
        }
    }

    /// Stops to listen. Fails when a temporary path could not be removed.
    pub fn close(mut self) -> Result<()> {
        match self.temporary.take() {
            Some(mut temporary) => temporary.remove(),
            None => Ok(()),
        }
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

fn listen_tcp(address: Address, tuning: &Tuning) -> std::result::Result<Listener, BindFailure> {
    let (fd, address) = open(address, tuning)?;
    let listen = || {
        fd.set(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        fd.bind(&address.encode())?;
        fd.listen(tuning.backlog)?;
        fd.local()
    };
    match listen() {
        Ok(local) => {
            Ok(Listener { fd, endpoint: local.endpoint(), temporary: None, _adopted: None })
        }
        Err(errno) => Err(BindFailure { errno, closed: Some(fd.as_raw_fd()) }),
    }
}

fn listen_ipc(
    address: UnixAddress,
    temporary: Option<TemporaryPath>,
    tuning: &Tuning,
) -> std::result::Result<Listener, BindFailure> {
    if let Some(path) = address.path() {
        // What cannot be removed makes the bind fail, with a better reason.
        let _ = std::fs::remove_file(path);
    }
    let (fd, address) = open(Address::Ipc(address), tuning)?;
    match fd.bind(&address.encode()).and_then(|()| fd.listen(tuning.backlog)) {
        Ok(()) => Ok(Listener { fd, endpoint: address.endpoint(), temporary, _adopted: None }),
        Err(errno) => Err(BindFailure { errno, closed: Some(fd.as_raw_fd()) }),
    }
}

/// Takes a socket over that the caller has made to listen, as systemd hands
/// them to services. The caller's descriptor keeps its number until we close
/// it; we work on a duplicate, so that several binds may use the same one.
fn adopt(fd: RawFd) -> Result<Listener> {
    let ours = Fd::duplicate(fd)?;
    if ours.get(libc::SOL_SOCKET, libc::SO_ACCEPTCONN)? == 0 {
        return Err(Errno::EINVAL);
    }
    let endpoint = ours.local()?.endpoint();
    ours.set_nonblocking()?;
    let adopted = ours.adopt(fd);
    Ok(Listener { fd: ours, endpoint, temporary: None, _adopted: Some(adopted) })
}

/// A directory made for one socket, removed with it on drop. It lies in the
/// directory that `TMPDIR`, `TEMPDIR` or `TMP` names, or else, as libzmq has
/// it, in the working directory.
#[derive(Debug)]
struct TemporaryPath {
    /// As the endpoint shows it, maybe relative.
    shown: PathBuf,
    /// The same, unmoved by a later chdir; `None` once removed.
    absolute: Option<PathBuf>,
}

impl TemporaryPath {
    fn new() -> Result<TemporaryPath> {
        let parent = ["TMPDIR", "TEMPDIR", "TMP"]
            .into_iter()
            .filter_map(std::env::var_os)
            .find(|dir| Path::new(dir).is_dir())
            .unwrap_or_default();
        let template = Path::new(&parent).join("tmpXXXXXX").into_os_string();
        let template = CString::new(template.into_vec()).map_err(|_| Errno::EINVAL)?;
        let template = template.into_raw();
        // SAFETY: the template is a C string of ours that ends with six X,
        // which mkdtemp overwrites in place.
        let (made, error) = unsafe { (!libc::mkdtemp(template).is_null(), Errno::last()) };
        // SAFETY: the pointer came from into_raw; its length is unchanged.
        let name = unsafe { CString::from_raw(template) };
        if !made {
            return Err(error);
        }
        let shown = PathBuf::from(OsString::from_vec(name.into_bytes())).join("socket");
        let absolute = std::path::absolute(&shown).unwrap_or_else(|_| shown.clone());
        Ok(TemporaryPath { shown, absolute: Some(absolute) })
    }

    fn address(&self) -> Result<UnixAddress> {
        let text = self.shown.to_str().ok_or(Errno::EINVAL)?;
        IpcAddress(text.to_owned()).address()
    }
}

impl TemporaryPath {
    fn remove(&mut self) -> Result<()> {
        let Some(path) = self.absolute.take() else { return Ok(()) };
        let file = std::fs::remove_file(&path);
        let folder = path.parent().map_or(Ok(()), std::fs::remove_dir);
        Ok(file.and(folder)?)
    }
}

impl Drop for TemporaryPath {
    fn drop(&mut self) {
        // Nobody is left to tell when somebody else has removed them.
        let _ = self.remove();
    }
}

#[cfg(test)]
mod tests;
