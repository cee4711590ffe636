//! CURVE (RFC 26) as a peer plays it that knows its keys: any of its messages
//! may be changed, before it is sealed or after. The fixed keys are no secrets.

use std::sync::LazyLock;

use zmq::fuzzing::{SharedKey, curve_client, curve_server, public_key};
use zmq::message::{Message, Role};
use zmq::zmtp::Security;

use crate::wire::{bodies, frame};
use crate::{Input, Tested};

pub type Bytes32 = [u8; 32];

/// A pair of keys.
pub struct Pair {
    pub secret: Bytes32,
    pub public: Bytes32,
}

impl Pair {
    fn new(byte: u8) -> Pair {
        let secret = [byte; 32];
        Pair { secret, public: public_key(&secret) }
    }
}

/// The server's own keys: s and S.
pub static SERVER: LazyLock<Pair> = LazyLock::new(|| Pair::new(1));
/// The client's own keys: c and C.
pub static CLIENT: LazyLock<Pair> = LazyLock::new(|| Pair::new(2));
/// Both sides as a socket has them; made once, since a public key takes its time.
pub static CURVE_SERVER: LazyLock<Security> = LazyLock::new(|| curve_server(SERVER.secret));
pub static CURVE_CLIENT: LazyLock<Security> =
    LazyLock::new(|| curve_client(CLIENT.secret, SERVER.public));

/// What the peer that is played uses for one connection: c' and C', or s' and S'.
pub static TRANSIENT: LazyLock<Pair> = LazyLock::new(|| Pair::new(3));
/// What a client that is played and the server have in common at HELLO.
static HELLO_KEY: LazyLock<SharedKey> = LazyLock::new(|| agree(&TRANSIENT.secret, &SERVER.public));

/// The key that pairs have in common; the public one is one.
pub fn agree(secret: &Bytes32, public: &Bytes32) -> SharedKey {
    SharedKey::agree(secret, public).expect("a public key")
}

fn nonce(prefix: &[u8], rest: &[u8]) -> [u8; 24] {
    [prefix, rest].concat().try_into().expect("24 bytes")
}

