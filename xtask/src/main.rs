//! The project's own commands, run as `cargo xtask COMMAND`.

#![expect(clippy::print_stdout, reason = "a command line tool")]

mod bench;
mod clients;
mod debian;
mod deny;
mod dist;
mod docs;
mod fuzz;
mod openapi;
mod postgres;
mod previous;
mod process;
mod purity;
mod security;
mod server;
mod size;
mod sizes;
mod test;
mod tools;
mod transcript;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every gate and every test, as the automatic runs do.
    Test(test::Options),
    /// Measure operations beside the machine's own limits.
    Bench(bench::Options),
    /// Measure the release binary: its size, its start, its idle memory.
    Size,
    /// Fuzz the parsers of what strangers send.
    Fuzz(fuzz::Options),
    /// Write docs/security.md anew: which test stands for which attack.
    Security(security::Options),
    /// List everything that the binary is made of: target/dist/ringfence.cdx.json (CycloneDX).
    Sbom,
    /// Build the release binary with nothing of this place in it, and the Debian package around it, in target/dist.
    Deb,
    /// Build the release binary of this commit here and in another folder, and see that both are the same.
    Reproduce,
    /// Write docs/openapi.json anew; a test fails while it is stale.
    Openapi,
    /// Run a private PostgreSQL in the foreground until Ctrl-C.
    Postgres,
    /// Build the program as it was before the newest migration, and print where it is.
    Previous,
}

fn main() -> ExitCode {
    if let Some(code) = fuzz::as_compiler() {
        return code;
    }
    match enter_project().and_then(|()| run(Cli::parse())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Task::Test(options) => test::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Reproduce => dist::reproduce(),
        Task::Size => size::run(),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Security(options) => security::run(&options),
        Task::Sbom => dist::sbom(),
        Task::Deb => dist::deb(),
        Task::Openapi => openapi::write(),
        Task::Postgres => postgres::run_in_foreground(),
        Task::Previous => previous::print(),
    }
}

/// Goes to the top of the project; every path below is relative to it.
fn enter_project() -> Result<()> {
    let manifest = std::env::var("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`")?;
    let top = Path::new(&manifest).parent().context("xtask lies in the project")?;
    std::env::set_current_dir(top).with_context(|| format!("cannot enter {}", top.display()))
}
