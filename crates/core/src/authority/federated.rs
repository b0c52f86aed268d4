//! Sign-in by an identity provider's token.
//!
//! People are known again by the provider's name for them, never by their address. An account that exists is joined only by an
//! address that both sides have verified; else whoever has the address signs in the way they do and nothing is joined
//! (ATTACKS N83).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Authenticated, Authority, Log,
    assertions::NEVER,
    authenticate::{admit, allow_way, resolve},
    memberships::accept_invitations,
    sessions::{SessionSeed, start_session},
};
use crate::{
    application::WayIn,
    audit::Audit,
    caller::{Actor, ScopeSet},
    context::Ctx,
    error::{AuthError, Noun, TokenFault},
    federation::{FederatedSubject, ProviderSettings, ProviderToken, Providers},
    identity::{HeldIdentifier, Identifier, Identity, IdentityKind, Profile, Standing, is_email},
    ids::{IdentityId, MembershipId, ProjectId, SessionId},
    mail::Message,
    project::{Project, ProjectRef},
    secret::TokenDigest,
    store::Tx,
};

impl Authority {
    /// The same authority with these identity providers.
    #[must_use]
    pub fn with_providers(self, providers: Providers) -> Self {
        Self { providers, ..self }
    }

    /// Judges a provider's token. To sign in is to start a session of our own, which the token has no part in afterwards;
    /// shown with a request, the token is the credential of the session it starts on first sight, like an assertion.
    pub(super) async fn by_provider(
        &self,
        ctx: &Ctx,
        reference: ProjectRef,
        name: &'static str,
        shown: &ProviderToken,
        start: bool,
    ) -> Result<Authenticated, AuthError> {
        let spot = self.spot(ctx, &reference, name, shown).await?;
        let provider = self.providers.get(name).ok_or(AuthError::NotSupported("this identity provider"))?;
        if let (Some(session), false) = (spot.session, start)
            && self.verdicts.stands(&spot.verdict, ctx.now)
        {
            return Ok(Authenticated::clone(&*self.live_session(ctx, session).await?));
        }
        let settings = spot.settings.clone().opened(spot.project, &self.sealer)?;
        let known = provider.judge(settings.get(name).unwrap_or(&Value::Null), shown, ctx.now).await?;
        if known.subject.is_empty() || known.subject.len() > 255 {
            return Err(TokenFault::Claims.into());
        }
        if known.expires_at.is_some_and(|ends| ends <= ctx.now) {
            return Err(AuthError::TokenExpired);
        }
        if start {
            return self.begin_federated(ctx, &reference, name, &known, None).await;
        }
        let (verdict, ends) = (spot.verdict.clone(), known.expires_at);
        let who = match spot.session {
            Some(session) => Authenticated::clone(&*self.live_session(ctx, session).await?),
            None => self.begin_federated(ctx, &reference, name, &known, Some(spot)).await?,
        };
        self.verdicts.remember(verdict, ctx.now, ends);
        Ok(who)
    }

    /// What the project says of the provider, and what is known of the token here. There is nobody to ask where the way is
    /// shut or the project does not name the provider.
    async fn spot(
        &self,
        ctx: &Ctx,
        reference: &ProjectRef,
        name: &'static str,
        shown: &ProviderToken,
    ) -> Result<Spot, AuthError> {
        let (now, reference) = (ctx.now, reference.clone());
        let token = shown.token.digest();
        let nonce = shown.nonce.as_ref().map_or_else(String::new, |nonce| digest(&[nonce]).as_str().to_owned());
        self.store
            .read(move |tx| {
                let (project, application) = resolve(tx, &reference)?;
                admit(&project, application.as_ref(), None, None, None, now)?;
                allow_way(application.as_ref(), WayIn::Federated)?;
                let settings = project.policy.federation.only(name);
                let settings = settings.ok_or(AuthError::NotSupported("this identity provider"))?;
                let said = settings.get(name).map(Value::to_string).unwrap_or_default();
                // A token may be good in several places, and is another session in each.
                let place =
                    application.map_or_else(|| project.id.to_string(), |application| application.id.to_string());
                let bearer = digest(&["federated", &place, name, token.as_str()]);
                let verdict = digest(&[bearer.as_str(), &nonce, &said]);
                let session = tx.session_by_bearer(&bearer)?;
                Ok(Spot { project: project.id, settings, bearer, session, verdict })
            })
            .await
    }

    /// Starts a session for whom the provider named: a new one, or the one that the token at `spot` is from now on.
    async fn begin_federated(
        &self,
        ctx: &Ctx,
        reference: &ProjectRef,
        name: &'static str,
        known: &FederatedSubject,
        spot: Option<Spot>,
    ) -> Result<Authenticated, AuthError> {
        let bearer = spot.map(|spot| spot.bearer);
        // Twice: two requests may bring the same new person or token, and the one that loses finds what the other made.
        for _ in 0..2 {
            match self.admit_federated(ctx, reference.clone(), name, known.clone(), bearer.clone()).await {
                Err(AuthError::Conflict(Noun::Session)) => {}
                outcome => return outcome,
            }
            let Some(bearer) = bearer.clone() else { continue };
            if let Some(session) = self.store.read(move |tx| Ok(tx.session_by_bearer(&bearer)?)).await? {
                return Ok(Authenticated::clone(&*self.live_session(ctx, session).await?));
            }
        }
        Err(AuthError::Unavailable { what: "the store", source: "a first sign-in raced with others, twice".into() })
    }

