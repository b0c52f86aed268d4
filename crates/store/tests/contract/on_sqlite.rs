//! What only SQLite has.

use std::time::Duration;

use ringfence_store::{OpenError, Options, backup, open};

use crate::{
    fixtures,
    support::{World, is_busy},
};

#[tokio::test]
async fn a_backup_of_a_store_in_use_is_a_database() {
    let w = World::sqlite();
    let project = w.project().await;
    let file = w.file().with_file_name("copy.db");
    backup(&w.url, &file).unwrap();
    w.project().await;
    let copy = open(&format!("sqlite:{}", file.display()), &Options::default()).unwrap();
    assert_eq!(copy.store().read(|tx| Ok(tx.projects(None, 9)?)).await.unwrap(), [project]);
}

#[tokio::test]
async fn a_backup_overwrites_nothing() {
    let w = World::sqlite();
    assert!(matches!(backup(&w.url, &w.file()), Err(OpenError::File(_))));
    assert!(matches!(backup("sqlite:/nowhere/at/all.db", &w.file()), Err(OpenError::Missing)));
}

#[cfg(unix)]
#[tokio::test]
async fn the_database_and_its_copies_are_for_their_owner_alone() {
    use std::os::unix::fs::MetadataExt as _;
    let w = World::sqlite();
    w.project().await;
    let copy = w.file().with_file_name("copy.db");
    backup(&w.url, &copy).unwrap();
    for file in [w.file(), w.file().with_file_name("test.db-wal"), copy] {
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn the_log_does_not_grow_for_ever() {
    let w = World::sqlite();
    let mut identity = w.member().await;
    identity.attributes.insert("large".to_owned(), "x".repeat(400_000).into());
    // 160 MB of changes to one row, ten times the length at which the log is moved.
    for _ in 0..400 {
        let row = identity.clone();
        w.write(move |tx| tx.update_identity(&row)).await;
    }
    let log = w.file().with_file_name("test.db-wal").metadata().unwrap().len();
    assert!(log < 80_000_000, "{log} bytes");
}

#[test]
fn a_url_of_no_engine_is_refused_without_being_shown() {
    for url in ["", "sqlite:", "sqlite::memory:", "mysql://u:hunter22@h/d", "postgres:hunter22"] {
        let refused = open(url, &Options::default()).unwrap_err();
        assert!(matches!(refused, OpenError::Url) && !refused.to_string().contains("hunter22"));
    }
}

#[tokio::test]
async fn a_file_that_another_program_holds_is_busy() {
    let hasty = Options { statement_timeout: Duration::from_millis(50), ..Options::default() };
    let w = World::sqlite().like(&hasty).await;
    w.project().await;
    let other = rusqlite::Connection::open(w.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(is_busy(&w.refused(|tx| tx.insert_project(&fixtures::project())).await));
    other.execute_batch("ROLLBACK").unwrap();
    w.project().await;
}
