//! The feed of this node: how far events for other servers are placed, who reads them, and how many may.
//!
//! One task, [`Feed::run`], has events placed when something is announced, and looks four times a second for what was not
//! announced to this node. Readers wait for it and go on when it moves; one that it has not moved for in a while is not to say
//! that all is well, so each look has its time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ringfence_core::{
    authority::Authority,
    error::AuthError,
    outbox::{OutboxState, Place},
    time::Timestamp,
};
use tokio::sync::{Notify, watch};

/// How often to look for events that nobody announced here: other processes, and other nodes while the bus is down.
const LOOK: Duration = Duration::from_millis(250);
/// Readers of one API key at once on a node.
const PER_KEY: usize = 16;
/// Readers at once on a node.
const IN_ALL: usize = 1024;

/// How far events were placed at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tide {
    /// The last place.
    pub(crate) placed: Place,
    /// Everything that was committed by then has its place.
    pub(crate) as_of: Timestamp,
}

/// The feed.
pub struct Feed {
    authority: Arc<Authority>,
    tide: watch::Sender<Tide>,
    readers: Mutex<HashMap<String, usize>>,
    /// A reader came, and the task may have had nothing to do before.
    came: Notify,
    closed: watch::Sender<bool>,
}

impl Feed {
    pub(crate) fn new(authority: Arc<Authority>) -> Arc<Self> {
        Arc::new(Self {
            authority,
            tide: watch::Sender::default(),
            readers: Mutex::default(),
            came: Notify::new(),
            closed: watch::Sender::new(false),
        })
    }

    /// Has events placed until the bus has gone. The server runs this once.
    pub fn run(self: Arc<Self>) -> impl Future<Output = ()> + Send {
        // At once, so that nothing is missed before the first poll.
        let mut listener = self.authority.listen();
        async move {
            let clock = Arc::clone(self.authority.clock());
            loop {
                tokio::select! {
                    signal = listener.next() => {
                        if signal.is_none() {
                            return;
                        }
                        // What is announced together is placed together.
                        while listener.try_next().is_some() {}
                    }
                    () = clock.sleep_until(clock.now() + LOOK) => {}
                    () = self.came.notified() => {}
                }
                if let Err(cause) = self.look().await {
                    tracing::warn!(code = cause.code(), "events for other servers were not placed");
                }
            }
        }
    }

    /// Has events placed if somebody waits for them.
    async fn look(&self) -> Result<(), AuthError> {
        let as_of = self.authority.clock().now();
        let state = self.authority.outbox_state().await?;
        if self.readers().is_empty() && !state.webhooks {
            return Ok(());
        }
        let state = if state.waiting { self.authority.place_events().await? } else { state };
        self.rise(state, as_of);
        Ok(())
    }

    /// Has everything placed that is committed by now.
    pub(crate) async fn place(&self) -> Result<Place, AuthError> {
        let as_of = self.authority.clock().now();
        let state = self.authority.place_events().await?;
        self.rise(state, as_of);
        Ok(state.placed)
    }

    fn rise(&self, state: OutboxState, as_of: Timestamp) {
        self.tide.send_modify(|tide| {
            *tide = Tide { placed: tide.placed.max(state.placed), as_of: tide.as_of.max(as_of) };
        });
    }

    /// The tide, to wait for.
    pub(crate) fn tide(&self) -> watch::Receiver<Tide> {
        self.tide.subscribe()
    }

    /// The same for whoever only wants to know that it rose.
    pub fn rising(&self) -> Rising {
        Rising { tide: self.tide.subscribe(), seen: Place::default() }
    }

    /// Resolves when the server is about to stop.
    pub(crate) fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut closed = self.closed.subscribe();
        // The feed having gone is as good.
        async move { drop(closed.wait_for(|closed| *closed).await) }
    }

    /// Sends every reader away, and those who still come.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// A seat for a reader with the key of this name; `None` when there are too many.
    pub(crate) fn seat(self: &Arc<Self>, key: String) -> Option<Seat> {
        let mut readers = self.readers();
        if readers.values().sum::<usize>() >= IN_ALL {
            return None;
        }
        let count = readers.entry(key.clone()).or_default();
        if *count >= PER_KEY {
            return None;
        }
        *count += 1;
        drop(readers);
        metrics::gauge!("ringfence_feed_readers").increment(1.0);
        self.came.notify_one();
        Some(Seat { feed: Arc::clone(self), key })
    }

    fn readers(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What waits for events to be placed.
pub struct Rising {
    tide: watch::Receiver<Tide>,
    /// What was known at the last call.
    seen: Place,
}

impl Rising {
    /// Waits until others were placed; `false` when the feed has gone.
    pub async fn next(&mut self) -> bool {
        let seen = self.seen;
        let Ok(placed) = self.tide.wait_for(|tide| tide.placed > seen).await.map(|tide| tide.placed) else {
            return false;
        };
        self.seen = placed;
        true
    }
}

/// A reader's right to read; given back when dropped.
pub(crate) struct Seat {
    feed: Arc<Feed>,
    key: String,
}

impl Drop for Seat {
    fn drop(&mut self) {
        metrics::gauge!("ringfence_feed_readers").decrement(1.0);
        let mut readers = self.feed.readers();
        if let Some(count) = readers.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                readers.remove(&self.key);
            }
        }
    }
}
