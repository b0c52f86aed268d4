//! A worker: a thread with a connection, which runs one unit at a time and replaces the connection when it is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ringfence_core::store::{StoreResult, Unit};

use super::{
    address::Address,
    connection::{Answer, Ask, CHANGES, Change, Connection},
};
use crate::{
    engine::share,
    queue::Queue,
    row::Row,
    sql::{Sql, Value, backend, busy},
    tx::{self, Ran},
};

/// What a unit may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Look.
    Read,
    /// Look and change.
    Write,
}

/// A unit that waits.
pub struct Job {
    /// What it may do.
    pub access: Access,
    /// The unit.
    pub unit: Box<dyn Unit>,
}

/// Waits between attempts to connect.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// A thread's connection, when it has one.
pub struct Worker {
    address: Arc<Address>,
    /// How many workers of the same queue have a connection.
    connected: Arc<AtomicUsize>,
    link: Option<Connection>,
}

impl Worker {
    /// A worker that connects when it begins.
    pub fn new(address: Arc<Address>, connected: Arc<AtomicUsize>) -> Self {
        Self { address, connected, link: None }
    }

    fn detach(&mut self) {
        self.connected.fetch_sub(usize::from(self.link.take().is_some()), Ordering::Relaxed);
    }

    fn link(&mut self) -> StoreResult<&mut Connection> {
        if self.link.as_ref().is_none_or(Connection::is_lost) {
            self.detach();
            self.link = Some(Connection::open(&self.address)?);
            self.connected.fetch_add(1, Ordering::Relaxed);
        }
        self.link.as_mut().ok_or_else(|| busy("there is no connection"))
    }

    /// Runs units until the queue is closed and empty, at most so many as one transaction.
    pub fn serve(mut self, jobs: &Queue<Job>, most: usize) {
        let (mut wait, mut taken) = (SHORTEST_WAIT, Vec::new());
        loop {
            if let Err(failure) = self.link() {
                if wait == SHORTEST_WAIT {
                    tracing::warn!(error = &failure as &dyn std::error::Error, "no connection to the database");
                }
                let closed = jobs.closes_within(wait);
                if closed || self.connected.load(Ordering::Relaxed) == 0 {
                    // Nobody else will run them soon.
                    let mut copies = share(failure);
                    jobs.drain().into_iter().for_each(|job| job.unit.finish(Err(copies())));
                }
                if closed {
                    return;
                }
                wait = LONGEST_WAIT.min(wait * 2);
                continue;
            }
            wait = SHORTEST_WAIT;
            if !jobs.pop_many(most, &mut taken) {
                return;
            }
            self.run_together(&mut taken);
        }
    }

    fn run(&mut self, Job { access, mut unit }: Job) {
        let mut transaction = Transaction::on(self, access);
        let ran = tx::run(&mut *unit, &mut transaction);
        let outcome = transaction.end(ran);
        unit.finish(outcome);
    }

    /// Runs units of [`Again::Adding`] as one transaction: with one wait for the disk, and with what one changes on its way
    /// together with what the next asks. Should one fail, nothing is kept and each is run again for itself.
    fn run_together(&mut self, jobs: &mut Vec<Job>) {
        jobs.retain(|job| !job.unit.abandoned());
        if jobs.len() > 1 {
            let mut transaction = Transaction::on(self, Access::Write);
            let fit = jobs.iter_mut().all(|job| transaction.takes_in(&mut *job.unit));
            let ended = if fit { transaction.end(Ran::Keep) } else { transaction.end(Ran::Discard) };
            if fit && ended.is_ok() {
                return jobs.drain(..).for_each(|job| job.unit.finish(Ok(())));
            }
            if let Err(failure) = ended
                && self.link.as_ref().is_none_or(Connection::is_lost)
            {
                // The server may have kept it: nobody may be let in a second time.
                let mut copies = share(failure);
                return jobs.drain(..).for_each(|job| job.unit.finish(Err(copies())));
            }
        }
        jobs.drain(..).for_each(|job| self.run(job));
    }
}

