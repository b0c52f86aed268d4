//! Operations over HTTP, slice by slice beside their floors.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    load::{self, Client, percentile},
    process::{Program, free_address},
    quiet,
    raw::{self, Raw},
    scratch,
    table::{self, Spread},
    wrk,
};

mod clients;
mod scenarios;

pub(crate) use scenarios::Asked;
use scenarios::{Limit, Scenario, Where};

/// Connections of a scenario.
pub(crate) const CONNECTIONS: usize = 64;

/// What to measure, and how long.
pub(crate) struct Plan<'a> {
    /// The release binary.
    pub(crate) server: &'a Path,
    /// The URL of an empty database of PostgreSQL, if there is one.
    pub(crate) postgres: Option<&'a str>,
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
}

/// What one slice of a scenario and of the floor with the same request showed.
#[derive(Clone, Copy)]
struct Measured {
    rate: f64,
    micros: f64,
    p99: f64,
    floor_rate: f64,
    floor_micros: f64,
    /// What bounds it apart from HTTP, per second and in CPU, as measured in the same round.
    limit_rate: f64,
    limit_micros: f64,
}

/// The servers of a run.
pub(crate) struct Servers {
    pub(crate) sqlite: Program,
    pub(crate) postgres: Option<Program>,
    pub(crate) floor: Program,
    pub(crate) folder: tempfile::TempDir,
}

impl Servers {
    /// Starts all of them.
    pub(crate) fn start(plan: &Plan<'_>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let sqlite = scratch::serve(plan.server, folder.path())?;
        let second: PathBuf = folder.path().join("postgres");
        std::fs::create_dir(&second)?;
        let postgres = plan.postgres.map(|url| scratch::serve_on(plan.server, &second, url)).transpose()?;
        let address = free_address()?;
        let mut floor = Command::new(std::env::current_exe()?);
        floor.args(["floor", "--listen", &address.to_string()]);
        let floor = Program::start(&mut floor, address, &folder.path().join("floor.log"))?;
        Ok(Self { sqlite, postgres, floor, folder })
    }

    fn at(&self, place: Where) -> Option<&Program> {
        match place {
            Where::Sqlite => Some(&self.sqlite),
            Where::Postgres => self.postgres.as_ref(),
        }
    }
}

/// Runs everything and prints the tables.
pub(crate) fn run(plan: &Plan<'_>) -> anyhow::Result<()> {
    let servers = Servers::start(plan)?;
    let mut scenarios = scenarios::all(&servers)?;
    let mut measured: Vec<Vec<Measured>> = scenarios.iter().map(|_| Vec::new()).collect();
    let mut floors = Vec::new();
    for _ in 0..plan.rounds {
        let raw =
            quiet::slice("the machine's limits", || Raw::measure(servers.folder.path(), plan.postgres, plan.time))?;
        for (scenario, results) in scenarios.iter_mut().zip(&mut measured) {
            // A void slice says nothing; the others still do.
            match slice(&servers, scenario, &raw, plan.time) {
                Ok(measured) => results.extend(measured),
                Err(void) => eprintln!("{}: {void:#}", scenario.name),
            }
        }
        floors.push(raw);
    }
    report(&scenarios, &measured);
    raw::report(&floors);
    Ok(())
}

/// One slice of the floor and one of ours; none where there is no such server.
fn slice(servers: &Servers, scenario: &mut Scenario, raw: &Raw, time: Duration) -> anyhow::Result<Option<Measured>> {
    let Some(ours) = servers.at(scenario.place) else { return Ok(None) };
    let folder = servers.folder.path();
    let mut nothing = scenario.floor();
    let shorter = Duration::from_secs(1).max(time / 2);
    let floor = quiet::slice(scenario.name, || ask(folder, &servers.floor, &mut nothing, shorter))?;
    let slice = quiet::slice(scenario.name, || ask(folder, ours, &mut scenario.asked, time))?;
    let (limit_rate, limit_micros) = match scenario.limit {
        Limit::Http => (f64::INFINITY, 0.0),
        Limit::Rows => (raw.commits.per_second, raw.commits.micros),
        Limit::RowsAndMint => (raw.commits.per_second, raw.commits.micros + raw.mint("HS256")),
        Limit::Postgres => (raw.postgres.unwrap_or(f64::NAN), 0.0),
        Limit::Hashing => (raw.hashes.per_second, raw.hashes.micros),
        Limit::Mint(alg) => (1e6 / raw.mint(alg), raw.mint(alg)),
    };
    Ok(Some(Measured {
        rate: slice.rate,
        micros: slice.micros,
        p99: slice.p99,
        floor_rate: floor.rate,
        floor_micros: floor.micros,
        limit_rate,
        limit_micros,
    }))
}

