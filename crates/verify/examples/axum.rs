//! A chat room on WebSockets that only lets in whom a Ringfence server vouches for, and shows out whoever was signed out there.
//!
//! ```text
//! ISSUER=https://auth.example.org/projects/ID AUDIENCE=APPLICATION EVENTS_KEY=rfk_… LISTEN=127.0.0.1:8080 verify-axum
//! ```
//!
//! A client sends its access token as the first message and gets `{"welcome":"<sub>"}`; what it sends then, all others get. Before
//! its token ends it sends a new one as `{"token":"…"}`. A connection that has to end is closed with 4401, and the reason is a
//! code of docs/verify.md.

use std::{env, time::Duration};

use axum::{
    Router,
    extract::{
        State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    response::Response,
    routing::get,
};
use ringfence_verify::{Refusal, Settings, Verifier, Watch};
use serde_json::json;
use tokio::sync::broadcast;

/// A client that has said nothing by then is shown out.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Room {
    verifier: Verifier,
    said: broadcast::Sender<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut settings = Settings::new(env::var("ISSUER")?, env::var("AUDIENCE")?, env::var("EVENTS_KEY")?);
    settings.server = env::var("SERVER").ok();
    if let Ok(text) = env::var("MAX_STALENESS") {
        settings.max_staleness = Duration::from_secs(text.parse()?);
        settings.silence = settings.silence.min(settings.max_staleness);
    }
    let room = Room { verifier: Verifier::start(settings)?, said: broadcast::Sender::new(256) };
    let routes = Router::new().route("/room", get(enter)).route("/healthz", get(health)).with_state(room);
    let listener = tokio::net::TcpListener::bind(env::var("LISTEN")?).await?;
    axum::serve(listener, routes).await?;
    Ok(())
}

/// Whether the service can judge tokens: what a load balancer asks.
async fn health(State(room): State<Room>) -> Result<&'static str, axum::http::StatusCode> {
    let status = room.verifier.status();
    status.confirmed.then_some("ok").ok_or(axum::http::StatusCode::SERVICE_UNAVAILABLE)
}

async fn enter(State(room): State<Room>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        if let Err(refusal) = serve(&room, &mut socket).await {
            let reason = Utf8Bytes::from_static(refusal.code());
            // Who is gone needs no reason.
            socket.send(Message::Close(Some(CloseFrame { code: 4401, reason }))).await.unwrap_or_default();
        }
    })
}

/// Serves a client until it leaves or has to end.
async fn serve(room: &Room, socket: &mut WebSocket) -> Result<(), Refusal> {
    let first = tokio::time::timeout(PATIENCE, socket.recv()).await;
    let Ok(Some(Ok(Message::Text(token)))) = first else { return Err(Refusal::Malformed) };
    let mut watch = admit(room, &token).await?;
    let name = watch.claims().subject().to_owned();
    let mut others = room.said.subscribe();
    let welcome = json!({ "welcome": name }).to_string();
    if socket.send(welcome.into()).await.is_err() {
        return Ok(());
    }
    loop {
        tokio::select! {
            ended = watch.ended() => return Err(ended.reason),
            said = others.recv() => {
                let text = match said {
                    Ok(text) => text,
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                };
                if socket.send(text.into()).await.is_err() {
                    return Ok(());
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => match renewal(&text) {
                    // The watch of the old token is dropped only now, so that there is no moment without one.
                    Some(token) => {
                        let renewed = admit(room, &token).await?;
                        if renewed.claims().subject() != name {
                            return Err(Refusal::Claims);
                        }
                        watch = renewed;
                    }
                    None => drop(room.said.send(json!({ "from": name, "text": text.as_str() }).to_string())),
                },
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            }
        }
    }
}

async fn admit(room: &Room, token: &str) -> Result<Watch, Refusal> {
    let claims = room.verifier.verify(token).await?;
    room.verifier.watch(&claims)
}

/// The token of a message that is about nothing else.
fn renewal(text: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(message.get("token")?.as_str()?.to_owned())
}
