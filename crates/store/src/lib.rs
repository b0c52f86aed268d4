//! Storage of Ringfence: the only code that knows SQL.
//!
//! [`open`] gives a [`Store`] over SQLite or PostgreSQL. The storage traits of `ringfence-core` are implemented once, in one
//! file per trait, on `tx::SqlTx`; an engine only runs statements (`sql.rs`) on threads that own connections.
//!
//! | to find | look into |
//! | --- | --- |
//! | a statement | the file named after its noun: `project.rs`, `identity.rs`, `session.rs`, … |
//! | a table | `migrations/` |
//! | how a column is read | `row.rs` |
//! | how everything moves to another engine | `relocate/` |
//! | when something is durable | `sqlite/writer.rs`, `postgres/worker.rs` |
//!
//! # The portable subset
//!
//! One SQL text serves both engines. What keeps it so:
//!
//! * Two column types, `TEXT` and `BIGINT`. Ids are canonical UUID text, times are milliseconds since the epoch; JSON, sealed
//!   secrets and digests are text. No booleans: a fact that can become true is a nullable time.
//! * Placeholders `$1`, `$2`, … that first appear in this order (a debug assertion checks it on SQLite); `INSERT … ON
//!   CONFLICT`; `RETURNING`; plain joins; keyset pagination on the id.
//! * Never in SQL: `now()`, `lower()`, `ILIKE`, JSON operators, arrays, `FOR UPDATE`, `SKIP LOCKED`, booleans, `NULLS FIRST`,
//!   sequences. Case, Unicode and time are settled in Rust. Sort only by ids, times and numbers, for other orders differ by
//!   collation.
//! * Columns are listed by name, never `*`, so that an older node survives an added column: expand, then contract.
//! * A statement that fails ends its unit, as on PostgreSQL. So an expected conflict is `ON CONFLICT DO NOTHING` and a count,
//!   and a race is one conditional `UPDATE … RETURNING`: no row means that somebody was faster.
//! * A text with U+0000 is in no row: PostgreSQL has no such texts. Looking for one finds nothing, storing one fails.
//! * A unit that reads sees one snapshot on SQLite and, as READ COMMITTED has it, one per statement on PostgreSQL. What must
//!   belong together is one statement.

mod administrator;
mod application;
mod audit;
mod bus;
mod credential;
mod endpoint;
mod engine;
mod feed;
mod idempotency;
mod identity;
mod issuer;
mod key;
mod membership;
mod migration;
mod open;
mod outbox;
mod picture;
mod postgres;
mod presence;
mod project;
mod queue;
mod refresh;
mod relocate;
mod resume;
mod row;
mod session;
mod sip;
mod sql;
mod sqlite;
mod throttle;
mod tx;
mod verification;
mod webhook;

use ringfence_core::store::Engine;
pub use ringfence_core::store::Store;

pub use self::bus::{BusError, Hearing, Link, PgBus, PgWay, Way, WideBus};
pub use self::feed::{Feed, SqlName, SqlTable, install as install_feed, put_turn_secrets};
pub use self::open::{EngineName, OpenError, Opened, Options, backup, migrate, open, pending};
pub use self::relocate::{Moved, RelocateError, relocate};

/// An engine that can be told to stop.
trait Running: Engine {
    /// Refuses new units, finishes those that wait and ends the threads.
    fn stop(&self);
}
