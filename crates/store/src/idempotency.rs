//! Remembered answers.

use ringfence_core::{
    idempotency::{IdempotencyStore, Remembered},
    seal::Sealed,
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
};

use crate::{sql::values, tx::SqlTx};

impl IdempotencyStore for SqlTx<'_> {
    fn remember_request(&mut self, new: &Remembered, forgotten: Timestamp) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO idempotency (name, request, answer, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (name) DO UPDATE SET request = excluded.request, answer = excluded.answer,
                 created_at = excluded.created_at
             WHERE idempotency.created_at < $5",
            values![&new.name, &new.request, new.answer.as_ref(), new.created_at, forgotten],
        )
    }

    fn remembered(&mut self, name: &TokenDigest) -> StoreResult<Option<Remembered>> {
        self.one("SELECT name, request, answer, created_at FROM idempotency WHERE name = $1", values![name], |row| {
            Ok(Remembered {
                name: TokenDigest::stored(row.text()?),
                request: TokenDigest::stored(row.text()?),
                answer: row.opt_text()?.map(Sealed::stored),
                created_at: row.time()?,
            })
        })
    }

    fn remember_answer(&mut self, name: &TokenDigest, answer: &Sealed) -> StoreResult<()> {
        self.later("UPDATE idempotency SET answer = $1 WHERE name = $2", values![answer, name])
    }

    fn forget_request(&mut self, name: &TokenDigest) -> StoreResult<()> {
        self.later("DELETE FROM idempotency WHERE name = $1", values![name])
    }

    fn sweep_remembered(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        self.execute(
            "DELETE FROM idempotency WHERE name IN (
                 SELECT name FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
            values![before, limit],
        )
    }
}
