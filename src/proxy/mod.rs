//! `zmq_proxy` and `zmq_proxy_steerable`: pass messages between two sockets
//! until their context ends, or a command says so.

mod steering;

use std::ffi::{c_short, c_void};

use steering::{Course, Statistics, Traffic, take_command};

use crate::error::{Errno, Result};
use crate::message::Message;
use crate::poller::{PollItem, poll};
use crate::socket::{Blocking, POLLIN, POLLOUT, Slot};

/// Messages passed in one direction before the other has its turn.
const BURST: usize = 1000;

/// Passes messages both ways, and a copy of each to `capture`, steered by the
/// commands that come to `control`. Ends well at `TERMINATE`, else with `ETERM`
/// or `EINTR`, or with what else a socket answers.
pub(crate) fn proxy(
    frontend: &'static Slot,
    backend: &'static Slot,
    capture: Option<&'static Slot>,
    control: Option<&'static Slot>,
) -> Result<()> {
    if let Some(capture) = capture {
        capture.check_open()?;
    }
    let one = std::ptr::eq(frontend, backend);
    let mut course = Course::Pass;
    let mut statistics = Statistics::default();
    loop {
        let commanded = match control {
            // Only one at a time: a flood of commands must not stop messages.
            Some(control) => take_command(control, capture, &mut course, &statistics)?,
            None => false,
        };
        let mut moved = false;
        match course {
            Course::Pass => {
                moved |= pass(frontend, backend, capture, &mut statistics.to_backend)?;
                if !one {
                    moved |= pass(backend, frontend, capture, &mut statistics.to_frontend)?;
                }
            }
            Course::Pause => {}
            Course::End => return Ok(()),
        }
        if !moved && !commanded {
            wait(frontend, backend, control, course)?;
        }
    }
}

/// Passes a burst of messages that have come and can go. Says whether there
/// were any.
fn pass(
    from: &'static Slot,
    to: &'static Slot,
    capture: Option<&'static Slot>,
    traffic: &mut Traffic,
) -> Result<bool> {
    for passed in 0..BURST {
        if !std::ptr::eq(from, to) && !to.can_send()? {
            return Ok(passed > 0);
        }
        match pass_message(from, to, capture)? {
            Some(bytes) => traffic.count(bytes),
            None => return Ok(passed > 0),
        }
    }
    Ok(true)
}

/// Passes one whole message and tells its size; `None`: there is none. `EAGAIN`: it
/// could not be sent on in the time that a socket has for it.
fn pass_message(
    from: &'static Slot,
    to: &'static Slot,
    capture: Option<&'static Slot>,
) -> Result<Option<usize>> {
    let mut blocking = Blocking::DontWait;
    let mut frame = Message::new();
    let mut bytes = 0;
    loop {
        match from.recv(&mut frame, false, blocking) {
            // A socket that may not receive (now) has nothing to pass on.
            Err(Errno::EAGAIN | Errno::EFSM | Errno::ENOTSUP) if blocking == Blocking::DontWait => {
                return Ok(None);
            }
            received => received?,
        }
        let more = frame.more();
        bytes += frame.len();
        if let Some(capture) = capture {
            let mut copy = frame.share();
            capture.send(&mut copy, Blocking::Wait)?;
        }
        to.send(&mut frame, Blocking::Wait)?;
        if !more {
            return Ok(Some(bytes));
        }
        blocking = Blocking::Wait;
    }
}

/// Waits until a message can be passed: for one to come, or, where one has
/// come, for its way to be free. While paused, for a command only, or for the
/// end of a context.
fn wait(
    frontend: &'static Slot,
    backend: &'static Slot,
    control: Option<&'static Slot>,
    course: Course,
) -> Result<()> {
    let mut frontend_events = 0;
    let mut backend_events = 0;
    if course == Course::Pass {
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
    }
    let item = |slot: &'static Slot, events: u32| PollItem {
        socket: std::ptr::from_ref(slot).cast_mut().cast::<c_void>(),
        fd: 0,
        events: events as c_short,
        revents: 0,
    };
    let mut items = vec![item(frontend, frontend_events)];
    if !std::ptr::eq(frontend, backend) {
        items.push(item(backend, backend_events));
    }
    items.extend(control.map(|control| item(control, POLLIN)));
    poll(&mut items, None).map(drop)
}
