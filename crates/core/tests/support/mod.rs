//! A world on SQLite in a temporary file, which goes with it.

use ringfence_core::testing::World;
use ringfence_store::{Options, open};

/// A world.
pub async fn world() -> World {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("ringfence.db");
    let url = format!("sqlite:{}", file.to_str().expect("a UTF-8 path"));
    let opened = open(&url, &Options::default()).expect("a new database");
    World::start(opened.store()).await.holding((opened, folder))
}
