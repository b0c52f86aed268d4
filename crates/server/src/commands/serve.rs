//! `serve`: the server, for users.

use anyhow::Result;
use serde_json::json;

use super::administrator::first_link;
use crate::{
    cli::{Options, Serve},
    config::Mode,
    output::Output,
    server::Server,
};

/// Runs until the process is asked to stop.
pub async fn run(options: &Options, flags: &Serve, output: Output) -> Result<()> {
    let server = Server::prepare(options, flags, Mode::Serve).await?;
    if let Some(file) = &flags.apply {
        let plan = server.apply(file).await?;
        output.show(&plan.json(), || plan.text())?;
    }
    let authority = &server.assembly.authority;
    if let Some(link) = first_link(authority, &authority.own_context("serve")).await? {
        let text = || format!("Nobody looks after this installation yet. Its first owner begins here, once:\n  {link}");
        output.show(&json!({ "first_administrator": link }), text)?;
    }
    server.run().await
}
