//! `zmq_setsockopt` and `zmq_getsockopt`: the table does most of it; this is
//! what only the socket can do or knows.

use super::counting::is_counters;
use super::{Slot, Socket};
use crate::error::{Errno, Result};
use crate::options::{Change, Filter, Live, PatternOption};
use crate::pipe::Pipe;
use crate::socket_type::SocketType;

impl Slot {
    /// Sets an option; `value` is `None` for a null pointer of size 0.
    pub(crate) fn set_option(&self, option: i32, value: Option<&[u8]>) -> Result<()> {
        let mut socket = self.lock()?;
        socket.check_context()?;
        socket.set_option(self, option, value)
    }

    /// The answer to a value that a caller only says the length of, giving
    /// NULL for where it is.
    pub(crate) fn missing_option_value(&self, option: i32, length: usize) -> Result<()> {
        let socket = self.lock()?;
        socket.check_context()?;
        if socket.options.takes_null(option) {
            drop(socket);
            return self.set_option(option, None);
        }
        let reads = socket.options.reads_value(option, length);
        Err(if reads { Errno::EFAULT } else { Errno::EINVAL })
    }

    /// The answer to a caller that gives NULL for where a value is to be
    /// written.
    pub(crate) fn missing_option_buffer(&self, option: i32, length: usize) -> Result<usize> {
        let mut instead = [0; LONGEST_VALUE_BYTES];
        self.option(option, &mut instead[..length.min(LONGEST_VALUE_BYTES)])?;
        Err(Errno::EFAULT)
    }

    /// Reads an option into `buffer`; says how many bytes it is.
    pub(crate) fn option(&self, option: i32, buffer: &mut [u8]) -> Result<usize> {
        let mut socket = self.lock()?;
        socket.check_context()?;
        let socket = &mut *socket;
        if is_counters(option) {
            // Peers may have come that nobody has looked at.
            socket.process(self);
            return socket.write_counters(buffer);
        }
        // ZMQ_EVENTS handles what has come; that needs the socket for writing.
        let events = if option == ZMQ_EVENTS { Some(socket.events(self)) } else { None };
        let state = State { slot: self, socket, events };
        state.socket.options.get(option, &state, buffer)
    }
}

/// No option is longer; endpoints may be.
const LONGEST_VALUE_BYTES: usize = 512;
/// `ZMQ_EVENTS`.
const ZMQ_EVENTS: i32 = 15;

/// The socket as the option table asks it.
struct State<'a> {
    slot: &'a Slot,
    socket: &'a Socket,
    events: Option<Result<i32>>,
}

impl Live for State<'_> {
    fn receive_more(&self) -> bool {
        self.socket.receive_more
    }

    fn events(&self) -> Result<i32> {
        self.events.unwrap_or(Ok(0))
    }

    fn thread_safe(&self) -> bool {
        self.socket.kind().is_thread_safe()
    }

    #[cfg(feature = "draft")]
    fn topics_count(&self) -> Result<i32> {
        let count = self.socket.pattern.topics_count().ok_or(Errno::EINVAL)?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    fn fd(&self) -> Result<i32> {
        if self.thread_safe() {
            return Err(Errno::EINVAL);
        }
        self.slot.mailbox.event_fd()
    }

    fn last_endpoint(&self) -> &[u8] {
        self.socket.last_endpoint.as_bytes()
    }
}

impl Socket {
    fn events(&mut self, slot: &Slot) -> Result<i32> {
        // A forked child's is its parent's to quieten.
        if self.is_inherited() {
            return Err(Errno::EINTR);
        }
        // Quiet first: news that comes now signals again.
        slot.mailbox.quieten();
        self.process(slot);
        self.check_alive()?;
        Ok(self.ready_events() as i32)
    }

    fn set_option(&mut self, slot: &Slot, option: i32, value: Option<&[u8]>) -> Result<()> {
        match self.options.set(option, value)? {
            Change::Stored => {}
            _ if self.is_inherited() => {}
            Change::SendHwm => {
                let own = self.options.sndhwm;
                self.each_pipe(|pipe| pipe.set_own_hwm(true, own));
            }
            Change::RecvHwm => {
                let own = self.options.rcvhwm;
                self.each_pipe(|pipe| pipe.set_own_hwm(false, own));
            }
            Change::Subscribe(topic) => {
                self.process(slot);
                self.pattern.subscribe(&mut self.pipes, topic, true)?;
            }
            Change::Unsubscribe(topic) => {
                self.process(slot);
                self.pattern.subscribe(&mut self.pipes, topic, false)?;
            }
            // Any type takes it; only those that match topics act on it.
            Change::Pattern(PatternOption::InvertMatching(_)) if !self.matches_topics() => {}
            Change::Pattern(option) => self.pattern.set(option)?,
            Change::Filter(filter) => self.filter_peers(filter)?,
        }
        Ok(())
    }

    /// Takes a filter for the next bind.
    fn filter_peers(&mut self, filter: Filter<'_>) -> Result<()> {
        let admission = &mut self.admission;
        match filter {
            Filter::Network(Some(text)) => admission.add_network(text, self.options.ipv6)?,
            Filter::Network(None) => admission.clear_networks(),
            Filter::Process(pid) => admission.set_process(pid),
            // The system's ids have the same bits, without a sign.
            Filter::User(uid) => admission.set_user(uid.map(i32::cast_unsigned)),
            Filter::Group(gid) => admission.set_group(gid.map(i32::cast_unsigned)),
        }
        Ok(())
    }

    fn matches_topics(&self) -> bool {
        matches!(self.kind(), SocketType::Pub | SocketType::XPub | SocketType::Sub)
    }

    fn each_pipe(&mut self, f: impl Fn(&mut Pipe)) {
        for key in self.pipes.keys() {
            if let Some(pipe) = self.pipes.pipe(key) {
                f(pipe);
            }
            // A lane that was full may have opened.
            self.pattern.writable(&mut self.pipes, key);
        }
    }
}
