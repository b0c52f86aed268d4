//! Who calls the REST face: a back end with an API key.

use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};
use ringfence_core::{
    authority::PresentedCredential,
    caller::{Caller, Permit, Scope},
    context::Ctx,
    ids::ProjectId,
    secret::RawToken,
};

use super::error::Refusal;
use crate::{app::App, extract::Circumstances};

/// A back end that passed the gate.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) ctx: Ctx,
    caller: Caller,
    project: ProjectId,
}

impl FromRequestParts<App> for Backend {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(parts, app).await;
        // Browsers say where they are, back ends do not: a key in a page is a key for everybody (ATTACKS N87).
        if parts.headers.contains_key(header::ORIGIN) {
            return Err(Refusal::from_a_page());
        }
        let key = bearer(&parts.headers).ok_or_else(Refusal::unknown_key)?;
        let who = app.authority.authenticate(&ctx, PresentedCredential::ApiKey(key)).await;
        let who = who.map_err(|error| Refusal::at_the_gate(&error, ctx.now))?;
        Ok(Self { caller: who.caller(), project: who.project.id, ctx })
    }
}

/// The key of a bearer, from the one header that it may come in.
fn bearer(headers: &HeaderMap) -> Option<RawToken> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| RawToken::new(key.trim()))
}

impl Backend {
    /// May see connections and credentials.
    pub(super) fn may_read(&self) -> Result<Permit, Refusal> {
        self.may(Scope::IdentitiesRead)
    }

    /// Sees the passwords of credentials: whoever may make some could as well make one and use it.
    pub(super) fn may_see_secrets(&self) -> Option<Permit> {
        self.caller.permit(Scope::CredentialsWrite, self.project).ok()
    }

    /// May make, change and delete them.
    pub(super) fn may_write(&self) -> Result<Permit, Refusal> {
        self.may(Scope::CredentialsWrite)
    }

    /// May have tokens issued.
    pub(super) fn may_issue(&self) -> Result<Permit, Refusal> {
        self.may(Scope::TokensIssue)
    }

    fn may(&self, scope: Scope) -> Result<Permit, Refusal> {
        self.caller.permit(scope, self.project).map_err(|error| Refusal::of(&error, self.ctx.now))
    }

    /// Renders what the domain refuses.
    pub(super) fn refusal(&self) -> impl Fn(ringfence_core::error::AuthError) -> Refusal + use<> {
        let now = self.ctx.now;
        move |error| Refusal::of(&error, now)
    }
}
