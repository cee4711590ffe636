//! PLAIN (RFC 24), the client's side: it says its name and password once, and is
//! ready when it was welcome and the server is.

#![no_main]

use ferrozmq_fuzz::script::play;
use ferrozmq_fuzz::wire::bodies;
use ferrozmq_fuzz::{Input, config, is_part, socket_type};
use libfuzzer_sys::fuzz_target;
use zmq::zmtp::Security;

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let security = Security::PlainClient {
        username: b"name".to_vec().into(),
        password: b"word".to_vec().into(),
    };
    let config = config(socket_type(input.byte()), security);
    play(config, input, |played, _| {
        assert_eq!(played.verdict, None);
        assert!(is_part(b"\x08\x07WELCOME", &played.said));
        let output = bodies(&played.tested.seen.output[64..]);
        assert_eq!(output[0], b"\x05HELLO\x04name\x04word");
        assert!(output[1].starts_with(b"\x08INITIATE"));
    });
});
