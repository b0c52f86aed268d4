//! The jobs that wait for a hashing thread, bounded by the wait they mean rather than by their number.

use std::{collections::VecDeque, time::Duration};

use tokio::sync::oneshot;

use super::cost::Memory;

/// The most jobs that wait, however quick they seem.
const MAX_WAITING: usize = 4096;

/// Too many passwords wait to be hashed: the source of an
/// [`AuthError::Unavailable`](crate::error::AuthError::Unavailable), for a face's `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords wait to be hashed")]
pub struct Overloaded {
    /// When the present queue will be done; at least a second.
    pub retry_after: Duration,
}

/// What the hashing threads do and have done, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HasherStats {
    /// Jobs in the queue.
    pub waiting: usize,
    /// Jobs being computed.
    pub running: usize,
    /// Argon2 computations so far.
    pub argon2_runs: u64,
    /// Jobs refused because the queue was too long.
    pub refused: u64,
    /// Jobs dropped because their client had gone.
    pub abandoned: u64,
}

/// Tells the client of a job its result.
pub(super) type Answer = Box<dyn FnOnce() + Send>;

/// A job of any type.
pub(super) trait Work: Send {
    /// Whether nobody waits for it any more.
    fn abandoned(&self) -> bool;
    fn compute(self: Box<Self>, memory: &mut Memory) -> Answer;
}

/// A computation and whoever waits for it.
pub(super) struct Job<F, T> {
    pub(super) compute: F,
    pub(super) reply: oneshot::Sender<T>,
}

impl<T: Send + 'static, F: FnOnce(&mut Memory) -> T + Send> Work for Job<F, T> {
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn compute(self: Box<Self>, memory: &mut Memory) -> Answer {
        let Self { compute, reply } = *self;
        let result = compute(memory);
        // A client that went away during the computation needs no answer.
        Box::new(move || drop(reply.send(result)))
    }
}

/// The queue, for so many threads. First come, first served.
pub(super) struct Queue {
    threads: u32,
    max_wait: Duration,
    jobs: VecDeque<Box<dyn Work>>,
    /// A moving mean of what a job takes.
    job_time: Duration,
    stats: HasherStats,
}

impl Queue {
    pub(super) fn new(threads: u32, max_wait: Duration, first_guess: Duration) -> Self {
        let (jobs, stats) = (VecDeque::new(), HasherStats::default());
        Self { threads, max_wait, jobs, job_time: first_guess, stats }
    }

    pub(super) fn stats(&self) -> HasherStats {
        HasherStats { waiting: self.jobs.len(), ..self.stats }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Takes a job unless it would wait too long.
    pub(super) fn admit(&mut self, job: Box<dyn Work>) -> Result<(), Overloaded> {
        if self.is_full() {
            self.drop_abandoned();
        }
        if self.is_full() {
            self.stats.refused += 1;
            metrics::counter!("ringfence_passwords_refused_total").increment(1);
            // The header counts in seconds, and a shorter wait would only invite the flood back.
            return Err(Overloaded { retry_after: self.predicted_wait().max(Duration::from_secs(1)) });
        }
        self.jobs.push_back(job);
        Ok(())
    }

    /// The next job that somebody still waits for; it counts as running until [`Self::finished`].
    pub(super) fn next(&mut self) -> Option<Box<dyn Work>> {
        while let Some(job) = self.jobs.pop_front() {
            if !job.abandoned() {
                self.stats.running += 1;
                return Some(job);
            }
            self.stats.abandoned += 1;
        }
        None
    }

    pub(super) fn finished(&mut self, took: Duration, argon2_runs: u64) {
        self.stats.running -= 1;
        self.stats.argon2_runs += argon2_runs;
        metrics::counter!("ringfence_argon2_runs_total").increment(argon2_runs);
        self.job_time = (self.job_time * 7 + took) / 8;
    }

    /// Forgets all jobs; their clients see that no answer comes.
    pub(super) fn clear(&mut self) {
        self.jobs.clear();
    }

    fn is_full(&self) -> bool {
        self.jobs.len() >= MAX_WAITING || self.predicted_wait() > self.max_wait
    }

    fn predicted_wait(&self) -> Duration {
        let before = u32::try_from(self.jobs.len() + self.stats.running).unwrap_or(u32::MAX);
        self.job_time.saturating_mul(before) / self.threads
    }

    fn drop_abandoned(&mut self) {
        let before = self.jobs.len();
        self.jobs.retain(|job| !job.abandoned());
        self.stats.abandoned += (before - self.jobs.len()) as u64;
    }
}
