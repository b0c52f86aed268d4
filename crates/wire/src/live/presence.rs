//! Presence in the store, written in the background: signing in does not wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use ringfence_core::{
    authority::Authority,
    entropy::{SharedEntropy, random},
    error::AuthError,
    ids::ConnectionId,
    presence::{Presence, PresenceChange},
    time::Timestamp,
};
use tokio::sync::Notify;

use super::connection::{Bound, Connection};

/// How long the store believes that a node lives after it last said so.
const LEASE: Duration = Duration::from_secs(90);
/// How often it says so.
const RENEWAL: Duration = Duration::from_secs(30);
/// After a store that did not answer.
const RETRY: Duration = Duration::from_secs(1);
/// Changes in one transaction.
const MOST: usize = 512;

/// What has changed since presence was last written.
pub(super) struct Recorder {
    /// Made when it is first needed.
    node: OnceLock<String>,
    entropy: SharedEntropy,
    pending: Mutex<Vec<PresenceChange>>,
    changed: Notify,
}

impl Recorder {
    pub(super) fn new(entropy: SharedEntropy) -> Self {
        Self { node: OnceLock::new(), entropy, pending: Mutex::default(), changed: Notify::new() }
    }

    /// The name of this node, another one after each start.
    fn node(&self) -> String {
        let name = || format!("node-{:016x}", u64::from_be_bytes(random(self.entropy.as_ref())));
        self.node.get_or_init(name).clone()
    }

    /// Somebody signed in on a connection, in place of whoever was signed in before.
    pub(super) fn signed_in(
        &self,
        connection: &Arc<Connection>,
        before: Option<&Bound>,
        after: &Bound,
        now: Timestamp,
    ) {
        if before.is_some_and(|before| before.session == after.session) {
            return;
        }
        let opened = PresenceChange::Opened(Presence {
            connection: connection.id(),
            project: after.project,
            application: after.application,
            session: after.session,
            identity: after.identity,
            dialect: connection.dialect().to_owned(),
            node: self.node(),
            since: now,
            lease_until: now + LEASE,
        });
        let closed = before.map(|_| PresenceChange::Closed(connection.id()));
        self.note(closed.into_iter().chain([opened]));
    }

    pub(super) fn closed(&self, connection: ConnectionId) {
        self.note([PresenceChange::Closed(connection)]);
    }

    fn note(&self, changes: impl IntoIterator<Item = PresenceChange>) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).extend(changes);
        self.changed.notify_one();
    }

    /// Writes changes as they come and renews the lease, for ever.
    pub(super) async fn run(&self, authority: &Authority) {
        let clock = authority.clock();
        let mut renew_at = clock.now() + RENEWAL;
        loop {
            tokio::select! {
                () = self.changed.notified() => self.write(authority).await,
                () = clock.sleep_until(renew_at) => {
                    renew_at = clock.now() + RENEWAL;
                    if let Err(cause) = authority.renew_presence(self.node(), clock.now() + LEASE).await {
                        tracing::warn!(code = cause.code(), "the lease of this node's connections was not renewed");
                    }
                }
            }
        }
    }

    /// Writes what has changed until nothing has.
    async fn write(&self, authority: &Authority) {
        loop {
            let changes = net(std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner)));
            if changes.is_empty() {
                return;
            }
            for step in changes.chunks(MOST) {
                while let Err(cause) = authority.record_presence(step.to_vec()).await {
                    tracing::warn!(code = cause.code(), "presence was not recorded");
                    if !matches!(cause, AuthError::Unavailable { .. }) {
                        break;
                    }
                    authority.clock().sleep_until(authority.clock().now() + RETRY).await;
                }
            }
        }
    }
}

/// What remains of `changes`: a connection that came and went leaves nothing.
fn net(changes: Vec<PresenceChange>) -> Vec<PresenceChange> {
    let mut closed = Vec::new();
    let mut opened: HashMap<ConnectionId, PresenceChange> = HashMap::new();
    for change in changes {
        match change {
            PresenceChange::Opened(_) => drop(opened.insert(change.connection(), change)),
            PresenceChange::Closed(connection) if opened.remove(&connection).is_some() => {}
            PresenceChange::Closed(_) => closed.push(change),
        }
    }
    let mut opened: Vec<_> = opened.into_values().collect();
    opened.sort_by_key(PresenceChange::connection);
    closed.extend(opened);
    closed
}
