//! A socket that only says what it was told to, for tests of options and for
//! fuzzing.

use super::socket::Live;
use crate::error::Result;

/// Answers for options whose values a living socket would know.
#[derive(Debug)]
pub struct Resting {
    /// What `ZMQ_RCVMORE` says.
    pub receive_more: bool,
    /// What `ZMQ_EVENTS` says.
    pub events: Result<i32>,
    /// What `ZMQ_FD` says.
    pub fd: i32,
    /// What `ZMQ_LAST_ENDPOINT` says.
    pub last_endpoint: &'static [u8],
}

impl Default for Resting {
    fn default() -> Resting {
        Resting { receive_more: false, events: Ok(0), fd: 0, last_endpoint: b"" }
    }
}

impl Live for Resting {
    fn receive_more(&self) -> bool {
        self.receive_more
    }

    fn events(&self) -> Result<i32> {
        self.events
    }

    fn thread_safe(&self) -> bool {
        false
    }

    #[cfg(feature = "draft")]
    fn topics_count(&self) -> Result<i32> {
        Ok(3)
    }

    fn fd(&self) -> Result<i32> {
        Ok(self.fd)
    }

    fn last_endpoint(&self) -> &[u8] {
        self.last_endpoint
    }
}