/// How a text is changed on its way.
#[derive(Clone, Copy)]
pub enum Change<'a> {
    None,
    /// A byte, by these bits.
    Flip(usize, u8),
    /// Only so many bytes are left.
    Cut(usize),
    /// More follows.
    Append(&'a [u8]),
    /// It is another.
    Replace(&'a [u8]),
}

impl<'a> Change<'a> {
    pub fn read(input: &mut Input<'a>) -> Change<'a> {
        match input.byte() % 6 {
            0 | 1 => Change::None,
            2 => Change::Flip(input.number(), input.byte()),
            3 => Change::Cut(input.number()),
            4 => Change::Append(input.led()),
            _ => Change::Replace(input.led()),
        }
    }

    pub fn apply(self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        match self {
            Change::Flip(at, bits) if !text.is_empty() => {
                let at = at % text.len();
                text[at] ^= bits;
            }
            Change::None | Change::Flip(..) => {}
            Change::Cut(len) => text.truncate(len),
            Change::Append(more) => text.extend_from_slice(more),
            Change::Replace(other) => text = other.to_vec(),
        }
        text
    }
}

/// A client's HELLO.
pub fn hello() -> Vec<u8> {
    let counter = 1u64.to_be_bytes();
    let signature = HELLO_KEY.seal(&nonce(b"CurveZMQHELLO---", &counter), &[0; 64]);
    let head = [&b"\x05HELLO\x01\0"[..], &[0; 72], &TRANSIENT.public, &counter];
    [&head.concat()[..], &signature].concat()
}

/// What a client knows once it is welcome.
pub struct Welcomed {
    cookie: Vec<u8>,
    server_transient: Bytes32,
    pub traffic: Traffic,
}

/// A client takes a WELCOME, which is a good one.
pub fn welcomed(welcome: &[u8]) -> Welcomed {
    assert_eq!((welcome.len(), &welcome[..8]), (168, &b"\x07WELCOME"[..]));
    let nonce = nonce(b"WELCOME-", &welcome[8..24]);
    let content = HELLO_KEY.open(&nonce, &welcome[24..]).expect("a box for the client");
    let server_transient: Bytes32 = content[..32].try_into().expect("a key");
    let key = agree(&TRANSIENT.secret, &server_transient);
    let traffic = Traffic { key, ours: b"CurveZMQMESSAGEC", theirs: b"CurveZMQMESSAGES" };
    Welcomed { cookie: content[32..].to_vec(), server_transient, traffic }
}

impl Welcomed {
    /// What a client says of itself.
    pub fn content(&self, metadata: &[u8]) -> Vec<u8> {
        let key = agree(&CLIENT.secret, &self.server_transient);
        let keys = [TRANSIENT.public, SERVER.public].concat();
        let vouch = key.seal(&nonce(b"VOUCH---", &[7; 16]), &keys);
        [&CLIENT.public[..], &[7; 16], &vouch, metadata].concat()
    }

    pub fn initiate(&self, counter: u64, content: &[u8]) -> Vec<u8> {
        let counter = counter.to_be_bytes();
        let sealed = self.traffic.key.seal(&nonce(b"CurveZMQINITIATE", &counter), content);
        [&b"\x08INITIATE"[..], &self.cookie, &counter, &sealed].concat()
    }

    /// A server's READY, which is a good one.
    pub fn open_ready(&self, ready: &[u8]) -> Vec<u8> {
        assert_eq!(ready[..6], b"\x05READY"[..]);
        let nonce = nonce(b"CurveZMQREADY---", &ready[6..14]);
        self.traffic.key.open(&nonce, &ready[14..]).expect("a box for the client")
    }
}

/// A server that has heard HELLO.
pub struct Greeted {
    client: Bytes32,
    with_client: SharedKey,
}

/// A server takes a HELLO, which is a good one.
pub fn greeted(hello: &[u8]) -> Greeted {
    assert_eq!((hello.len(), &hello[..8]), (200, &b"\x05HELLO\x01\0"[..]));
    let client: Bytes32 = hello[80..112].try_into().expect("a key");
    let with_client = agree(&SERVER.secret, &client);
    let nonce = nonce(b"CurveZMQHELLO---", &hello[112..120]);
    let signature = with_client.open(&nonce, &hello[120..]).expect("a box for the server");
    assert_eq!(signature, [0; 64]);
    Greeted { client, with_client }
}

/// A cookie, which a server that is played does not look at.
const COOKIE: [u8; 96] = [5; 96];

impl Greeted {
    /// What a server tells a client: S' and a cookie.
    pub fn content() -> Vec<u8> {
        [&TRANSIENT.public[..], &COOKIE].concat()
    }

    pub fn welcome(&self, content: &[u8]) -> Vec<u8> {
        let sealed = self.with_client.seal(&nonce(b"WELCOME-", &[9; 16]), content);
        [&b"\x07WELCOME"[..], &[9; 16], &sealed].concat()
    }

    /// A server takes an INITIATE, which is a good one.
    pub fn initiated(&self, initiate: &[u8]) -> Initiated {
        assert_eq!(initiate[..9], b"\x08INITIATE"[..]);
        assert_eq!(initiate[9..105], COOKIE);
        let key = agree(&TRANSIENT.secret, &self.client);
        let nonce_bytes = nonce(b"CurveZMQINITIATE", &initiate[105..113]);
        let content = key.open(&nonce_bytes, &initiate[113..]).expect("a box for the server");
        assert_eq!(content[..32], CLIENT.public);
        let vouch_key = agree(&TRANSIENT.secret, &CLIENT.public);
        let vouch = vouch_key.open(&nonce(b"VOUCH---", &content[32..48]), &content[48..128]);
        assert_eq!(vouch.expect("a vouch"), [self.client, SERVER.public].concat());
        let traffic = Traffic { key, ours: b"CurveZMQMESSAGES", theirs: b"CurveZMQMESSAGEC" };
        Initiated { traffic }
    }
}

/// A server that knows its client.
pub struct Initiated {
    pub traffic: Traffic,
}

impl Initiated {
    pub fn ready(&self, counter: u64, metadata: &[u8]) -> Vec<u8> {
        let counter = counter.to_be_bytes();
        let sealed = self.traffic.key.seal(&nonce(b"CurveZMQREADY---", &counter), metadata);
        [&b"\x05READY"[..], &counter, &sealed].concat()
    }
}

/// What goes to and fro once both know each other.
pub struct Traffic {
    key: SharedKey,
    ours: &'static [u8; 16],
    theirs: &'static [u8; 16],
}

impl Traffic {
    /// A message of ours, which has this number.
    fn seal(&self, counter: u64, content: &[u8]) -> Vec<u8> {
        let counter = counter.to_be_bytes();
        let sealed = self.key.seal(&nonce(self.ours, &counter), content);
        [&b"\x07MESSAGE"[..], &counter, &sealed].concat()
    }

    /// What is in one of theirs.
    fn open(&self, message: &[u8]) -> Vec<u8> {
        assert_eq!(message[..8], b"\x07MESSAGE"[..]);
        let nonce = nonce(self.theirs, &message[8..16]);
        self.key.open(&nonce, &message[16..]).expect("a box for the peer")
    }

    /// Says something, which counts as it was sent, and once: `is_new` says that its number
    /// was not there before.
    pub fn say(
        &self,
        tested: &mut Tested,
        (counter, is_new): (u64, bool),
        content: &[u8],
        change: Change<'_>,
    ) {
        let original = self.seal(counter, content);
        let body = change.apply(&original);
        let frames = tested.seen.frames.len();
        tested.say(&frame(0, &body));
        let delivered = &tested.seen.frames[frames..];
        let said = tested.seen.error.is_none();
        match content.split_first() {
            _ if body != original || !is_new => assert!(!said && delivered.is_empty()),
            None => assert!(!said && delivered.is_empty()),
            Some((flags, body)) if flags & 2 == 0 => {
                assert!(said);
                let frame = (Role::Data, flags & 1 == 1, body.to_vec());
                assert_eq!(delivered[..], [frame]);
            }
            Some((_, command)) => {
                assert!(delivered.is_empty());
                assert!(said || command.starts_with(b"\x04PING"));
                let output = tested.hear();
                for pong in bodies(&output) {
                    assert!(self.open(pong).starts_with(b"\x02\x04PONG"));
                }
            }
        }
    }

    /// The connection sends something.
    pub fn hear(&self, tested: &mut Tested, body: &[u8]) {
        let mut sealed = Vec::new();
        tested.encode(&Message::copy_of(body).expect("memory"), &mut sealed);
        let content = self.open(bodies(&sealed)[0]);
        assert_eq!(content, [b"\0", body].concat());
    }
}
