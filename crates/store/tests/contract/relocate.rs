//! Moving from SQLite to PostgreSQL.

use std::{collections::BTreeSet, path::Path};

use ringfence_store::{Moved, RelocateError, relocate};
use rusqlite::Connection;
use tokio::task::JoinHandle;

use crate::support::{World, connect, unique};

/// Texts that a careless copy would change.
const HARD: &str = "\t\\N\\.\r\n\u{8}\u{b}\u{c}\u{7f}\\\"'ß𝄞";
const ROWS: i64 = 3;

struct Column {
    name: String,
    is_text: bool,
    nullable: bool,
    /// The table and column that it refers to.
    refers: Option<(String, String)>,
}

fn tables(sqlite: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'schema_migration' ORDER BY name";
    sqlite.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn columns(sqlite: &Connection, table: &str) -> Vec<Column> {
    let sql = "SELECT c.name, c.type = 'TEXT', c.\"notnull\" = 0, f.\"table\", f.\"to\"
               FROM pragma_table_info($1) c LEFT JOIN pragma_foreign_key_list($1) f ON f.\"from\" = c.name";
    let read = |row: &rusqlite::Row<'_>| {
        let to: Option<(String, String)> = row.get::<_, Option<String>>(3)?.zip(row.get(4)?);
        Ok(Column { name: row.get(0)?, is_text: row.get(1)?, nullable: row.get(2)?, refers: to })
    };
    sqlite.prepare(sql).unwrap().query_map([table], read).unwrap().collect::<Result<_, _>>().unwrap()
}

/// What stands in a column of a row; a reference has what its row has there.
fn content(sqlite: &Connection, table: &str, column: &Column, row: i64) -> rusqlite::types::Value {
    if column.nullable && row == 0 {
        return rusqlite::types::Value::Null;
    }
    if let Some((other, to)) = &column.refers {
        let target = columns(sqlite, other).into_iter().find(|column| column.name == *to).unwrap();
        return content(sqlite, other, &target, row);
    }
    if column.is_text {
        return format!("{table}.{} {row}{HARD}", column.name).into();
    }
    if row == 1 { i64::MIN.into() } else { (i64::MAX - row).into() }
}

/// Puts rows into every table that there is, whichever these are.
fn fill(file: &Path) {
    let sqlite = Connection::open(file).unwrap();
    sqlite.execute_batch("PRAGMA foreign_keys = OFF; BEGIN").unwrap();
    for table in tables(&sqlite) {
        let columns = columns(&sqlite, &table);
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let sql = format!("INSERT INTO {table} ({}) VALUES ({marks})", names.join(", "));
        // What a migration put there would be in the way.
        sqlite.execute(&format!("DELETE FROM {table}"), []).unwrap();
        for row in 0..ROWS {
            let values = columns.iter().map(|column| content(&sqlite, &table, column, row));
            sqlite.execute(&sql, rusqlite::params_from_iter(values)).unwrap();
        }
    }
    sqlite.execute_batch("COMMIT").unwrap();
}

/// A database that is full and that nobody has open.
fn source() -> World {
    let mut w = World::sqlite();
    w.take_opened().close();
    fill(&w.file());
    w
}

fn start(from: &World, to: &World) -> JoinHandle<Result<Vec<Moved>, RelocateError>> {
    let (from, to) = (from.url.clone(), to.url.clone());
    tokio::task::spawn_blocking(move || relocate(&from, &to))
}

async fn moved(from: &World, to: &World) -> Result<Vec<Moved>, RelocateError> {
    start(from, to).await.unwrap()
}

/// The rows of a table, column by column as text.
type Rows = BTreeSet<Vec<Option<String>>>;

async fn rows_of(w: &World, sqlite: &Connection, table: &str) -> (Rows, Rows) {
    let names: Vec<_> =
        columns(sqlite, table).into_iter().map(|column| format!("CAST({} AS TEXT)", column.name)).collect();
    let sql = format!("SELECT {} FROM {table}", names.join(", "));
    let there = connect(&w.url).await.query(&sql, &[]).await.unwrap();
    let there = there.iter().map(|row| (0..names.len()).map(|index| row.get(index)).collect()).collect();
    let read = |row: &rusqlite::Row<'_>| (0..names.len()).map(|index| row.get(index)).collect();
    let here = sqlite.prepare(&sql).unwrap().query_map([], read).unwrap().collect::<Result<_, _>>().unwrap();
    (here, there)
}

/// Has every row that is put into `project` on the other side wait for a lock, and takes the lock.
async fn hold_up(to: &World) -> (tokio_postgres::Client, i64) {
    let client = connect(&to.url).await;
    let key = i64::from_str_radix(&unique()[..12].replace(|c: char| !c.is_ascii_hexdigit(), "7"), 16).unwrap();
    let sql = format!(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_advisory_xact_lock({key}); RETURN NEW; END $$;
         CREATE TRIGGER wait BEFORE INSERT ON project FOR EACH ROW EXECUTE FUNCTION wait();
         SELECT pg_advisory_lock({key})"
    );
    client.batch_execute(&sql).await.unwrap();
    (client, key)
}