/// Somebody who renews a session again and again.
pub(crate) fn refresher(server: &Program) -> anyhow::Result<Box<dyn Client>> {
    Ok(Box::new(clients::Refresher::of(server)?))
}

/// Somebody who brings a token of an integrator for somebody new each time.
pub(crate) fn exchanger() -> anyhow::Result<Box<dyn Client>> {
    Ok(Box::new(clients::Exchanger::of(0)?))
}

/// What one slice showed.
pub(crate) struct Slice {
    pub(crate) rate: f64,
    pub(crate) micros: f64,
    pub(crate) p99: f64,
}

/// Drives a program and reads its CPU time.
pub(crate) fn ask(folder: &Path, program: &Program, asked: &mut Asked, time: Duration) -> anyhow::Result<Slice> {
    let before = program.cpu()?;
    let (rate, p99, answers) = match asked {
        Asked::Same(request) => {
            let slice = wrk::drive(folder, program.address, request, CONNECTIONS, time)?;
            (slice.rate, slice.p99, slice.requests(time))
        }
        Asked::Clients(clients) => {
            let load = load::drive(program.address, clients, time)?;
            (load.rate, percentile(&load.took, 99), f64::from(u32::try_from(load.answers())?))
        }
    };
    let used = program.cpu()?.saturating_sub(before);
    Ok(Slice { rate, micros: used.as_secs_f64() * 1e6 / answers, p99: p99.as_secs_f64() * 1e3 })
}

fn report(scenarios: &[Scenario], measured: &[Vec<Measured>]) {
    let (mut rows, mut bounds) = (Vec::new(), Vec::new());
    for (scenario, rounds) in scenarios.iter().zip(measured).filter(|(_, rounds)| !rounds.is_empty()) {
        let of = |figure: &dyn Fn(&Measured) -> f64| Spread::of(rounds.iter().map(figure).collect());
        let median = |figure: &dyn Fn(&Measured) -> f64| of(figure).median;
        rows.push(vec![
            scenario.name.to_owned(),
            format!("{:.0}", median(&|round| round.rate)),
            of(&|round| round.rate / round.floor_rate).show(),
            format!("{:.1}", median(&|round| round.micros)),
            format!("{:.1}", median(&|round| round.floor_micros)),
            format!("{:+.1}", median(&|round| round.micros - round.floor_micros)),
            format!("{:.1}", median(&|round| round.p99)),
            scenario.target.to_owned(),
        ]);
        if !matches!(scenario.limit, Limit::Http) {
            bounds.push(vec![
                scenario.name.to_owned(),
                format!("{:.0}", median(&|round| round.limit_rate)),
                of(&|round| round.rate / round.limit_rate).show(),
                of(&|round| round.micros / (round.floor_micros + round.limit_micros)).show(),
            ]);
        }
    }
    let header = [
        "over HTTP, 64 connections",
        "per second",
        "of no-op (min–max)",
        "CPU µs",
        "no-op µs",
        "more µs",
        "p99 ms",
        "target",
    ];
    table::print("Operations beside axum answering the same request with nothing", &header, &rows);
    let header = ["", "its limit per second", "of its limit (min–max)", "CPU, of no-op and limit together (min–max)"];
    table::print("Operations beside what bounds them apart from HTTP", &header, &bounds);
}
