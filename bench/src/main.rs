//! Measures Ringfence beside the machine's own limits, slice by slice in one run.
//!
//! Only ratios of one run count: the machine is shared and its hours differ. `cargo xtask bench` builds and starts this.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Parser, Subcommand};

mod console;
mod core;
mod document;
mod flood;
mod floor;
mod growth;
mod load;
mod peers;
mod plot;
mod process;
mod raw;
mod refresh;
mod relocate;
mod scratch;
mod sockets;
mod table;
mod trust;
mod wrk;

#[derive(Parser)]
#[command(about = "Measures Ringfence beside the machine's own limits")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Guest and password sign-in, verification and minting over HTTP, on SQLite.
    Core {
        /// The release binary of `ringfence`.
        #[arg(long)]
        server: PathBuf,
        /// Rounds; medians are over these.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Seconds of one slice.
        #[arg(long, default_value_t = 2)]
        seconds: u64,
        /// The URL of an empty database of PostgreSQL, to measure there too.
        #[arg(long)]
        postgres: Option<String>,
    },
    /// Five hundred sign-ins by password at once.
    Flood {
        /// The release binary of `ringfence`.
        #[arg(long)]
        server: PathBuf,
    },
    /// The same operations with ever more users, and rows that are removed meanwhile.
    Growth {
        /// The release binary of `ringfence`.
        #[arg(long)]
        server: PathBuf,
        /// The most users.
        #[arg(long, default_value_t = 1_000_000)]
        users: u64,
        /// Sessions that ended and are removed.
        #[arg(long, default_value_t = 200_000)]
        ended: u64,
    },
    /// Other servers of this kind on this machine.
    Peers {
        /// The release binary of `ringfence`.
        #[arg(long)]
        server: PathBuf,
        /// Where they are installed.
        #[arg(long)]
        cache: PathBuf,
        /// Rounds; medians are over these.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// All of it, written into the document.
    All {
        /// The release binary of `ringfence`.
        #[arg(long)]
        server: PathBuf,
        /// Where peers are installed.
        #[arg(long)]
        cache: PathBuf,
        /// The document whose figures are replaced; plots go into the folder of its name.
        #[arg(long)]
        document: PathBuf,
        /// The URL of an empty database of PostgreSQL.
        #[arg(long)]
        postgres: Option<String>,
        /// Everything as short as it can be, to see that it runs.
        #[arg(long)]
        short: bool,
    },
    /// Idle authenticated sockets: their memory, and how soon they close when they must.
    Sockets {
        /// The release binary of `ringfence`.
        #[arg(long)]
        server: PathBuf,
        /// Idle sockets.
        #[arg(long, default_value_t = 10_000)]
        sockets: usize,
        /// Sockets of the identity that is revoked.
        #[arg(long, default_value_t = 1_000)]
        revoked: usize,
        /// Seconds that tokens live: time enough to make them, to log in and to settle.
        #[arg(long, default_value_t = 120)]
        life: u64,
        /// By TLS.
        #[arg(long)]
        tls: bool,
    },
    /// Renewals whose answers get lost or that two tabs ask for at once: no session is lost, and a stolen token ends its own.
    Refresh {
        /// The binary of `ringfence`.
        #[arg(long)]
        server: PathBuf,
        /// The URL of an empty database; a file of SQLite when left out.
        #[arg(long)]
        database: Option<String>,
        /// Renewals in all.
        #[arg(long, default_value_t = 100_000)]
        refreshes: usize,
        /// Where chance begins.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Moves many identities from SQLite to PostgreSQL and lets a sample of them in.
    Move {
        /// The binary of `ringfence`.
        #[arg(long)]
        server: PathBuf,
        /// The URL of an empty PostgreSQL database.
        #[arg(long)]
        to: String,
        /// Members in all.
        #[arg(long, default_value_t = 1_000_000)]
        identities: u32,
    },
    /// Pages of the console over many users and applications: the server's time for each.
    Console {
        /// The binary of `ringfence`.
        #[arg(long)]
        server: PathBuf,
        /// Users in all.
        #[arg(long, default_value_t = 1_000_000)]
        users: u32,
        /// Applications in all.
        #[arg(long, default_value_t = 10_000)]
        applications: u32,
    },
    /// Answers every request with two bytes: what HTTP alone costs.
    Floor {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().what {
        What::Core { server, rounds, seconds, postgres } => core::run(&core::Plan {
            server: &server,
            postgres: postgres.as_deref(),
            rounds,
            time: Duration::from_secs(seconds),
        }),
        What::Flood { server } => flood::run(&server, Duration::from_secs(5)),
        What::Growth { server, users, ended } => {
            growth::run(&server, &sizes(users), Duration::from_secs(2), None)?;
            growth::purge(&server, ended)
        }
        What::Peers { server, cache, rounds } => peers::run(&server, &cache, rounds, Duration::from_secs(2)),
        What::All { server, cache, document, postgres, short } => {
            all(&server, &cache, &document, postgres.as_deref(), short)
        }
        What::Sockets { server, sockets, revoked, life, tls } => {
            sockets::run(&server, &sockets::Plan { sockets, revoked, life: Duration::from_secs(life), tls })
        }
        What::Refresh { server, database, refreshes, seed } => {
            refresh::run(&refresh::Plan { server: &server, database: database.as_deref(), refreshes, seed })
        }
        What::Move { server, to, identities } => {
            relocate::run(&relocate::Plan { server: &server, to: &to, identities })
        }
        What::Console { server, users, applications } => {
            console::run(&console::Plan { server: &server, users, applications })
        }
        What::Floor { listen } => floor::serve(listen),
    }
}

/// A thousand users and ten times as many again, up to the most.
fn sizes(most: u64) -> Vec<u64> {
    std::iter::successors(Some(1_000), |size| Some(size * 10)).take_while(|size| *size <= most).collect()
}

/// Everything, in some ten minutes.
fn all(server: &Path, cache: &Path, document: &Path, postgres: Option<&str>, short: bool) -> anyhow::Result<()> {
    let plots = document.with_extension("");
    std::fs::create_dir_all(&plots)?;
    let time = Duration::from_secs(if short { 1 } else { 2 });
    let rounds = if short { 1 } else { 5 };
    document::keep(&machine()?);
    core::run(&core::Plan { server, postgres, rounds, time })?;
    peers::run(server, cache, if short { 1 } else { 3 }, time)?;
    flood::run(server, Duration::from_secs(5))?;
    growth::run(server, &sizes(if short { 10_000 } else { 1_000_000 }), time, Some(&plots))?;
    growth::purge(server, if short { 10_000 } else { 200_000 })?;
    let crowds: &[usize] = if short { &[100, 500] } else { &[1_000, 5_000, 10_000, 19_000] };
    sockets::curve(server, crowds, &plots)?;
    let plan = sockets::Plan {
        sockets: if short { 500 } else { 10_000 },
        revoked: if short { 100 } else { 1_000 },
        life: Duration::from_secs(if short { 60 } else { 120 }),
        tls: false,
    };
    sockets::run(server, &plan)?;
    document::write(document)
}

/// The machine that was measured on.
fn machine() -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let info = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    Ok(format!(
        "\nMeasured on {cores} cores ({}), loopback; load average at the beginning {load}.\n",
        model.trim_matches([':', '\t', ' '])
    ))
}
