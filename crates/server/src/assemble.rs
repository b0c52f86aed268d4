//! From settings to running parts: the only place that names concrete adapters.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use ringfence_core::{
    authority::{Authority, HintBus, Parts},
    entropy::{OsEntropy, SharedEntropy},
    event::{LocalBus, SharedBus},
    mail::{Mailer, Outbox},
    password::{Argon2Params, HasherConfig, PasswordHasher},
    seal::{KeyRing, Sealer},
    store::Store,
    time::{SharedClock, SystemClock},
};
#[cfg(feature = "nats")]
use ringfence_store::WideBus;
use ringfence_store::{EngineName, Moved, Opened, Options, PgBus, RelocateError};
use ringfence_wire::{App, Demo, Mailbox, Mount, Relay, Settings};

#[cfg(feature = "nats")]
use crate::bus_nats::NatsWay;
use crate::{
    config::{self, Carrier, Config, MAILBOX},
    examine::House,
    federation_http,
    letters::Samples,
    mail_smtp::{DevMailer, NoMailer, SmtpMailer},
    master_key,
    webhook_http::HttpCourier,
};

/// How long mail that waits is still delivered when the process ends.
const LAST_MAIL: Duration = Duration::from_secs(5);
/// The same for announcements; other nodes would find out by themselves.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What to do about a database that lacks migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Apply them.
    Migrate,
    /// Refuse.
    MustBeCurrent,
}

/// What is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A server, which announces to itself and to other nodes.
    Server,
    /// A command, which announces to servers that run beside it.
    Command,
}

/// The parts, running.
pub struct Assembly {
    pub authority: Arc<Authority>,
    mailbox: Option<Arc<Mailbox>>,
    delivery: tokio::task::JoinHandle<()>,
    bus: Option<tokio::task::JoinHandle<()>>,
    carrier: Carrier,
    opened: Opened,
    public_url: String,
}

impl Assembly {
    /// Opens the database and puts everything together. `public_url` is the issuer of tokens.
    pub async fn open(config: &Config, schema: Schema, place: Place, public_url: String) -> Result<Self> {
        let opened = open_store(&config.database.url, schema).await?;
        let entropy: SharedEntropy = Arc::new(OsEntropy);
        let ring = master_keys(config, &opened.store(), &entropy).await?;
        let (mailer, mailbox) = mailer(&config.mail)?;
        let (outbox, delivery) = Outbox::new(mailer);
        let (bus, carrying) = bus(config, place, &opened.store(), &entropy)?;
        let authority = Authority::new(Parts {
            store: opened.store(),
            clock: clock(),
            entropy: Arc::clone(&entropy),
            bus,
            outbox,
            hasher: hasher(config.password, entropy)?,
            sealer: Sealer::new(&ring),
            public_url: public_url.clone(),
            shapes: ringfence_wire::token_shapes(),
            profiles: ringfence_wire::assertion_profiles(),
        })
        .with_providers(federation_http::providers())
        .with_courier(Arc::new(HttpCourier::new(config.webhooks.private_addresses)))
        .confirming_within(config.bus.confirm_within.duration());
        authority.check_master_key().await.with_context(|| {
            let file = config.secrets.master_key_file.display();
            format!("the database was sealed with another master key than those in {file}")
        })?;
        let authority = Arc::new(authority);
        let carrier = config.carrier();
        Ok(Self { authority, mailbox, delivery: tokio::spawn(delivery), bus: carrying, carrier, opened, public_url })
    }

    /// What serves requests; `demo` is what the first page demonstrates with.
    pub fn app(&self, config: &Config, demo: Option<Demo>) -> Result<App> {
        let settings = Settings {
            public_url: self.public_url.clone(),
            trusted_proxies: config.server.trusted_proxies.clone(),
            mounts: mounts(&config.dialects)?,
            mailbox: self.mailbox.clone(),
            demo,
            turn: relay(&config.turn),
            letters: Some(Arc::new(Samples)),
            doctor: Some(House::doctor(config, &self.authority)),
        };
        Ok(App::new(Arc::clone(&self.authority), settings))
    }

