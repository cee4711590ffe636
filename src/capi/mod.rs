//! The C boundary: every exported function and C type lives in this room, and
//! nothing else in the tree is `extern "C"`.
//!
//! Each function has three beats: resolve what the caller handed in, call the
//! safe core, convert the answer. [`entry`] does the converting: `-1`, NULL and
//! errno exist only there, and no panic passes it.
//!
//! The prototypes in `include/zmq.h` are generated from these files, in the
//! order of the modules below; types and constants stand in `cbindgen.toml`, and
//! in `cbindgen.draft.toml` those of the draft API.

mod entry;
mod handles;

pub mod version;

pub mod context;

pub mod message;

pub mod socket;

pub mod monitor;

pub mod poll;

pub mod deprecated;

pub mod keys;

pub mod timers;

pub mod util;

#[cfg(feature = "draft")]
pub mod draft;

#[cfg(feature = "draft")]
pub mod poller;
