//! Assertions: tokens that a trusted issuer of an application signed (RFC 7523), judged by a profile.
//!
//! The token itself stays the credential of the session it starts: shown again it is the same session, so that revoking the
//! session ends the token, and a session lasts as long as its assertion. Where a request says beside the token whom it
//! claims to be, the two together are the credential.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Authenticated, Authority, Log,
    authenticate::{admit, allow_way, resolve},
    roles::add_with_place,
    sessions::{SessionSeed, start_session},
};
use crate::{
    application::{Application, WayIn},
    caller::ScopeSet,
    context::Ctx,
    error::{AuthError, Noun, Rule, TokenFault},
    identity::{HeldIdentifier, Identifier, Identity, IdentityKind, Profile, Standing},
    ids::{ApplicationId, IdentityId, IssuerId, MembershipId, SessionId},
    issuer::{AssertedKind, AssertionProfile, AudienceRule, ExpectedSub, TrustedIssuer, issuer_key},
    jose::{Claims, Unverified, Validity},
    membership::Membership,
    project::{Project, ProjectRef},
    secret::{RawToken, TokenDigest, TokenKind},
    session::Session,
    store::{Again, Tx},
    time::Timestamp,
};

/// The end of a session whose credential has none: it must stay known as long as the credential could be shown again.
pub(super) const NEVER: Timestamp = Timestamp::from_seconds(253_402_300_799);

/// An assertion whose signature and claims were checked, and nothing else yet.
struct Verified {
    issuer: IssuerId,
    claims: Claims,
    kind: AssertedKind,
    subject: String,
    expires_at: Timestamp,
}

impl Authority {
    pub(super) async fn by_assertion(
        &self,
        ctx: &Ctx,
        reference: ProjectRef,
        jwt: RawToken,
        profile: &'static AssertionProfile,
        claimed: Option<String>,
    ) -> Result<Authenticated, AuthError> {
        if TokenKind::of(&jwt).is_some() {
            return Err(TokenFault::Type.into());
        }
        let bearer = bearer_digest(&jwt, claimed.as_deref());
        // Twice: two requests may bring the same new assertion, or the same new subject. The one that loses begins anew and
        // finds what the other made.
        for _ in 0..2 {
            let trust = match self.seen(&bearer, &reference).await? {
                Seen::Before(session, application) => return self.session_again(ctx, session, application).await,
                Seen::Never(trust) => *trust,
            };
            match self.begin_asserted(ctx, trust, &jwt, profile, claimed.as_deref(), &bearer).await {
                Err(AuthError::Conflict(Noun::Session)) => {}
                outcome => return outcome,
            }
        }
        Err(AuthError::Unavailable { what: "the store", source: "an assertion raced with others, twice".into() })
    }

    /// Starts the session of an assertion that was not seen before.
    async fn begin_asserted(
        &self,
        ctx: &Ctx,
        trust: Result<Trust, AuthError>,
        jwt: &RawToken,
        profile: &'static AssertionProfile,
        claimed: Option<&str>,
        bearer: &TokenDigest,
    ) -> Result<Authenticated, AuthError> {
        let unverified = Unverified::parse(jwt.expose())?;
        let (application, issuers, aliases) = *trust?;
        let (issuer, claims) = self.verify_with_any(unverified, &issuers, profile)?;
        let mut verified = judge_claims(ctx, profile, application.id, &aliases, issuer, claims)?;
        verified.subject = spoken_of(profile, &application, verified.subject, claimed)?;
        let seed = self.session_seed(ctx, &["jwt"]);
        let ids = FreshIds {
            identity: IdentityId::mint(ctx.now, self.entropy.as_ref()),
            membership: MembershipId::mint(ctx.now, self.entropy.as_ref()),
        };
        let digest = bearer.clone();
        self.commit_again(ctx, Again::Possible, move |tx, log| {
            admit_asserted(tx, log, &application, &verified, profile, &seed, ids, &digest)
        })
        .await
    }

    /// The session that this very token started, or what there is to judge it by: one look, for most were never seen before.
    async fn seen(&self, bearer: &TokenDigest, reference: &ProjectRef) -> Result<Seen, AuthError> {
        let (digest, reference) = (bearer.clone(), reference.clone());
        self.store
            .read(move |tx| {
                if let Some(session) = tx.session_by_bearer(&digest)? {
                    let (_, application) = resolve(tx, &reference)?;
                    return Ok(Seen::Before(session, application.map(|application| application.id)));
                }
                Ok(Seen::Never(Box::new(trust_of(tx, &reference))))
            })
            .await
    }

