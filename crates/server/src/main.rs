//! `ringfence`, the server and its tools.

mod admin;
mod assemble;
#[cfg(feature = "nats")]
mod bus_nats;
mod cli;
mod commands;
mod config;
mod dev;
mod examine;
mod exit;
mod federation_http;
mod letters;
mod listen;
mod mail_smtp;
mod master_key;
mod output;
mod provision;
mod scrub;
mod server;
mod tasks;
mod telemetry;
mod tls;
mod views;
mod webhook_http;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let output = output::Output::new(cli.options.json);
    match commands::run(cli, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error, output),
    }
}
