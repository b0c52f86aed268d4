//! Everything in one run, and what a part of it leaves in the document when it runs alone.

use std::{path::Path, time::Duration};

use anyhow::Context as _;

use crate::{core, document, fanout, flood, growth, peers, quiet, sockets};

/// What to measure everything with.
pub(crate) struct Plan<'a> {
    /// The release binary.
    pub(crate) server: &'a Path,
    /// Where peers are installed.
    pub(crate) cache: &'a Path,
    /// The URL of an empty database of PostgreSQL.
    pub(crate) postgres: Option<&'a str>,
    /// Everything as short as it can be.
    pub(crate) short: bool,
}

/// Everything, in some twenty minutes, into the document.
#[expect(clippy::print_stdout, reason = "the result of a command line tool")]
pub(crate) fn run(plan: &Plan<'_>, document: Option<&Path>) -> anyhow::Result<()> {
    let &Plan { server, cache, postgres, short } = plan;
    let document = document.context("say by --document where the figures go")?;
    let time = Duration::from_secs(if short { 1 } else { 2 });
    let rounds = if short { 1 } else { 5 };
    let many = if short { 500 } else { 10_000 };
    document::keep(&format!("\nMeasured on {}.\n", machine()?));
    core::run(&core::Plan { server, postgres, rounds, time })?;
    peers::run(&peers::Plan { server, cache, postgres, rounds: if short { 1 } else { 3 }, time })?;
    flood::run(server, Duration::from_secs(5))?;
    growth::run(server, &growth::sizes(if short { 10_000 } else { 1_000_000 }), time, Some(document))?;
    growth::purge(server, if short { 10_000 } else { 200_000 })?;
    let crowds: &[usize] = if short { &[100, 500] } else { &[1_000, 5_000, 10_000, 19_000] };
    sockets::curve(server, crowds, document)?;
    for (tls, life) in [(false, 120), (true, 240)] {
        let life = Duration::from_secs(if short { 60 } else { life });
        sockets::run(server, &sockets::Plan { sockets: many, revoked: many / 10, life, tls })?;
    }
    fanout::run(server, many)?;
    if let Some(postgres) = postgres {
        sockets::across_nodes(server, postgres, many / 10)?;
    }
    let summary = quiet::summary();
    println!("\n{summary}");
    document::keep(&format!("\n### Void slices\n\n{summary}\n"));
    document::write(document)
}

/// Ends a part that ran alone: its tables go into the document, if one was named, and say so.
#[expect(clippy::print_stdout, reason = "the result of a command line tool")]
pub(crate) fn apart(document: Option<&Path>) -> anyhow::Result<()> {
    let summary = quiet::summary();
    println!("\n{summary}");
    let Some(document) = document else { return Ok(()) };
    document::keep(&format!("\nMeasured apart from the rest, on {}. {summary}\n", machine()?));
    document::write_sections(document)
}

/// The machine that is measured on.
fn machine() -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let info = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let model = model.trim_matches([':', '\t', ' ']);
    Ok(format!("{cores} cores ({model}), loopback; load average {load}"))
}
