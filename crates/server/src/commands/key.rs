//! `key`: signing keys of projects, and the master keys that seal what is stored.

use anyhow::Result;
use ringfence_core::{caller::Scope, entropy::OsEntropy, key::SigningKey, seal::KeyRing};
use serde_json::{Value, json};

use super::on_current;
use crate::{
    admin::{Admin, installation, settings},
    cli,
    config::{Config, Flags, Mode},
    exit::explain,
    master_key,
    output::{Output, plain, table},
    views,
};

/// Runs one of them.
pub fn run(options: &cli::Options, command: &cli::Key, output: Output) -> Result<()> {
    let config = settings(options, Mode::Tool, Flags::new())?;
    match command {
        cli::Key::List(of) => on_current(options, output, async |admin| list(admin, of, &config).await),
        cli::Key::Rotate { master: true, .. } => rotate_master(&config, output),
        cli::Key::Rotate { of, master: false } => on_current(options, output, async |admin| {
            let permit = admin.permit(&of.project, Scope::KeysWrite).await?;
            let keys = admin.authority().rotate_keys(&admin.ctx(), &permit).await.map_err(explain)?;
            show(admin, &keys, &[])
        }),
        cli::Key::Rewrap => on_current(options, output, async |admin| rewrap(admin, &config).await),
    }
}

async fn list(admin: &Admin, of: &cli::In, config: &Config) -> Result<()> {
    let permit = admin.permit(&of.project, Scope::KeysWrite).await?;
    let keys = admin.authority().signing_keys(&admin.ctx(), &permit).await.map_err(explain)?;
    let ring = master_key::read(&config.secrets.master_key_file)?;
    let masters: Vec<_> = ring.iter().flat_map(KeyRing::keys).map(|key| key.id().to_string()).collect();
    show(admin, &keys, &masters)
}

fn show(admin: &Admin, keys: &[SigningKey], masters: &[String]) -> Result<()> {
    let views: Vec<_> = keys.iter().map(views::signing_key).collect();
    let columns = ["kid", "alg", "set", "created_at", "expires_at"];
    let row = |view: &Value| {
        let mut row: Vec<_> = columns.iter().map(|column| plain(&view[*column])).collect();
        row.push(views::state(view));
        row
    };
    let rows: Vec<_> = views.iter().map(row).collect();
    let mut answer = json!({ "signing_keys": views });
    if !masters.is_empty() {
        answer["master_keys"] = masters.into();
    }
    admin.show(&answer, || {
        let mut text = if rows.is_empty() {
            "No signing keys yet: the first token makes one.".to_owned()
        } else {
            table(&["kid", "alg", "set", "since", "verifies until", "state"], &rows)
        };
        if let Some((current, older)) = masters.split_first() {
            text.extend([format!("\n\nMaster keys: {current} seals")]);
            text.extend(older.iter().map(|key| format!(", {key} opens")));
        }
        text
    })
}

fn rotate_master(config: &Config, output: Output) -> Result<()> {
    let file = &config.secrets.master_key_file;
    let ring = master_key::rotate(file, &OsEntropy)?;
    let ids: Vec<_> = ring.keys().map(|key| key.id().to_string()).collect();
    let text = || {
        format!(
            "{} now begins with key {}. Restart the server, then run `ringfence key rewrap`.",
            file.display(),
            ids[0]
        )
    };
    Ok(output.show(&json!({ "file": file.display().to_string(), "master_keys": ids }), text)?)
}

async fn rewrap(admin: &Admin, config: &Config) -> Result<()> {
    let done = admin.authority().rewrap(&admin.ctx(), &installation()).await.map_err(explain)?;
    let file = config.secrets.master_key_file.display().to_string();
    let answer = json!({ "signing_keys": done.signing_keys, "issuers": done.issuers, "endpoints": done.endpoints });
    admin.show(&answer, || {
        format!(
            "Sealed {} signing keys, {} secrets of issuers and {} of endpoints anew. All but the first key may be taken \
             out of {file}.",
            done.signing_keys, done.issuers, done.endpoints
        )
    })
}
