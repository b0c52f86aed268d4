//! What an engine must offer: run one statement of the portable subset.

use std::borrow::Cow;

use ringfence_core::{
    error::BoxError,
    store::{StoreError, StoreResult},
};

use crate::row::Row;

/// A value on its way into or out of a statement. The subset has two column types, so there are no others.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Absent.
    Null,
    /// `TEXT`.
    Text(Cow<'a, str>),
    /// `BIGINT`.
    Int(i64),
}

/// One connection of an engine, inside a transaction.
///
/// Statements are `'static`, so that nothing can be spliced into them and each is prepared once per connection.
pub trait Sql {
    /// Runs a statement that returns no rows and reports how many it changed.
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<u64>;

    /// Runs a change whose count nobody asks for. An engine may put off the wait for its answer: then a failure is that of the
    /// unit's next statement, or of its end.
    fn later(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<()> {
        self.execute(sql, values).map(drop)
    }

    /// Runs a statement that returns rows: a query, or a change with `RETURNING`.
    fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<Vec<Row>>;
}

impl Value<'_> {
    /// A copy that lives as long as one likes.
    pub fn to_static(&self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Text(text) => Value::Text(Cow::Owned(text.clone().into_owned())),
            Value::Int(number) => Value::Int(*number),
        }
    }
}

/// The values of a statement, in order of their numbers.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$($crate::sql::Value::from($value)),*]
    };
}
pub(crate) use values;

/// A failure that no caller can repair.
pub fn backend(cause: impl Into<BoxError>) -> StoreError {
    StoreError::Backend(cause.into())
}

/// A failure that may be over soon.
pub fn busy(cause: impl Into<BoxError>) -> StoreError {
    StoreError::Busy(cause.into())
}
