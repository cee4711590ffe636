//! A drop-in replacement for libzmq.

pub mod error;
pub mod message;
mod pipe;
pub mod socket_type;
mod sync;
pub mod transport;
