//! Credentials of media relays, in the words of the TURN REST API draft (draft-uberti-behave-turn-rest-00).

use axum::{Json, Router, extract::State, routing::post};
use ringfence_core::error::AuthError;
use serde_json::{Value, json};

use super::{Caller, Refused};
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/v1/turn", post(create))
}

/// A credential for whoever asks, with its session. `iceServers` is what a browser's `RTCPeerConnection` takes as it is.
async fn create(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Refused> {
    let relay = app.settings.turn.as_ref().ok_or_else(|| caller.refuse(AuthError::NotSupported("a relay of media")))?;
    let made = app.authority.turn_credential(&caller.ctx, &caller.who, relay.ttl).await.map_err(caller.refused())?;
    let (username, password) = (&made.username, made.password.expose());
    Ok(Json(json!({
        "username": username,
        "password": password,
        "ttl": made.expires_at.since(caller.ctx.now).as_secs(),
        "uris": relay.urls,
        "realm": relay.realm,
        "iceServers": [{ "urls": relay.urls, "username": username, "credential": password }],
    })))
}
