//! Measurements: builds the server and the measuring program as users get them, then hands over.

use std::{
    ffi::OsStr,
    fmt::Display,
    path::{Path, PathBuf},
    process::Command,
};

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

/// What to measure, and where the figures go.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    what: Bench,
    /// Put the tables of this part into a document, in place of those with the same headings: docs/performance.md. `all`
    /// does so with everything.
    #[arg(long, global = true, value_name = "FILE")]
    document: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Bench {
    /// Guest and password sign-in, verification and minting over HTTP, beside the machine's own limits.
    Core(Slices),
    /// All of it beside limits and peers, in some twenty minutes; the figures of docs/performance.md are replaced.
    All {
        /// Everything as short as it can be, to see that it runs.
        #[arg(long)]
        short: bool,
    },
    /// Five hundred sign-ins by password at once.
    Flood,
    /// The same operations with ever more users, and ended rows removed meanwhile.
    Growth(Growth),
    /// Other servers of this kind on this machine.
    Peers {
        /// Rounds; medians are over these.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// Idle authenticated sockets: their memory, and how soon they close when they must.
    Sockets(Crowd),
    /// One frame for everybody: warnings to all open sockets at one instant, beside bare sends.
    Fanout {
        /// Open sockets; a process may hold 20,000 descriptors.
        #[arg(long, default_value_t = 10_000)]
        sockets: usize,
    },
    /// What is ended on one of two nodes on PostgreSQL closes sockets of the other.
    Nodes,
    /// Renewals whose answers get lost or that two tabs ask for at once, on both engines.
    Refresh(Renewals),
    /// Moving many identities from SQLite to PostgreSQL, and letting a sample of them in.
    Move(Many),
    /// Pages of the console over many users and applications, the slowest first.
    Console(Crowded),
}

/// How many users, and how many rows that ended.
#[derive(Args)]
struct Growth {
    /// The most users: a thousand, ten times as many, and so on up to these.
    #[arg(long, default_value_t = 1_000_000)]
    users: u64,
    /// Sessions that ended and are removed.
    #[arg(long, default_value_t = 200_000)]
    ended: u64,
}

/// How much there is to list.
#[derive(Args)]
struct Crowded {
    /// Users.
    #[arg(long, default_value_t = 1_000_000)]
    users: u32,
    /// Applications.
    #[arg(long, default_value_t = 10_000)]
    applications: u32,
}

/// How many identities.
#[derive(Args)]
struct Many {
    /// With a password, a session and a refresh token each.
    #[arg(long, default_value_t = 1_000_000)]
    identities: u32,
}

/// How many renewals.
#[derive(Args)]
struct Renewals {
    /// On each engine.
    #[arg(long, default_value_t = 100_000)]
    refreshes: usize,
    /// Where chance begins.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How many sockets.
#[derive(Args)]
struct Crowd {
    /// Idle sockets; a process may hold 20,000 descriptors.
    #[arg(long, default_value_t = 10_000)]
    sockets: usize,
    /// By TLS.
    #[arg(long)]
    tls: bool,
}

/// How long to measure.
#[derive(Args)]
struct Slices {
    /// Rounds; medians are over these.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of one slice.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
}

/// Builds and measures.
pub fn run(options: &Options) -> Result<()> {
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
    let document = options.document.as_deref();
    match &options.what {
        Bench::Refresh(renewals) => refresh(&release, &Postgres::start()?, renewals),
        Bench::Move(many) => relocate(&release, &Postgres::start()?, many),
        Bench::All { short } => {
            let mut command = measure(&release, "all", Some(document.unwrap_or(Path::new(DOCUMENT))));
            command.args(short.then_some("--short"));
            with_postgres(command.arg("--cache").arg(target()?.join("peers")))
        }
        Bench::Peers { rounds } => {
            let mut command = measure(&release, "peers", document);
            command.arg("--cache").arg(target()?.join("peers"));
            with_postgres(command.args(["--rounds", &rounds.to_string()]))
        }
        Bench::Nodes => with_postgres(&mut measure(&release, "nodes", document)),
        Bench::Console(Crowded { users, applications }) => run_command(
            measure(&release, "console", document).args(numbers(&[("users", users), ("applications", applications)])),
        ),
        Bench::Sockets(crowd) => run_command(
            measure(&release, "sockets", document)
                .args(numbers(&[("sockets", &crowd.sockets), ("life", &if crowd.tls { 240 } else { 120 })]))
                .args(crowd.tls.then_some("--tls")),
        ),
        Bench::Fanout { sockets } => {
            run_command(measure(&release, "fanout", document).args(numbers(&[("sockets", sockets)])))
        }
        Bench::Flood => run_command(&mut measure(&release, "flood", document)),
        Bench::Growth(Growth { users, ended }) => {
            run_command(measure(&release, "growth", document).args(numbers(&[("users", users), ("ended", ended)])))
        }
        Bench::Core(Slices { rounds, seconds }) => {
            run_command(measure(&release, "core", document).args(numbers(&[("rounds", rounds), ("seconds", seconds)])))
        }
    }
}

/// The figures of the project.
const DOCUMENT: &str = "docs/performance.md";

/// The measuring program, told what to measure in which build.
fn measure(build: &Path, what: &str, document: Option<&Path>) -> Command {
    let mut command = Command::new(build.join("ringfence-bench"));
    command.arg(what).arg("--server").arg(build.join("ringfence"));
    command.args(document.iter().flat_map(|document| [OsStr::new("--document"), document.as_os_str()]));
    command
}

/// Options that are numbers.
fn numbers(options: &[(&str, &dyn Display)]) -> Vec<String> {
    options.iter().flat_map(|(name, number)| [format!("--{name}"), number.to_string()]).collect()
}

/// Runs it with a database on a server of its own, where it may make others.
fn with_postgres(command: &mut Command) -> Result<()> {
    let postgres = Postgres::start()?;
    command.arg("--postgres").arg(postgres.create("bench")?);
    // What the database uses is ours.
    run_command(command.args(["--beside", &postgres.id().to_string()]))
}

fn relocate(build: &Path, postgres: &Postgres, many: &Many) -> Result<()> {
    let mut command = Command::new(build.join("ringfence-bench"));
    command.args(["move", "--server"]).arg(build.join("ringfence"));
    let database = postgres.create("bench_move")?;
    run_command(command.args(["--to", &database, "--identities", &many.identities.to_string()]))?;
    sizes::print(postgres, &database, many.identities)
}

/// A minute of figures that no build may be worse than, with the debug build, as a step of the tests.
pub fn gates() -> Result<()> {
    let build = debug_build()?;
    run_command(&mut measure(&build, "gates", None))
}

/// Builds both programs as the tests use them, and says where they are.
fn debug_build() -> Result<PathBuf> {
    server::build()?;
    run_command(cargo().args(["build", "--locked", "--package", "ringfence-bench"]))?;
    Ok(target()?.join("debug"))
}

/// Renewals in few and with the debug build, as a step of the tests.
pub fn refresh_few(shared: &Shared) -> Result<()> {
    refresh(&debug_build()?, shared.postgres()?, &Renewals { refreshes: FEW, seed: 1 })
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
