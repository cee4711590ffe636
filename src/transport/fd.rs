//! A descriptor and the system calls made on it. All go through
//! `libc::syscall`: the C library's wrappers of these calls are pthread
//! cancellation points, and an application thread that drives a connection
//! must not be cancelled in the midst of it, not even in `close`.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, RawFd};

use super::address::{Address, RawAddress};
use crate::error::{Errno, Result};
use crate::sync::close_fd;

/// The kernel takes no more parts in one call (`UIO_MAXIOV`).
const PARTS_MAX: usize = 1024;

/// An open descriptor, closed on drop unless somebody else has closed it: then
/// its number may stand for another file.
#[derive(Debug)]
pub(super) struct Fd(RawFd, Identity);

/// What tells the file behind a descriptor from all others: its device and
/// inode.
type Identity = (u64, u64);

impl Drop for Fd {
    fn drop(&mut self) {
        if identity(self.0) == Ok(self.1) {
            // SAFETY: we own the descriptor, and nothing uses it after this.
            unsafe { close_fd(self.0) };
        }
    }
}

impl AsRawFd for Fd {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl Fd {
    /// A stream socket that neither blocks nor survives exec.
    pub(super) fn stream(family: libc::c_int) -> Result<Fd> {
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::socket(family, kind, 0) };
        Fd::new(fd)
    }

    /// A datagram socket that neither blocks nor survives exec.
    pub(super) fn datagram(family: libc::c_int) -> Result<Fd> {
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: takes no pointers.
        Fd::new(unsafe { libc::socket(family, kind, 0) })
    }

    /// Takes what a system call answered.
    fn new(fd: libc::c_int) -> Result<Fd> {
        if fd < 0 { Err(Errno::last()) } else { Ok(Fd(fd, identity(fd)?)) }
    }

    /// Takes a descriptor over that the caller gives away, for the same file as
    /// this one.
    pub(super) fn adopt(&self, fd: RawFd) -> Fd {
        Fd(fd, self.1)
    }

