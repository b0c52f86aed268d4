//! Opening a store by its URL, and what administrators do with a database as a whole.

use std::{fmt, path::Path, sync::Arc, thread, time::Duration};

use ringfence_core::{
    error::BoxError,
    store::{Store, StoreError},
};

use crate::{
    Running,
    postgres::{self, Postgres},
    sqlite::{self, Sqlite},
};

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Apply pending migrations; otherwise a database that lacks one is refused.
    pub migrate: bool,
    /// How many units may wait in a queue before more are refused.
    pub queue: usize,
    /// SQLite connections that read; as many as cores, from two to four, when absent.
    pub sqlite_readers: Option<usize>,
    /// PostgreSQL connections, beside two for sign-ins that only add rows; four per core, from eight to thirty-two, when absent.
    pub postgres_workers: Option<usize>,
    /// The longest that a statement may take on PostgreSQL, and may wait for another program on SQLite.
    pub statement_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            migrate: true,
            queue: 8192,
            sqlite_readers: None,
            postgres_workers: None,
            statement_timeout: Duration::from_secs(10),
        }
    }
}

impl Options {
    pub(crate) fn readers(&self) -> usize {
        self.sqlite_readers.unwrap_or_else(|| cores().clamp(2, 4)).max(1)
    }

    pub(crate) fn workers(&self) -> usize {
        self.postgres_workers.unwrap_or_else(|| (cores() * 4).clamp(8, 32)).max(1)
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names no engine. It is not shown, for it may hold a password.
    #[error("the database URL must be `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`")]
    Url,
    /// The URL of a PostgreSQL database cannot be read.
    #[error("the PostgreSQL URL is not valid: {0}")]
    PostgresUrl(String),
    /// There is no database.
    #[error("there is no such database")]
    Missing,
    /// A file name that SQLite cannot take.
    #[error("the file name is not UTF-8")]
    Path,
    /// A file could not be made.
    #[error("the file cannot be created")]
    File(#[source] std::io::Error),
    /// The database lacks migrations and applying them was not asked for.
    #[error("the database lacks migrations, run `ringfence migrate`: {}", names.join(", "))]
    Pending {
        /// What it lacks.
        names: Vec<&'static str>,
    },
    /// A migration was applied with another text than this program's.
    #[error("migration {name} was applied with another text; this is not a database of this program")]
    Altered {
        /// The migration.
        name: &'static str,
    },
    /// This engine has its own tool for it.
    #[error("back up PostgreSQL with `pg_dump --format=custom`, which copies it consistently while it is in use")]
    UsePgDump,
    /// Certificates for TLS could not be had.
    #[error("TLS to the database cannot be set up")]
    Tls(#[source] BoxError),
    /// The engine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpenError {
    pub(crate) fn file(error: std::io::Error) -> Self {
        Self::File(error)
    }
}

/// Which engine a store runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineName {
    /// A file; one node.
    Sqlite,
    /// A server; any number of nodes.
    Postgres,
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// An open store. Dropping it stops the engine, as [`close`](Self::close) does.
pub struct Opened {
    running: Arc<dyn Running>,
    engine: EngineName,
}

impl Opened {
    /// The store; after the engine has stopped it answers that it is unavailable.
    pub fn store(&self) -> Store {
        Store::new(Arc::clone(&self.running) as _)
    }

    /// What it runs on.
    pub fn engine(&self) -> EngineName {
        self.engine
    }

    /// Stops: new units are refused, those that wait are finished, the threads end. Blocks until then.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.running.stop();
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({})", self.engine)
    }
}

/// Where a URL points.
pub enum Place<'a> {
    /// To a file.
    Sqlite(&'a Path),
    /// To a server, by this URL.
    Postgres(&'a str),
}

/// Reads a URL.
pub fn place(url: &str) -> Result<Place<'_>, OpenError> {
    match url.split_once(':') {
        // In memory there would be one database per connection.
        Some(("sqlite", path)) if !path.is_empty() && path != ":memory:" => Ok(Place::Sqlite(Path::new(path))),
        Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => Ok(Place::Postgres(url)),
        Some(_) | None => Err(OpenError::Url),
    }
}

/// Opens the store that `url` names.
pub fn open(url: &str, options: &Options) -> Result<Opened, OpenError> {
    Ok(match place(url)? {
        Place::Sqlite(path) => Opened { running: Arc::new(Sqlite::open(path, options)?), engine: EngineName::Sqlite },
        Place::Postgres(url) => {
            Opened { running: Arc::new(Postgres::open(url, options)?), engine: EngineName::Postgres }
        }
    })
}

/// Names of the migrations that the database lacks, in the order in which they would be applied.
pub fn pending(url: &str) -> Result<Vec<&'static str>, OpenError> {
    match place(url)? {
        Place::Sqlite(path) => sqlite::pending(path),
        Place::Postgres(url) => postgres::pending(url),
    }
}

/// Applies what is pending, all or nothing, and returns the names.
pub fn migrate(url: &str) -> Result<Vec<&'static str>, OpenError> {
    match place(url)? {
        Place::Sqlite(path) => sqlite::migrate(path),
        Place::Postgres(url) => postgres::migrate(url),
    }
}

/// Copies a SQLite database, which may be in use, to the new file `file`, as of one moment.
pub fn backup(url: &str, file: &Path) -> Result<(), OpenError> {
    match place(url)? {
        Place::Sqlite(path) => sqlite::backup(path, file),
        Place::Postgres(_) => Err(OpenError::UsePgDump),
    }
}
