//! `sip`: what SIP servers read and ask.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use ringfence_store::{Feed, SqlName};
use serde_json::json;

use crate::{
    admin::settings,
    cli,
    config::{Config, Flags, Mode},
    output::Output,
    telemetry,
};

/// Runs one of them.
pub fn run(options: &cli::Options, command: &cli::Sip, output: Output) -> Result<()> {
    match command {
        cli::Sip::Views(views) => {
            let config = settings(options, Mode::Tool, Flags::new())?;
            telemetry::start_log(&config.log)?;
            show_views(&config, views, output)
        }
        cli::Sip::Config(wanted) => {
            let text = kamailio(wanted)?;
            Ok(output.show(&json!({ "kamailio_cfg": text }), || text.clone())?)
        }
    }
}

fn show_views(config: &Config, views: &cli::Views, output: Output) -> Result<()> {
    let name = |key: &str, text: &str| {
        SqlName::parse(text).with_context(|| format!("--{key}: lower-case letters, digits and _ only"))
    };
    let feed = Feed {
        schema: name("schema", &views.schema)?,
        kamailio: name("kamailio", &views.kamailio)?,
        coturn: name("coturn", &views.coturn)?,
    };
    let sql = feed.sql(&name("tables", &views.tables)?);
    if views.install {
        if config.database.is_sqlite() {
            bail!("views are for PostgreSQL; with SQLite let SIP servers ask `POST /api/v1/sip/lookup`");
        }
        ringfence_store::install_feed(&config.database.url, &feed).context("the views cannot be made")?;
    }
    Ok(output.show(&json!({ "installed": views.install, "sql": sql }), || sql.clone())?)
}

const KAMAILIO: &str = include_str!("../../samples/kamailio.cfg");

/// What differs between installations, then what does not.
fn kamailio(wanted: &cli::SipConfig) -> Result<String> {
    let mut head = vec!["#!KAMAILIO".to_owned(), define("NONCE_EXPIRE", &wanted.nonce_expire.to_string())?];
    if let Some(url) = &wanted.lookup {
        let key = wanted.key_file.as_deref().map(read_key).transpose()?;
        head.push(define("LOOKUP_URL", &format!("{}/api/v1/sip/lookup", url.trim_end_matches('/')))?);
        head.push(define("LOOKUP_KEY", key.as_deref().unwrap_or("the-key-with-the-scope-sip-lookup"))?);
        head.push("#!define WITH_LOOKUP".to_owned());
    }
    if let Some(url) = &wanted.view {
        ensure!(url.starts_with("postgres://"), "--view: expected postgres://USER:PASSWORD@HOST/DATABASE");
        head.push(define("VIEW_URL", url)?);
        head.push("#!define WITH_VIEW".to_owned());
    }
    head.extend(wanted.listen.iter().map(|socket| format!("listen={socket}")));
    if let Some(socket) = &wanted.websocket {
        head.push("#!define WITH_WEBSOCKET".to_owned());
        head.push(format!("listen={socket}"));
    }
    Ok(format!("{}\n\n{KAMAILIO}", head.join("\n")))
}

/// A word that stands for `value` wherever it is written below.
fn define(name: &str, value: &str) -> Result<String> {
    ensure!(!value.contains(['"', '\\', '\n', '#', '!']), "{name}: a quote, \\, # or ! cannot stand in it");
    Ok(format!("#!substdef \"!{name}!{value}!g\""))
}

fn read_key(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text.trim().to_owned())
}
