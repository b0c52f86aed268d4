//! The threads that hash: few, each with its own memory, all fed from one queue.
//!
//! They start with the work and end when there has been none for a while. A job whose client has gone is dropped
//! without being computed.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use argon2::Params;
use tokio::sync::oneshot;

use super::{
    cost::Memory,
    queue::{HasherStats, Job, Queue, Work},
};
use crate::error::AuthError;

/// An idle thread ends after this long and gives its memory back.
const LINGER: Duration = Duration::from_secs(30);

/// The pool; when it is dropped, the threads end.
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    threads: u32,
    /// The memory that a thread keeps between jobs.
    usual: Params,
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    queue: Queue,
    /// Threads that live, and those of them that wait for work.
    started: u32,
    idle: u32,
    closing: bool,
}

impl Pool {
    /// A pool without threads; jobs start them.
    pub(super) fn new(threads: usize, max_wait: Duration, usual: Params) -> Self {
        let threads = u32::try_from(threads).map_or(u32::MAX, |threads| threads.max(1));
        // Until jobs were measured: about a microsecond for a pass over a KiB.
        let first_guess = Duration::from_micros(u64::from(usual.m_cost()) * u64::from(usual.t_cost()));
        let queue = Queue::new(threads, max_wait, first_guess);
        let state = Mutex::new(State { queue, started: 0, idle: 0, closing: false });
        Self(Arc::new(Shared { threads, usual, state, wake: Condvar::new() }))
    }

    /// Computes on one of the threads, in the order of calls. Dropping the future drops the job.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        compute: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, AuthError> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Box::new(Job { compute, reply }))?;
        answer.await.map_err(|_| AuthError::internal("a job of the hashing threads panicked"))
    }

    pub(super) fn stats(&self) -> HasherStats {
        self.0.lock().queue.stats()
    }

    fn enqueue(&self, job: Box<dyn Work>) -> Result<(), AuthError> {
        let unavailable = |source| AuthError::Unavailable { what: "password hashing", source };
        let mut state = self.0.lock();
        state.queue.admit(job).map_err(|overloaded| unavailable(overloaded.into()))?;
        // A thread that was woken but has not run yet still counts as idle: hence the comparison with the queue.
        if state.queue.stats().waiting > state.idle as usize && state.started < self.0.threads {
            match Shared::start_thread(&self.0) {
                Ok(()) => state.started += 1,
                Err(source) if state.started == 0 => {
                    state.queue.clear();
                    return Err(unavailable(source.into()));
                }
                Err(source) => tracing::warn!(error = %source, "no further hashing thread"),
            }
        }
        self.0.wake.notify_one();
        Ok(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.lock().closing = true;
        self.0.wake.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics under this lock")
    }

    fn start_thread(shared: &Arc<Self>) -> std::io::Result<()> {
        let shared = Arc::clone(shared);
        thread::Builder::new().name("password".to_owned()).spawn(move || shared.serve()).map(drop)
    }

    /// What a thread does: one job after the other until none came for a while.
    fn serve(&self) {
        yield_to_requests();
        let mut memory = Memory::default();
        while let Some(job) = self.next_job() {
            // A panic was reported by the hook, and the job's client sees the reply go. The thread must survive it.
            let (answer, took) = timed(|| catch_unwind(AssertUnwindSafe(|| job.compute(&mut memory))));
            memory.shrink_to(&self.usual);
            self.lock().queue.finished(took, std::mem::take(&mut memory.runs));
            // After counting, so that whoever has an answer finds it counted.
            if let Ok(answer) = answer {
                answer();
            }
        }
    }

    fn next_job(&self) -> Option<Box<dyn Work>> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.next() {
                return Some(job);
            }
            if state.closing {
                return None;
            }
            state.idle += 1;
            let (woken, waited) = self.wake.wait_timeout(state, LINGER).expect("nothing panics under this lock");
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                state.started -= 1;
                return None;
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "measures the machine, not the domain's time; no outcome depends on it")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

/// Lets the threads that answer requests go first: a flood of sign-ins must not slow the check of tokens.
fn yield_to_requests() {
    // On Linux a priority belongs to a thread; elsewhere the call would change the whole process.
    #[cfg(target_os = "linux")]
    if let Err(refused) = rustix::process::setpriority_process(None, 5) {
        tracing::debug!(error = %refused, "hashing threads keep their priority");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::{FutureExt, future::join_all};

    use super::*;
    use crate::password::{Argon2Params, Overloaded};

    /// One thread; each job is guessed to take a millisecond.
    fn pool(max_wait: Duration) -> Pool {
        let params = Argon2Params { memory_kib: 1000, passes: 1, lanes: 1 };
        Pool::new(1, max_wait, params.checked().expect("possible parameters"))
    }

    /// Holds the pool's thread until the sender goes.
    fn occupy(pool: &Pool) -> (mpsc::Sender<()>, impl Future<Output = Result<(), AuthError>>) {
        let (release, held) = mpsc::channel::<()>();
        let (started, running) = mpsc::channel();
        let mut job = Box::pin(pool.run(move |_| {
            started.send(()).expect("the test waits");
            let _ = held.recv();
        }));
        assert!((&mut job).now_or_never().is_none());
        running.recv().expect("the job starts");
        (release, job)
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_says_when_to_come_back() {
        let pool = pool(Duration::from_millis(3));
        let (release, held) = occupy(&pool);
        let mut waiting: Vec<_> = (0..3).map(|n| Box::pin(pool.run(move |_| n))).collect();
        for job in &mut waiting {
            assert!(job.now_or_never().is_none());
        }
        let Some(Err(AuthError::Unavailable { source, .. })) = pool.run(|_| ()).now_or_never() else {
            panic!("the fifth job was not refused at once");
        };
        let overloaded = source.downcast_ref::<Overloaded>();
        assert_eq!(overloaded, Some(&Overloaded { retry_after: Duration::from_secs(1) }));
        assert_eq!(pool.stats(), HasherStats { waiting: 3, running: 1, refused: 1, ..HasherStats::default() });
        drop(release);
        held.await.expect("the held job ends");
        let served: Vec<_> = join_all(waiting).await.into_iter().map(|job| job.expect("served")).collect();
        assert_eq!(served, [0, 1, 2]);
    }

    #[tokio::test]
    async fn an_abandoned_job_is_never_computed_and_makes_room() {
        let pool = pool(Duration::from_millis(1));
        let (release, held) = occupy(&pool);
        let (computed, seen) = mpsc::channel();
        let report = |name: &'static str| {
            let computed = computed.clone();
            move |_: &mut Memory| computed.send(name).expect("the test listens")
        };
        let mut gone = Box::pin(pool.run(report("gone")));
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        let mut stays = Box::pin(pool.run(report("stays")));
        assert!((&mut stays).now_or_never().is_none());
        drop(release);
        held.await.expect("the held job ends");
        stays.await.expect("served");
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["stays"]);
        assert_eq!(pool.stats().abandoned, 1);
    }

    #[tokio::test]
    async fn a_panic_in_a_job_does_not_cost_the_thread() {
        let pool = pool(Duration::from_secs(1));
        let lost: Result<(), _> = pool.run(|_| panic!("expected in this test")).await;
        assert_eq!(lost.map_err(|error| error.code()), Err("internal"));
        assert_eq!(pool.run(|_| 7).await.ok(), Some(7));
    }
}