    /// The session that a token started before, shown in the application that `application` is.
    async fn session_again(
        &self,
        ctx: &Ctx,
        id: SessionId,
        application: Option<ApplicationId>,
    ) -> Result<Authenticated, AuthError> {
        let live = self.live_session(ctx, id).await?;
        if live.application.as_ref().map(|own| own.id) != application {
            return Err(TokenFault::Audience.into());
        }
        Ok(Authenticated::clone(&live))
    }

    /// The issuer of this profile that signed, and what it says. Several may be trusted at once.
    pub(super) fn verify_with_any(
        &self,
        unverified: Unverified<'_>,
        issuers: &[TrustedIssuer],
        profile: &AssertionProfile,
    ) -> Result<(IssuerId, Claims), AuthError> {
        let alg = unverified.header().alg;
        if !profile.algs.contains(&alg) {
            return Err(TokenFault::Algorithm.into());
        }
        // Without an issuer nobody could have signed it for this application.
        let mut refusal = TokenFault::Key;
        for issuer in issuers.iter().filter(|issuer| issuer.profile == profile.name) {
            let secret = self.sealer.open(&issuer.secret, &issuer_context(issuer.id))?;
            // Of another kind than this token was signed with.
            let Ok(key) = issuer_key(alg, &secret) else {
                refusal = TokenFault::Algorithm;
                continue;
            };
            match unverified.verify_payload(&key) {
                Ok(_) => return Ok((issuer.id, unverified.verify(&key)?)),
                Err(fault) => refusal = fault,
            }
        }
        Err(refusal.into())
    }
}

/// The application, the issuers it trusts, and its names.
type Trust = Box<(Application, Vec<TrustedIssuer>, Vec<crate::application::Alias>)>;

/// Whether a token was shown before.
enum Seen {
    /// It started this session, and is shown in this application.
    Before(SessionId, Option<ApplicationId>),
    /// It was not; a refusal comes after those of the token's form.
    Never(Box<Result<Trust, AuthError>>),
}

fn trust_of(tx: &mut dyn Tx, reference: &ProjectRef) -> Result<Trust, AuthError> {
    let (_, application) = resolve(tx, reference)?;
    let application = application.ok_or(AuthError::NotFound(Noun::Application))?;
    let issuers = tx.issuers(application.id)?;
    let mut aliases = tx.aliases(application.id)?;
    aliases.push(crate::application::Alias { scheme: String::new(), value: application.id.short() });
    Ok(Box::new((application, issuers, aliases)))
}

/// The context that a trusted issuer's secret is sealed with.
pub(super) fn issuer_context(id: IssuerId) -> String {
    format!("trusted_issuer:{id}")
}

fn judge_claims(
    ctx: &Ctx,
    profile: &AssertionProfile,
    application: ApplicationId,
    aliases: &[crate::application::Alias],
    issuer: IssuerId,
    claims: Claims,
) -> Result<Verified, AuthError> {
    claims.check_times(&Validity {
        require_exp: profile.exp_required,
        max_lifetime: profile.max_lifetime,
        ..Validity::at(ctx.now)
    })?;
    let names = |scheme: &str, value: &str| {
        aliases.iter().any(|alias| (alias.scheme == scheme || alias.scheme.is_empty()) && alias.value == value)
    };
    let audience = claims.audience()?;
    let addressed = match (profile.audience, &audience[..]) {
        (AudienceRule::UrlPath { segment, scheme }, [only]) => {
            path_names(only, segment).is_some_and(|value| names(scheme, value))
        }
        (AudienceRule::Exactly(text), [only]) => *only == text,
        (AudienceRule::Application, [only]) => *only == application.to_string(),
        _ => false,
    };
    if !addressed {
        return Err(TokenFault::Audience.into());
    }
    let sub = claims.string("sub")?;
    let kind = profile
        .kinds
        .iter()
        .find(|(expected, _)| match (expected, sub) {
            (ExpectedSub::Is(text), Some(sub)) => sub == *text,
            (ExpectedSub::Absent, None) | (ExpectedSub::Any, Some(_)) => true,
            (ExpectedSub::ApplicationAlias(scheme), Some(sub)) => names(scheme, sub),
            _ => false,
        })
        .map(|(_, kind)| *kind)
        .ok_or(TokenFault::Type)?;
    let [first, rest @ ..] = profile.subject else { return Err(TokenFault::Claims.into()) };
    let found = rest.iter().fold(claims.get(first), |found, name| found.and_then(|inner| inner.get(name)));
    let subject = match found {
        Some(Value::String(text)) if is_subject(text) => text.clone(),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        _ => return Err(TokenFault::Claims.into()),
    };
    let expires_at = claims.time("exp")?.unwrap_or(NEVER);
    Ok(Verified { issuer, claims, kind, subject, expires_at })
}