    /// Ends: units of work and mail that wait are finished first, mail for a few seconds.
    pub async fn close(self) {
        let clock = Arc::clone(self.authority.clock());
        drop(self.authority);
        tokio::select! {
            _ = self.delivery => {}
            () = clock.sleep_until(clock.now() + LAST_MAIL) => tracing::warn!("some mail was not delivered"),
        }
        if let Some(bus) = self.bus {
            tokio::select! {
                _ = bus => {}
                () = clock.sleep_until(clock.now() + LAST_WORDS) => {}
            }
        }
        let opened = self.opened;
        // Waits for the threads of the store.
        drop(tokio::task::spawn_blocking(move || opened.close()).await);
    }

    /// Says what somebody may expect of several nodes that they do not do.
    pub fn warn_of_limits(&self) {
        if self.opened.engine() == EngineName::Postgres && self.carrier == Carrier::Local {
            tracing::warn!(
                code = "bus_local",
                "bus.url is local: another node hears of a revocation within 30 seconds"
            );
        }
    }
}

type Carrying = tokio::task::JoinHandle<()>;

fn bus(config: &Config, place: Place, store: &Store, entropy: &SharedEntropy) -> Result<(SharedBus, Option<Carrying>)> {
    Ok(match (place, config.carrier()) {
        // It ends soon, and needs no connection of its own for a word that it leaves in the store.
        (Place::Command, _) => (Arc::new(HintBus::new(store.clone(), Arc::clone(entropy))), None),
        (Place::Server, Carrier::Local) => (Arc::new(LocalBus::default()), None),
        (Place::Server, Carrier::Postgres) => {
            let (bus, work) = PgBus::over(&config.database.url, Arc::clone(entropy))?;
            (Arc::new(bus), Some(tokio::spawn(work)))
        }
        #[cfg(feature = "nats")]
        (Place::Server, Carrier::Nats) => {
            let (bus, work) = WideBus::over(NatsWay::to(&config.bus)?, Arc::clone(entropy));
            (Arc::new(bus), Some(tokio::spawn(work)))
        }
        #[cfg(not(feature = "nats"))]
        (Place::Server, Carrier::Nats) => bail!("this program was built without NATS"),
    })
}

/// Has a message go to other nodes and come back.
pub async fn check_bus(config: &Config) -> Result<()> {
    let entropy: SharedEntropy = Arc::new(OsEntropy);
    match config.carrier() {
        Carrier::Local => {}
        Carrier::Postgres => PgBus::check(&config.database.url, &entropy).await?,
        #[cfg(feature = "nats")]
        Carrier::Nats => WideBus::check(NatsWay::to(&config.bus)?, &entropy).await?,
        #[cfg(not(feature = "nats"))]
        Carrier::Nats => bail!("this program was built without NATS"),
    }
    Ok(())
}

/// The time.
pub fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

/// Opens the store without anything else.
pub async fn open_store(url: &str, schema: Schema) -> Result<Opened> {
    let options = Options { migrate: schema == Schema::Migrate, ..Options::default() };
    // The address of another engine may hold a password.
    let what = url.strip_prefix("sqlite:").map_or_else(
        || "the database cannot be opened".to_owned(),
        |file| {
            format!("the database {file} cannot be opened; it and its folder must be there and may not be read-only")
        },
    );
    let url = url.to_owned();
    let opened = blocking(move || ringfence_store::open(&url, &options)).await?;
    opened.context(what)
}

/// Names of the migrations that the database lacks.
pub async fn pending(url: &str) -> Result<Vec<&'static str>> {
    let url = url.to_owned();
    blocking(move || ringfence_store::pending(&url)).await?.context("the database cannot be read")
}

