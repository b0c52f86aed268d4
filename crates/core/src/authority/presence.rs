//! Open connections: heard of changes, re-checked, recorded, and reached by name.

use std::{collections::HashSet, sync::Arc, time::Duration};

use super::{Authenticated, Authority, Person};
use crate::{
    caller::Permit,
    context::Ctx,
    endpoint::{EndpointFilter, Window},
    error::{AuthError, Noun, Rule},
    event::{Listener, SecurityEvent},
    identity::{HeldIdentifier, Identifier, Identity, IdentityKind},
    ids::{ConnectionId, IdentityId, SessionId},
    presence::{Elsewhere, InboundPolicy, Presence, PresenceChange, PresenceFilter},
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

/// An open connection and whose it is.
#[derive(Clone, Debug)]
pub struct Connected {
    /// The connection.
    pub presence: Presence,
    /// Whoever signed in on it; nobody when they were erased a moment ago.
    pub person: Option<Person>,
}

impl Authenticated {
    /// Which of this identity's open connections is reached: as the application says, else the project.
    pub fn inbound(&self) -> InboundPolicy {
        let own = self.application.as_ref().and_then(|application| application.settings.inbound);
        own.unwrap_or(self.project.policy.inbound)
    }
}

impl Authority {
    /// Starts listening to what is announced, on this node and on others.
    pub fn listen(&self) -> Listener {
        self.bus.subscribe()
    }

    /// Stops remembering a session whose connection stays open and is told of its end: asked about again, the store answers.
    pub fn leave_to_connection(&self, session: SessionId) {
        self.live.unlearn(session);
    }

    /// Whoever holds this session, if it counts still.
    ///
    /// For whoever keeps a connection open instead of a token.
    pub async fn holder_of(&self, ctx: &Ctx, session: SessionId) -> Result<Authenticated, AuthError> {
        self.live_session(ctx, session).await.map(|live| Authenticated::clone(&live))
    }

    /// The same, as the store said no longer than `within` ago.
    pub async fn holder_confirmed(
        &self,
        ctx: &Ctx,
        session: SessionId,
        within: Duration,
    ) -> Result<Authenticated, AuthError> {
        self.live_session_confirmed(ctx, session, within).await.map(|live| Authenticated::clone(&live))
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

    /// Records connections that opened and closed on a node, in order, and tells other nodes that have some of the same people.
    pub async fn record_presence(&self, node: String, changes: Vec<PresenceChange>) -> Result<(), AuthError> {
        let whose: HashSet<IdentityId> = changes.iter().map(PresenceChange::identity).collect();
        self.store
            .write(move |tx| {
                for change in &changes {
                    match change {
                        PresenceChange::Opened(presence) => tx.open_presence(presence)?,
                        PresenceChange::Closed(connection, _) => drop(tx.close_presence(*connection)?),
                    }
                }
                Ok(())
            })
            .await?;
        self.tell_of_presence(node, whose).await
    }

    /// After the commit: of two nodes that record the same person at once, the later one finds the other's row.
    async fn tell_of_presence(&self, node: String, whose: HashSet<IdentityId>) -> Result<(), AuthError> {
        let now = self.clock.now();
        let shared: Vec<IdentityId> = self
            .store
            .read(move |tx| {
                if !tx.has_company(&node, now)? {
                    return Ok(Vec::new());
                }
                let mut shared = Vec::new();
                for identity in whose {
                    if tx.presence_of(identity, now)?.iter().any(|open| open.node != node) {
                        shared.push(identity);
                    }
                }
                Ok(shared)
            })
            .await?;
        let events: Vec<_> = shared.into_iter().map(SecurityEvent::PresenceChanged).collect();
        self.announce(&events).await;
        Ok(())
    }

    /// Records a connection whose identity may have no other on any other node, `instead_of` left out.
    pub async fn claim_presence(&self, presence: Presence, instead_of: Option<ConnectionId>) -> Result<(), AuthError> {
        let (node, whose) = (presence.node.clone(), HashSet::from([presence.identity]));
        let claimed = self.store.write(move |tx| Ok(tx.claim_presence(&presence, instead_of)?)).await?;
        if !claimed {
            return Err(AuthError::Conflict(Noun::Session));
        }
        // Whose place it takes is told.
        if instead_of.is_some() { self.tell_of_presence(node, whose).await } else { Ok(()) }
    }

    /// What other nodes have beside the connections of one, of one identity or of all; connections without are left out.
    pub async fn presence_beside(
        &self,
        node: String,
        identity: Option<IdentityId>,
    ) -> Result<Vec<(IdentityId, ConnectionId, Elsewhere)>, AuthError> {
        let now = self.clock.now();
        self.store
            .read(move |tx| {
                // One node alone need not compare its connections with anything.
                if tx.has_company(&node, now)? { Ok(tx.presence_beside(&node, identity, now)?) } else { Ok(Vec::new()) }
            })
            .await
    }

    /// Whether another node than this one has a connection of an identity through a face.
    pub async fn is_present_elsewhere(
        &self,
        node: String,
        identity: IdentityId,
        dialect: &'static str,
    ) -> Result<bool, AuthError> {
        let now = self.clock.now();
        let open = self.store.read(move |tx| Ok(tx.presence_of(identity, now)?)).await?;
        Ok(open.iter().any(|open| open.node != node && open.dialect == dialect))
    }

    /// Vouches for all connections of a node until `until`.
    pub async fn renew_presence(&self, node: String, until: Timestamp) -> Result<u64, AuthError> {
        self.store.write(move |tx| Ok(tx.renew_presence(&node, until)?)).await
    }

    /// Open connections of the project that `permit` is for, on all nodes, with whose they are.
    pub async fn connections(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        filter: PresenceFilter,
        after: Option<ConnectionId>,
        limit: u32,
    ) -> Result<Vec<Connected>, AuthError> {
        let (project, now) = (permit.project(), ctx.now);
        self.store
            .read(move |tx| {
                let mut found = Vec::new();
                for presence in tx.presences(project, &filter, now, after, limit)? {
                    let person = match tx.identity(presence.identity)? {
                        Some(identity) => Some(Person { identifiers: tx.identifiers(identity.id)?, identity }),
                        None => None,
                    };
                    found.push(Connected { presence, person });
                }
                Ok(found)
            })
            .await
    }

    /// Open connections of somebody who is signed in, on all nodes, in order of sign-in.
    pub async fn own_presence(&self, ctx: &Ctx, who: &Authenticated) -> Result<Vec<Presence>, AuthError> {
        let (identity, now) = (who.identity.id, ctx.now);
        self.store.read(move |tx| Ok(tx.presence_of(identity, now)?)).await
    }

    /// Open connections of an identity of the permit's project, on all nodes, in order of sign-in.
    pub async fn presence_of(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        identity: IdentityId,
    ) -> Result<Vec<Presence>, AuthError> {
        let (project, now) = (permit.project(), ctx.now);
        let found = self.store.read(move |tx| Ok(tx.presence_of(identity, now)?)).await?;
        Ok(found.into_iter().filter(|open| open.project == project).collect())
    }

    /// Which of these people have an open connection of a face, on any node.
    pub async fn present(
        &self,
        ctx: &Ctx,
        people: &[Person],
        dialect: &'static str,
    ) -> Result<HashSet<IdentityId>, AuthError> {
        let (ids, now): (Vec<_>, _) = (people.iter().map(|person| person.identity.id).collect(), ctx.now);
        self.store
            .read(move |tx| {
                let mut present = HashSet::new();
                for id in ids {
                    if tx.presence_of(id, now)?.iter().any(|open| open.dialect == dialect) {
                        present.insert(id);
                    }
                }
                Ok(present)
            })
            .await
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

    /// Whom a guest reaches: the endpoints whose tag names its target, as `KIND:NAME`.
    pub async fn reach_target(&self, ctx: &Ctx, who: &Authenticated) -> Result<Vec<Reachable>, AuthError> {
        let Some(bound) = who.session.as_ref().and_then(|session| session.target) else {
            return Err(AuthError::NotFound(Noun::GuestTarget));
        };
        let (project, now) = (who.project.id, ctx.now);
        self.store
            .read(move |tx| {
                let target = tx.guest_targets(project)?.into_iter().find(|target| target.id == bound);
                let target = target.ok_or(AuthError::NotFound(Noun::GuestTarget))?;
                let tag = Some(format!("{}:{}", target.kind, target.name));
                let filter = EndpointFilter { tag, expired: Some(false), ..EndpointFilter::default() };
                let found = tx.endpoints(project, &filter, now, Window { offset: 0, limit: MOST_ANSWERING })?;
                let answering = found.items.into_iter().filter(|found| found.group.disabled_at.is_none());
                Ok(answering.map(|found| Reachable { identity: found.id, name: target.name.clone() }).collect())
            })
            .await
    }

    /// Makes a conversation the guest's own. The first to name it holds it; to others it is not there (ATTACKS N85).
    pub async fn hold_conversation(&self, ctx: &Ctx, who: &Authenticated, name: &str) -> Result<(), AuthError> {
        let Some(target) = who.session.as_ref().and_then(|session| session.target) else {
            return Err(AuthError::NotFound(Noun::GuestTarget));
        };
        let name = Identifier::of("conversation", format!("{target}:{name}"));
        let (guest, now) = (Arc::clone(&who.identity), ctx.now);
        self.commit(ctx, move |tx, _| {
            if let Some((holder, _)) = tx.identity_by_identifier(guest.project, &name)? {
                return if holder.id == guest.id { Ok(()) } else { Err(AuthError::NotFound(Noun::Identifier)) };
            }
            if tx.identifiers(guest.id)?.len() >= MOST_CONVERSATIONS {
                return Err(AuthError::invalid("conversation", Rule::TooMany(MOST_CONVERSATIONS as u64)));
            }
            let held = HeldIdentifier { identifier: name, verified_at: Some(now) };
            if tx.add_identifier(&guest, &held)? { Ok(()) } else { Err(AuthError::NotFound(Noun::Identifier)) }
        })
        .await
    }
}

/// Endpoints that answer for one target.
const MOST_ANSWERING: u32 = 100;
/// Conversations of one guest.
const MOST_CONVERSATIONS: usize = 32;

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
