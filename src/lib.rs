//! A drop-in replacement for libzmq.

pub mod error;
pub mod message;
pub mod options;
mod pipe;
mod reactor;
pub mod routing;
pub mod socket_type;
mod sync;
