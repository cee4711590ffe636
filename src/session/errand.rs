//! Steps of a handshake that may block (GSSAPI): they are taken on threads for that,
//! and the session is driven with what came of them on whichever thread has it. A
//! connection that ends meanwhile does not wait for them.

use std::sync::Arc;
use std::time::Instant;

use super::drive::Inner;
use super::{RAN, Session};
use crate::gssapi::Ticket;
use crate::message::run_waiting_frees;
use crate::zmtp;

impl Inner {
    /// Has a step taken.
    pub(super) fn run_errand(&mut self, session: &Arc<Session>) {
        let Some((live, surroundings)) = self.live() else { return };
        let Some(errand) = live.protocol.errand() else { return };
        let session = Arc::downgrade(session);
        live.errand = Some(surroundings.negotiators.run(errand, move || {
            if let Some(session) = session.upgrade() {
                session.attend(RAN);
                run_waiting_frees();
            }
        }));
    }

    /// A step was taken.
    pub(super) fn hear_outcome(&mut self) -> Result<(), zmtp::ProtocolError> {
        let Some((live, _)) = self.live() else { return Ok(()) };
        let Some(outcome) = live.errand.as_ref().and_then(Ticket::outcome) else {
            return Ok(());
        };
        live.errand = None;
        live.protocol.ran(Instant::now(), outcome)
    }
}
