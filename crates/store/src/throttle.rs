//! Failure counters.

use ringfence_core::{
    store::StoreResult,
    throttle::{Throttle, ThrottleKey, ThrottleStore, Waiting},
    time::Timestamp,
};

use crate::{
    row::Row,
    sql::{backend, values},
    tx::SqlTx,
};

impl ThrottleStore for SqlTx<'_> {
    fn throttle(&mut self, key: &ThrottleKey) -> StoreResult<Option<Throttle>> {
        self.one("SELECT failures, blocked_until FROM throttle WHERE name = $1", values![key.as_str()], |row| {
            Ok(Throttle { failures: row.count()?, blocked_until: row.opt_time()? })
        })
    }

    fn waiting(&mut self, now: Timestamp, limit: u32) -> StoreResult<Vec<Waiting>> {
        self.all(
            "SELECT name, failures, blocked_until FROM throttle WHERE blocked_until > $1
             ORDER BY blocked_until DESC LIMIT $2",
            values![now, limit],
            |row| Ok(Waiting { key: ThrottleKey::stored(row.text()?), failures: row.count()?, until: row.time()? }),
        )
    }

    fn count_failure(&mut self, key: &ThrottleKey, now: Timestamp, forgets_before: Timestamp) -> StoreResult<u32> {
        self.one(
            "INSERT INTO throttle (name, failures, last_failure_at) VALUES ($1, 1, $2)
             ON CONFLICT (name) DO UPDATE SET
                 failures = CASE WHEN throttle.last_failure_at < $3 THEN 1 ELSE throttle.failures + 1 END,
                 last_failure_at = excluded.last_failure_at
             RETURNING failures",
            values![key.as_str(), now, forgets_before],
            Row::count,
        )?
        .ok_or_else(|| backend("an upsert returned no row"))
    }

    fn block(&mut self, key: &ThrottleKey, until: Timestamp) -> StoreResult<()> {
        self.later(
            "INSERT INTO throttle (name, failures, last_failure_at, blocked_until) VALUES ($1, 0, $2, $2)
             ON CONFLICT (name) DO UPDATE SET blocked_until = excluded.blocked_until
             WHERE throttle.blocked_until IS NULL OR throttle.blocked_until < excluded.blocked_until",
            values![key.as_str(), until],
        )
    }

    fn reset_throttle(&mut self, key: &ThrottleKey) -> StoreResult<()> {
        self.later("DELETE FROM throttle WHERE name = $1", values![key.as_str()])
    }

    fn sweep_throttles(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        self.execute(
            "DELETE FROM throttle WHERE name IN (SELECT name FROM throttle WHERE last_failure_at < $1 LIMIT $2)",
            values![before, limit],
        )
    }
}
