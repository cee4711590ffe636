//! What a SOCKS5 proxy says (RFC 1928, RFC 1929): the way is open after a reply
//! that follows the grammar, no byte behind it is touched, and however the
//! replies are cut the same is said to them.

#![no_main]

use ferrozmq_fuzz::{Cuts, Input};
use libfuzzer_sys::fuzz_target;
use zmq::transport::Endpoint;
use zmq::transport::socks::{Credentials, Destination, Negotiation, Refusal};

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let how = input.byte();
    let cuts = Cuts::new(input.byte());
    let (host, address) = HOSTS[usize::from(how >> 1) % HOSTS.len()];
    let request = [&b"\x05\x01\0"[..], address, b"\x15\xb3"].concat();
    let credentials = match how & 1 {
        0 => Credentials::default(),
        _ => Credentials { username: b"name".to_vec().into(), password: b"word".to_vec().into() },
    };
    let stream = input.rest();
    let Ok(Endpoint::Tcp(address)) = Endpoint::parse(&format!("tcp://{host}:5555")) else {
        panic!("an endpoint")
    };
    let destination = Destination::parse(&address).expect("a destination");

    let mut expected = vec![5, 1, if how & 1 == 0 { 0 } else { 2 }];
    let outcome = outcome(stream, how & 1 == 1, &request, &mut expected);
    let negotiation = Negotiation::new(credentials, destination);
    let (said, came) = converse(negotiation, stream, cuts);
    assert_eq!(came, outcome);
    assert_eq!(said, expected);
});

/// Hosts, and how a request has them.
const HOSTS: [(&str, &[u8]); 3] = [
    ("1.2.3.4", b"\x01\x01\x02\x03\x04"),
    ("[::1]", b"\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"),
    ("host.example", b"\x03\x0chost.example"),
];

/// What comes of replies: the bytes that were taken for them once the way is
/// open; nothing yet; no.
type Outcome = Result<Option<usize>, Refusal>;

/// All that is said to these replies, and what comes of them.
fn converse(mut negotiation: Negotiation, mut stream: &[u8], mut cuts: Cuts) -> (Vec<u8>, Outcome) {
    let (mut said, mut taken) = (Vec::new(), 0);
    loop {
        let output = negotiation.output().to_vec();
        said.extend_from_slice(&output);
        negotiation.sent(output.len());
        if negotiation.is_open() {
            assert_eq!(negotiation.wanted(), 0);
            return (said, Ok(Some(taken)));
        }
        if stream.is_empty() {
            return (said, Ok(None));
        }
        assert!((1..=Negotiation::INPUT_BYTES).contains(&negotiation.wanted()));
        let (piece, rest) = stream.split_at(cuts.next(stream.len()));
        match negotiation.receive(piece) {
            Ok(bytes) => {
                taken += bytes;
                assert!(bytes == piece.len() || negotiation.is_open());
            }
            Err(refusal) => {
                assert_eq!(negotiation.receive(b"more"), Err(refusal));
                said.extend_from_slice(negotiation.output());
                return (said, Err(refusal));
            }
        }
        stream = rest;
    }
}

/// What the RFCs have come of replies, and what is said to them.
fn outcome(stream: &[u8], named: bool, request: &[u8], said: &mut Vec<u8>) -> Outcome {
    let mut rest = stream;
    let [version, method, tail @ ..] = rest else { return Ok(None) };
    match [version, method] {
        [5, 0] => {}
        [5, 2] => {
            let login = if named { &b"\x01\x04name\x04word"[..] } else { b"\x01\0\0" };
            said.extend_from_slice(login);
        }
        [5, method] => return Err(Refusal::Method(*method)),
        _ => return Err(Refusal::Malformed),
    }
    rest = tail;
    if *method == 2 {
        let [version, code, tail @ ..] = rest else { return Ok(None) };
        match [version, code] {
            [1, 0] => {}
            [1, code] => return Err(Refusal::Credentials(*code)),
            _ => return Err(Refusal::Malformed),
        }
        rest = tail;
    }
    said.extend_from_slice(request);
    let [version, code, reserved, kind, first, ..] = rest else { return Ok(None) };
    let address = match [version, code, reserved, kind] {
        [5, 0, 0, 1] => 4,
        [5, 0, 0, 3] => 1 + usize::from(*first),
        [5, 0, 0, 4] => 16,
        [5, 1..=0xff, ..] => return Err(Refusal::Reply(*code)),
        _ => return Err(Refusal::Malformed),
    };
    let whole = 4 + address + 2;
    Ok((rest.len() >= whole).then_some(stream.len() - rest.len() + whole))
}
