//! Refresh families.

use ringfence_core::{
    refresh::{RefreshFamily, RefreshStore, Rotation},
    seal::Sealed,
    secret::TokenDigest,
    store::StoreResult,
};

use crate::{row::Row, sql::values, tx::SqlTx};

fn family(row: &mut Row) -> StoreResult<RefreshFamily> {
    Ok(RefreshFamily {
        name: TokenDigest::stored(row.text()?),
        session: row.id()?,
        generation: row.int()?,
        newest: TokenDigest::stored(row.text()?),
        previous: row.opt_text()?.map(TokenDigest::stored),
        rotated_at: row.time()?,
        answer: row.opt_text()?.map(Sealed::stored),
    })
}

impl RefreshStore for SqlTx<'_> {
    fn insert_refresh_family(&mut self, family: &RefreshFamily) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO refresh_family (name, session_id, generation, newest, previous, rotated_at, answer)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (session_id) DO NOTHING",
            values![
                &family.name,
                family.session,
                family.generation,
                &family.newest,
                family.previous.as_ref(),
                family.rotated_at,
                family.answer.as_ref()
            ],
        )
    }

    fn refresh_family(&mut self, name: &TokenDigest) -> StoreResult<Option<RefreshFamily>> {
        self.one(
            "SELECT name, session_id, generation, newest, previous, rotated_at, answer
             FROM refresh_family WHERE name = $1",
            values![name],
            family,
        )
    }

    fn rotate_refresh(&mut self, step: &Rotation) -> StoreResult<bool> {
        self.changed(
            "UPDATE refresh_family
             SET generation = generation + 1, newest = $1, previous = newest, rotated_at = $2, answer = $3
             WHERE name = $4 AND newest = $5",
            values![&step.to, step.at, &step.answer, &step.name, &step.from],
        )
    }
}
