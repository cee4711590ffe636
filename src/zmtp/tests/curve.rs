//! CURVE against peers made of bytes: what each side says is taken apart with the
//! peer's keys, and each field that is broken ends in the error that libzmq 4.3.4
//! tells of, or in a stricter one.

use super::zap_replies::{accepted, reply};
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

#[test]
fn a_server_asks_about_the_clients_key_and_says_welcome_and_ready() {
    let (mut tested, client, welcomed) = welcomed();
    tested.hear(&client.initiate(&welcomed, 2, &client.content(&welcomed))).unwrap();
    let Some(Event::Ask(inquiry)) = tested.connection.poll_event() else { panic!() };
    let config = config(SocketType::Dealer);
    let frames = inquiry.frames(&config, "1.2.3.4");
    assert_eq!(frames[6..], [&b"CURVE"[..], &client.long.1]);
    tested.connection.answer(tested.now, &zap::Answer::Reply(&accepted())).unwrap();
    let Some(Event::Ready(peer)) = tested.connection.poll_event() else { panic!() };
    assert_eq!(peer.socket_type, Some(SocketType::Dealer));
    assert_eq!(peer.vouched, [(b"User-Id".to_vec(), b"joe".to_vec())]);
}

#[test]
fn who_is_let_in_follows_from_the_authenticator_and_its_domain() {
    let policy = |domain: &[u8], enforced| zap::Policy { domain: domain.to_vec(), enforced };
    for (zap, asks, let_in) in [
        (policy(b"", false), true, true),
        (policy(b"d", false), true, true),
        (policy(b"", true), false, true),
        (policy(b"d", true), true, false),
    ] {
        let (secret, public) = pair();
        let (mut tested, _) = Tested::new(Config { zap, ..server(&secret) });
        let client = RawClient::new(public);
        let welcomed = client.welcomed(&tested.hear(&client.hello()).unwrap()[0]);
        let said = tested.hear(&client.initiate(&welcomed, 2, &client.content(&welcomed)));
        assert_eq!(said.unwrap().is_empty(), asks);
        if asks {
            let judged = tested.judge(&zap::Answer::NoAuthenticator);
            assert_eq!(judged.err(), (!let_in).then_some(ProtocolError::NoAuthenticator));
        }
        assert_eq!(tested.connection.is_ready(), let_in);
    }
}

#[test]
fn a_refused_client_is_told_so_unless_it_is_for_now() {
    for (status, told) in [(300, None), (400, Some(&b"\x05ERROR\x03400"[..]))] {
        let (mut tested, client, welcomed) = welcomed();
        let initiate = client.initiate(&welcomed, 2, &client.content(&welcomed));
        tested.hear(&initiate).unwrap();
        let said = tested.judge(&zap::Answer::Reply(&reply(3, status.to_string().as_bytes())));
        assert_eq!(said.unwrap().first().map(Vec::as_slice), told);
        assert_eq!(tested.connection.poll_event(), Some(Event::Refused(status)));
        assert_eq!(tested.hear(&initiate), Err(ProtocolError::Untimely));
    }
}

#[test]
fn every_byte_of_hello_counts_but_the_padding() {
    let (secret, public) = pair();
    let hello = RawClient::new(public).hello();
    assert_eq!(hello.len(), 200);
    for at in 0..hello.len() {
        let mut bytes = hello.clone();
        bytes[at] ^= 0x20;
        let (mut tested, _) = Tested::new(server(&secret));
        let wanted = match at {
            0..6 => Some(ProtocolError::UnexpectedCommand),
            6..8 => Some(ProtocolError::MalformedHello),
            8..80 => None,
            _ => Some(ProtocolError::Forged),
        };
        assert_eq!(tested.hear(&bytes).err(), wanted, "byte {at}");
    }
    let mut weak = hello.clone();
    weak[80..112].fill(0);
    for (body, wanted) in [
        (&weak[..], ProtocolError::Forged),
        (&hello[..199], ProtocolError::MalformedHello),
        (&[&hello[..], b"x"].concat(), ProtocolError::MalformedHello),
        (b"\x05HELLO", ProtocolError::MalformedHello),
        (b"\x05HELL", ProtocolError::MalformedCommand),
        (b"", ProtocolError::MalformedCommand),
        (b"\0", ProtocolError::MalformedCommand),
        (b"\x05ERROR\x03400", ProtocolError::UnexpectedCommand),
        (b"\x04PING\0\0", ProtocolError::UnexpectedCommand),
    ] {
        assert_eq!(Tested::new(server(&secret)).0.hear(body), Err(wanted));
    }
}

