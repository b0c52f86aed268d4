//! Lines with and without sockets, for a dialect that lets in whoever shows a token; time is moved by hand.

mod conversation;
mod polling;
mod socket;

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use ringfence_core::{
    authority::PresentedCredential, context::Ctx, ids::IdentityId, presence::InboundPolicy, secret::RawToken,
    session::SessionsOf,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::{
    conversation::{Entry, Inside},
    http::{Handshake, routes},
};
use crate::{
    app::App,
    live::{Ending, Habits, Line},
    testing::{Stage, Subscriber},
};

static HABITS: Habits = Habits {
    login: Duration::from_secs(10),
    retry: Duration::from_secs(5),
    idle: Duration::from_secs(45),
    tick: Some(Duration::from_secs(25)),
    ping: false,
    warn: None,
    write: Duration::from_secs(5),
    failures: 3,
    rate: 20,
    burst: 100,
    message: 10_000,
};

/// Lets in whoever shows a token, anywhere but in `/closed/` and, for now, `/later/`.
struct Door {
    app: App,
    handshake: Handshake,
}

impl Door {
    fn begin(app: &App, handshake: Handshake, _line: &Line) -> Self {
        Self { app: app.clone(), handshake }
    }

    async fn admit(&self, line: &mut Line, ctx: &Ctx) -> Option<()> {
        let query = self.handshake.uri.query().unwrap_or_default();
        let shown = query.split('&').find_map(|piece| piece.strip_prefix("token="))?;
        let shown = PresentedCredential::AccessToken(RawToken::new(shown));
        let who = self.app.authority.authenticate(ctx, shown).await.ok()?;
        line.admit(ctx, &who, InboundPolicy::All).await.ok()
    }
}

#[async_trait::async_trait]
impl Inside for Door {
    async fn connect(&mut self, line: &mut Line, ctx: &Ctx, namespace: &str) -> Entry {
        match namespace {
            "/closed/" => Entry::Refused("closed".to_owned()),
            "/later/" => Entry::Later,
            _ => match self.admit(line, ctx).await {
                Some(()) => Entry::In(vec!["welcome".to_owned()]),
                None => Entry::Refused("not authorized".to_owned()),
            },
        }
    }

    async fn hear(&mut self, _ctx: &Ctx, name: &str, arguments: &[Value]) -> Vec<String> {
        match (name, arguments.first()) {
            ("echo", Some(Value::String(text))) => vec![text.clone()],
            _ => Vec::new(),
        }
    }

    async fn beat(&mut self, _ctx: &Ctx) -> Vec<String> {
        Vec::new()
    }

    fn stays_away(&self, ending: Ending) -> bool {
        matches!(ending, Ending::Revoked(_))
    }
}

/// A server of such lines.
struct Server {
    stage: Stage,
    address: SocketAddr,
}

type Socket = WebSocketStream<TcpStream>;

impl Server {
    async fn start() -> Self {
        let stage = Stage::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = routes(&HABITS, Door::begin).with_state(stage.app.clone());
        let service = service.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { stage, address }
    }

    /// Somebody, and the query that shows who.
    async fn somebody(&self, name: &str) -> (Subscriber, String) {
        let subscriber = self.stage.subscriber(name).await;
        let token = self.stage.token(&subscriber).await;
        (subscriber, format!("EIO=4&name={name}&token={}", token.expose()))
    }

    fn advance(&self, seconds: u64) {
        self.stage.world.clock.advance(Duration::from_secs(seconds));
    }

    fn connections_of(&self, identity: IdentityId) -> usize {
        self.stage.app.live.reached(identity, "telnyx").len()
    }

    async fn revoke(&self, of: &Subscriber) {
        let (ctx, permit) = (self.stage.ctx(), self.stage.world.home_permit());
        let sessions = SessionsOf::Identity(of.endpoint.id);
        self.stage.app.authority.revoke_sessions(&ctx, &permit, sessions).await.unwrap();
    }

    /// A request in plain bytes, and the answer's status and body.
    async fn request(&self, method: &str, query: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let head = format!(
            "{method} /socket.io/?{query} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// A WebSocket.
    async fn socket(&self, query: &str) -> Socket {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let url = format!("ws://t/socket.io/?{query}&transport=websocket");
        client_async(url, stream).await.unwrap().0
    }
}

/// The next frame of text; nothing when it closes.
async fn frame(socket: &mut Socket) -> Option<String> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) => return Some(text.to_string()),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

async fn say(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
}

/// A packet without the name that the server made.
fn tidy(packet: &str) -> String {
    match packet.split_once(r#"{"sid":""#) {
        Some((before, after)) => format!("{before}{{\"sid\":\"<sid>\"{}", &after[after.find('"').unwrap() + 1..]),
        None => packet.to_owned(),
    }
}
