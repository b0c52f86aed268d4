//! SQLite: one writer thread that commits in groups, several readers, one that checkpoints.

mod checkpoint;
mod connection;
mod writer;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use ringfence_core::store::{Engine, Unit};

use self::{
    checkpoint::Checkpoints,
    connection::{Connection, Role},
    writer::Writer,
};
use crate::{OpenError, Options, Running, engine, migration, queue::Queue, tx};

/// The engine.
pub struct Sqlite {
    writes: Arc<Queue<Box<dyn Unit>>>,
    reads: Arc<Queue<Box<dyn Unit>>>,
    checkpoints: Arc<Checkpoints>,
    units: Mutex<Vec<JoinHandle<()>>>,
    checkpointer: Mutex<Option<JoinHandle<()>>>,
}

impl Sqlite {
    /// Opens the database, migrated if `options` say so, and starts the threads.
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let connect = |role| Connection::open(path, role, options.statement_timeout);
        let mut connection = connect(Role::Writer)?;
        engine::prepare_schema(&mut connection, options)?;
        let checkpoints = Arc::new(Checkpoints::default());
        checkpoints.watch(&mut connection)?;
        // All connections first: a thread that waits for a unit would outlive a failure here.
        let readers = (0..options.readers()).map(|_| connect(Role::Reader)).collect::<Result<Vec<_>, _>>()?;
        let mover = connect(Role::Checkpointer)?;

        let (writes, reads) = (Arc::new(Queue::new(options.queue)), Arc::new(Queue::new(options.queue)));
        let mut units = Vec::new();
        let (queue, mut committer) = (Arc::clone(&writes), Writer::new(connection, Arc::clone(&checkpoints)));
        units.push(engine::thread("store-writer", move || committer.serve(&queue))?);
        for mut reader in readers {
            let queue = Arc::clone(&reads);
            units.push(engine::thread("store-reader", move || read(&mut reader, &queue))?);
        }
        let shared = Arc::clone(&checkpoints);
        let checkpointer = engine::thread("store-checkpoint", move || shared.serve(&mover))?;
        Ok(Self { writes, reads, checkpoints, units: Mutex::new(units), checkpointer: Mutex::new(Some(checkpointer)) })
    }
}

/// How long an administrator's command waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// Names of the migrations that the database lacks.
pub fn pending(path: &Path) -> Result<Vec<&'static str>, OpenError> {
    if !path.exists() {
        // Looking must not create it.
        return migration::pending(&mut Connection::in_memory()?);
    }
    migration::pending(&mut Connection::open(path, Role::Reader, PATIENCE)?)
}

/// A database in memory as the migrations leave it.
pub fn fresh() -> Result<rusqlite::Connection, OpenError> {
    let mut connection = Connection::in_memory()?;
    migration::migrate(&mut connection)?;
    Ok(connection.into_inner())
}

/// Applies pending migrations.
pub fn migrate(path: &Path) -> Result<Vec<&'static str>, OpenError> {
    migration::migrate(&mut Connection::open(path, Role::Writer, PATIENCE)?)
}

/// Writes a consistent copy of the database, which may be in use, to a new file.
pub fn backup(path: &Path, file: &Path) -> Result<(), OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing);
    }
    Connection::open(path, Role::Checkpointer, PATIENCE)?.copy_to(file)
}

impl Engine for Sqlite {
    fn submit_read(&self, unit: Box<dyn Unit>) {
        engine::submit(&self.reads, unit);
    }

    fn submit_write(&self, unit: Box<dyn Unit>) {
        engine::submit(&self.writes, unit);
    }
}

impl Running for Sqlite {
    fn stop(&self) {
        self.writes.close();
        self.reads.close();
        engine::join(self.units.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
        // After the writer, which may still ask for a checkpoint.
        self.checkpoints.close();
        engine::join(self.checkpointer.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn read(connection: &mut Connection, queue: &Queue<Box<dyn Unit>>) {
    while let Some(mut unit) = queue.pop() {
        if unit.abandoned() {
            continue;
        }
        if let Err(failure) = connection.control("BEGIN") {
            unit.finish(Err(failure));
            continue;
        }
        let outcome = match tx::run(&mut *unit, connection) {
            tx::Ran::Keep | tx::Ran::Discard => Ok(()),
            tx::Ran::Broken(failure) => Err(failure),
        };
        // Nothing was written, so there is nothing to keep; the snapshot ends before the answer goes out.
        if !connection.is_autocommit()
            && let Err(failure) = connection.control("ROLLBACK")
        {
            tracing::error!(error = %failure, "a read transaction did not end");
        }
        unit.finish(outcome);
    }
}
