//! The side that is moved to: one transaction on PostgreSQL.

use std::{collections::BTreeSet, pin::pin};

use bytes::Bytes;
use futures_util::{SinkExt as _, TryStreamExt as _};
use tokio_postgres::{Client, Transaction};

use super::{
    Moved, RelocateError, Table,
    line::Tally,
    source::{Lines, Source},
};
use crate::migration;

/// Rows of one statement. PostgreSQL remembers a check of each foreign key of each row until the statement ends.
const BATCH: u64 = 200_000;

/// The database, its tables locked.
pub struct Target<'a>(Transaction<'a>);

impl<'a> Target<'a> {
    /// Begins. Nobody sees anything of what follows before [`commit`](Self::commit).
    pub async fn begin(client: &'a mut Client) -> Result<Self, RelocateError> {
        let transaction = client.build_transaction().read_only(false).start().await?;
        transaction
            .batch_execute(
                "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
                 SET LOCAL lock_timeout = '5s';
                 SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'",
            )
            .await?;
        Ok(Self(transaction))
    }

    /// Refuses a database of another version, or one that holds anything but what migrations put there, and takes that away;
    /// keeps others from writing.
    pub async fn clear(&self, source: &Source, tables: &[Table]) -> Result<(), RelocateError> {
        let applied = self.0.query(migration::APPLIED, &[]).await?;
        let applied: BTreeSet<(String, String)> = applied.iter().map(|row| (row.get(0), row.get(1))).collect();
        if applied != source.migrations()? {
            return Err(RelocateError::OtherVersion);
        }
        let all: Vec<_> = tables.iter().map(Table::quoted).collect();
        let lock = format!("LOCK TABLE {} IN EXCLUSIVE MODE", all.join(", "));
        self.0.batch_execute(&lock).await?;
        let fresh = Source::fresh()?;
        let mut seeded = Vec::new();
        for table in tables {
            let sql = "SELECT column_name::text, data_type::text FROM information_schema.columns
                       WHERE table_schema = current_schema() AND table_name = $1";
            let columns = self.0.query(sql, &[&table.name]).await?;
            let columns: BTreeSet<(String, String)> = columns.iter().map(|row| (row.get(0), row.get(1))).collect();
            if columns != table.columns {
                return Err(RelocateError::OtherTable { name: table.name.clone() });
            }
            let own = fresh.tally(table)?;
            let some = format!("SELECT 1 FROM {} LIMIT {}", table.quoted(), own.rows + 1);
            let found = self.0.query(&some, &[]).await?;
            if !found.is_empty() && (found.len() as u64 > own.rows || self.tally(table).await? != own) {
                return Err(RelocateError::NotEmpty { name: table.name.clone() });
            }
            if !found.is_empty() {
                seeded.push(table);
            }
        }
        for table in seeded.into_iter().rev() {
            self.0.batch_execute(&format!("DELETE FROM {}", table.quoted())).await?;
        }
        Ok(())
    }

    /// Copies a table and counts what was sent.
    pub async fn copy(&self, source: &Source, table: &Table) -> Result<Moved, RelocateError> {
        let mut moved = Moved { table: table.name.clone(), tally: Tally::default() };
        let mut select = source.select(table)?;
        let mut rows = select.query([])?;
        let into = format!("COPY {} ({}) FROM STDIN", table.quoted(), table.column_names());
        loop {
            let mut sink = pin!(self.0.copy_in::<_, Bytes>(&into).await?);
            let mut lines = Lines::new(&mut rows, table.columns.len(), BATCH);
            while let Some(piece) = lines.piece(&mut moved)? {
                sink.send(Bytes::from(piece)).await?;
            }
            sink.finish().await?;
            if lines.ended {
                return Ok(moved);
            }
        }
    }

    /// Reads a table back and counts what is there.
    pub async fn tally(&self, table: &Table) -> Result<Tally, RelocateError> {
        let from = format!("COPY {} ({}) TO STDOUT", table.quoted(), table.column_names());
        // The server sends each row as a message of its own.
        let mut lines = pin!(self.0.copy_out(&from).await?);
        let mut tally = Tally::default();
        while let Some(line) = lines.try_next().await? {
            tally.add(&line);
        }
        Ok(tally)
    }

    /// Makes all of it so, with what the planner is to know of it.
    pub async fn commit(self, tables: &[Table]) -> Result<(), RelocateError> {
        // By name: all at once would take the server's own tables, too, and wait for whoever does the same.
        let all: Vec<_> = tables.iter().map(Table::quoted).collect();
        self.0.batch_execute(&format!("ANALYZE {}", all.join(", "))).await?;
        self.0.commit().await.map_err(RelocateError::Outcome)
    }
}
