//! The requests of Engine.IO 4: handshakes, polls, posts and WebSockets, all at one address.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{
        RawQuery, State, WebSocketUpgrade,
        ws::{Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, Uri, header};
use ringfence_core::context::Ctx;
use serde_json::json;

use super::{
    carrier::Polled,
    conversation::{Inside, SocketIo, name},
    packet::Packet,
    pipe::{NotHere, Pipe},
    query::{Asked, Carrier, Refusal},
};
use crate::{
    app::App,
    extract::Circumstances,
    live::{Directive, Habits, Line},
    pump,
};

/// Where it is, with the slash that the clients put at the end.
const PATH: &str = "/socket.io/";

/// How a dialect's lines begin.
pub(crate) struct Service<I> {
    habits: &'static Habits,
    begin: Begin<I>,
    polled: Arc<Polled>,
}

type Begin<I> = Box<dyn Fn(&App, Handshake, &Line) -> I + Send + Sync>;

/// The request that a line began with.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// Its address, whose query says who asks.
    pub(crate) uri: Uri,
    /// The page that asks, if one does.
    pub(crate) origin: Option<Box<str>>,
}

impl Handshake {
    fn of(uri: Uri, headers: &HeaderMap) -> Self {
        let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null").into());
        // A copy: the address of a request keeps all of the buffer that it was read into.
        let uri = uri.to_string().parse().unwrap_or(uri);
        Self { uri, origin }
    }
}

/// The routes of lines that keep `habits` and begin as `begin` says. Whoever mounts them lets pages of other origins read.
pub(crate) fn routes<I: Inside>(
    habits: &'static Habits,
    begin: impl Fn(&App, Handshake, &Line) -> I + Send + Sync + 'static,
) -> Router<App> {
    let service = Service { habits, begin: Box::new(begin), polled: Arc::default() };
    Router::new().route(PATH, get(on_get::<I>).post(on_post::<I>)).layer(Extension(Arc::new(service)))
}

async fn on_get<I: Inside>(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Extension(service): Extension<Arc<Service<I>>>,
    uri: Uri,
    headers: HeaderMap,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let asked = match Asked::read(uri.query().unwrap_or_default()) {
        Ok(asked) => asked,
        Err(refusal) => return refusal.into_response(),
    };
    match (asked.carrier, &asked.sid) {
        (Carrier::Polling, None) => service.open(&app, ctx, Handshake::of(uri, &headers), &headers, asked),
        (Carrier::Polling, Some(sid)) => match service.find(sid, &asked) {
            Ok(pipe) => answer(pipe.fetch().await),
            Err(refusal) => refusal.into_response(),
        },
        (Carrier::WebSocket, sid) => match (socket, sid) {
            (Err(rejection), _) => rejection.into_response(),
            (Ok(socket), None) => service.direct(&app, ctx, Handshake::of(uri, &headers), &headers, socket),
            (Ok(socket), Some(sid)) => match service.find(sid, &asked) {
                Ok(pipe) => service.probe(&app, &ctx, &headers, socket, pipe),
                Err(refusal) => refusal.into_response(),
            },
        },
    }
}

async fn on_post<I: Inside>(
    Extension(service): Extension<Arc<Service<I>>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let asked = match Asked::read(query.as_deref().unwrap_or_default()) {
        Ok(asked) => asked,
        Err(refusal) => return refusal.into_response(),
    };
    let Some(sid) = &asked.sid else { return Refusal::BadHandshakeMethod.into_response() };
    let pipe = match service.find(sid, &asked) {
        Ok(pipe) if asked.carrier == Carrier::Polling && body.len() <= service.habits.message => pipe,
        Ok(_) => return Refusal::BadRequest.into_response(),
        Err(refusal) => return refusal.into_response(),
    };
    let Ok(body) = std::str::from_utf8(&body) else { return Refusal::BadRequest.into_response() };
    answer(pipe.post(body).await.map(|()| "ok".to_owned()))
}

