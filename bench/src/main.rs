//! Measures Ringfence beside the machine's own limits, slice by slice in one run.
//!
//! Only ratios of one run count: the machine is shared and its hours differ. `cargo xtask bench` builds and starts this.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

mod core;
mod floor;
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
        #[arg(long, default_value_t = 3)]
        seconds: u64,
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
    /// Answers every request with two bytes: what HTTP alone costs.
    Floor {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().what {
        What::Core { server, rounds, seconds } => core::run(&server, rounds, Duration::from_secs(seconds)),
        What::Sockets { server, sockets, revoked, life, tls } => {
            sockets::run(&server, &sockets::Plan { sockets, revoked, life: Duration::from_secs(life), tls })
        }
        What::Refresh { server, database, refreshes, seed } => {
            refresh::run(&refresh::Plan { server: &server, database: database.as_deref(), refreshes, seed })
        }
        What::Move { server, to, identities } => {
            relocate::run(&relocate::Plan { server: &server, to: &to, identities })
        }
        What::Floor { listen } => floor::serve(listen),
    }
}