#[test]
fn every_byte_of_initiate_counts() {
    let (_, client, probe) = welcomed();
    let len = client.initiate(&probe, 2, &client.content(&probe)).len();
    for at in 0..len {
        let (mut tested, client, welcomed) = welcomed();
        let mut bytes = client.initiate(&welcomed, 2, &client.content(&welcomed));
        bytes[at] ^= 0x20;
        let wanted = match at {
            0..9 => ProtocolError::UnexpectedCommand,
            _ => ProtocolError::Forged,
        };
        assert_eq!(tested.hear(&bytes), Err(wanted), "byte {at}");
    }
    for cut in [0, 1, 8, 9, 105, 113, 256] {
        let (mut tested, client, welcomed) = welcomed();
        let bytes = client.initiate(&welcomed, 2, &client.content(&welcomed));
        let wanted = match cut {
            0..9 => ProtocolError::MalformedCommand,
            _ => ProtocolError::MalformedInitiate,
        };
        assert_eq!(tested.hear(&bytes[..cut]), Err(wanted), "cut at {cut}");
    }
}

#[test]
fn an_initiate_must_be_new_and_vouch_for_the_keys_in_use() {
    let other = pair().1;
    for case in 0..7 {
        let (mut tested, client, welcomed) = welcomed();
        let (own, server) = (client.transient.1, client.server);
        let with = |identity: &Public, vouch: Vec<u8>, metadata: &[u8]| {
            client.initiate(&welcomed, 2, &[&identity[..], &vouch, metadata].concat())
        };
        let long = client.long.1;
        let (bytes, wanted) = match case {
            0 => {
                let vouch = client.vouch(&welcomed, &other, &server);
                (with(&long, vouch, b""), ProtocolError::KeyExchange)
            }
            1 => {
                let vouch = client.vouch(&welcomed, &own, &other);
                (with(&long, vouch, b""), ProtocolError::KeyExchange)
            }
            2 => {
                let vouch = client.vouch(&welcomed, &own, &server);
                (with(&other, vouch, b""), ProtocolError::Forged)
            }
            3 => {
                let vouch = client.vouch(&welcomed, &own, &server);
                (with(&[0; 32], vouch, b""), ProtocolError::Forged)
            }
            4 => {
                let vouch = client.vouch(&welcomed, &own, &server);
                (with(&long, vouch, b"\x01"), ProtocolError::InvalidMetadata)
            }
            5 => {
                let content = client.content(&welcomed);
                (client.initiate(&welcomed, 1, &content), ProtocolError::InvalidSequence)
            }
            _ => (client.hello(), ProtocolError::UnexpectedCommand),
        };
        assert_eq!(tested.hear(&bytes), Err(wanted), "case {case}");
    }
    // No cookie is good for another connection.
    let (_, _, others) = welcomed();
    let (mut tested, client, welcomed) = welcomed();
    let mut bytes = client.initiate(&welcomed, 2, &client.content(&welcomed));
    bytes[9..105].copy_from_slice(&others.cookie);
    assert_eq!(tested.hear(&bytes), Err(ProtocolError::Forged));
}

#[test]
fn messages_are_taken_once_and_unchanged() {
    let (mut tested, client, welcomed) = met();
    let frames = [
        frame(0, &client.message(&welcomed, 3, b"\x01a")),
        // The outer flags mean nothing, a counter may leave some out.
        frame(1, &client.message(&welcomed, 5, b"\0b")),
        frame(4, &client.message(&welcomed, 6, &[&b"\0"[..], &[7; 70_000]].concat())),
        frame(0, &client.message(&welcomed, 9, b"\x02\x04PING\0\0ctx")),
    ];
    tested.feed(&frames.concat()).unwrap();
    assert_eq!(
        tested.sink.frames,
        [data(true, b"a"), data(false, b"b"), data(false, &[7; 70_000])]
    );
    let pong = &bodies(&output(&mut tested.connection))[0];
    assert_eq!(&pong[..16], b"\x07MESSAGE\0\0\0\0\0\0\0\x02");
    let counter = nonce(b"CurveZMQMESSAGES", &pong[8..16]);
    assert_eq!(opened(&welcomed.key, &counter, &pong[16..]), b"\x02\x04PONGctx");
    for stale in [0, 1, 8, 9] {
        let (mut tested, client, welcomed) = met();
        tested.feed(&frame(0, &client.message(&welcomed, 9, b"\0x"))).unwrap();
        let again = tested.feed(&frame(0, &client.message(&welcomed, stale, b"\0x")));
        assert_eq!(again, Err(ProtocolError::InvalidSequence));
        assert_eq!(tested.sink.frames.len(), 1);
    }
}