/// Whom a token speaks of: its subject, which must be whom the request claims to be, or that claim alone for a token that
/// leaves the subject open.
fn spoken_of(
    profile: &AssertionProfile,
    application: &Application,
    subject: String,
    claimed: Option<&str>,
) -> Result<String, AuthError> {
    if profile.wildcard == Some(subject.as_str()) {
        let claimed = claimed.filter(|name| application.settings.assertion_wildcard && is_subject(name));
        return claimed.map(str::to_owned).ok_or_else(|| TokenFault::Claims.into());
    }
    if claimed.is_some_and(|claimed| claimed != subject) {
        return Err(TokenFault::Claims.into());
    }
    Ok(subject)
}

fn is_subject(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255
}

/// What the store keeps of a token and of whom its bearer claims to be. A token has no NUL.
pub(super) fn bearer_digest(jwt: &RawToken, claimed: Option<&str>) -> TokenDigest {
    match claimed {
        None => jwt.digest(),
        Some(claimed) => TokenDigest::of([jwt.expose(), "\0", claimed].concat().as_bytes()),
    }
}

/// The second segment of a URL's path when the first is `segment`; what stands before the path is not looked at.
pub fn path_names<'a>(url: &'a str, segment: &str) -> Option<&'a str> {
    let (_, after_scheme) = url.split_once("://")?;
    let (_, path) = after_scheme.split_once('/')?;
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut segments = path.split('/');
    (segments.next()? == segment).then_some(())?;
    segments.next().filter(|name| !name.is_empty())
}

#[derive(Clone, Copy)]
struct FreshIds {
    identity: IdentityId,
    membership: MembershipId,
}

#[expect(clippy::too_many_arguments, reason = "everything the transaction needs was made before it")]
fn admit_asserted(
    tx: &mut dyn Tx,
    log: &mut Log,
    application: &Application,
    verified: &Verified,
    profile: &AssertionProfile,
    seed: &SessionSeed,
    ids: FreshIds,
    bearer: &TokenDigest,
) -> Result<Authenticated, AuthError> {
    let (project, application) = resolve(tx, &ProjectRef::Application(application.id))?;
    let application = application.ok_or(AuthError::NotFound(Noun::Application))?;
    admit(&project, Some(&application), None, None, None, seed.now())?;
    allow_way(Some(&application), WayIn::Assertion)?;
    let asserted = Asserted { project: &project, application: &application, verified, profile, now: seed.now() };
    let identity = match verified.kind {
        AssertedKind::Member => asserted.member(tx)?,
        AssertedKind::Either if asserted.names_account(tx)? => asserted.member(tx)?,
        AssertedKind::Either | AssertedKind::External => asserted.external(tx, ids)?,
    };
    admit(&project, Some(&application), Some(&identity), None, None, seed.now())?;
    let session = Session {
        confined: true,
        issuer: Some(verified.issuer),
        claims: Some(verified.claims.clone().into_map()),
        expires_at: verified.expires_at,
        ..seed.session(&identity, &project, Some(&application))
    };
    if !start_session(tx, log, &session, Some(bearer))? {
        return Err(AuthError::Conflict(Noun::Session));
    }
    // Trust may have ended while the signature was being verified. Looked at last: from the session's row on, ending it
    // waits for us and then ends this session too.
    if tx.issuers(application.id)?.iter().all(|issuer| issuer.id != verified.issuer) {
        return Err(TokenFault::Key.into());
    }
    Ok(Authenticated {
        identity: Arc::new(identity),
        endpoint: None,
        project: Arc::new(project),
        application: Some(Arc::new(application)),
        session: Some(Arc::new(session)),
        key: None,
        scopes: ScopeSet::default(),
    })
}

/// The id that a name of somebody is, in either of its forms.
pub(super) fn named_id(name: &str) -> Option<IdentityId> {
    IdentityId::from_short(name).or_else(|| name.parse().ok())
}

/// Finds or makes whom an assertion speaks of.
struct Asserted<'a> {
    project: &'a Project,
    application: &'a Application,
    verified: &'a Verified,
    profile: &'a AssertionProfile,
    now: Timestamp,
}

