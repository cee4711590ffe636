//! The client's side: WELCOME and READY.

use super::*;

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
