//! `move`: everything from SQLite to PostgreSQL.

use anyhow::{Context as _, Result};
use ringfence_store::Moved;
use serde_json::json;

use crate::{
    admin::settings,
    assemble,
    cli::{Move, Options},
    config::{Flags, Mode},
    exit::Refused,
    output::Output,
    telemetry,
};

/// Copies the configured database to an empty one, compares, and keeps all or nothing.
pub async fn run(options: &Options, asked: &Move, output: Output) -> Result<()> {
    let config = settings(options, Mode::Tool, Flags::new())?;
    telemetry::start_log(&config.log)?;
    let moved = match assemble::relocate(&config.database.url, &asked.to).await? {
        Ok(moved) => moved,
        Err(error) if error.is_refusal() => return Err(Refused::because(error)),
        Err(error) => return Err(error).context("nothing was moved"),
    };
    let rows: u64 = moved.iter().map(Moved::rows).sum();
    let tables: Vec<_> = moved.iter().map(|moved| json!({ "table": moved.table(), "rows": moved.rows() })).collect();
    let keys = config.secrets.master_key_file.display().to_string();
    let text = || {
        let lines: Vec<_> = moved.iter().map(|moved| format!("{:>10}  {}", moved.rows(), moved.table())).collect();
        format!(
            "{}\nMoved {rows} rows of {} tables and compared all of them. Set database.url to the new database and keep {keys}, \
             whose keys open it too. Nothing may run on the old one again.",
            lines.join("\n"),
            moved.len(),
        )
    };
    Ok(output.show(&json!({ "rows": rows, "tables": tables, "master_key_file": keys }), text)?)
}
