//! Options of the proxy that tcp connects go through. They concern the connects
//! that follow; a name makes the socket offer it with the password, and nothing
//! else.

use std::fmt;

use zeroize::Zeroizing;

use super::row::{
    Get, Set,
    State::{self, Now},
};
use super::socket::Change;

/// What a socket says about its proxy.
#[derive(Clone, Default)]
pub struct SocksOptions {
    /// `ZMQ_SOCKS_PROXY`, `host:port`; empty: none.
    pub proxy: Vec<u8>,
    /// `ZMQ_SOCKS_USERNAME`; empty: none.
    pub username: Zeroizing<Vec<u8>>,
    /// `ZMQ_SOCKS_PASSWORD`.
    pub password: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for SocksOptions {
    /// Without what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocksOptions").field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

macro_rules! text {
    ($field:ident) => {
        Now(
            Set::Bytes(|o, v| {
                o.socks.$field = v.to_vec().into();
                Ok(Change::Stored)
            }),
            Get::Bytes(|o| &o.socks.$field),
        )
    };
}

pub(super) const SOCKS_PROXY: State = text!(proxy);
pub(super) const SOCKS_USERNAME: State = text!(username);
pub(super) const SOCKS_PASSWORD: State = text!(password);

#[cfg(test)]
mod tests {
    use crate::error::Errno;
    use crate::options::{ContextOptions, SocketOptions};
    use crate::socket_type::SocketType;

    #[test]
    fn names_and_passwords_are_cleared_by_nothing_and_never_shown() {
        let mut socket = SocketOptions::new(SocketType::Req, &ContextOptions::default());
        for option in [99, 100] {
            assert_eq!(socket.set(option, Some(&[b'x'; 256])), Err(Errno::EINVAL));
            for clears in [None, Some(&b""[..])] {
                socket.set(option, Some(b"ABC")).unwrap();
                assert!(!format!("{socket:?}").contains("65, 66, 67"));
                socket.set(option, clears).unwrap();
                assert!(socket.socks.username.is_empty() && socket.socks.password.is_empty());
            }
        }
        assert!(socket.takes_null(99) && !socket.takes_null(68) && !socket.takes_null(45));
        socket.set(68, Some(b"p:1")).unwrap();
        assert_eq!(socket.set(68, Some(b"")), Err(Errno::EINVAL));
        assert_eq!(socket.socks.proxy, b"p:1");
        socket.set(68, None).unwrap();
        assert!(socket.socks.proxy.is_empty());
    }
}
