//! Telephony credentials: endpoints with generated names and passwords (sheet, 1.4).

use std::time::Duration;

use axum::{Json, extract::State};
use http::StatusCode;
use ringfence_core::{
    authority::{EndpointChange, EndpointRequest},
    caller::Permit,
    endpoint::{Endpoint, GroupNumber},
    ids::IdentityId,
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{
    backend::Backend,
    error::Refusal,
    fields::Fields,
    query::{Query, nothing},
    rest::{Id, One, many, one},
    token::random_name,
};
use crate::app::App;

/// What a password looks like to whoever may not use it.
const MASK: &str = "********";
const PAGE_SIZE: u32 = 50;
/// A credential that is not told when to end does so after twenty years.
const LIFE: Duration = Duration::from_hours(24 * 7305);

pub(super) async fn list(State(app): State<App>, backend: Backend, query: Query) -> Result<Json<Value>, Refusal> {
    let permit = backend.may_read()?;
    let page = query.page(PAGE_SIZE)?;
    let listed = match query.credentials()? {
        Some(filter) => {
            let listed = app.authority.endpoints(&backend.ctx, &permit, filter, page.window()).await;
            listed.map_err(backend.refusal())?
        }
        None => nothing(),
    };
    let shown = listed.items.iter().map(|endpoint| show(&app, &backend, endpoint));
    Ok(many(&shown.collect::<Result<Vec<_>, _>>()?, listed.total, page))
}

pub(super) async fn create(State(app): State<App>, backend: Backend, mut fields: Fields) -> Result<One, Refusal> {
    let permit = backend.may_write()?;
    let now = backend.ctx.now;
    let connection = fields.required("connection_id");
    let wanted = EndpointRequest {
        group: GroupNumber::stored(0),
        user_name: random_name("gencred", 35, &app),
        name: fields.text("name").filter(|name| !name.is_empty()).unwrap_or_else(|| name_of(now)),
        tag: fields.text("tag").filter(|tag| !tag.is_empty()),
        expires_at: Some(fields.moment("expires_at").unwrap_or(now + LIFE)),
    };
    fields.finish()?;
    let wanted = EndpointRequest { group: connection_of(&connection)?, ..wanted };
    let made = app.authority.create_endpoint(&backend.ctx, &permit, wanted).await;
    let made = made.map_err(Refusal::associating(now))?;
    Ok(one(StatusCode::CREATED, show(&app, &backend, &made)?))
}

pub(super) async fn retrieve(State(app): State<App>, backend: Backend, Id(id): Id) -> Result<One, Refusal> {
    let permit = backend.may_read()?;
    let endpoint = app.authority.endpoint(&permit, identity(&id)?).await.map_err(backend.refusal())?;
    Ok(one(StatusCode::OK, show(&app, &backend, &endpoint)?))
}

pub(super) async fn update(
    State(app): State<App>,
    backend: Backend,
    Id(id): Id,
    mut fields: Fields,
) -> Result<One, Refusal> {
    let permit = backend.may_write()?;
    let id = identity(&id)?;
    let connection = fields.text("connection_id");
    let change = EndpointChange {
        group: None,
        name: fields.text("name"),
        tag: fields.text("tag").map(|tag| Some(tag).filter(|tag| !tag.is_empty())),
        expires_at: fields.moment("expires_at"),
    };
    fields.finish()?;
    let change = EndpointChange { group: connection.as_deref().map(connection_of).transpose()?, ..change };
    let changed = app.authority.change_endpoint(&backend.ctx, &permit, id, change).await;
    let changed = changed.map_err(Refusal::changing(backend.ctx.now))?;
    Ok(one(StatusCode::OK, show(&app, &backend, &changed)?))
}

pub(super) async fn delete(State(app): State<App>, backend: Backend, Id(id): Id) -> Result<One, Refusal> {
    let permit = backend.may_write()?;
    let deleted = app.authority.delete_endpoint(&backend.ctx, &permit, identity(&id)?).await;
    Ok(one(StatusCode::OK, show(&app, &backend, &deleted.map_err(backend.refusal())?)?))
}

/// The id in a path.
pub(super) fn identity(id: &str) -> Result<IdentityId, Refusal> {
    // One spelling of each id.
    id.parse::<IdentityId>().ok().filter(|parsed| parsed.to_string() == id).ok_or_else(Refusal::invalid_id)
}

fn connection_of(text: &str) -> Result<GroupNumber, Refusal> {
    GroupNumber::parse(text).ok_or_else(Refusal::no_such_connection)
}

/// The name of a credential that was given none.
fn name_of(now: Timestamp) -> String {
    let text = now.rfc3339().replace('T', " ");
    format!("{}000Z", text.trim_end_matches('Z'))
}

/// The record, with the password for whoever may write.
fn show(app: &App, backend: &Backend, endpoint: &Endpoint) -> Result<Value, Refusal> {
    let reveal = |permit: Permit| app.authority.endpoint_secret(&permit, endpoint);
    let password = backend.may_see_secrets().map(reveal).transpose().map_err(backend.refusal())?;
    Ok(record(endpoint, password.as_ref().map_or(MASK, |secret| secret.expose()), backend.ctx.now))
}

fn record(endpoint: &Endpoint, password: &str, now: Timestamp) -> Value {
    // To the second, without a zone.
    let to_second = |moment: Timestamp| Timestamp::from_seconds(moment.seconds()).rfc3339().replace(".000Z", "");
    json!({
        "id": endpoint.id,
        "record_type": "credential",
        "name": endpoint.name,
        "resource_id": format!("connection:{}", endpoint.group.number),
        "user_id": endpoint.group.project,
        "sip_username": endpoint.user_name,
        "sip_password": password,
        "tag": endpoint.tag,
        "expired": endpoint.has_expired(now),
        "created_at": to_second(endpoint.created_at),
        "expires_at": endpoint.expires_at.map(to_second),
        "updated_at": endpoint.updated_at.rfc3339(),
    })
}
