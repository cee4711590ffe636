//! A side of GSSAPI as a socket's options describe it: a role, and the names of
//! principals. Credentials are acquired by a negotiation's first step, anew for each
//! connection, so that tickets and keytabs may change while a socket lives (a name that
//! had no key is asked for again after a second). A server needs only those to accept with, and a client those to initiate with.

use std::time::{Duration, Instant};

use super::library::{self, Acceptor, Buffer, Initiator, Library, SecurityContext, Stepped};
use super::{Bytes, Context, Established, Failed, Negotiation, Party, Step};
use crate::sync::GlobalLock;

/// How a name is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NameType {
    /// `service@host`, or `service` of this host.
    #[default]
    HostBased,
    /// A local user's.
    UserName,
    /// As Kerberos writes principals.
    Krb5Principal,
}

/// The name of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    text: Vec<u8>,
    kind: NameType,
}

impl Principal {
    /// A name, up to its first zero byte.
    pub(crate) fn new(text: &[u8], kind: NameType) -> Principal {
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        Principal { text: text.to_vec(), kind }
    }
}

/// The names of one side; without one of its own it uses the default credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Principals {
    /// The side that accepts.
    Server {
        /// Its own name.
        own: Option<Principal>,
    },
    /// The side that initiates.
    Client {
        /// Its own name.
        own: Option<Principal>,
        /// The one that the server has to prove.
        service: Principal,
    },
}

impl Party for Principals {
    fn negotiation(&self) -> Box<dyn Negotiation> {
        match self {
            Principals::Server { own } => Box::new(Accepting::New(own.clone())),
            Principals::Client { own, service } => {
                Box::new(Initiating::New(own.clone(), service.clone()))
            }
        }
    }
}

/// A client's negotiation.
enum Initiating {
    New(Option<Principal>, Principal),
    Begun(Initiator),
    Over,
}

impl Negotiation for Initiating {
    fn step(&mut self, token: &[u8]) -> Result<Step, Failed> {
        let mut initiator = match std::mem::replace(self, Initiating::Over) {
            Initiating::New(own, service) => {
                let library = library::get().ok_or(Failed)?;
                let name = |name: &Principal| library.name(&name.text, name.kind);
                let own = own.as_ref().map(name).transpose()?;
                library.initiator(own.as_ref(), name(&service)?)?
            }
            Initiating::Begun(initiator) => initiator,
            Initiating::Over => return Err(Failed),
        };
        let Stepped { token, is_done } = initiator.step(token)?;
        let token = token.as_ref().to_vec();
        if !is_done {
            *self = Initiating::Begun(initiator);
            return Ok(Step { token, established: None });
        }
        let context = Box::new(initiator.into_context());
        Ok(Step { token, established: Some(Established { context, initiator: Vec::new() }) })
    }
}

/// A server's negotiation.
enum Accepting {
    New(Option<Principal>),
    Begun(Acceptor),
    Over,
}

impl Negotiation for Accepting {
    fn step(&mut self, token: &[u8]) -> Result<Step, Failed> {
        let mut acceptor = match std::mem::replace(self, Accepting::Over) {
            Accepting::New(own) => {
                let library = library::get().ok_or(Failed)?;
                match own {
                    None => library.acceptor(None)?,
                    Some(own) => acceptor_of(library, own)?,
                }
            }
            Accepting::Begun(acceptor) => acceptor,
            Accepting::Over => return Err(Failed),
        };
        let (Stepped { token, is_done }, initiator) = acceptor.step(token)?;
        let token = token.as_ref().to_vec();
        if !is_done {
            *self = Accepting::Begun(acceptor);
            return Ok(Step { token, established: None });
        }
        let context = Box::new(acceptor.into_context());
        Ok(Step { token, established: Some(Established { context, initiator }) })
    }
}

/// How long a name without a key is not asked for again: each time costs the keytab's
/// being searched, and MIT's library (1.20) 182 bytes that it never gives back. Peers
/// could make it as many as they like.
const KEYLESS_REST: Duration = Duration::from_secs(1);

/// Names of servers that have no key, and when they may be asked for again.
static KEYLESS: GlobalLock<Vec<(Principal, Instant)>> = GlobalLock::new(Vec::new());

/// The acceptor of a name that is not known to have no key.
fn acceptor_of(library: &'static Library, own: Principal) -> Result<Acceptor, Failed> {
    let now = Instant::now();
    {
        let mut keyless = KEYLESS.lock();
        keyless.retain(|(_, until)| *until > now);
        if keyless.iter().any(|(name, _)| *name == own) {
            return Err(Failed);
        }
    }
    let acceptor = library.acceptor(Some(&library.name(&own.text, own.kind)?));
    if acceptor.is_err() {
        KEYLESS.lock().push((own, Instant::now() + KEYLESS_REST));
    }
    acceptor
}

impl Context for SecurityContext {
    fn wrap(&mut self, plain: &[u8]) -> Result<Bytes, Failed> {
        SecurityContext::wrap(self, plain).map(boxed)
    }

    fn unwrap(&mut self, wrapped: &[u8]) -> Result<Bytes, Failed> {
        SecurityContext::unwrap(self, wrapped).map(boxed)
    }
}

fn boxed(buffer: Buffer) -> Bytes {
    Box::new(buffer)
}
