//! The one writer: units that wait together are committed together, with one wait for the disk.

use std::{collections::VecDeque, sync::Arc};

use ringfence_core::store::{Again, StoreError, StoreResult, Unit};

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

/// A unit that has run, and how.
type Done = (Box<dyn Unit>, StoreResult<()>);

/// What became of a group.
enum Group {
    Whole,
    /// SQLite ended the transaction in the middle.
    Lost(StoreError),
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
        let mut group = self.run_crowd(units, &mut ran);
        while let (Group::Whole, Some(mut unit)) = (&group, units.pop_front()) {
            let outcome = self.run_alone(&mut *unit);
            if self.connection.is_autocommit() {
                group = Group::Lost(lost());
            }
            ran.push((unit, outcome));
        }
        let committed = match group {
            Group::Lost(failure) => Err(failure),
            Group::Whole => self.commit(),
        };
        answer(ran.into_iter(), committed);
    }

    /// Runs the units that may be run again with nothing between them: a savepoint each would copy every page that each changes.
    /// Should one fail that has changed something, what all of them did is undone, and they go back to be run alone.
    fn run_crowd(&mut self, units: &mut VecDeque<Box<dyn Unit>>, ran: &mut Vec<Done>) -> Group {
        let (mut crowd, others): (VecDeque<_>, _) = units.drain(..).partition(|unit| unit.again() != Again::Never);
        *units = others;
        if crowd.len() > 1 && self.connection.control("SAVEPOINT crowd").is_ok() {
            let fit = crowd.iter_mut().try_for_each(|unit| self.run_in_crowd(&mut **unit));
            let group = match fit.and_then(|()| self.connection.control("RELEASE crowd")) {
                Ok(()) => Some(Group::Whole),
                Err(failure) => self.undo_crowd(failure).err().map(Group::Lost),
            };
            if let Some(group) = group {
                ran.extend(crowd.into_iter().map(|unit| (unit, Ok(()))));
                return group;
            }
        }
        crowd.append(units);
        *units = crowd;
        Group::Whole
    }

    /// Runs a unit of a crowd; an error says that it cannot stay there. A refusal can, when nothing was written before it.
    fn run_in_crowd(&mut self, unit: &mut dyn Unit) -> StoreResult<()> {
        let before = self.connection.changes_so_far();
        match tx::run(unit, &mut self.connection) {
            Ran::Discard if self.connection.changes_so_far() > before => Err(backend("refused after a change")),
            Ran::Keep | Ran::Discard => Ok(()),
            Ran::Broken(failure) => Err(failure),
        }
    }

    /// Undoes what a crowd did; an error when the whole transaction went with it.
    fn undo_crowd(&mut self, failure: StoreError) -> StoreResult<()> {
        if self.connection.is_autocommit() {
            return Err(failure);
        }
        let undo = ["ROLLBACK TO crowd", "RELEASE crowd"];
        undo.into_iter().try_for_each(|sql| self.connection.control(sql)).or_else(|_| {
            self.connection.control("ROLLBACK")?;
            Err(failure)
        })
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
