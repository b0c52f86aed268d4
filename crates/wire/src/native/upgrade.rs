//! Guests who become members.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use ringfence_core::{
    authority::{LinkTemplate, Upgrade, Upgraded},
    secret::{Password, RawToken},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answers::Tokens,
    body::Json,
    caller::Caller,
    problem::{Problem, TakenAddress},
};
use crate::{app::App, links::email_link};

/// What a guest gives to become a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Membership {
    /// The address.
    email: String,
    /// As the project's rules want it.
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// Makes the guest who asks a member: the same id in a new session. The old one ends within a minute, in which its open
/// sockets take the new token.
#[utoipa::path(
    post, path = "/me/upgrade", tag = "account",
    request_body = Membership,
    security(("bearer" = [])),
    responses(
        (status = 200, description = "A member", body = Tokens),
        (status = 409, description = "The address has an account, or the caller is no guest", body = TakenAddress, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn upgrade(
    State(app): State<App>,
    Caller { ctx, who }: Caller,
    Json(wanted): Json<Membership>,
) -> Result<Response, Problem> {
    let verify = Some(LinkTemplate(email_link(&app)));
    let wanted = Upgrade { email: wanted.email, password: wanted.password, verify };
    match app.authority.upgrade_guest(&ctx, &who, wanted).await? {
        Upgraded::Member(member) => Ok(axum::Json(Tokens::first(&app, &ctx, &member).await?).into_response()),
        Upgraded::Taken(ticket) => Ok(TakenAddress::with(&ticket).into_response()),
    }
}

/// A guest to take in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Merge {
    /// What the guest was given when the address it wanted was taken.
    #[schema(value_type = String, format = Password)]
    merge_ticket: RawToken,
}

/// A guest that was taken in.
#[derive(Serialize, ToSchema)]
pub(super) struct Merged {
    /// The id that the guest had.
    guest: String,
}

/// Takes in the guest that wanted the caller's address.
#[utoipa::path(
    post, path = "/me/merge", tag = "account",
    request_body = Merge,
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The guest is gone", body = Merged),
    ),
)]
pub(super) async fn merge(
    State(app): State<App>,
    Caller { ctx, who }: Caller,
    Json(wanted): Json<Merge>,
) -> Result<(StatusCode, axum::Json<Merged>), Problem> {
    let guest = app.authority.merge_guest(&ctx, &who, &wanted.merge_ticket).await?;
    Ok((StatusCode::OK, axum::Json(Merged { guest: guest.to_string() })))
}
