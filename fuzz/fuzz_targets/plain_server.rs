//! PLAIN (RFC 24), the server's side: nobody is let in whose name and password
//! the authenticator was not asked about and has not accepted.

#![no_main]

use ferrozmq_fuzz::script::{Verdict, play};
use ferrozmq_fuzz::{Input, config, is_part, socket_type};
use libfuzzer_sys::fuzz_target;
use zmq::zmtp::{Event, Security};

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let mut config = config(socket_type(input.byte()), Security::PlainServer);
    let policy = input.byte();
    if policy & 1 == 1 {
        config.zap.domain = b"domain".to_vec();
    }
    config.zap.enforced = policy & 2 != 0;
    let asked = config.clone();
    play(config, input, |played, _| {
        assert_eq!(played.verdict, Some(Verdict::Accepted));
        let events = &played.tested.seen.events;
        let [Event::Ask(inquiry), Event::Ready(_)] = &events[..] else { panic!("{events:?}") };
        let frames = inquiry.frames(&asked, "address");
        let [name, word] = frames[7..] else { panic!("{frames:?}") };
        assert_eq!(frames[6], b"PLAIN");
        let (name_len, word_len) = ([name.len() as u8], [word.len() as u8]);
        let hello = [b"\x05HELLO", &name_len[..], name, &word_len, word].concat();
        assert!(is_part(&hello, &played.said));
    });
});
