//! A drop-in replacement for libzmq.

pub mod error;
pub mod message;
pub mod socket_type;
pub mod transport;
