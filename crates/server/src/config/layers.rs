//! Where settings come from, and in which order they win.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize as _;
use toml::{Table, Value};

use super::{Config, DEV_DATABASE, DEV_KEY_FILE, Dialect, MAILBOX, Mode};

/// Environment variables that set keys begin so.
const PREFIX: &str = "RINGFENCE__";

/// What the command line sets, by section and key.
pub type Flags = Vec<(&'static str, &'static str, Value)>;

/// Reads all layers and checks the outcome.
pub fn load(
    mode: Mode,
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    flags: Flags,
) -> Result<Config> {
    let mut settings = defaults(mode);
    if let Some(path) = file {
        merge(&mut settings, read(path)?);
    }
    for (name, text) in env.filter(|(name, _)| name.starts_with(PREFIX)) {
        merge(&mut settings, variable(&name, &text).with_context(|| format!("environment variable {name}"))?);
    }
    for (section, key, value) in flags {
        merge(&mut settings, single(&[section.to_owned(), key.to_owned()], value));
    }
    for (section, key) in [("database", "url"), ("mail", "url"), ("bus", "url"), ("turn", "database_url")] {
        secret_from_file(&mut settings, section, key)?;
    }
    let config = Config::deserialize(Value::Table(settings)).context("the configuration does not fit together")?;
    config.validate(mode).with_context(|| match file {
        Some(path) => format!("the configuration with {} is not valid", path.display()),
        None => "the configuration is not valid".to_owned(),
    })?;
    Ok(config)
}

/// What `dev` has otherwise than `serve`.
fn defaults(mode: Mode) -> Table {
    let mut table = Table::new();
    if mode == Mode::Dev {
        for (section, key, value) in
            [("database", "url", DEV_DATABASE), ("secrets", "master_key_file", DEV_KEY_FILE), ("mail", "url", MAILBOX)]
        {
            merge(&mut table, single(&[section.to_owned(), key.to_owned()], value.into()));
        }
        merge(&mut table, single(&["webhooks".to_owned(), "private_addresses".to_owned()], true.into()));
    }
    table
}

fn read(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let place = || format!("in {}", path.display());
    // Once with types, for errors that name the key and the line.
    let typed = toml::from_str::<Config>(&text).with_context(place)?;
    let table: Table = toml::from_str(&text).with_context(place)?;
    let files = [("database", &typed.database.url_file), ("mail", &typed.mail.url_file), ("bus", &typed.bus.url_file)];
    for (section, doubled) in files.map(|(section, file)| (section, file.is_some())) {
        let plain = table.get(section).and_then(|section| section.get("url"));
        ensure!(
            !(doubled && plain.is_some()),
            "{}: {section}.url and {section}.url_file are both set; keep one",
            path.display()
        );
    }
    Ok(table)
}

/// `RINGFENCE__SECTION__KEY=text` as a table. The type is that of the key's default; lists are split at commas.
fn variable(name: &str, text: &str) -> Result<Table> {
    let path: Vec<_> = name[PREFIX.len()..].split("__").map(str::to_lowercase).collect();
    ensure!(path.len() >= 2 && path.iter().all(|part| !part.is_empty()), "expected {PREFIX}SECTION__KEY");
    let value = match default_of(&path) {
        Some(Value::Boolean(_)) => Value::Boolean(text.parse().context("expected true or false")?),
        Some(Value::Integer(_)) => Value::Integer(text.parse().context("expected a number")?),
        Some(Value::Array(_)) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
        _ => Value::String(text.to_owned()),
    };
    let table = single(&path, value);
    // On its own, so that the error is about this variable.
    Config::deserialize(Value::Table(table.clone()))?;
    Ok(table)
}

fn default_of(path: &[String]) -> Option<Value> {
    let (mut value, path) = match path {
        [section, _, rest @ ..] if section == "dialects" => {
            let dialect = Dialect { hosts: Some(Vec::new()), ..Dialect::default() };
            (Value::try_from(dialect).ok()?, rest)
        }
        path => (Value::try_from(Config::default()).ok()?, path),
    };
    for part in path {
        value = value.as_table_mut()?.remove(part)?;
    }
    Some(value)
}

fn single(path: &[String], value: Value) -> Table {
    let mut table = Table::new();
    match path {
        [] => {}
        [key] => drop(table.insert(key.clone(), value)),
        [section, rest @ ..] => drop(table.insert(section.clone(), Value::Table(single(rest, value)))),
    }
    table
}

fn merge(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                // A later layer that gives a value takes the place of a file with it, and the other way round.
                match key.strip_suffix("_file") {
                    Some(plain) => drop(below.remove(plain)),
                    None => drop(below.remove(&format!("{key}_file"))),
                }
                below.insert(key, value);
            }
        }
    }
}

/// Puts the content of `key_file` into `key`.
fn secret_from_file(settings: &mut Table, section: &str, key: &str) -> Result<()> {
    let Some(Value::Table(section_table)) = settings.get_mut(section) else { return Ok(()) };
    let Some(file) = section_table.get(&format!("{key}_file")).and_then(Value::as_str).map(PathBuf::from) else {
        return Ok(());
    };
    let text =
        fs::read_to_string(&file).with_context(|| format!("{section}.{key}_file: cannot read {}", file.display()))?;
    section_table.insert(key.to_owned(), Value::String(text.trim().to_owned()));
    Ok(())
}
