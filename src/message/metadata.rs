//! What a peer said of itself in the handshake, shared by all messages that
//! came from it (manual page zmq_msg_gets).

use std::ffi::{CStr, CString};

/// The properties of a connection, in the order they were announced.
#[derive(Debug, Default)]
pub struct Metadata {
    properties: Vec<(CString, CString)>,
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
        self.properties
            .iter()
            .find(|(n, _)| n.as_bytes() == name)
            .map(|(_, value)| value.as_c_str())
    }
}
