//! The side that is left: a SQLite database that nobody else has open.

use std::{collections::BTreeSet, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, Rows, Statement, ffi, types::ValueRef};

use super::{
    Moved, RelocateError, Table,
    line::{self, Tally},
};
use crate::{migration, sqlite};

/// How long a command that runs beside us may take to end.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many bytes are sent as one.
const PIECE: usize = 256 * 1024;

/// The database, all to ourselves.
pub struct Source(Connection);

impl Source {
    /// Opens a database of this version and keeps everybody else out until it is dropped: a server that wrote while rows are
    /// copied would write what nobody moves.
    pub fn open(path: &Path) -> Result<Self, RelocateError> {
        if !path.exists() {
            return Err(RelocateError::Missing);
        }
        let lacks = sqlite::pending(path)?;
        if !lacks.is_empty() {
            return Err(RelocateError::Pending { names: lacks });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        // A connection in WAL mode holds a shared lock on the file for as long as it is open, idle or not. Asking for an
        // exclusive one before the first look finds them all, and lets none come while we read.
        let alone = connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
        alone.map_err(|error| match error.sqlite_error_code() {
            Some(ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => RelocateError::InUse,
            Some(_) | None => error.into(),
        })?;
        Ok(Self(connection))
    }

    /// What the migrations of this version put into an empty database.
    pub fn fresh() -> Result<Self, RelocateError> {
        Ok(Self(sqlite::fresh()?))
    }

    /// Counts a table.
    pub fn tally(&self, table: &Table) -> Result<Tally, RelocateError> {
        let mut counted = Moved { table: table.name.clone(), tally: Tally::default() };
        let mut select = self.select(table)?;
        let mut rows = select.query([])?;
        let mut lines = Lines::new(&mut rows, table.columns.len(), u64::MAX);
        while lines.piece(&mut counted)?.is_some() {}
        Ok(counted.tally)
    }

    /// Which migrations it has, with their checksums.
    pub fn migrations(&self) -> Result<BTreeSet<(String, String)>, RelocateError> {
        self.listed(migration::APPLIED, [])
    }

    /// Every table but the list of migrations, each after those that it refers to.
    pub fn tables(&self) -> Result<Vec<Table>, RelocateError> {
        let names: BTreeSet<(String,)> = self.listed(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'",
            [],
        )?;
        let mut waiting = Vec::new();
        for (name,) in names {
            if name == migration::TABLE {
                continue;
            }
            let columns = self.listed("SELECT name, lower(type) FROM pragma_table_info($1)", [&name])?;
            let refers: BTreeSet<(String,)> =
                self.listed("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)", [&name])?;
            waiting.push((Table { name, columns }, refers));
        }
        let mut ordered: Vec<Table> = Vec::new();
        while !waiting.is_empty() {
            // A row may refer to an earlier one of its own table.
            let ready = |(table, refers): &(Table, BTreeSet<(String,)>)| {
                refers.iter().all(|(other,)| *other == table.name || ordered.iter().any(|done| done.name == *other))
            };
            let Some(next) = waiting.iter().position(ready) else {
                let names = waiting.into_iter().map(|(table, _)| table.name).collect();
                return Err(RelocateError::Circle { names });
            };
            ordered.push(waiting.remove(next).0);
        }
        Ok(ordered)
    }

    fn listed<T: Ord + FromColumns>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<BTreeSet<T>, RelocateError> {
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map(values, T::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A statement that reads a table as it was written, oldest row first.
    pub fn select(&self, table: &Table) -> Result<Statement<'_>, RelocateError> {
        let sql = format!("SELECT {} FROM {} ORDER BY rowid", table.column_names(), table.quoted());
        Ok(self.0.prepare(&sql)?)
    }
}

/// What a listing's row is read as.
trait FromColumns: Sized {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self>;
}

impl FromColumns for (String,) {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        row.try_into()
    }
}

impl FromColumns for (String, String) {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        row.try_into()
    }
}

/// The lines of up to `most` rows, in pieces; `None` after the last.
pub struct Lines<'a, 'b> {
    rows: &'a mut Rows<'b>,
    width: usize,
    left: u64,
    /// Whether the table has ended.
    pub ended: bool,
}

impl<'a, 'b> Lines<'a, 'b> {
    /// The next rows.
    pub fn new(rows: &'a mut Rows<'b>, width: usize, most: u64) -> Self {
        Self { rows, width, left: most, ended: false }
    }

    /// The next piece, its rows counted in `moved`.
    pub fn piece(&mut self, moved: &mut Moved) -> Result<Option<Vec<u8>>, RelocateError> {
        let mut piece = Vec::new();
        while self.left > 0 && piece.len() < PIECE {
            let Some(row) = self.rows.next()? else {
                self.ended = true;
                break;
            };
            self.left -= 1;
            let start = piece.len();
            for index in 0..self.width {
                let number;
                let column = match row.get_ref(index)? {
                    ValueRef::Null => None,
                    ValueRef::Integer(value) => {
                        number = value.to_string();
                        Some(number.as_bytes())
                    }
                    // PostgreSQL refuses what is no UTF-8.
                    ValueRef::Text(text) => Some(text),
                    ValueRef::Real(_) | ValueRef::Blob(_) => {
                        return Err(RelocateError::Column { table: moved.table.clone() });
                    }
                };
                line::push(&mut piece, index == 0, column);
            }
            piece.push(b'\n');
            moved.tally.add(&piece[start..]);
        }
        Ok((!piece.is_empty()).then_some(piece))
    }
}
