//! A drop-in replacement for libzmq.

pub mod capi;
pub mod error;
pub mod message;
pub mod options;
mod pipe;
mod reactor;
mod session;
pub mod options;
pub mod routing;
pub mod socket_type;
pub mod zmtp;
mod sync;
pub mod transport;
