//! The open connection, `/api/v1/socket`: JSON in text frames, as `docs/socket.md` has it.

use std::time::Duration;

use axum::{
    Router,
    extract::{Query, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use ringfence_core::{error::AuthError, ids::ApplicationId};
use serde::Deserialize;

use self::conversation::SocketConversation;
use super::{caller::ApplicationName, problem::Problem};
use crate::{app::App, extract::Circumstances, live::Habits, pump};

mod conversation;
mod frames;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod goodbye;
#[cfg(test)]
mod tests;

/// One token is some kilobytes, a question about presence too; nothing else is long.
static HABITS: Habits = Habits {
    login: Duration::from_secs(10),
    // A refused token ends the connection, so nobody tries again.
    retry: Duration::from_secs(10),
    idle: Duration::from_mins(1),
    tick: Some(Duration::from_secs(25)),
    // Pages cannot see those, so that they would not notice a connection that is half open.
    ping: false,
    // Agreed anew with each token.
    warn: None,
    write: Duration::from_secs(5),
    failures: 1,
    rate: 5,
    burst: 60,
    message: 16 * 1024,
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/v1/socket", get(open))
}

#[derive(Deserialize)]
struct For {
    /// The application, so that its origins are asked before the upgrade.
    application: Option<ApplicationName>,
}

async fn open(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Query(For { application }): Query<For>,
    headers: HeaderMap,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let socket = match socket {
        Ok(socket) => socket,
        Err(refusal) => return refusal.into_response(),
    };
    let only = match application {
        Some(name) => match admitted_by(&app, &name, &headers).await {
            Ok(id) => Some(id),
            Err(refusal) => return refusal,
        },
        None => None,
    };
    pump::upgrade(&app, ctx, socket, &headers, &HABITS, move |_| SocketConversation::new(only))
}

/// The application, if pages of this origin may use it (ATTACKS N47).
async fn admitted_by(app: &App, name: &ApplicationName, headers: &HeaderMap) -> Result<ApplicationId, Response> {
    let found = app.authority.find_application(name.place()).await;
    let (_, application) = found.map_err(|refusal| Problem::from(refusal).into_response())?;
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
    if application.settings.allows_origin(origin) {
        return Ok(application.id);
    }
    let mut refusal = Problem::from(AuthError::NotSupported("this origin")).into_response();
    *refusal.status_mut() = StatusCode::FORBIDDEN;
    Err(refusal)
}
