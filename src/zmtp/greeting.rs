//! The greeting (RFC 37, "Version Negotiation" and "Backwards
//! Interoperability"): 64 bytes each way. It is sent in three pieces, each
//! when the peer has shown that it is for it, so that peers of every version
//! can be told apart before they were told anything they would not understand.

use super::mechanism::{self, Mechanism};
use super::{Config, ProtocolError, Version};

/// The length of a greeting.
pub(super) const GREETING_LEN: usize = 64;

/// The version that we speak.
const OURS: Version = Version { major: 3, minor: 1 };

const SIGNATURE_LEN: usize = 10;
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

/// What we wait for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The signature, which tells ZMTP 2.0 and later from 1.0. Our own is out.
    Signature,
    /// The major version, which tells 3.x from 2.0. Our own is out.
    Major,
    /// What is left: minor version, mechanism, role, filler. Ours is out.
    Rest,
}

impl Greeting {
    /// Starts with our signature. Its padding holds what a ZMTP 1.0 peer
    /// takes for the length of our routing id's frame.
    pub(super) fn new(config: &Config, output: &mut Vec<u8>) -> Greeting {
        output.push(0xff);
        output.extend_from_slice(&(config.routing_id.len() as u64 + 1).to_be_bytes());
        output.push(0x7f);
        Greeting { bytes: [0; GREETING_LEN], len: 0, stage: Stage::Signature }
    }

    /// Takes bytes of the peer's greeting; says how many were its, and the
    /// peer's version once it is whole.
    pub(super) fn receive(
        &mut self,
        input: &[u8],
        mechanism: &Mechanism,
        config: &Config,
        output: &mut Vec<u8>,
    ) -> Result<(usize, Option<Version>), ProtocolError> {
        let taken = input.len().min(GREETING_LEN - self.len);
        self.bytes[self.len..self.len + taken].copy_from_slice(&input[..taken]);
        self.len += taken;
        if self.len > 0 && self.bytes[0] != 0xff {
            return Err(ProtocolError::UnsupportedVersion);
        }
        if self.stage == Stage::Signature && self.len >= SIGNATURE_LEN {
            // The padding means nothing, and of the last byte only one bit.
            if self.bytes[SIGNATURE_LEN - 1] & 1 == 0 {
                return Err(ProtocolError::UnsupportedVersion);
            }
            output.push(OURS.major);
            self.stage = Stage::Major;
        }
        if self.stage == Stage::Major && self.len > MAJOR {
            if self.bytes[MAJOR] < OURS.major {
                return Err(ProtocolError::UnsupportedVersion);
            }
            encode_rest(mechanism, config, output);
            self.stage = Stage::Rest;
        }
        if self.len < GREETING_LEN {
            return Ok((taken, None));
        }
        let named = &self.bytes[MECHANISM..MECHANISM + mechanism::NAME_LEN];
        if named != padded_name(mechanism) {
            return Err(ProtocolError::MechanismMismatch);
        }
        let version = Version { major: self.bytes[MAJOR], minor: self.bytes[MINOR] };
        Ok((taken, Some(version)))
    }
}

fn encode_rest(mechanism: &Mechanism, config: &Config, output: &mut Vec<u8>) {
    const FILLER_LEN: usize = 31;
    output.push(OURS.minor);
    output.extend_from_slice(&padded_name(mechanism));
    output.push(u8::from(config.as_server));
    output.extend_from_slice(&[0; FILLER_LEN]);
}

fn padded_name(mechanism: &Mechanism) -> [u8; mechanism::NAME_LEN] {
    let mut name = [0; mechanism::NAME_LEN];
    name[..mechanism.name().len()].copy_from_slice(mechanism.name());
    name
}
