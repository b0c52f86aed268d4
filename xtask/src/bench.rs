//! Measurements: builds the server and the measuring program as users get them, then hands over.

use std::process::Command;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::process::{cargo, run as run_command, target};

/// What to measure.
#[derive(Subcommand)]
pub enum Bench {
    /// Guest and password sign-in, verification and minting over HTTP, beside the machine's own limits.
    Core(Slices),
    /// Idle authenticated sockets: their memory, and how soon they close when they must.
    Sockets(Crowd),
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
    #[arg(long, default_value_t = 3)]
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
