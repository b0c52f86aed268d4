//! Growth: the same operations with ever more users, the start of a server that has many, and what removing rows costs others.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use ringfence_core::{authority::SWEEP_STEP, store::Store, time::Timestamp};
use rusqlite::{Connection, Transaction};
use serde_json::json;

use crate::{
    core::CONNECTIONS,
    load::{Answer, Client, Clients, Same, drive, now, percentile, request, succeeded},
    plot::Plot,
    quiet::{self, Watch},
    scratch, table,
};

/// Somebody of so many, looked for by address.
struct Finder {
    users: u64,
    next: u64,
}

impl Client for Finder {
    fn request(&mut self) -> anyhow::Result<String> {
        // A walk that comes everywhere and stays nowhere.
        self.next = self.next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let path = format!("/api/v1/admin/identities?email=user{}%40bench.example", (self.next >> 16) % self.users);
        let key = format!("Bearer {}", scratch::API_KEY);
        Ok(request("GET", &path, &[("Authorization", &key)], ""))
    }

    fn answer(&mut self, answer: &Answer<'_>) -> anyhow::Result<()> {
        succeeded(answer)?;
        anyhow::ensure!(answer.body.windows(13).any(|text| text == b"019aa914-46a7"), "nobody was found");
        Ok(())
    }
}

/// What a size showed.
struct Measured {
    users: u64,
    start: Duration,
    find_micros: f64,
    find_p99: Duration,
    guest_micros: f64,
}

/// A thousand users and ten times as many again, up to the most.
pub(crate) fn sizes(most: u64) -> Vec<u64> {
    std::iter::successors(Some(1_000), |size| Some(size * 10)).take_while(|size| *size <= most).collect()
}

/// Measures each of these sizes, the least first, and prints; the plot goes beside the document.
pub(crate) fn run(server: &Path, sizes: &[u64], time: Duration, document: Option<&Path>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    drop(scratch::serve(server, folder.path())?);
    let begun = now();
    let mut all = Vec::new();
    let mut filled = 0;
    for &users in sizes {
        fill(folder.path(), filled..users)?;
        filled = users;
        let bytes = std::fs::metadata(database(folder.path()))?.len();
        eprintln!("{users} users: {} MiB, filled by {:.0} s", bytes >> 20, begun.elapsed().as_secs_f64());
        all.push(measure(server, folder.path(), users, time)?);
    }
    let first = all.first().context("at least one size")?;
    let rows: Vec<_> = all
        .iter()
        .map(|size| {
            vec![
                size.users.to_string(),
                format!("{:.0}", size.start.as_secs_f64() * 1e3),
                format!("{:.1}", size.find_micros),
                format!("{:.2}", size.find_micros / first.find_micros),
                format!("{:.1}", size.find_p99.as_secs_f64() * 1e3),
                format!("{:.1}", size.guest_micros),
                format!("{:.2}", size.guest_micros / first.guest_micros),
            ]
        })
        .collect();
    let header =
        ["users", "start, ms", "by address, CPU µs", "of the least", "p99 ms", "guest sign-in, CPU µs", "of the least"];
    table::print("Growth, SQLite (targets: start < 100 ms, ≤ 3 × per request)", &header, &rows);
    if let Some(document) = document {
        #[expect(clippy::cast_precision_loss, reason = "drawn in pixels")]
        let points: Vec<_> = all.iter().map(|size| (size.users as f64, size.find_micros)).collect();
        let plot =
            Plot { title: "Somebody found by address", across: "users", up: "CPU µs a request", points: &points };
        plot.keep(document, "users", "CPU per look-up by address over the number of users")?;
    }
    Ok(())
}

fn measure(server: &Path, folder: &Path, users: u64, time: Duration) -> anyhow::Result<Measured> {
    let begun = now();
    let ours = scratch::serve(server, folder)?;
    let start = begun.elapsed();
    let of = |clients: &mut Clients| {
        quiet::slice(&format!("growth, {users} users"), || {
            let before = ours.cpu()?;
            let load = drive(ours.address, clients, time)?;
            let used = ours.cpu()?.saturating_sub(before).as_secs_f64();
            Ok((used * 1e6 / f64::from(u32::try_from(load.answers())?), percentile(&load.took, 99)))
        })
    };
    let finder = |seed| Box::new(Finder { users, next: seed * 7_919 }) as Box<dyn Client>;
    let (find_micros, find_p99) = of(&mut (1..=CONNECTIONS as u64).map(finder).collect())?;
    let body = json!({ "id_project": scratch::APPLICATION }).to_string();
    let guest = request("POST", "/tiledesk/auth/signinAnonymously", &[], &body);
    let (guest_micros, _) =
        of(&mut (0..CONNECTIONS).map(|_| Box::new(Same(guest.clone())) as Box<dyn Client>).collect())?;
    Ok(Measured { users, start, find_micros, find_p99, guest_micros })
}

