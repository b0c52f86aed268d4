//! Sessions: what a sign-in leaves behind, what tokens point at, and what revocation ends.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    application::Application,
    caller::ScopeSet,
    endpoint::Endpoint,
    identity::Identity,
    ids::{ApplicationId, EndpointGroupId, GuestTargetId, IdentityId, IssuerId, ProjectId, SessionId},
    project::Project,
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
};

/// A session, the `sid` of its tokens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Its project.
    pub project: ProjectId,
    /// The application it was started through.
    pub application: Option<ApplicationId>,
    /// Whether it counts in that application only, because that application's issuer vouched for it.
    pub confined: bool,
    /// Whose it is.
    pub identity: IdentityId,
    /// The issuer whose assertion started it.
    pub issuer: Option<IssuerId>,
    /// The face it was started through; names the shape of its tokens.
    pub dialect: String,
    /// How it was authenticated (RFC 8176).
    pub amr: Vec<String>,
    /// What it may do beyond its owner's own data.
    pub scopes: ScopeSet,
    /// What a guest may reach.
    pub target: Option<GuestTargetId>,
    /// The assertion's claims, for faces that show them again.
    #[serde(skip)]
    pub claims: Option<Map<String, Value>>,
    /// When its owner proved who they are.
    pub auth_time: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

/// A session with everything that decides whether it still counts.
#[derive(Clone, Debug)]
pub struct Standpoint {
    /// The session.
    pub session: Session,
    /// Its owner.
    pub identity: Identity,
    /// What its owner is as an endpoint.
    pub endpoint: Option<Endpoint>,
    /// Its application.
    pub application: Option<Application>,
    /// Its project.
    pub project: Project,
}

impl Standpoint {
    /// How long a refresh token of the session that was used is answered again: as its application says, else its project.
    pub fn refresh_grace(&self) -> Duration {
        let own = self.application.as_ref().and_then(|application| application.settings.tokens.refresh_grace);
        own.unwrap_or(self.project.policy.tokens.refresh_grace).duration()
    }
}

/// Whose sessions to end or list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionsOf {
    /// One session.
    Session(SessionId),
    /// All of an identity.
    Identity(IdentityId),
    /// All of an identity but one.
    IdentityExcept(IdentityId, SessionId),
    /// All that were started through an application.
    Application(ApplicationId),
    /// All that those with a place in an application started through a face, whose name comes second.
    Members(ApplicationId, &'static str),
    /// All that an issuer's assertions started.
    Issuer(IssuerId),
    /// All of the endpoints of a group, its own account included.
    EndpointGroup(EndpointGroupId),
    /// All of a project.
    Project(ProjectId),
}

/// Storage of sessions.
pub trait SessionStore {
    /// Adds a session; `bearer` is the digest of a foreign token that is accepted again for it. `false` when it is known.
    fn insert_session(&mut self, session: &Session, bearer: Option<&TokenDigest>) -> StoreResult<bool>;
    /// A session by id.
    fn session(&mut self, id: SessionId) -> StoreResult<Option<Session>>;
    /// A session with its owner, application and project.
    fn standpoint(&mut self, id: SessionId) -> StoreResult<Option<Standpoint>>;
    /// The session that a foreign token stands for, ended ones included.
    fn session_by_bearer(&mut self, bearer: &TokenDigest) -> StoreResult<Option<SessionId>>;
    /// Live sessions in order of id, after `after`.
    fn sessions(
        &mut self,
        of: SessionsOf,
        now: Timestamp,
        after: Option<SessionId>,
        limit: u32,
    ) -> StoreResult<Vec<Session>>;
    /// Ends live sessions and returns those that ended by this call; two calls never report the same one.
    fn revoke_sessions(&mut self, of: SessionsOf, at: Timestamp) -> StoreResult<Vec<SessionId>>;
    /// Has live sessions of an identity end at `end` if they would end later.
    fn curtail_sessions(&mut self, identity: IdentityId, end: Timestamp) -> StoreResult<()>;
    /// Which of these are still live, and until when.
    fn still_live(&mut self, ids: &[SessionId], now: Timestamp) -> StoreResult<Vec<(SessionId, Timestamp)>>;
    /// Removes up to `limit` sessions that ended before `before`, with guests who have none left, and reports how many.
    ///
    /// The session of a foreign token stays until that token has ended by itself, or showing it again would revive it.
    fn sweep_sessions(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64>;
}
