//! The socket of the voice SDKs (sheet, section 3).

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{RawQuery, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use http::HeaderMap;

use super::{calls::Switchboard, conversation::TelnyxConversation, voice::VoiceId};
use crate::{app::App, extract::Circumstances, live::Habits, pump};

/// The SDK says its first word at once; its ping, or its answer to ours, comes every 15 s. An invite with its candidates is
/// some 10 KiB, and those that trickle come in dozens.
pub(super) static HABITS: Habits = Habits {
    login: Duration::from_secs(10),
    // An application may get a fresh token long after the old one was refused, and the SDK logs in anew on every new socket.
    retry: Duration::from_mins(30),
    idle: Duration::from_mins(1),
    tick: Some(Duration::from_secs(15)),
    // It has one of its own, which the SDK answers by name.
    ping: false,
    warn: None,
    write: Duration::from_secs(5),
    failures: 10,
    rate: 50,
    burst: 300,
    message: 128 * 1024,
};

/// The mount itself: browsers open it with and without a slash at the end.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(open)).layer(Extension(Arc::new(Switchboard::default())))
}

async fn open(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Extension(switchboard): Extension<Arc<Switchboard>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let socket = match socket {
        Ok(socket) => socket,
        Err(refusal) => return refusal.into_response(),
    };
    let voice = VoiceId::presented(query.as_deref().unwrap_or_default());
    let (own, entropy) = (app.clone(), Arc::clone(app.authority.entropy()));
    pump::upgrade(&app, ctx, socket, &headers, &HABITS, move |line| {
        TelnyxConversation::new(own, switchboard, voice.unwrap_or_else(|| VoiceId::mint(entropy.as_ref())), line)
    })
}
