//! The machine's own limits for what our operations are made of, without HTTP and without us.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use ringfence_core::{
    entropy::OsEntropy,
    jose::{Alg, Signer, SigningKeyPair, Unverified},
};
use rusqlite::Connection;
use serde_json::json;

/// Seconds of CPU and per second, of one kind of work.
pub(crate) struct Rate {
    /// Units of work done in a second of real time.
    pub(crate) per_second: f64,
    /// CPU of the calling thread for one unit, in microseconds, where it is measured.
    pub(crate) micros: f64,
}

#[expect(clippy::disallowed_methods, reason = "a measuring program lives in real time")]
fn timed(time: Duration, mut work: impl FnMut() -> anyhow::Result<u32>) -> anyhow::Result<Rate> {
    let begun = Instant::now();
    let mut units = 0;
    while begun.elapsed() < time {
        units += work()?;
    }
    let took = begun.elapsed().as_secs_f64();
    Ok(Rate { per_second: f64::from(units) / took, micros: took * 1e6 / f64::from(units) })
}

/// Rows of a guest (identity, session, audit entry) written straight into SQLite, 64 guests to a commit, as durable as ours.
pub(crate) fn group_commit(folder: &Path, time: Duration) -> anyhow::Result<Rate> {
    // A database of its own each time, as empty as the last.
    let scratch = tempfile::tempdir_in(folder)?;
    let connection = Connection::open(scratch.path().join("raw.db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         CREATE TABLE IF NOT EXISTS identity (id TEXT PRIMARY KEY, profile TEXT, created_at BIGINT);
         CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, identity_id TEXT, claims TEXT, expires_at BIGINT);
         CREATE TABLE IF NOT EXISTS audit_event (id TEXT PRIMARY KEY, detail TEXT, happened_at BIGINT);
         CREATE INDEX IF NOT EXISTS session_of_identity ON session (identity_id);
         CREATE INDEX IF NOT EXISTS session_expired ON session (expires_at);",
    )?;
    let mut next = 0_i64;
    timed(time, || {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..64 {
            next += 1;
            let id = format!("019aa914-46a7-7000-8000-{next:012x}");
            connection.prepare_cached("INSERT INTO identity VALUES ($1, $2, $3)")?.execute((
                &id,
                "{\"given_name\":\"guest\"}",
                next,
            ))?;
            connection.prepare_cached("INSERT INTO session VALUES ($1, $2, $3, $4)")?.execute((
                &id,
                &id,
                "[\"anon\"]",
                next,
            ))?;
            connection.prepare_cached("INSERT INTO audit_event VALUES ($1, $2, $3)")?.execute((
                &id,
                "{\"request\":\"0123456789abcdef\"}",
                next,
            ))?;
        }
        connection.execute_batch("COMMIT")?;
        Ok(64)
    })
}

/// Argon2id at our cost on every core, each with its memory reused.
pub(crate) fn argon2(time: Duration) -> anyhow::Result<Rate> {
    let threads: Vec<_> = (0..std::thread::available_parallelism()?.get())
        .map(|_| std::thread::spawn(move || argon2_on_one_core(time)))
        .collect();
    let mut total = Rate { per_second: 0.0, micros: 0.0 };
    for thread in threads {
        let one = thread.join().map_err(|_| anyhow::anyhow!("a hashing thread panicked"))??;
        total.per_second += one.per_second;
        total.micros = one.micros;
    }
    Ok(total)
}

fn argon2_on_one_core(time: Duration) -> anyhow::Result<Rate> {
    let failed = |cause: argon2::Error| anyhow::anyhow!("{cause}");
    let params = Params::new(19_456, 2, 1, Some(32)).map_err(failed)?;
    let mut memory = vec![Block::default(); params.block_count()];
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut output = [0; 32];
    timed(time, || {
        hasher
            .hash_password_into_with_memory(b"correct horse", b"0123456789abcdef", &mut output, &mut memory)
            .map_err(failed)?;
        Ok(1)
    })
}

/// Minting and verifying an HS256 token of our size on one core.
pub(crate) fn tokens(time: Duration) -> anyhow::Result<(Rate, Rate)> {
    let pair = Arc::new(SigningKeyPair::generate(Alg::HS256, &OsEntropy)?);
    let signer = Signer::new(Arc::clone(&pair), Some("0123456789abcdef01234567"), "JWT")?;
    let claims = json!({
        "_id": "019aa914-46a7-7000-8000-000000000001", "firstname": "guest#019a", "id": "019aa914-46a7-7000-8000-000000000001",
        "fullName": "guest#019a ", "iss": "https://tiledesk.com", "aud": "https://tiledesk.com", "sub": "guest",
        "sid": "019aa914-46a7-7000-8000-000000000002", "jti": "019aa914-46a7-7000-8000-000000000003", "iat": 1_795_000_000, "exp": 1_797_592_000,
    });
    let mint = timed(time, || {
        signer.mint(&claims)?;
        Ok(1)
    })?;
    let token = signer.mint(&claims)?;
    let verify = timed(time, || {
        let parsed = Unverified::parse(token.expose()).map_err(|fault| anyhow::anyhow!("{fault}"))?;
        parsed.verify(pair.verifying_key()).map_err(|fault| anyhow::anyhow!("{fault}"))?;
        Ok(1)
    })?;
    Ok((mint, verify))
}