/// A body as text, which is what its content type says by itself.
fn answer(body: Result<String, NotHere>) -> Response {
    body.map_err(|NotHere| Refusal::BadRequest).into_response()
}

impl<I: Inside> Service<I> {
    /// The line of that name, for whoever says what its opener said.
    fn find(&self, sid: &str, asked: &Asked) -> Result<Arc<Pipe>, Refusal> {
        let found = self.polled.find(sid).filter(|pipe| pipe.rest == asked.rest);
        found.ok_or(Refusal::UnknownSid)
    }

    fn conversation(&self, app: &App, handshake: Handshake, line: &Line) -> SocketIo<I> {
        SocketIo::new((self.begin)(app, handshake, line))
    }

    /// The server's first word.
    fn greeting(&self, sid: &str, upgrades: &[&str]) -> String {
        let millis = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or_default();
        let ping = self.habits.tick.unwrap_or(self.habits.idle);
        let greeting = json!({
            "sid": sid,
            "upgrades": upgrades,
            "pingInterval": millis(ping),
            "pingTimeout": millis(self.habits.idle.saturating_sub(ping)),
            "maxPayload": self.habits.message,
        });
        Packet::Open(&greeting.to_string()).to_string()
    }

    fn open(&self, app: &App, ctx: Ctx, handshake: Handshake, headers: &HeaderMap, asked: Asked) -> Response {
        let line = match pump::enter(app, &ctx, headers, self.habits) {
            Ok(line) => line,
            Err(refusal) => return *refusal,
        };
        let sid = name(app.authority.entropy().as_ref());
        let greeting = self.greeting(&sid, &["websocket"]);
        let conversation = self.conversation(app, handshake, &line);
        let carried = self.polled.enter(sid, Pipe::new(asked.rest));
        tokio::spawn(pump::serve(carried, line, conversation, ctx));
        greeting.into_response()
    }

    fn direct(
        &self,
        app: &App,
        ctx: Ctx,
        handshake: Handshake,
        headers: &HeaderMap,
        socket: WebSocketUpgrade,
    ) -> Response {
        let line = match pump::enter(app, &ctx, headers, self.habits) {
            Ok(line) => line,
            Err(refusal) => return *refusal,
        };
        let greeting = self.greeting(&name(app.authority.entropy().as_ref()), &[]);
        line.connection().post(Directive::Deliver(greeting));
        let conversation = self.conversation(app, handshake, &line);
        pump::accept(socket, self.habits, |socket| pump::serve(socket, line, conversation, ctx))
    }

    /// Tries a WebSocket that is to replace polling. It is a line of its own until it does, for the sake of its limits.
    fn probe(&self, app: &App, ctx: &Ctx, headers: &HeaderMap, socket: WebSocketUpgrade, pipe: Arc<Pipe>) -> Response {
        let line = match pump::enter(app, ctx, headers, self.habits) {
            Ok(line) => line,
            Err(refusal) => return *refusal,
        };
        pump::accept(socket, self.habits, |socket| async move {
            let replacing = tokio::select! {
                // Whatever it is told now is an end.
                _ = line.directive() => None,
                replacing = try_out(socket, &pipe) => replacing,
            };
            if let Some(socket) = replacing {
                pipe.replace(socket);
            }
            pipe.probe(false);
        })
    }
}

/// Has the client try a socket; the socket comes back when it shall be used.
async fn try_out(mut socket: WebSocket, pipe: &Pipe) -> Option<WebSocket> {
    while let Some(Ok(message)) = socket.recv().await {
        let Message::Text(text) = message else { continue };
        match Packet::parse(&text) {
            Some(Packet::Ping("probe")) => {
                socket.send(Message::Text(Packet::Pong("probe").to_string().into())).await.ok()?;
                // Polls come back now: the client waits for them before it goes on.
                if !pipe.probe(true) {
                    return None;
                }
            }
            Some(Packet::Upgrade) => return Some(socket),
            _ => return None,
        }
    }
    None
}
