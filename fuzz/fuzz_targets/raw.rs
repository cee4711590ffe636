//! Raw connections (ZMQ_STREAM): the bytes that came are the bytes that are told,
//! between a notice of the beginning and one of the end, however little room
//! there is.

#![no_main]

use ferrozmq_fuzz::{Cuts, Input};
use libfuzzer_sys::fuzz_target;
use zmq::message::Message;
use zmq::raw::{Config, Connection};
use zmq::zmtp::Inbox;

struct Sink {
    messages: Vec<Vec<u8>>,
    room: usize,
}

impl Inbox for Sink {
    fn has_room(&mut self) -> bool {
        self.messages.len() < self.room
    }

    fn push(&mut self, message: Message) {
        assert!(!message.more());
        self.messages.push(message.data().to_vec());
    }
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input::new(input);
    let how = input.byte();
    let notify = how & 1 == 1;
    let mut cuts = Cuts::new(how >> 1);
    let mut sink = Sink { messages: Vec::new(), room: usize::from(input.byte() % 4) };
    // Chunks end at 8 KiB: streams are longer than inputs.
    let stream = match input.byte() % 4 {
        0 => input.rest().repeat(100),
        _ => input.rest().to_vec(),
    };
    let mut connection = Connection::new(Config { notify });
    let (mut rest, mut waiting) = (&stream[..], Vec::new());
    while !rest.is_empty() || !waiting.is_empty() {
        let piece = cuts.next(rest.len());
        waiting.extend_from_slice(&rest[..piece]);
        rest = &rest[piece..];
        let before = sink.messages.len();
        let taken = connection.receive(&waiting, &mut sink).expect("memory");
        assert!(sink.messages.len() <= sink.room.max(before));
        waiting.drain(..taken);
        sink.room += usize::from(taken == 0);
    }
    if connection.is_notice_due() {
        sink.room += 1;
        assert_eq!(connection.receive(&[], &mut sink), Ok(0));
    }
    connection.ended(&mut sink);
    connection.ended(&mut sink);
    let mut told = &sink.messages[..];
    if notify {
        let [beginning, between @ .., end] = told else { panic!("no notices") };
        assert!(beginning.is_empty() && end.is_empty());
        told = between;
    }
    assert!(told.iter().all(|message| (1..=8192).contains(&message.len())));
    assert_eq!(told.concat(), stream);
});
