//! Asking the application's authenticator about a peer (RFC 27, ZAP). Each
//! connection that asks has a pipe of its own to the authenticator's socket, as
//! libzmq's sessions do, from the question to the answer or to the connection's
//! end: so nothing has to be told apart, and nobody waits behind a slow answer.
//! The answer is taken where it is given: on the thread of the authenticator's
//! `zmq_send`, unless somebody drives the session already.

use std::sync::{Arc, Weak};
use std::time::Instant;

use super::drive::Inner;
use super::{ANSWERED, Ending, Session};
use crate::message::Message;
use crate::pipe::{EndRef, Owner, Pipe};
use crate::zmtp::{self, zap};

/// More frames than a reply has.
const MAX_REPLY_FRAMES: usize = 8;

/// The way to the application's authenticator.
pub(crate) trait Authentication: Send + Sync {
    /// Sends the frames of a request to the socket that is bound to
    /// [`zap::AUTHENTICATOR`], through a new pipe, which is returned for the
    /// reply. `None` when there is no such socket. Called on any thread, maybe
    /// with a socket's lock held; never blocks and takes no socket's lock.
    fn ask(&self, request: Vec<Message>) -> Option<Pipe>;
}

/// Owns a session's end of that pipe. The authenticator's socket may hold on to
/// the pipe, and is not to keep a session alive that has ended.
struct Inquirer(Weak<Session>);

impl Owner for Inquirer {
    fn signalled(self: Arc<Self>, _: &EndRef) {
        if let Some(session) = self.0.upgrade() {
            session.attend(ANSWERED);
        }
    }
}

impl Inner {
    /// Asks about the peer. Without anybody to ask, that is the answer.
    pub(super) fn ask(
        &mut self,
        session: &Arc<Session>,
        inquiry: &zap::Inquiry,
    ) -> Result<(), Ending> {
        let Some((live, surroundings)) = self.live() else { return Ok(()) };
        let config = &surroundings.settings.zmtp;
        let address = live.peer_address();
        let frames = inquiry.frames(config, &address);
        let last = frames.len() - 1;
        let frame = |(number, body): (usize, &[u8])| {
            let mut message = Message::copy_of(body)?;
            message.set_more(number < last);
            Ok(message)
        };
        let request = frames.into_iter().enumerate().map(frame).collect::<Result<_, _>>();
        match surroundings.authentication.ask(request.map_err(Ending::Disconnected)?) {
            Some(pipe) => {
                pipe.end().set_owner(Arc::new(Inquirer(Arc::downgrade(session))));
                live.authenticator = Some(pipe);
                Ok(())
            }
            None => Ok(live.protocol.answer(Instant::now(), &zap::Answer::NoAuthenticator)?),
        }
    }

    /// The authenticator has answered, or is gone. In the latter case the peer
    /// learns nothing, and its time runs out.
    pub(super) fn hear_answer(&mut self) -> Result<(), zmtp::ProtocolError> {
        let Some((live, _)) = self.live() else { return Ok(()) };
        let Some(pipe) = &mut live.authenticator else { return Ok(()) };
        match listen(pipe) {
            Heard::Nothing => Ok(()),
            Heard::Gone => {
                live.authenticator = None;
                Ok(())
            }
            Heard::Reply(reply) => {
                live.authenticator = None;
                live.protocol.answer(Instant::now(), &zap::Answer::Reply(&reply))
            }
        }
    }
}

/// What there is to hear from an authenticator.
enum Heard {
    /// Nothing yet; the pipe tells when there is.
    Nothing,
    /// The frames of its reply.
    Reply(Vec<Message>),
    /// It will never answer.
    Gone,
}

/// Listens for the answer, and goes idle while there is none.
fn listen(pipe: &mut Pipe) -> Heard {
    pipe.take_signals();
    loop {
        // Asked first: what was written before the end is read.
        let gone = pipe.peer_closed();
        let reply = take_reply(pipe);
        if !reply.is_empty() {
            return Heard::Reply(reply);
        }
        if gone {
            return Heard::Gone;
        }
        // False when the answer has come since.
        if pipe.go_idle() {
            return Heard::Nothing;
        }
    }
}

