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

use crate::table::{self, Spread};

/// Seconds of CPU and per second, of one kind of work.
pub(crate) struct Rate {
    /// Units of work done in a second of real time.
    pub(crate) per_second: f64,
    /// CPU of the calling thread for one unit, in microseconds, where it is measured.
    pub(crate) micros: f64,
}

#[expect(clippy::disallowed_methods, reason = "a measuring program lives in real time")]
fn timed(time: Duration, mut work: impl FnMut() -> anyhow::Result<u32>) -> anyhow::Result<Rate> {
    let (begun, cpu) = (Instant::now(), own_cpu()?);
    let mut units = 0;
    while begun.elapsed() < time {
        units += work()?;
    }
    let took = begun.elapsed().as_secs_f64();
    let used = own_cpu()?.saturating_sub(cpu).as_secs_f64();
    Ok(Rate { per_second: f64::from(units) / took, micros: used * 1e6 / f64::from(units) })
}

/// CPU time of this thread.
fn own_cpu() -> anyhow::Result<Duration> {
    let counts = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(counts.split(' ').next().unwrap_or_default().parse()?))
}

/// What a guest's rows lie in at least.
const TABLES: &str = "
    CREATE TABLE identity (id TEXT PRIMARY KEY, profile TEXT, created_at BIGINT);
    CREATE TABLE session (id TEXT PRIMARY KEY, identity_id TEXT, claims TEXT, expires_at BIGINT);
    CREATE TABLE audit_event (id TEXT PRIMARY KEY, detail TEXT, happened_at BIGINT);
    CREATE INDEX session_of_identity ON session (identity_id);
    CREATE INDEX session_expired ON session (expires_at);
";

/// Rows of a guest (identity, session, audit entry) written straight into SQLite, 64 guests to a commit, as durable as ours.
fn group_commit(folder: &Path, time: Duration) -> anyhow::Result<Rate> {
    // A database of its own each time, as empty as the last.
    let scratch = tempfile::tempdir_in(folder)?;
    let connection = Connection::open(scratch.path().join("raw.db"))?;
    connection.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")?;
    connection.execute_batch(TABLES)?;
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
fn argon2(time: Duration) -> anyhow::Result<Rate> {
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

/// Rows of a guest written straight into PostgreSQL, one commit each over 32 connections, per second.
fn postgres(url: &str, time: Duration) -> anyhow::Result<f64> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut clients = Vec::new();
        for number in 0..POSTGRES {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            if number == 0 {
                client.batch_execute("DROP SCHEMA IF EXISTS raw CASCADE; CREATE SCHEMA raw").await?;
                client.batch_execute(&TABLES.replace("TABLE ", "TABLE raw.").replace(" ON ", " ON raw.")).await?;
            }
            clients.push(client);
        }
        let ends = crate::load::now() + time;
        let work = clients.into_iter().enumerate().map(|(number, client)| write_guests(client, number, ends));
        let done = futures_util::future::try_join_all(work).await?;
        Ok(f64::from(done.into_iter().sum::<u32>()) / time.as_secs_f64())
    })
}

const POSTGRES: usize = 32;

