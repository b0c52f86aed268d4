//! Time, randomness, bus and mail for tests: moved by hand, seeded, recorded. [`World`] has all of them around an authority.

mod build;
mod cast;
mod courier;
mod provider;
mod severed;
mod shapes;
mod world;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use tokio::sync::watch;

pub use self::{
    cast::{Member, PASSWORD, Place, outcome},
    courier::RecordingCourier,
    provider::CredulousProvider,
    severed::{Reach, Severable},
    shapes::{ASSERTIONS, LADDER, SHAPES, SHORT_ASSERTIONS},
    world::World,
};
use crate::{
    entropy::Entropy,
    error::BoxError,
    event::{Bus, Listener, LocalBus, SecurityEvent},
    mail::{Mail, Mailer},
    time::{BoxFuture, Clock, Timestamp},
};

/// A clock that stands still until it is moved; moving it wakes sleepers.
#[derive(Debug)]
pub struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    /// A clock at a fixed moment of 2026.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(watch::channel(Timestamp::from_seconds(1_795_000_000)).0))
    }

    /// Moves time forward.
    pub fn advance(&self, span: std::time::Duration) {
        self.0.send_modify(|now| *now = *now + span);
    }

    /// Puts the clock to a moment, earlier ones included.
    pub fn set(&self, moment: Timestamp) {
        self.0.send_replace(moment);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<()> {
        let mut moved = self.0.subscribe();
        Box::pin(async move {
            // The clock having gone is as good as the deadline having come.
            drop(moved.wait_for(|now| *now >= deadline).await);
        })
    }
}

/// Randomness from a seed: the same bytes in each run.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<ChaCha8Rng>);

impl SeededEntropy {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(ChaCha8Rng::seed_from_u64(seed))))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// A local bus that remembers what was announced.
#[derive(Debug, Default)]
pub struct RecordingBus {
    local: LocalBus,
    announced: Mutex<Vec<SecurityEvent>>,
}

impl RecordingBus {
    /// Takes what was announced since the last call.
    pub fn take(&self) -> Vec<SecurityEvent> {
        std::mem::take(&mut self.announced.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Bus for RecordingBus {
    async fn publish(&self, events: &[SecurityEvent]) {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(events);
        self.local.publish(events).await;
    }

    fn subscribe(&self) -> Listener {
        self.local.subscribe()
    }
}

/// A mailer that keeps what it is given.
#[derive(Debug)]
pub struct MemoryMailer(watch::Sender<Vec<Mail>>);

impl Default for MemoryMailer {
    fn default() -> Self {
        Self(watch::channel(Vec::new()).0)
    }
}

impl MemoryMailer {
    /// Everything delivered so far.
    pub fn delivered(&self) -> Vec<Mail> {
        self.0.borrow().clone()
    }

    /// Waits until `count` mails were delivered and returns the last of them.
    ///
    /// # Panics
    /// Never: the sender lives as long as `self`.
    pub async fn nth(&self, count: usize) -> Mail {
        let mut delivered = self.0.subscribe();
        let seen = delivered.wait_for(|mails| mails.len() >= count).await.expect("the sender is our own");
        seen[count - 1].clone()
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn deliver(&self, mail: &Mail) -> Result<(), BoxError> {
        self.0.send_modify(|mails| mails.push(mail.clone()));
        Ok(())
    }
}
