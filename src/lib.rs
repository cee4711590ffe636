//! A drop-in replacement for libzmq.

pub mod capi;
mod context;
pub mod error;
pub mod message;
pub mod options;
mod pattern;
mod pipe;
mod poller;
mod proxy;
mod reactor;
pub mod routing;
mod session;
mod socket;
pub mod socket_type;
mod sync;
pub mod transport;
pub mod zmtp;
