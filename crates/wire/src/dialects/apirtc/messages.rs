//! What the channel says once somebody is in (sheet, 1.7 and 1.8): each a JSON text, the one argument of the event `message`.

use ringfence_core::{authority::Authenticated, context::Ctx, error::AuthError, time::Timestamp};
use serde_json::{Map, Value, json};

use crate::{app::App, problem::log_refusal};

/// The names of a session, and a token of it for other servers. The library asks for another after 11 h.
pub(super) async fn session(app: &App, ctx: &Ctx, who: &Authenticated) -> Result<String, AuthError> {
    let session = who.session.as_ref().map(|session| session.id.to_string());
    let message =
        json!({ "type": "sessionId", "sessionId": session, "JWTApzToken": pushed_token(app, ctx, who).await? });
    Ok(message.to_string())
}

/// The next token.
pub(super) async fn refreshed(app: &App, ctx: &Ctx, who: &Authenticated) -> Result<String, AuthError> {
    let token = pushed_token(app, ctx, who).await?;
    Ok(json!({ "type": "JWTTokenRefreshAnswer", "JWTApzToken": token }).to_string())
}

async fn pushed_token(app: &App, ctx: &Ctx, who: &Authenticated) -> Result<String, AuthError> {
    let issued = app.authority.issue_token(ctx, who, Map::new()).await?;
    Ok(issued.token.expose().to_owned())
}

/// What the enterprise has configured.
pub(super) struct Enterprise {
    pub(super) text: String,
    /// When the relays' credential in it ends, if there is one.
    pub(super) relays_until: Option<Timestamp>,
}

/// What the enterprise has configured for somebody: no script of others is to be loaded, and which relays of media calls use,
/// if there are any and they may. The library takes a browser's whole configuration, as a text (sheet, 1.7).
pub(super) async fn enterprise(app: &App, ctx: &Ctx, who: &Authenticated) -> Result<Enterprise, AuthError> {
    let mut message = json!({ "type": "enterpriseConfig", "sentry": false });
    let mut relays_until = None;
    if let Some(relay) = &app.settings.turn {
        match app.authority.turn_credential(ctx, who, relay.ttl).await {
            Ok(made) => {
                let configuration = json!({ "iceServers": relay.ice_servers(&made) });
                message["iceServers"] = configuration.to_string().into();
                relays_until = Some(made.expires_at);
            }
            // There is no secret yet, guests get none here, or somebody comes and goes all the time.
            Err(refusal @ (AuthError::NotSupported(_) | AuthError::Forbidden { .. } | AuthError::Throttled { .. })) => {
                log_refusal(&refusal)
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(Enterprise { text: message.to_string(), relays_until })
}

/// Users who came into a group or left it.
pub(super) fn presence(state: State, group: &str, users: &[(&str, &Map<String, Value>)]) -> String {
    let ids: Vec<_> = users.iter().map(|(id, _)| id).collect();
    let with_status: Vec<_> =
        users.iter().map(|(id, data)| json!({ "userId": id, "callState": "idle", "userData": data })).collect();
    let message = json!({
        "type": "updatePresence",
        "state": state.word(),
        "group": group,
        "connectedUsersList": ids,
        "connectedUsersListWithStatus": with_status,
    });
    message.to_string()
}

/// Whether users are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Online,
    Offline,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }
}
