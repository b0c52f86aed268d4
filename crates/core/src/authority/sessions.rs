//! Sessions: started by the gate, listed and ended here.

use std::{sync::Arc, time::Duration};

use super::{Authenticated, Authority, Log};
use crate::{
    application::Application,
    audit::Audit,
    caller::{Actor, Permit, ScopeSet},
    context::Ctx,
    endpoint::Endpoint,
    error::{AuthError, Noun},
    identity::{Identity, IdentityKind},
    ids::SessionId,
    project::Project,
    secret::TokenDigest,
    session::{Session, SessionsOf},
    store::Tx,
    time::Timestamp,
};

/// What a new session is known by before its owner is: taken out of the transaction, so that this only reads and writes.
pub(super) struct SessionSeed {
    id: SessionId,
    dialect: &'static str,
    amr: Vec<String>,
    now: Timestamp,
    refreshes: bool,
}

impl SessionSeed {
    /// The moment of the request.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// The session of `identity`.
    ///
    /// It lives as long as a refresh token where the face can refresh, and for guests, who have no other way to come back
    /// as themselves; else as long as an access token.
    pub(super) fn session(&self, identity: &Identity, project: &Project, application: Option<&Application>) -> Session {
        let tokens = project.policy.tokens;
        let long = self.refreshes || identity.kind == IdentityKind::Guest;
        let life: Duration = if long { tokens.refresh } else { tokens.access }.duration();
        Session {
            id: self.id,
            project: project.id,
            application: application.map(|application| application.id),
            confined: false,
            identity: identity.id,
            issuer: None,
            dialect: self.dialect.to_owned(),
            amr: self.amr.clone(),
            scopes: ScopeSet::default(),
            target: None,
            claims: None,
            auth_time: self.now,
            expires_at: self.now + life,
            revoked_at: None,
        }
    }

    /// The session of `identity`, which does not outlive what it is as an endpoint.
    pub(super) fn session_at(
        &self,
        identity: &Identity,
        endpoint: Option<&Endpoint>,
        project: &Project,
        application: Option<&Application>,
    ) -> Session {
        let mut session = self.session(identity, project, application);
        if let Some(endpoint) = endpoint {
            session.expires_at = endpoint.at_most(session.expires_at);
        }
        session
    }
}

/// Stores a new session; `false` when `bearer` stands for one already.
pub(super) fn start_session(
    tx: &mut dyn Tx,
    log: &mut Log,
    session: &Session,
    bearer: Option<&TokenDigest>,
) -> Result<bool, AuthError> {
    let started = tx.insert_session(session, bearer)?;
    if started {
        log.started(session);
    }
    Ok(started)
}

impl Authority {
    pub(super) fn session_seed(&self, ctx: &Ctx, amr: &[&str]) -> SessionSeed {
        SessionSeed {
            id: SessionId::mint(ctx.now, self.entropy.as_ref()),
            dialect: ctx.dialect,
            amr: amr.iter().map(|&method| method.to_owned()).collect(),
            now: ctx.now,
            refreshes: self.shapes.get(ctx.dialect).is_some_and(|shape| shape.refreshes),
        }
    }

    /// Ends the caller's own session.
    pub async fn sign_out(&self, ctx: &Ctx, who: &Authenticated) -> Result<(), AuthError> {
        let session = who.session.as_ref().ok_or(AuthError::NotFound(Noun::Session))?.id;
        self.end_sessions(ctx, who.project.id, who.actor(), SessionsOf::Session(session)).await.map(drop)
    }

    /// The caller's own live sessions.
    pub async fn own_sessions(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<Session>, AuthError> {
        let (of, now) = (SessionsOf::Identity(who.identity.id), ctx.now);
        self.store.read(move |tx| Ok(tx.sessions(of, now, after, limit)?)).await
    }

    /// Ends one of the caller's own sessions; somebody else's is as good as none.
    pub async fn end_own_session(&self, ctx: &Ctx, who: &Authenticated, id: SessionId) -> Result<(), AuthError> {
        if !self.owns_session(who, id).await? {
            return Err(AuthError::NotFound(Noun::Session));
        }
        self.end_sessions(ctx, who.project.id, who.actor(), SessionsOf::Session(id)).await.map(drop)
    }

    /// Ends the caller's sessions but the one that asks.
    pub async fn end_other_sessions(&self, ctx: &Ctx, who: &Authenticated) -> Result<(), AuthError> {
        let own = who.session.as_ref().ok_or(AuthError::NotFound(Noun::Session))?.id;
        let of = SessionsOf::IdentityExcept(who.identity.id, own);
        self.end_sessions(ctx, who.project.id, who.actor(), of).await.map(drop)
    }

    /// Ends sessions of the project that `permit` is for, and reports which ended by this call.
    pub async fn revoke_sessions(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        of: SessionsOf,
    ) -> Result<Vec<SessionId>, AuthError> {
        self.end_sessions(ctx, permit.project(), permit.actor(), of).await
    }

    async fn end_sessions(
        &self,
        ctx: &Ctx,
        project: crate::ids::ProjectId,
        actor: Actor,
        of: SessionsOf,
    ) -> Result<Vec<SessionId>, AuthError> {
        let now = ctx.now;
        self.commit(ctx, move |tx, log| {
            if !belongs(tx, of, project)? {
                return Err(AuthError::NotFound(Noun::Session));
            }
            let ended = tx.revoke_sessions(of, now)?;
            for session in &ended {
                log.record(Audit::new(project, actor, "session.revoked", &format_args!("session:{session}")));
            }
            log.announce_revoked(ended.iter().copied());
            Ok(ended)
        })
        .await
    }

    /// Live sessions of the project that `permit` is for.
    pub async fn sessions(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        of: SessionsOf,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<Session>, AuthError> {
        let (now, project) = (ctx.now, permit.project());
        self.store
            .read(move |tx| {
                if !belongs(tx, of, project)? {
                    return Err(AuthError::NotFound(Noun::Session));
                }
                Ok(tx.sessions(of, now, after, limit)?)
            })
            .await
    }

    /// A session of the project that `permit` is for, ended ones included.
    pub async fn session(&self, permit: &Permit, id: SessionId) -> Result<Session, AuthError> {
        let project = permit.project();
        self.store
            .read(move |tx| {
                tx.session(id)?.filter(|found| found.project == project).ok_or(AuthError::NotFound(Noun::Session))
            })
            .await
    }
}

/// Whether what is named lies in the project; another project's ids are as good as none (ATTACKS N89).
fn belongs(tx: &mut dyn Tx, of: SessionsOf, project: crate::ids::ProjectId) -> Result<bool, AuthError> {
    let home = match of {
        SessionsOf::Session(id) => tx.session(id)?.map(|found| found.project),
        SessionsOf::Identity(id) | SessionsOf::IdentityExcept(id, _) => tx.identity(id)?.map(|found| found.project),
        SessionsOf::Application(id) | SessionsOf::Members(id, _) => tx.application(id)?.map(|found| found.project),
        // Nobody outside has the id of an issuer; they are ended with their trust. Groups are ended by their own operations.
        SessionsOf::Issuer(_) | SessionsOf::EndpointGroup(_) => None,
        SessionsOf::Project(id) => Some(id),
    };
    Ok(home == Some(project))
}

/// Puts a session into an [`Authenticated`] that was proved without one.
pub(super) fn with_session(who: Authenticated, session: Session) -> Authenticated {
    Authenticated { scopes: session.scopes.clone(), session: Some(Arc::new(session)), ..who }
}
