//! The sections: their keys, defaults and rules.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use anyhow::{Result, bail, ensure};
use ringfence_core::project::Span;
use ringfence_store::SqlTable;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{MAILBOX, Mode};

/// `[server]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    /// `http://`, or `https://` with TLS, and the address of `listen` when absent.
    pub public_url: Option<String>,
    pub trusted_proxies: Vec<ipnet::IpNet>,
    pub tls: Option<Tls>,
}

/// `[server.tls]`: when it is there, `listen` speaks TLS and nothing else.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The chain in PEM, our own certificate first.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Where plain HTTP is redirected or refused; nowhere when absent.
    pub plain_listen: Option<SocketAddr>,
}

impl Tls {
    fn validate(&self) -> Result<()> {
        for (key, path) in [("certificate", &self.certificate), ("key", &self.key)] {
            ensure!(!path.as_os_str().is_empty(), "tls.{key}: expected a file in PEM");
        }
        Ok(())
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7080)),
            admin_listen: SocketAddr::from(([127, 0, 0, 1], 7081)),
            public_url: None,
            trusted_proxies: Vec::new(),
            tls: None,
        }
    }
}

impl Server {
    pub(super) fn validate(&self, mode: Mode) -> Result<()> {
        let plain = self.tls.as_ref().and_then(|tls| tls.plain_listen);
        if mode == Mode::Dev {
            let addresses = [("listen", self.listen), ("admin_listen", self.admin_listen)];
            for (key, address) in addresses.into_iter().chain(plain.map(|plain| ("tls.plain_listen", plain))) {
                ensure!(
                    address.ip().is_loopback(),
                    "{key}: `ringfence dev` listens on loopback only, not on {address}"
                );
            }
        }
        if let Some(tls) = &self.tls {
            tls.validate()?;
        }
        let Some(text) = &self.public_url else { return Ok(()) };
        let url = Url::parse(text).ok().filter(|url| {
            let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
            bare && matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty()
        });
        let Some(url) = url else {
            bail!("public_url: expected a scheme and a host, such as https://auth.example.org")
        };
        ensure!(
            self.tls.is_none() || url.scheme() == "https",
            "public_url: expected https://…, for there is [server.tls]"
        );
        Ok(())
    }
}

/// `[database]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    pub url: String,
    pub url_file: Option<PathBuf>,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: "sqlite:ringfence.db".to_owned(), url_file: None }
    }
}

impl Database {
    /// Whether it is a file.
    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    pub(super) fn validate(&self) -> Result<()> {
        let postgres = ["postgres://", "postgresql://"].iter().any(|scheme| self.url.starts_with(scheme));
        ensure!(self.is_sqlite() || postgres, "url: expected sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE");
        Ok(())
    }
}

/// `[webhooks]`
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// Whether projects may have webhooks in private networks and on this machine, also in the clear. Yes in `ringfence dev`.
    pub private_addresses: bool,
}

/// `[secrets]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    pub master_key_file: PathBuf,
}

impl Default for Secrets {
    fn default() -> Self {
        Self { master_key_file: PathBuf::from("ringfence.key") }
    }
}

/// `[mail]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// Mail is off when absent.
    pub url: Option<String>,
    pub url_file: Option<PathBuf>,
    pub from: String,
    /// Certificates (PEM) to trust instead of the public ones, for a mail server with its own authority.
    pub ca_file: Option<PathBuf>,
}

impl Default for Mail {
    fn default() -> Self {
        Self { url: None, url_file: None, from: "no-reply@localhost".to_owned(), ca_file: None }
    }
}

impl Mail {
    pub(super) fn validate(&self, mode: Mode) -> Result<()> {
        let from = self.from.parse::<lettre::message::Mailbox>();
        ensure!(from.is_ok(), "from: expected an address such as no-reply@example.org");
        match self.url.as_deref() {
            Some(MAILBOX) if mode == Mode::Serve => {
                bail!(
                    "url: the mailbox is for `ringfence dev`; `serve` needs a mail server such as smtp://USER:PASSWORD@HOST"
                )
            }
            Some(MAILBOX) | None => Ok(()),
            Some(url) => {
                let known = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "smtp" | "smtps") && url.has_host());
                ensure!(known, "url: expected smtp://USER:PASSWORD@HOST:PORT or smtps://…");
                Ok(())
            }
        }
    }
}

