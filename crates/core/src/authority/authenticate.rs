//! The one gate: whatever somebody presents, it is judged here.

use std::{pin::Pin, sync::Arc};

use serde_json::{Map, Value};

use super::{Authority, Log, sessions::start_session};
use crate::{
    application::{Application, WayIn},
    audit::Audit,
    caller::{Actor, Caller, Permit, Scope, ScopeSet},
    context::Ctx,
    endpoint::Endpoint,
    error::{AuthError, Noun, TokenFault},
    federation::ProviderToken,
    identity::{Identifier, Identity, IdentityKind, Profile, Standing},
    ids::{CredentialId, GuestTargetId, IdentityId},
    issuer::AssertionProfile,
    live_token,
    project::{Project, ProjectRef},
    secret::{Password, RawToken, TokenDigest, TokenKind},
    session::{Session, Standpoint},
    store::{Again, Tx},
    tally::Way,
    time::Timestamp,
};

/// What somebody shows to prove who they are (authenticator output, SP 800-63).
#[derive(Debug)]
pub enum PresentedCredential {
    /// An identifier and a password.
    Password {
        /// Where the identifier is looked for.
        project: ProjectRef,
        /// Who they say they are.
        identifier: Identifier,
        /// What they know.
        password: Password,
    },
    /// An access token of ours.
    AccessToken(RawToken),
    /// An API key of a project.
    ApiKey(RawToken),
    /// A ticket that its owner was given for a socket (see [`Authority::socket_ticket`]).
    SocketTicket(RawToken),
    /// A token signed by a trusted issuer of an application.
    Assertion {
        /// The application that trusts the issuer.
        project: ProjectRef,
        /// The token.
        jwt: RawToken,
        /// What it must look like.
        profile: &'static AssertionProfile,
        /// Whom the request claims to be, where its protocol says so beside the token.
        claimed: Option<String>,
    },
    /// The HA1B of a SIP user, where a project takes it.
    Digest {
        /// Where the user is looked for.
        project: ProjectRef,
        /// What is shown.
        ha1b: RawToken,
    },
    /// A token of an identity provider.
    Federated {
        /// Where its bearer is known, or will be.
        project: ProjectRef,
        /// The provider, by its name in configuration.
        provider: &'static str,
        /// What the provider gave.
        shown: ProviderToken,
    },
    /// Nothing: a visitor.
    Guest {
        /// The application visited.
        project: ProjectRef,
        /// What the visitor says of itself.
        profile: Profile,
        /// What only one dialect knows, under its name.
        attributes: Map<String, Value>,
        /// Kind and name of what it wants to reach.
        target: Option<(String, String)>,
        /// How it is known again.
        ticket: Option<GuestTicket>,
    },
}

/// How a guest is known again: a secret, for a guest has nothing else that proves anything.
#[derive(Debug)]
pub enum GuestTicket {
    /// A new guest, who will show this; made by [`TokenKind::GuestTicket`].
    New(RawToken),
    /// The guest who was given this, and the session of that time.
    Known(RawToken),
}

/// Somebody who passed the gate.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// Who.
    pub identity: Arc<Identity>,
    /// What it is as an endpoint, if it is one.
    pub endpoint: Option<Arc<Endpoint>>,
    /// In which project.
    pub project: Arc<Project>,
    /// Through which application.
    pub application: Option<Arc<Application>>,
    /// The session, unless the credential is shown with each request.
    pub session: Option<Arc<Session>>,
    /// The API key, if it came by one.
    pub key: Option<CredentialId>,
    /// What it may do beyond its own data.
    pub scopes: ScopeSet,
}

impl Authenticated {
    /// Who asks, for operations on other people's data.
    pub fn caller(&self) -> Caller {
        Caller::Identity { identity: self.identity.id, project: self.project.id, scopes: self.scopes.clone() }
    }

    /// Proves that it may administer its project in this way. A key that is confined to one application may not, whatever
    /// its scopes.
    pub fn administers(&self, scope: Scope) -> Result<Permit, AuthError> {
        if self.session.is_none() && self.application.is_some() {
            return Err(AuthError::ApplicationMismatch);
        }
        self.caller().permit(scope, self.project.id)
    }

    /// How the audit log names it.
    pub fn actor(&self) -> Actor {
        Actor::Identity(self.identity.id)
    }

