//! What other servers ask us, and what back ends arrange for them: SIP servers (docs/recipes).
//!
//! These routes belong to no dialect. They take one bearer: an API key or, where a person may ask, an access token.

mod domains;
mod sip;
mod users;

use axum::{
    Router,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header, request::Parts};
use ringfence_core::{
    authority::{Authenticated, PresentedCredential},
    caller::{Permit, Scope},
    context::Ctx,
    error::{AuthError, Rule},
    secret::{RawToken, TokenKind},
    time::Timestamp,
};

use crate::{
    app::App,
    extract::{Circumstances, authorization},
    problem::{Problem, retry_after},
};

/// All routes.
pub(crate) fn routes() -> Router<App> {
    Router::new().merge(sip::routes()).merge(domains::routes()).merge(users::routes())
}

/// Somebody with a bearer that passed the gate.
struct Caller {
    ctx: Ctx,
    who: Authenticated,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(parts, app).await;
        let token = bearer(parts).ok_or(Refused(AuthError::InvalidCredentials, ctx.now))?;
        // A provisioned key has any form; a token of ours has two dots.
        let presented = match TokenKind::of(&token) {
            None if token.expose().split('.').count() == 3 => PresentedCredential::AccessToken(token),
            _ => PresentedCredential::ApiKey(token),
        };
        // Browsers say where they are: a key in a page is a key for everybody (ATTACKS N87).
        if matches!(presented, PresentedCredential::ApiKey(_)) && parts.headers.contains_key(header::ORIGIN) {
            return Err(Refused(AuthError::InvalidCredentials, ctx.now));
        }
        match app.authority.authenticate(&ctx, presented).await {
            Ok(who) => Ok(Self { ctx, who }),
            Err(error) => Err(Refused(error, ctx.now)),
        }
    }
}

/// The one bearer; two headers would be judged by one server and believed by another.
fn bearer(parts: &Parts) -> Option<RawToken> {
    if parts.headers.get_all(header::AUTHORIZATION).iter().count() != 1 {
        return None;
    }
    let (scheme, token) = authorization(&parts.headers)?;
    scheme.eq_ignore_ascii_case("bearer").then(|| RawToken::new(token))
}

impl Caller {
    fn may(&self, scope: Scope) -> Result<Permit, Refused> {
        self.who.caller().permit(scope, self.who.project.id).map_err(|error| self.refuse(error))
    }

    fn refuse(&self, error: AuthError) -> Refused {
        Refused(error, self.ctx.now)
    }

    /// Renders what the domain refuses.
    fn refused(&self) -> impl Fn(AuthError) -> Refused + use<> {
        let now = self.ctx.now;
        move |error| Refused(error, now)
    }

    /// What a body says, or that it says it in no form we read.
    fn read<T, R>(&self, body: Result<T, R>) -> Result<T, Refused> {
        body.map_err(|_| self.refuse(AuthError::invalid("body", Rule::Malformed)))
    }
}

/// A refusal and its moment.
struct Refused(AuthError, Timestamp);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(error, now) = self;
        let wait = retry_after(&error, now);
        let mut response = Problem(error).into_response();
        if let Some(seconds) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if response.status() == http::StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Whether the caller would rather have JSON than text.
fn wants_json(headers: &http::HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("application/json"))
}
