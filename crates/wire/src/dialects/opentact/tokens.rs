//! `/token`: keys of one's own. A key is shown once, when it is made; a list shows how it begins.

use std::time::Duration;

use axum::{
    extract::{Path, State},
    response::Response,
};
use ringfence_core::{
    authority::OwnKey,
    credential::Credential,
    error::{AuthError, Noun},
    secret::RawToken,
};
use serde_json::{Value, json};

use super::{
    answer::{created, found, instant},
    body::Members,
    caller::Caller,
    error::Refusal,
};
use crate::app::App;

/// Seconds that a key lives at least.
const LEAST_LIFE: u64 = 60;

fn render(key: &Credential) -> Value {
    json!({
        "uuid": key.id,
        "name": key.label,
        "ttl": key.expires_at.map(|end| end.since(key.created_at).as_secs()),
        "token_prefix": key.hint,
        "expired_on": instant(key.expires_at),
        "created_on": instant(key.created_at),
        "modified_on": instant(key.created_at),
    })
}

/// `POST /token`.
pub(super) async fn create(State(app): State<App>, caller: Caller, mut members: Members) -> Result<Response, Refusal> {
    let name = members.required("name", 1, 200);
    let life = members.number("ttl", LEAST_LIFE);
    if members.get("ttl").is_none() {
        members.fault("ttl", ringfence_core::error::Rule::Required);
    }
    members.check()?;
    let life = Duration::from_secs(life.unwrap_or(LEAST_LIFE).min(LONGEST_LIFE));
    let minted = app.authority.create_own_key(&caller.ctx, &caller.who, name, life).await?;
    let mut payload = render(&minted.credential);
    payload["token"] = minted.value.expose().into();
    Ok(created(&payload))
}

/// Ten years: what is longer is meant to be for ever, and a moment must not overflow.
const LONGEST_LIFE: u64 = 10 * 366 * 86_400;

/// `GET /token/list`.
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Refusal> {
    let keys = app.authority.own_keys(&caller.who).await?;
    Ok(found(&keys.iter().map(render).collect()))
}

/// `PATCH /token/{uuid}`.
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(uuid): Path<String>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let name = members.text_within("name", 1, 200);
    let life = members.number("ttl", LEAST_LIFE).map(|life| Duration::from_secs(life.min(LONGEST_LIFE)));
    members.check()?;
    let id = uuid.parse().map_err(|_| AuthError::NotFound(Noun::Credential))?;
    let key = app.authority.change_own_key(&caller.ctx, &caller.who, id, name, life).await?;
    Ok(found(&render(&key)))
}

/// `DELETE /token/{token}`: the key itself, as its clients have it, or its id, which may be in a log without harm.
pub(super) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
) -> Result<Response, Refusal> {
    let key = token.parse().map_or_else(|_| OwnKey::Value(RawToken::new(token)), OwnKey::Id);
    app.authority.revoke_own_key(&caller.ctx, &caller.who, key).await?;
    Ok(found(&Value::Null))
}

/// `DELETE /token/all`.
pub(super) async fn revoke_all(State(app): State<App>, caller: Caller) -> Result<Response, Refusal> {
    app.authority.revoke_own_keys(&caller.ctx, &caller.who).await?;
    Ok(found(&Value::Null))
}
