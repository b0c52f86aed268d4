//! Trusted issuers: whose signatures an application takes, and with which secrets.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{Authenticated, Authority, Log, RoleNeeded, assertions::issuer_context};
use crate::{
    audit::Audit,
    caller::{Actor, Permit},
    context::Ctx,
    entropy::random,
    error::{AuthError, Noun, Rule},
    ids::{ApplicationId, IssuerId, ProjectId},
    issuer::{AssertionProfile, TrustedIssuer, check_issuer_secret},
    project::ProjectRef,
    secret::RawToken,
    session::SessionsOf,
    store::Tx,
};

impl Authority {
    /// Has an application trust a signer. Without a `secret` one is made: 32 random bytes as base64url.
    pub async fn trust_issuer(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        application: ApplicationId,
        profile: &str,
        secret: Option<RawToken>,
    ) -> Result<RawToken, AuthError> {
        let profile = self.profile(profile)?;
        let secret = secret.unwrap_or_else(|| self.fresh_issuer_secret());
        let issuer = self.fresh_issuer(ctx, permit.project(), application, profile, &secret)?;
        let permit = permit.clone();
        self.commit(ctx, move |tx, log| put_issuer(tx, log, &issuer, permit.actor())).await?;
        Ok(secret)
    }

    /// Has an application trust one new signer of this profile and no other: what the old secrets signed ends now.
    pub async fn replace_issuers(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        application: ProjectRef,
        needed: RoleNeeded,
        profile: &'static AssertionProfile,
    ) -> Result<RawToken, AuthError> {
        let (permit, application, _) = self.permit_in(who, application, needed).await?;
        let secret = self.fresh_issuer_secret();
        let issuer = self.fresh_issuer(ctx, permit.project(), application.id, profile, &secret)?;
        let now = ctx.now;
        self.commit(ctx, move |tx, log| {
            for old in tx.issuers(issuer.application)? {
                if old.profile == issuer.profile {
                    end_issuer(tx, log, &old, permit.actor(), now)?;
                }
            }
            put_issuer(tx, log, &issuer, permit.actor())
        })
        .await?;
        Ok(secret)
    }

    /// The issuers that an application of the permit's project trusts.
    pub async fn issuers(&self, permit: &Permit, application: ApplicationId) -> Result<Vec<TrustedIssuer>, AuthError> {
        let project = permit.project();
        self.store
            .read(move |tx| {
                let found = tx.application(application)?.filter(|found| found.project == project);
                Ok(tx.issuers(found.ok_or(AuthError::NotFound(Noun::Application))?.id)?)
            })
            .await
    }

    /// Ends the trust of an application in a signer: what it signed ends now.
    pub async fn revoke_issuer(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        application: ApplicationId,
        id: IssuerId,
    ) -> Result<(), AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let trusted = tx.issuers(application)?.into_iter();
            let issuer = trusted.filter(|issuer| issuer.project == permit.project()).find(|issuer| issuer.id == id);
            end_issuer(tx, log, &issuer.ok_or(AuthError::NotFound(Noun::Issuer))?, permit.actor(), now)
        })
        .await
    }

    /// Whether an application trusts exactly this secret for this profile.
    pub async fn trusts(
        &self,
        permit: &Permit,
        application: ApplicationId,
        profile: &str,
        secret: &RawToken,
    ) -> Result<bool, AuthError> {
        Ok(self.issuer_with(permit, application, profile, secret).await?.is_some())
    }

    /// The trusted issuer of an application that signs by this profile with exactly this secret.
    pub async fn issuer_with(
        &self,
        permit: &Permit,
        application: ApplicationId,
        profile: &str,
        secret: &RawToken,
    ) -> Result<Option<IssuerId>, AuthError> {
        for issuer in self.issuers(permit, application).await? {
            let kept = self.sealer.open(&issuer.secret, &issuer_context(issuer.id))?;
            if issuer.profile == profile && TokenEq::same(&kept, secret.expose().as_bytes()) {
                return Ok(Some(issuer.id));
            }
        }
        Ok(None)
    }

    /// Verifies a token of an application's own issuer without anybody signing in by it, for tools that show its claims.
    pub async fn decode_assertion(
        &self,
        ctx: &Ctx,
        application: ApplicationId,
        profile: &'static AssertionProfile,
        jwt: &RawToken,
    ) -> Result<Map<String, Value>, AuthError> {
        let issuers = self.store.read(move |tx| Ok(tx.issuers(application)?)).await?;
        if issuers.iter().all(|issuer| issuer.profile != profile.name) {
            return Err(AuthError::NotFound(Noun::Issuer));
        }
        let unverified = crate::jose::Unverified::parse(jwt.expose())?;
        let (_, claims) = self.verify_with_any(unverified, &issuers, profile)?;
        claims.check_times(&crate::jose::Validity {
            require_exp: profile.exp_required,
            max_lifetime: profile.max_lifetime,
            ..crate::jose::Validity::at(ctx.now)
        })?;
        Ok(claims.into_map())
    }

    fn profile(&self, name: &str) -> Result<&'static AssertionProfile, AuthError> {
        let found = self.profiles.iter().copied().find(|profile| profile.name == name);
        found.ok_or(AuthError::invalid("profile", Rule::Malformed))
    }

    fn fresh_issuer_secret(&self) -> RawToken {
        RawToken::new(URL_SAFE_NO_PAD.encode(random::<32>(self.entropy.as_ref())))
    }

    fn fresh_issuer(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        application: ApplicationId,
        profile: &AssertionProfile,
        secret: &RawToken,
    ) -> Result<TrustedIssuer, AuthError> {
        check_issuer_secret(profile, secret.expose().as_bytes())?;
        let id = IssuerId::mint(ctx.now, self.entropy.as_ref());
        let entropy = Arc::clone(&self.entropy);
        Ok(TrustedIssuer {
            id,
            project,
            application,
            profile: profile.name.to_owned(),
            secret: self.sealer.seal(secret.expose().as_bytes(), &issuer_context(id), entropy.as_ref()),
            created_at: ctx.now,
            revoked_at: None,
        })
    }
}

/// Comparison of secrets in constant time.
struct TokenEq;

impl TokenEq {
    fn same(a: &[u8], b: &[u8]) -> bool {
        use subtle::ConstantTimeEq as _;
        a.ct_eq(b).into()
    }
}

fn put_issuer(tx: &mut dyn Tx, log: &mut Log, issuer: &TrustedIssuer, actor: Actor) -> Result<(), AuthError> {
    let found = tx.application(issuer.application)?.filter(|found| found.project == issuer.project);
    found.ok_or(AuthError::NotFound(Noun::Application))?;
    tx.insert_issuer(issuer)?;
    log.record(Audit::new(issuer.project, actor, "issuer.trusted", &format_args!("trusted_issuer:{}", issuer.id)));
    Ok(())
}

fn end_issuer(
    tx: &mut dyn Tx,
    log: &mut Log,
    issuer: &TrustedIssuer,
    actor: Actor,
    now: crate::time::Timestamp,
) -> Result<(), AuthError> {
    tx.revoke_issuer(issuer.id, now)?;
    log.announce_revoked(tx.revoke_sessions(SessionsOf::Issuer(issuer.id), now)?);
    log.record(Audit::new(issuer.project, actor, "issuer.revoked", &format_args!("trusted_issuer:{}", issuer.id)));
    Ok(())
}
