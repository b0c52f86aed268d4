//! Trusted issuers.

use ringfence_core::{
    ids::{ApplicationId, IssuerId},
    issuer::{IssuerStore, TrustedIssuer},
    seal::Sealed,
    store::StoreResult,
    time::Timestamp,
};

use crate::{
    row::{Row, after},
    sql::values,
    tx::SqlTx,
};

macro_rules! issuer_columns {
    () => {
        "id, project_id, application_id, profile, secret, created_at, revoked_at"
    };
}

fn issuer(row: &mut Row) -> StoreResult<TrustedIssuer> {
    Ok(TrustedIssuer {
        id: row.id()?,
        project: row.id()?,
        application: row.id()?,
        profile: row.text()?,
        secret: Sealed::stored(row.text()?),
        created_at: row.time()?,
        revoked_at: row.opt_time()?,
    })
}

impl IssuerStore for SqlTx<'_> {
    fn insert_issuer(&mut self, issuer: &TrustedIssuer) -> StoreResult<()> {
        self.later(
            "INSERT INTO trusted_issuer (id, project_id, application_id, profile, secret, created_at, revoked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            values![
                issuer.id,
                issuer.project,
                issuer.application,
                &issuer.profile,
                &issuer.secret,
                issuer.created_at,
                issuer.revoked_at
            ],
        )
    }

    fn issuers(&mut self, application: ApplicationId) -> StoreResult<Vec<TrustedIssuer>> {
        self.all(
            concat!(
                "SELECT ",
                issuer_columns!(),
                " FROM trusted_issuer WHERE application_id = $1 AND revoked_at IS NULL
                  ORDER BY created_at DESC, id DESC"
            ),
            values![application],
            issuer,
        )
    }

    fn all_issuers(&mut self, after_id: Option<IssuerId>, limit: u32) -> StoreResult<Vec<TrustedIssuer>> {
        self.all(
            concat!("SELECT ", issuer_columns!(), " FROM trusted_issuer WHERE id > $1 ORDER BY id LIMIT $2"),
            values![after(after_id), limit],
            issuer,
        )
    }

    fn rewrap_issuer(&mut self, id: IssuerId, secret: &Sealed) -> StoreResult<()> {
        self.later("UPDATE trusted_issuer SET secret = $1 WHERE id = $2", values![secret, id])
    }

    fn revoke_issuer(&mut self, id: IssuerId, at: Timestamp) -> StoreResult<bool> {
        self.changed("UPDATE trusted_issuer SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL", values![at, id])
    }
}
