//! The socket of events (sheet, section 8).

use std::time::Duration;

use axum::{
    Extension,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::{IntoResponse, Response},
};
use http::HeaderMap;

use super::{conversation::EventConversation, rooms::Rooms};
use crate::{app::App, extract::Circumstances, live::Habits, pump};

/// Its client says one thing, its token, and listens from then on: what keeps the line known is our ping, which every
/// library answers by itself. Nothing it may say is long.
pub(super) static HABITS: Habits = Habits {
    login: Duration::from_secs(10),
    retry: Duration::from_secs(10),
    idle: Duration::from_secs(90),
    tick: Some(Duration::from_secs(30)),
    ping: true,
    warn: None,
    write: Duration::from_secs(5),
    failures: 1,
    rate: 5,
    burst: 20,
    message: 16 * 1024,
};

/// `GET /`: no credential comes with the upgrade.
pub(super) async fn open(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Extension(rooms): Extension<Rooms>,
    headers: HeaderMap,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let socket = match socket {
        Ok(socket) => socket,
        Err(refusal) => return refusal.into_response(),
    };
    let own = app.clone();
    pump::upgrade(&app, ctx, socket, &headers, &HABITS, move |_| EventConversation::new(own, rooms))
}
