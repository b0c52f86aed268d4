//! What both engines do the same way.

use std::{fmt, sync::Arc, thread::JoinHandle};

use ringfence_core::{
    error::BoxError,
    store::{StoreError, Unit},
};

use crate::{
    OpenError, Options,
    migration::{self, Schema},
    queue::{Queue, Refused},
    sql::busy,
};

/// Brings the schema up to date, or refuses to work on an old one.
pub fn prepare_schema<S: Schema>(schema: &mut S, options: &Options) -> Result<(), OpenError> {
    if options.migrate {
        for name in migration::migrate(schema)? {
            tracing::info!(migration = name, "applied a migration");
        }
        return Ok(());
    }
    match migration::pending(schema)? {
        names if names.is_empty() => Ok(()),
        names => Err(OpenError::Pending { names }),
    }
}

/// Queues a unit, or answers at once that there is no room.
pub fn submit(queue: &Queue<Box<dyn Unit>>, unit: Box<dyn Unit>) {
    if let Err((unit, reason)) = queue.push(unit) {
        refuse(unit, reason);
    }
}

/// Answers a unit that was not queued.
pub fn refuse(unit: Box<dyn Unit>, reason: Refused) {
    unit.finish(Err(busy(reason)));
}

/// Starts a thread.
pub fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|error| OpenError::Store(busy(error)))
}

/// Waits for threads to end.
pub fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread of the store had panicked");
        }
    }
}

/// One failure for several who wait.
pub fn share(failure: StoreError) -> impl FnMut() -> StoreError {
    fn copy(cause: &Arc<BoxError>) -> BoxError {
        Box::new(Shared(Arc::clone(cause)))
    }
    let (make, cause): (fn(BoxError) -> StoreError, _) = match failure {
        StoreError::Conflict(cause) => (StoreError::Conflict, cause),
        StoreError::Busy(cause) => (StoreError::Busy, cause),
        StoreError::Backend(cause) => (StoreError::Backend, cause),
    };
    let cause = Arc::new(cause);
    move || make(copy(&cause))
}

/// Reads like its original.
#[derive(Debug)]
struct Shared(Arc<BoxError>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
