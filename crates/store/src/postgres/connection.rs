//! A PostgreSQL connection: its settings, its statements, its errors.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use futures_util::future::join_all;
use ringfence_core::store::{StoreError, StoreResult};
use tokio::{runtime, time::timeout};
use tokio_postgres::{
    Client, Statement,
    error::SqlState,
    types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

use super::address::Address;
use crate::{
    migration::Schema,
    row::Row,
    sql::{Sql, Value, backend, busy},
};

/// What a statement is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// How many rows it changed.
    Count,
    /// The rows it returns.
    Rows,
}

/// What a statement answered.
pub enum Answer {
    /// So many rows changed.
    Count(u64),
    /// These rows.
    Rows(Vec<Row>),
}

/// A change whose count nobody asks for.
pub struct Change {
    /// The statement.
    pub sql: &'static str,
    /// Its values.
    pub values: Vec<Value<'static>>,
}

/// At most so many changes are sent together. More would be polled in no order that is promised.
pub const CHANGES: usize = 24;

/// How long a server may take to accept a connection, log in included.
const GREETING: Duration = Duration::from_secs(10);

/// An open connection with the runtime that drives it.
pub struct Connection {
    client: Client,
    statements: HashMap<&'static str, Statement>,
    lost: bool,
    patience: Duration,
    // Last, so that the client goes first.
    runtime: runtime::Runtime,
}

impl Connection {
    /// Connects for units of work. Outside an explicit transaction the session only reads.
    pub fn open(address: &Address) -> StoreResult<Self> {
        // The server stops a slow statement by itself; twice its time is for a server that is gone.
        Self::with(address, address.statement_timeout(), address.statement_timeout() * 2)
    }

    /// Connects for migrations, which may wait for one another and may build an index for hours.
    pub fn open_for_schema(address: &Address) -> StoreResult<Self> {
        Self::with(address, Duration::ZERO, Duration::from_hours(24))
    }

    fn with(address: &Address, statement_timeout: Duration, patience: Duration) -> StoreResult<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(busy)?;
        let settings = settings(statement_timeout);
        let greet = async {
            let client = address.connect().await.map_err(store_error)?;
            client.batch_execute(&settings).await.map_err(store_error)?;
            Ok::<_, StoreError>(client)
        };
        let client = runtime.block_on(async { timeout(GREETING, greet).await }).map_err(busy)??;
        Ok(Self { client, statements: HashMap::new(), lost: false, patience, runtime })
    }

    /// Whether nothing more can be asked of it.
    pub fn is_lost(&self) -> bool {
        self.lost || self.client.is_closed()
    }

    /// Runs a statement and what was put off before it in one round trip, with `BEGIN READ WRITE` in front when they are the
    /// first of a transaction.
    pub fn call(
        &mut self,
        begin: bool,
        changes: &[Change],
        ask: Ask,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> StoreResult<Answer> {
        let Self { client, statements, runtime, patience, .. } = self;
        let work = async {
            prepare(client, statements, changes.iter().map(|change| change.sql).chain([sql])).await?;
            let last = run(client, ask, &statements[sql], values);
            // The session reads only: should the beginning fail, what follows fails too and is not committed by itself.
            let (before, answer) = tokio::join!(send(client, statements, begin, changes), last);
            before?;
            answer
        };
        let outcome = runtime.block_on(async { timeout(*patience, work).await });
        self.heed(outcome)?.into_rows()
    }

    /// Runs what was put off, and `COMMIT` behind it in the same round trip if `commit`: where one fails the server makes a
    /// `ROLLBACK` of it.
    pub fn settle(&mut self, begin: bool, changes: &[Change], commit: bool) -> StoreResult<()> {
        let Self { client, statements, runtime, patience, .. } = self;
        let work = async {
            prepare(client, statements, changes.iter().map(|change| change.sql)).await?;
            let end = async { if commit { client.batch_execute("COMMIT").await } else { Ok(()) } };
            let (before, ended) = tokio::join!(send(client, statements, begin, changes), end);
            before?;
            ended
        };
        let outcome = runtime.block_on(async { timeout(*patience, work).await });
        self.heed(outcome)
    }

    /// Runs statements about the transaction.
    pub fn control(&mut self, sql: &str) -> StoreResult<()> {
        let Self { client, runtime, patience, .. } = self;
        let outcome = runtime.block_on(async { timeout(*patience, client.batch_execute(sql)).await });
        self.heed(outcome)
    }

    fn heed<T>(
        &mut self,
        outcome: Result<Result<T, tokio_postgres::Error>, tokio::time::error::Elapsed>,
    ) -> StoreResult<T> {
        match outcome {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                // Without a word of the server the connection broke; some of its words are the last.
                self.lost |= error.code().is_none_or(|code| code.code().starts_with("57P"));
                Err(store_error(error))
            }
            Err(elapsed) => {
                self.lost = true;
                Err(busy(elapsed))
            }
        }
    }
}

