//! Keeping the write-ahead log short without making sign-ins wait for it.
//!
//! Most of the log is moved by a thread of its own, beside the writer. While the writer goes on, that never reaches the end of
//! the log, so it could not be begun anew and would grow for ever: therefore the writer moves the short rest itself, between
//! two groups, and begins the log anew.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ringfence_core::store::StoreResult;

use super::connection::Connection;
use crate::queue::Queue;

/// A log this long is moved: 16 MiB.
const LOG_PAGES: u32 = 4096;

/// How long the writer waits for readers that still look into the old log; the next round tries again.
const READERS_MAY_TAKE: Duration = Duration::from_millis(20);

/// What the writer and the checkpointer tell each other.
pub struct Checkpoints {
    wanted: Queue<()>,
    rest_is_short: AtomicBool,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self { wanted: Queue::new(1), rest_is_short: AtomicBool::new(false) }
    }
}

impl Checkpoints {
    /// Has the writer ask for a checkpoint when a commit leaves the log long.
    pub fn watch(self: &Arc<Self>, writer: &mut Connection) -> StoreResult<()> {
        let checkpoints = Arc::clone(self);
        writer.on_commit(move |pages| {
            if pages >= LOG_PAGES && !checkpoints.rest_is_short.load(Ordering::Acquire) {
                // Refused means that one is wanted already.
                let _ = checkpoints.wanted.push(());
            }
        })
    }

    /// Moves the log whenever it is wanted, until closed.
    pub fn serve(&self, connection: &Connection) {
        while let Some(()) = self.wanted.pop() {
            match connection.checkpoint() {
                Ok(()) => self.rest_is_short.store(true, Ordering::Release),
                Err(failure) => tracing::error!(error = %failure, "the write-ahead log could not be moved"),
            }
        }
    }

    /// Between two groups: begins the log anew when its rest is short.
    pub fn restart_if_short(&self, writer: &Connection) {
        if !self.rest_is_short.load(Ordering::Acquire) {
            return;
        }
        if let Err(failure) = writer.restart_log(READERS_MAY_TAKE) {
            tracing::error!(error = %failure, "the write-ahead log could not be begun anew");
        }
        self.rest_is_short.store(false, Ordering::Release);
    }

    /// Ends [`serve`](Self::serve).
    pub fn close(&self) {
        self.wanted.close();
    }
}
