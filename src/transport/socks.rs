//! What a client and a SOCKS5 proxy say to each other before the proxy passes
//! bytes on (RFC 1928; names and passwords RFC 1929), without I/O: the proxy's
//! bytes in, ours out, until the way is open or the proxy has refused. Nothing
//! here blocks, allocates by what the proxy says, or knows the time.
//!
//! [`Negotiation::wanted`] never asks for a byte too many: what follows the
//! proxy's last one is the peer's and stays where it is.
//!
//! Where libzmq leaves the RFCs, so does this: a client with a name offers
//! nothing but RFC 1929, and a password may be empty; a proxy may choose what
//! was not offered; and endpoints that name no host ask for one without a name.

#![forbid(unsafe_code)]

use std::fmt;
use std::net::IpAddr;

use zeroize::Zeroizing;

use super::endpoint::TcpAddress;
use super::lookup;
use crate::error::{Errno, Result};

/// A proxy, and who asks for its services.
pub struct Proxy {
    /// `[source;]host:port`.
    pub address: TcpAddress,
    /// Name and password.
    pub credentials: Credentials,
}

/// Name and password for the proxy, of 255 bytes at most; without a name none
/// are offered. Wiped when dropped.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Empty: none.
    pub username: Zeroizing<Vec<u8>>,
    /// May be empty.
    pub password: Zeroizing<Vec<u8>>,
}

/// Where the proxy is to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Number(IpAddr),
    /// A name, which the proxy looks up.
    Name(String),
}

/// Why a proxy does not serve us. Only for those who read logs and tests: what
/// follows is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The proxy speaks something else, or nonsense.
    Malformed,
    /// It wants a method of authentication that is not here, or none of ours.
    Method(u8),
    /// It does not know the name or the password.
    Credentials(u8),
    /// It has not reached the destination (a code of RFC 1928, section 6).
    Reply(u8),
}

/// A conversation with a proxy. Dropped, it wipes the password.
pub struct Negotiation {
    state: State,
    credentials: Credentials,
    destination: Destination,
    /// What is to be sent.
    output: Zeroizing<Vec<u8>>,
    /// The part of the proxy's next message that has come.
    input: [u8; INPUT_BYTES],
    filled: usize,
}

/// Whose answer we wait for, and of what size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The choice of a method.
    Choice,
    /// The verdict on name and password.
    Verdict,
    /// The reply, until it says how long it is.
    ReplyHead,
    /// The whole reply.
    Reply {
        bytes: usize,
    },
    /// The way is open.
    Open,
    Refused(Refusal),
}

impl Proxy {
    /// The proxy at `[source;]host:port`. Whether that can be is found out when
    /// it is looked for.
    pub fn new(address: String, credentials: Credentials) -> Proxy {
        Proxy { address: TcpAddress(address), credentials }
    }

    /// The endpoint text under which libzmq's monitors know it.
    pub fn endpoint(&self) -> String {
        format!("tcp://{}", self.address.0)
    }
}

impl Destination {
    /// What a proxy is asked for, given the address part of an endpoint, whose
    /// source is left out: a number where the host is one, else its name
    /// as it is. `EINVAL` for a port or host that no request can carry.
    pub fn parse(address: &TcpAddress) -> Result<Destination> {
        let (host, port) = lookup::host_and_port(address)?;
        let host = match lookup::any_number(host) {
            Some(number) => Host::Number(number),
            None if host.len() > LENGTH_MAX => return Err(Errno::EINVAL),
            None => Host::Name(host.to_owned()),
        };
        if port == 0 { Err(Errno::EINVAL) } else { Ok(Destination { host, port }) }
    }
}

impl Negotiation {
    /// The most that is ever wanted.
    pub const INPUT_BYTES: usize = INPUT_BYTES;

    /// Begins a conversation: there is output.
    pub fn new(credentials: Credentials, destination: Destination) -> Negotiation {
        let method = if credentials.username.is_empty() { NO_AUTHENTICATION } else { PASSWORD };
        // It never grows, so that no copy of a password is left behind.
        let mut output = Zeroizing::new(Vec::with_capacity(OUTPUT_BYTES));
        output.extend([VERSION, 1, method]);
        Negotiation {
            state: State::Choice,
            credentials,
            destination,
            output,
            input: [0; INPUT_BYTES],
            filled: 0,
        }
    }

    /// What is to be sent.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// So many bytes of the output were sent.
    pub fn sent(&mut self, bytes: usize) {
        let bytes = bytes.min(self.output.len());
        self.output.drain(..bytes);
    }

    /// How many bytes of the proxy's are still expected, as far as is known: 0
    /// once the way is open, or the proxy has refused.
    pub fn wanted(&self) -> usize {
        let whole = match self.state {
            State::Choice => CHOICE_BYTES,
            State::Verdict => VERDICT_BYTES,
            State::ReplyHead => REPLY_HEAD_BYTES,
            State::Reply { bytes } => bytes,
            State::Open | State::Refused(_) => 0,
        };
        whole.saturating_sub(self.filled)
    }