/// The frames of a reply, if it has come; of one that is too long, enough to tell.
fn take_reply(pipe: &mut Pipe) -> Vec<Message> {
    let mut reply = Vec::new();
    let mut frame = Message::new();
    while pipe.pop(&mut frame) {
        let more = frame.more();
        if reply.len() < MAX_REPLY_FRAMES {
            reply.push(std::mem::take(&mut frame));
        }
        if !more {
            break;
        }
    }
    reply
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::super::ownership::{Driven, Owned};
    use super::*;
    use crate::pipe::pipe;
    use crate::sync::bounded_model;

    const ASK: u32 = 1 << 1;

    /// A session that only asks.
    struct Asker {
        inner: Owned<Asking>,
    }

    struct Asking {
        /// The pipe, before anything was asked and after.
        unused: Option<Pipe>,
        pipe: Option<Pipe>,
        heard: Vec<Heard>,
    }

    struct AskersEnd(Weak<Asker>);

    impl Owner for AskersEnd {
        fn signalled(self: Arc<Self>, _: &EndRef) {
            if let Some(asker) = self.0.upgrade() {
                asker.attend(ANSWERED);
            }
        }
    }

    impl Asker {
        fn attend(self: &Arc<Asker>, bits: u32) {
            if !self.inner.claim(bits) {
                return;
            }
            let drive = |asking: &mut Asking, bits: u32| {
                if bits & ASK != 0 {
                    self.ask(asking);
                }
                if bits & ANSWERED != 0
                    && let Some(pipe) = &mut asking.pipe
                {
                    match listen(pipe) {
                        Heard::Nothing => {}
                        heard => {
                            asking.pipe = None;
                            asking.heard.push(heard);
                        }
                    }
                }
                Driven::Done
            };
            // SAFETY: claimed above.
            unsafe { self.inner.drive(false, drive, || unreachable!()) };
        }

        /// As `Inner::ask`.
        fn ask(self: &Arc<Asker>, asking: &mut Asking) {
            if let Some(pipe) = asking.unused.take() {
                pipe.end().set_owner(Arc::new(AskersEnd(Arc::downgrade(self))));
                asking.pipe = Some(pipe);
            }
        }
    }

    /// Somebody asks, while an authenticator does this with its end of the pipe,
    /// which it may keep; then this was heard.
    fn ask(authenticator: fn(Pipe) -> Option<Pipe>, expected: fn(&[Heard]) -> bool) {
        bounded_model(3, move || {
            let (ours, theirs) = pipe([0, 0], false);
            let asking = Asking { unused: Some(ours), pipe: None, heard: Vec::new() };
            let asker = Arc::new(Asker { inner: Owned::new(asking) });
            let thread = loom::thread::spawn(move || authenticator(theirs));
            asker.attend(ASK);
            // Whatever else drives a session meanwhile.
            asker.attend(ANSWERED);
            let _kept = thread.join().unwrap();
            // SAFETY: the other thread has ended.
            let heard = unsafe { asker.inner.look(|asking| expected(&asking.heard)) };
            assert_eq!(heard, Some(true));
        });
    }

    fn reply(mut pipe: Pipe) -> Pipe {
        for more in [true, false] {
            let mut frame = Message::copy_of(b"x").unwrap();
            frame.set_more(more);
            pipe.push(&mut frame);
        }
        pipe.flush();
        pipe
    }

    fn is_reply(heard: &[Heard]) -> bool {
        matches!(heard, [Heard::Reply(frames)] if frames.len() == 2)
    }

    #[test]
    fn loom_an_answer_is_heard() {
        ask(|pipe| Some(reply(pipe)), is_reply);
    }

    #[test]
    fn loom_an_answer_just_before_the_end_is_heard() {
        ask(
            |pipe| {
                drop(reply(pipe));
                None
            },
            is_reply,
        );
    }

    #[test]
    fn loom_an_end_without_an_answer_is_heard() {
        ask(
            |pipe| {
                drop(pipe);
                None
            },
            |heard| matches!(heard, [Heard::Gone]),
        );
    }
}
