//! Secrets that go out by mail and come back once.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{
    authority::LinkTemplate,
    error::AuthError,
    ids::IdentityId,
    secret::{Password, RawToken},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{body::Json, browser::Visitor, caller::ApplicationName, problem::Problem};
use crate::{app::App, links::reset_link};

/// Somebody who forgot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetRequest {
    /// The application's id or publishable key.
    application: ApplicationName,
    /// The address of the account.
    email: String,
}

/// Mails a link to set a new password, if somebody has this address; the answer is the same if nobody has.
#[utoipa::path(
    post, path = "/verifications/password-reset", tag = "verifications",
    request_body = ResetRequest,
    responses((status = 204, description = "On its way, if there is such an account")),
)]
pub(super) async fn request_reset(
    State(app): State<App>,
    visitor: Visitor,
    Json(wanted): Json<ResetRequest>,
) -> Result<StatusCode, Problem> {
    let place = visitor.place(&app, &wanted.application).await?;
    let link = LinkTemplate(reset_link(&app));
    app.authority.request_password_reset(&visitor.ctx, place, &wanted.email, link).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new password and the secret that allows it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reset {
    /// The application's id or publishable key.
    application: ApplicationName,
    /// The secret of the mailed link.
    #[schema(value_type = String, format = Password)]
    token: RawToken,
    /// As the project's rules want it.
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// Sets a new password, once, and ends every session. A password that is refused does not use the secret up.
#[utoipa::path(
    post, path = "/verifications/password-reset/redeem", tag = "verifications",
    request_body = Reset,
    responses((status = 204, description = "The new password counts")),
)]
pub(super) async fn reset(
    State(app): State<App>,
    visitor: Visitor,
    Json(wanted): Json<Reset>,
) -> Result<StatusCode, Problem> {
    let place = visitor.place(&app, &wanted.application).await?;
    app.authority.reset_password(&visitor.ctx, place, &wanted.token, wanted.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The proof of an address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Proof {
    /// Whose address it is.
    identity: String,
    /// The secret of the mailed link.
    #[schema(value_type = String, format = Password)]
    token: RawToken,
}

/// Has an address count as proved, once.
#[utoipa::path(
    post, path = "/verifications/email", tag = "verifications",
    request_body = Proof,
    responses((status = 204, description = "It counts")),
)]
pub(super) async fn confirm_email(
    State(app): State<App>,
    visitor: Visitor,
    Json(Proof { identity, token }): Json<Proof>,
) -> Result<StatusCode, Problem> {
    let identity = identity.parse().ok().or_else(|| IdentityId::from_short(&identity));
    let identity = identity.ok_or(AuthError::VerificationInvalid)?;
    match app.authority.confirm_email(&visitor.ctx, identity, &token).await {
        // Whose it is is nobody else's business.
        Err(AuthError::Conflict(_)) => Err(AuthError::VerificationInvalid.into()),
        outcome => Ok(outcome.map(|()| StatusCode::NO_CONTENT)?),
    }
}
