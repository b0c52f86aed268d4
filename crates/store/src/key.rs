//! Signing keys.

use std::cmp::Reverse;

use ringfence_core::{
    ids::ProjectId,
    jose::Alg,
    key::{KeyStore, SigningKey},
    seal::Sealed,
    store::StoreResult,
    time::Timestamp,
};

use crate::{
    row::{Row, opt_json},
    sql::values,
    tx::SqlTx,
};

macro_rules! key_columns {
    () => {
        "kid, project_id, key_set, alg, private_key, public_key, created_at, retired_at, expires_at"
    };
}

fn key(row: &mut Row) -> StoreResult<SigningKey> {
    Ok(SigningKey {
        kid: row.text()?,
        project: row.id()?,
        set: row.text()?,
        alg: row.word(Alg::parse)?,
        private: Sealed::stored(row.text()?),
        public: row.opt_json()?,
        created_at: row.time()?,
        retired_at: row.opt_time()?,
        expires_at: row.opt_time()?,
    })
}

impl KeyStore for SqlTx<'_> {
    fn insert_signing_key(&mut self, key: &SigningKey) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO signing_key (kid, project_id, key_set, alg, private_key, public_key, created_at, retired_at,
                 expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (project_id, key_set, alg) WHERE retired_at IS NULL DO NOTHING",
            values![
                &key.kid,
                key.project,
                &key.set,
                key.alg.as_str(),
                &key.private,
                opt_json(key.public.as_ref())?,
                key.created_at,
                key.retired_at,
                key.expires_at
            ],
        )
    }

    fn signing_key(&mut self, kid: &str) -> StoreResult<Option<SigningKey>> {
        self.one(concat!("SELECT ", key_columns!(), " FROM signing_key WHERE kid = $1"), values![kid], key)
    }

    fn signing_keys(&mut self, project: ProjectId, now: Timestamp) -> StoreResult<Vec<SigningKey>> {
        let mut keys = self.all(
            concat!(
                "SELECT ",
                key_columns!(),
                " FROM signing_key WHERE project_id = $1 AND (expires_at IS NULL OR expires_at > $2)"
            ),
            values![project, now],
            key,
        )?;
        keys.sort_by(|a, b| (Reverse(a.created_at), &a.kid).cmp(&(Reverse(b.created_at), &b.kid)));
        Ok(keys)
    }

    fn all_signing_keys(&mut self, now: Timestamp) -> StoreResult<Vec<SigningKey>> {
        let mut keys = self.all(
            concat!("SELECT ", key_columns!(), " FROM signing_key WHERE expires_at IS NULL OR expires_at > $1"),
            values![now],
            key,
        )?;
        keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        Ok(keys)
    }

    fn retire_signing_key(&mut self, kid: &str, at: Timestamp, expires_at: Timestamp) -> StoreResult<bool> {
        self.changed(
            "UPDATE signing_key SET retired_at = $1, expires_at = $2 WHERE kid = $3 AND retired_at IS NULL",
            values![at, expires_at, kid],
        )
    }

    fn rewrap_signing_key(&mut self, kid: &str, private: &Sealed) -> StoreResult<()> {
        self.later("UPDATE signing_key SET private_key = $1 WHERE kid = $2", values![private, kid])
    }
}
