//! Open connections: what an idle one costs, and how soon many close when they must.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tokio::sync::mpsc;

use crate::{
    load::now,
    plot::Plot,
    process::Program,
    quiet::Watch,
    scratch::{self, Setup},
};

mod client;
mod nodes;
mod others;
mod report;
mod tokens;

use client::Closed;
pub(crate) use nodes::run as across_nodes;
pub(crate) use others::Others;
pub(crate) use report::{Report, millis, spread, to_f64};
use report::{kib_each, per_second};
use tokens::{Credential, bearer, crowd};

/// Logins at once.
const ABREAST: usize = 32;

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
    let server = Setup { tls: plan.tls, ..Setup::default() }.serve(server, folder.path())?;
    tokio::runtime::Runtime::new()?.block_on(measure(&server, plan))
}

/// Opens ever more sockets and prints what one takes; the plot goes beside the document.
pub(crate) fn curve(server: &Path, crowds: &[usize], document: &Path) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = scratch::serve(server, folder.path())?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let (sender, _closed) = mpsc::unbounded_channel();
        let owners = (0..100).map(|_| Credential::make(&server, None)).collect::<Result<Vec<_>, _>>()?;
        let settled = server.memory()?;
        let (mut there, mut report, mut points) = (0, Report::default(), Vec::new());
        for &sockets in crowds {
            let tokens = owners.iter().cycle().take(sockets - there).map(|owner| owner.token(&server));
            let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
            open(&server, there, &tokens, 0, &sender).await?;
            there = sockets;
            tokio::time::sleep_until((now() + Duration::from_secs(8)).into()).await;
            let kib = server.memory()?.saturating_sub(settled);
            report.row("memory of an idle authenticated socket", sockets, kib_each(kib, sockets), "≤ 6 KiB");
            points.push((to_f64(sockets), to_f64(kib) / to_f64(sockets)));
        }
        report.print("Ever more sockets");
        let title = "Memory of an idle authenticated socket";
        let plot = Plot { title, across: "sockets", up: "KiB a socket", points: &points };
        plot.keep(document, "sockets", "Memory of an idle socket over their number")
    })
}

async fn measure(server: &Program, plan: &Plan) -> anyhow::Result<()> {
    let mut report = Report::default();
    let (sender, mut closed) = mpsc::unbounded_channel();
    let (crowd, crowd_ends) = crowd(server, plan.sockets, plan.life)?;
    let settled = server.memory()?;
    let opening = now();
    open(server, 0, &crowd, 0, &sender).await?;
    report.row("log in, each by a token of its own", plan.sockets, per_second(plan.sockets, opening.elapsed()), "");
    tokio::time::sleep_until((now() + Duration::from_secs(20)).into()).await;
    let kib = server.memory()?.saturating_sub(settled);
    let target = if plan.tls { "≤ 20 KiB" } else { "≤ 6 KiB" };
    report.row("memory of an idle authenticated socket", plan.sockets, kib_each(kib, plan.sockets), target);
    let cpu = server.cpu()?;
    tokio::time::sleep_until((now() + Duration::from_secs(15)).into()).await;
    let busy = (server.cpu()?.saturating_sub(cpu)).as_secs_f64() / 15.0;
    let busy = format!("{:.1} % of a core", busy * 100.0);
    report.row("CPU while idle, pings both ways every 15 s", plan.sockets, busy, "");
    revoke(server, plan, &sender, &mut closed, &mut report).await?;
    expire(server, plan, crowd_ends, &mut closed, &mut report).await?;
    report.print(if plan.tls { "Open connections by TLS" } else { "Open connections" });
    Ok(())
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
    let victim = Credential::make(server, None)?;
    let tokens = (0..plan.revoked).map(|_| victim.token(server)).collect::<Result<Vec<_>, _>>()?;
    open(server, plan.sockets, &tokens, 1, sender).await?;
    let (watch, begun) = (Watch::begin()?, now());
    let path = format!("/telnyx/v2/telephony_credentials/{}", victim.id);
    let answered =
        tokio::task::block_in_place(|| server.ask("DELETE", &path, &bearer(), "")).map(|_| begun.elapsed())?;
    let delays = wait(closed, plan.revoked, begun).await?;
    watch.end("sockets of one identity revoked")?;
    report.row("delete their one credential, to its answer", plan.revoked, millis(answered), "");
    report.row("… to closed, p50 / p99 / last", plan.revoked, spread(&delays), "p99 < 100 ms");
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
    let watch = Watch::begin()?;
    let others = Others::until(ends + Duration::from_secs(4), server);
    let delays = wait(closed, plan.sockets, ends).await?;
    let others = others.took()?;
    watch.end("sockets that expire at one instant")?;
    let expired = "all expire at one instant, to closed, p50 / p99 / last";
    report.row(expired, plan.sockets, spread(&delays), "last < 1 s");
    report.row("… other requests meanwhile, p50 / p99 / last", others.len(), spread(&others), "p99 < 50 ms");
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
