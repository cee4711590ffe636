//! Options of the security mechanisms. Which mechanism a socket insists on
//! follows from the option set last: `ZMQ_PLAIN_SERVER` 1 makes it a server of
//! PLAIN, a name or password a client, and each of them can take it back to
//! NULL. `ZMQ_CURVE_SERVER` does the same for CURVE, and `ZMQ_CURVE_SERVERKEY`
//! makes a client; the socket's own two keys choose CURVE and leave the role as it
//! is. `ZMQ_GSSAPI_SERVER` chooses GSSAPI with either value, `ZMQ_GSSAPI_PRINCIPAL`
//! leaves the role as it is, and `ZMQ_GSSAPI_SERVICE_PRINCIPAL` makes a client. Values
//! that were set stay.

use std::fmt;

use zeroize::Zeroizing;

use super::row::{
    Get, Set,
    State::{self, Gssapi, Now},
};
use super::socket::Change;
use crate::error::Errno;
use crate::gssapi::{NameType, Principal, Principals};

/// What a socket says about security.
#[derive(Clone, Default)]
pub struct SecurityOptions {
    /// `ZMQ_MECHANISM`.
    pub mechanism: MechanismChoice,
    /// The socket is the mechanism's server; see [`SecurityOptions::serves`].
    as_server: bool,
    /// `ZMQ_PLAIN_USERNAME`.
    pub plain_username: Zeroizing<Vec<u8>>,
    /// `ZMQ_PLAIN_PASSWORD`.
    pub plain_password: Zeroizing<Vec<u8>>,
    /// `ZMQ_CURVE_PUBLICKEY`.
    pub curve_public_key: Zeroizing<[u8; 32]>,
    /// `ZMQ_CURVE_SECRETKEY`.
    pub curve_secret_key: Zeroizing<[u8; 32]>,
    /// `ZMQ_CURVE_SERVERKEY`.
    pub curve_server_key: Zeroizing<[u8; 32]>,
    /// `ZMQ_GSSAPI_PRINCIPAL`; empty: none.
    pub gssapi_principal: Vec<u8>,
    /// `ZMQ_GSSAPI_PRINCIPAL_NAMETYPE`.
    gssapi_principal_type: NameType,
    /// `ZMQ_GSSAPI_SERVICE_PRINCIPAL`.
    pub gssapi_service: Vec<u8>,
    /// `ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE`.
    gssapi_service_type: NameType,
    /// `ZMQ_GSSAPI_PLAINTEXT`.
    pub gssapi_plaintext: bool,
    /// `ZMQ_ZAP_DOMAIN`; empty: none.
    pub zap_domain: Vec<u8>,
    /// `ZMQ_ZAP_ENFORCE_DOMAIN`.
    pub zap_enforce_domain: bool,
}

/// The values of `ZMQ_MECHANISM`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MechanismChoice {
    /// `ZMQ_NULL`.
    #[default]
    Null = 0,
    /// `ZMQ_PLAIN`.
    Plain = 1,
    /// `ZMQ_CURVE`.
    Curve = 2,
    /// `ZMQ_GSSAPI`.
    Gssapi = 3,
}

impl fmt::Debug for SecurityOptions {
    /// Without what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityOptions")
            .field("mechanism", &self.mechanism)
            .field("as_server", &self.as_server)
            .finish_non_exhaustive()
    }
}

impl SecurityOptions {
    /// Whether the socket is a server of this mechanism.
    pub fn serves(&self, mechanism: MechanismChoice) -> bool {
        self.as_server && self.mechanism == mechanism
    }

    /// Makes the socket a server of this mechanism, or takes it back to NULL.
    fn serve(&mut self, mechanism: MechanismChoice, yes: bool) {
        self.as_server = yes;
        self.mechanism = if yes { mechanism } else { MechanismChoice::Null };
    }

    /// Makes the socket a client of this mechanism.
    fn be_client(&mut self, mechanism: MechanismChoice) {
        self.as_server = false;
        self.mechanism = mechanism;
    }

    /// The names of GSSAPI, in the socket's role.
    pub(crate) fn principals(&self) -> Principals {
        let own = (!self.gssapi_principal.is_empty())
            .then(|| Principal::new(&self.gssapi_principal, self.gssapi_principal_type));
        if self.serves(MechanismChoice::Gssapi) {
            return Principals::Server { own };
        }
        let service = Principal::new(&self.gssapi_service, self.gssapi_service_type);
        Principals::Client { own, service }
    }
}

