//! Whoever shows a bearer: somebody with an account or vouched for by a back end, or a back end itself.

use axum::extract::FromRequestParts;
use http::{header, request::Parts};
use ringfence_core::{
    authority::{Authenticated, PresentedCredential},
    caller::{Permit, Scope},
    context::Ctx,
    error::AuthError,
    identity::IdentityKind,
    jose::Unverified,
    secret::RawToken,
};

use super::error::Refusal;
use crate::{
    app::App,
    extract::{Circumstances, authorization},
};

/// A signed-in user.
#[derive(Debug)]
pub(super) struct User {
    pub(super) ctx: Ctx,
    pub(super) who: Authenticated,
    /// What they showed.
    pub(super) token: RawToken,
}

impl FromRequestParts<App> for User {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let (ctx, token) = shown(parts, app).await?;
        let who = user(app, &ctx, token.clone()).await?;
        Ok(Self { ctx, who, token })
    }
}

/// Judges a user's token. Guests have nothing to ask for (ATTACKS N20), and what another face gave is good there.
pub(super) async fn user(app: &App, ctx: &Ctx, token: RawToken) -> Result<Authenticated, AuthError> {
    let who = app.authority.authenticate(ctx, PresentedCredential::AccessToken(token)).await?;
    if who.session.as_ref().is_none_or(|session| session.dialect != ctx.dialect) {
        return Err(AuthError::InvalidCredentials);
    }
    match who.identity.kind {
        IdentityKind::Member | IdentityKind::External => Ok(who),
        IdentityKind::Guest | IdentityKind::Endpoint | IdentityKind::Service => {
            Err(AuthError::Forbidden { needs: Scope::IdentitiesRead })
        }
    }
}

/// A user, or a back end with an API key.
#[derive(Debug)]
pub(super) enum Asker {
    User(Box<User>),
    Backend(Ctx, Permit),
}

impl FromRequestParts<App> for Asker {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let (ctx, token) = shown(parts, app).await?;
        if Unverified::parse(token.expose()).is_ok() {
            let who = user(app, &ctx, token.clone()).await?;
            return Ok(Self::User(Box::new(User { ctx, who, token })));
        }
        // Browsers say where they are, back ends do not: a key in a page is a key for everybody (ATTACKS N87).
        if parts.headers.contains_key(header::ORIGIN) {
            return Err(AuthError::Forbidden { needs: Scope::TokensIssue }.into());
        }
        let who = app.authority.authenticate(&ctx, PresentedCredential::ApiKey(token)).await?;
        let permit = who.caller().permit(Scope::TokensIssue, who.project.id)?;
        Ok(Self::Backend(ctx, permit))
    }
}

/// The circumstances and the bearer of a request.
pub(super) async fn shown(parts: &mut Parts, app: &App) -> Result<(Ctx, RawToken), AuthError> {
    let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(parts, app).await;
    let (scheme, token) = authorization(&parts.headers).ok_or(AuthError::InvalidCredentials)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AuthError::InvalidCredentials);
    }
    Ok((ctx, RawToken::new(token)))
}
