//! What can be measured, as it is asked for on the command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};

/// Measures Ringfence beside the machine's own limits.
#[derive(Parser)]
pub(crate) struct Arguments {
    /// Processes that work for this one without being started by it, such as a database: what they use is not others' use.
    #[arg(long, global = true, value_name = "PROCESS")]
    pub(crate) beside: Vec<u32>,
    /// A document with figures. `all` replaces them; a part of it replaces the tables of the same headings. Plots go into
    /// the folder of its name.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) document: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) what: What,
}

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum What {
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
        /// The URL of a database of PostgreSQL, for peers that need one of their own beside it.
        #[arg(long)]
        postgres: Option<String>,
    },
    /// All of it, written into the document.
    All {
        /// The release binary of `ringfence`.
        #[arg(long)]
        server: PathBuf,
        /// Where peers are installed.
        #[arg(long)]
        cache: PathBuf,
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
    /// What is ended on one of two nodes closes sockets of the other.
    Nodes {
        /// The release binary of `ringfence`.
        #[arg(long)]
        server: PathBuf,
        /// The URL of a database of PostgreSQL, beside which another is made.
        #[arg(long)]
        postgres: String,
        /// Sockets of the identity that is revoked.
        #[arg(long, default_value_t = 1_000)]
        sockets: usize,
    },
    /// One frame for everybody: warnings to all open sockets at one instant, beside bare sends.
    Fanout {
        /// The release binary of `ringfence`.
        #[arg(long)]
        server: PathBuf,
        /// Open sockets.
        #[arg(long, default_value_t = 10_000)]
        sockets: usize,
    },
    /// A minute of figures that no build may be worse than, loose enough for a busy machine and a debug build.
    Gates {
        /// The binary of `ringfence`, beside one of this program of the same kind of build.
        #[arg(long)]
        server: PathBuf,
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
    /// Sends the same frame to every open socket when it is told to: what fanning out alone costs.
    BareSender {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
    },
    /// Opens sockets to a bare sender, and says of each line that it reads when they were told.
    Listeners {
        /// The bare sender.
        #[arg(long)]
        to: SocketAddr,
        /// Open sockets.
        #[arg(long)]
        sockets: usize,
    },
    /// Answers every request with two bytes: what HTTP alone costs.
    Floor {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
    },
}
