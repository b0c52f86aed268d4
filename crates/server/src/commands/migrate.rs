//! `migrate`: the database to this version.

use anyhow::Result;
use serde_json::json;

use crate::{
    admin::settings,
    assemble,
    cli::Options,
    config::{Flags, Mode},
    output::Output,
    telemetry,
};

/// Applies what is missing, or says what is.
pub async fn run(options: &Options, dry_run: bool, output: Output) -> Result<()> {
    let config = settings(options, Mode::Tool, Flags::new())?;
    telemetry::start_log(&config.log)?;
    let url = &config.database.url;
    let names = if dry_run { assemble::pending(url).await? } else { assemble::migrate(url).await? };
    let text = || match (names.is_empty(), dry_run) {
        (true, _) => "The database is of this version.".to_owned(),
        (false, true) => format!("Missing: {}. Nothing was changed.", names.join(", ")),
        (false, false) => format!("Applied: {}.", names.join(", ")),
    };
    Ok(output.show(&json!({ "dry_run": dry_run, "migrations": names }), text)?)
}