/// Waits until a move waits there, and ends its connection.
async fn cut(client: &tokio_postgres::Client, to: &World) {
    let name = to.url.rsplit_once('=').unwrap().1;
    let sql = format!(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
         WHERE application_name = '{name} move' AND wait_event = 'advisory'"
    );
    while client.query(&sql, &[]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_table_moves_row_for_row() {
    let (from, to) = (source(), World::postgres().await);
    let report = moved(&from, &to).await.unwrap();
    let sqlite = Connection::open(from.file()).unwrap();
    let names: BTreeSet<_> = report.iter().map(|moved| moved.table().to_owned()).collect();
    assert_eq!(names, tables(&sqlite).into_iter().collect(), "the tables of the schema, all of them");
    for table in &report {
        assert_eq!(table.rows(), ROWS.unsigned_abs(), "{}", table.table());
        let (here, there) = rows_of(&to, &sqlite, table.table()).await;
        assert_eq!(here.len(), 3);
        assert_eq!(here, there, "{}", table.table());
    }
}

#[tokio::test]
async fn a_database_that_somebody_has_open_is_not_moved() {
    let (from, to) = (World::sqlite(), World::postgres().await);
    assert!(matches!(moved(&from, &to).await, Err(RelocateError::InUse)));
}

#[tokio::test]
async fn nobody_can_open_a_database_that_is_being_moved() {
    let (from, to) = (source(), World::postgres().await);
    let (lock, key) = hold_up(&to).await;
    let moving = start(&from, &to);
    // Only once it copies is the source surely taken.
    let waits =
        format!("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = {}", key & 0xffff_ffff);
    while lock.query(&waits, &[]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let other = Connection::open(from.file()).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    assert!(other.execute_batch("SELECT count(*) FROM project").is_err());
    lock.batch_execute(&format!("SELECT pg_advisory_unlock({key})")).await.unwrap();
    moving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_target_that_holds_anything_is_refused_and_left_alone() {
    let (from, to) = (source(), World::postgres().await);
    to.project().await;
    let before = to.rows_on_disk("project").await;
    assert!(matches!(moved(&from, &to).await, Err(RelocateError::NotEmpty { name }) if name == "project"));
    assert_eq!(to.rows_on_disk("project").await, before);
    assert_eq!(to.rows_on_disk("installation_fact").await, 0);
    // A second move finds what the first one brought.
    let other = World::postgres().await;
    moved(&from, &other).await.unwrap();
    assert!(matches!(moved(&from, &other).await, Err(RelocateError::NotEmpty { .. })));
}

#[tokio::test]
async fn what_a_migration_put_there_is_replaced_unless_somebody_changed_it() {
    let (from, to) = (source(), World::postgres().await);
    let client = connect(&to.url).await;
    client.batch_execute("UPDATE outbox_mark SET place = 1").await.unwrap();
    assert!(matches!(moved(&from, &to).await, Err(RelocateError::NotEmpty { name }) if name == "outbox_mark"));
    client.batch_execute("UPDATE outbox_mark SET place = 0").await.unwrap();
    moved(&from, &to).await.unwrap();
    assert_eq!(to.rows_on_disk("outbox_mark").await, ROWS);
}

#[tokio::test]
async fn a_row_that_arrives_otherwise_than_it_left_undoes_the_move() {
    let (from, to) = (source(), World::postgres().await);
    let client = connect(&to.url).await;
    let change = "CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS
                      $$ BEGIN NEW.detail := NEW.detail || '!'; RETURN NEW; END $$;
                  CREATE TRIGGER change BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION change()";
    client.batch_execute(change).await.unwrap();
    assert!(matches!(moved(&from, &to).await, Err(RelocateError::Differs { table }) if table == "audit_event"));
    assert_eq!(to.rows_on_disk("identity").await, 0);
    client.batch_execute("DROP TRIGGER change ON audit_event").await.unwrap();
    moved(&from, &to).await.unwrap();
    assert_eq!(to.rows_on_disk("audit_event").await, ROWS);
}

#[tokio::test]
async fn a_move_that_was_cut_short_leaves_nothing_and_is_begun_again() {
    let (from, to) = (source(), World::postgres().await);
    let (lock, key) = hold_up(&to).await;
    let moving = start(&from, &to);
    cut(&lock, &to).await;
    assert!(matches!(moving.await.unwrap(), Err(RelocateError::Postgres(_))));
    assert_eq!(to.rows_on_disk("installation_fact").await, 0);
    lock.batch_execute(&format!("SELECT pg_advisory_unlock({key})")).await.unwrap();
    moved(&from, &to).await.unwrap();
    assert_eq!(to.rows_on_disk("installation_fact").await, ROWS);
}

#[tokio::test]
async fn databases_of_different_versions_are_not_mixed() {
    let (from, to) = (source(), World::postgres().await);
    let newer = "INSERT INTO schema_migration (name, checksum, applied_at) VALUES ('9999_future', 'x', 0)";
    connect(&to.url).await.batch_execute(newer).await.unwrap();
    assert!(matches!(moved(&from, &to).await, Err(RelocateError::OtherVersion)));
    let sqlite = Connection::open(from.file()).unwrap();
    sqlite.execute_batch("DELETE FROM schema_migration WHERE name LIKE '0009%'").unwrap();
    drop(sqlite);
    assert!(matches!(moved(&from, &to).await, Err(RelocateError::Pending { names }) if names == ["0009_idempotency"]));
}

#[tokio::test]
async fn a_move_goes_one_way() {
    let (from, to) = (source(), World::postgres().await);
    assert!(matches!(moved(&to, &from).await, Err(RelocateError::Direction)));
    assert!(matches!(moved(&from, &from).await, Err(RelocateError::Direction)));
    std::fs::remove_file(from.file()).unwrap();
    assert!(matches!(moved(&from, &to).await, Err(RelocateError::Missing)));
    assert!(!from.file().exists(), "looking does not create it");
}
