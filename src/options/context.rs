//! The options of a context, set and read as `zmq_ctx_set` and `zmq_ctx_get`
//! do. Plain values that the context guards; sockets and I/O threads take what
//! they need from it when they are made.

use std::collections::BTreeSet;

use crate::error::{Errno, Result};

/// `ZMQ_SOCKET_LIMIT`: what a context names as the largest `ZMQ_MAX_SOCKETS`.
/// Setting accepts more.
pub const SOCKET_LIMIT: i32 = 65_535;

/// `ZMQ_MSG_T_SIZE`: the size of `zmq_msg_t`.
pub const MESSAGE_SIZE_BYTES: i32 = 64;

/// The options of one context.
#[derive(Clone, Debug)]
pub struct ContextOptions {
    /// `ZMQ_IO_THREADS`: how many; read when the first socket is made.
    pub io_threads: i32,
    /// `ZMQ_MAX_SOCKETS`; read when the first socket is made.
    pub max_sockets: i32,
    /// `ZMQ_THREAD_PRIORITY` of background threads; `None`: the system's.
    pub thread_priority: Option<i32>,
    /// `ZMQ_THREAD_SCHED_POLICY` of background threads; `None`: the system's.
    pub thread_sched_policy: Option<i32>,
    /// The processors that background threads may run on; empty: all.
    pub thread_affinity_cpus: BTreeSet<i32>,
    /// `ZMQ_THREAD_NAME_PREFIX`: names become `PREFIX/ZMQbg/…`; `None`:
    /// `ZMQbg/…`.
    pub thread_name_prefix: Option<String>,
    /// `ZMQ_MAX_MSGSZ`, if it was set.
    pub max_msgsz_bytes: Option<i32>,
    /// `ZMQ_ZERO_COPY_RECV`: large bodies may share a receive buffer.
    pub zero_copy_recv: bool,
    /// `ZMQ_IPV6`: what new sockets start with.
    pub ipv6: bool,
    /// `ZMQ_BLOCKY`: whether new sockets linger for ever.
    pub blocky: bool,
}

impl Default for ContextOptions {
    fn default() -> ContextOptions {
        ContextOptions {
            io_threads: 1,
            max_sockets: 1023,
            thread_priority: None,
            thread_sched_policy: None,
            thread_affinity_cpus: BTreeSet::new(),
            thread_name_prefix: None,
            max_msgsz_bytes: None,
            zero_copy_recv: true,
            ipv6: false,
            blocky: true,
        }
    }
}

impl ContextOptions {
    /// Sets an option; `EINVAL` for an unknown or read-only one and for a value
    /// outside its range.
    pub fn set(&mut self, option: i32, value: i32) -> Result<()> {
        let (min, store) = CONTEXT_TABLE
            .iter()
            .find_map(|row| row.set.filter(|_| row.number == option))
            .ok_or(Errno::EINVAL)?;
        if value < min {
            return Err(Errno::EINVAL);
        }
        store(self, value)
    }

    /// Reads an option; `EINVAL` for an unknown or write-only one. -1 may be a
    /// value.
    pub fn get(&self, option: i32) -> Result<i32> {
        CONTEXT_TABLE
            .iter()
            .find_map(|row| row.get.filter(|_| row.number == option))
            .map(|load| load(self))
            .ok_or(Errno::EINVAL)
    }
}

/// The longest `ZMQ_THREAD_NAME_PREFIX`.
#[cfg(feature = "draft")]
const PREFIX_MAX_BYTES: usize = 16;
/// `ZMQ_THREAD_NAME_PREFIX`.
#[cfg(feature = "draft")]
const THREAD_NAME_PREFIX: i32 = 9;

