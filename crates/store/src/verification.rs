//! One-time verifications.

use ringfence_core::{
    identity::Identifier,
    ids::IdentityId,
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
    verification::{Purpose, Verification, VerificationStore},
};

use crate::{row::Row, sql::values, tx::SqlTx};

macro_rules! verification_columns {
    () => {
        "id, project_id, application_id, identity_id, purpose, scheme, value, digest, created_at, expires_at"
    };
}

fn verification(row: &mut Row) -> StoreResult<Verification> {
    Ok(Verification {
        id: row.id()?,
        project: row.id()?,
        application: row.opt_id()?,
        identity: row.id()?,
        purpose: row.word(Purpose::parse)?,
        identifier: Identifier::stored(row.text()?, row.text()?),
        digest: TokenDigest::stored(row.text()?),
        created_at: row.time()?,
        expires_at: row.time()?,
    })
}

impl VerificationStore for SqlTx<'_> {
    fn insert_verification(&mut self, verification: &Verification) -> StoreResult<()> {
        self.later(
            "INSERT INTO verification (id, project_id, application_id, identity_id, purpose, scheme, value, digest,
                 created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            values![
                verification.id,
                verification.project,
                verification.application,
                verification.identity,
                verification.purpose.as_str(),
                verification.identifier.scheme(),
                verification.identifier.value(),
                &verification.digest,
                verification.created_at,
                verification.expires_at
            ],
        )
    }

    fn open_verification(
        &mut self,
        digest: &TokenDigest,
        purpose: Purpose,
        now: Timestamp,
    ) -> StoreResult<Option<Verification>> {
        self.one(
            concat!(
                "SELECT ",
                verification_columns!(),
                " FROM verification WHERE digest = $1 AND purpose = $2 AND closed_at IS NULL AND expires_at > $3"
            ),
            values![digest, purpose.as_str(), now],
            verification,
        )
    }

    fn redeem_verification(
        &mut self,
        digest: &TokenDigest,
        purpose: Purpose,
        now: Timestamp,
    ) -> StoreResult<Option<Verification>> {
        self.one(
            concat!(
                "UPDATE verification SET closed_at = $1
                 WHERE digest = $2 AND purpose = $3 AND closed_at IS NULL AND expires_at > $1 RETURNING ",
                verification_columns!()
            ),
            values![now, digest, purpose.as_str()],
            verification,
        )
    }

    fn supersede_verifications(&mut self, identity: IdentityId, purpose: Purpose, now: Timestamp) -> StoreResult<()> {
        self.later(
            "UPDATE verification SET closed_at = $1 WHERE identity_id = $2 AND purpose = $3 AND closed_at IS NULL",
            values![now, identity, purpose.as_str()],
        )
    }

    fn sweep_verifications(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        // Two arms, so that each uses its index; the second skips what the first has.
        self.execute(
            "DELETE FROM verification WHERE id IN (
                 SELECT id FROM verification WHERE expires_at < $1
                 UNION ALL
                 SELECT id FROM verification WHERE closed_at < $1 AND expires_at >= $1
                 LIMIT $2)",
            values![before, limit],
        )
    }
}
