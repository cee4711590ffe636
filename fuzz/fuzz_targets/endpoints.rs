//! Endpoint texts: what is one prints as it was written; what may be connected
//! has the characters that libzmq looks for; paths end where the kernel's do.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zmq::error::Errno;
use zmq::fuzzing::kernel_form;
use zmq::transport::{Address, Admission, Endpoint};

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        parse(text);
        for transport in ["tcp", "ipc", "inproc"] {
            parse(&format!("{transport}://{text}"));
        }
    }
    for ipv6 in [false, true] {
        let mut admission = Admission::default();
        if admission.add_network(input, ipv6).is_ok() {
            assert_ne!(admission, Admission::default());
            let more = [input, b"\0anything"].concat();
            let mut again = Admission::default();
            // A terminating zero may be counted in, and what is behind it.
            if more.len() <= 255 {
                assert_eq!(again.add_network(&more, ipv6), Ok(()));
                assert_eq!(admission, again);
            }
        }
    }
});

fn parse(text: &str) {
    let endpoint = match Endpoint::parse(text) {
        Ok(endpoint) => endpoint,
        Err(error) => {
            let transport = text.split_once("://").map(|(transport, _)| transport);
            let supported =
                transport.is_some_and(|t| matches!(t, "tcp" | "ipc" | "inproc" | "udp"));
            assert!(error == Errno::EINVAL || !supported);
            return;
        }
    };
    assert_eq!(endpoint.to_string(), text);
    let connectable = endpoint.check_connect();
    let (_, rest) = text.split_once("://").expect("it has been parsed");
    match &endpoint {
        Endpoint::Ipc(path) => match path.address() {
            Ok(address) => {
                assert!(rest.len() <= 107 && connectable.is_ok() && !rest.contains('\0'));
                let address = Address::Ipc(address);
                assert_eq!(address.endpoint(), text);
                assert_eq!(kernel_form(&address), Ok(address));
            }
            Err(error) => {
                assert_eq!(connectable, Err(error));
                assert_eq!(error == Errno::ENAMETOOLONG, rest.len() > 107);
            }
        },
        Endpoint::Tcp(_) => {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"%*-.:;[]_".contains(&b);
            assert!(connectable.is_err() || rest.bytes().all(allowed));
        }
        Endpoint::Udp(_) => assert_eq!(connectable, Ok(())),
        Endpoint::Inproc(name) => assert_eq!((name.as_str(), connectable), (rest, Ok(()))),
    }
}
