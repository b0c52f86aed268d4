//! Open connections: what an idle one costs, and how soon many close when they must.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    document,
    plot::Plot,
    process::{Program, connect, free_address},
    table,
    trust::Trust,
};

mod client;

use client::Closed;

const KEY: &str = "KEY019aa91446a7abababababab_bench";
/// Logins at once.
const ABREAST: usize = 32;
/// What the others do while sockets close.
const PROBE: Duration = Duration::from_millis(5);

/// What to measure.
pub(crate) struct Plan {
    /// Idle sockets.
    pub(crate) sockets: usize,
    /// Those of one identity that is revoked.
    pub(crate) revoked: usize,
    /// How long tokens live: time enough to log in and to settle.
    pub(crate) life: Duration,
    /// Whether all of it goes by TLS.
    pub(crate) tls: bool,
}

/// Runs everything and prints the table.
pub(crate) fn run(server: &Path, plan: &Plan) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = serve(server, folder.path(), plan.tls)?;
    tokio::runtime::Runtime::new()?.block_on(measure(&server, plan))
}

fn serve(server: &Path, folder: &Path, tls: bool) -> anyhow::Result<Program> {
    let (listen, admin) = (free_address()?, free_address()?);
    let projects = folder.join("projects.toml");
    let project = format!(
        "[[project]]\nname = \"default\"\n[[project.api_key]]\nname = \"bench\"\nvalue = \"{KEY}\"\nscopes = [\"*\"]\n"
    );
    fs::write(&projects, project)?;
    let mut command = Command::new(server);
    command
        .current_dir(folder)
        .args(["serve", "--apply"])
        .arg(&projects)
        .env("RINGFENCE__DATABASE__URL", format!("sqlite:{}", folder.join("bench.db").display()))
        .env("RINGFENCE__SERVER__LISTEN", listen.to_string())
        .env("RINGFENCE__SERVER__ADMIN_LISTEN", admin.to_string());
    let trust = tls.then(|| Trust::make(folder)).transpose()?;
    if trust.is_some() {
        command.env("RINGFENCE__SERVER__TLS__CERTIFICATE", "cert.pem").env("RINGFENCE__SERVER__TLS__KEY", "key.pem");
    }
    let mut server = Program::start(&mut command, listen, &folder.join("server.log"))?;
    server.trust = trust;
    Ok(server)
}

/// Opens ever more sockets and prints what one takes; a plot goes to a folder.
pub(crate) fn curve(server: &Path, crowds: &[usize], plots: &Path) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = serve(server, folder.path(), false)?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let (sender, _closed) = mpsc::unbounded_channel();
        let owners = (0..100).map(|_| credential(&server, None)).collect::<Result<Vec<_>, _>>()?;
        let settled = server.memory()?;
        let (mut there, mut report, mut points) = (0, Report::default(), Vec::new());
        for &sockets in crowds {
            let tokens = (there..sockets).map(|number| token(&server, &owners[number % owners.len()].id));
            let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
            open(&server, there, &tokens, 0, &sender).await?;
            there = sockets;
            tokio::time::sleep_until((now() + Duration::from_secs(8)).into()).await;
            let kib = server.memory()?.saturating_sub(settled);
            report.row("memory of an idle authenticated socket (target: ≤ 6 KiB)", sockets, kib_each(kib, sockets));
            points.push((to_f64(sockets), to_f64(kib) / to_f64(sockets)));
        }
        table::print("Ever more sockets", &["what", "sockets", "result"], &report.rows);
        let title = "Memory of an idle authenticated socket";
        let plot = Plot { title, across: "sockets", up: "KiB a socket", points: &points };
        plot.write(&plots.join("sockets.svg"))?;
        document::keep("\n![Memory of an idle socket over their number](performance/sockets.svg)\n");
        Ok(())
    })
}

