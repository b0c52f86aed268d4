//! `serve`: the server, for users.

use std::{
    fs, io,
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use anyhow::Result;
use serde_json::json;

use super::administrator::first_link;
use crate::{
    cli::{Options, Serve},
    config::Mode,
    master_key::write_private,
    output::Output,
    server::Server,
};

/// What the file with the first owner's link is called. It lies beside the master keys: where only the server reads.
const LINK_FILE: &str = "first-administrator-link";

/// Runs until the process is asked to stop.
pub async fn run(options: &Options, flags: &Serve, output: Output) -> Result<()> {
    let server = Server::prepare(options, flags, Mode::Serve).await?;
    if let Some(file) = &flags.apply {
        let plan = server.apply(file).await?;
        output.show(&plan.json(), || plan.text())?;
    }
    let authority = &server.assembly.authority;
    let link = first_link(authority, &authority.own_context("serve")).await?;
    let file = server.config.secrets.master_key_file.with_file_name(LINK_FILE);
    invite(link, &file, output)?;
    server.run().await
}

/// Shows the first owner the link to begin by. Whoever reads a journal is not meant to become the owner, so what is printed elsewhere
/// than on a terminal is where the link is.
fn invite(link: Option<String>, file: &Path, output: Output) -> Result<()> {
    const NOBODY: &str = "Nobody looks after this installation yet.";
    // The link of the start before does not count any more.
    if let Err(error) = fs::remove_file(file)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(code = "first_link", file = %file.display(), %error, "an old link cannot be removed");
    }
    let Some(link) = link else { return Ok(()) };
    if io::stdout().is_terminal() {
        let text = || format!("{NOBODY} Its first owner begins here, once:\n  {link}");
        return Ok(output.show(&json!({ "first_administrator": link }), text)?);
    }
    match write_private(file, format!("{link}\n").as_bytes()) {
        Ok(()) => {
            let file = fs::canonicalize(file).unwrap_or_else(|_| PathBuf::from(file)).display().to_string();
            let text = || format!("{NOBODY} Its first owner begins by the link in {file}, once.");
            output.show(&json!({ "first_administrator_file": file }), text)?;
        }
        Err(error) => tracing::warn!(
            code = "first_link",
            file = %file.display(),
            %error,
            "nobody looks after this installation yet, and no link can be written; `ringfence administrator create` makes one"
        ),
    }
    Ok(())
}
