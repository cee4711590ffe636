//! Raw connections (manual page zmq_socket, ZMQ_STREAM; zmq_setsockopt,
//! ZMQ_ROUTER_RAW): a stream of bytes without any protocol of ours. What
//! arrives becomes messages as it comes, and messages leave as they are. An
//! empty message tells the socket that a connection has come about, another one
//! that it is over.
//!
//! Like `zmtp`, this knows no descriptor, no thread and no clock, and runs on
//! the thread of whoever drives the session.

#![forbid(unsafe_code)]

use crate::message::Message;
use crate::zmtp::{Inbox, ProtocolError};

/// The most bytes that one message carries; libzmq's are as large. With it,
/// `ZMQ_RCVHWM` bounds bytes as well as messages.
const CHUNK_BYTES: usize = 8 * 1024;

/// What a socket asks of its raw connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Tell of the connection's beginning and end (`ZMQ_STREAM_NOTIFY`).
    pub notify: bool,
}

/// A connection that carries bytes, without its socket.
#[derive(Debug)]
pub struct Connection {
    notices: Notices,
}

/// How much was told of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notices {
    /// Nothing is to be told.
    Unwanted,
    /// The beginning is still to be told; nothing else comes before it.
    Due,
    /// The beginning was told, so the end is to be told, too.
    Begun,
}

impl Connection {
    /// A connection that has just been made.
    pub fn new(config: Config) -> Connection {
        let notices = if config.notify { Notices::Due } else { Notices::Unwanted };
        Connection { notices }
    }

    /// Whether the beginning waits to be told, for want of room.
    pub fn is_notice_due(&self) -> bool {
        self.notices == Notices::Due
    }

    /// Makes messages of `input` and returns how many bytes of it that took:
    /// fewer than there are when the inbox has no room (call again with the
    /// rest when it has). The first call, which may come with nothing, tells
    /// that the connection has come about. `OutOfMemory` ends the connection.
    pub fn receive(
        &mut self,
        input: &[u8],
        inbox: &mut impl Inbox,
    ) -> Result<usize, ProtocolError> {
        if self.is_notice_due() {
            if !inbox.has_room() {
                return Ok(0);
            }
            inbox.push(Message::new());
            self.notices = Notices::Begun;
        }
        let mut consumed = 0;
        for chunk in input.chunks(CHUNK_BYTES) {
            if !inbox.has_room() {
                break;
            }
            let message = Message::copy_of(chunk).map_err(|_| ProtocolError::OutOfMemory)?;
            inbox.push(message);
            consumed += chunk.len();
        }
        Ok(consumed)
    }

    /// The connection is over: tells so if its beginning was told, whether or
    /// not there is room. At most one message exceeds the water mark so, since
    /// the next connection tells its beginning only when there is.
    pub fn ended(&mut self, inbox: &mut impl Inbox) {
        if self.notices == Notices::Begun {
            inbox.push(Message::new());
        }
        self.notices = Notices::Unwanted;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Takes this many messages.
    struct Bounded {
        room: usize,
        messages: Vec<Vec<u8>>,
    }

    impl Bounded {
        fn new(room: usize) -> Bounded {
            Bounded { room, messages: Vec::new() }
        }

        fn lengths(&self) -> Vec<usize> {
            self.messages.iter().map(Vec::len).collect()
        }
    }

    impl Inbox for Bounded {
        fn has_room(&mut self) -> bool {
            self.messages.len() < self.room
        }

        fn push(&mut self, message: Message) {
            assert!(!message.more());
            self.messages.push(message.data().to_vec());
        }
    }

    fn connection(notify: bool) -> Connection {
        Connection::new(Config { notify })
    }

    #[test]
    fn bytes_come_as_they_are_between_two_empty_messages() {
        let (mut raw, mut inbox) = (connection(true), Bounded::new(9));
        assert!(raw.is_notice_due());
        assert_eq!(raw.receive(b"", &mut inbox), Ok(0));
        assert!(!raw.is_notice_due());
        assert_eq!(raw.receive(b"\xff\0\x01", &mut inbox), Ok(3));
        assert_eq!(raw.receive(b"more", &mut inbox), Ok(4));
        raw.ended(&mut inbox);
        assert_eq!(inbox.messages, [&b""[..], b"\xff\0\x01", b"more", b""]);
    }

    #[test]
    fn without_notices_there_are_bytes_only() {
        let (mut raw, mut inbox) = (connection(false), Bounded::new(9));
        assert!(!raw.is_notice_due());
        assert_eq!(raw.receive(b"", &mut inbox), Ok(0));
        assert_eq!(raw.receive(b"x", &mut inbox), Ok(1));
        raw.ended(&mut inbox);
        assert_eq!(inbox.messages, [b"x"]);
    }

    #[test]
    fn much_comes_in_chunks() {
        let (mut raw, mut inbox) = (connection(false), Bounded::new(9));
        let bytes: Vec<u8> = (0..20_000u32).map(|i| i as u8).collect();
        assert_eq!(raw.receive(&bytes, &mut inbox), Ok(20_000));
        assert_eq!(inbox.lengths(), [8192, 8192, 3616]);
        assert_eq!(inbox.messages.concat(), bytes);
    }

    #[test]
    fn a_full_inbox_stops_between_chunks() {
        let (mut raw, mut inbox) = (connection(true), Bounded::new(2));
        let bytes = [7; 20_000];
        assert_eq!(raw.receive(&bytes, &mut inbox), Ok(8192));
        assert_eq!(raw.receive(&bytes[8192..], &mut inbox), Ok(0));
        inbox.room = 9;
        assert_eq!(raw.receive(&bytes[8192..], &mut inbox), Ok(11_808));
        assert_eq!(inbox.lengths(), [0, 8192, 8192, 3616]);
    }

    #[test]
    fn the_beginning_waits_for_room_and_bytes_wait_for_it() {
        let (mut raw, mut inbox) = (connection(true), Bounded::new(0));
        assert_eq!(raw.receive(b"x", &mut inbox), Ok(0));
        assert!(raw.is_notice_due());
        inbox.room = 1;
        assert_eq!(raw.receive(b"x", &mut inbox), Ok(0));
        assert!(!raw.is_notice_due());
        inbox.room = 2;
        assert_eq!(raw.receive(b"x", &mut inbox), Ok(1));
    }

    #[test]
    fn connections_that_come_and_go_unseen_leave_one_message_beyond_the_mark() {
        let mut inbox = Bounded::new(3);
        for _ in 0..100 {
            let mut raw = connection(true);
            assert_eq!(raw.receive(b"", &mut inbox), Ok(0));
            raw.ended(&mut inbox);
        }
        assert_eq!(inbox.lengths(), [0; 4]);
    }

    #[test]
    fn the_end_is_told_once_and_only_after_the_beginning() {
        let (mut raw, mut inbox) = (connection(true), Bounded::new(9));
        raw.ended(&mut inbox);
        raw.ended(&mut inbox);
        assert_eq!(inbox.lengths(), []);
        let mut raw = connection(true);
        assert_eq!(raw.receive(b"", &mut inbox), Ok(0));
        raw.ended(&mut inbox);
        raw.ended(&mut inbox);
        assert_eq!(inbox.lengths(), [0, 0]);
    }
}
