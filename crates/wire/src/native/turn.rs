//! Credentials of media relays, in the words of the TURN REST API draft (draft-uberti-behave-turn-rest-00).

use axum::extract::State;
use ringfence_core::error::AuthError;
use serde::Serialize;
use utoipa::ToSchema;

use super::{caller::Caller, problem::Problem};
use crate::app::App;

/// A credential of the media relays.
#[derive(Serialize, ToSchema)]
pub(super) struct RelayCredential {
    /// When it ends and whose it is.
    username: String,
    /// What goes with it.
    password: String,
    /// Seconds until it ends.
    ttl: u64,
    /// Where the relays are.
    uris: Vec<String>,
    /// Their realm.
    realm: String,
    /// What a browser's `RTCPeerConnection` takes as it is.
    #[serde(rename = "iceServers")]
    ice_servers: Vec<IceServer>,
}

/// Relays as browsers want to hear of them.
#[derive(Serialize, ToSchema)]
pub(super) struct IceServer {
    /// Where they are.
    urls: Vec<String>,
    /// As above.
    username: String,
    /// The password.
    credential: String,
}

/// A credential of the media relays for whoever asks; it ends with the session.
#[utoipa::path(
    post, path = "/turn", tag = "account",
    security(("bearer" = [])),
    responses((status = 200, description = "A credential", body = RelayCredential)),
)]
pub(super) async fn create(
    State(app): State<App>,
    Caller { ctx, who }: Caller,
) -> Result<axum::Json<RelayCredential>, Problem> {
    let relay = app.settings.turn.as_ref().ok_or(AuthError::NotSupported("a relay of media"))?;
    let made = app.authority.turn_credential(&ctx, &who, relay.ttl).await?;
    let (username, password) = (made.username.clone(), made.password.expose().to_owned());
    Ok(axum::Json(RelayCredential {
        ttl: made.expires_at.since(ctx.now).as_secs(),
        uris: relay.urls.clone(),
        realm: relay.realm.clone(),
        ice_servers: vec![IceServer {
            urls: relay.urls.clone(),
            username: username.clone(),
            credential: password.clone(),
        }],
        username,
        password,
    }))
}
