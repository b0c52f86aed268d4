//! A unit of work over one connection: every storage trait of the core is implemented once, on [`SqlTx`].

use std::panic::{AssertUnwindSafe, catch_unwind};

use ringfence_core::store::{StoreError, StoreResult, Tx, Unit};

use crate::{
    row::Row,
    sql::{Sql, Value, backend},
};

/// The store as one unit of work sees it.
pub struct SqlTx<'a> {
    sql: &'a mut dyn Sql,
    broken: bool,
}

impl Tx for SqlTx<'_> {}

impl<'a> SqlTx<'a> {
    /// Over this connection, whose engine begins and ends the transaction.
    pub fn new(sql: &'a mut dyn Sql) -> Self {
        Self { sql, broken: false }
    }

    /// Runs one statement. After a failure nothing more runs: PostgreSQL would refuse it, so both engines do.
    fn run<T>(&mut self, statement: impl FnOnce(&mut dyn Sql) -> StoreResult<T>) -> StoreResult<T> {
        if self.broken {
            return Err(backend("an earlier statement of this unit failed"));
        }
        let outcome = statement(self.sql);
        self.broken = outcome.is_err();
        outcome
    }

    /// Runs a change and reports how many rows it touched.
    pub fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<u64> {
        if has_nul(values) {
            return self.run(|_| Err(backend(NUL)));
        }
        self.run(|engine| engine.execute(sql, values))
    }

    /// Runs a change whose count nobody asks for, and does not wait for its answer where the engine is far: a failure ends the
    /// unit all the same.
    pub fn later(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<()> {
        if has_nul(values) {
            return self.run(|_| Err(backend(NUL)));
        }
        self.run(|engine| engine.later(sql, values))
    }

    /// Runs a change of one row; `false` when it touched none, because somebody was faster or there is no such row.
    pub fn changed(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<bool> {
        self.execute(sql, values).map(|rows| rows > 0)
    }

    /// All rows, read by `decode`.
    pub fn all<T>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        decode: impl Fn(&mut Row) -> StoreResult<T>,
    ) -> StoreResult<Vec<T>> {
        if has_nul(values) {
            // No row has such a text, so none is found.
            let looks_only = sql.starts_with("SELECT");
            return self.run(|_| if looks_only { Ok(Vec::new()) } else { Err(backend(NUL)) });
        }
        let rows = self.run(|engine| engine.query(sql, values))?;
        rows.into_iter().map(|mut row| decode(&mut row)).collect()
    }

    /// The first row, if any, read by `decode`.
    pub fn one<T>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        decode: impl Fn(&mut Row) -> StoreResult<T>,
    ) -> StoreResult<Option<T>> {
        Ok(self.all(sql, values, decode)?.into_iter().next())
    }
}

const NUL: &str = "a text with U+0000 cannot be stored";

/// PostgreSQL cannot hold U+0000 in a text and SQLite can; clients choose some of these texts.
fn has_nul(values: &[Value<'_>]) -> bool {
    values.iter().any(|value| matches!(value, Value::Text(text) if text.as_bytes().contains(&0)))
}

/// How a unit ended.
pub enum Ran {
    /// Commit it.
    Keep,
    /// Roll it back; the unit knows why.
    Discard,
    /// Roll it back; the unit does not know why.
    Broken(StoreError),
}

/// Runs a unit, whatever it does.
pub fn run(unit: &mut dyn Unit, sql: &mut dyn Sql) -> Ran {
    let mut tx = SqlTx::new(sql);
    // Unwind safety: a unit that panicked is rolled back and dropped, and the connection sees whole statements only.
    match catch_unwind(AssertUnwindSafe(|| unit.run(&mut tx))) {
        Err(_) => Ran::Broken(backend("a unit of work panicked")),
        Ok(true) if tx.broken => Ran::Broken(backend("a unit of work went on after a failed statement")),
        Ok(true) => Ran::Keep,
        Ok(false) => Ran::Discard,
    }
}
