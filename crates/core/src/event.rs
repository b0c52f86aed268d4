//! Security events: announced after the commit, on this node at once and to others by a bus.
//!
//! The database is the truth and the bus a hint: events carry ids only, handling them twice or out of order does no harm,
//! and a listener that may have missed some is told so by [`Signal::Gap`].

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::ids::{ApplicationId, EndpointGroupId, IdentityId, ProjectId, SessionId};

/// Something that changed what somebody may do (named after RFC 8417 and CAEP events).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
pub enum SecurityEvent {
    /// A session ended before its time.
    SessionRevoked(SessionId),
    /// A password or another credential of an identity changed.
    CredentialChanged(IdentityId),
    /// An identity's standing or profile changed.
    IdentityChanged(IdentityId),
    /// An identity got, changed or lost a place in an application.
    MembershipChanged(IdentityId),
    /// An application was changed, enabled or disabled.
    ApplicationChanged(ApplicationId),
    /// A group of endpoints was changed, enabled, disabled or deleted.
    EndpointGroupChanged(EndpointGroupId),
    /// A project was changed, enabled or disabled.
    ProjectChanged(ProjectId),
    /// A project's signing keys changed.
    KeysChanged(ProjectId),
    /// An identity that is connected to several nodes came or went on one of them.
    PresenceChanged(IdentityId),
}

/// What a listener hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// This happened.
    Event(SecurityEvent),
    /// Some events may have been missed: ask the database.
    Gap,
}

/// Carries events between nodes.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Tells everyone, this node included. A failure is logged by the bus; the database has the truth.
    async fn publish(&self, events: &[SecurityEvent]);

    /// Starts listening.
    fn subscribe(&self) -> Listener;
}

/// A bus to share.
pub type SharedBus = Arc<dyn Bus>;

/// A subscription.
#[derive(Debug)]
pub struct Listener(broadcast::Receiver<Signal>);

impl Listener {
    /// The next signal; `None` when the bus has gone.
    pub async fn next(&mut self) -> Option<Signal> {
        match self.0.recv().await {
            Ok(signal) => Some(signal),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Signal::Gap),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The next signal that is there already.
    pub fn try_next(&mut self) -> Option<Signal> {
        match self.0.try_recv() {
            Ok(signal) => Some(signal),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Some(Signal::Gap),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => None,
        }
    }
}

/// The bus of a single node.
#[derive(Debug)]
pub struct LocalBus(broadcast::Sender<Signal>);

impl LocalBus {
    /// A slow listener may fall this far behind before it hears a gap.
    const BACKLOG: usize = 4096;

    /// Passes a signal on to the listeners of this node.
    pub fn tell(&self, signal: Signal) {
        // No listener is no failure.
        drop(self.0.send(signal));
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self(broadcast::channel(Self::BACKLOG).0)
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, events: &[SecurityEvent]) {
        for event in events {
            self.tell(Signal::Event(*event));
        }
    }

    fn subscribe(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}
