//! What the server does by itself while it runs.

use std::{future::Future, sync::Arc, time::Duration};

use ringfence_core::{authority::Authority, time::SharedClock};
use ringfence_wire::LiveConnections;
use tokio::{sync::watch, task::JoinSet};

use crate::{config::Audit, telemetry::Metrics};

/// How often audit entries are linked into their chains.
const LINK: Duration = Duration::from_secs(3);
/// How often rows that ended long ago are removed.
const SWEEP: Duration = Duration::from_mins(10);
/// How often metrics are tidied.
const TIDY: Duration = Duration::from_secs(10);

/// The running tasks.
pub struct Tasks {
    running: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Tasks {
    /// Starts all of them.
    pub fn start(authority: &Arc<Authority>, live: &Arc<LiveConnections>, audit: Audit, metrics: Metrics) -> Self {
        let mut tasks = Self { running: JoinSet::new(), stop: watch::channel(false).0 };
        let clock = authority.clock();
        let linker = Arc::clone(authority);
        tasks.every(LINK, clock, move || {
            let authority = Arc::clone(&linker);
            async move { note("link_audit", authority.link_audit().await) }
        });
        let sweeper = Arc::clone(authority);
        tasks.every(SWEEP, clock, move || {
            let authority = Arc::clone(&sweeper);
            async move { note("sweep", authority.sweep().await) }
        });
        if let Some(span) = audit.keep_for {
            let sweeper = Arc::clone(authority);
            tasks.every(SWEEP, clock, move || {
                let authority = Arc::clone(&sweeper);
                async move {
                    let ctx = authority.own_context("sweep");
                    note("sweep_audit", authority.sweep_audit(&ctx, span.duration()).await);
                }
            });
        }
        tasks.every(TIDY, clock, move || {
            metrics.tidy();
            std::future::ready(())
        });
        tasks.until_stopped(Arc::clone(live).run());
        tasks
    }

    /// Runs `work` again and again, each time so long after the last. It is never cut off in the middle.
    fn every<F, W>(&mut self, period: Duration, clock: &SharedClock, mut work: F)
    where
        F: FnMut() -> W + Send + 'static,
        W: Future<Output = ()> + Send,
    {
        let (clock, mut stop) = (Arc::clone(clock), self.stop.subscribe());
        self.running.spawn(async move {
            loop {
                let due = tokio::select! {
                    () = clock.sleep_until(clock.now() + period) => true,
                    _ = stop.wait_for(|stop| *stop) => false,
                };
                if !due {
                    return;
                }
                work().await;
            }
        });
    }

    /// Runs `work` beside the others; cut off when all end.
    pub fn until_stopped(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let mut stop = self.stop.subscribe();
        self.running.spawn(async move {
            tokio::select! {
                () = work => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
    }

    /// Lets each finish what it does, and ends it.
    pub async fn finish(mut self) {
        self.stop.send_replace(true);
        while self.running.join_next().await.is_some() {}
    }
}

fn note<T: std::fmt::Debug>(task: &'static str, outcome: Result<T, ringfence_core::error::AuthError>) {
    match outcome {
        Ok(done) => tracing::trace!(task, ?done, "done"),
        Err(error) => tracing::error!(task, code = error.code(), %error, "a task of the server failed"),
    }
}
