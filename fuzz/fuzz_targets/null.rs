//! NULL (RFC 37) with and without an authenticator.

#![no_main]

use ferrozmq_fuzz::script::play;
use ferrozmq_fuzz::{Input, config, socket_type};
use libfuzzer_sys::fuzz_target;
use zmq::zmtp::Security;

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let mut config = config(socket_type(input.byte()), Security::Null);
    let policy = input.byte();
    let asks = policy & 1 == 1;
    if asks {
        config.zap.domain = b"domain".to_vec();
    }
    config.zap.enforced = policy & 2 != 0;
    let enforced = config.zap.enforced;
    play(config, input, |played, _| {
        assert_eq!(played.verdict.is_some(), asks);
        if enforced && asks {
            assert_eq!(played.verdict, Some(ferrozmq_fuzz::script::Verdict::Accepted));
        }
    });
});
