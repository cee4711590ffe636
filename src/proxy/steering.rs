//! What `zmq_proxy_steerable` understands (manual page of this name): one
//! command a message, exactly as it is written below.
//!
//! Only `STATISTICS` is answered. So a control socket of type REP takes no
//! further command after one of the others, as from libzmq 4.3.4.

use crate::error::{Errno, Result};
use crate::message::Message;
use crate::socket::{Blocking, POLLIN, Slot};

/// What the proxy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// It passes messages.
    Pass,
    /// It leaves them where they are.
    Pause,
    /// It returns.
    End,
}

/// Messages, however many frames they had, and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    messages: u64,
    bytes: u64,
}

impl Traffic {
    pub(super) fn count(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

/// What was passed each way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Statistics {
    pub(super) to_backend: Traffic,
    pub(super) to_frontend: Traffic,
}

impl Statistics {
    /// Messages and bytes received and sent by the frontend, then by the
    /// backend.
    fn values(&self) -> [u64; 8] {
        let Statistics { to_backend, to_frontend } = self;
        [
            to_backend.messages,
            to_backend.bytes,
            to_frontend.messages,
            to_frontend.bytes,
            to_frontend.messages,
            to_frontend.bytes,
            to_backend.messages,
            to_backend.bytes,
        ]
    }
}

/// Follows the next command, if there is one, and says whether there was; the
/// capture sees it, too. Unknown ones are left alone; `EINVAL` for one of
/// several frames.
pub(super) fn take_command(
    control: &'static Slot,
    capture: Option<&'static Slot>,
    course: &mut Course,
    statistics: &Statistics,
) -> Result<bool> {
    if control.ready()? & POLLIN == 0 {
        return Ok(false);
    }
    let mut command = Message::new();
    match control.recv(&mut command, false, Blocking::DontWait) {
        Err(Errno::EAGAIN) => return Ok(false),
        received => received?,
    }
    if command.more() {
        return Err(Errno::EINVAL);
    }
    if let Some(capture) = capture {
        capture.send(&mut command.share(), Blocking::Wait)?;
    }
    match command.data() {
        b"PAUSE" => *course = Course::Pause,
        b"RESUME" => *course = Course::Pass,
        b"TERMINATE" => *course = Course::End,
        b"STATISTICS" => answer(control, &statistics.values())?,
        _ => {}
    }
    Ok(true)
}

fn answer(control: &'static Slot, values: &[u64]) -> Result<()> {
    for (index, value) in values.iter().enumerate() {
        let mut frame = Message::copy_of(&value.to_ne_bytes())?;
        frame.set_more(index + 1 < values.len());
        control.send(&mut frame, Blocking::Wait)?;
    }
    Ok(())
}
