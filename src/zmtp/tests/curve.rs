//! CURVE against peers made of bytes: what each side says is taken apart with the
//! peer's keys, and each field that is broken ends in the error that libzmq 4.3.4
//! tells of, or in a stricter one.

mod client;
mod server;

use super::zap_replies::accepted;
use super::*;
use crate::crypto::Key;
use crate::curve_keys::{SecretKey, new_secret_key, public_key};

type Public = [u8; 32];

fn pair() -> (SecretKey, Public) {
    let secret = new_secret_key().unwrap();
    let public = public_key(&secret);
    (secret, public)
}

fn nonce(prefix: &[u8], rest: &[u8]) -> [u8; 24] {
    [prefix, rest].concat().try_into().unwrap()
}

fn sealed(key: &Key, nonce: &[u8; 24], content: &[u8]) -> Vec<u8> {
    let mut out = [&[0; 16], content].concat();
    key.seal(nonce, &mut out);
    out
}

fn opened(key: &Key, nonce: &[u8; 24], sealed: &[u8]) -> Vec<u8> {
    let mut bytes = sealed.to_vec();
    key.open(nonce, &mut bytes).expect("a box for us").to_vec()
}

fn server(secret_key: &SecretKey) -> Config {
    let security = Security::CurveServer {
        public_key: public_key(secret_key),
        secret_key: secret_key.clone(),
    };
    Config { security, ..config(SocketType::Dealer) }
}

fn client(secret_key: &SecretKey, server_key: Public) -> Config {
    let security = Security::CurveClient {
        public_key: public_key(secret_key),
        secret_key: secret_key.clone(),
        server_key,
    };
    Config { security, ..config(SocketType::Dealer) }
}

/// The bodies of the frames in `bytes`.
fn bodies(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    while let Some((header, size)) = frame::FrameHeader::parse(bytes) {
        let (body, rest) = bytes[size..].split_at(header.len as usize);
        bodies.push(body.to_vec());
        bytes = rest;
    }
    assert!(bytes.is_empty());
    bodies
}

/// A connection under test, and a sink.
struct Tested {
    connection: Connection,
    sink: Sink,
    now: Instant,
}

impl Tested {
    /// After greetings; and what it said of itself then.
    fn new(config: Config) -> (Tested, Vec<Vec<u8>>) {
        let now = Instant::now();
        let mut tested =
            Tested { connection: Connection::new(Arc::new(config), now), sink: Sink::new(), now };
        tested.feed(&greeting(3, 1, b"CURVE")).unwrap();
        let said = output(&mut tested.connection);
        assert_eq!(said[12..32], *b"CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        (tested, bodies(&said[64..]))
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<usize, ProtocolError> {
        feed(&mut self.connection, self.now, bytes, &mut self.sink)
    }

    /// What it says to a command, which comes in pieces.
    fn hear(&mut self, body: &[u8]) -> Result<Vec<Vec<u8>>, ProtocolError> {
        for piece in frame(4, body).chunks(61) {
            self.feed(piece)?;
        }
        Ok(bodies(&output(&mut self.connection)))
    }

    /// The authenticator says this.
    fn judge(&mut self, answer: &zap::Answer<'_>) -> Result<Vec<Vec<u8>>, ProtocolError> {
        assert!(matches!(self.connection.poll_event(), Some(Event::Ask(_))));
        self.connection.answer(self.now, answer)?;
        Ok(bodies(&output(&mut self.connection)))
    }
}

/// A client made of bytes.
struct RawClient {
    long: (SecretKey, Public),
    transient: (SecretKey, Public),
    server: Public,
    metadata: Vec<u8>,
}

/// What a client knows after a WELCOME.
struct Welcomed {
    cookie: Vec<u8>,
    server_transient: Public,
    key: Key,
}

impl RawClient {
    fn new(server: Public) -> RawClient {
        let metadata = ready(SocketType::Dealer)[8..].to_vec();
        RawClient { long: pair(), transient: pair(), server, metadata }
    }

    fn with_server(&self) -> Key {
        Key::agree(&self.transient.0, &self.server).unwrap()
    }

    fn hello(&self) -> Vec<u8> {
        let counter = 1u64.to_be_bytes();
        let signature =
            sealed(&self.with_server(), &nonce(b"CurveZMQHELLO---", &counter), &[0; 64]);
        let head = [&b"\x05HELLO\x01\0"[..], &[0; 72], &self.transient.1, &counter];
        [&head.concat()[..], &signature].concat()
    }

    fn welcomed(&self, welcome: &[u8]) -> Welcomed {
        assert_eq!((welcome.len(), &welcome[..8]), (168, &b"\x07WELCOME"[..]));
        let nonce = nonce(b"WELCOME-", &welcome[8..24]);
        let content = opened(&self.with_server(), &nonce, &welcome[24..]);
        let server_transient: Public = content[..32].try_into().unwrap();
        let key = Key::agree(&self.transient.0, &server_transient).unwrap();
        Welcomed { cookie: content[32..].to_vec(), server_transient, key }
    }

    fn vouch(&self, welcomed: &Welcomed, client: &Public, server: &Public) -> Vec<u8> {
        let key = Key::agree(&self.long.0, &welcomed.server_transient).unwrap();
        let sealed = sealed(&key, &nonce(b"VOUCH---", &[7; 16]), &[&client[..], server].concat());
        [&[7; 16][..], &sealed].concat()
    }

    fn content(&self, welcomed: &Welcomed) -> Vec<u8> {
        let vouch = self.vouch(welcomed, &self.transient.1, &self.server);
        [&self.long.1[..], &vouch, &self.metadata].concat()
    }

    fn initiate(&self, welcomed: &Welcomed, counter: u64, content: &[u8]) -> Vec<u8> {
        let counter = counter.to_be_bytes();
        let sealed = sealed(&welcomed.key, &nonce(b"CurveZMQINITIATE", &counter), content);
        [&b"\x08INITIATE"[..], &welcomed.cookie, &counter, &sealed].concat()
    }

    fn message(&self, welcomed: &Welcomed, counter: u64, content: &[u8]) -> Vec<u8> {
        let counter = counter.to_be_bytes();
        let sealed = sealed(&welcomed.key, &nonce(b"CurveZMQMESSAGEC", &counter), content);
        [&b"\x07MESSAGE"[..], &counter, &sealed].concat()
    }
}

/// A server that has heard HELLO, and its client.
fn welcomed() -> (Tested, RawClient, Welcomed) {
    let (secret, public) = pair();
    let (mut tested, _) = Tested::new(server(&secret));
    let client = RawClient::new(public);
    let said = tested.hear(&client.hello()).unwrap();
    let welcomed = client.welcomed(&said[0]);
    (tested, client, welcomed)
}

/// A server in traffic, and its client.
fn met() -> (Tested, RawClient, Welcomed) {
    let (mut tested, client, welcomed) = welcomed();
    let said = tested.hear(&client.initiate(&welcomed, 2, &client.content(&welcomed))).unwrap();
    assert!(said.is_empty());
    let said = tested.judge(&zap::Answer::Reply(&accepted())).unwrap();
    let counter = nonce(b"CurveZMQREADY---", &1u64.to_be_bytes());
    assert_eq!(&said[0][..14], b"\x05READY\0\0\0\0\0\0\0\x01");
    assert_eq!(opened(&welcomed.key, &counter, &said[0][14..]), client.metadata);
    assert!(matches!(tested.connection.poll_event(), Some(Event::Ready(_))));
    assert!(tested.connection.is_sealed());
    (tested, client, welcomed)
}
