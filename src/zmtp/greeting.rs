//! The greeting (RFC 37, "Version Negotiation" and "Backwards
//! Interoperability"; RFC 15, "Backwards Interoperability"): 64 bytes each
//! way, or 12 of them to and from a peer older than 3.0, or none to one of
//! ZMTP 1.0. It is sent in pieces, each when the peer has shown that it is for
//! it, so that peers of every version can be told apart before they were told
//! anything they would not understand.

use super::dialect::Dialect;
use super::identity::Identity;
use super::mechanism::{self, Security};
use super::{Config, ProtocolError, Version};

/// The length of a greeting.
pub(super) const GREETING_LEN: usize = 64;

/// The version that we speak.
const OURS: Version = Version { major: 3, minor: 1 };

/// What ZMTP 2.0 announces as its version. A peer that announces 0, as none
/// does in the field, gets the frames of 1.0 behind its greeting; one that
/// announces 2 is taken for one of 3.x.
const REVISION_OF_2_0: u8 = 1;

const SIGNATURE_LEN: usize = 10;
/// Signature, version, socket type.
const OLD_GREETING_LEN: usize = 12;
const MAJOR: usize = 10;
const MINOR: usize = 11;
const MECHANISM: usize = 12;

/// A greeting under way: what came of the peer's, and how much of ours it has
/// called for.
pub(super) struct Greeting {
    bytes: [u8; GREETING_LEN],
    len: usize,
    stage: Stage,
}

/// What we wait for, and which byte of the peer's ends it.
#[derive(Clone, Copy)]
enum Stage {
    /// The first byte, which most peers of ZMTP 1.0 give themselves away by.
    /// Our signature is out.
    First = 1,
    /// The rest of the signature, which tells all others of them.
    Signature = SIGNATURE_LEN as isize,
    /// The major version, which tells 3.x from older ones. Our own is out.
    Major = MAJOR as isize + 1,
    /// The socket type, which is all that a peer older than 3.0 adds. Our own
    /// is out.
    SocketType = OLD_GREETING_LEN as isize,
    /// What is left: minor version, mechanism, role, filler. Ours is out.
    Rest = GREETING_LEN as isize,
}

/// A peer's greeting is over.
pub(super) enum Greeted {
    /// A peer with a mechanism, of this version.
    Handshake(Version),
    /// A peer that is older: its identity comes, ours is out.
    Identity(Identity),
}

impl Greeting {
    /// Starts with our signature. Its padding holds what a ZMTP 1.0 peer
    /// takes for the length of our routing id's frame.
    pub(super) fn new(config: &Config, output: &mut Vec<u8>) -> Greeting {
        output.push(0xff);
        output.extend_from_slice(&(config.routing_id.len() as u64 + 1).to_be_bytes());
        output.push(0x7f);
        Greeting { bytes: [0; GREETING_LEN], len: 0, stage: Stage::First }
    }

    /// Takes bytes of the peer's greeting; says how many were its, and what
    /// follows once it is whole.
    pub(super) fn receive(
        &mut self,
        input: &[u8],
        config: &Config,
        output: &mut Vec<u8>,
    ) -> Result<(usize, Option<Greeted>), ProtocolError> {
        let mut taken = 0;
        loop {
            let end = self.stage as usize;
            let part = (end - self.len).min(input.len() - taken);
            self.bytes[self.len..self.len + part].copy_from_slice(&input[taken..taken + part]);
            self.len += part;
            taken += part;
            if self.len < end {
                return Ok((taken, None));
            }
            self.stage = match self.stage {
                Stage::First if self.bytes[0] == 0xff => Stage::Signature,
                // The padding means nothing, and of the last byte only one bit.
                Stage::Signature if self.bytes[SIGNATURE_LEN - 1] & 1 == 1 => {
                    output.push(OURS.major);
                    Stage::Major
                }
                Stage::First | Stage::Signature => {
                    check_age(config)?;
                    // What has come is the start of its identity's frame. The
                    // byte that told is left to whoever reads that frame.
                    output.extend_from_slice(&config.routing_id);
                    let begun = self.bytes[..self.len - 1].to_vec();
                    let identity = Identity::new(Dialect::V1, begun, true);
                    return Ok((taken - 1, Some(Greeted::Identity(identity))));
                }
                Stage::Major if self.bytes[MAJOR] <= REVISION_OF_2_0 => {
                    check_age(config)?;
                    output.push(config.socket_type as u8);
                    Stage::SocketType
                }
                Stage::Major => {
                    encode_rest(config, output);
                    Stage::Rest
                }
                Stage::SocketType => {
                    // Like libzmq we talk to peers of any type here.
                    let dialect = match self.bytes[MAJOR] {
                        REVISION_OF_2_0 => Dialect::V2,
                        _ => Dialect::V1,
                    };
                    dialect.encode_header(false, config.routing_id.len(), output);
                    output.extend_from_slice(&config.routing_id);
                    let identity = Identity::new(dialect, Vec::new(), false);
                    return Ok((taken, Some(Greeted::Identity(identity))));
                }
                Stage::Rest => return Ok((taken, Some(self.meet(&config.security)?))),
            };
        }
    }

    /// A greeting of 3.x is whole.
    fn meet(&self, security: &Security) -> Result<Greeted, ProtocolError> {
        let named = &self.bytes[MECHANISM..MECHANISM + mechanism::NAME_LEN];
        if named != padded_name(security) {
            return Err(ProtocolError::MechanismMismatch);
        }
        let version = Version { major: self.bytes[MAJOR], minor: self.bytes[MINOR] };
        Ok(Greeted::Handshake(version))
    }
}

/// Peers older than 3.0 know no mechanism: whoever wants to know who they are
/// cannot have them.
fn check_age(config: &Config) -> Result<(), ProtocolError> {
    let open = matches!(config.security, Security::Null) && config.zap.domain.is_empty();
    if open { Ok(()) } else { Err(ProtocolError::TooOld) }
}

fn encode_rest(config: &Config, output: &mut Vec<u8>) {
    // The role, which libzmq leaves 0 even where the RFC wants a 1, and filler.
    const REST_LEN: usize = 32;
    output.push(OURS.minor);
    output.extend_from_slice(&padded_name(&config.security));
    output.extend_from_slice(&[0; REST_LEN]);
}

fn padded_name(security: &Security) -> [u8; mechanism::NAME_LEN] {
    let mut name = [0; mechanism::NAME_LEN];
    name[..security.name().len()].copy_from_slice(security.name());
    name
}
