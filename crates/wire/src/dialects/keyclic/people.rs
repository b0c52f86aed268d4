//! `/people`: one's own account, and those of others for administrators.

use axum::{
    extract::{Path, RawQuery, State},
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header};
use ringfence_core::{
    authority::Person,
    error::{AuthError, Noun},
    ids::IdentityId,
};

use super::{
    body::Members,
    caller::Caller,
    error::Refusal,
    hal::{Paging, hal},
    person,
    roles::ADMINISTRATOR,
};
use crate::{app::App, links::email_link};

/// What is no id is nobody's.
fn id(text: &str) -> Result<IdentityId, AuthError> {
    text.parse().map_err(|_| AuthError::NotFound(Noun::Identity))
}

/// `GET /people`.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let paging = Paging::of(query.as_deref())?;
    let (skip, limit) = (paging.skip(), paging.limit());
    let found = app.authority.people(&caller.who, caller.place(), ADMINISTRATOR, skip, limit).await?;
    let items: Vec<_> = found.people.iter().map(person::render).collect();
    Ok(hal(StatusCode::OK, &paging.page("/people", &items, found.total)))
}

/// `GET /people/{person}`.
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Result<Response, Refusal> {
    let found = app.authority.person(&caller.who, id(&person)?, ADMINISTRATOR).await?;
    Ok(hal(StatusCode::OK, &person::render(&found)))
}

/// `PATCH /people/{person}`.
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
    members: Members,
) -> Result<Response, Refusal> {
    app.authority.require_self(&caller.who, id(&person)?).await?;
    let change = person::change_of(members, &email_link(&app))?;
    let identity = app.authority.change_account(&caller.ctx, &caller.who, change).await?;
    let identifiers = app.authority.identifiers(identity.id).await?;
    Ok(hal(StatusCode::OK, &person::render(&Person { identity, identifiers })))
}

/// `DELETE /people/{person}`.
pub(super) async fn erase(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Result<Response, Refusal> {
    app.authority.require_self(&caller.who, id(&person)?).await?;
    app.authority.erase_self(&caller.ctx, &caller.who).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /people/{person}/image`.
pub(super) async fn image(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Result<Response, Refusal> {
    picture(&app, &caller, &person).await
}

/// `GET /people/{person}/image/{width}/{height}`, as until 2019. The picture is as it was sent, whatever the size asked for.
pub(super) async fn sized_image(
    State(app): State<App>,
    caller: Caller,
    Path((person, _width, _height)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    picture(&app, &caller, &person).await
}

async fn picture(app: &App, caller: &Caller, person: &str) -> Result<Response, Refusal> {
    let found = app.authority.person(&caller.who, id(person)?, ADMINISTRATOR).await?;
    let picture = app.authority.picture(&found.identity).await?.ok_or(AuthError::NotFound(Noun::Identity))?;
    let headers = [
        (header::CONTENT_TYPE, picture.format().media_type()),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    Ok((headers, picture.bytes().to_vec()).into_response())
}