    /// Whether the proxy passes on what follows.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether it was told where to connect to, and may be busy with that.
    pub fn has_requested(&self) -> bool {
        matches!(self.state, State::ReplyHead | State::Reply { .. })
    }

    /// Takes bytes of the proxy's; says how many. Those that are left are not
    /// for this conversation. A refusal is final.
    pub fn receive(&mut self, input: &[u8]) -> std::result::Result<usize, Refusal> {
        let mut taken = 0;
        loop {
            let bytes = self.wanted().min(input.len() - taken);
            self.input[self.filled..self.filled + bytes]
                .copy_from_slice(&input[taken..taken + bytes]);
            self.filled += bytes;
            taken += bytes;
            if let State::Refused(refusal) = self.state {
                return Err(refusal);
            }
            if self.wanted() > 0 || self.state == State::Open {
                return Ok(taken);
            }
            self.state = self.step().unwrap_or_else(State::Refused);
        }
    }

    /// Answers a message that has come whole.
    fn step(&mut self) -> std::result::Result<State, Refusal> {
        match self.state {
            State::Choice => {
                self.filled = 0;
                match [self.input[0], self.input[1]] {
                    [VERSION, NO_AUTHENTICATION] => Ok(self.request()),
                    [VERSION, PASSWORD] => Ok(self.authenticate()),
                    [VERSION, method] => Err(Refusal::Method(method)),
                    _ => Err(Refusal::Malformed),
                }
            }
            State::Verdict => {
                self.filled = 0;
                match [self.input[0], self.input[1]] {
                    [PASSWORD_VERSION, 0] => Ok(self.request()),
                    [PASSWORD_VERSION, code] => Err(Refusal::Credentials(code)),
                    _ => Err(Refusal::Malformed),
                }
            }
            State::ReplyHead => match self.input[..REPLY_HEAD_BYTES] {
                [VERSION, 0, 0, kind, first] => {
                    let address = match kind {
                        IPV4 => 4,
                        NAME => 1 + usize::from(first),
                        IPV6 => 16,
                        _ => return Err(Refusal::Malformed),
                    };
                    Ok(State::Reply { bytes: ADDRESS_AT + address + PORT_BYTES })
                }
                [VERSION, code, ..] if code != 0 => Err(Refusal::Reply(code)),
                _ => Err(Refusal::Malformed),
            },
            // What it calls its own end of the connection is of no use to us.
            State::Reply { .. } => Ok(State::Open),
            state => Ok(state),
        }
    }

    fn authenticate(&mut self) -> State {
        let Credentials { username, password } = &self.credentials;
        self.output.push(PASSWORD_VERSION);
        for text in [username, password] {
            // The options hold no longer ones.
            let text = &text[..text.len().min(LENGTH_MAX)];
            self.output.push(text.len() as u8);
            self.output.extend(text);
        }
        State::Verdict
    }

    fn request(&mut self) -> State {
        self.output.extend([VERSION, CONNECT, 0]);
        match &self.destination.host {
            Host::Number(IpAddr::V4(address)) => {
                self.output.push(IPV4);
                self.output.extend(address.octets());
            }
            Host::Number(IpAddr::V6(address)) => {
                self.output.push(IPV6);
                self.output.extend(address.octets());
            }
            Host::Name(name) => {
                self.output.extend([NAME, name.len() as u8]);
                self.output.extend(name.as_bytes());
            }
        }
        self.output.extend(self.destination.port.to_be_bytes());
        State::ReplyHead
    }
}

impl fmt::Debug for Proxy {
    /// Without what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("address", &self.address).finish_non_exhaustive()
    }
}

impl fmt::Debug for Negotiation {
    /// Without what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Negotiation")
            .field("state", &self.state)
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}

/// SOCKS, of requests, choices and replies.
const VERSION: u8 = 5;
/// The method without authentication.
const NO_AUTHENTICATION: u8 = 0;
/// The method of RFC 1929.
const PASSWORD: u8 = 2;
/// Of the messages of RFC 1929.
const PASSWORD_VERSION: u8 = 1;
/// The command of our request.
const CONNECT: u8 = 1;
/// The types of addresses.
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
/// The longest name or password: lengths are a byte.
const LENGTH_MAX: usize = 255;

const CHOICE_BYTES: usize = 2;
const VERDICT_BYTES: usize = 2;
/// A reply to the first byte of its address, which may be a length.
const REPLY_HEAD_BYTES: usize = ADDRESS_AT + 1;
const ADDRESS_AT: usize = 4;
const PORT_BYTES: usize = 2;
/// The longest message of a proxy's: a reply with a name.
const INPUT_BYTES: usize = ADDRESS_AT + 1 + LENGTH_MAX + PORT_BYTES;
/// All that we ever say, were none of it sent before the rest: methods, name
/// and password, request.
const OUTPUT_BYTES: usize = 3 + (3 + 2 * LENGTH_MAX) + (4 + 1 + LENGTH_MAX + PORT_BYTES);

#[cfg(test)]
mod tests;
