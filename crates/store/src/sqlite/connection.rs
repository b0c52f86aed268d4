//! A SQLite connection: its settings, its statements, its errors.

use std::{borrow::Cow, fs::OpenOptions, path::Path, time::Duration};

use ringfence_core::store::{StoreError, StoreResult};
use rusqlite::{
    CachedStatement, OpenFlags, ToSql,
    config::DbConfig,
    ffi,
    types::{ToSqlOutput, ValueRef},
};

use crate::{
    OpenError,
    migration::Schema,
    row::Row,
    sql::{Sql, Value, backend, busy},
};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one that writes.
    Writer,
    /// One of those that only read.
    Reader,
    /// The one that moves the log into the database, or copies it.
    Checkpointer,
}

/// Enough for every statement of this crate, so that none is prepared twice.
const STATEMENTS: usize = 256;

/// An open connection.
pub struct Connection {
    inner: rusqlite::Connection,
    /// How long another process, such as an administrator's command, may hold the database.
    patience: Duration,
}

impl Connection {
    /// Opens the database; a writer creates it, readable by its owner alone.
    pub fn open(path: &Path, role: Role, patience: Duration) -> Result<Self, OpenError> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if role == Role::Writer {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
            // SQLite would make it readable by all; the log and its index take the mode of this file.
            match private_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(OpenError::file(error)),
                Ok(_) | Err(_) => {}
            }
        }
        let inner = rusqlite::Connection::open_with_flags(path, flags).map_err(store_error)?;
        let connection = Self { inner, patience };
        connection.configure(role).map_err(store_error)?;
        Ok(connection)
    }

    /// A database that is nowhere, to tell what an empty one lacks.
    pub fn in_memory() -> Result<Self, OpenError> {
        let inner = rusqlite::Connection::open_in_memory().map_err(store_error)?;
        Ok(Self { inner, patience: Duration::ZERO })
    }

    /// The connection as the driver has it.
    pub fn into_inner(self) -> rusqlite::Connection {
        self.inner
    }

    fn configure(&self, role: Role) -> rusqlite::Result<()> {
        self.inner.busy_timeout(self.patience)?;
        self.inner.set_prepared_statement_cache_capacity(STATEMENTS);
        // A plan that depends on the values bound to it would be made anew at every use: twice the cost of a point read.
        self.inner.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        self.inner.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
        match role {
            // Autocheckpoint would make whoever waits for the writer wait for the disk twice. A log that once grew is cut back.
            Role::Writer => self.inner.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
                 PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -8192;",
            ),
            Role::Reader => self.inner.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4096;"),
            Role::Checkpointer => self.inner.execute_batch("PRAGMA synchronous = FULL; PRAGMA cache_size = -256;"),
        }
    }

    /// Runs a statement about the transaction.
    pub fn control(&self, sql: &'static str) -> StoreResult<()> {
        let mut statement = self.inner.prepare_cached(sql).map_err(store_error)?;
        statement.raw_execute().map(drop).map_err(store_error)
    }

    /// Whether no transaction is open. SQLite ends one by itself when the disk is full or broken.
    pub fn is_autocommit(&self) -> bool {
        self.inner.is_autocommit()
    }

    /// How many rows were changed since it was opened, whatever was rolled back.
    pub fn changes_so_far(&self) -> u64 {
        self.inner.total_changes()
    }

    /// Calls `hook` after each commit with the length of the log in pages.
    pub fn on_commit(&mut self, mut hook: impl FnMut(u32) + Send + 'static) -> StoreResult<()> {
        let hook = move |_: &mut rusqlite::hooks::Wal, pages| {
            hook(u32::try_from(pages).unwrap_or(0));
            Ok(())
        };
        self.inner.wal_hook(Some(hook)).map_err(store_error)
    }

    /// Moves the log into the database without waiting for anyone.
    pub fn checkpoint(&self) -> StoreResult<()> {
        self.inner.execute_batch("PRAGMA wal_checkpoint(PASSIVE)").map_err(store_error)
    }

    /// Moves the rest of the log and lets the next commit begin it anew; waits for readers at most `span`.
    pub fn restart_log(&self, span: Duration) -> StoreResult<()> {
        self.inner.busy_timeout(span).map_err(store_error)?;
        // Answers "busy" in a column, not as an error: then the log stays and is restarted another time.
        let outcome = self.inner.execute_batch("PRAGMA wal_checkpoint(RESTART)").map_err(store_error);
        self.inner.busy_timeout(self.patience).map_err(store_error)?;
        outcome
    }

    /// Copies the database as of now to a file that does not exist yet.
    pub fn copy_to(&self, file: &Path) -> Result<(), OpenError> {
        let copy = private_file(file).map_err(OpenError::file)?;
        let name = file.to_str().ok_or(OpenError::Path)?;
        self.inner.execute("VACUUM INTO $1", [name]).map_err(store_error)?;
        copy.sync_all().map_err(OpenError::file)
    }

    fn bound(&self, sql: &'static str, values: &[Value<'_>]) -> rusqlite::Result<CachedStatement<'_>> {
        let mut statement = self.inner.prepare_cached(sql)?;
        for (index, value) in (1..).zip(values) {
            // `$2` is a name to SQLite and the names are numbered as they come: the subset wants them in order.
            debug_assert_eq!(statement.parameter_name(index), Some(&*format!("${index}")), "in {sql}");
            statement.raw_bind_parameter(index, value)?;
        }
        Ok(statement)
    }

    fn rows(&self, sql: &'static str, values: &[Value<'_>]) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.bound(sql, values)?;
        let width = statement.column_count();
        let (mut rows, mut answer) = (statement.raw_query(), Vec::new());
        while let Some(row) = rows.next()? {
            let mut columns = Vec::with_capacity(width);
            for index in 0..width {
                columns.push(match row.get_ref(index)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::Int(number),
                    ValueRef::Text(text) => Value::Text(Cow::Owned(str::from_utf8(text)?.to_owned())),
                    ValueRef::Real(_) | ValueRef::Blob(_) => {
                        let name = row.as_ref().column_name(index)?.to_owned();
                        return Err(rusqlite::Error::InvalidColumnType(index, name, row.get_ref(index)?.data_type()));
                    }
                });
            }
            answer.push(Row::new(columns));
        }
        Ok(answer)
    }
}

/// Creates a file that only its owner may read.
fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Sql for Connection {
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<u64> {
        let changed = self.bound(sql, values).and_then(|mut statement| statement.raw_execute());
        changed.map_err(store_error).map(|rows| u64::try_from(rows).unwrap_or(u64::MAX))
    }

    fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<Vec<Row>> {
        self.rows(sql, values).map_err(store_error)
    }
}

impl Schema for Connection {
    const BEGIN_ALONE: &'static str = "BEGIN EXCLUSIVE";
    const TABLE_EXISTS: &'static str = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'";

    fn script(&mut self, sql: &str) -> StoreResult<()> {
        self.inner.execute_batch(sql).map_err(store_error)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Int(number) => ValueRef::Integer(*number),
        }))
    }
}

/// What is not the statement's fault and may be over when somebody asks again: another writer, or a disk that is full, fails, or was
/// made read-only.
const PASSING: [i32; 5] =
    [ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED, ffi::SQLITE_FULL, ffi::SQLITE_IOERR, ffi::SQLITE_READONLY];

fn store_error(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error() {
        Some(cause) => match cause.extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_FOREIGNKEY => {
                StoreError::Conflict(error.into())
            }
            code if PASSING.contains(&(code & 0xff)) => busy(error),
            _ => backend(error),
        },
        None => backend(error),
    }
}
