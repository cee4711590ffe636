//! `zmq_proxy`: passes messages between two sockets until their context ends.

use std::ffi::{c_short, c_void};

use crate::error::{Errno, Result};
use crate::message::Message;
use crate::poller::{PollItem, poll};
use crate::socket::{Blocking, POLLIN, POLLOUT, Slot};

/// Messages passed in one direction before the other has its turn.
const BURST: usize = 1000;

/// Passes messages both ways, and a copy of each to `capture`. Ends with
/// `ETERM` or `EINTR`, or with what else a socket answers.
pub(crate) fn proxy(
    frontend: &'static Slot,
    backend: &'static Slot,
    capture: Option<&'static Slot>,
) -> Result<()> {
    let one = std::ptr::eq(frontend, backend);
    loop {
        let mut moved = pass(frontend, backend, capture)?;
        if !one {
            moved |= pass(backend, frontend, capture)?;
        }
        if !moved {
            wait(frontend, backend)?;
        }
    }
}

/// Passes a burst of messages that have come and can go. Says whether there
/// were any.
fn pass(from: &'static Slot, to: &'static Slot, capture: Option<&'static Slot>) -> Result<bool> {
    for passed in 0..BURST {
        if to.ready()? & POLLOUT == 0 && !std::ptr::eq(from, to) {
            return Ok(passed > 0);
        }
        match pass_message(from, to, capture) {
            Ok(()) => {}
            Err(Errno::EAGAIN) => return Ok(passed > 0),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Passes one whole message. `EAGAIN`: there is none.
fn pass_message(
    from: &'static Slot,
    to: &'static Slot,
    capture: Option<&'static Slot>,
) -> Result<()> {
    let mut blocking = Blocking::DontWait;
    let mut frame = Message::new();
    loop {
        match from.recv(&mut frame, false, blocking) {
            // A socket that may not receive (now) has nothing to pass on.
            Err(Errno::EFSM | Errno::ENOTSUP) => return Err(Errno::EAGAIN),
            received => received?,
        }
        let more = frame.more();
        if let Some(capture) = capture {
            let mut copy = frame.share();
            capture.send(&mut copy, Blocking::Wait)?;
        }
        to.send(&mut frame, Blocking::Wait)?;
        if !more {
            return Ok(());
        }
        blocking = Blocking::Wait;
    }
}

/// Waits until a message can be passed: for one to come, or, where one has
/// come, for its way to be free.
fn wait(frontend: &'static Slot, backend: &'static Slot) -> Result<()> {
    let mut frontend_events = 0;
    let mut backend_events = 0;
    if frontend.ready()? & POLLIN == 0 {
        frontend_events |= POLLIN;
    } else {
        backend_events |= POLLOUT;
    }
    if backend.ready()? & POLLIN == 0 {
        backend_events |= POLLIN;
    } else {
        frontend_events |= POLLOUT;
    }
    let item = |slot: &'static Slot, events: u32| PollItem {
        socket: std::ptr::from_ref(slot).cast_mut().cast::<c_void>(),
        fd: 0,
        events: events as c_short,
        revents: 0,
    };
    let both = &mut [item(frontend, frontend_events), item(backend, backend_events)];
    let items = if std::ptr::eq(frontend, backend) { &mut both[..1] } else { &mut both[..] };
    poll(items, None).map(drop)
}