#[test]
fn every_byte_of_a_message_counts() {
    let (_, client, probe) = met();
    let len = client.message(&probe, 3, b"\0hello").len();
    for at in 0..len {
        let (mut tested, client, welcomed) = met();
        let mut bytes = client.message(&welcomed, 3, b"\0hello");
        bytes[at] ^= 1;
        let fed = tested.feed(&frame(0, &bytes));
        let wanted = match at {
            0..8 => ProtocolError::UnexpectedCommand,
            15 => ProtocolError::InvalidSequence,
            _ => ProtocolError::Forged,
        };
        assert_eq!(fed, Err(wanted), "byte {at}");
        assert!(tested.sink.frames.is_empty());
    }
    let (_, client, probe) = met();
    let whole = client.message(&probe, 3, b"\0");
    for (bytes, wanted) in [
        (&b""[..], ProtocolError::MalformedCommand),
        (&whole[..7], ProtocolError::MalformedCommand),
        (&whole[..8], ProtocolError::MalformedMessage),
        (&whole[..15], ProtocolError::MalformedMessage),
        (&whole[..32], ProtocolError::MalformedMessage),
        (&client.message(&probe, 3, b""), ProtocolError::MalformedMessage),
        (b"\x05ERROR\x03400", ProtocolError::UnexpectedCommand),
        (b"\x04PING\0\0", ProtocolError::UnexpectedCommand),
    ] {
        assert_eq!(met().0.feed(&frame(0, bytes)), Err(wanted));
    }
}

#[test]
fn a_frame_without_a_body_is_seen_as_soon_as_its_header_is_whole() {
    for header in [&b"\0\0"[..], b"\x04\0", b"\x02\0\0\0\0\0\0\0\0"] {
        let (mut tested, _, _) = met();
        let (last, first) = header.split_last().unwrap();
        for byte in first {
            assert_eq!(tested.feed(&[*byte]), Ok(0));
        }
        assert_eq!(tested.feed(&[*last]), Err(ProtocolError::MalformedCommand));
    }
}

/// A client under test that has said HELLO, its server's keys S' and those that
/// belong to HELLO.
fn greeted() -> (Tested, (SecretKey, Public), (SecretKey, Public), Public) {
    let long = pair();
    let (tested, said) = Tested::new(client(&new_secret_key().unwrap(), long.1));
    let hello = &said[0];
    assert_eq!((hello.len(), &hello[..8]), (200, &b"\x05HELLO\x01\0"[..]));
    assert_eq!(hello[8..80], [0; 72]);
    assert_eq!(hello[112..120], 1u64.to_be_bytes());
    let transient: Public = hello[80..112].try_into().unwrap();
    let key = Key::agree(&long.0, &transient).unwrap();
    let signature = opened(&key, &nonce(b"CurveZMQHELLO---", &hello[112..120]), &hello[120..]);
    assert_eq!(signature, [0; 64]);
    (tested, long, pair(), transient)
}

fn welcome(long: &SecretKey, content: &[u8], client: &Public) -> Vec<u8> {
    let key = Key::agree(long, client).unwrap();
    let sealed = sealed(&key, &nonce(b"WELCOME-", &[9; 16]), content);
    [&b"\x07WELCOME"[..], &[9; 16], &sealed].concat()
}

fn ready_for(key: &Key, metadata: &[u8]) -> Vec<u8> {
    let counter = 1u64.to_be_bytes();
    let sealed = sealed(key, &nonce(b"CurveZMQREADY---", &counter), metadata);
    [&b"\x05READY"[..], &counter, &sealed].concat()
}

/// A client that has said INITIATE, and the key of the connection.
fn initiated() -> (Tested, Key) {
    let (mut tested, long, transient, client) = greeted();
    let content = [&transient.1[..], &[5; 96]].concat();
    let initiate = tested.hear(&welcome(&long.0, &content, &client)).unwrap().remove(0);
    assert_eq!(&initiate[..9], b"\x08INITIATE");
    assert_eq!(initiate[9..105], [5; 96]);
    assert_eq!(initiate[105..113], 2u64.to_be_bytes());
    let key = Key::agree(&transient.0, &client).unwrap();
    let content = opened(&key, &nonce(b"CurveZMQINITIATE", &initiate[105..113]), &initiate[113..]);
    let identity: Public = content[..32].try_into().unwrap();
    let vouch_key = Key::agree(&transient.0, &identity).unwrap();
    let vouch = opened(&vouch_key, &nonce(b"VOUCH---", &content[32..48]), &content[48..128]);
    assert_eq!(vouch, [client, long.1].concat());
    assert_eq!(content[128..], ready(SocketType::Dealer)[8..]);
    (tested, key)
}