/// `[turn]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Turn {
    /// The relays' realm.
    pub realm: String,
    /// Where clients reach them; nobody gets credentials when there is none.
    pub urls: Vec<String>,
    /// The longest life of a credential. A relay asks nobody, so a revoked session's credential counts for so long.
    pub ttl: Span,
    /// The PostgreSQL database in which relays look up their secrets.
    pub database_url: Option<String>,
    pub database_url_file: Option<PathBuf>,
    /// The table in it.
    pub table: String,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            realm: "localhost".to_owned(),
            urls: Vec::new(),
            ttl: Span::hours(1),
            database_url: None,
            database_url_file: None,
            table: "turn_secret".to_owned(),
        }
    }
}

impl Turn {
    pub(super) fn validate(&self) -> Result<()> {
        let known = |url: &String| ["turn:", "turns:", "stun:"].iter().any(|scheme| url.starts_with(scheme));
        ensure!(self.urls.iter().all(known), "urls: expected addresses such as turn:relay.example.org:3478");
        ensure!(!self.realm.is_empty() && self.realm.len() <= 127, "realm: 1 to 127 bytes");
        ensure!(self.ttl <= Span::hours(24), "ttl: 24h is the most, for nothing ends a credential sooner");
        ensure!(SqlTable::parse(&self.table).is_some(), "table: expected a name such as ringfence_feed.turn_secret");
        Ok(())
    }
}

/// `[bus]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bus {
    /// `postgres:` with PostgreSQL and `local:` with SQLite when absent.
    pub url: Option<String>,
    pub url_file: Option<PathBuf>,
    /// Whom to trust instead of the public authorities when a NATS server speaks TLS.
    pub ca_file: Option<PathBuf>,
    /// What announcements are called on NATS: installations that share a server have different ones.
    pub subject: String,
    /// How long a session counts, and its sockets stay, without the database having confirmed it.
    pub confirm_within: Span,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            ca_file: None,
            subject: "ringfence".to_owned(),
            confirm_within: Self::LONGEST,
        }
    }
}

fn is_nats(url: &str) -> bool {
    url.starts_with("nats://") || url.starts_with("tls://")
}

/// What carries announcements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Nothing: they stay on the node.
    Local,
    /// LISTEN and NOTIFY of the database.
    Postgres,
    /// A NATS server.
    Nats,
}

impl Carrier {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Postgres => "postgres",
            Self::Nats => "nats",
        }
    }
}

impl Bus {
    /// What is ended is over everywhere after this, whatever is out of order.
    const LONGEST: Span = Span::seconds(30);

    /// What carries announcements beside such a database.
    pub fn carrier(&self, sqlite: bool) -> Carrier {
        match self.url.as_deref() {
            Some("postgres:") => Carrier::Postgres,
            None if !sqlite => Carrier::Postgres,
            Some(url) if is_nats(url) => Carrier::Nats,
            None | Some(_) => Carrier::Local,
        }
    }

    pub(super) fn validate(&self, sqlite: bool) -> Result<()> {
        let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        ensure!(self.subject.split('.').all(word), "subject: expected words with dots between them, such as ringfence");
        let span = self.confirm_within;
        ensure!(span >= Span::seconds(1) && span <= Self::LONGEST, "confirm_within: 1s to 30s");
        let over_tls = self.url.as_deref().is_some_and(|url| url.starts_with("tls://"));
        ensure!(self.ca_file.is_none() || over_tls, "ca_file: is for a NATS server with TLS, tls://HOST:PORT");
        match self.url.as_deref() {
            Some("postgres:") if sqlite => bail!("url: postgres: needs a PostgreSQL database"),
            None | Some("local:" | "postgres:") => Ok(()),
            Some(url) if is_nats(url) && sqlite => {
                bail!("url: a SQLite database has one node, and nobody to announce to")
            }
            Some(url) if is_nats(url) => {
                ensure!(cfg!(feature = "nats"), "url: this program was built without NATS");
                ensure!(Url::parse(url).is_ok_and(|url| url.has_host()), "url: expected nats://HOST:PORT");
                Ok(())
            }
            Some(_) => bail!("url: expected local:, postgres:, nats://HOST:PORT or, with TLS, tls://HOST:PORT"),
        }
    }
}