    async fn admit_federated(
        &self,
        ctx: &Ctx,
        reference: ProjectRef,
        name: &'static str,
        known: FederatedSubject,
        bearer: Option<TokenDigest>,
    ) -> Result<Authenticated, AuthError> {
        let seed = self.session_seed(ctx, &["fed"]);
        let (fresh, entropy) = (IdentityId::mint(ctx.now, self.entropy.as_ref()), Arc::clone(&self.entropy));
        let language = ctx.language.clone();
        let (who, linked) = self
            .commit(ctx, move |tx, log| {
                let (project, application) = resolve(tx, &reference)?;
                admit(&project, application.as_ref(), None, None, None, seed.now())?;
                allow_way(application.as_ref(), WayIn::Federated)?;
                let own = Identifier::federated(name, &known.subject);
                let known_again = tx.identity_by_identifier(project.id, &own)?;
                let first = known_again.is_none();
                let identity = if let Some((identity, _)) = known_again {
                    identity
                } else {
                    let visit = FirstVisit { project: &project, own, known: &known, seed: &seed, language };
                    visit.admit(tx, log, fresh, || MembershipId::mint(seed.now(), entropy.as_ref()))?
                };
                let linked = first && identity.id != fresh;
                admit(&project, application.as_ref(), Some(&identity), None, None, seed.now())?;
                let mut session = seed.session(&identity, &project, application.as_ref());
                session.auth_time = known.issued_at.map_or(seed.now(), |issued| issued.min(seed.now()));
                if bearer.is_some() {
                    session.expires_at = known.expires_at.unwrap_or(NEVER);
                }
                if !start_session(tx, log, &session, bearer.as_ref())? {
                    return Err(AuthError::Conflict(Noun::Session));
                }
                let who = Authenticated {
                    identity: Arc::new(identity),
                    endpoint: None,
                    project: Arc::new(project),
                    application: application.map(Arc::new),
                    session: Some(Arc::new(session)),
                    key: None,
                    scopes: ScopeSet::default(),
                };
                Ok((who, linked))
            })
            .await?;
        if linked {
            self.tell_owner(ctx, who.project.id, who.identity.id, Message::ProviderLinked { provider: name }).await;
        }
        Ok(who)
    }
}

/// Where a token is shown.
struct Spot {
    /// In which project.
    project: ProjectId,
    /// What it says of the provider, sealed.
    settings: ProviderSettings,
    /// What the session of the token is found by.
    bearer: TokenDigest,
    /// The session that the token started here, if it was seen before.
    session: Option<SessionId>,
    /// What a verdict of the provider is remembered by: under other settings or with another nonce there is none.
    verdict: TokenDigest,
}

/// A digest of several texts, of which only the last may hold a line break.
fn digest(parts: &[&str]) -> TokenDigest {
    TokenDigest::of(parts.join("\n").as_bytes())
}

/// Somebody whom the provider names for the first time.
struct FirstVisit<'a> {
    project: &'a Project,
    own: Identifier,
    known: &'a FederatedSubject,
    seed: &'a SessionSeed,
    language: Option<String>,
}

impl FirstVisit<'_> {
    /// Who they are from now on. Invitations of an address that the provider answers for become memberships.
    fn admit(
        &self,
        tx: &mut dyn Tx,
        log: &mut Log,
        fresh: IdentityId,
        membership: impl FnMut() -> MembershipId,
    ) -> Result<Identity, AuthError> {
        let identity = self.join_or_make(tx, log, fresh)?;
        if let (true, Some(address)) = (identity.id == fresh, self.proved_address()) {
            accept_invitations(tx, log, &identity, &address, membership, self.seed.now())?;
        }
        Ok(identity)
    }

    fn address(&self) -> Option<Identifier> {
        self.known.email.as_deref().filter(|address| is_email(address.trim())).map(Identifier::email)
    }

    /// The address, if the provider answers for it.
    fn proved_address(&self) -> Option<Identifier> {
        self.address().filter(|_| self.known.email_verified)
    }

    /// The account of the same address if both sides have verified it, else a new one.
    fn join_or_make(&self, tx: &mut dyn Tx, log: &mut Log, fresh: IdentityId) -> Result<Identity, AuthError> {
        let taken = match self.address() {
            Some(address) => tx.identity_by_identifier(self.project.id, &address)?,
            None => None,
        };
        let (identity, action) = match taken {
            Some((identity, Some(_))) if self.known.email_verified => (identity, "identity.linked"),
            Some(_) => return Err(AuthError::Conflict(Noun::Identity)),
            None => (self.make(tx, fresh)?, "identity.registered"),
        };
        let held = HeldIdentifier { identifier: self.own.clone(), verified_at: Some(self.seed.now()) };
        if !tx.add_identifier(&identity, &held)? {
            return Err(AuthError::Conflict(Noun::Session));
        }
        let subject = format!("identity:{}", identity.id);
        log.record(Audit::new(self.project.id, Actor::Identity(identity.id), action, &subject));
        Ok(identity)
    }

    fn make(&self, tx: &mut dyn Tx, id: IdentityId) -> Result<Identity, AuthError> {
        let now = self.seed.now();
        let identity = Identity {
            id,
            project: self.project.id,
            application: None,
            kind: IdentityKind::Member,
            profile: Profile {
                locale: self.known.profile.locale.clone().or_else(|| self.language.clone()),
                ..self.known.profile.clone()
            },
            attributes: Map::new(),
            standing: Standing::default(),
            created_at: now,
            updated_at: now,
        };
        tx.insert_identity(&identity)?;
        if let Some(identifier) = self.address() {
            let verified_at = self.known.email_verified.then_some(now);
            if !tx.add_identifier(&identity, &HeldIdentifier { identifier, verified_at })? {
                return Err(AuthError::Conflict(Noun::Session));
            }
        }
        Ok(identity)
    }
}
