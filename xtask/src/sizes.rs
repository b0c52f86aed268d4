//! What PostgreSQL needs for many people: bytes of each row, and how often two statements run that open sockets cause.
//!
//! `docs/sizing.md` counts with these.

use std::fs;

use anyhow::{Context as _, Result};

use crate::{postgres::Postgres, process::capture};

/// What a row takes in the tables that grow with people, and what its indexes take.
const ROWS: &str = "
    SELECT relname AS table, n_live_tup AS rows,
           pg_relation_size(relid) / greatest(n_live_tup, 1) AS row,
           pg_indexes_size(relid) / greatest(n_live_tup, 1) AS indexes
    FROM pg_stat_user_tables WHERE n_live_tup >= 1000 ORDER BY relname";

/// A node asks about 64 of its sessions at once; these lie apart as the sessions of a node's sockets do.
const RECHECK: &str = r"\set start random(1, :people)
SELECT id, expires_at FROM session WHERE revoked_at IS NULL AND expires_at > 0 AND id IN
    (SELECT '019aa914-46a7-7000-8002-' || lpad(to_hex(1 + (:start::bigint + i * 7919) % :people::bigint), 12, '0')
     FROM generate_series(1, 64) AS i)
";

/// A refresh token is renewed, durable; its answer is kept, some 1,200 characters.
const RENEWAL: &str = r"\set person random(1, :people)
UPDATE refresh_family SET generation = generation + 1, previous = newest, newest = md5(random()::text), rotated_at = 1,
    answer = repeat(md5(random()::text), 38)
WHERE session_id = '019aa914-46a7-7000-8002-' || lpad(to_hex(:person::bigint), 12, '0')
";

/// How far the write-ahead log has come.
const WRITTEN: &str = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')";

/// Measures on a database that `bench move` has filled with so many people.
pub fn print(postgres: &Postgres, database: &str, people: u32) -> Result<()> {
    let rows = capture(postgres.program("psql").args([database, "-qc", ROWS]))?;
    println!("\nOn disk, in bytes of each row\n{rows}");
    let folder = tempfile::tempdir()?;
    let written = || -> Result<u64> {
        let bytes = capture(postgres.program("psql").args([database, "-Atc", WRITTEN]))?;
        bytes.trim().parse().context("a number of bytes")
    };
    for (what, script) in [("64 sessions asked about", RECHECK), ("a refresh token renewed, durable", RENEWAL)] {
        let file = folder.path().join("script.sql");
        fs::write(&file, script)?;
        let mut bench = postgres.program("pgbench");
        bench
            .args(["-n", "-M", "prepared", "-c", "16", "-T", "10", "-D", &format!("people={people}"), "-f"])
            .arg(&file);
        let before = written()?;
        let said = capture(bench.arg(database))?;
        let number = |begins: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(begins)).context("pgbench says how many")?;
            let digits = line.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
            digits.parse::<u64>().with_context(|| format!("a number: {line}"))
        };
        let (rate, done) = (number("tps =")?, number("number of transactions actually processed:")?);
        let log = (written()? - before) / done.max(1);
        println!("{what}: {rate} a second, {log} bytes of write-ahead log each");
    }
    Ok(())
}
