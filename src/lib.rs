//! libzmq in Rust: its exact C ABI, and an engine in which the threads that use
//! sockets do the I/O themselves wherever they can.
//!
//! A program that was built for libzmq needs nothing of this page: it loads
//! `libzmq.so.5` and calls what [`capi`] exports. This is the map for those who
//! read the code; `ARCHITECTURE.md` tells how the rooms work together.
//!
//! From top to bottom, each using only what stands below it:
//!
//! - [`capi`]: the exported C functions. NULL, -1 and errno end here.
//! - `fuzzing`: what the fuzz targets see; not built otherwise.
//! - `context`: options, threads, termination, fork.
//! - `proxy` and `poller`: `zmq_proxy` and `zmq_poll`, on top of sockets.
//! - `socket`: the shell that all socket types share: lock, mailbox, waiting,
//!   endpoints.
//! - `pattern`: what each socket type does with its pipes.
//! - `session`: a connection and its pipe, reconnects, batches.
//! - [`routing`]: who gets which message, topics included.
//! - [`raw`]: connections without a protocol, without I/O.
//! - [`zmtp`]: the wire protocol without I/O.
//! - [`transport`]: addresses and streams of tcp and ipc.
//! - `reactor`: the kernel's poll and who leads it.
//! - [`options`]: the table of all options.
//! - `pipe`: rings, water marks, signals.
//! - [`message`]: the 64 bytes, and where bodies live.
//! - [`counters`]: what a socket counts, and how C sees it.
//! - `timers`: which handler is due.
//! - `crypto`: the boxes of CURVE.
//! - `gssapi`: Kerberos' security contexts, from a library loaded at run time.
//! - `curve_keys` and `z85`: pairs of keys, and keys as text.
//! - `trace`: what the library does, said line by line on stderr.
//! - `sync`: atomics, parking, handles.
//! - [`socket_type`] and [`error`].
//!
//! The way of a message through them: `capi/socket.rs`, `socket/transfer.rs`,
//! `pattern/push.rs`, `routing/load_balancer.rs`, `pipe/`, `session/drive.rs`
//! and `batch.rs`, `zmtp/connection.rs`, `transport/stream.rs`; and up the same
//! stairs on the other side.
//!
//! Rooms that tests and tools use from outside are public; there is no promise
//! of a stable Rust API. Lints for the whole crate (`missing_docs`,
//! `undocumented_unsafe_blocks`, …) stand in `Cargo.toml`.

// The documentation is for those who read the code: `make lint` builds it with
// private items, to which public ones may then refer.
#![allow(rustdoc::private_intra_doc_links)]

pub mod capi;
mod context;
pub mod counters;
mod crypto;
mod curve_keys;
pub mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gssapi;
pub mod message;
pub mod options;
mod pattern;
mod pipe;
mod poller;
mod proxy;
pub mod raw;
mod reactor;
pub mod routing;
mod session;
mod socket;
pub mod socket_type;
mod sync;
mod timers;
mod trace;
pub mod transport;
mod z85;
pub mod zmtp;
