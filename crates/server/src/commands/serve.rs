//! `serve`: the server, for users.

use anyhow::Result;

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
    server.run().await
}
