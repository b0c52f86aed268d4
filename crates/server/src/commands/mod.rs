//! The commands, one file each.

mod administrator;
mod api_key;
mod application;
mod apply;
mod backup;
mod completions;
mod dev;
pub mod doctor;
mod endpoint;
mod endpoint_group;
mod identity;
mod init;
mod key;
mod mail;
mod migrate;
mod project;
mod relocate;
mod serve;
mod session;
mod sip;
mod token;
mod turn;
mod webhook;

use std::{future::Future, pin::Pin, time::Duration};

use anyhow::{Context as _, Result};
use ringfence_core::project::Span;
use tokio::runtime::{Builder, Runtime};

use crate::{
    admin::Admin,
    assemble::Schema,
    cli::{Cli, Command, Options},
    exit::Refused,
    output::Output,
};

/// Runs the command that was asked for.
pub fn run(cli: Cli, output: Output) -> Result<()> {
    let Cli { options, command } = cli;
    match command {
        Command::Dev(flags) => server_runtime()?.block_on(dev::run(&options, &flags, output)),
        Command::Serve(flags) => server_runtime()?.block_on(serve::run(&options, &flags, output)),
        Command::Init(init) => init::run(&init, output),
        Command::Completions { shell } => completions::run(shell),
        Command::Migrate { dry_run } => tool(Box::pin(migrate::run(&options, dry_run, output))),
        Command::Doctor => tool(Box::pin(doctor::run(&options, output))),
        Command::Backup { file } => tool(Box::pin(backup::run(&options, &file, output))),
        Command::Move(asked) => tool(Box::pin(relocate::run(&options, &asked, output))),
        Command::Mail(mail) => tool(Box::pin(mail::run(&options, &mail, output))),
        Command::Apply(apply) => {
            let schema = if apply.dry_run { Schema::MustBeCurrent } else { Schema::Migrate };
            as_admin(&options, output, schema, async |admin| apply::run(admin, &apply).await)
        }
        Command::Key(key) => key::run(&options, &key, output),
        Command::Project(project) => on_current(&options, output, async |admin| project::run(admin, &project).await),
        Command::Application(application) => {
            on_current(&options, output, async |admin| application::run(admin, &application).await)
        }
        Command::ApiKey(key) => on_current(&options, output, async |admin| api_key::run(admin, &key).await),
        Command::Webhook(webhook) => on_current(&options, output, async |admin| webhook::run(admin, &webhook).await),
        Command::Identity(identity) => {
            on_current(&options, output, async |admin| identity::run(admin, &identity).await)
        }
        Command::EndpointGroup(group) => {
            on_current(&options, output, async |admin| endpoint_group::run(admin, &group).await)
        }
        Command::Endpoint(endpoint) => {
            on_current(&options, output, async |admin| endpoint::run(admin, &endpoint).await)
        }
        Command::Session(session) => on_current(&options, output, async |admin| session::run(admin, &session).await),
        Command::Administrator(command) => {
            on_current(&options, output, async |admin| administrator::run(admin, &command).await)
        }
        Command::Sip(sip) => sip::run(&options, &sip, output),
        Command::Turn(turn) => turn::run(&options, &turn, output),
        Command::Token(token) => token::run(&options, &token, output),
    }
}

fn server_runtime() -> Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("the runtime cannot start")
}

/// A command at work: boxed, so that what runs it is compiled once and not again for each command.
type Work<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

fn tool_runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("the runtime cannot start")
}

/// Runs something short on this one thread.
fn tool(work: Work<'_>) -> Result<()> {
    tool_runtime()?.block_on(work)
}

/// Runs `work` as the operator, on a database that may lack migrations as `schema` says.
fn as_admin(
    options: &Options,
    output: Output,
    schema: Schema,
    work: impl AsyncFnOnce(&Admin) -> Result<()>,
) -> Result<()> {
    let runtime = tool_runtime()?;
    let admin = opened(&runtime, options, output, schema)?;
    let work: Work<'_> = Box::pin(work(&admin));
    let outcome = runtime.block_on(work);
    close(&runtime, admin);
    outcome
}

fn opened(runtime: &Runtime, options: &Options, output: Output, schema: Schema) -> Result<Admin> {
    runtime.block_on(Admin::open(options, output, schema))
}

fn close(runtime: &Runtime, admin: Admin) {
    runtime.block_on(admin.close());
}

/// Runs `work` as the operator, on a database of this version.
fn on_current(options: &Options, output: Output, work: impl AsyncFnOnce(&Admin) -> Result<()>) -> Result<()> {
    as_admin(options, output, Schema::MustBeCurrent, work)
}

/// A span of time as people give it.
fn lifetime(text: Option<&str>) -> Result<Option<Duration>> {
    let Some(text) = text else { return Ok(None) };
    let span = Span::parse(text);
    let span = span.ok_or_else(|| Refused::because(format_args!("`{text}` is no span of time: try 90d, 12h or 30m")));
    span.map(|span| Some(span.duration()))
}
