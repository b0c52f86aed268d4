//! Slices that count: every answer was a success, and others left the machine to us. What does not count is measured again.

use std::{
    collections::BTreeSet,
    sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use crate::{load::now, usage};

/// What others may take of a core.
const OTHERS: f64 = 0.2;
/// How often a slice is measured at most.
const TRIES: usize = 4;
/// How many are measured again in a run at most: on a machine that is never quiet it must end, too.
const AGAIN: usize = 60;

/// Processes beside this one that work for a run, with all that they started.
static BESIDE: OnceLock<Vec<u32>> = OnceLock::new();
static BOOK: LazyLock<Mutex<Book>> = LazyLock::new(Mutex::default);

/// What became of the slices of a run.
#[derive(Default)]
struct Book {
    slices: usize,
    /// Void for an answer.
    refused: usize,
    /// Void for others.
    disturbed: usize,
    /// Disturbed, and counted all the same.
    counted: BTreeSet<String>,
}

/// Names processes that work for the run without being started by it, such as a database.
pub(crate) fn beside(processes: Vec<u32>) {
    // It is said once, when the program starts.
    drop(BESIDE.set(processes));
}

/// What others take while something is measured.
pub(crate) struct Watch {
    begun: Instant,
    others: Duration,
}

impl Watch {
    /// Begins to watch.
    pub(crate) fn begin() -> anyhow::Result<Self> {
        Ok(Self { others: others()?, begun: now() })
    }

    /// Which part of a core others took since.
    pub(crate) fn taken(&self) -> anyhow::Result<f64> {
        let elapsed = self.begun.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
        Ok(others()?.saturating_sub(self.others).as_secs_f64() / elapsed)
    }

    /// Ends; what cannot be measured again is noted if it was disturbed.
    pub(crate) fn end(self, what: &str) -> anyhow::Result<()> {
        let taken = self.taken()?;
        let mut book = book();
        book.slices += 1;
        if taken > OTHERS {
            book.disturbed += 1;
            book.counted.insert(what.to_owned());
        }
        Ok(())
    }
}

fn others() -> anyhow::Result<Duration> {
    let own = [std::process::id()];
    let ours: Vec<u32> = own.into_iter().chain(BESIDE.get().into_iter().flatten().copied()).collect();
    // Ours is read last, so that what is between the two readings never counts as others'.
    let all = usage::of_all()?;
    Ok(all.saturating_sub(usage::of_trees(&ours)?))
}

/// Measures until a slice counts; of several disturbed ones, when there may be no more, the least disturbed does.
pub(crate) fn slice<T>(what: &str, mut measure: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut best: Option<(f64, T)> = None;
    for left in (0..TRIES).rev() {
        let watch = Watch::begin()?;
        let outcome = measure();
        let taken = watch.taken()?;
        let mut book = book();
        book.slices += 1;
        let again = left > 0 && book.refused + book.disturbed < AGAIN;
        match outcome {
            Ok(measured) if taken <= OTHERS => return Ok(measured),
            Ok(measured) => {
                book.disturbed += 1;
                if best.as_ref().is_none_or(|(least, _)| taken < *least) {
                    best = Some((taken, measured));
                }
            }
            Err(void) => {
                book.refused += 1;
                if !again && best.is_none() {
                    return Err(void);
                }
            }
        }
        if !again {
            book.counted.insert(what.to_owned());
            break;
        }
    }
    best.map(|(_, measured)| measured).ok_or_else(|| anyhow::anyhow!("{what}: no slice counts"))
}

/// How many slices were void since this was last asked, as a paragraph.
pub(crate) fn summary() -> String {
    let Book { slices, refused, disturbed, counted } = std::mem::take(&mut *book());
    let counts = format!(
        "{slices} slices: in {disturbed} others took more than {OTHERS} of a core, in {refused} an answer was no success."
    );
    let names: Vec<String> = counted.into_iter().collect();
    counts
        + &match (refused + disturbed, names.len()) {
            (0, _) => String::new(),
            (_, 0) => " These are void; all were measured again.".to_owned(),
            (_, 1..=NAMED) => format!(" These are void and were measured again, but for: {}.", names.join("; ")),
            (_, kinds) => {
                format!(" These are void, but those of {kinds} kinds were never had quiet and count: measure again.")
            }
        }
}

/// More names than these nobody reads.
const NAMED: usize = 8;

fn book() -> MutexGuard<'static, Book> {
    BOOK.lock().unwrap_or_else(PoisonError::into_inner)
}
