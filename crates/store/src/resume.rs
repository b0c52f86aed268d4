//! Which connections were resumed.

use ringfence_core::{
    ids::{ConnectionId, SessionId},
    resume::ResumeStore,
    store::StoreResult,
    time::Timestamp,
};

use crate::{sql::values, tx::SqlTx};

impl ResumeStore for SqlTx<'_> {
    fn use_up_tickets(&mut self, of: ConnectionId, session: SessionId, until: Timestamp) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO resumed_connection (connection_id, session_id, kept_until) VALUES ($1, $2, $3)
             ON CONFLICT (connection_id) DO NOTHING",
            values![of, session, until],
        )
    }

    fn sweep_used_tickets(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        self.execute(
            "DELETE FROM resumed_connection WHERE connection_id IN (
                 SELECT connection_id FROM resumed_connection WHERE kept_until < $1 LIMIT $2)",
            values![before, limit],
        )
    }
}
