//! Measurements: builds the server and the measuring program as users get them, then hands over.

use std::{path::Path, process::Command};

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::{
    postgres::Postgres,
    process::{cargo, run as run_command, target},
    server, sizes,
    test::Shared,
};

/// Renewals in the tests.
const FEW: usize = 2_000;

/// What to measure.
#[derive(Subcommand)]
pub enum Bench {
    /// Guest and password sign-in, verification and minting over HTTP, beside the machine's own limits.
    Core(Slices),
    /// All of it beside limits and peers, in some ten minutes; the figures of docs/performance.md are replaced.
    All {
        /// Everything as short as it can be, to see that it runs.
        #[arg(long)]
        short: bool,
    },
    /// Idle authenticated sockets: their memory, and how soon they close when they must.
    Sockets(Crowd),
    /// Renewals whose answers get lost or that two tabs ask for at once, on both engines.
    Refresh(Renewals),
    /// Moving many identities from SQLite to PostgreSQL, and letting a sample of them in.
    Move(Many),
    /// Pages of the console over many users and applications, the slowest first.
    Console(Crowded),
}

/// How much there is to list.
#[derive(Args)]
pub struct Crowded {
    /// Users.
    #[arg(long, default_value_t = 1_000_000)]
    users: u32,
    /// Applications.
    #[arg(long, default_value_t = 10_000)]
    applications: u32,
}

/// How many identities.
#[derive(Args)]
pub struct Many {
    /// With a password, a session and a refresh token each.
    #[arg(long, default_value_t = 1_000_000)]
    identities: u32,
}

/// How many renewals.
#[derive(Args)]
pub struct Renewals {
    /// On each engine.
    #[arg(long, default_value_t = 100_000)]
    refreshes: usize,
    /// Where chance begins.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How many sockets.
#[derive(Args)]
pub struct Crowd {
    /// Idle sockets; a process may hold 20,000 descriptors.
    #[arg(long, default_value_t = 10_000)]
    sockets: usize,
    /// By TLS.
    #[arg(long)]
    tls: bool,
}

/// How long to measure.
#[derive(Args)]
pub struct Slices {
    /// Rounds; medians are over these.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of one slice.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
}

/// Builds and measures.
pub fn run(bench: &Bench) -> Result<()> {
    run_command(cargo().args([
        "build",
        "--locked",
        "--release",
        "--package",
        "ringfence-server",
        "--package",
        "ringfence-bench",
    ]))?;
    let release = target()?.join("release");
    let mut command = Command::new(release.join("ringfence-bench"));
    match bench {
        Bench::Refresh(renewals) => return refresh(&release, &Postgres::start()?, renewals),
        Bench::Move(many) => return relocate(&release, &Postgres::start()?, many),
        Bench::All { short } => return all(&release, *short),
        Bench::Console(crowded) => command.args(["console", "--server"]).arg(release.join("ringfence")).args([
            "--users",
            &crowded.users.to_string(),
            "--applications",
            &crowded.applications.to_string(),
        ]),
        Bench::Sockets(crowd) => command
            .args(["sockets", "--server"])
            .arg(release.join("ringfence"))
            .args(["--sockets", &crowd.sockets.to_string()])
            .args(crowd.tls.then_some("--tls")),
        Bench::Core(slices) => command.args(["core", "--server"]).arg(release.join("ringfence")).args([
            "--rounds",
            &slices.rounds.to_string(),
            "--seconds",
            &slices.seconds.to_string(),
        ]),
    };
    run_command(&mut command)
}

fn relocate(build: &Path, postgres: &Postgres, many: &Many) -> Result<()> {
    let mut command = Command::new(build.join("ringfence-bench"));
    command.args(["move", "--server"]).arg(build.join("ringfence"));
    let database = postgres.create("bench_move")?;
    run_command(command.args(["--to", &database, "--identities", &many.identities.to_string()]))?;
    sizes::print(postgres, &database, many.identities)
}

fn all(release: &Path, short: bool) -> Result<()> {
    let postgres = Postgres::start()?;
    let mut command = Command::new(release.join("ringfence-bench"));
    command.args(["all", "--document", "docs/performance.md", "--server"]).arg(release.join("ringfence"));
    command.arg("--cache").arg(target()?.join("peers")).arg("--postgres").arg(postgres.create("bench_all")?);
    command.args(short.then_some("--short"));
    run_command(&mut command)
}

/// The same in few and with the debug build, as a step of the tests.
pub fn refresh_few(shared: &Shared) -> Result<()> {
    server::build()?;
    run_command(cargo().args(["build", "--locked", "--package", "ringfence-bench"]))?;
    refresh(&target()?.join("debug"), shared.postgres()?, &Renewals { refreshes: FEW, seed: 1 })
}

fn refresh(build: &Path, postgres: &Postgres, renewals: &Renewals) -> Result<()> {
    for database in [None, Some(postgres.create("bench_refresh")?)] {
        let mut command = Command::new(build.join("ringfence-bench"));
        command.args(["refresh", "--server"]).arg(build.join("ringfence"));
        command.args(["--refreshes", &renewals.refreshes.to_string(), "--seed", &renewals.seed.to_string()]);
        command.args(database.iter().flat_map(|url| ["--database", url]));
        run_command(&mut command)?;
    }
    Ok(())
}
