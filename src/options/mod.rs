//! Every option of the C API in one typed table, and the values it leads to.
//!
//! [`SocketOptions`] holds what `zmq_setsockopt` changes and `zmq_getsockopt`
//! reads, [`ContextOptions`] what `zmq_ctx_set` and `zmq_ctx_get` do. Both are
//! plain values without locks: their owner (socket or context) serialises
//! access, and a connection takes a clone of the socket's. Number, type, range,
//! default and socket types of an option are written down once, in its row; the
//! checks and the table for the documentation ([`markdown_table`]) come from
//! there. What the checks answer is what libzmq 4.3.4 answers: `EINVAL` for
//! everything that is wrong with an option, be it number, size, value, direction
//! or socket type.

#![forbid(unsafe_code)]

mod c_table;
mod context;
#[cfg(feature = "draft")]
mod draft;
mod markdown;
mod names;
#[cfg(any(test, fuzzing))]
mod resting;
mod row;
mod security;
mod socket;
mod socks;
mod table;

pub use c_table::c_table;
pub use context::{ContextOptions, MESSAGE_SIZE_BYTES, SOCKET_LIMIT};
pub use markdown::markdown_table;
pub use names::{is_number, name};
#[cfg(any(test, fuzzing))]
pub use resting::Resting;
pub use security::{MechanismChoice, SecurityOptions};
pub use socket::{Change, Filter, Live, Multicast, PatternOption, SocketOptions};
pub use socks::SocksOptions;
