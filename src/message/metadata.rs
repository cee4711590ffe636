//! What a peer said of itself in the handshake, shared by all messages that
//! came from it (manual page zmq_msg_gets), and the group a message belongs to.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use crate::error::{Errno, Result};

/// The longest name of a group (`ZMQ_GROUP_MAX_LENGTH`, RFC 48).
pub const MAX_GROUP: usize = 255;

/// The properties of a connection, in the order they were announced.
#[derive(Debug, Default)]
pub struct Metadata {
    properties: Vec<(CString, CString)>,
    /// The group of the message (RFC 48), and what is known of its peer.
    group: Option<(CString, Option<Arc<Metadata>>)>,
}

impl Metadata {
    /// Metadata without properties.
    pub fn new() -> Metadata {
        Metadata::default()
    }

    /// Adds a property. A value is cut at its first zero byte, because C
    /// callers see it as a string; a name that contains one is left out.
    pub fn add(&mut self, name: &[u8], value: &[u8]) {
        let Ok(name) = CString::new(name) else { return };
        let end = value.iter().position(|b| *b == 0).unwrap_or(value.len());
        if let Ok(value) = CString::new(&value[..end]) {
            self.properties.push((name, value));
        }
    }

    /// The value of the property with this name. RFC 23 has names without
    /// regard to case; libzmq compares them exactly here, and so do we.
    pub fn value(&self, name: &[u8]) -> Option<&CStr> {
        let properties = self.peer().map_or(&self.properties, |peer| &peer.properties);
        properties.iter().find(|(n, _)| n.as_bytes() == name).map(|(_, value)| value.as_c_str())
    }

    /// That of a message of this group, from the peer of `peer`. `EINVAL` for a
    /// name that is too long, or no C string.
    pub(crate) fn with_group(group: &[u8], peer: Option<Arc<Metadata>>) -> Result<Metadata> {
        if group.len() > MAX_GROUP {
            return Err(Errno::EINVAL);
        }
        let group = CString::new(group).map_err(|_| Errno::EINVAL)?;
        Ok(Metadata { properties: Vec::new(), group: Some((group, peer)) })
    }

    /// The group of the message, if one was set.
    pub(crate) fn group(&self) -> Option<&CStr> {
        self.group.as_ref().map(|(group, _)| group.as_c_str())
    }

    /// What is known of the peer of a message with a group.
    pub(crate) fn peer(&self) -> Option<&Arc<Metadata>> {
        self.group.as_ref()?.1.as_ref()
    }
}
