//! Which sessions count: asked of the store once, remembered for a while, forgotten at once when an event says so.

use std::{sync::Arc, time::Duration};

use super::{Authenticated, Authority, memory::Memory, shared::Shared};
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

/// Sessions that were live when last looked at, each once with what it has in common with others.
pub(super) struct LiveCache {
    projects: Shared<ProjectId, Project>,
    applications: Shared<ApplicationId, Application>,
    groups: Shared<EndpointGroupId, EndpointGroup>,
    sessions: Memory<SessionId, Arc<Authenticated>>,
}

impl Default for LiveCache {
    fn default() -> Self {
        Self {
            projects: Shared::default(),
            applications: Shared::default(),
            groups: Shared::default(),
            sessions: Memory::of(65_536),
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

    /// Forgets a session about which nothing has changed.
    pub(super) fn unlearn(&self, id: SessionId) {
        self.sessions.unlearn(&id);
    }

    /// Forgets every session that the event may concern.
    pub(super) fn forget(&self, event: SecurityEvent) {
        match event {
            SecurityEvent::KeysChanged(_) | SecurityEvent::PresenceChanged(_) | SecurityEvent::MembershipChanged(_) => {
            }
            SecurityEvent::SessionRevoked(id) => self.sessions.forget(&id),
            event => self.sessions.forget_where(|known| concerns(event, known)),
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.sessions.clear();
    }
}

/// Whether what is known of somebody depends on what changed.
pub(super) fn concerns(event: SecurityEvent, kept: &Authenticated) -> bool {
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
        SecurityEvent::KeysChanged(_) | SecurityEvent::PresenceChanged(_) | SecurityEvent::MembershipChanged(_) => {
            false
        }
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
        if let Some(known) = self.live.sessions.recall(&id, ctx.now, within) {
            // Time passes without an event.
            known.admit(ctx.now)?;
            return Ok(known);
        }
        let look = self.live.sessions.look();
        let standpoint = self.store.read(move |tx| Ok(tx.standpoint(id)?)).await?.ok_or(AuthError::SessionRevoked)?;
        let authenticated = Arc::new(self.live.share(standpoint));
        authenticated.admit(ctx.now)?;
        self.live.sessions.remember(id, Arc::clone(&authenticated), ctx.now, look);
        Ok(authenticated)
    }

    /// Which of these sessions still count, and until when, asked of the store: the re-check of open connections.
    pub async fn still_live(&self, ids: Vec<SessionId>) -> Result<Vec<(SessionId, Timestamp)>, AuthError> {
        let now = self.clock.now();
        self.store.read(move |tx| Ok(tx.still_live(&ids, now)?)).await
    }
}
