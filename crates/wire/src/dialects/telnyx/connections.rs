//! Credential connections: groups of endpoints, each with a user of its own (sheet, 1.3).

use axum::{Json, extract::State};
use http::StatusCode;
use ringfence_core::{
    authority::{GroupChange, GroupRequest},
    endpoint::{Endpoint, GroupNumber},
    presence::Presence,
    secret::Password,
};
use serde_json::{Map, Value, json};

use super::{
    NAME,
    backend::Backend,
    error::{Code, Refusal},
    fields::Fields,
    query::{Query, nothing},
    rest::{Id, One, many, one},
    settings,
    token::random_name,
};
use crate::app::App;

/// What a password looks like to whoever has seen it already.
const MASK: &str = "********";
const PAGE_SIZE: u32 = 20;

pub(super) async fn list(State(app): State<App>, backend: Backend, query: Query) -> Result<Json<Value>, Refusal> {
    let permit = backend.may_read()?;
    let (page, order) = (query.page(PAGE_SIZE)?, query.order()?);
    let listed = match query.connections() {
        Some(filter) => {
            let listed = app.authority.endpoint_groups(&permit, filter, order, page.window()).await;
            listed.map_err(backend.refusal())?
        }
        None => nothing(),
    };
    let records: Vec<_> = listed.items.iter().map(|account| record(account, MASK)).collect();
    Ok(many(&records, listed.total, page))
}

pub(super) async fn create(State(app): State<App>, backend: Backend, mut fields: Fields) -> Result<One, Refusal> {
    let permit = backend.may_write()?;
    let settings = settings::read(&mut fields, true);
    let wanted = GroupRequest {
        name: fields.required("connection_name"),
        // The guide creates connections without a user; the reference requires one.
        user_name: user_name(&mut fields).unwrap_or_else(|| random_name("user", 20, &app)),
        password: password(&mut fields),
        outbound_profile: outbound_profile(&settings).and_then(Value::as_str).map(str::to_owned),
        attributes: attributes(settings),
        disabled: fields.flag("active") == Some(false),
    };
    fields.finish()?;
    let account = app.authority.create_endpoint_group(&backend.ctx, &permit, wanted).await;
    let account = account.map_err(backend.refusal())?;
    let password = app.authority.endpoint_secret(&permit, &account).map_err(backend.refusal())?;
    Ok(one(StatusCode::CREATED, record(&account, password.expose())))
}

pub(super) async fn retrieve(State(app): State<App>, backend: Backend, Id(id): Id) -> Result<One, Refusal> {
    let permit = backend.may_read()?;
    let account = app.authority.endpoint_group(&permit, number(&id)?).await.map_err(backend.refusal())?;
    Ok(one(StatusCode::OK, record(&account, MASK)))
}

pub(super) async fn update(
    State(app): State<App>,
    backend: Backend,
    Id(id): Id,
    mut fields: Fields,
) -> Result<One, Refusal> {
    let permit = backend.may_write()?;
    let number = number(&id)?;
    let settings = settings::read(&mut fields, false);
    let change = GroupChange {
        name: fields.text("connection_name"),
        user_name: user_name(&mut fields),
        password: password(&mut fields),
        outbound_profile: outbound_profile(&settings).map(|profile| profile.as_str().map(str::to_owned)),
        attributes: attributes(settings),
        disabled: fields.flag("active").map(|active| !active),
    };
    fields.finish()?;
    let shown = change.password.clone().unwrap_or_else(|| Password::new(MASK));
    let changed = app.authority.change_endpoint_group(&backend.ctx, &permit, number, change).await;
    Ok(one(StatusCode::OK, record(&changed.map_err(backend.refusal())?, shown.expose())))
}

pub(super) async fn delete(State(app): State<App>, backend: Backend, Id(id): Id) -> Result<One, Refusal> {
    let permit = backend.may_write()?;
    let deleted = app.authority.delete_endpoint_group(&backend.ctx, &permit, number(&id)?).await;
    Ok(one(StatusCode::OK, record(&deleted.map_err(backend.refusal())?, MASK)))
}

pub(super) async fn registration(State(app): State<App>, backend: Backend, Id(id): Id) -> Result<One, Refusal> {
    let permit = backend.may_read()?;
    let found = app.authority.group_presence(&backend.ctx, &permit, number(&id)?).await;
    let (endpoint, presence) = found.map_err(backend.refusal())?;
    Ok(one(StatusCode::OK, registration_status(&endpoint, presence.as_ref())))
}

fn number(id: &str) -> Result<GroupNumber, Refusal> {
    GroupNumber::parse(id).ok_or_else(Refusal::invalid_id)
}

/// 4 to 32 letters and digits, a letter among the first five.
fn user_name(fields: &mut Fields) -> Option<String> {
    let name = fields.text("user_name")?;
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plain || !(4..=32).contains(&name.len()) || !name.bytes().take(5).any(|byte| byte.is_ascii_alphabetic()) {
        let rule = "needs 4 to 32 letters and digits, a letter among the first five";
        fields.fault(Code::Bad, "/user_name", rule);
    }
    Some(name)
}

fn password(fields: &mut Fields) -> Option<Password> {
    let password = fields.text("password")?;
    if !(8..=128).contains(&password.chars().count()) {
        fields.fault(Code::Bad, "/password", "needs 8 to 128 characters");
    }
    Some(Password::new(password))
}

/// The profile that a body names, or takes away by null, there or above.
fn outbound_profile(settings: &Map<String, Value>) -> Option<&Value> {
    match settings.get("outbound")? {
        Value::Object(outbound) => outbound.get("outbound_voice_profile_id"),
        above => Some(above),
    }
}

fn attributes(settings: Map<String, Value>) -> Map<String, Value> {
    Map::from_iter([(NAME.to_owned(), Value::Object(settings))])
}

fn record(account: &Endpoint, password: &str) -> Value {
    let group = &account.group;
    let mut record = settings::shown(group.attributes.get(NAME));
    let own = [
        ("id", json!(group.number.to_string())),
        ("record_type", json!("credential_connection")),
        ("connection_name", json!(group.name)),
        ("user_name", json!(account.user_name)),
        ("password", json!(password)),
        ("active", json!(group.disabled_at.is_none())),
        ("created_at", json!(group.created_at.rfc3339())),
        ("updated_at", json!(group.updated_at.rfc3339())),
    ];
    record.extend(own.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(record)
}

/// Who is connected, as far as we know: addresses and programs of devices are not kept.
fn registration_status(endpoint: &Endpoint, presence: Option<&Presence>) -> Value {
    json!({
        "record_type": "registration_status",
        "status": if presence.is_some() { "Registered" } else { "Not Registered" },
        "sip_username": endpoint.user_name,
        "ip_address": null,
        "transport": presence.map(|_| "WSS"),
        "port": null,
        "user_agent": null,
        "last_registration": presence.map(|presence| presence.since.rfc3339()),
    })
}
