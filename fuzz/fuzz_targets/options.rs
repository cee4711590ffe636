//! The options of sockets and contexts: any number, any bytes. A refused value
//! changes nothing, what is read may be set again and is the same then, and
//! reading keeps to its buffer.

#![no_main]

use ferrozmq_fuzz::{Input, socket_type};
use libfuzzer_sys::fuzz_target;
use zmq::error::Errno;
use zmq::options::{ContextOptions, Resting, SocketOptions};

const ASLEEP: Resting =
    Resting { receive_more: true, events: Ok(3), fd: 7, last_endpoint: b"inproc://a" };

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let mut context = ContextOptions::default();
    let mut options = SocketOptions::new(socket_type(input.byte()), &context);
    while !input.is_empty() {
        // Every option of the stable API and of the drafts, and some that are none.
        let option = i32::from(input.byte() as i8);
        let how = input.byte();
        let value = match how % 4 {
            0 | 1 => Some(input.take(4)),
            2 => Some(input.led()),
            _ => None,
        };
        match how % 4 {
            0 => set_context(&mut context, option, value.unwrap_or_default()),
            // To compare all of them takes its time.
            _ if how >= 0xe0 => set(&mut options, option, value),
            _ => drop(options.set(option, value)),
        }
        read(&mut options, option, usize::from(input.byte() % 64));
    }
    SocketOptions::new(options.kind(), &context);
});

fn set(options: &mut SocketOptions, option: i32, value: Option<&[u8]>) {
    let before = options.clone();
    if let Err(error) = options.set(option, value).map(drop) {
        assert_eq!(error, Errno::EINVAL);
        assert_eq!(format!("{options:?}"), format!("{before:?}"));
    }
}

/// Reads into a buffer of this size, and sets what was read.
fn read(options: &mut SocketOptions, option: i32, size: usize) {
    let mut buffer = vec![0xaa; size];
    let Ok(len) = options.get(option, &ASLEEP, &mut buffer) else {
        return;
    };
    assert!(len <= size);
    assert!(buffer[len..].iter().all(|byte| *byte == 0));
    if options.set(option, Some(&buffer[..len])).is_ok() {
        let mut again = vec![0xaa; size];
        if let Ok(again_len) = options.get(option, &ASLEEP, &mut again) {
            let text = len > 0 && again_len == len + 1;
            assert!(text || again[..again_len] == buffer[..len], "{option}");
        }
    }
}

fn set_context(context: &mut ContextOptions, option: i32, value: &[u8]) {
    let value = value.try_into().map(i32::from_ne_bytes).unwrap_or_default();
    let before = context.get(option);
    if let Err(error) = context.set(option, value) {
        assert_eq!(error, Errno::EINVAL);
        assert_eq!(context.get(option), before);
    }
    if let Ok(read) = context.get(option)
        && context.set(option, read).is_ok()
    {
        assert_eq!(context.get(option), Ok(read).map(|r| if option == 3 { 65_535 } else { r }));
    }
}
