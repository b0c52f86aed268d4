//! The one writer: units that wait together are committed together, with one wait for the disk.

use std::{collections::VecDeque, sync::Arc};

use ringfence_core::store::{StoreError, StoreResult, Unit};

use super::{checkpoint::Checkpoints, connection::Connection};
use crate::{
    engine::share,
    queue::Queue,
    sql::backend,
    tx::{self, Ran},
};

/// At most so many units share a commit, so that none waits long for the others.
const GROUP: usize = 1024;

/// The connection that writes.
pub struct Writer {
    connection: Connection,
    checkpoints: Arc<Checkpoints>,
}

/// What became of a group.
enum Group {
    Whole,
    /// SQLite ended the transaction in the middle.
    Lost,
}

impl Writer {
    /// A writer on this connection.
    pub fn new(connection: Connection, checkpoints: Arc<Checkpoints>) -> Self {
        Self { connection, checkpoints }
    }

    /// Takes units until the queue is closed and empty.
    pub fn serve(&mut self, queue: &Queue<Box<dyn Unit>>) {
        let mut waiting = Vec::new();
        while queue.pop_many(GROUP, &mut waiting) {
            let mut units: VecDeque<_> = waiting.drain(..).filter(|unit| !unit.abandoned()).collect();
            if units.len() == 1 {
                units.pop_front().into_iter().for_each(|unit| self.commit_one(unit));
            }
            while !units.is_empty() {
                self.commit_group(&mut units);
            }
            self.checkpoints.restart_if_short(&self.connection);
        }
    }

    /// Runs units, commits, then answers: nothing is acknowledged, nor refused by what another unit did, before it is durable.
    fn commit_group(&mut self, units: &mut VecDeque<Box<dyn Unit>>) {
        if let Err(failure) = self.connection.control("BEGIN IMMEDIATE") {
            answer(units.drain(..).map(|unit| (unit, Ok(()))), Err(failure));
            return;
        }
        let mut ran = Vec::with_capacity(units.len());
        let mut group = Group::Whole;
        while let (Group::Whole, Some(mut unit)) = (&group, units.pop_front()) {
            let outcome = self.run_alone(&mut *unit);
            if self.connection.is_autocommit() {
                group = Group::Lost;
            }
            ran.push((unit, outcome));
        }
        let committed = match group {
            Group::Lost => Err(lost()),
            Group::Whole => self.commit(),
        };
        answer(ran.into_iter(), committed);
    }

    /// Runs a unit that nobody else waits with: the transaction is its own, and a savepoint would copy every page it changes.
    fn commit_one(&mut self, mut unit: Box<dyn Unit>) {
        if let Err(failure) = self.connection.control("BEGIN IMMEDIATE") {
            return unit.finish(Err(failure));
        }
        let (keep, outcome) = match tx::run(&mut *unit, &mut self.connection) {
            Ran::Keep => (true, Ok(())),
            Ran::Discard => (false, Ok(())),
            Ran::Broken(failure) => (false, Err(failure)),
        };
        let ended = if self.connection.is_autocommit() {
            Err(lost())
        } else if keep {
            self.commit()
        } else {
            self.connection.control("ROLLBACK")
        };
        unit.finish(outcome.and(ended));
    }

    /// Runs one unit in a savepoint, so that its failure is its own.
    fn run_alone(&mut self, unit: &mut dyn Unit) -> StoreResult<()> {
        self.connection.control("SAVEPOINT unit")?;
        let (keep, outcome) = match tx::run(unit, &mut self.connection) {
            Ran::Keep => (true, Ok(())),
            Ran::Discard => (false, Ok(())),
            Ran::Broken(failure) => (false, Err(failure)),
        };
        if self.connection.is_autocommit() {
            return outcome;
        }
        if !keep {
            self.connection.control("ROLLBACK TO unit")?;
        }
        self.connection.control("RELEASE unit")?;
        outcome
    }

    fn commit(&mut self) -> StoreResult<()> {
        let committed = self.connection.control("COMMIT");
        if committed.is_err() && !self.connection.is_autocommit() {
            self.connection.control("ROLLBACK")?;
        }
        committed
    }
}

fn lost() -> StoreError {
    backend("the database ended the transaction; is the disk full?")
}

/// Answers every unit of a group: with its own failure, else with that of the commit.
fn answer(ran: impl Iterator<Item = (Box<dyn Unit>, StoreResult<()>)>, committed: StoreResult<()>) {
    match committed {
        Ok(()) => ran.for_each(|(unit, outcome)| unit.finish(outcome)),
        Err(failure) => {
            let mut copies = share(failure);
            ran.for_each(|(unit, outcome)| unit.finish(outcome.and_then(|()| Err(copies()))));
        }
    }
}
