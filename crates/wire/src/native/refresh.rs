//! Staying in and leaving: new tokens for a refresh token, and the end of a session.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{error::AuthError, secret::RawToken};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    answers::{Tokens, wanted},
    body::Json,
    browser::Visitor,
    caller::{ApplicationName, Caller},
    problem::Problem,
};
use crate::app::App;

/// Somebody whose access token ends soon.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Refresh {
    /// The newest refresh token of the session.
    #[schema(value_type = String, format = Password)]
    refresh_token: RawToken,
    /// The application that it was given to; another one's is refused.
    application: Option<ApplicationName>,
}

/// Renews tokens. A repetition within the grace window gets the same answer; an older token ends the session.
#[utoipa::path(
    post, path = "/refresh", tag = "sessions",
    request_body = Refresh,
    responses(
        (status = 200, description = "New tokens", body = Tokens),
    ),
)]
pub(super) async fn refresh(
    State(app): State<App>,
    visitor: Visitor,
    Json(Refresh { refresh_token, application }): Json<Refresh>,
) -> Result<axum::Json<Tokens>, Problem> {
    let who = app.authority.refreshable(&visitor.ctx, &refresh_token).await?;
    visitor.admit(who.application.as_deref())?;
    if let Some(named) = application {
        let named = app.authority.application_for(&who, named.place()).await?;
        if who.application.as_ref().map(|own| own.id) != Some(named.id) {
            return Err(AuthError::ApplicationMismatch.into());
        }
    }
    let ctx = visitor.ctx;
    let set = app.authority.refresh(&ctx, &refresh_token, wanted(&who)).await?;
    Ok(axum::Json(Tokens::of(&ctx, &who, &set)))
}

/// Ends the session that asks, its tokens and its sockets.
#[utoipa::path(
    post, path = "/sign-out", tag = "sessions",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "It has ended"),
    ),
)]
pub(super) async fn sign_out(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    app.authority.sign_out(&caller.ctx, &caller.who).await?;
    Ok(StatusCode::NO_CONTENT)
}