async fn measure(server: &Program, plan: &Plan) -> anyhow::Result<()> {
    let mut report = Report::default();
    let (sender, mut closed) = mpsc::unbounded_channel();
    let (crowd, crowd_ends) = crowd(server, plan)?;
    let settled = server.memory()?;
    let opening = now();
    open(server, 0, &crowd, 0, &sender).await?;
    report.row("log in, each by a token of its own", plan.sockets, per_second(plan.sockets, opening.elapsed()));
    tokio::time::sleep_until((now() + Duration::from_secs(20)).into()).await;
    let kib = server.memory()?.saturating_sub(settled);
    report.row("memory of an idle authenticated socket", plan.sockets, kib_each(kib, plan.sockets));
    let cpu = server.cpu()?;
    tokio::time::sleep_until((now() + Duration::from_secs(15)).into()).await;
    let busy = (server.cpu()?.saturating_sub(cpu)).as_secs_f64() / 15.0;
    report.row("CPU while idle, pings both ways every 15 s", plan.sockets, format!("{:.1} % of a core", busy * 100.0));
    revoke(server, plan, &sender, &mut closed, &mut report).await?;
    expire(server, plan, crowd_ends, &mut closed, &mut report).await?;
    let title = if plan.tls { "Open connections by TLS" } else { "Open connections" };
    table::print(title, &["what", "sockets", "result"], &report.rows);
    Ok(())
}

/// Tokens of the crowd, which all end at the same second.
fn crowd(server: &Program, plan: &Plan) -> anyhow::Result<(Vec<Arc<str>>, Instant)> {
    let ends = std::time::Duration::from_secs(wall()?.as_secs()) + plan.life;
    let ends_at = now() + ends.saturating_sub(wall()?);
    // A tag holds no more than so many credentials; a credential any number of tokens.
    let credentials: Vec<Credential> = (0..100).map(|_| credential(server, Some(ends))).collect::<Result<_, _>>()?;
    let tokens = (0..plan.sockets).map(|number| token(server, &credentials[number % credentials.len()].id));
    Ok((tokens.collect::<Result<_, _>>()?, ends_at))
}

async fn open(
    server: &Program,
    first: usize,
    tokens: &[Arc<str>],
    group: usize,
    closed: &mpsc::UnboundedSender<Closed>,
) -> anyhow::Result<()> {
    let mut opening = tokio::task::JoinSet::new();
    for (number, token) in tokens.iter().enumerate() {
        if opening.len() == ABREAST {
            opening.join_next().await.context("somebody is logging in")???;
        }
        opening.spawn(client::stay(
            server.address,
            server.trust.clone(),
            first + number,
            group,
            Arc::clone(token),
            closed.clone(),
        ));
    }
    while let Some(opened) = opening.join_next().await {
        opened??;
    }
    Ok(())
}

async fn revoke(
    server: &Program,
    plan: &Plan,
    sender: &mpsc::UnboundedSender<Closed>,
    closed: &mut mpsc::UnboundedReceiver<Closed>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let victim = credential(server, None)?;
    let tokens = (0..plan.revoked).map(|_| token(server, &victim.id)).collect::<Result<Vec<_>, _>>()?;
    open(server, plan.sockets, &tokens, 1, sender).await?;
    let begun = now();
    let path = format!("/telnyx/v2/telephony_credentials/{}", victim.id);
    let answered =
        tokio::task::block_in_place(|| server.ask("DELETE", &path, &bearer(), "")).map(|_| begun.elapsed())?;
    let delays = wait(closed, plan.revoked, begun).await?;
    report.row("delete their one credential, to its answer", plan.revoked, millis(answered));
    report.row("… to closed, p50 / p99 / last", plan.revoked, spread(&delays));
    Ok(())
}

async fn expire(
    server: &Program,
    plan: &Plan,
    ends: Instant,
    closed: &mut mpsc::UnboundedReceiver<Closed>,
    report: &mut Report,
) -> anyhow::Result<()> {
    ensure!(now() < ends, "logging in took longer than the tokens live");
    let shortly_before = ends.checked_sub(Duration::from_secs(1)).context("tokens live longer than a second")?;
    tokio::time::sleep_until(shortly_before.into()).await;
    let (address, trust, until) = (server.address, server.trust.clone(), ends + Duration::from_secs(4));
    let probing = std::thread::spawn(move || probe(address, trust.as_ref(), until));
    let delays = wait(closed, plan.sockets, ends).await?;
    let mut others = probing.join().map_err(|_| anyhow::anyhow!("the probe panicked"))??;
    others.sort();
    report.row("all expire at one instant, to closed, p50 / p99 / last", plan.sockets, spread(&delays));
    report.row("… other requests meanwhile, p50 / p99 / last", others.len(), spread(&others));
    Ok(())
}