    /// Refuses everybody but an account that proved itself to us: guests and users of an issuer have none, and an issuer's
    /// word for an account counts in its own application only.
    pub fn require_account(&self) -> Result<(), AuthError> {
        if self.identity.kind != IdentityKind::Member {
            return Err(AuthError::Forbidden { needs: Scope::IdentitiesWrite });
        }
        self.refuse_vouched()
    }

    /// Refuses whoever proved who they are too long ago for what they want to do now. Who came without a session has proved
    /// it just now, unless by a key, which only proves that somebody has the key.
    pub(super) fn require_recent(&self, now: Timestamp) -> Result<(), AuthError> {
        match &self.session {
            Some(session) => live_token::require_recent(session.auth_time, now).map(drop),
            None if self.key.is_none() => Ok(()),
            None => Err(AuthError::StepUpRequired { acr: "recent" }),
        }
    }

    /// Refuses a member whom only an application's issuer vouched for: it speaks for them in its application, and their
    /// account is not its to change.
    pub(super) fn refuse_vouched(&self) -> Result<(), AuthError> {
        let vouched = self.session.as_ref().is_some_and(|session| session.confined);
        if vouched && self.identity.kind == IdentityKind::Member {
            return Err(AuthError::Forbidden { needs: Scope::IdentitiesWrite });
        }
        Ok(())
    }

    /// Judges standing: see [`admit`].
    pub(super) fn admit(&self, now: Timestamp) -> Result<(), AuthError> {
        admit(
            &self.project,
            self.application.as_deref(),
            Some(&self.identity),
            self.endpoint.as_deref(),
            self.session.as_deref(),
            now,
        )
    }
}

impl From<Standpoint> for Authenticated {
    fn from(standpoint: Standpoint) -> Self {
        Self {
            identity: Arc::new(standpoint.identity),
            endpoint: standpoint.endpoint.map(Arc::new),
            project: Arc::new(standpoint.project),
            application: standpoint.application.map(Arc::new),
            scopes: standpoint.session.scopes.clone(),
            session: Some(Arc::new(standpoint.session)),
            key: None,
        }
    }
}

/// The states that shut somebody out, whichever way they come: the only place that knows them.
pub(super) fn admit(
    project: &Project,
    application: Option<&Application>,
    identity: Option<&Identity>,
    endpoint: Option<&Endpoint>,
    session: Option<&Session>,
    now: Timestamp,
) -> Result<(), AuthError> {
    if project.disabled_at.is_some() {
        return Err(AuthError::Disabled(Noun::Project));
    }
    if application.is_some_and(|application| application.disabled_at.is_some()) {
        return Err(AuthError::Disabled(Noun::Application));
    }
    if identity.is_some_and(|identity| !identity.standing.is_active()) {
        return Err(AuthError::IdentitySuspended);
    }
    if endpoint.is_some_and(|endpoint| endpoint.group.disabled_at.is_some()) {
        return Err(AuthError::Disabled(Noun::EndpointGroup));
    }
    // An endpoint that nothing is known of has been deleted, or somebody forgot to ask.
    let unknown = endpoint.is_none() && identity.is_some_and(|identity| identity.kind == IdentityKind::Endpoint);
    if unknown || endpoint.is_some_and(|endpoint| endpoint.has_expired(now)) {
        return Err(AuthError::IdentitySuspended);
    }
    match session {
        Some(session) if session.revoked_at.is_some() => Err(AuthError::SessionRevoked),
        Some(session) if session.expires_at <= now => Err(AuthError::TokenExpired),
        _ => Ok(()),
    }
}

/// Whether the application lets people in this way.
pub(super) fn allow_way(application: Option<&Application>, way: WayIn) -> Result<(), AuthError> {
    match application {
        Some(application) if !application.settings.sign_in.contains(&way) => {
            Err(AuthError::NotSupported("this way to sign in"))
        }
        _ => Ok(()),
    }
}

/// Finds what a [`ProjectRef`] names. The short id of an application names it in every scheme.
pub(super) fn resolve(tx: &mut dyn Tx, reference: &ProjectRef) -> Result<(Project, Option<Application>), AuthError> {
    let home = match reference {
        ProjectRef::Id(id) => return Ok((tx.project(*id)?.ok_or(AuthError::NotFound(Noun::Project))?, None)),
        ProjectRef::Name(name) => {
            return Ok((tx.project_by_name(name)?.ok_or(AuthError::NotFound(Noun::Project))?, None));
        }
        ProjectRef::Application(id) => tx.home(*id)?,
        ProjectRef::Alias { scheme, value } => match tx.home_by_alias(scheme, value)? {
            None => match crate::ids::ApplicationId::from_short(value) {
                Some(id) => tx.home(id)?,
                None => None,
            },
            found => found,
        },
    };
    let (application, project) = home.ok_or(AuthError::NotFound(Noun::Application))?;
    Ok((project, Some(application)))
}

