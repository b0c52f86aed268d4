//! Presence in the store, written in the background: signing in does not wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use ringfence_core::{
    authority::{Authenticated, Authority},
    entropy::{SharedEntropy, random},
    error::{AuthError, Noun},
    ids::{ConnectionId, IdentityId},
    presence::{Presence, PresenceChange},
    time::Timestamp,
};
use tokio::sync::Notify;

use super::connection::{Bound, Connection};

/// After a store that did not answer.
const RETRY: Duration = Duration::from_secs(1);
/// Changes in one transaction.
const MOST: usize = 512;

/// What has changed since presence was last written.
pub(super) struct Recorder {
    /// Made when it is first needed.
    node: OnceLock<String>,
    entropy: SharedEntropy,
    /// How long the store believes that a node lives after it last said so.
    lease: Duration,
    pending: Mutex<Vec<PresenceChange>>,
    changed: Notify,
}

impl Recorder {
    pub(super) fn new(authority: &Authority) -> Self {
        Self {
            node: OnceLock::new(),
            entropy: Arc::clone(authority.entropy()),
            lease: authority.confirm_within(),
            pending: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// The name of this node, another one after each start.
    pub(super) fn node(&self) -> String {
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
            lease_until: now + self.lease,
        });
        let closed = before.map(|before| PresenceChange::Closed(connection.id(), before.identity));
        self.note(closed.into_iter().chain([opened]));
    }

    /// A connection of somebody who is about to be registered on it.
    pub(super) fn presence(
        &self,
        connection: &Connection,
        who: &Authenticated,
        now: Timestamp,
    ) -> Result<Presence, AuthError> {
        let session = who.session.as_deref().ok_or(AuthError::NotFound(Noun::Session))?;
        Ok(Presence {
            connection: connection.id(),
            project: who.project.id,
            application: who.application.as_ref().map(|application| application.id),
            session: session.id,
            identity: who.identity.id,
            dialect: connection.dialect().to_owned(),
            node: self.node(),
            since: now,
            lease_until: now + self.lease,
        })
    }

    pub(super) fn closed(&self, connection: ConnectionId, identity: IdentityId) {
        self.note([PresenceChange::Closed(connection, identity)]);
    }

    fn note(&self, changes: impl IntoIterator<Item = PresenceChange>) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).extend(changes);
        self.changed.notify_one();
    }

    /// Writes changes as they come, for ever.
    pub(super) async fn run(&self, authority: &Authority) {
        loop {
            self.changed.notified().await;
            self.write(authority).await;
        }
    }

    /// Writes what has changed, if the store takes it.
    pub(super) async fn write_once(&self, authority: &Authority) {
        let changes = net(std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner)));
        for step in changes.chunks(MOST) {
            if let Err(cause) = authority.record_presence(self.node(), step.to_vec()).await {
                tracing::warn!(code = cause.code(), "presence was not recorded and ends with the lease");
                return;
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
                while let Err(cause) = authority.record_presence(self.node(), step.to_vec()).await {
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
            PresenceChange::Closed(connection, _) if opened.remove(&connection).is_some() => {}
            PresenceChange::Closed(..) => closed.push(change),
        }
    }
    let mut opened: Vec<_> = opened.into_values().collect();
    opened.sort_by_key(PresenceChange::connection);
    closed.extend(opened);
    closed
}
