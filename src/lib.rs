//! A drop-in replacement for libzmq.

pub mod capi;
pub mod error;
pub mod message;
mod pipe;
mod reactor;
pub mod options;
pub mod routing;
pub mod socket_type;
mod sync;
