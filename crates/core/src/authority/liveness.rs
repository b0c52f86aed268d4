//! Which sessions count: asked of the store once, remembered for a while, forgotten at once when an event says so.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lru::LruCache;

use super::{Authenticated, Authority, shared::Shared};
use crate::{
    application::Application,
    context::Ctx,
    endpoint::EndpointGroup,
    error::AuthError,
    event::SecurityEvent,
    ids::{ApplicationId, EndpointGroupId, ProjectId, SessionId},
    project::Project,
    session::Standpoint,
    time::Timestamp,
};

const SHARDS: usize = 16;
const PER_SHARD: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

struct Remembered {
    authenticated: Arc<Authenticated>,
    since: Timestamp,
}

/// Bounded memory of sessions that were live when last looked at.
pub(super) struct LiveCache {
    projects: Shared<ProjectId, Project>,
    applications: Shared<ApplicationId, Application>,
    groups: Shared<EndpointGroupId, EndpointGroup>,
    shards: [Mutex<LruCache<SessionId, Remembered>>; SHARDS],
    /// Grows with each invalidation, so that a look-up which began before one does not remember what it saw.
    generation: AtomicU64,
}

impl Default for LiveCache {
    fn default() -> Self {
        // Unbounded in form, so that an idle server does not pay for the capacity; `remember` keeps the bound.
        Self {
            projects: Shared::default(),
            applications: Shared::default(),
            groups: Shared::default(),
            shards: std::array::from_fn(|_| Mutex::new(LruCache::unbounded())),
            generation: AtomicU64::new(0),
        }
    }
}

impl LiveCache {
    /// The same with everything shared that other sessions have too.
    fn share(&self, read: Standpoint) -> Authenticated {
        let mut who = Authenticated::from(read);
        who.project = self.projects.same(who.project.id, who.project);
        who.application = who.application.map(|application| self.applications.same(application.id, application));
        if let Some(endpoint) = who.endpoint.as_mut().and_then(Arc::get_mut) {
            endpoint.group = self.groups.same(endpoint.group.id, Arc::clone(&endpoint.group));
        }
        who
    }

    fn shard(&self, id: SessionId) -> &Mutex<LruCache<SessionId, Remembered>> {
        &self.shards[id.spread() % SHARDS]
    }

    /// What the store said of a session no longer than `within` ago; after that it is asked again, in case an announcement
    /// was missed.
    fn recall(&self, id: SessionId, now: Timestamp, within: Duration) -> Option<Arc<Authenticated>> {
        let mut shard = self.shard(id).lock().unwrap_or_else(PoisonError::into_inner);
        let found = shard.get(&id)?;
        (now.since(found.since) < within && now >= found.since).then(|| Arc::clone(&found.authenticated))
    }

    fn remember(&self, id: SessionId, authenticated: &Arc<Authenticated>, now: Timestamp, generation: u64) {
        let mut shard = self.shard(id).lock().unwrap_or_else(PoisonError::into_inner);
        // Checked under the lock that `forget` takes too, after it has raised the generation.
        if self.generation.load(Ordering::SeqCst) != generation {
            return;
        }
        shard.put(id, Remembered { authenticated: Arc::clone(authenticated), since: now });
        if shard.len() > PER_SHARD.get() {
            shard.pop_lru();
        }
    }

    /// Forgets a session about which nothing has changed.
    pub(super) fn unlearn(&self, id: SessionId) {
        self.shard(id).lock().unwrap_or_else(PoisonError::into_inner).pop(&id);
    }

    /// Forgets every session that the event may concern.
    pub(super) fn forget(&self, event: SecurityEvent) {
        if let SecurityEvent::KeysChanged(_) | SecurityEvent::PresenceChanged(_) = event {
            return;
        }
        self.generation.fetch_add(1, Ordering::SeqCst);
        if let SecurityEvent::SessionRevoked(id) = event {
            self.shard(id).lock().unwrap_or_else(PoisonError::into_inner).pop(&id);
            return;
        }
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let concerned: Vec<_> =
                shard.iter().filter(|(_, kept)| concerns(event, &kept.authenticated)).map(|(id, _)| *id).collect();
            for id in concerned {
                shard.pop(&id);
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

fn concerns(event: SecurityEvent, kept: &Authenticated) -> bool {
    match event {
        SecurityEvent::SessionRevoked(id) => kept.session.as_ref().is_some_and(|session| session.id == id),
        SecurityEvent::CredentialChanged(id) | SecurityEvent::IdentityChanged(id) => kept.identity.id == id,
        SecurityEvent::ApplicationChanged(id) => {
            kept.application.as_ref().is_some_and(|application| application.id == id)
        }
        SecurityEvent::EndpointGroupChanged(id) => {
            kept.endpoint.as_ref().is_some_and(|endpoint| endpoint.group.id == id)
        }
        SecurityEvent::ProjectChanged(id) => kept.project.id == id,
        SecurityEvent::KeysChanged(_) | SecurityEvent::PresenceChanged(_) => false,
    }
}

impl Authority {
    /// The live session `id` with all that it depends on; every way in that shows a session's token ends here.
    pub(super) async fn live_session(&self, ctx: &Ctx, id: SessionId) -> Result<Arc<Authenticated>, AuthError> {
        self.live_session_confirmed(ctx, id, self.confirm_within).await
    }

    /// The same, as the store said no longer than `within` ago.
    pub(super) async fn live_session_confirmed(
        &self,
        ctx: &Ctx,
        id: SessionId,
        within: Duration,
    ) -> Result<Arc<Authenticated>, AuthError> {
        if let Some(known) = self.live.recall(id, ctx.now, within) {
            // Time passes without an event.
            known.admit(ctx.now)?;
            return Ok(known);
        }
        let generation = self.live.generation.load(Ordering::SeqCst);
        let standpoint = self.store.read(move |tx| Ok(tx.standpoint(id)?)).await?.ok_or(AuthError::SessionRevoked)?;
        let authenticated = Arc::new(self.live.share(standpoint));
        authenticated.admit(ctx.now)?;
        self.live.remember(id, &authenticated, ctx.now, generation);
        Ok(authenticated)
    }

    /// Which of these sessions still count, and until when, asked of the store: the re-check of open connections.
    pub async fn still_live(&self, ids: Vec<SessionId>) -> Result<Vec<(SessionId, Timestamp)>, AuthError> {
        let now = self.clock.now();
        self.store.read(move |tx| Ok(tx.still_live(&ids, now)?)).await
    }
}
