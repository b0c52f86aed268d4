use ringfence_store::{OpenError, Options, migrate, open, pending};

use crate::support::{World, connect};

on_every_engine!(
    a_new_database_lacks_everything_and_then_nothing,
    a_database_of_a_newer_program_is_accepted,
    a_migration_with_another_text_is_refused,
    two_programs_may_migrate_at_once,
);

impl World {
    /// Runs statements behind the store's back.
    async fn tamper(&self, sql: &str) {
        if self.url.starts_with("sqlite:") {
            rusqlite::Connection::open(self.file()).unwrap().execute_batch(sql).unwrap();
        } else {
            connect(&self.url).await.batch_execute(sql).await.unwrap();
        }
    }

    /// Makes the database new again.
    async fn empty(&mut self) {
        self.take_opened().close();
        if self.url.starts_with("sqlite:") {
            std::fs::remove_file(self.file()).unwrap();
        } else {
            let schema = self.url.rsplit_once('=').unwrap().1.to_owned();
            self.tamper(&format!("DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")).await;
        }
    }
}

/// The store's own calls block, as a command line may; on PostgreSQL they drive a runtime of their own.
async fn blocking<T: Send + 'static>(w: &World, work: fn(&str) -> Result<T, OpenError>) -> Result<T, OpenError> {
    let url = w.url.clone();
    tokio::task::spawn_blocking(move || work(&url)).await.unwrap()
}

fn open_only(url: &str) -> Result<(), OpenError> {
    open(url, &Options { migrate: false, ..Options::default() }).map(drop)
}

fn open_or_migrate(url: &str) -> Result<(), OpenError> {
    open(url, &Options::default()).map(drop)
}

async fn a_new_database_lacks_everything_and_then_nothing(mut w: World) {
    w.empty().await;
    let all = blocking(&w, pending).await.unwrap();
    assert_eq!(all.first(), Some(&"0001_foundation"));
    assert!(blocking(&w, pending).await.is_ok_and(|still| still == all), "looking changes nothing");
    if !w.url.starts_with("sqlite:") || w.file().exists() {
        assert!(matches!(blocking(&w, open_only).await, Err(OpenError::Pending { names }) if names == all));
    }
    assert_eq!(blocking(&w, migrate).await.unwrap(), all);
    assert!(blocking(&w, migrate).await.unwrap().is_empty());
    assert!(blocking(&w, pending).await.unwrap().is_empty());
    blocking(&w, open_only).await.unwrap();
}

async fn a_database_of_a_newer_program_is_accepted(w: World) {
    w.tamper("INSERT INTO schema_migration (name, checksum, applied_at) VALUES ('9999_future', 'x', 0)").await;
    assert!(blocking(&w, pending).await.unwrap().is_empty());
    blocking(&w, open_only).await.unwrap();
}

async fn a_migration_with_another_text_is_refused(w: World) {
    w.tamper("UPDATE schema_migration SET checksum = 'x'").await;
    let refused = blocking(&w, open_or_migrate).await;
    assert!(matches!(refused, Err(OpenError::Altered { name: "0001_foundation" })), "{refused:?}");
}

async fn two_programs_may_migrate_at_once(mut w: World) {
    w.empty().await;
    let (a, b) = tokio::join!(blocking(&w, open_or_migrate), blocking(&w, open_or_migrate));
    assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
}