/// A judgement under way.
type Judging<'a> = Pin<Box<dyn Future<Output = Result<Authenticated, AuthError>> + Send + 'a>>;

impl Authority {
    /// Judges what somebody presents with a request. A guest starts a session; an assertion or a token of an identity
    /// provider does on first sight and is that session from then on; a password does not (see [`Authority::sign_in`]).
    pub async fn authenticate(&self, ctx: &Ctx, presented: PresentedCredential) -> Result<Authenticated, AuthError> {
        let refused_way = way_of(&presented);
        let outcome = match presented {
            // The most frequent by far: they do without what the others share.
            PresentedCredential::AccessToken(token) => self.by_access_token(ctx, &token).await,
            PresentedCredential::ApiKey(key) => self.by_api_key(ctx, &key).await,
            presented => self.judge(ctx, presented, false).await,
        };
        if let Err(refusal) = &outcome {
            tracing::debug!(code = refusal.code(), way = refused_way, dialect = ctx.dialect, "authentication refused");
        }
        outcome
    }

    /// Judges what somebody presents in order to sign in, and starts a session for it.
    pub async fn sign_in(&self, ctx: &Ctx, presented: PresentedCredential) -> Result<Authenticated, AuthError> {
        let way = Way::of(&presented);
        let outcome = self.judge(ctx, presented, true).await;
        self.tally.signed_in(ctx.now, way, &outcome);
        outcome
    }

    /// Boxed: what is compiled for all ways in is large, and would be compiled again wherever somebody is asked who they are.
    fn judge<'a>(&'a self, ctx: &'a Ctx, presented: PresentedCredential, start: bool) -> Judging<'a> {
        Box::pin(async move {
            self.require_contact()?;
            match presented {
                PresentedCredential::Password { project, identifier, password } => {
                    self.by_password(ctx, project, identifier, password, start).await
                }
                PresentedCredential::AccessToken(token) => self.by_access_token(ctx, &token).await,
                PresentedCredential::ApiKey(key) => self.by_api_key(ctx, &key).await,
                PresentedCredential::SocketTicket(ticket) => self.by_socket_ticket(ctx, &ticket).await,
                PresentedCredential::Assertion { project, jwt, profile, claimed } => {
                    self.by_assertion(ctx, project, jwt, profile, claimed).await
                }
                PresentedCredential::Digest { project, ha1b } => self.by_digest(ctx, project, &ha1b, start).await,
                PresentedCredential::Federated { project, provider, shown } => {
                    self.by_provider(ctx, project, provider, &shown, start).await
                }
                PresentedCredential::Guest { project, target, ticket: Some(GuestTicket::Known(ticket)), .. } => {
                    self.by_guest_ticket(ctx, project, target, &ticket).await
                }
                PresentedCredential::Guest { project, profile, attributes, target, ticket } => {
                    self.by_guest(ctx, project, profile, attributes, target, ticket).await
                }
            }
        })
    }

    async fn by_access_token(&self, ctx: &Ctx, token: &RawToken) -> Result<Authenticated, AuthError> {
        if let Some(checked) = self.checked_before(ctx, token)? {
            return Ok(Authenticated::clone(&*self.live_session(ctx, checked.session).await?));
        }
        let claims = self.check_access_token(ctx, token).await?;
        let live = self.live_session(ctx, claims.session).await?;
        self.check_shape(&live, &claims)?;
        self.verified.remember(token, claims);
        Ok(Authenticated::clone(&live))
    }