    /// Another descriptor for the same file, closed on exec.
    pub(super) fn duplicate(fd: RawFd) -> Result<Fd> {
        // SAFETY: takes no pointers.
        Fd::new(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) })
    }

    /// Makes calls on the file return at once. Whoever shares it is concerned.
    pub(super) fn set_nonblocking(&self) -> Result<()> {
        // SAFETY: takes no pointers.
        let flags = unsafe { libc::fcntl(self.0, libc::F_GETFL) };
        if flags < 0 {
            return Err(Errno::last());
        }
        // SAFETY: takes no pointers.
        done(unsafe { libc::fcntl(self.0, libc::F_SETFL, flags | libc::O_NONBLOCK) })
    }

    pub(super) fn bind(&self, address: &RawAddress) -> Result<()> {
        // SAFETY: the pointer and length describe an initialised address.
        done(unsafe { libc::bind(self.0, address.as_ptr(), address.len()) })
    }

    pub(super) fn listen(&self, backlog: i32) -> Result<()> {
        // SAFETY: takes no pointers.
        done(unsafe { libc::listen(self.0, backlog) })
    }

    pub(super) fn connect(&self, address: &RawAddress) -> Result<()> {
        // SAFETY: the pointer and length describe an initialised address.
        let rc =
            unsafe { libc::syscall(libc::SYS_connect, self.0, address.as_ptr(), address.len()) };
        done(rc as libc::c_int)
    }

    /// The next connection in the queue and who made it.
    pub(super) fn accept(&self) -> Result<(Fd, RawAddress)> {
        let mut peer = RawAddress::empty();
        let mut len = RawAddress::CAPACITY;
        let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: the buffer holds as many bytes as `len` says.
        let fd =
            unsafe { libc::syscall(libc::SYS_accept4, self.0, peer.as_mut_ptr(), &mut len, flags) };
        let fd = Fd::new(fd as RawFd)?;
        peer.set_len(len);
        Ok((fd, peer))
    }

    /// The address of this end.
    pub(super) fn local(&self) -> Result<Address> {
        let mut address = RawAddress::empty();
        let mut len = RawAddress::CAPACITY;
        // SAFETY: the buffer holds as many bytes as `len` says.
        done(unsafe { libc::getsockname(self.0, address.as_mut_ptr(), &mut len) })?;
        address.set_len(len);
        address.decode()
    }

    /// The address of the other end.
    pub(super) fn peer(&self) -> Result<Address> {
        let mut address = RawAddress::empty();
        let mut len = RawAddress::CAPACITY;
        // SAFETY: the buffer holds as many bytes as `len` says.
        done(unsafe { libc::getpeername(self.0, address.as_mut_ptr(), &mut len) })?;
        address.set_len(len);
        address.decode()
    }

    /// Sets an option whose value is an int.
    pub(super) fn set(&self, level: i32, option: i32, value: i32) -> Result<()> {
        self.set_bytes(level, option, &value.to_ne_bytes())
    }

    /// Sets an option whose value is a string of bytes.
    pub(super) fn set_bytes(&self, level: i32, option: i32, value: &[u8]) -> Result<()> {
        let len = value.len() as libc::socklen_t;
        // SAFETY: the pointer and length describe `value`.
        done(unsafe { libc::setsockopt(self.0, level, option, value.as_ptr().cast(), len) })
    }

    /// Reads an option whose value is an int.
    pub(super) fn get(&self, level: i32, option: i32) -> Result<libc::c_int> {
        let mut value: libc::c_int = 0;
        let mut len = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: the buffer is an int and `len` is its size.
        done(unsafe {
            libc::getsockopt(self.0, level, option, (&raw mut value).cast(), &mut len)
        })?;
        Ok(value)
    }

    /// Takes the error the kernel keeps for a connection that failed.
    pub(super) fn take_error(&self) -> Result<()> {
        match self.get(libc::SOL_SOCKET, libc::SO_ERROR)? {
            0 => Ok(()),
            error => Err(Errno::from_raw(error)),
        }
    }

    /// Who is at the other end of a local stream.
    pub(super) fn credentials(&self) -> Result<libc::ucred> {
        let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
        let mut len = size_of::<libc::ucred>() as libc::socklen_t;
        // SAFETY: the buffer is a ucred and `len` is its size.
        done(unsafe {
            let value = (&raw mut peer).cast();
            libc::getsockopt(self.0, libc::SOL_SOCKET, libc::SO_PEERCRED, value, &mut len)
        })?;
        Ok(peer)
    }

    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the pointer and length describe `buffer`; no address is
        // asked for.
        count(unsafe {
            libc::syscall(
                libc::SYS_recvfrom,
                self.0,
                buffer.as_mut_ptr(),
                buffer.len(),
                libc::MSG_DONTWAIT,
                std::ptr::null_mut::<libc::sockaddr>(),
                std::ptr::null_mut::<libc::socklen_t>(),
            )
        })
    }

    /// As [`Fd::receive`], and tells where it came from.
    pub(super) fn receive_from(
        &self,
        buffer: &mut [u8],
        from: &mut RawAddress,
    ) -> io::Result<usize> {
        let mut len = RawAddress::CAPACITY;
        // SAFETY: the pointers and lengths describe `buffer` and `from`.
        let received = count(unsafe {
            libc::syscall(
                libc::SYS_recvfrom,
                self.0,
                buffer.as_mut_ptr(),
                buffer.len(),
                libc::MSG_DONTWAIT,
                from.as_mut_ptr(),
                &raw mut len,
            )
        })?;
        from.set_len(len);
        Ok(received)
    }

    pub(super) fn receive_vectored(&self, parts: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let len = parts.len().min(PARTS_MAX);
        // SAFETY: IoSliceMut has the layout of iovec, each describes memory
        // that is ours to write, and `len` of them exist.
        count(unsafe { libc::syscall(libc::SYS_readv, self.0, parts.as_mut_ptr(), len) })
    }

    pub(super) fn send_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        // SAFETY: a msghdr of zeros is a valid one that holds nothing.
        self.send_message(unsafe { std::mem::zeroed() }, parts)
    }

    /// As [`Fd::send_vectored`], to an address.
    pub(super) fn send_to(&self, parts: &[IoSlice<'_>], to: &RawAddress) -> io::Result<usize> {
        // SAFETY: a msghdr of zeros is a valid one that holds nothing.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_name = to.as_ptr().cast_mut().cast();
        message.msg_namelen = to.len();
        self.send_message(message, parts)
    }

    fn send_message(&self, mut message: libc::msghdr, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        message.msg_iov = parts.as_ptr().cast_mut().cast();
        message.msg_iovlen = parts.len().min(PARTS_MAX) as _;
        let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
        // SAFETY: IoSlice has the layout of iovec, `msg_iovlen` of them exist,
        // and the kernel only reads what they describe.
        count(unsafe { libc::syscall(libc::SYS_sendmsg, self.0, &raw const message, flags) })
    }
}

fn identity(fd: RawFd) -> Result<Identity> {
    // SAFETY: stat is plain data.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a stat of ours.
    done(unsafe { libc::fstat(fd, &mut status) })?;
    Ok((status.st_dev, status.st_ino))
}

fn done(rc: libc::c_int) -> Result<()> {
    if rc < 0 { Err(Errno::last()) } else { Ok(()) }
}

fn count(rc: libc::c_long) -> io::Result<usize> {
    usize::try_from(rc).map_err(|_| io::Error::last_os_error())
}