fn database(folder: &Path) -> PathBuf {
    folder.join("bench.db")
}

fn open(folder: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(database(folder))?;
    connection.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-200000;")?;
    Ok(connection)
}

/// Rows of a commit while filling: the log beside the database stays small.
const PORTION: u64 = 200_000;

/// Does something for each number, in portions.
fn in_portions(
    folder: &Path,
    numbers: Range<u64>,
    fill: impl Fn(&Transaction<'_>, &str, Range<u64>) -> rusqlite::Result<()>,
) -> anyhow::Result<()> {
    let mut connection = open(folder)?;
    let project: String = connection.query_row("SELECT id FROM project WHERE name <> ''", (), |row| row.get(0))?;
    let mut begin = numbers.start;
    while begin < numbers.end {
        let end = numbers.end.min(begin + PORTION);
        let transaction = connection.transaction()?;
        fill(&transaction, &project, begin..end)?;
        transaction.commit()?;
        begin = end;
    }
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// Members with an address each, as signing up leaves them.
fn fill(folder: &Path, numbers: Range<u64>) -> anyhow::Result<()> {
    in_portions(folder, numbers, |transaction, project, numbers| {
        let mut identity = transaction.prepare(
            "INSERT INTO identity (id, project_id, kind, profile, attributes, created_at, updated_at)
             VALUES ($1, $2, 'member', '{}', '{}', 1, 1)",
        )?;
        let mut identifier = transaction
            .prepare("INSERT INTO identifier (project_id, scheme, value, identity_id) VALUES ($1, 'email', $2, $3)")?;
        for number in numbers {
            let id = format!("019aa914-46a7-7000-8000-{number:012x}");
            identity.execute((&id, project))?;
            identifier.execute((project, format!("user{number}@bench.example"), &id))?;
        }
        Ok(())
    })
}

/// Removes this many ended sessions while others go on writing, and prints how long those waited.
pub(crate) fn purge(server: &Path, sessions: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    drop(scratch::serve(server, folder.path())?);
    end(folder.path(), sessions)?;
    let url = format!("sqlite:{}", database(folder.path()).display());
    let opened = ringfence_store::open(&url, &ringfence_store::Options::default())?;
    let store = Arc::new(opened.store());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let watch = Watch::begin()?;
    let (removed, elapsed, mut waits) = runtime.block_on(async {
        let begun = now();
        let sweeping = tokio::spawn(sweep(Arc::clone(&store)));
        let mut waits = Vec::new();
        while !sweeping.is_finished() {
            let asked = now();
            store.write(|tx| Ok(tx.set_installation_fact("bench", "x")?)).await?;
            waits.push(asked.elapsed());
            tokio::time::sleep_until((asked + Duration::from_millis(2)).into()).await;
        }
        anyhow::Ok((sweeping.await??, begun.elapsed(), waits))
    })?;
    watch.end("ended rows removed")?;
    waits.sort_unstable();
    let millis = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
    let rows = [vec![
        removed.to_string(),
        format!("{:.1}", elapsed.as_secs_f64()),
        waits.len().to_string(),
        millis(percentile(&waits, 50)),
        millis(percentile(&waits, 99)),
    ]];
    let header = ["sessions removed", "seconds", "writes meanwhile", "p50 ms", "p99 ms"];
    table::print("Ended rows removed, SQLite (target: others' p99 < 20 ms)", &header, &rows);
    drop(store);
    opened.close();
    Ok(())
}

/// As the server does it: so many to a transaction, until none is left.
async fn sweep(store: Arc<Store>) -> anyhow::Result<u64> {
    let before = Timestamp::from_seconds(1_000_000_000);
    let mut total = 0;
    loop {
        let removed = store.write(move |tx| Ok(tx.sweep_sessions(before, SWEEP_STEP)?)).await?;
        total += removed;
        if removed < u64::from(SWEEP_STEP) {
            return Ok(total);
        }
    }
}

/// Sessions of guests that ended long ago.
fn end(folder: &Path, sessions: u64) -> anyhow::Result<()> {
    in_portions(folder, 0..sessions, |transaction, project, numbers| {
        let mut identity = transaction.prepare(
            "INSERT INTO identity (id, project_id, kind, profile, attributes, created_at, updated_at)
             VALUES ($1, $2, 'guest', '{}', '{}', 1, 1)",
        )?;
        let mut session = transaction.prepare(
            "INSERT INTO session (id, project_id, confined, identity_id, dialect, amr, scopes, auth_time, expires_at)
             VALUES ($1, $2, 0, $1, 'tiledesk', '[\"anon\"]', '[]', 1, $3)",
        )?;
        for number in numbers {
            let id = format!("019aa914-46a7-7000-9000-{number:012x}");
            identity.execute((&id, project))?;
            session.execute((&id, project, number.cast_signed()))?;
        }
        Ok(())
    })
}
