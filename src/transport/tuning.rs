//! What the options of a socket ask of its listeners and streams.

use std::os::fd::RawFd;

use super::admission::Admission;
use super::fd::Fd;
use crate::error::Result;

/// The socket options that reach the kernel, copied when a listener or a
/// session is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// `ZMQ_SNDBUF`, bytes; `None` leaves the kernel's default. Tcp only, as
    /// in libzmq.
    pub send_buffer_bytes: Option<i32>,
    /// `ZMQ_RCVBUF`, bytes; `None` leaves the kernel's default. Tcp only.
    pub receive_buffer_bytes: Option<i32>,
    /// `ZMQ_TOS`; 0 leaves the kernel's default.
    pub type_of_service: i32,
    /// `ZMQ_TCP_KEEPALIVE`; `None` leaves the kernel's default, and the three
    /// options below without effect.
    pub keepalive: Option<bool>,
    /// `ZMQ_TCP_KEEPALIVE_CNT`.
    pub keepalive_count: Option<i32>,
    /// `ZMQ_TCP_KEEPALIVE_IDLE`.
    pub keepalive_idle_s: Option<i32>,
    /// `ZMQ_TCP_KEEPALIVE_INTVL`.
    pub keepalive_interval_s: Option<i32>,
    /// `ZMQ_TCP_MAXRT`; 0 leaves the kernel's default.
    pub retransmit_timeout_ms: i32,
    /// `ZMQ_PRIORITY`; 0 leaves the kernel's default.
    pub priority: i32,
    /// `ZMQ_BUSY_POLL`, microseconds; 0 leaves the kernel's default.
    pub busy_poll_us: i32,
    /// `ZMQ_BACKLOG`.
    pub backlog: i32,
    /// `ZMQ_IPV6`: names and wildcards may stand for IPv6 addresses, and
    /// IPv4 ones are reached through IPv6 sockets.
    pub ipv6: bool,
    /// `ZMQ_BINDTODEVICE`.
    pub bind_to_device: Option<String>,
    /// Who may connect to what is bound.
    pub admission: Admission,
    /// `ZMQ_USE_FD`: the listening socket to serve in place of a new one.
    pub use_fd: Option<RawFd>,
}

impl Default for Tuning {
    /// The defaults of a new socket.
    fn default() -> Tuning {
        Tuning {
            send_buffer_bytes: None,
            receive_buffer_bytes: None,
            type_of_service: 0,
            keepalive: None,
            keepalive_count: None,
            keepalive_idle_s: None,
            keepalive_interval_s: None,
            retransmit_timeout_ms: 0,
            priority: 0,
            busy_poll_us: 0,
            backlog: 100,
            ipv6: false,
            bind_to_device: None,
            admission: Admission::default(),
            use_fd: None,
        }
    }
}

impl Tuning {
    /// Prepares a tcp socket before it is bound or connected. Only a device
    /// that cannot be had is an error: it would change where data goes. The
    /// rest is advice that the kernel may refuse.
    pub(super) fn prepare(&self, fd: &Fd, family: libc::c_int) -> Result<()> {
        if family == libc::AF_INET6 {
            fd.set(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 0)?;
        }
        self.mark(fd);
        if let Some(device) = &self.bind_to_device {
            fd.set_bytes(libc::SOL_SOCKET, libc::SO_BINDTODEVICE, device.as_bytes())?;
        }
        advise(fd, libc::SOL_SOCKET, libc::SO_SNDBUF, self.send_buffer_bytes);
        advise(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, self.receive_buffer_bytes);
        Ok(())
    }

    /// Tunes a connected tcp stream. All of it is advice: a stream whose peer
    /// has gone already refuses some, and tells so when it is read.
    pub(super) fn tune(&self, fd: &Fd) {
        advise(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, Some(1));
        self.mark(fd);
        if let Some(keepalive) = self.keepalive {
            advise(fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE, Some(keepalive.into()));
            advise(fd, libc::IPPROTO_TCP, libc::TCP_KEEPCNT, self.keepalive_count);
            advise(fd, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, self.keepalive_idle_s);
            advise(fd, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, self.keepalive_interval_s);
        }
        let timeout = Some(self.retransmit_timeout_ms).filter(|ms| *ms > 0);
        advise(fd, libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, timeout);
    }

    /// IPv6 sockets that carry IPv4 heed both marks, each its own family's.
    fn mark(&self, fd: &Fd) {
        let mark = Some(self.type_of_service).filter(|tos| *tos != 0);
        advise(fd, libc::IPPROTO_IP, libc::IP_TOS, mark);
        advise(fd, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, mark);
        for (option, value) in
            [(libc::SO_PRIORITY, self.priority), (libc::SO_BUSY_POLL, self.busy_poll_us)]
        {
            advise(fd, libc::SOL_SOCKET, option, Some(value).filter(|value| *value != 0));
        }
    }
}

fn advise(fd: &Fd, level: i32, option: i32, value: Option<i32>) {
    if let Some(value) = value {
        let _ = fd.set(level, option, value);
    }
}
