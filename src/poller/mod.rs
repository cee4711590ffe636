//! `zmq_poll`: waits for sockets and descriptors at once.
//!
//! Looking at idle sockets takes two loads each and no lock. With sockets
//! alone the thread leads the reactor that they share, or parks where they are
//! many or share none; descriptors are polled by the kernel, together with one
//! wake-up descriptor a thread keeps for this.

#[cfg(feature = "draft")]
mod registered;

use std::cell::RefCell;
use std::ffi::{c_int, c_short, c_void};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[cfg(feature = "draft")]
pub(crate) use registered::{Object, Poller, PollerEvent};

use crate::error::{Errno, Result};
use crate::reactor::{Expected, MOST_AWAITED, Reactor};
use crate::socket::{self, Following, POLLIN, POLLOUT, Slot, Watch, lead_for, park_on, parker};
use crate::sync::{EventFd, Parker, fork_generation, ppoll};

/// `ZMQ_POLLERR`.
const POLLERR: c_short = 4;
/// `ZMQ_POLLPRI`.
const POLLPRI: c_short = 8;

/// How many items ahead a socket is asked for from memory.
const AHEAD: usize = 8;

/// What to wait for: events of a socket or, without one, of a descriptor.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PollItem {
    /// A socket handle, or NULL.
    pub socket: *mut c_void,
    /// The descriptor, where there is no socket.
    pub fd: c_int,
    /// What to wait for: `ZMQ_POLLIN` and its like.
    pub events: c_short,
    /// What has come of it.
    pub revents: c_short,
}

thread_local! {
    /// Wakes this thread out of the kernel's poll. The fork generation in which it was made
    /// stands beside it: a child would share it with its parent's thread, and each could take
    /// what was meant for the other.
    static WAKE_UP: RefCell<Option<(u64, Arc<EventFd>)>> = const { RefCell::new(None) };
}

/// Waits until an item is ready, at most for `timeout` (`None`: for ever), and
/// says how many are. `ENOTSOCK`, `ETERM`, `EINTR`, `ECANCELED`.
pub(crate) fn poll(items: &mut [PollItem], timeout: Option<Duration>) -> Result<usize> {
    poll_masked(items, timeout, None)
}

/// As [`poll`]; while it waits, `mask` says which signals wait, if there is one.
pub(crate) fn poll_masked(
    items: &mut [PollItem],
    timeout: Option<Duration>,
    mask: Option<&libc::sigset_t>,
) -> Result<usize> {
    let deadline = match timeout {
        Some(Duration::ZERO) if mask.is_none() => return look(items),
        Some(timeout) => Instant::now().checked_add(timeout),
        None => None,
    };
    loop {
        let ready = look(items)?;
        if ready > 0 {
            return Ok(ready);
        }
        match wait(items, deadline, mask) {
            Ok(()) => {}
            Err(Errno::EAGAIN) => return look(items),
            Err(error) => return Err(error),
        }
    }
}

/// Sets every item's `revents` and counts those that are ready.
fn look(items: &mut [PollItem]) -> Result<usize> {
    let mut ready = 0;
    let mut descriptors = false;
    for index in 0..items.len() {
        if let Some(later) = items.get(index + AHEAD) {
            Slot::prefetch(later.socket as usize);
        }
        let item = &mut items[index];
        item.revents = 0;
        if item.socket.is_null() {
            descriptors = true;
            continue;
        }
        let events = slot(item)?.ready()?;
        if events & POLLIN != 0 {
            item.revents |= item.events & POLLIN as c_short;
        }
        if events & POLLOUT != 0 {
            item.revents |= item.events & POLLOUT as c_short;
        }
        ready += usize::from(item.revents != 0);
    }
    if descriptors {
        ready += look_at_descriptors(items)?;
    }
    Ok(ready)
}

fn look_at_descriptors(items: &mut [PollItem]) -> Result<usize> {
    let mut polled = poll_set(items)?;
    ppoll(&mut polled, Some(Duration::ZERO), None)?;
    let mut ready = 0;
    let without_socket = items.iter_mut().filter(|item| item.socket.is_null());
    for (item, polled) in without_socket.zip(polled) {
        item.revents = outcome(polled.revents);
        ready += usize::from(item.revents != 0);
    }
    Ok(ready)
}

/// Waits until an item may be ready.
fn wait(
    items: &[PollItem],
    deadline: Option<Instant>,
    mask: Option<&libc::sigset_t>,
) -> Result<()> {
    if let [item] = items
        && !item.socket.is_null()
        && mask.is_none()
    {
        return slot(item)?.wait_for(item.events as u32, deadline);
    }
    let mut polled = poll_set(items)?;
    // Only the kernel's poll changes the mask in the same moment.
    if polled.is_empty() && mask.is_none() {
        if let Some(waited) = lead(items, deadline) {
            return waited;
        }
        let parker = parker();
        let _watches = watch(items, |slot| Watch::thread(slot, &parker))?;
        let _followed = follow(items, Some(&parker));
        if any_ready(items)? {
            return Ok(());
        }
        return park_on(&parker, deadline);
    }
    let wake_up = wake_up()?;
    polled.push(libc::pollfd { fd: wake_up.raw(), events: libc::POLLIN, revents: 0 });
    let watches = watch(items, |slot| Watch::descriptor(slot, wake_up.clone()))?;
    let followed = follow(items, None);
    if any_ready(items)? {
        return Ok(());
    }
    let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
    let polled = ppoll(&mut polled, left, mask);
    drop((followed, watches));
    wake_up.drain();
    match polled? {
        0 => Err(Errno::EAGAIN),
        _ => Ok(()),
    }
}