/// A text of a client's; NULL takes the socket back to the mechanism NULL.
macro_rules! client_text {
    ($field:ident, $mechanism:ident) => {
        Now(
            Set::Bytes(|o, v| {
                if v.is_empty() {
                    o.security.mechanism = MechanismChoice::Null;
                } else {
                    o.security.$field = Zeroizing::new(v.to_vec());
                    o.security.be_client(MechanismChoice::$mechanism);
                }
                Ok(Change::Stored)
            }),
            Get::Bytes(|o| &o.security.$field),
        )
    };
}

/// A key; `$role` is what setting it makes of the socket beside choosing CURVE.
macro_rules! key {
    ($field:ident, $role:expr) => {
        Now(
            Set::Key(|o, key| {
                o.security.$field = key;
                o.security.mechanism = MechanismChoice::Curve;
                let role: fn(&mut SecurityOptions) = $role;
                role(&mut o.security);
                Change::Stored
            }),
            Get::Key(|o| &o.security.$field),
        )
    };
}

/// Whether the socket is a server.
macro_rules! server {
    ($mechanism:ident) => {
        Now(
            Set::Flag(|o, v| {
                o.security.serve(MechanismChoice::$mechanism, v);
                Ok(Change::Stored)
            }),
            Get::Int(|o| i32::from(o.security.serves(MechanismChoice::$mechanism))),
        )
    };
}

/// A name; `$role` is what setting it makes of the socket beside choosing GSSAPI.
macro_rules! principal {
    ($field:ident, $role:expr) => {
        Gssapi(
            Set::Bytes(|o, v| {
                if v.is_empty() {
                    return Err(Errno::EINVAL);
                }
                o.security.$field = v.to_vec();
                o.security.mechanism = MechanismChoice::Gssapi;
                let role: fn(&mut SecurityOptions) = $role;
                role(&mut o.security);
                Ok(Change::Stored)
            }),
            Get::Bytes(|o| &o.security.$field),
        )
    };
}

/// How a name is written.
macro_rules! name_type {
    ($field:ident) => {
        Gssapi(
            Set::Int(|o, v| {
                o.security.$field = match v {
                    0 => NameType::HostBased,
                    1 => NameType::UserName,
                    _ => NameType::Krb5Principal,
                };
                Ok(Change::Stored)
            }),
            Get::Int(|o| o.security.$field as i32),
        )
    };
}

pub(super) const MECHANISM: State = Now(Set::Never, Get::Int(|o| o.security.mechanism as i32));
pub(super) const PLAIN_SERVER: State = server!(Plain);
pub(super) const PLAIN_USERNAME: State = client_text!(plain_username, Plain);
pub(super) const PLAIN_PASSWORD: State = client_text!(plain_password, Plain);
pub(super) const CURVE_SERVER: State = server!(Curve);
pub(super) const CURVE_PUBLICKEY: State = key!(curve_public_key, |_| ());
pub(super) const CURVE_SECRETKEY: State = key!(curve_secret_key, |_| ());
pub(super) const CURVE_SERVERKEY: State =
    key!(curve_server_key, |security| security.as_server = false);
pub(super) const GSSAPI_SERVER: State = Gssapi(
    // A server no more is a client, and not without security.
    Set::Flag(|o, v| {
        o.security.as_server = v;
        o.security.mechanism = MechanismChoice::Gssapi;
        Ok(Change::Stored)
    }),
    Get::Int(|o| i32::from(o.security.serves(MechanismChoice::Gssapi))),
);
pub(super) const GSSAPI_PRINCIPAL: State = principal!(gssapi_principal, |_| ());
pub(super) const GSSAPI_SERVICE_PRINCIPAL: State =
    principal!(gssapi_service, |security| security.as_server = false);