/// Waits until so many are closed, all with the code of an ended session, and returns how long after `since` each was.
async fn wait(
    closed: &mut mpsc::UnboundedReceiver<Closed>,
    count: usize,
    since: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut delays = Vec::with_capacity(count);
    while delays.len() < count {
        let next = tokio::time::timeout(Duration::from_mins(1), closed.recv()).await;
        let next = next.with_context(|| format!("only {} of {count} were closed", delays.len()))?;
        let next = next.context("somebody waits still")?;
        ensure!(next.code == Some(1008), "closed with {:?} in group {}", next.code, next.group);
        delays.push(next.at.saturating_duration_since(since));
    }
    delays.sort();
    Ok(delays)
}

/// Asks for the public keys again and again until `end`, and returns how long each answer took. On a thread of its own: what
/// it measures is the server and not the clients around it.
fn probe(server: SocketAddr, trust: Option<&Trust>, end: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::new();
    let mut stream = connect(server, trust)?;
    let request = format!("GET /.well-known/jwks.json HTTP/1.1\r\nHost: {server}\r\n\r\n");
    let mut answer = vec![0; 16 * 1024];
    while now() < end {
        let begun = now();
        stream.write_all(request.as_bytes())?;
        let read = stream.read(&mut answer)?;
        ensure!(answer[..read].starts_with(b"HTTP/1.1 200"), "the other requests are refused");
        took.push(begun.elapsed());
        std::thread::park_timeout(PROBE);
    }
    Ok(took)
}

struct Credential {
    id: String,
}

fn bearer() -> String {
    format!("Bearer {KEY}")
}

fn credential(server: &Program, ends: Option<Duration>) -> anyhow::Result<Credential> {
    let named = |body: Value| server.ask("POST", "/telnyx/v2/credential_connections", &bearer(), &body.to_string());
    let connection: Value = serde_json::from_str(&named(json!({ "connection_name": "bench" }))?)?;
    let mut body = json!({ "connection_id": connection["data"]["id"] });
    if let Some(ends) = ends {
        body["expires_at"] = rfc3339(ends).into();
    }
    let made = server.ask("POST", "/telnyx/v2/telephony_credentials", &bearer(), &body.to_string())?;
    let made: Value = serde_json::from_str(&made)?;
    Ok(Credential { id: made["data"]["id"].as_str().context("a credential has an id")?.to_owned() })
}

fn token(server: &Program, credential: &str) -> anyhow::Result<Arc<str>> {
    let path = format!("/telnyx/v2/telephony_credentials/{credential}/token");
    Ok(server.ask("POST", &path, &bearer(), "")?.into())
}

/// Time since the epoch, as RFC 3339.
fn rfc3339(since_epoch: Duration) -> String {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    ringfence_core::time::Timestamp::from_seconds(seconds).rfc3339()
}

#[expect(clippy::disallowed_methods, reason = "a measuring program lives in real time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a measuring program lives in real time")]
fn wall() -> anyhow::Result<Duration> {
    Ok(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?)
}

#[derive(Default)]
struct Report {
    rows: Vec<Vec<String>>,
}

impl Report {
    fn row(&mut self, what: &str, sockets: usize, result: String) {
        self.rows.push(vec![what.to_owned(), sockets.to_string(), result]);
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn spread(sorted: &[Duration]) -> String {
    let at = |share: usize| sorted.get((sorted.len() * share / 100).min(sorted.len() - 1)).copied().unwrap_or_default();
    format!("{} / {} / {}", millis(at(50)), millis(at(99)), millis(at(100)))
}

fn per_second(count: usize, time: Duration) -> String {
    format!("{:.0} a second", to_f64(count) / time.as_secs_f64())
}

fn kib_each(kib: usize, count: usize) -> String {
    format!("{:.1} KiB", to_f64(kib) / to_f64(count))
}

fn to_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