/// Waits as a blocking call on a socket does: leads the reactor of all the
/// sockets, so that what comes needs no other thread. `None` where they are many
/// or have several reactors or none, and where somebody else leads.
fn lead(items: &[PollItem], deadline: Option<Instant>) -> Option<Result<()>> {
    if items.len() > MOST_AWAITED {
        return None;
    }
    let slots: Vec<_> = items.iter().map(slot).collect::<Result<_>>().ok()?;
    let mut reactors = slots.iter().filter_map(|slot| slot.reactor_to_follow());
    let reactor = reactors.next()?;
    if !reactors.all(|other| Arc::ptr_eq(&other, &reactor)) {
        return None;
    }
    // Counted before the look: what comes after it ends the wait.
    let seen: Vec<_> = slots.iter().map(|slot| (*slot, slot.news_count())).collect();
    match any_ready(items) {
        Ok(false) => lead_for(&seen, &reactor, deadline, Expected::Any),
        ready => Some(ready.map(drop)),
    }
}

fn watch(items: &[PollItem], make: impl Fn(&'static Slot) -> Watch) -> Result<Vec<Watch>> {
    let sockets = items.iter().filter(|item| !item.socket.is_null());
    let mut watches = room_for(items.len())?;
    for item in sockets {
        watches.push(make(slot(item)?));
    }
    Ok(watches)
}

/// Items without a socket as the kernel wants them, with room for one more if there are
/// any.
fn poll_set(items: &[PollItem]) -> Result<Vec<libc::pollfd>> {
    let count = descriptors(items).count();
    let mut polled = room_for(if count == 0 { 0 } else { count + 1 })?;
    polled.extend(descriptors(items));
    Ok(polled)
}

/// The caller says how many items there are.
fn room_for<T>(count: usize) -> Result<Vec<T>> {
    let mut room = Vec::new();
    room.try_reserve(count).map_err(|_| Errno::ENOMEM)?;
    Ok(room)
}

/// Makes sure that the sockets' reactors are being polled. A thread that is `parked`
/// is woken when it may lead after all, see [`lead`].
fn follow(items: &[PollItem], parked: Option<&Arc<Parker>>) -> Vec<Following> {
    let sockets = items.iter().filter(|item| !item.socket.is_null());
    let mut reactors: Vec<Arc<Reactor>> = Vec::new();
    for reactor in sockets.filter_map(|item| slot(item).ok()?.reactor_to_follow()) {
        if !reactors.iter().any(|known| Arc::ptr_eq(known, &reactor)) {
            reactors.push(reactor);
        }
    }
    let may_lead = reactors.len() == 1 && items.len() <= MOST_AWAITED;
    let heir = parked.filter(|_| may_lead);
    reactors.into_iter().map(|reactor| Following::new(reactor, heir.cloned())).collect()
}

/// Whether a socket is ready, or has gone: looked at after watching begins.
fn any_ready(items: &[PollItem]) -> Result<bool> {
    for item in items.iter().filter(|item| !item.socket.is_null()) {
        if slot(item)?.ready()? & item.events as u32 != 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn slot(item: &PollItem) -> Result<&'static Slot> {
    socket::ARENA.find(item.socket as usize).ok_or(Errno::ENOTSOCK)
}

fn wake_up() -> Result<Arc<EventFd>> {
    let made = WAKE_UP.try_with(|slot| {
        let mut slot = slot.borrow_mut();
        match &*slot {
            Some((made_in, fd)) if *made_in == fork_generation() => Ok(fd.clone()),
            _ => {
                let fd = Arc::new(EventFd::new(0)?);
                *slot = Some((fork_generation(), fd.clone()));
                Ok(fd)
            }
        }
    });
    // Without thread-local storage (the thread is ending) one for this call.
    made.unwrap_or_else(|_| EventFd::new(0).map(Arc::new))
}

/// The items without a socket as the kernel knows them.
fn descriptors(items: &[PollItem]) -> impl Iterator<Item = libc::pollfd> {
    items.iter().filter(|item| item.socket.is_null()).map(|item| {
        let mut events = 0;
        for (ours, theirs) in EVENTS {
            if item.events & ours != 0 {
                events |= theirs;
            }
        }
        libc::pollfd { fd: item.fd, events, revents: 0 }
    })
}

const EVENTS: [(c_short, c_short); 3] = [
    (POLLIN as c_short, libc::POLLIN),
    (POLLOUT as c_short, libc::POLLOUT),
    (POLLPRI, libc::POLLPRI),
];

fn outcome(revents: c_short) -> c_short {
    let mut outcome = 0;
    let mut other = revents;
    for (ours, theirs) in EVENTS {
        if revents & theirs != 0 {
            outcome |= ours;
        }
        other &= !theirs;
    }
    if other != 0 {
        outcome |= POLLERR;
    }
    outcome
}
