//! `backup`: a copy of the database as of one moment.

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use crate::{
    admin::settings,
    assemble,
    cli::Options,
    config::{Flags, Mode},
    exit::Refused,
    output::Output,
    telemetry,
};

/// Copies the database to a new file.
pub async fn run(options: &Options, file: &Path, output: Output) -> Result<()> {
    let config = settings(options, Mode::Tool, Flags::new())?;
    telemetry::start_log(&config.log)?;
    if file.exists() {
        return Err(Refused::because(format_args!("{} exists", file.display())));
    }
    assemble::backup(&config.database.url, file.to_owned()).await?;
    let keys = config.secrets.master_key_file.display().to_string();
    let answer = json!({ "file": file.display().to_string(), "master_key_file": keys });
    let text = || format!("Copied to {}. Its secrets open with {keys} only: keep that too, elsewhere.", file.display());
    Ok(output.show(&answer, text)?)
}
