//! Security contexts of the Generic Security Service API (RFC 2743), which in
//! practice are Kerberos': negotiated token by token, then used to wrap what is
//! sent. The mechanism GSSAPI knows the traits here, and nothing of where contexts
//! come from; [`Principals`] has them from MIT's `libgssapi_krb5`, which is loaded
//! when it is first wanted and need not be there ([`is_available`]).
//!
//! A step of a negotiation may ask a KDC over the network, read keytabs and caches of
//! tickets, and lock files: it may block for as long as the library has patience
//! (tens of seconds with a KDC that does not answer). [`Negotiators`] have threads
//! for that. Wrapping only computes, and is done wherever a connection is driven.

mod library;
mod negotiators;
mod principals;

pub(crate) use negotiators::{Negotiators, Ticket};
pub(crate) use principals::{NameType, Principal, Principals};

/// Whether the library can be loaded, which is tried once.
pub(crate) fn is_available() -> bool {
    library::get().is_some()
}

/// One side of negotiations to come: which role and whose names it has.
pub trait Party: Send + Sync {
    /// A negotiation that has not begun. Does nothing that could block or fail.
    fn negotiation(&self) -> Box<dyn Negotiation>;
}

/// A negotiation under way. After an error it is good for nothing.
pub trait Negotiation: Send {
    /// Takes a token of the peer's, an empty one before an initiator's first. May
    /// block; called on any thread.
    fn step(&mut self, token: &[u8]) -> Result<Step, Failed>;
}

/// A step of a negotiation that is to be taken where it may block.
pub struct Errand {
    /// Whether the negotiation is the initiator's.
    pub initiates: bool,
    /// What takes the step.
    pub negotiation: Box<dyn Negotiation>,
    /// What the peer has sent.
    pub token: Vec<u8>,
}

/// What has come of an [`Errand`].
pub struct Outcome {
    /// What took the step.
    pub negotiation: Box<dyn Negotiation>,
    /// What it led to.
    pub step: Result<Step, Failed>,
}

impl Errand {
    /// Takes the step.
    pub fn run(mut self) -> Outcome {
        let step = self.negotiation.step(&self.token);
        Outcome { negotiation: self.negotiation, step }
    }
}

/// What a step of a negotiation leads to.
pub struct Step {
    /// What the peer has to be told. May be empty: nothing.
    pub token: Vec<u8>,
    /// The outcome, once the negotiation is over.
    pub established: Option<Established>,
}

/// What a negotiation ends in.
pub struct Established {
    /// What messages are wrapped with.
    pub context: Box<dyn Context>,
    /// On the accepting side the initiator's name, as text.
    pub initiator: Vec<u8>,
}

/// A security context. What is wrapped is to be unwrapped in the same order, each
/// once.
pub trait Context: Send {
    /// Encrypts and signs; gives what unwraps to `plain`.
    fn wrap(&mut self, plain: &[u8]) -> Result<Bytes, Failed>;

    /// Takes back what the peer has wrapped. What was not encrypted, came before, or
    /// is changed in any way is an error.
    fn unwrap(&mut self, wrapped: &[u8]) -> Result<Bytes, Failed>;
}

/// Bytes that a context made, in memory of whoever made them.
pub(crate) type Bytes = Box<dyn AsRef<[u8]>>;

/// There is no context with the peer: no credentials, no such service, a token that
/// is none, a KDC that does not answer; or what it was to unwrap is not the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;
