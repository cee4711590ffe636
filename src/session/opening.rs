//! What a connection begins with.

use crate::error::Result;
use crate::message::Message;
use crate::pipe::Pipe;

/// State of a socket that each new connection must be told first: SUB's and
/// XSUB's subscriptions. They are state, not traffic: none is dropped at a
/// water mark, and every reconnect begins with all of them.
pub(crate) trait Opening: Send + Sync {
    /// The messages to begin with; none when the pipe has held them from the
    /// start. From here on `pipe`, the session's end, is
    /// sent every change. Changes already in the pipe are contained in the
    /// answer, which says how many frames that concerns. `ENOMEM` fails the
    /// connection.
    fn open(&self, pipe: &mut Pipe) -> Result<(Vec<Message>, usize)>;

    /// Whether it consists of subscriptions and there are none: for the trace.
    fn is_empty(&self) -> bool {
        false
    }

    /// The connection is gone: `pipe` needs no changes until it opens again.
    fn close(&self, pipe: &Pipe);
}
