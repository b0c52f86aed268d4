//! Migrations: forward only, embedded, the same text for both engines.
//!
//! A database may know migrations that this program does not: during a rolling upgrade the older program keeps working
//! beside the newer one. It may not lack one that the program knows, nor hold one whose text was changed later.

use ringfence_core::{
    secret::TokenDigest,
    store::StoreResult,
    time::{Clock as _, SystemClock},
};

use crate::{OpenError, sql::Sql, tx::SqlTx};

struct Migration {
    name: &'static str,
    sql: &'static str,
}

const ALL: &[Migration] = &[
    Migration { name: "0001_foundation", sql: include_str!("../migrations/0001_foundation.sql") },
    Migration { name: "0002_endpoints", sql: include_str!("../migrations/0002_endpoints.sql") },
    Migration { name: "0003_refresh", sql: include_str!("../migrations/0003_refresh.sql") },
    Migration { name: "0004_picture", sql: include_str!("../migrations/0004_picture.sql") },
    Migration { name: "0005_sip", sql: include_str!("../migrations/0005_sip.sql") },
    Migration { name: "0006_key_hint", sql: include_str!("../migrations/0006_key_hint.sql") },
    Migration { name: "0008_resume", sql: include_str!("../migrations/0008_resume.sql") },
    Migration { name: "0009_idempotency", sql: include_str!("../migrations/0009_idempotency.sql") },
    Migration { name: "0010_outbox", sql: include_str!("../migrations/0010_outbox.sql") },
    Migration { name: "0011_administrators", sql: include_str!("../migrations/0011_administrators.sql") },
];

/// Where it is kept which of them were applied.
pub const TABLE: &str = "schema_migration";
/// Which migrations a database has, with the checksums of their texts.
pub const APPLIED: &str = "SELECT name, checksum FROM schema_migration";

/// A connection whose schema can be changed.
pub trait Schema: Sql {
    /// Begins a transaction that no other migration runs beside.
    const BEGIN_ALONE: &'static str;
    /// Yields a row when `schema_migration` exists.
    const TABLE_EXISTS: &'static str;

    /// Runs several statements.
    fn script(&mut self, sql: &str) -> StoreResult<()>;
}

/// Migrations that the database lacks, in order.
pub fn pending<S: Schema>(schema: &mut S) -> Result<Vec<&'static str>, OpenError> {
    Ok(missing(schema)?.iter().map(|migration| migration.name).collect())
}

/// Applies what is pending, all or nothing, and reports the names.
pub fn migrate<S: Schema>(schema: &mut S) -> Result<Vec<&'static str>, OpenError> {
    if missing(schema)?.is_empty() {
        return Ok(Vec::new());
    }
    schema.script(S::BEGIN_ALONE)?;
    let outcome = apply(schema);
    match &outcome {
        Ok(_) => schema.script("COMMIT")?,
        Err(_) => schema.script("ROLLBACK")?,
    }
    outcome
}

fn apply<S: Schema>(schema: &mut S) -> Result<Vec<&'static str>, OpenError> {
    schema.script(
        "CREATE TABLE IF NOT EXISTS schema_migration (
             name TEXT NOT NULL PRIMARY KEY, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)",
    )?;
    // Again, now that nobody else migrates: another node may just have done it.
    let missing = missing(schema)?;
    for migration in &missing {
        schema.script(migration.sql)?;
        SqlTx::new(schema).execute(
            "INSERT INTO schema_migration (name, checksum, applied_at) VALUES ($1, $2, $3)",
            crate::sql::values![migration.name, &checksum(migration), SystemClock.now()],
        )?;
    }
    Ok(missing.iter().map(|migration| migration.name).collect())
}

fn missing<S: Schema>(schema: &mut S) -> Result<Vec<&'static Migration>, OpenError> {
    let mut tx = SqlTx::new(schema);
    let exists = tx.one(S::TABLE_EXISTS, &[], |_| Ok(()))?.is_some();
    let applied = if exists { tx.all(APPLIED, &[], |row| Ok((row.text()?, row.text()?)))? } else { Vec::new() };
    let mut missing = Vec::new();
    for migration in ALL {
        match applied.iter().find(|(name, _)| name == migration.name) {
            None => missing.push(migration),
            Some((_, sum)) if *sum == checksum(migration).as_str() => {}
            Some(_) => return Err(OpenError::Altered { name: migration.name }),
        }
    }
    Ok(missing)
}

fn checksum(migration: &Migration) -> TokenDigest {
    TokenDigest::of(migration.sql.as_bytes())
}
