//! The server's side: HELLO, INITIATE, and the messages that follow, which are the
//! same on either side.

use super::super::zap_replies::reply;
use super::*;

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