impl Asserted<'_> {
    /// Whether the subject is the id of somebody in this project who is not merely such a subject.
    fn names_account(&self, tx: &mut dyn Tx) -> Result<bool, AuthError> {
        match named_id(&self.verified.subject) {
            Some(id) => Ok(tx.identity(id)?.is_some_and(|found| found.project == self.project.id)),
            None => Ok(false),
        }
    }

    /// An account of ours, which an issuer may speak for only where the account is a member.
    fn member(&self, tx: &mut dyn Tx) -> Result<Identity, AuthError> {
        let id = named_id(&self.verified.subject).ok_or(TokenFault::Claims)?;
        let identity = tx.identity(id)?.filter(|found| found.kind == IdentityKind::Member);
        let identity = identity.filter(|found| found.project == self.project.id).ok_or(TokenFault::Claims)?;
        match tx.membership(self.application.id, id)? {
            Some(membership) if membership.disabled_at.is_none() => Ok(identity),
            _ => Err(TokenFault::Claims.into()),
        }
    }

    /// A user of the issuer's own system, or the account that a claimed role needs.
    fn external(&self, tx: &mut dyn Tx, ids: FreshIds) -> Result<Identity, AuthError> {
        let role = self.claimed_role()?;
        let (identifier, kind) = if self.profile.account_roles.contains(&role.as_str()) {
            let address = self.claim(self.profile.profile_claims.email);
            let address = address.ok_or(AuthError::invalid("email", Rule::Required))?;
            if !crate::identity::is_email(&address) {
                return Err(AuthError::invalid("email", Rule::Malformed));
            }
            (Identifier::email(&address), IdentityKind::Member)
        } else {
            (Identifier::asserted(self.application.id, &self.verified.subject), IdentityKind::External)
        };
        if let Some((identity, _)) = tx.identity_by_identifier(self.project.id, &identifier)? {
            return self.returning(tx, identity);
        }
        let identity = self.new_identity(ids.identity, kind);
        let place = Membership {
            id: ids.membership,
            project: self.project.id,
            application: self.application.id,
            identity: identity.id,
            role,
            attributes: Map::new(),
            disabled_at: None,
            created_by: identity.id,
            created_at: self.now,
            updated_at: self.now,
        };
        add_with_place(tx, &identity, &place)?;
        // The address is what the issuer says; nobody has proved it.
        if !tx.add_identifier(&identity, &HeldIdentifier { identifier, verified_at: None })? {
            return Err(AuthError::Conflict(Noun::Session));
        }
        Ok(identity)
    }

    /// Somebody we know comes back: as what they are here already, whatever role is claimed now.
    fn returning(&self, tx: &mut dyn Tx, identity: Identity) -> Result<Identity, AuthError> {
        match tx.membership(self.application.id, identity.id)? {
            Some(membership) if membership.disabled_at.is_some() => Err(AuthError::Disabled(Noun::Membership)),
            Some(_) => Ok(identity),
            // An account that has nothing to do with this application: its issuer does not speak for it.
            None => Err(AuthError::Conflict(Noun::Identity)),
        }
    }

    fn claimed_role(&self) -> Result<String, AuthError> {
        let Some(role) = self.profile.role.and_then(|claim| self.claim(claim)) else {
            return Ok(self.profile.default_role.to_owned());
        };
        let listed = |roles: &std::collections::BTreeSet<String>| roles.contains(&role);
        if self.application.settings.assertion_roles.as_ref().is_some_and(|roles| !listed(roles)) {
            return Err(AuthError::Forbidden { needs: crate::caller::Scope::IdentitiesWrite });
        }
        Ok(role)
    }

    fn claim(&self, name: &str) -> Option<String> {
        self.verified.claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn new_identity(&self, id: IdentityId, kind: IdentityKind) -> Identity {
        let names = self.profile.profile_claims;
        Identity {
            id,
            project: self.project.id,
            application: (kind == IdentityKind::External).then_some(self.application.id),
            kind,
            profile: Profile {
                given_name: self.claim(names.given_name),
                family_name: self.claim(names.family_name),
                ..Profile::default()
            },
            attributes: Map::new(),
            standing: Standing::default(),
            created_at: self.now,
            updated_at: self.now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::path_names;

    #[test]
    fn an_audience_names_by_its_path_alone() {
        assert_eq!(path_names("https://any.example/projects/abc", "projects"), Some("abc"));
        assert_eq!(path_names("https://any.example/projects/abc/more?x#y", "projects"), Some("abc"));
        for other in
            ["projects/abc", "https://any.example", "https://any.example/projects/", "https://any.example/bots/abc"]
        {
            assert_eq!(path_names(other, "projects"), None, "{other}");
        }
    }
}