#[test]
fn a_client_says_hello_and_initiate_and_then_messages() {
    let (mut tested, key) = initiated();
    tested.hear(&ready_for(&key, &ready(SocketType::Router)[8..])).unwrap();
    let Some(Event::Ready(peer)) = tested.connection.poll_event() else { panic!() };
    assert_eq!(peer.socket_type, Some(SocketType::Router));
    let mut out = Vec::new();
    let mut message = Message::copy_of(b"hi").unwrap();
    message.set_more(true);
    tested.connection.encode(&message, &mut out).unwrap();
    let topic = Message::copy_of(b"topic").unwrap().with_role(Role::Subscribe);
    tested.connection.encode(&topic, &mut out).unwrap();
    for (counter, (body, content)) in
        (3u64..).zip(bodies(&out).iter().zip([&b"\x01hi"[..], b"\x02\x09SUBSCRIBEtopic"]))
    {
        assert_eq!(body[..16], [&b"\x07MESSAGE"[..], &counter.to_be_bytes()].concat());
        let nonce = nonce(b"CurveZMQMESSAGEC", &body[8..16]);
        assert_eq!(opened(&key, &nonce, &body[16..]), content);
    }
}

#[test]
fn every_byte_of_welcome_and_ready_counts() {
    for at in 0..168 {
        let (mut tested, long, transient, client) = greeted();
        let mut bytes = welcome(&long.0, &[&transient.1[..], &[5; 96]].concat(), &client);
        bytes[at] ^= 0x10;
        let wanted = if at < 8 { ProtocolError::UnexpectedCommand } else { ProtocolError::Forged };
        assert_eq!(tested.hear(&bytes), Err(wanted), "byte {at}");
    }
    let len = ready_for(&initiated().1, b"").len();
    for at in 0..len {
        let (mut tested, key) = initiated();
        let mut bytes = ready_for(&key, b"");
        bytes[at] ^= 0x10;
        let wanted = if at < 6 { ProtocolError::UnexpectedCommand } else { ProtocolError::Forged };
        assert_eq!(tested.hear(&bytes), Err(wanted), "byte {at}");
    }
}

#[test]
fn a_client_turns_away_what_no_server_says() {
    for (first, wanted) in [
        (&b""[..], ProtocolError::UnexpectedCommand),
        (b"\x07WELCOME", ProtocolError::Forged),
        (&[&b"\x07WELCOME"[..], &[1; 161]].concat(), ProtocolError::Forged),
        (b"\x05READY", ProtocolError::MalformedReady),
        (&[&b"\x05READY"[..], &[1; 24]].concat(), ProtocolError::Forged),
        (b"\x05ERROR", ProtocolError::MalformedError),
        (b"\x05ERROR\x04400", ProtocolError::MalformedError),
        (b"\x05ERROR\x03400", ProtocolError::PeerError(b"400".to_vec())),
        (b"\x05HELLO", ProtocolError::UnexpectedCommand),
    ] {
        assert_eq!(greeted().0.hear(first), Err(wanted));
    }
    // A server whose transient key is none.
    let (mut tested, long, _, client) = greeted();
    let weak = tested.hear(&welcome(&long.0, &[0; 128], &client));
    assert_eq!(weak, Err(ProtocolError::Forged));
    for (metadata, wanted) in [
        (&b"\x01"[..], ProtocolError::InvalidReady),
        (b"\x0bSocket-Type\0\0\0\x03PUB", ProtocolError::InvalidReady),
    ] {
        let (mut tested, key) = initiated();
        assert_eq!(tested.hear(&ready_for(&key, metadata)), Err(wanted));
    }
    let (mut tested, _) = initiated();
    let again = tested.hear(&[&b"\x07WELCOME"[..], &[1; 160]].concat());
    assert_eq!(again, Err(ProtocolError::Forged));
}

#[test]
fn a_server_key_that_is_none_ends_the_connection() {
    let now = Instant::now();
    let config = client(&new_secret_key().unwrap(), [0; 32]);
    let mut connection = Connection::new(Arc::new(config), now);
    let fed = feed(&mut connection, now, &greeting(3, 1, b"CURVE"), &mut Sink::new());
    assert_eq!(fed, Err(ProtocolError::UnusableKey));
}
