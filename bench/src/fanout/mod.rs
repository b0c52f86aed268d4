//! One frame for everybody: the warning before tokens end, to thousands of sockets at one instant, beside bare sends.
//!
//! A token is warned of three times, so a crowd gives three rounds. Before each, the bare sender has one.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, ensure};

use crate::{
    listeners::{self, Crowd, authenticate, behind},
    load::{now, percentile},
    process::Program,
    quiet::Watch,
    scratch::Setup,
    sockets::{Others, Report, millis, spread, to_f64},
    table::Spread,
};

mod bare;

use bare::Bare;
pub(crate) use bare::{listen, serve as serve_bare};

const KEY: &str = "fedcba9876543210fedcba9876543210";
/// Their project: tokens that live long enough to open all sockets, and one warning more than the usual two.
const PROJECT: &str = r#"
[[project]]
name = "listeners"
tokens = { access = "90s" }

[[project.application]]
name = "listeners"
publishable_key = "fedcba9876543210fedcba9876543210"
inbound = "all"
socket = { warning = "35s", grace = "10s" }
"#;
/// Seconds before the end at which it is said.
const WARNINGS: [u64; 3] = [35, 30, 10];
/// Before a warning is due, the bare sender sends; pings come at other times.
const BARE_AHEAD: Duration = Duration::from_secs(3);
/// Between the reading of CPU time and what is measured.
const MARGIN: Duration = Duration::from_secs(1);
/// Identities that share the sockets.
const GUESTS: usize = 100;

/// What one round showed.
struct Round {
    bare: Vec<Duration>,
    ours: Vec<Duration>,
    /// Counted from when it was due.
    due: Vec<Duration>,
    others: Vec<Duration>,
    bare_cpu: Duration,
    our_cpu: Duration,
}

/// Measures with so many sockets, and prints.
pub(crate) fn run(server: &Path, sockets: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let ours = Setup { more: PROJECT, ..Setup::default() }.serve(server, folder.path())?;
    let mut bare = Bare::start(folder.path(), sockets)?;
    let rounds = tokio::runtime::Runtime::new()?.block_on(measure(&ours, &mut bare, sockets))?;
    report(&rounds, sockets);
    Ok(())
}

async fn measure(ours: &Program, bare: &mut Bare, sockets: usize) -> anyhow::Result<Vec<Round>> {
    let (tokens, ends) = listeners::tokens(ours, KEY, GUESTS)?;
    let mut crowd = Crowd::open(ours.address, listeners::WARNED, &authenticate(&tokens, sockets)).await?;
    let mut rounds = Vec::new();
    for left in WARNINGS {
        let due = ends.checked_sub(Duration::from_secs(left)).context("tokens live longer")?;
        let at = |ahead: Duration| due.checked_sub(ahead).context("it is due later");
        ensure!(now() < at(BARE_AHEAD)?, "opening the sockets took too long");
        tokio::time::sleep_until(at(BARE_AHEAD)?.into()).await;
        let watch = Watch::begin()?;
        let cpu = bare.sender.cpu()?;
        let bare_behind = tokio::task::block_in_place(|| bare.round())?;
        tokio::time::sleep_until(at(MARGIN)?.into()).await;
        let bare_cpu = bare.sender.cpu()?.saturating_sub(cpu);

        let cpu = ours.cpu()?;
        let others = Others::until(due + MARGIN, ours);
        let arrived = crowd.all().await?;
        tokio::time::sleep_until((due + MARGIN).into()).await;
        let our_cpu = ours.cpu()?.saturating_sub(cpu);
        let late = arrived.iter().map(|at| at.saturating_duration_since(due)).collect();
        let others = others.took()?;
        watch.end("warnings to all sockets")?;
        rounds.push(Round { bare: bare_behind, ours: behind(&arrived), due: late, others, bare_cpu, our_cpu });
    }
    Ok(rounds)
}

fn report(rounds: &[Round], sockets: usize) {
    let mut report = Report::default();
    // Of several rounds the one in the middle, by p99.
    let middle = |of: fn(&Round) -> &Vec<Duration>| {
        let mut sorted: Vec<_> = rounds.iter().map(of).collect();
        sorted.sort_by_key(|times| percentile(times, 99));
        sorted.get(sorted.len() / 2).map(|times| spread(times)).unwrap_or_default()
    };
    let micros = |of: fn(&Round) -> Duration| {
        let each = rounds.iter().map(|round| of(round).as_secs_f64() * 1e6 / to_f64(sockets));
        format!("{:.1} µs", Spread::of(each.collect()).median)
    };
    let p99 = |times: &[Duration]| percentile(times, 99).as_secs_f64();
    let ratio = Spread::of(rounds.iter().map(|round| p99(&round.ours) / p99(&round.bare)).collect());
    let last = rounds.iter().filter_map(|round| round.due.last()).max().copied().unwrap_or_default();
    let asked = rounds.iter().map(|round| round.others.len()).sum();
    report.row("bare sends, first to p50 / p99 / last", sockets, middle(|round| &round.bare), "");
    report.row("warnings, first to p50 / p99 / last", sockets, middle(|round| &round.ours), "");
    report.row("… p99 of bare sends (min–max)", sockets, ratio.show(), "≤ 2.00");
    report.row("… the last of all, from when it was due", sockets, millis(last), "< 1 s");
    report.row("… other requests meanwhile, p50 / p99 / last", asked, middle(|round| &round.others), "p99 < 50 ms");
    report.row("CPU of a bare send", sockets, micros(|round| round.bare_cpu), "");
    report.row("CPU of a warning", sockets, micros(|round| round.our_cpu), "");
    report.print("A frame for everybody");
}