pub(super) const GSSAPI_PLAINTEXT: State = Gssapi(
    Set::Flag(|o, v| {
        o.security.gssapi_plaintext = v;
        Ok(Change::Stored)
    }),
    Get::Int(|o| i32::from(o.security.gssapi_plaintext)),
);
pub(super) const GSSAPI_PRINCIPAL_NAMETYPE: State = name_type!(gssapi_principal_type);
pub(super) const GSSAPI_SERVICE_PRINCIPAL_NAMETYPE: State = name_type!(gssapi_service_type);
pub(super) const ZAP_DOMAIN: State = Now(
    Set::Bytes(|o, v| {
        if v.is_empty() {
            return Err(Errno::EINVAL);
        }
        o.security.zap_domain = v.to_vec();
        Ok(Change::Stored)
    }),
    Get::Bytes(|o| &o.security.zap_domain),
);
pub(super) const ZAP_ENFORCE_DOMAIN: State = Now(
    Set::Flag(|o, v| {
        o.security.zap_enforce_domain = v;
        Ok(Change::Stored)
    }),
    Get::Int(|o| i32::from(o.security.zap_enforce_domain)),
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{ContextOptions, SocketOptions};
    use crate::socket_type::SocketType;

    #[test]
    fn the_option_set_last_says_which_mechanism() {
        let mut socket = SocketOptions::new(SocketType::Rep, &ContextOptions::default());
        let mut now = |option, value: Option<&[u8]>| {
            socket.set(option, value).unwrap();
            let security = &socket.security;
            (security.mechanism as i32, security.serves(MechanismChoice::Plain))
        };
        let (yes, no) = (1i32.to_ne_bytes(), 0i32.to_ne_bytes());
        assert_eq!(now(45, Some(b"name")), (1, false));
        assert_eq!(now(44, Some(&yes)), (1, true));
        assert_eq!(now(46, Some(b"word")), (1, false));
        assert_eq!(now(46, None), (0, false));
        assert_eq!(now(44, Some(&yes)), (1, true));
        assert_eq!(now(45, None), (0, false));
        assert_eq!(now(45, Some(b"n")), (1, false));
        assert_eq!(now(44, Some(&no)), (0, false));
        assert_eq!(socket.security.plain_password[..], b"word"[..]);
        assert_eq!(socket.set(55, None), Err(Errno::EINVAL));
        assert_eq!(socket.set(43, Some(&yes)), Err(Errno::EINVAL));
    }

    #[test]
    fn gssapi_names_choose_it_and_say_which_role() {
        let mut socket = SocketOptions::new(SocketType::Rep, &ContextOptions::default());
        if !crate::gssapi::is_available() {
            for option in [62, 63, 64, 65, 90, 91] {
                assert_eq!(socket.set(option, Some(&1i32.to_ne_bytes())), Err(Errno::EINVAL));
            }
            return;
        }
        let mut now = |option, value: &[u8]| {
            socket.set(option, Some(value)).unwrap();
            let security = &socket.security;
            let serves = security.serves(MechanismChoice::Gssapi);
            (security.mechanism as i32, serves, security.principals())
        };
        let int = |value: i32| value.to_ne_bytes();
        let name = |text: &str, kind| Principal::new(text.as_bytes(), kind);
        let (own, nobody) = (name("alice", NameType::HostBased), name("", NameType::HostBased));
        let client = |own, service| Principals::Client { own, service };
        assert_eq!(now(65, &int(1)), (0, false, client(None, nobody.clone())));
        assert_eq!(now(63, b"alice"), (3, false, client(Some(own.clone()), nobody)));
        assert_eq!(now(62, &int(1)), (3, true, Principals::Server { own: Some(own) }));
        let own = name("alice", NameType::UserName);
        assert_eq!(now(90, &int(1)), (3, true, Principals::Server { own: Some(own.clone()) }));
        let service = name("s@h", NameType::HostBased);
        assert_eq!(now(64, b"s@h\0x"), (3, false, client(Some(own.clone()), service)));
        let service = name("s@h", NameType::Krb5Principal);
        assert_eq!(now(91, &int(2)), (3, false, client(Some(own), service)));
        assert_eq!(now(62, &int(0)).0, 3);
        assert!(socket.security.gssapi_plaintext);
        for option in [63, 64] {
            for bad in [Some(&b""[..]), Some(&[b'x'; 256]), None] {
                assert_eq!(socket.set(option, bad), Err(Errno::EINVAL));
            }
        }
        for (option, value) in [(62, 2), (65, -1), (90, 3), (91, -1)] {
            assert_eq!(socket.set(option, Some(&int(value))), Err(Errno::EINVAL));
        }
    }

    #[test]
    fn keys_are_set_and_read_in_two_forms_and_never_by_half() {
        let mut socket = SocketOptions::new(SocketType::Rep, &ContextOptions::default());
        let text = b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
        let mut broken = *text;
        broken[39] = b'"';
        for option in [48, 49, 50] {
            for bad in [&broken[..], &text[..39], &[&text[..], b"x"].concat(), &text[..31], b""] {
                assert_eq!(socket.set(option, Some(bad)), Err(Errno::EINVAL));
            }
            assert_eq!(socket.set(option, None), Err(Errno::EINVAL));
        }
        assert_eq!(socket.security.mechanism, MechanismChoice::Null);
        assert_eq!(*socket.security.curve_public_key, [0; 32]);
        socket.set(48, Some(&[&text[..], b"\0"].concat())).unwrap();
        let bytes = *socket.security.curve_public_key;
        socket.set(49, Some(&bytes)).unwrap();
        socket.set(50, Some(text)).unwrap();
        assert_eq!(*socket.security.curve_secret_key, bytes);
        assert_eq!(*socket.security.curve_server_key, bytes);
        assert_eq!(socket.security.mechanism, MechanismChoice::Curve);
        assert!(!format!("{socket:?}").contains("key"));
    }
}
