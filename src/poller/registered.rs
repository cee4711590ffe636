//! A poller as the draft API has it (`zmq_poller_*`): sockets and descriptors
//! are registered once and waited for many times.
//!
//! Each is registered once at most, with the events that are waited for (maybe
//! none, for now) and a word of the caller's that comes back with them. A wait is
//! level-triggered: it tells of every event that is there, again and again, and
//! takes nothing away. It ends with `EAGAIN` when its time is over, and with
//! `EFAULT` where nothing could ever end it. A socket should be removed before it
//! is closed; one that was not makes each wait fail with `ENOTSOCK`.
//!
//! Waits hold no lock: another thread may change what is registered meanwhile,
//! which counts from the next wait on.

use std::ffi::{c_int, c_short, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use super::{PollItem, poll};
use crate::error::{Errno, Result};
use crate::socket::{self, Slot, Watch};
use crate::sync::EventFd;

/// Every event there is: POLLIN, POLLOUT, POLLERR, POLLPRI.
const EVENTS: c_short = 1 | 2 | 4 | 8;

/// What a wait tells of: `zmq_poller_event_t`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PollerEvent {
    /// The socket, or NULL.
    pub socket: *mut c_void,
    /// The descriptor, or -1.
    pub fd: c_int,
    /// What the caller registered it with.
    pub user_data: *mut c_void,
    /// What has come of it.
    pub events: c_short,
}

/// A registered object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    /// A socket, by its handle.
    Socket(*mut c_void),
    /// A descriptor.
    Descriptor(c_int),
}

#[derive(Clone, Copy)]
struct Entry {
    object: Object,
    user_data: *mut c_void,
    events: c_short,
}

/// See the file's head.
#[derive(Default)]
pub(crate) struct Poller {
    entries: Vec<Entry>,
    /// Readable when a socket that is made for several threads has news.
    fd: Option<Arc<EventFd>>,
    /// What makes it so, with the sockets' handles.
    watches: Vec<(*mut c_void, Watch)>,
}

// SAFETY: handles of sockets are looked up, not followed, and what the caller
// registered is only handed back.
unsafe impl Send for Poller {}

impl PollerEvent {
    /// What a wait that failed leaves behind.
    pub(crate) const NONE: PollerEvent =
        PollerEvent { socket: ptr::null_mut(), fd: -1, user_data: ptr::null_mut(), events: 0 };
}

impl Object {
    /// `ENOTSOCK`, `EBADF`.
    fn check(self) -> Result<()> {
        match self {
            Object::Socket(handle) => slot(handle)?.check_is_socket(),
            Object::Descriptor(..0) => Err(Errno::EBADF),
            Object::Descriptor(_) => Ok(()),
        }
    }
}

impl Poller {
    /// How many objects are registered.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Registers an object. `EINVAL` when it is registered already, or for
    /// events that there are not; `ENOTSOCK`, `EBADF`.
    pub(crate) fn add(
        &mut self,
        object: Object,
        user_data: *mut c_void,
        events: c_short,
    ) -> Result<()> {
        object.check()?;
        if events & !EVENTS != 0 || self.entries.iter().any(|entry| entry.object == object) {
            return Err(Errno::EINVAL);
        }
        self.entries.push(Entry { object, user_data, events });
        if self.fd.is_some()
            && let Object::Socket(handle) = object
        {
            self.watch(handle)?;
        }
        Ok(())
    }

    /// Waits for other events of an object from now on. `EINVAL` when it is not
    /// registered, or for events that there are not; `ENOTSOCK`, `EBADF`.
    pub(crate) fn modify(&mut self, object: Object, events: c_short) -> Result<()> {
        object.check()?;
        let entry = self.entries.iter_mut().find(|entry| entry.object == object);
        let entry = entry.filter(|_| events & !EVENTS == 0).ok_or(Errno::EINVAL)?;
        entry.events = events;
        Ok(())
    }

