//! A world per test: an empty database on one engine, gone afterwards.

use std::path::PathBuf;

use ringfence_core::{
    entropy::OsEntropy,
    error::AuthError,
    ids::SessionId,
    store::{Store, StoreError, StoreResult, Tx},
    time::Timestamp,
};
use ringfence_store::{Opened, Options, open};
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// A moment in the life of every world.
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// So many seconds after [`NOW`], or before it.
pub const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(NOW.seconds() + seconds)
}

/// A fresh text for names that must differ.
pub fn unique() -> String {
    SessionId::mint(NOW, &OsEntropy).short()
}

/// An open store on an empty database.
pub struct World {
    pub store: Store,
    pub url: String,
    // Before the database, for fields go in this order.
    opened: Option<Opened>,
    database: Database,
}

enum Database {
    File {
        /// Removed with its content when dropped.
        _folder: TempDir,
    },
    Schema {
        _schema: Schema,
    },
}

/// A schema of the test server, dropped with it.
struct Schema {
    server: String,
    name: String,
}

impl World {
    pub fn sqlite() -> Self {
        Self::sqlite_with(&Options::default())
    }

    pub async fn postgres() -> Self {
        Self::postgres_with(&Options { postgres_workers: Some(8), ..Options::default() }).await
    }

    /// A world on the engine of `self` with other options.
    pub async fn like(&self, options: &Options) -> Self {
        match self.database {
            Database::File { .. } => Self::sqlite_with(options),
            Database::Schema { .. } => Self::postgres_with(options).await,
        }
    }

    fn sqlite_with(options: &Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        Self::open(url, Database::File { _folder: folder }, options)
    }

    async fn postgres_with(options: &Options) -> Self {
        let (url, database) = schema().await;
        Self::open(url, database, options)
    }

    fn open(url: String, database: Database, options: &Options) -> Self {
        let opened = open(&url, options).unwrap();
        Self { store: opened.store(), url, opened: Some(opened), database }
    }

    /// Runs a unit that must succeed.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> StoreResult<T> + Send + 'static,
    ) -> T {
        self.store.write(|tx| Ok(work(tx)?)).await.unwrap()
    }

    /// Runs a unit that only looks and must succeed.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> StoreResult<T> + Send + 'static,
    ) -> T {
        self.store.read(|tx| Ok(work(tx)?)).await.unwrap()
    }

    /// Runs a unit that must fail.
    pub async fn refused<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> StoreResult<T> + Send + 'static,
    ) -> AuthError {
        self.store.write(|tx| Ok(work(tx)?)).await.err().expect("the unit was to fail")
    }

    /// The store, to close or to keep while the world goes.
    pub fn take_opened(&mut self) -> Opened {
        self.opened.take().unwrap()
    }

    /// The file of a world on SQLite.
    pub fn file(&self) -> PathBuf {
        PathBuf::from(self.url.strip_prefix("sqlite:").unwrap())
    }

    /// Rows of a table as a connection sees them that knows nothing of the store.
    pub async fn rows_on_disk(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        match self.database {
            Database::File { .. } => {
                rusqlite::Connection::open(self.file()).unwrap().query_one(&sql, [], |row| row.get(0)).unwrap()
            }
            Database::Schema { .. } => connect(&self.url).await.query_one(&sql, &[]).await.unwrap().get(0),
        }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (server, sql) = (self.server.clone(), format!("DROP SCHEMA {} CASCADE", self.name));
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { connect(&server).await.batch_execute(&sql).await.unwrap() });
        });
        // A second panic while unwinding would hide the first.
        assert!(dropped.join().is_ok() || std::thread::panicking());
    }
}

/// Where the test server is.
pub fn server() -> String {
    std::env::var("RINGFENCE_TEST_POSTGRES").expect(
        "RINGFENCE_TEST_POSTGRES is not set: run `cargo xtask test`, which starts a PostgreSQL server for the tests, \
         or set it to the URL of a superuser",
    )
}

/// An empty schema of its own on the test server, and the URL that leads into it.
async fn schema() -> (String, Database) {
    let server = server();
    let name = format!("test_{}", unique());
    connect(&server).await.batch_execute(&format!("CREATE SCHEMA {name}")).await.unwrap();
    let mark = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{mark}options=-c%20search_path%3D{name}&application_name={name}");
    (url, Database::Schema { _schema: Schema { server, name } })
}

/// A raw connection.
pub async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Whether the store found a unique or foreign key in the way.
pub fn is_conflict(error: &AuthError) -> bool {
    matches!(error, AuthError::Internal(cause) if matches!(cause.downcast_ref(), Some(StoreError::Conflict(_))))
}

/// Whether the store said to come again.
pub fn is_busy(error: &AuthError) -> bool {
    matches!(error, AuthError::Unavailable { .. })
}