    async fn by_guest(
        &self,
        ctx: &Ctx,
        project: ProjectRef,
        profile: Profile,
        attributes: Map<String, Value>,
        target: Option<(String, String)>,
        ticket: Option<GuestTicket>,
    ) -> Result<Authenticated, AuthError> {
        let bearer = ticket.map(GuestTicket::digest).transpose()?;
        let id = IdentityId::mint(ctx.now, self.entropy.as_ref());
        let seed = self.session_seed(ctx, &["anon"]);
        let now = ctx.now;
        self.commit_again(ctx, Again::Adding, move |tx, log: &mut Log| {
            let (project, application) = resolve(tx, &project)?;
            admit(&project, application.as_ref(), None, None, None, now)?;
            allow_way(application.as_ref(), WayIn::Guest)?;
            let target = guest_target(tx, &project, target.as_ref())?;
            let guest = Identity {
                id,
                project: project.id,
                application: application.as_ref().map(|application| application.id),
                kind: IdentityKind::Guest,
                profile: profile.clone(),
                attributes: attributes.clone(),
                standing: Standing::default(),
                created_at: now,
                updated_at: now,
            };
            tx.insert_identity(&guest)?;
            let mut session = seed.session(&guest, &project, application.as_ref());
            session.target = target;
            if !start_session(tx, log, &session, bearer.as_ref())? {
                return Err(AuthError::Conflict(Noun::Session));
            }
            Ok(Authenticated {
                identity: Arc::new(guest),
                endpoint: None,
                key: None,
                scopes: ScopeSet::default(),
                session: Some(Arc::new(session)),
                project: Arc::new(project),
                application: application.map(Arc::new),
            })
        })
        .await
    }
}

impl Authority {
    /// The session of a guest who comes back with its ticket: in the same project, for the same target, or not at all.
    async fn by_guest_ticket(
        &self,
        ctx: &Ctx,
        project: ProjectRef,
        target: Option<(String, String)>,
        ticket: &RawToken,
    ) -> Result<Authenticated, AuthError> {
        refuse_other_kind(ticket, TokenKind::GuestTicket)?;
        let digest = ticket.digest();
        let (project, target, session) = self
            .store
            .read(move |tx| {
                let (project, _) = resolve(tx, &project)?;
                let target = guest_target(tx, &project, target.as_ref())?;
                let session = tx.session_by_bearer(&digest)?.ok_or(AuthError::NotFound(Noun::Session))?;
                Ok((project.id, target, session))
            })
            .await?;
        let known = self.live_session(ctx, session).await?;
        let same = known.session.as_ref().is_some_and(|session| session.target == target)
            && known.project.id == project
            && known.identity.kind == IdentityKind::Guest;
        if same { Ok(Authenticated::clone(&known)) } else { Err(AuthError::NotFound(Noun::Session)) }
    }
}

impl GuestTicket {
    /// What the session keeps of a new ticket; only what we made is random enough to be one.
    fn digest(self) -> Result<TokenDigest, AuthError> {
        let (Self::New(ticket) | Self::Known(ticket)) = self;
        match TokenKind::of(&ticket) {
            Some(TokenKind::GuestTicket) => Ok(ticket.digest()),
            _ => Err(TokenFault::Type.into()),
        }
    }
}

/// What a guest wants to reach, if the project has it.
fn guest_target(
    tx: &mut dyn Tx,
    project: &Project,
    target: Option<&(String, String)>,
) -> Result<Option<GuestTargetId>, AuthError> {
    let Some((kind, name)) = target else { return Ok(None) };
    let found = tx.guest_target(project.id, kind, name)?.ok_or(AuthError::NotFound(Noun::GuestTarget))?;
    Ok(Some(found.id))
}

/// A token of another kind is `token_type`; a key of unknown form may be a provisioned one and is looked up
/// (ATTACKS N19, N24).
pub(super) fn refuse_other_kind(token: &RawToken, wanted: TokenKind) -> Result<(), AuthError> {
    match TokenKind::of(token) {
        Some(kind) if kind != wanted => Err(TokenFault::Type.into()),
        _ => Ok(()),
    }
}

/// The name of a way in, for logs and metrics.
const fn way_of(presented: &PresentedCredential) -> &'static str {
    match presented {
        PresentedCredential::Password { .. } => "password",
        PresentedCredential::AccessToken(_) => "access_token",
        PresentedCredential::ApiKey(_) => "api_key",
        PresentedCredential::SocketTicket(_) => "socket_ticket",
        PresentedCredential::Assertion { .. } => "assertion",
        PresentedCredential::Digest { .. } => "digest",
        PresentedCredential::Federated { .. } => "federated",
        PresentedCredential::Guest { .. } => "guest",
    }
}

impl Log {
    /// Somebody's session began.
    pub(super) fn started(&mut self, session: &Session) {
        self.record(
            Audit::new(
                session.project,
                Actor::Identity(session.identity),
                "session.started",
                &format_args!("session:{}", session.id),
            )
            .with("amr", session.amr.clone()),
        );
    }
}