fn settings(statement_timeout: Duration) -> String {
    let millis = statement_timeout.as_millis();
    // Durability is promised, so a server whose default is to answer first is told otherwise; a stronger setting stays.
    format!(
        "SET default_transaction_read_only = on;
         SET default_transaction_isolation = 'read committed';
         SET statement_timeout = {millis};
         SET idle_in_transaction_session_timeout = {millis};
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
}

enum Raw {
    Count(u64),
    Rows(Vec<tokio_postgres::Row>),
}

async fn prepare(
    client: &Client,
    statements: &mut HashMap<&'static str, Statement>,
    wanted: impl Iterator<Item = &'static str>,
) -> Result<(), tokio_postgres::Error> {
    for sql in wanted {
        if !statements.contains_key(sql) {
            statements.insert(sql, client.prepare(sql).await?);
        }
    }
    Ok(())
}

/// Sends all of it when first polled, then waits for the answers; the first failure counts, for the others follow from it.
async fn send(
    client: &Client,
    statements: &HashMap<&'static str, Statement>,
    begin: bool,
    changes: &[Change],
) -> Result<(), tokio_postgres::Error> {
    let opening = async { if begin { client.batch_execute("BEGIN READ WRITE").await } else { Ok(()) } };
    let changing = changes.iter().map(|change| run(client, Ask::Count, &statements[change.sql], &change.values));
    let (opened, outcomes) = tokio::join!(opening, join_all(changing));
    opened?;
    outcomes.into_iter().try_for_each(|outcome| outcome.map(drop))
}

async fn run(
    client: &Client,
    ask: Ask,
    statement: &Statement,
    values: &[Value<'_>],
) -> Result<Raw, tokio_postgres::Error> {
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
    Ok(match ask {
        Ask::Count => Raw::Count(client.execute(statement, &values).await?),
        Ask::Rows => Raw::Rows(client.query(statement, &values).await?),
    })
}

impl Raw {
    fn into_rows(self) -> StoreResult<Answer> {
        Ok(match self {
            Self::Count(count) => Answer::Count(count),
            Self::Rows(rows) => Answer::Rows(rows.iter().map(row).collect::<Result<_, _>>().map_err(store_error)?),
        })
    }
}

fn row(row: &tokio_postgres::Row) -> Result<Row, tokio_postgres::Error> {
    let column = |(index, column): (usize, &tokio_postgres::Column)| {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index)?.map_or(Value::Null, Value::Int),
            _ => row.try_get::<_, Option<String>>(index)?.map_or(Value::Null, |text| Value::Text(Cow::Owned(text))),
        })
    };
    Ok(Row::new(row.columns().iter().enumerate().map(column).collect::<Result<_, _>>()?))
}

impl Sql for Connection {
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<u64> {
        self.call(false, &[], Ask::Count, sql, values).map(Answer::count)
    }

    fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<Vec<Row>> {
        self.call(false, &[], Ask::Rows, sql, values).map(Answer::rows)
    }
}

impl Answer {
    /// The count, of an answer that was asked for it.
    pub fn count(self) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Rows(_) => 0,
        }
    }

    /// The rows, of an answer that was asked for them.
    pub fn rows(self) -> Vec<Row> {
        match self {
            Self::Rows(rows) => rows,
            Self::Count(_) => Vec::new(),
        }
    }
}

impl Schema for Connection {
    // The number stands for this program.
    const BEGIN_ALONE: &'static str = "BEGIN READ WRITE; SELECT pg_advisory_xact_lock(7404938521133)";
    const TABLE_EXISTS: &'static str = "SELECT 'yes' WHERE to_regclass('schema_migration') IS NOT NULL";

    fn script(&mut self, sql: &str) -> StoreResult<()> {
        self.control(sql)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Text(text) => text.as_ref().to_sql(kind, out),
            Value::Int(number) => number.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::TEXT | Type::INT8)
    }

    to_sql_checked!();
}

pub(super) fn store_error(error: tokio_postgres::Error) -> StoreError {
    let Some(code) = error.code() else {
        // A broken connection, or a value of the wrong type, which a test would find.
        return busy(error);
    };
    match code.code() {
        _ if [SqlState::UNIQUE_VIOLATION, SqlState::FOREIGN_KEY_VIOLATION].contains(code) => {
            StoreError::Conflict(error.into())
        }
        // Lost a deadlock or a race; out of time; a server that may only be read, as one is that waits to take over.
        "40001" | "40P01" | "55P03" | "25006" => busy(error),
        // No connection; too many, or a full disk; stopped or stopping; a disk that fails.
        text if ["08", "53", "57", "58"].iter().any(|class| text.starts_with(class)) => busy(error),
        _ => backend(error),
    }
}
