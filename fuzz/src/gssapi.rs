//! Talks and contexts in the place of Kerberos': tokens are numbers, and what is
//! wrapped has its own number and a sum, by which changes show.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use zmq::fuzzing::{Context, Established, Failed, Negotiation, Party, Step};
use zmq::zmtp::Security;

/// The name of whoever initiates.
pub const INITIATOR: &[u8] = b"alice@TEST";

/// Talks in which so many tokens go back and forth.
pub struct Talks {
    pub tokens: u8,
    /// One side has come to the end.
    pub over: AtomicBool,
}

impl Talks {
    pub fn new(tokens: u8) -> Arc<Talks> {
        Arc::new(Talks { tokens, over: AtomicBool::new(false) })
    }

    pub fn side(self: &Arc<Talks>, serves: bool, plaintext: bool) -> Security {
        let party = Arc::new(Side(Arc::clone(self)));
        Security::Gssapi { serves, party, plaintext }
    }
}

struct Side(Arc<Talks>);

struct Speaker {
    talks: Arc<Talks>,
    said: u8,
}

impl Party for Side {
    fn negotiation(&self) -> Box<dyn Negotiation> {
        Box::new(Speaker { talks: Arc::clone(&self.0), said: 0 })
    }
}

impl Negotiation for Speaker {
    fn step(&mut self, token: &[u8]) -> Result<Step, Failed> {
        let heard = match token {
            [] if self.said == 0 => 0,
            [number] if *number == self.said + 1 => *number,
            _ => return Err(Failed),
        };
        self.said = heard + 1;
        let token = if self.said > self.talks.tokens { vec![] } else { vec![self.said] };
        let established = (self.said >= self.talks.tokens).then(|| {
            self.talks.over.store(true, Relaxed);
            Established { context: Box::new(Wrapping::default()), initiator: INITIATOR.to_vec() }
        });
        Ok(Step { token, established })
    }
}

/// Both ends have one.
#[derive(Default)]
pub struct Wrapping {
    wrapped: u8,
    unwrapped: u8,
}

fn sum(number: u8, plain: &[u8]) -> [u8; 8] {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    plain.iter().fold(step(0xcbf2_9ce4_8422_2325, &number), step).to_le_bytes()
}

impl Wrapping {
    pub fn put(&mut self, plain: &[u8]) -> Vec<u8> {
        self.wrapped = self.wrapped.wrapping_add(1);
        [&[self.wrapped], &sum(self.wrapped, plain)[..], plain].concat()
    }

    pub fn take(&mut self, wrapped: &[u8]) -> Option<Vec<u8>> {
        let (number, rest) = wrapped.split_first()?;
        let (sent, plain) = rest.split_first_chunk()?;
        self.unwrapped = self.unwrapped.wrapping_add(1);
        let fits = *number == self.unwrapped && *sent == sum(*number, plain);
        fits.then(|| plain.to_vec())
    }
}

impl Context for Wrapping {
    fn wrap(&mut self, plain: &[u8]) -> Result<Box<dyn AsRef<[u8]>>, Failed> {
        Ok(Box::new(self.put(plain)))
    }

    fn unwrap(&mut self, wrapped: &[u8]) -> Result<Box<dyn AsRef<[u8]>>, Failed> {
        Ok(Box::new(self.take(wrapped).ok_or(Failed)?))
    }
}