/// Applies what is pending and returns the names.
pub async fn migrate(url: &str) -> Result<Vec<&'static str>> {
    let url = url.to_owned();
    blocking(move || ringfence_store::migrate(&url)).await?.context("the database cannot be migrated")
}

/// Copies the database to a new file.
pub async fn backup(url: &str, file: std::path::PathBuf) -> Result<()> {
    let url = url.to_owned();
    blocking(move || ringfence_store::backup(&url, &file)).await?.context("the database cannot be copied")
}

/// Moves everything to another database.
pub async fn relocate(from: &str, to: &str) -> Result<Result<Vec<Moved>, RelocateError>> {
    let (from, to) = (from.to_owned(), to.to_owned());
    blocking(move || ringfence_store::relocate(&from, &to)).await
}

/// The engines' own calls block, and so may not run among other tasks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    Ok(tokio::task::spawn_blocking(work).await?)
}

async fn master_keys(config: &Config, store: &Store, entropy: &SharedEntropy) -> Result<KeyRing> {
    let file = &config.secrets.master_key_file;
    if let Some(ring) = master_key::read(file)? {
        return Ok(ring);
    }
    // A new key would open nothing, and hide that the right one is missing.
    if Authority::is_sealed(store).await? {
        bail!("the database is sealed, and its master key is not there: {} does not exist", file.display());
    }
    master_key::create(file, entropy.as_ref())
}

type SharedMailer = Arc<dyn Mailer>;

fn mailer(settings: &config::Mail) -> Result<(SharedMailer, Option<Arc<Mailbox>>)> {
    Ok(match settings.url.as_deref() {
        None => (Arc::new(NoMailer), None),
        Some(MAILBOX) => {
            let mailbox = Mailbox::new();
            (Arc::new(DevMailer { mailbox: Arc::clone(&mailbox), clock: clock() }), Some(mailbox))
        }
        Some(url) => (Arc::new(SmtpMailer::new(settings, url)?), None),
    })
}

/// The relays that clients are told of.
fn relay(settings: &config::Turn) -> Option<Relay> {
    let (realm, urls, ttl) = (settings.realm.clone(), settings.urls.clone(), settings.ttl.duration());
    (!urls.is_empty()).then_some(Relay { realm, urls, ttl })
}

fn hasher(settings: config::Passwords, entropy: SharedEntropy) -> Result<PasswordHasher> {
    let default = HasherConfig::default();
    let argon2 = Argon2Params { memory_kib: settings.memory_kib, passes: settings.passes, lanes: settings.lanes };
    let threads = if settings.threads == 0 { default.threads } else { settings.threads };
    PasswordHasher::new(HasherConfig { threads, argon2, ..default }, entropy)
        .map_err(crate::exit::explain)
        .context("section [password]")
}

/// Where dialects are; one that is switched off is nowhere.
fn mounts(dialects: &BTreeMap<String, config::Dialect>) -> Result<Vec<Mount>> {
    let mut mounts = Vec::new();
    for dialect in ringfence_wire::DIALECTS {
        let section = dialects.get(dialect.name).cloned().unwrap_or_default();
        if !section.enabled {
            continue;
        }
        mounts.push(Mount {
            dialect: dialect.name,
            prefix: section.prefix.unwrap_or_else(|| format!("/{}", dialect.name)),
            hosts: section.hosts.unwrap_or_else(|| vec![format!("{}.localhost", dialect.name)]),
            project: section.project,
            options: options(section.options).with_context(|| format!("section [dialects.{}]", dialect.name))?,
        });
    }
    Ok(mounts)
}

/// A dialect's own settings, with what `…_file` points at in the place of the file's name.
fn options(written: BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let read = |(name, value): (String, String)| match name.strip_suffix("_file") {
        None => Ok((name, value)),
        Some(plain) => {
            let text = std::fs::read_to_string(&value).with_context(|| format!("{name}: cannot read {value}"))?;
            Ok((plain.to_owned(), text.trim().to_owned()))
        }
    };
    written.into_iter().map(read).collect()
}
