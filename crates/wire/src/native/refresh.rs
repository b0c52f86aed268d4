//! Staying in and leaving: new tokens for a refresh token, and the end of a session.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::secret::RawToken;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    answers::{Tokens, wanted},
    body::Json,
    caller::Caller,
    problem::{Details, Problem},
};
use crate::{app::App, extract::Circumstances};

/// Somebody whose access token ends soon.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Refresh {
    /// The newest refresh token of the session.
    #[schema(value_type = String, format = Password)]
    refresh_token: RawToken,
}

/// Renews tokens. A repetition within the grace window gets the same answer; an older token ends the session.
#[utoipa::path(
    post, path = "/refresh", tag = "sessions",
    responses(
        (status = 200, description = "New tokens", body = Tokens),
        (status = "4XX", description = "Refused", body = Details),
    ),
)]
pub(super) async fn refresh(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Json(Refresh { refresh_token }): Json<Refresh>,
) -> Result<axum::Json<Tokens>, Problem> {
    let who = app.authority.refreshable(&ctx, &refresh_token).await?;
    let set = app.authority.refresh(&ctx, &refresh_token, wanted(&who)).await?;
    Ok(axum::Json(Tokens::of(&ctx, &who, &set)))
}

/// Ends the session that asks, its tokens and its sockets.
#[utoipa::path(
    post, path = "/sign-out", tag = "sessions",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "It has ended"),
        (status = "4XX", description = "Refused", body = Details),
    ),
)]
pub(super) async fn sign_out(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    app.authority.sign_out(&caller.ctx, &caller.who).await?;
    Ok(StatusCode::NO_CONTENT)
}
