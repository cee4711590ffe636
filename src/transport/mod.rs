//! Addresses, and how to listen on, connect to, accept and name them, for tcp
//! and ipc, how to send and receive datagrams, and how to ask a SOCKS proxy for a way; inproc names are only parsed
//! here. Nothing in this room knows the reactor: it hands out non-blocking,
//! close-on-exec descriptors (`AsRawFd`) which the reactor registers.
//!
//! Everything runs on the caller's thread and never blocks, except that
//! [`Listener::bind`], [`Endpoint::canonical`] and the makers of [`Datagrams`] ask
//! the name service about a host name. Connecting sessions use a [`Resolver`], whose helper
//! threads are the only ones started here.
//!
//! Application threads drive connections, so nothing done to a stream may be
//! a pthread cancellation point: a thread cancelled half-way through a frame
//! would leave the connection torn. `fd.rs` therefore calls the kernel with
//! `libc::syscall`, never through `recv`, `sendmsg`, `close` and so on.

mod address;
mod admission;
mod datagram;
mod endpoint;
mod fd;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod listener;
mod lookup;
mod resolver;
pub mod socks;
mod stream;
mod tuning;

pub use address::{Address, UnixAddress};
pub use admission::Admission;
pub use datagram::{Datagrams, Multicast};
pub use endpoint::{Endpoint, IpcAddress, TcpAddress, UdpAddress};
pub use listener::{BindFailure, Listener};
pub use lookup::Target;
pub use resolver::Resolver;
pub use stream::{Accepted, Progress, Stream, finish_connect, start_connect};
pub use tuning::Tuning;
