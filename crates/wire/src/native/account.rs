//! What keeps one's own account: password, addresses, its end.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{
    authority::{AccountChange, LinkTemplate, NewEmail},
    secret::Password,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{body::Json, caller::Caller, input::Listing, problem::Problem};
use crate::{app::App, links::email_link};

/// A password and the one before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    /// The present password.
    #[schema(value_type = String, format = Password)]
    present: Password,
    /// The one to be had.
    #[schema(value_type = String, format = Password)]
    new: Password,
}

/// Changes the caller's password and ends every other session.
#[utoipa::path(
    put, path = "/me/password", tag = "account",
    request_body = PasswordChange,
    security(("bearer" = [])),
    responses((status = 204, description = "Changed")),
)]
pub(super) async fn change_password(
    State(app): State<App>,
    Caller { ctx, who }: Caller,
    Json(PasswordChange { present, new }): Json<PasswordChange>,
) -> Result<StatusCode, Problem> {
    app.authority.change_password(&ctx, &who, present, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Address {
    /// The address.
    email: String,
}

/// Changes the caller's address, which needs a sign-in of the last 15 minutes. It counts at once, or when the link that is
/// mailed to it was used, as the project says.
#[utoipa::path(
    put, path = "/me/email", tag = "account",
    request_body = Address,
    security(("bearer" = [])),
    responses((status = 204, description = "Changed, or waiting for its proof")),
)]
pub(super) async fn change_email(
    State(app): State<App>,
    Caller { ctx, who }: Caller,
    Json(Address { email }): Json<Address>,
) -> Result<StatusCode, Problem> {
    let email = NewEmail { address: email, link: LinkTemplate(email_link(&app)) };
    let change = AccountChange { email: Some(email), ..AccountChange::default() };
    app.authority.change_account(&ctx, &who, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Something that an identity is found by.
#[derive(Serialize, ToSchema)]
pub(super) struct IdentifierItem {
    /// What it is, e.g. `email`.
    scheme: String,
    /// Its text.
    value: String,
    /// Since when it is proved.
    #[schema(format = DateTime)]
    verified_at: Option<String>,
}

impl IdentifierItem {
    pub(super) fn of(held: &ringfence_core::identity::HeldIdentifier) -> Self {
        Self {
            scheme: held.identifier.scheme().to_owned(),
            value: held.identifier.value().to_owned(),
            verified_at: held.verified_at.map(ringfence_core::time::Timestamp::rfc3339),
        }
    }
}

/// What the caller is found by.
#[utoipa::path(
    get, path = "/me/identifiers", tag = "account",
    security(("bearer" = [])),
    responses((status = 200, description = "All of them", body = Listing<IdentifierItem>)),
)]
pub(super) async fn identifiers(
    State(app): State<App>,
    Caller { who, .. }: Caller,
) -> Result<axum::Json<Listing<IdentifierItem>>, Problem> {
    let held = app.authority.identifiers(who.identity.id).await?;
    Ok(axum::Json(Listing::whole(held.iter().map(IdentifierItem::of).collect())))
}

/// Mails the caller a new link that proves the address.
#[utoipa::path(
    post, path = "/me/email/verification", tag = "account",
    security(("bearer" = [])),
    responses((status = 204, description = "On its way")),
)]
pub(super) async fn resend(State(app): State<App>, Caller { ctx, who }: Caller) -> Result<StatusCode, Problem> {
    app.authority.resend_email_verification(&ctx, &who, LinkTemplate(email_link(&app))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Erases the caller: nothing personal remains, and the id is never used again.
#[utoipa::path(
    delete, path = "/me", tag = "account",
    security(("bearer" = [])),
    responses((status = 204, description = "Erased")),
)]
pub(super) async fn erase(State(app): State<App>, Caller { ctx, who }: Caller) -> Result<StatusCode, Problem> {
    app.authority.erase_self(&ctx, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}
