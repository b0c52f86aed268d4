//! Open connections: heard of changes, re-checked, recorded, and reached by name.

use super::{Authenticated, Authority};
use crate::{
    context::Ctx,
    error::{AuthError, Noun},
    event::Listener,
    identity::{Identifier, Identity, IdentityKind},
    ids::{IdentityId, SessionId},
    presence::{InboundPolicy, Presence, PresenceChange},
    time::Timestamp,
};

/// Somebody who may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachable {
    /// Who.
    pub identity: IdentityId,
    /// The name by which it is reached, in its one spelling.
    pub name: String,
}

impl Authenticated {
    /// Which of this identity's open connections is reached.
    pub fn inbound(&self) -> InboundPolicy {
        self.application.as_ref().map(|application| application.settings.inbound).unwrap_or_default()
    }
}

impl Authority {
    /// Starts listening to what is announced, on this node and on others.
    pub fn listen(&self) -> Listener {
        self.bus.subscribe()
    }

    /// Whether the session of somebody who has just passed the gate counts still.
    ///
    /// For whoever keeps a connection open: an end that was announced after the gate and before the connection was
    /// registered found nothing to close.
    pub async fn counts_still(&self, ctx: &Ctx, who: &Authenticated) -> Result<(), AuthError> {
        let session = who.session.as_ref().ok_or(AuthError::NotFound(Noun::Session))?.id;
        self.live_session(ctx, session).await.map(drop)
    }

    /// Whether `session` is one of this identity's own and was not revoked: it may be shown its name again.
    pub async fn owns_session(&self, who: &Authenticated, session: SessionId) -> Result<bool, AuthError> {
        let identity = who.identity.id;
        self.store
            .read(move |tx| {
                let found = tx.session(session)?;
                Ok(found.is_some_and(|found| found.identity == identity && found.revoked_at.is_none()))
            })
            .await
    }

    /// Records connections that opened and closed on this node, in order.
    pub async fn record_presence(&self, changes: Vec<PresenceChange>) -> Result<(), AuthError> {
        self.store
            .write(move |tx| {
                for change in &changes {
                    match change {
                        PresenceChange::Opened(presence) => tx.open_presence(presence)?,
                        PresenceChange::Closed(connection) => drop(tx.close_presence(*connection)?),
                    }
                }
                Ok(())
            })
            .await
    }

    /// Vouches for all connections of a node until `until`.
    pub async fn renew_presence(&self, node: String, until: Timestamp) -> Result<u64, AuthError> {
        self.store.write(move |tx| Ok(tx.renew_presence(&node, until)?)).await
    }

    /// Open connections of somebody who is signed in, on all nodes, in order of sign-in.
    pub async fn own_presence(&self, ctx: &Ctx, who: &Authenticated) -> Result<Vec<Presence>, AuthError> {
        let (identity, now) = (who.identity.id, ctx.now);
        self.store.read(move |tx| Ok(tx.presence_of(identity, now)?)).await
    }

    /// Whom `who` reaches by this name: an endpoint or member of its project that may sign in.
    ///
    /// A guest reaches nobody by name, whatever the name (ATTACKS N85); see [`Authority::reach_target`].
    pub async fn reach(&self, who: &Authenticated, name: Identifier) -> Result<Reachable, AuthError> {
        if who.identity.kind == IdentityKind::Guest {
            return Err(AuthError::NotFound(Noun::Identity));
        }
        let project = who.project.id;
        self.store
            .read(move |tx| {
                let (found, _) =
                    tx.identity_by_identifier(project, &name)?.ok_or(AuthError::NotFound(Noun::Identity))?;
                reachable(&found, &name)
            })
            .await
    }

    /// Whom a guest reaches: whoever answers for its target, found by the target's kind and name as an identifier.
    pub async fn reach_target(&self, who: &Authenticated) -> Result<Reachable, AuthError> {
        let nobody = AuthError::NotFound(Noun::GuestTarget);
        let Some(bound) = who.session.as_ref().and_then(|session| session.target) else { return Err(nobody) };
        let project = who.project.id;
        self.store
            .read(move |tx| {
                let target = tx.guest_targets(project)?.into_iter().find(|target| target.id == bound);
                let Some(target) = target else { return Err(nobody) };
                let name = Identifier::stored(target.kind, target.name);
                let Some((found, _)) = tx.identity_by_identifier(project, &name)? else { return Err(nobody) };
                reachable(&found, &name)
            })
            .await
    }

    /// The name under `scheme` by which others know this identity.
    pub async fn name_of(&self, who: &Authenticated, scheme: &'static str) -> Result<Option<String>, AuthError> {
        let identity = who.identity.id;
        self.store
            .read(move |tx| {
                let held = tx.identifiers(identity)?;
                Ok(held
                    .into_iter()
                    .find(|held| held.identifier.scheme() == scheme)
                    .map(|held| held.identifier.value().to_owned()))
            })
            .await
    }
}

/// Guests are never called, and nobody is who may not sign in.
fn reachable(found: &Identity, name: &Identifier) -> Result<Reachable, AuthError> {
    if found.kind == IdentityKind::Guest {
        return Err(AuthError::NotFound(Noun::Identity));
    }
    if !found.standing.is_active() {
        return Err(AuthError::IdentitySuspended);
    }
    Ok(Reachable { identity: found.id, name: name.value().to_owned() })
}
