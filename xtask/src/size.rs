//! What the release binary weighs: on disk, from start to first answer, and idle in memory.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::{
    process::{cargo, free_addresses, pause, run as run_command, target, watch},
    server::Server,
};

/// How often the start is measured; the median counts.
const STARTS: usize = 7;
/// How long a server is left alone before its memory is read.
const SETTLE: Duration = Duration::from_secs(2);

/// A measured value beside what it must not exceed.
struct Row {
    what: &'static str,
    value: f64,
    limit: f64,
    unit: &'static str,
}

/// Builds the release binary, measures it and prints a table; a broken limit is an error.
pub fn run() -> Result<()> {
    run_command(cargo().args([
        "build",
        "--locked",
        "--release",
        "--package",
        "ringfence-server",
        "--bin",
        "ringfence",
    ]))?;
    let program = target()?.join("release/ringfence");
    let bytes = fs::metadata(&program).with_context(|| format!("cannot see {}", program.display()))?.len();
    let start = start_time(&program)?;
    let (rss, pss) = idle_memory(&program)?;
    let rows = [
        Row { what: "binary", value: mebibytes(bytes), limit: 30.0, unit: "MiB" },
        Row { what: "start to first answer", value: start.as_secs_f64() * 1000.0, limit: 200.0, unit: "ms" },
        Row { what: "idle memory, RSS", value: mebibytes(rss), limit: 40.0, unit: "MiB" },
        Row { what: "idle memory, PSS", value: mebibytes(pss), limit: 40.0, unit: "MiB" },
    ];
    for Row { what, value, limit, unit } in &rows {
        println!("{what:24} {value:8.1} {unit:3}   limit {limit:5.0} {unit}");
    }
    let broken: Vec<_> = rows.iter().filter(|row| row.value > row.limit).map(|row| row.what).collect();
    ensure!(broken.is_empty(), "over the limit: {}", broken.join("; "));
    Ok(())
}

/// The median time from starting the process, on a new database, to its first healthy answer.
fn start_time(program: &Path) -> Result<Duration> {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        times.push(on_new_database(program, |_, since| Ok(since.elapsed()))?);
    }
    times.sort();
    Ok(times[STARTS / 2])
}

/// Resident and proportional bytes of an idle server.
fn idle_memory(program: &Path) -> Result<(u64, u64)> {
    on_new_database(program, |server, _| {
        pause(SETTLE);
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", server.id()))?;
        Ok((field(&rollup, "Rss:")?, field(&rollup, "Pss:")?))
    })
}

/// Runs `ringfence serve` in an empty folder and, once it answers, `measure` with the moment of its start.
fn on_new_database<T>(program: &Path, measure: impl FnOnce(&Server, Instant) -> Result<T>) -> Result<T> {
    let folder = tempfile::Builder::new().prefix("size-").tempdir_in(target()?)?;
    let [listen, admin]: [SocketAddr; 2] = free_addresses()?;
    let mut serve = Command::new(program);
    serve.arg("serve").current_dir(&folder).env("RINGFENCE__DATABASE__URL", "sqlite:ringfence.db");
    serve.env("RINGFENCE__SERVER__LISTEN", listen.to_string());
    serve.env("RINGFENCE__SERVER__ADMIN_LISTEN", admin.to_string());
    let since = watch();
    let server = Server::start(&mut serve, admin, &folder.path().join("serve.log"))?;
    measure(&server, since)
}

/// A value of `smaps_rollup`, which counts in kB, in bytes.
fn field(rollup: &str, name: &str) -> Result<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no line {name}"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollup_is_read_in_bytes() {
        let rollup = "5500-7ff [rollup]\nRss:                1836 kB\nPss:                 302 kB\nPss_Dirty: 1 kB\n";
        assert_eq!(field(rollup, "Rss:").unwrap(), 1836 * 1024);
        assert_eq!(field(rollup, "Pss:").unwrap(), 302 * 1024);
        assert!(field(rollup, "Swap:").is_err());
    }
}