    /// Forgets an object. `EINVAL` when it is not registered; `ENOTSOCK`, `EBADF`
    /// for what cannot be.
    pub(crate) fn remove(&mut self, object: Object) -> Result<()> {
        let place = self.entries.iter().position(|entry| entry.object == object);
        let Some(place) = place else {
            object.check()?;
            return Err(Errno::EINVAL);
        };
        self.entries.remove(place);
        self.watches.retain(|(handle, _)| Object::Socket(*handle) != object);
        Ok(())
    }

    /// A descriptor that becomes readable when one of the sockets that are made
    /// for several threads may be ready: a wait says whether it is. `EINVAL` while
    /// none is registered; `EMFILE`.
    pub(crate) fn fd(&mut self) -> Result<c_int> {
        let sockets: Vec<_> = self.entries.iter().filter_map(Entry::shared_socket).collect();
        if sockets.is_empty() {
            return Err(Errno::EINVAL);
        }
        if self.fd.is_none() {
            // Readable from the start, so that the caller looks once.
            self.fd = Some(Arc::new(EventFd::new(1)?));
            for handle in sockets {
                self.watch(handle)?;
            }
        }
        self.fd.as_ref().map(|fd| fd.raw()).ok_or(Errno::EINVAL)
    }

    fn watch(&mut self, handle: *mut c_void) -> Result<()> {
        let slot = slot(handle)?;
        if let Some(fd) = &self.fd
            && slot.is_thread_safe()?
        {
            self.watches.push((handle, Watch::descriptor(slot, fd.clone())));
        }
        Ok(())
    }

    /// What a wait needs to know.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { entries: self.entries.clone(), fd: self.fd.clone() }
    }
}

impl Entry {
    /// The handle of a socket that is made for several threads.
    fn shared_socket(&self) -> Option<*mut c_void> {
        match self.object {
            Object::Socket(handle) => {
                slot(handle).ok()?.is_thread_safe().is_ok_and(|is| is).then_some(handle)
            }
            Object::Descriptor(_) => None,
        }
    }
}

/// A poller's objects at the beginning of a wait.
pub(crate) struct Snapshot {
    entries: Vec<Entry>,
    fd: Option<Arc<EventFd>>,
}

impl Snapshot {
    /// Waits until an object is ready, at most for `timeout` (`None`: for ever).
    /// Tells of as many as there is room for, and of how many. `EAGAIN`, `EFAULT`
    /// (see the file's head), `ENOTSOCK`, `ETERM`, `EINTR`, `ECANCELED`.
    pub(crate) fn wait(
        &self,
        told: &mut [PollerEvent],
        timeout: Option<Duration>,
    ) -> Result<usize> {
        let active: Vec<&Entry> = self.entries.iter().filter(|entry| entry.events != 0).collect();
        if active.is_empty() {
            // Only a signal could end it.
            let timeout = timeout.ok_or(Errno::EFAULT)?;
            return poll(&mut [], Some(timeout)).and(Err(Errno::EAGAIN));
        }
        if let Some(fd) = &self.fd {
            // Quiet first: news that comes now signals again.
            fd.drain();
        }
        let mut items: Vec<PollItem> = active.iter().map(|entry| entry.item()).collect();
        let ready = poll(&mut items, timeout)?;
        if let Some(fd) = self.fd.as_ref().filter(|_| ready > 0) {
            // Level-triggered: what is there now is there until it is taken.
            fd.signal();
        }
        let ready = active.iter().zip(&items).filter(|(_, item)| item.revents != 0);
        let mut count = 0;
        for (place, (entry, item)) in told.iter_mut().zip(ready) {
            *place = PollerEvent {
                socket: item.socket,
                fd: item.fd,
                user_data: entry.user_data,
                events: item.revents,
            };
            count += 1;
        }
        if count == 0 { Err(Errno::EAGAIN) } else { Ok(count) }
    }
}

impl Entry {
    fn item(&self) -> PollItem {
        let (socket, fd) = match self.object {
            Object::Socket(handle) => (handle, -1),
            Object::Descriptor(fd) => (ptr::null_mut(), fd),
        };
        PollItem { socket, fd, events: self.events, revents: 0 }
    }
}

fn slot(handle: *mut c_void) -> Result<&'static Slot> {
    socket::ARENA.find(handle as usize).ok_or(Errno::ENOTSOCK)
}