/// One unit's transaction, begun with its first statement.
struct Transaction<'a> {
    worker: &'a mut Worker,
    access: Access,
    begun: bool,
    /// Whether the unit that runs has changed anything.
    changed: bool,
    /// Put off until the unit wants to know something or ends: then they share its round trip.
    changes: Vec<Change>,
}

impl<'a> Transaction<'a> {
    fn on(worker: &'a mut Worker, access: Access) -> Self {
        Self { worker, access, begun: false, changed: false, changes: Vec::new() }
    }

    /// Runs a unit beside others; whether all may still be kept. A refusal may, when nothing was changed before it.
    fn takes_in(&mut self, unit: &mut dyn Unit) -> bool {
        self.changed = false;
        match tx::run(unit, self) {
            Ran::Keep => true,
            Ran::Discard => !self.changed,
            Ran::Broken(_) => false,
        }
    }

    fn call(&mut self, ask: Ask, sql: &'static str, values: &[Value<'_>]) -> StoreResult<Answer> {
        self.changed |= ask == Ask::Count || !sql.starts_with("SELECT");
        self.trip(|link, begin, changes| link.call(begin, changes, ask, sql, values))
    }

    /// Goes to the server with what was put off, beginning the transaction if that is still to do.
    fn trip<T>(&mut self, mut go: impl FnMut(&mut Connection, bool, &[Change]) -> StoreResult<T>) -> StoreResult<T> {
        // Reads need no transaction: the session is read-only, and READ COMMITTED takes a snapshot per statement anyway.
        let begin = self.access == Access::Write && !self.begun;
        let first = !self.begun;
        self.begun = true;
        let changes = std::mem::take(&mut self.changes);
        let link = if first { self.worker.link()? } else { self.held()? };
        match go(link, begin, &changes) {
            // Found dead before anything was done on it: on a fresh connection nothing is missing.
            Err(_) if first && link.is_lost() => go(self.worker.link()?, begin, &changes),
            outcome => outcome,
        }
    }

    /// The connection that the transaction is on; another one would not do.
    fn held(&mut self) -> StoreResult<&mut Connection> {
        let link = self.worker.link.as_mut().filter(|link| !link.is_lost());
        link.ok_or_else(|| busy("the connection was lost"))
    }

    fn end(mut self, ran: Ran) -> StoreResult<()> {
        let open = (self.begun || !self.changes.is_empty()) && self.access == Access::Write;
        match ran {
            Ran::Keep if open => self.commit(),
            Ran::Keep => Ok(()),
            Ran::Discard => {
                self.roll_back(open);
                Ok(())
            }
            Ran::Broken(failure) => {
                self.roll_back(open);
                Err(failure)
            }
        }
    }

    fn commit(&mut self) -> StoreResult<()> {
        let settled =
            if self.begun { Ok(()) } else { self.trip(|link, begin, changes| link.settle(begin, changes, false)) };
        let changes = std::mem::take(&mut self.changes);
        let link = self.held()?;
        let committed = settled.and_then(|()| link.settle(false, &changes, true));
        if committed.is_err() {
            if link.is_lost() {
                // Not `Busy`, which says that nothing was changed: the server may have heard it.
                return Err(backend("the connection was lost while committing; the outcome is not known"));
            }
            // Mostly it is over, but a statement may have failed before anything was sent.
            self.roll_back(true);
        }
        committed
    }

    fn roll_back(&mut self, open: bool) {
        if !open || !self.begun {
            return;
        }
        // A connection that cannot even do that is not used again, and the server rolls back when it goes.
        if self.held().and_then(|link| link.control("ROLLBACK")).is_err() {
            self.worker.detach();
        }
    }
}

impl Sql for Transaction<'_> {
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<u64> {
        self.call(Ask::Count, sql, values).map(Answer::count)
    }

    fn later(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<()> {
        self.changed = true;
        self.changes.push(Change { sql, values: values.iter().map(Value::to_static).collect() });
        if self.changes.len() < CHANGES && self.access == Access::Write {
            return Ok(());
        }
        self.trip(|link, begin, changes| link.settle(begin, changes, false))
    }

    fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> StoreResult<Vec<Row>> {
        self.call(Ask::Rows, sql, values).map(Answer::rows)
    }
}
