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
    // Before the copy is begun: what was acknowledged until then is in it.
    let as_of = assemble::clock().now().to_string();
    assemble::backup(&config.database.url, file.to_owned()).await?;
    let keys = config.secrets.master_key_file.display().to_string();
    let answer = json!({ "file": file.display().to_string(), "as_of": as_of, "master_key_file": keys });
    let text = || {
        let file = file.display();
        format!("Copied to {file} as of {as_of}. Its secrets open with {keys} only: keep that too, elsewhere.")
    };
    Ok(output.show(&answer, text)?)
}
