//! Assertions that we sign in an application's stead, with the secret that it shares with its issuer: for its users, to be
//! shown to us or to whoever else has the secret.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use super::{
    Authenticated, Authority, IssuedToken, Log,
    assertions::{bearer_digest, issuer_context, named_id},
    authenticate::{admit, allow_way, resolve},
    sessions::{SessionSeed, start_session},
};
use crate::{
    application::{Application, WayIn},
    audit::Audit,
    caller::{Actor, Permit},
    context::Ctx,
    error::{AuthError, Noun, Rule},
    identity::IdentityKind,
    ids::{IdentityId, ProjectId, TokenId},
    issuer::{AssertionProfile, AudienceRule, ExpectedSub, TrustedIssuer},
    jose::{Signer, SigningKeyPair},
    project::ProjectRef,
    secret::{RawToken, TokenDigest},
    session::Session,
    store::Tx,
    time::Timestamp,
};

/// What an assertion is to say.
#[derive(Debug)]
pub struct AssertionRequest {
    /// The application it is for, by the name that it will carry.
    pub application: ProjectRef,
    /// How it looks.
    pub profile: &'static AssertionProfile,
    /// How long it lives; at most as long as the profile allows.
    pub lifetime: Duration,
}

/// An assertion on its way out.
struct Draft {
    application: Application,
    issuer: TrustedIssuer,
    claims: Map<String, Value>,
    token: RawToken,
    subject: String,
    expires_at: Timestamp,
}

impl Authority {
    /// Signs an assertion for the caller's own account. It stands for a session of its own, which ends with its secret, its
    /// application, its owner, or by itself.
    pub async fn issue_assertion(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        wanted: AssertionRequest,
    ) -> Result<IssuedToken, AuthError> {
        who.require_account()?;
        let draft = self.draft(ctx, who.project.id, wanted, who.identity.id.to_string()).await?;
        self.bind_assertion(ctx, draft, who.actor(), Some(who.identity.id)).await
    }

    /// Signs an assertion for anybody that the application may speak for, at the word of its back end.
    pub async fn issue_assertion_for(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        wanted: AssertionRequest,
        subject: String,
    ) -> Result<IssuedToken, AuthError> {
        if subject.is_empty() || subject.len() > 255 || wanted.profile.wildcard == Some(subject.as_str()) {
            return Err(AuthError::invalid("subject", Rule::Malformed));
        }
        let project = permit.project();
        let account = match named_id(&subject) {
            None => None,
            Some(id) => self.store.read(move |tx| Ok(tx.identity(id)?)).await?,
        };
        let account = account.filter(|found| found.project == project).map(|found| found.id);
        let draft = self.draft(ctx, project, wanted, subject).await?;
        self.bind_assertion(ctx, draft, permit.actor(), account).await
    }

    async fn draft(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        wanted: AssertionRequest,
        subject: String,
    ) -> Result<Draft, AuthError> {
        let AssertionRequest { application: reference, profile, lifetime } = wanted;
        let place = reference.clone();
        let (application, issuer) = self
            .store
            .read(move |tx| {
                let found = match resolve(tx, &place) {
                    Err(AuthError::NotFound(_)) => None,
                    found => found?.1,
                };
                let found = found.filter(|found| found.project == project).ok_or(AuthError::ApplicationMismatch)?;
                let issuer = tx.issuers(found.id)?.into_iter().find(|issuer| issuer.profile == profile.name);
                Ok((found, issuer.ok_or(AuthError::NotFound(Noun::Issuer))?))
            })
            .await?;
        let lifetime = profile.max_lifetime.map_or(lifetime, |most| lifetime.min(most));
        let expires_at = ctx.now + lifetime;
        let mut claims = Map::new();
        claims.insert("iat".to_owned(), ctx.now.seconds().into());
        claims.insert("exp".to_owned(), expires_at.seconds().into());
        claims.insert("jti".to_owned(), TokenId::mint(ctx.now, self.entropy.as_ref()).to_string().into());
        if let AudienceRule::Exactly(audience) = profile.audience {
            claims.insert("aud".to_owned(), audience.into());
        }
        match (profile.kinds.first(), reference) {
            (Some((ExpectedSub::ApplicationAlias(_), _)), ProjectRef::Alias { value, .. }) => {
                claims.insert("sub".to_owned(), value.into());
            }
            (Some((ExpectedSub::Is(text), _)), _) => {
                claims.insert("sub".to_owned(), (*text).into());
            }
            _ => {}
        }
        if let [first, rest @ ..] = profile.subject {
            let inner = rest.iter().rev().fold(json!(subject), |inner, name| json!({ *name: inner }));
            claims.insert((*first).to_owned(), inner);
        }
        let secret = self.sealer.open(&issuer.secret, &issuer_context(issuer.id))?;
        let alg = *profile.algs.first().ok_or(AuthError::NotSupported("assertions"))?;
        let pair = SigningKeyPair::from_bytes(alg, &secret).map_err(AuthError::from)?;
        let token = Signer::new(Arc::new(pair), None, "JWT")?.mint(&claims)?;
        // As its reader counts: in whole seconds.
        let expires_at = Timestamp::from_seconds(expires_at.seconds());
        Ok(Draft { application, issuer, claims, token, subject, expires_at })
    }

    /// Records an assertion. One for an account is that account's session from the start, or suspending it would not end it.
    async fn bind_assertion(
        &self,
        ctx: &Ctx,
        draft: Draft,
        actor: Actor,
        account: Option<IdentityId>,
    ) -> Result<IssuedToken, AuthError> {
        let seed = self.session_seed(ctx, &["jwt"]);
        let issued = IssuedToken { token: draft.token.clone(), expires_at: draft.expires_at };
        let bearer = bearer_digest(&draft.token, Some(&draft.subject));
        self.commit(ctx, move |tx, log| record(tx, log, &draft, actor, account, &seed, &bearer)).await?;
        Ok(issued)
    }
}

fn record(
    tx: &mut dyn Tx,
    log: &mut Log,
    draft: &Draft,
    actor: Actor,
    account: Option<IdentityId>,
    seed: &SessionSeed,
    bearer: &TokenDigest,
) -> Result<(), AuthError> {
    let (project, application) = resolve(tx, &ProjectRef::Application(draft.application.id))?;
    let application = application.ok_or(AuthError::NotFound(Noun::Application))?;
    admit(&project, Some(&application), None, None, None, seed.now())?;
    allow_way(Some(&application), WayIn::Assertion)?;
    if let Some(id) = account {
        let owner = tx.identity_to_change(id)?.filter(|found| found.kind == IdentityKind::Member);
        let owner = owner.ok_or(AuthError::NotFound(Noun::Identity))?;
        admit(&project, Some(&application), Some(&owner), None, None, seed.now())?;
        let session = Session {
            confined: true,
            issuer: Some(draft.issuer.id),
            claims: Some(draft.claims.clone()),
            expires_at: draft.expires_at,
            ..seed.session(&owner, &project, Some(&application))
        };
        if !start_session(tx, log, &session, Some(bearer))? {
            return Err(AuthError::Conflict(Noun::Session));
        }
    }
    // Trust may have ended while the assertion was being signed.
    if tx.issuers(application.id)?.iter().all(|issuer| issuer.id != draft.issuer.id) {
        return Err(AuthError::NotFound(Noun::Issuer));
    }
    log.record(Audit::new(project.id, actor, "assertion.issued", &format_args!("application:{}", application.id)));
    Ok(())
}
