//! What the channel says once somebody is in (sheet, 1.7 and 1.8): each a JSON text, the one argument of the event `message`.

use std::sync::Arc;

use ringfence_core::{context::Ctx, error::AuthError, ids::ConnectionId};

use super::admission::Admitted;
use crate::{app::App, live::Connection};

/// Who is on the channel, in which groups, and who wants to know.
#[derive(Debug, Default)]
pub(super) struct Roster;

impl Roster {
    /// Takes somebody in once their connection is bound, tells the others, and says what to tell them, in this order.
    /// The others get [`crate::live::Directive::Deliver`] with the text of a message, to be wrapped for their namespace.
    pub(super) async fn join(
        &self,
        _app: &App,
        _ctx: &Ctx,
        _connection: &Arc<Connection>,
        _admitted: &Admitted,
    ) -> Result<Vec<String>, AuthError> {
        Ok(Vec::new())
    }

    /// Hears the argument of an event and says what to answer. Unknown events and nonsense are let be.
    pub(super) async fn hear(
        &self,
        _app: &App,
        _ctx: &Ctx,
        _connection: ConnectionId,
        _admitted: &Admitted,
        _text: &str,
    ) -> Result<Vec<String>, AuthError> {
        Ok(Vec::new())
    }

    /// Tells the others that a connection is gone.
    pub(super) fn leave(&self, _connection: ConnectionId) {}
}