/// As `zmq_ctx_set_ext` and `zmq_ctx_get_ext` have them: all are ints there, too,
/// but for the prefix of the threads' names, which is text.
#[cfg(feature = "draft")]
impl ContextOptions {
    /// Sets an option from bytes; `EINVAL` as for [`ContextOptions::set`], and for
    /// bytes that are no such value.
    pub fn set_bytes(&mut self, option: i32, value: &[u8]) -> Result<()> {
        if option == THREAD_NAME_PREFIX {
            let text = value.strip_suffix(&[0]).unwrap_or(value);
            let text = std::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
            if text.is_empty() || text.len() > PREFIX_MAX_BYTES || text.contains('\0') {
                return Err(Errno::EINVAL);
            }
            self.thread_name_prefix = Some(text.to_owned());
            return Ok(());
        }
        let value = value.try_into().map_err(|_| Errno::EINVAL)?;
        self.set(option, i32::from_ne_bytes(value))
    }

    /// Reads an option into a buffer; says how many bytes it is. `EINVAL` as for
    /// [`ContextOptions::get`], and for a buffer of the wrong size.
    pub fn get_bytes(&self, option: i32, buffer: &mut [u8]) -> Result<usize> {
        if option == THREAD_NAME_PREFIX {
            let text = self.thread_name_prefix.as_deref().unwrap_or_default().as_bytes();
            let place = buffer.get_mut(..=text.len()).ok_or(Errno::EINVAL)?;
            place[..text.len()].copy_from_slice(text);
            place[text.len()] = 0;
            return Ok(text.len() + 1);
        }
        let value = self.get(option)?.to_ne_bytes();
        let place = buffer.get_mut(..value.len()).ok_or(Errno::EINVAL)?;
        place.copy_from_slice(&value);
        Ok(value.len())
    }
}

/// One option of `zmq_ctx_set` and `zmq_ctx_get`. Two share number 3: one is
/// only read, the other only set.
pub(super) struct ContextRow {
    pub(super) number: i32,
    /// The C name without its `ZMQ_`.
    pub(super) name: &'static str,
    /// The smallest value, and what keeps one.
    pub(super) set: Option<(i32, Store)>,
    pub(super) get: Option<fn(&ContextOptions) -> i32>,
    /// When a change takes effect.
    pub(super) applies: &'static str,
    pub(super) note: &'static str,
}

type Store = fn(&mut ContextOptions, i32) -> Result<()>;

const fn row(
    number: i32,
    name: &'static str,
    set: Option<(i32, Store)>,
    get: Option<fn(&ContextOptions) -> i32>,
    applies: &'static str,
    note: &'static str,
) -> ContextRow {
    ContextRow { number, name, set, get, applies, note }
}

/// Keeps a value.
macro_rules! keep {
    ($field:ident, $value:ident => $kept:expr) => {
        |o, $value| {
            o.$field = $kept;
            Ok(())
        }
    };
}

const FIRST_SOCKET: &str = "before the first socket";
const NEW_SOCKETS: &str = "new sockets";