/// `[audit]`
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// How long entries of audit logs stay; for ever when absent: no upgrade takes away what somebody may have to show.
    pub keep_for: Option<Span>,
}

impl Audit {
    /// What is in a shorter log was hardly read by anybody.
    const SHORTEST: Span = Span::days(7);

    pub(super) fn validate(self) -> Result<()> {
        ensure!(self.keep_for.is_none_or(|span| span >= Self::SHORTEST), "keep_for: 7d is the least");
        Ok(())
    }
}

/// `[password]`: what a hash costs. The defaults are right for most; raising them renews hashes at the next sign-in.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Passwords {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
    /// As many as cores when 0.
    pub threads: usize,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1, threads: 0 }
    }
}

impl Passwords {
    /// OWASP's least: 7 MiB.
    const LEAST_MEMORY_KIB: u32 = 7168;

    pub(super) fn validate(&self, mode: Mode) -> Result<()> {
        let least = if mode == Mode::Serve { Self::LEAST_MEMORY_KIB } else { 8 };
        ensure!(self.memory_kib >= least, "memory_kib: {least} is the least");
        ensure!(self.memory_kib <= 131_072, "memory_kib: 131072 is the most");
        ensure!((1..=16).contains(&self.passes), "passes: 1 to 16");
        ensure!((1..=8).contains(&self.lanes), "lanes: 1 to 8");
        ensure!(self.memory_kib >= 8 * self.lanes, "memory_kib: 8 for each lane is the least");
        ensure!(self.threads <= 256, "threads: 256 is the most");
        Ok(())
    }
}

/// `[dialects.NAME]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Dialect {
    pub enabled: bool,
    /// `/NAME` when absent.
    pub prefix: Option<String>,
    /// `NAME.localhost` when absent.
    pub hosts: Option<Vec<String>>,
    pub project: String,
    /// Keys that only this dialect knows.
    #[serde(flatten)]
    pub options: BTreeMap<String, String>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { enabled: true, prefix: None, hosts: None, project: "default".to_owned(), options: BTreeMap::new() }
    }
}

/// Keys that one dialect has beside the common ones.
fn options_of(dialect: &str) -> &'static [&'static str] {
    match dialect {
        "telnyx" => &["origins"],
        "tiledesk" => &["chat_secret", "chat_secret_file", "dashboard_url", "redirect_urls"],
        "keyclic" => &["authorization_url", "invitation_url", "reset_url", "token_ip"],
        "opentact" => &["callback_hosts", "origins"],
        _ => &[],
    }
}

impl Dialect {
    pub(super) fn validate(&self, name: &str) -> Result<()> {
        let known: Vec<_> = ringfence_wire::DIALECTS.iter().map(|dialect| dialect.name).collect();
        ensure!(known.contains(&name), "unknown dialect `{name}`; this version speaks {}", known.join(", "));
        let own = options_of(name);
        if let Some(unknown) = self.options.keys().find(|key| !own.contains(&key.as_str())) {
            let expected = ["enabled", "prefix", "hosts", "project"].iter().chain(own);
            let expected: Vec<_> = expected.map(|key| format!("`{key}`")).collect();
            bail!("unknown field `{unknown}`, expected one of {}", expected.join(", "));
        }
        if let Some(prefix) = &self.prefix {
            let clean =
                prefix.starts_with('/') && !prefix.ends_with('/') && !prefix.contains(['{', '}', '?', '#', ' ']);
            ensure!(clean, "prefix: expected a path such as /{name}");
        }
        Ok(())
    }
}

/// `[log]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}
