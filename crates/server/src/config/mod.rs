//! The configuration (docs/operations.md): defaults, a TOML file over them, the environment over that, flags over all.
//!
//! Each section owns its type, its defaults and its `validate`. Unknown keys are errors that name where they stand.

mod layers;
mod sections;

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

pub use self::{
    layers::{Flags, load},
    sections::{
        Audit, Bus, Carrier, Database, Dialect, Log, LogFormat, Mail, Passwords, Secrets, Server, Tls, Turn, Webhooks,
    },
};

/// How the server is run, which decides some defaults and what is acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For users.
    Serve,
    /// For somebody's first hour, on their own machine.
    Dev,
    /// Not run: a command beside it.
    Tool,
}

/// All settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub secrets: Secrets,
    pub mail: Mail,
    pub bus: Bus,
    pub turn: Turn,
    pub webhooks: Webhooks,
    pub password: Passwords,
    pub audit: Audit,
    pub dialects: BTreeMap<String, Dialect>,
    pub log: Log,
}

impl Config {
    /// Checks what types cannot say.
    pub fn validate(&self, mode: Mode) -> Result<()> {
        self.server.validate(mode).context("section [server]")?;
        self.database.validate().context("section [database]")?;
        self.mail.validate(mode).context("section [mail]")?;
        self.bus.validate(self.database.is_sqlite()).context("section [bus]")?;
        self.turn.validate().context("section [turn]")?;
        self.password.validate(mode).context("section [password]")?;
        self.audit.validate().context("section [audit]")?;
        for (name, dialect) in &self.dialects {
            dialect.validate(name).with_context(|| format!("section [dialects.{name}]"))?;
        }
        if mode == Mode::Serve {
            ensure!(
                !self.secrets.master_key_file.ends_with(DEV_KEY_FILE),
                "section [secrets]: {DEV_KEY_FILE} holds the keys of `ringfence dev`; `serve` needs its own"
            );
        }
        Ok(())
    }

    /// What carries announcements between nodes.
    pub fn carrier(&self) -> Carrier {
        self.bus.carrier(self.database.is_sqlite())
    }

    /// What clients call this server, which listens at `listen`.
    pub fn public_url(&self, listen: SocketAddr) -> Result<String> {
        if let Some(url) = &self.server.public_url {
            return Ok(url.trim_end_matches('/').to_owned());
        }
        if listen.ip().is_unspecified() {
            bail!("set server.public_url: tokens and mailed links need a name that clients can reach");
        }
        let scheme = if self.server.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{listen}"))
    }
}

/// The database of `ringfence dev`.
pub const DEV_DATABASE: &str = "sqlite:ringfence-dev.db";
/// The master keys of `ringfence dev`.
pub const DEV_KEY_FILE: &str = "ringfence-dev.key";
/// The mail of `ringfence dev`: kept in memory and shown at `/dev/mailbox`.
pub const MAILBOX: &str = "mailbox:";

#[cfg(test)]
mod tests;