type Columns<'a> = &'a [&'a (dyn tokio_postgres::types::ToSql + Sync)];

async fn write_guests(
    mut client: tokio_postgres::Client,
    number: usize,
    ends: Instant,
) -> Result<u32, tokio_postgres::Error> {
    let identity = client.prepare("INSERT INTO raw.identity VALUES ($1, $2, $3)").await?;
    let session = client.prepare("INSERT INTO raw.session VALUES ($1, $2, $3, $4)").await?;
    let audit = client.prepare("INSERT INTO raw.audit_event VALUES ($1, $2, $3)").await?;
    let mut done = 0;
    while crate::load::now() < ends {
        let next = i64::from(done);
        let id = format!("019aa914-46a7-7000-{number:04x}-{next:012x}");
        let transaction = client.transaction().await?;
        let rows: [Columns<'_>; 3] = [
            &[&id, &"{\"given_name\":\"guest\"}", &next],
            &[&id, &id, &"[\"anon\"]", &next],
            &[&id, &"{\"request\":\"0123456789abcdef\"}", &next],
        ];
        tokio::try_join!(
            transaction.execute(&identity, rows[0]),
            transaction.execute(&session, rows[1]),
            transaction.execute(&audit, rows[2]),
        )?;
        transaction.commit().await?;
        done += 1;
    }
    Ok(done)
}

/// What the machine can do, measured in one round.
pub(crate) struct Raw {
    pub(crate) commits: Rate,
    pub(crate) hashes: Rate,
    /// Guests per second in PostgreSQL.
    pub(crate) postgres: Option<f64>,
    tokens: Vec<(&'static str, Rate, Rate)>,
}

impl Raw {
    /// All of it.
    pub(crate) fn measure(folder: &Path, url: Option<&str>, time: Duration) -> anyhow::Result<Self> {
        let each = Duration::from_millis(100);
        let algs = [Alg::HS256, Alg::HS512, Alg::EdDSA, Alg::ES256, Alg::RS256];
        let tokens = algs.into_iter().map(|alg| {
            let (mint, verify) = tokens(alg, each)?;
            Ok((alg.as_str(), mint, verify))
        });
        Ok(Self {
            commits: group_commit(folder, time)?,
            hashes: argon2(time)?,
            postgres: url.map(|url| postgres(url, time)).transpose()?,
            tokens: tokens.collect::<anyhow::Result<_>>()?,
        })
    }

    /// CPU of a signature in microseconds.
    pub(crate) fn mint(&self, alg: &str) -> f64 {
        self.tokens.iter().find(|(name, ..)| *name == alg).map_or(f64::NAN, |(_, mint, _)| mint.micros)
    }
}

/// Prints medians over rounds.
pub(crate) fn report(rounds: &[Raw]) {
    let spread = |figure: &dyn Fn(&Raw) -> f64| Spread::of(rounds.iter().map(figure).collect());
    let row = |name: String, rate: &dyn Fn(&Raw) -> f64, micros: &dyn Fn(&Raw) -> f64| {
        let rate = spread(rate);
        let rate = format!("{:.0} ({:.0}–{:.0})", rate.median, rate.least, rate.most);
        let micros = spread(micros).median;
        vec![name, rate, if micros.is_nan() { "–".to_owned() } else { format!("{micros:.1}") }]
    };
    let mut rows = vec![
        row("a guest's rows in SQLite, 64 to a durable commit".to_owned(), &|raw| raw.commits.per_second, &|raw| {
            raw.commits.micros
        }),
        row("Argon2id, memory reused, all cores".to_owned(), &|raw| raw.hashes.per_second, &|raw| raw.hashes.micros),
    ];
    if rounds.iter().any(|raw| raw.postgres.is_some()) {
        let rate = |raw: &Raw| raw.postgres.unwrap_or(f64::NAN);
        rows.push(row("a guest's rows in PostgreSQL, a commit each, 32 connections".to_owned(), &rate, &|_| f64::NAN));
    }
    for (index, (alg, ..)) in rounds.first().map(|raw| &raw.tokens[..]).unwrap_or_default().iter().enumerate() {
        let mint = |raw: &Raw| raw.tokens[index].1.micros;
        let verify = |raw: &Raw| raw.tokens[index].2.micros;
        rows.push(row(format!("mint {alg}, one core"), &|raw| raw.tokens[index].1.per_second, &mint));
        rows.push(row(format!("verify {alg}, one core"), &|raw| raw.tokens[index].2.per_second, &verify));
    }
    table::print("The machine's own limits in the same run", &["work", "per second (min–max)", "µs each"], &rows);
}

/// Minting and verifying a token of our size on one core.
fn tokens(alg: Alg, time: Duration) -> anyhow::Result<(Rate, Rate)> {
    let pair = Arc::new(SigningKeyPair::generate(alg, &OsEntropy)?);
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
