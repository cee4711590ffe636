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
        pipe.take_signals();
        loop {
            // Asked first: what was written before the end is read.
            let gone = pipe.peer_closed();
            let reply = take_reply(pipe);
            if !reply.is_empty() {
                live.authenticator = None;
                return live.protocol.answer(Instant::now(), &zap::Answer::Reply(&reply));
            }
            if gone {
                live.authenticator = None;
                return Ok(());
            }
            // False when the answer has come since.
            if pipe.go_idle() {
                return Ok(());
            }
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
