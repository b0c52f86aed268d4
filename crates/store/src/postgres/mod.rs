//! PostgreSQL: a few threads that own a connection each and share one queue for reads and writes.
//!
//! Prepared statements and session settings need a direct connection or a pooler in session mode.

pub mod address;
mod connection;
mod worker;

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use ringfence_core::store::{Again, Engine, StoreError, Unit};

use self::{
    address::Address,
    connection::Connection,
    worker::{Access, Job, Worker},
};
use crate::{
    OpenError, Options, Running, engine, migration,
    queue::Queue,
    sql::{backend, busy},
};
use tokio_postgres::Client;

/// Connections beside those of the workers, for units that only add. More would commit oftener what fewer commit together.
const GATHERERS: usize = 2;
/// At most so many of those are one transaction, so that none waits long for the others.
const GROUP: usize = 64;

/// The engine.
pub struct Postgres {
    jobs: Arc<Queue<Job>>,
    /// What only adds, for workers that run many such units as one transaction.
    adding: Arc<Queue<Job>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Postgres {
    /// Connects, migrates if `options` say so, and starts the workers.
    pub fn open(url: &str, options: &Options) -> Result<Self, OpenError> {
        apart(|| Self::start(url, options))
    }

    fn start(url: &str, options: &Options) -> Result<Self, OpenError> {
        let address = Arc::new(Address::parse(url, options)?);
        engine::prepare_schema(&mut Connection::open_for_schema(&address)?, options)?;
        let queue = || Arc::new(Queue::new(options.queue));
        let (jobs, adding, mut threads) = (queue(), queue(), Vec::new());
        for (queue, workers, most) in [(&jobs, options.workers(), 1), (&adding, GATHERERS, GROUP)] {
            let connected = Arc::default();
            for _ in 0..workers {
                let worker = Worker::new(Arc::clone(&address), Arc::clone(&connected));
                let queue = Arc::clone(queue);
                threads.push(engine::thread("store-worker", move || worker.serve(&queue, most))?);
            }
        }
        Ok(Self { jobs, adding, threads: Mutex::new(threads) })
    }

    fn submit(&self, access: Access, unit: Box<dyn Unit>) {
        let jobs = if unit.again() == Again::Adding { &self.adding } else { &self.jobs };
        if let Err((job, reason)) = jobs.push(Job { access, unit }) {
            engine::refuse(job.unit, reason);
        }
    }
}

impl Engine for Postgres {
    fn submit_read(&self, unit: Box<dyn Unit>) {
        self.submit(Access::Read, unit);
    }

    fn submit_write(&self, unit: Box<dyn Unit>) {
        self.submit(Access::Write, unit);
    }
}

impl Running for Postgres {
    fn stop(&self) {
        self.jobs.close();
        self.adding.close();
        engine::join(self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
    }
}

/// Has `work` ask the server at `url` something that no unit of work asks.
pub fn with_client<T: Send>(
    url: &str,
    work: impl AsyncFnOnce(&mut Client) -> Result<T, tokio_postgres::Error> + Send,
) -> Result<T, OpenError> {
    apart(|| {
        let address = Address::parse(url, &Options::default())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(busy)?;
        let outcome = runtime.block_on(async {
            let mut client = address.connect().await?;
            work(&mut client).await
        });
        outcome.map_err(|error| connection::store_error(error).into())
    })
}

/// Names of the migrations that the database lacks.
pub fn pending(url: &str) -> Result<Vec<&'static str>, OpenError> {
    apart(|| migration::pending(&mut Connection::open_for_schema(&Address::parse(url, &Options::default())?)?))
}

/// Applies pending migrations.
pub fn migrate(url: &str) -> Result<Vec<&'static str>, OpenError> {
    apart(|| migration::migrate(&mut Connection::open_for_schema(&Address::parse(url, &Options::default())?)?))
}

/// Runs `work` on a thread of its own: a connection drives a runtime, and the caller may be inside of one.
fn apart<T: Send>(work: impl FnOnce() -> Result<T, OpenError> + Send) -> Result<T, OpenError> {
    let outcome = thread::scope(|scope| scope.spawn(work).join());
    outcome.unwrap_or_else(|_| Err(panicked().into()))
}

/// What is said of a thread that panicked.
pub fn panicked() -> StoreError {
    backend("work on the database panicked")
}
