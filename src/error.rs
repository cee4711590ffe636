//! One enum for every error the library reports: its discriminants are the C
//! errno values, libzmq's private ones included. Inside the library functions
//! return `Result<T, Errno>`; `-1` and `errno` exist only in `capi/`.

use std::ffi::CStr;

/// libzmq's private errno values start here (`ZMQ_HAUSNUMERO`).
pub const HAUSNUMERO: i32 = 156_384_712;

macro_rules! errnos {
    ($($name:ident = $value:expr,)*) => {
        /// An error, as the errno value a C caller sees.
        #[allow(missing_docs, reason = "the names are those of errno(3) and the zmq manual pages")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum Errno { $($name = $value,)* }

        impl Errno {
            /// The error with this errno value, `EINVAL` for one the library
            /// has no name for.
            pub fn from_raw(value: i32) -> Errno {
                match value { $(v if v == $value => Errno::$name,)* _ => Errno::EINVAL }
            }
        }
    };
}

errnos! {
    EPERM = libc::EPERM,
    ENOENT = libc::ENOENT,
    EINTR = libc::EINTR,
    EIO = libc::EIO,
    ENXIO = libc::ENXIO,
    EBADF = libc::EBADF,
    EAGAIN = libc::EAGAIN,
    ENOMEM = libc::ENOMEM,
    EACCES = libc::EACCES,
    EFAULT = libc::EFAULT,
    EBUSY = libc::EBUSY,
    EEXIST = libc::EEXIST,
    ENODEV = libc::ENODEV,
    ENOTDIR = libc::ENOTDIR,
    EISDIR = libc::EISDIR,
    EINVAL = libc::EINVAL,
    ENFILE = libc::ENFILE,
    EMFILE = libc::EMFILE,
    ENOSPC = libc::ENOSPC,
    EROFS = libc::EROFS,
    EPIPE = libc::EPIPE,
    ENAMETOOLONG = libc::ENAMETOOLONG,
    ENOTEMPTY = libc::ENOTEMPTY,
    ELOOP = libc::ELOOP,
    EPROTO = libc::EPROTO,
    ENOTSOCK = libc::ENOTSOCK,
    EMSGSIZE = libc::EMSGSIZE,
    ENOPROTOOPT = libc::ENOPROTOOPT,
    EPROTONOSUPPORT = libc::EPROTONOSUPPORT,
    ENOTSUP = libc::ENOTSUP,
    EAFNOSUPPORT = libc::EAFNOSUPPORT,
    EADDRINUSE = libc::EADDRINUSE,
    EADDRNOTAVAIL = libc::EADDRNOTAVAIL,
    ENETDOWN = libc::ENETDOWN,
    ENETUNREACH = libc::ENETUNREACH,
    ENETRESET = libc::ENETRESET,
    ECONNABORTED = libc::ECONNABORTED,
    ECONNRESET = libc::ECONNRESET,
    ENOBUFS = libc::ENOBUFS,
    EISCONN = libc::EISCONN,
    ENOTCONN = libc::ENOTCONN,
    ETIMEDOUT = libc::ETIMEDOUT,
    ECONNREFUSED = libc::ECONNREFUSED,
    EHOSTDOWN = libc::EHOSTDOWN,
    EHOSTUNREACH = libc::EHOSTUNREACH,
    EALREADY = libc::EALREADY,
    EINPROGRESS = libc::EINPROGRESS,
    EFSM = HAUSNUMERO + 51,
    ENOCOMPATPROTO = HAUSNUMERO + 52,
    ETERM = HAUSNUMERO + 53,
    EMTHREAD = HAUSNUMERO + 54,
    // Of a call that has no caller any more: never seen.
    ECANCELED = HAUSNUMERO + 999,
}

/// The result of everything that can fail in the library.
pub type Result<T> = std::result::Result<T, Errno>;

impl Errno {
    /// The errno value.
    pub fn raw(self) -> i32 {
        self as i32
    }

    /// The error of the system call that just failed on this thread.
    pub fn last() -> Errno {
        Errno::from(std::io::Error::last_os_error())
    }
}

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Errno {
        error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw)
    }
}

/// Puts this thread's errno back when dropped: a call that succeeds leaves it
/// alone, whatever its system calls did to it.
pub(crate) struct KeepErrno(i32);

impl KeepErrno {
    /// Remembers errno.
    pub(crate) fn new() -> KeepErrno {
        // SAFETY: the C library gives every thread a valid errno location.
        KeepErrno(unsafe { *libc::__errno_location() })
    }
}

impl Drop for KeepErrno {
    fn drop(&mut self) {
        // SAFETY: as above; only this thread writes there.
        unsafe { *libc::__errno_location() = self.0 };
    }
}

/// The text of an errno value that is libzmq's own or that libzmq words
/// differently from the C library; `None` where `strerror` has the word
/// (manual page zmq_strerror).
pub fn private_text(value: i32) -> Option<&'static CStr> {
    const EFSM: i32 = Errno::EFSM as i32;
    const ENOCOMPATPROTO: i32 = Errno::ENOCOMPATPROTO as i32;
    const ETERM: i32 = Errno::ETERM as i32;
    const EMTHREAD: i32 = Errno::EMTHREAD as i32;
    Some(match value {
        EFSM => c"Operation cannot be accomplished in current state",
        ENOCOMPATPROTO => c"The protocol is not compatible with the socket type",
        ETERM => c"Context was terminated",
        EMTHREAD => c"No thread available",
        libc::EHOSTUNREACH => c"Host unreachable",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_errno_keeps_its_value() {
        for e in [Errno::EAGAIN, Errno::ENOTSOCK, Errno::EFSM, Errno::ETERM, Errno::EHOSTUNREACH] {
            assert_eq!(Errno::from_raw(e.raw()), e);
        }
        assert_eq!(Errno::ETERM.raw(), 156_384_765);
        assert_eq!(Errno::from_raw(-5), Errno::EINVAL);
    }
}