#[rustfmt::skip]
pub(super) const CONTEXT_TABLE: &[ContextRow] = &[
    row(1, "IO_THREADS", Some((0, keep!(io_threads, v => v))), Some(|o| o.io_threads),
        FIRST_SOCKET, ""),
    row(2, "MAX_SOCKETS", Some((1, keep!(max_sockets, v => v))), Some(|o| o.max_sockets),
        FIRST_SOCKET, ""),
    row(3, "SOCKET_LIMIT", None, Some(|_| SOCKET_LIMIT), "", ""),
    row(3, "THREAD_PRIORITY", Some((0, keep!(thread_priority, v => Some(v)))), None,
        FIRST_SOCKET, "unset: the system's"),
    row(4, "THREAD_SCHED_POLICY", Some((0, keep!(thread_sched_policy, v => Some(v)))),
        Some(|o| o.thread_sched_policy.unwrap_or(-1)), FIRST_SOCKET, "-1 until set: the system's"),
    row(5, "MAX_MSGSZ", Some((0, keep!(max_msgsz_bytes, v => Some(v)))),
        Some(|o| o.max_msgsz_bytes.unwrap_or(i32::MAX)), "", ""),
    row(6, "MSG_T_SIZE", None, Some(|_| MESSAGE_SIZE_BYTES), "", ""),
    row(7, "THREAD_AFFINITY_CPU_ADD", Some((0, |o, v| {
        o.thread_affinity_cpus.insert(v);
        Ok(())
    })), None, FIRST_SOCKET, ""),
    row(8, "THREAD_AFFINITY_CPU_REMOVE", Some((0, |o, v| {
        if o.thread_affinity_cpus.remove(&v) { Ok(()) } else { Err(Errno::EINVAL) }
    })), None, FIRST_SOCKET, "EINVAL for one that was not added"),
    row(9, "THREAD_NAME_PREFIX", Some((i32::MIN, keep!(thread_name_prefix, v => Some(v.to_string())))),
        Some(|o| o.thread_name_prefix.as_ref().and_then(|p| p.parse().ok()).unwrap_or(0)), FIRST_SOCKET, ""),
    row(10, "ZERO_COPY_RECV", Some((0, keep!(zero_copy_recv, v => v != 0))),
        Some(|o| i32::from(o.zero_copy_recv)), NEW_SOCKETS, "draft; reads 0 or 1"),
    row(42, "IPV6", Some((0, keep!(ipv6, v => v != 0))), Some(|o| i32::from(o.ipv6)),
        NEW_SOCKETS, "reads 0 or 1"),
    row(70, "BLOCKY", Some((0, keep!(blocky, v => v != 0))), Some(|o| i32::from(o.blocky)),
        NEW_SOCKETS, "reads 0 or 1"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_manual() {
        let fresh = ContextOptions::default();
        for (option, value) in [
            (1, Ok(1)),
            (2, Ok(1023)),
            (3, Ok(65_535)),
            (4, Ok(-1)),
            (5, Ok(i32::MAX)),
            (6, Ok(64)),
            (7, Err(Errno::EINVAL)),
            (8, Err(Errno::EINVAL)),
            (9, Ok(0)),
            (10, Ok(1)),
            (42, Ok(0)),
            (70, Ok(1)),
            (0, Err(Errno::EINVAL)),
            (i32::MIN, Err(Errno::EINVAL)),
        ] {
            assert_eq!(fresh.get(option), value, "option {option}");
        }
    }

    #[test]
    fn values_below_the_range_change_nothing() {
        let mut options = ContextOptions::default();
        for (option, refused) in [(1, -1), (2, 0), (2, -5), (4, -1), (5, -1), (42, -1), (70, -1)] {
            let before = options.get(option);
            assert_eq!(options.set(option, refused), Err(Errno::EINVAL), "option {option}");
            assert_eq!(options.get(option), before);
        }
        for read_only in [6, 43] {
            assert_eq!(options.set(read_only, 64), Err(Errno::EINVAL));
        }
    }

    #[test]
    fn number_3_sets_the_priority_and_reads_the_limit() {
        let mut options = ContextOptions::default();
        assert_eq!(options.set(3, 7), Ok(()));
        assert_eq!(options.thread_priority, Some(7));
        assert_eq!(options.get(3), Ok(SOCKET_LIMIT));
    }

    #[test]
    fn only_added_processors_can_be_removed() {
        let mut options = ContextOptions::default();
        assert_eq!(options.set(8, 0), Err(Errno::EINVAL));
        assert_eq!(options.set(7, 0), Ok(()));
        assert_eq!(options.set(7, 0), Ok(()));
        assert_eq!(options.set(8, 0), Ok(()));
        assert_eq!(options.set(8, 0), Err(Errno::EINVAL));
        assert_eq!(options.set(7, -1), Err(Errno::EINVAL));
    }

    #[test]
    fn flags_read_as_0_or_1_and_prefixes_as_given() {
        let mut options = ContextOptions::default();
        for flag in [10, 42, 70] {
            assert_eq!(options.set(flag, 100), Ok(()));
            assert_eq!(options.get(flag), Ok(1));
            assert_eq!(options.set(flag, 0), Ok(()));
            assert_eq!(options.get(flag), Ok(0));
        }
        assert_eq!(options.set(9, -3), Ok(()));
        assert_eq!(options.get(9), Ok(-3));
    }
}
