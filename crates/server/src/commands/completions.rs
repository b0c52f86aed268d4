//! `completions`: for shells.

use anyhow::Result;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{cli::Cli, output::line};

/// Prints the script of a shell.
pub fn run(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ringfence", &mut script);
    Ok(line(&String::from_utf8_lossy(&script))?)
}
