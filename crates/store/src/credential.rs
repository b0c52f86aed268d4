//! Credentials, passwords among them.

use ringfence_core::{
    credential::{Credential, CredentialKind, CredentialStore},
    ids::{CredentialId, IdentityId, ProjectId},
    password::PasswordHash,
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
};

use crate::{
    row::{Row, after, json},
    sql::values,
    tx::SqlTx,
};

macro_rules! credential_columns {
    () => {
        "id, project_id, application_id, identity_id, kind, label, lookup, hint, scopes, created_at, expires_at, revoked_at"
    };
}

fn credential(row: &mut Row) -> StoreResult<Credential> {
    Ok(Credential {
        id: row.id()?,
        project: row.id()?,
        application: row.opt_id()?,
        identity: row.id()?,
        kind: row.word(CredentialKind::parse)?,
        label: row.text()?,
        lookup: row.opt_text()?.map(TokenDigest::stored),
        hint: row.opt_text()?,
        scopes: row.scopes()?,
        created_at: row.time()?,
        expires_at: row.opt_time()?,
        revoked_at: row.opt_time()?,
    })
}

impl CredentialStore for SqlTx<'_> {
    fn insert_credential(&mut self, credential: &Credential) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO credential (id, project_id, application_id, identity_id, kind, label, lookup, hint, scopes,
                 created_at, expires_at, revoked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (lookup) DO NOTHING",
            values![
                credential.id,
                credential.project,
                credential.application,
                credential.identity,
                credential.kind.as_str(),
                &credential.label,
                credential.lookup.as_ref(),
                credential.hint.as_deref(),
                json(&credential.scopes)?,
                credential.created_at,
                credential.expires_at,
                credential.revoked_at
            ],
        )
    }

    fn credential(&mut self, id: CredentialId) -> StoreResult<Option<Credential>> {
        self.one(concat!("SELECT ", credential_columns!(), " FROM credential WHERE id = $1"), values![id], credential)
    }

    fn credential_by_lookup(&mut self, digest: &TokenDigest) -> StoreResult<Option<Credential>> {
        self.one(
            concat!("SELECT ", credential_columns!(), " FROM credential WHERE lookup = $1"),
            values![digest],
            credential,
        )
    }

    fn credentials(
        &mut self,
        project: ProjectId,
        kind: CredentialKind,
        after_id: Option<CredentialId>,
        limit: u32,
    ) -> StoreResult<Vec<Credential>> {
        self.all(
            concat!(
                "SELECT ",
                credential_columns!(),
                " FROM credential WHERE project_id = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4"
            ),
            values![project, kind.as_str(), after(after_id), limit],
            credential,
        )
    }

    fn credentials_of(&mut self, identity: IdentityId, kind: CredentialKind) -> StoreResult<Vec<Credential>> {
        self.all(
            concat!(
                "SELECT ",
                credential_columns!(),
                " FROM credential WHERE identity_id = $1 AND kind = $2 AND revoked_at IS NULL ORDER BY id"
            ),
            values![identity, kind.as_str()],
            credential,
        )
    }

    fn relabel_credential(
        &mut self,
        id: CredentialId,
        label: &str,
        expires_at: Option<Timestamp>,
    ) -> StoreResult<bool> {
        self.changed(
            "UPDATE credential SET label = $1, expires_at = $2 WHERE id = $3 AND revoked_at IS NULL",
            values![label, expires_at, id],
        )
    }

    fn revoke_credential(&mut self, id: CredentialId, at: Timestamp) -> StoreResult<bool> {
        self.changed("UPDATE credential SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL", values![at, id])
    }

    fn revoke_credentials_of(&mut self, identity: IdentityId, at: Timestamp) -> StoreResult<()> {
        self.later(
            "UPDATE credential SET revoked_at = $1 WHERE identity_id = $2 AND revoked_at IS NULL",
            values![at, identity],
        )
    }

    fn password_of(&mut self, identity: IdentityId) -> StoreResult<Option<PasswordHash>> {
        self.one(
            "SELECT password FROM credential WHERE identity_id = $1 AND kind = 'password' AND revoked_at IS NULL",
            values![identity],
            |row| row.text().map(PasswordHash::stored),
        )
    }

    fn replace_password(
        &mut self,
        id: CredentialId,
        project: ProjectId,
        identity: IdentityId,
        hash: &PasswordHash,
        at: Timestamp,
    ) -> StoreResult<()> {
        // A new password also takes the place of a revoked one.
        self.later(
            "INSERT INTO credential (id, project_id, identity_id, kind, label, password, scopes, created_at)
             VALUES ($1, $2, $3, 'password', '', $4, '[]', $5)
             ON CONFLICT (identity_id) WHERE kind = 'password' DO UPDATE
             SET password = excluded.password, created_at = excluded.created_at, revoked_at = NULL",
            values![id, project, identity, hash, at],
        )
    }

    fn rehash_password(&mut self, identity: IdentityId, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
        self.changed(
            "UPDATE credential SET password = $1
             WHERE identity_id = $2 AND kind = 'password' AND password = $3 AND revoked_at IS NULL",
            values![new, identity, old],
        )
    }
}
