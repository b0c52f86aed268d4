//! Moving everything from SQLite to PostgreSQL.
//!
//! All of it is one transaction on the other side, which is read back and compared before it is committed. So the target has
//! nothing or everything, whatever happens on the way, and a move that was cut short is begun again. The tables are those that
//! the database has, not a list that somebody keeps: a table of a new migration is moved like the others.

mod line;
mod source;
mod target;

use std::collections::BTreeSet;

use self::{line::Tally, source::Source, target::Target};
use crate::{
    OpenError, Options,
    open::{self, Place},
    postgres::{self, address::Address},
    sql::busy,
};

/// A table that was moved.
#[derive(Clone, Debug)]
pub struct Moved {
    table: String,
    tally: Tally,
}

impl Moved {
    /// Its name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.tally.rows
    }
}

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum RelocateError {
    /// Only this way round.
    #[error("a move goes from `sqlite:PATH` to `postgres://USER:PASSWORD@HOST/DATABASE`")]
    Direction,
    /// There is nothing to move.
    #[error("there is no such database")]
    Missing,
    /// Somebody has the source open.
    #[error("the database is in use: stop the server that runs on it")]
    InUse,
    /// The source is of an older version.
    #[error("the database lacks migrations, run `ringfence migrate`: {}", names.join(", "))]
    Pending {
        /// What it lacks.
        names: Vec<&'static str>,
    },
    /// Source and target have seen different migrations.
    #[error("the two databases are not of the same version: one was used by a newer program")]
    OtherVersion,
    /// A table does not look like ours.
    #[error("table {name} of the target has other columns")]
    OtherTable {
        /// The table.
        name: String,
    },
    /// The target is in use already: it has more than the migrations put into it.
    #[error("the target is not empty: there are rows in {name}")]
    NotEmpty {
        /// A table with rows.
        name: String,
    },
    /// The source holds something that no program of ours wrote.
    #[error("a row of {table} holds what is neither text nor number")]
    Column {
        /// The table.
        table: String,
    },
    /// What was read back is not what was sent.
    #[error("{table} is not the same on the other side, so nothing was kept there")]
    Differs {
        /// The table.
        table: String,
    },
    /// Tables refer to one another.
    #[error("there is no order to copy these in: {}", names.join(", "))]
    Circle {
        /// The tables.
        names: Vec<String>,
    },
    /// The target was lost at the last moment.
    #[error("the connection was lost while committing; begin again, and a target that has everything says so")]
    Outcome(#[source] tokio_postgres::Error),
    /// The target cannot be opened, or brought to this version.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite failed.
    #[error("the source cannot be read")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL failed.
    #[error("the target failed, and nothing was kept there")]
    Postgres(#[from] tokio_postgres::Error),
}

impl RelocateError {
    /// Whether it was not tried, for something that the operator can mend.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Direction
                | Self::Missing
                | Self::InUse
                | Self::Pending { .. }
                | Self::OtherVersion
                | Self::OtherTable { .. }
                | Self::NotEmpty { .. }
        )
    }
}

/// A table and its columns, by name and type.
struct Table {
    name: String,
    columns: BTreeSet<(String, String)>,
}

impl Table {
    fn quoted(&self) -> String {
        quoted(&self.name)
    }

    fn column_names(&self) -> String {
        self.columns.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(", ")
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Moves everything from one database to another, which must be empty, and reports the tables in the order they were copied.
///
/// The target is brought to this version first. Nobody can open the source meanwhile, and it is not changed.
pub fn relocate(from: &str, to: &str) -> Result<Vec<Moved>, RelocateError> {
    let (Ok(Place::Sqlite(file)), Ok(Place::Postgres(_))) = (open::place(from), open::place(to)) else {
        return Err(RelocateError::Direction);
    };
    let source = Source::open(file)?;
    open::migrate(to)?;
    let address = Address::parse(to, &Options::default())?.called("move");
    std::thread::scope(|scope| {
        // A thread of its own, for it drives a runtime, and the caller may be inside of one.
        let work = scope.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| OpenError::Store(busy(error)))?;
            runtime.block_on(copy(&source, &address))
        });
        work.join().unwrap_or_else(|_| Err(OpenError::Store(postgres::panicked()).into()))
    })
}

async fn copy(source: &Source, address: &Address) -> Result<Vec<Moved>, RelocateError> {
    let mut client = address.connect().await?;
    let target = Target::begin(&mut client).await?;
    let tables = source.tables()?;
    target.clear(source, &tables).await?;
    let mut all = Vec::new();
    for table in &tables {
        let moved = target.copy(source, table).await?;
        tracing::info!(table = moved.table, rows = moved.rows(), "copied a table");
        all.push(moved);
    }
    for (table, moved) in tables.iter().zip(&all) {
        if target.tally(table).await? != moved.tally {
            return Err(RelocateError::Differs { table: moved.table.clone() });
        }
        tracing::info!(table = moved.table, "compared a table");
    }
    target.commit(&tables).await?;
    Ok(all)
}
