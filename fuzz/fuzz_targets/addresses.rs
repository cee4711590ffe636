//! tcp addresses as far as they need no name service: numbers in all forms of the
//! C library, interfaces, ports. Whatever was found prints as a text that is found
//! again, and survives the kernel's form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zmq::error::Errno;
use zmq::fuzzing::{kernel_form, target_at_once};
use zmq::transport::{Address, Endpoint};

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for ipv6 in [false, true] {
        let Ok(Endpoint::Tcp(address)) = Endpoint::parse(&format!("tcp://{text}")) else { return };
        let target = match target_at_once(&address, ipv6) {
            Ok(Some(target)) => target,
            Ok(None) => continue,
            Err(error) => {
                assert!(matches!(error, Errno::EINVAL | Errno::ENODEV), "{error:?}");
                continue;
            }
        };
        let [address] = target.addresses[..] else { panic!("{target:?}") };
        assert_eq!(address.is_ipv6(), ipv6);
        let address = Address::Tcp(address);
        assert_eq!(kernel_form(&address).as_ref(), Ok(&address));
        let text = address.endpoint();
        let Ok(Endpoint::Tcp(again)) = Endpoint::parse(&text) else { panic!("{text}") };
        let again = target_at_once(&again, ipv6).ok().flatten().expect("a number");
        assert_eq!(again.addresses.len(), 1);
        assert_eq!(Address::Tcp(again.addresses[0]), address, "{text}");
    }
});
