//! `/account`: one's account and its users.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use ringfence_core::error::{AuthError, Noun};
use serde_json::Value;

use super::{
    account,
    answer::{created, found},
    body::Members,
    caller::{Caller, MANAGES, MEMBER, OWNER},
    error::Refusal,
    user,
    users::{id, page, registration},
};
use crate::app::App;

/// Users that are shown with an account.
const SHOWN: u32 = 100;

/// `GET /account`.
pub(super) async fn own(State(app): State<App>, caller: Caller) -> Result<Response, Refusal> {
    with_users(&app, &caller).await
}

/// `GET /account/{uuid}`: there is no other than one's own.
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(uuid): Path<String>,
) -> Result<Response, Refusal> {
    if uuid.parse() != Ok(caller.account.id) {
        return Err(AuthError::NotFound(Noun::Application).into());
    }
    with_users(&app, &caller).await
}

/// An account with its users, as far as the caller may see them.
async fn with_users(app: &App, caller: &Caller) -> Result<Response, Refusal> {
    let people = if caller.place.role == OWNER {
        app.authority.people_of(&caller.who, caller.account.id, MANAGES, 0, SHOWN).await?.people
    } else {
        vec![user::person(app, caller.who.identity.as_ref().clone()).await?]
    };
    let mut payload = account::render(&caller.account);
    payload["users"] = Value::Array(user::render_all(app, &caller.ctx, &people).await?);
    Ok(found(&payload))
}

/// `GET /account/user`.
pub(super) async fn users(State(app): State<App>, caller: Caller, uri: Uri) -> Result<Response, Refusal> {
    let (skip, take) = page(&uri)?;
    let people = app.authority.people_of(&caller.who, caller.account.id, MANAGES, skip, take).await?;
    Ok(found(&Value::Array(user::render_all(&app, &caller.ctx, &people.people).await?)))
}

/// `POST /account/user`: somebody new, as in a sign-up.
pub(super) async fn add_user(
    State(app): State<App>,
    caller: Caller,
    mut members: Members,
) -> Result<Response, Refusal> {
    let (wanted, _) = registration(&app, &mut members);
    members.check()?;
    let (ctx, who, home) = (&caller.ctx, &caller.who, caller.account.id);
    let identity = app.authority.register_into(ctx, who, home, MANAGES, MEMBER, wanted).await?;
    let person = user::person(&app, identity).await?;
    Ok(created(&user::render(&person, false)))
}

/// `PUT /account/user/{uuid}`.
pub(super) async fn restore(state: State<App>, caller: Caller, path: Path<String>) -> Result<Response, Refusal> {
    set_standing(state, caller, path, false).await
}

/// `DELETE /account/user/{uuid}`.
pub(super) async fn suspend(state: State<App>, caller: Caller, path: Path<String>) -> Result<Response, Refusal> {
    set_standing(state, caller, path, true).await
}

async fn set_standing(
    State(app): State<App>,
    caller: Caller,
    Path(uuid): Path<String>,
    suspended: bool,
) -> Result<Response, Refusal> {
    let (ctx, who, home) = (&caller.ctx, &caller.who, caller.account.id);
    let identity = app.authority.suspend_member(ctx, who, home, MANAGES, id(&uuid)?, suspended).await?;
    let person = user::person(&app, identity).await?;
    Ok(found(&user::render_one(&app, ctx, person).await?))
}
