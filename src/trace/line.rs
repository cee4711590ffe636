//! A line in the making: on the stack, cut off where it gets too long, without
//! anything that could move a terminal's cursor or pretend to be another line.

use std::fmt::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Area;

/// A longer line is cut. A pipe takes up to 4096 bytes as a whole.
const LINE_BYTES: usize = 1024;
const CUT: &[u8] = b"...";

/// A line, its end included.
pub(super) struct Line {
    bytes: [u8; LINE_BYTES],
    len: usize,
}

impl Line {
    /// `zmq PROCESS[/THREAD] TIME AREA TEXT`; the thread where it is not the first
    /// one, the time of day in UTC.
    pub(super) fn new(area: Area, text: fmt::Arguments<'_>) -> Line {
        let mut line = Line { bytes: [0; LINE_BYTES], len: 0 };
        // SAFETY: plain calls without arguments.
        let (process, thread) =
            unsafe { (libc::getpid(), libc::syscall(libc::SYS_gettid) as libc::pid_t) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let of_day = now.as_secs() % 86_400;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let _ = write!(line, "zmq {process}");
        if thread != process {
            let _ = write!(line, "/{thread}");
        }
        let _ = write!(line, " {hour:02}:{minute:02}:{second:02}.{:06}", now.subsec_micros());
        let _ = write!(line, " {:<5} {text}", area.name());
        line.end()
    }

    /// What is wrong with `ZMQ_TRACE`.
    pub(super) fn complaint(text: fmt::Arguments<'_>) -> Line {
        let mut line = Line { bytes: [0; LINE_BYTES], len: 0 };
        let _ = write!(line, "zmq: ZMQ_TRACE: {text}");
        line.end()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn end(mut self) -> Line {
        let longest = LINE_BYTES - 1;
        if self.len > longest {
            self.len = longest;
            self.bytes[longest - CUT.len()..longest].copy_from_slice(CUT);
        }
        self.bytes[self.len] = b'\n';
        self.len += 1;
        self
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.len == LINE_BYTES {
                return Err(fmt::Error);
            }
            // What others than ASCII have written stays as it is.
            self.bytes[self.len] = if byte.is_ascii_control() { b'?' } else { byte };
            self.len += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_when_and_what() {
        let line = Line::new(Area::Api, format_args!("a {}", 1));
        let text = std::str::from_utf8(line.bytes()).unwrap();
        assert!(text.starts_with(&format!("zmq {}", std::process::id())), "{text}");
        assert!(text.ends_with(" api   a 1\n"), "{text}");
    }

    #[test]
    fn nothing_makes_two_lines_of_one_or_one_too_long() {
        let line = Line::complaint(format_args!("\x1b[2J\nzmq: {}", "ä".repeat(2000)));
        let bytes = line.bytes();
        assert_eq!(bytes.len(), LINE_BYTES);
        assert_eq!(bytes.iter().position(|byte| *byte == b'\n'), Some(LINE_BYTES - 1));
        assert!(bytes.ends_with(b"...\n") && !bytes.contains(&0x1b));
    }
}
