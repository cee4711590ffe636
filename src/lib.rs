//! A drop-in replacement for libzmq.

pub mod capi;
pub mod error;
pub mod message;
pub mod socket_type;
