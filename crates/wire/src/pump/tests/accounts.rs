//! Open sockets of accounts: what somebody does to the account over another face reaches them.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, State, WebSocketUpgrade},
    response::Response,
    routing::get,
};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use ringfence_core::{
    authority::PresentedCredential, context::Ctx, mail::Message as Mailed, presence::InboundPolicy, secret::RawToken,
};
use tower::ServiceExt as _;

use super::*;
use crate::{
    App, Mount, Settings,
    extract::Circumstances,
    live::{Habits, Line},
    pump::{self, Conversation, Step},
};

const PASSWORD: &str = "violet otter under glass";
const NEW: &str = "seven quiet lanterns";

static HABITS: Habits = Habits {
    login: Duration::from_secs(10),
    retry: Duration::from_mins(1),
    idle: Duration::from_mins(1),
    tick: None,
    ping: false,
    warn: None,
    write: Duration::from_secs(5),
    failures: 10,
    rate: 50,
    burst: 300,
    message: 16 * 1024,
};

/// As little as a face with sockets can do: it takes a token and says whose it is.
struct Greeting;

#[async_trait]
impl Conversation for Greeting {
    async fn on_frame(&mut self, line: &mut Line, ctx: &Ctx, text: &str) -> Step {
        let shown = PresentedCredential::AccessToken(RawToken::new(text));
        let Ok(who) = line.authority().authenticate(ctx, shown).await else { return Step::close(1008, "refused") };
        match line.admit(ctx, &who, InboundPolicy::All).await {
            Ok(()) => Step::send(who.identity.id.to_string()),
            Err(_) => Step::close(1008, "refused"),
        }
    }

    fn on_directive(&mut self, _line: &Line, _directive: &Directive) -> Step {
        Step::nothing()
    }
}

async fn greet(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Response {
    pump::upgrade(&app, ctx, socket, &headers, &HABITS, |_| Greeting)
}

/// The Keyclic face and that of [`Greeting`], on one node.
struct Node {
    world: ringfence_core::testing::World,
    address: SocketAddr,
    router: Router,
}

impl Node {
    async fn start() -> Self {
        let Stage { world, app, .. } = Stage::start().await;
        let project = world.home.project.name.clone();
        let mount = Mount { dialect: "keyclic", prefix: "/keyclic".to_owned(), project, ..Mount::default() };
        let settings =
            Settings { public_url: "https://auth.test".to_owned(), mounts: vec![mount], ..Settings::default() };
        let app = App::new(app.authority, settings);
        tokio::spawn(Arc::clone(&app.live).run());
        let router = Router::new().route("/greeting", get(greet)).with_state(app.clone()).merge(crate::router(&app));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { world, address, router }
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let request = Request::post(format!("/keyclic{path}")).header("content-type", "application/json");
        let mut request = request.body(Body::from(body.to_string())).unwrap();
        request.extensions_mut().insert(ConnectInfo(self.address));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn token(&self, email: &str, password: &str) -> Option<String> {
        let (_, login) = self.post("/security/login", json!({ "login": email, "password": password })).await;
        login["accessToken"].as_str().map(str::to_owned)
    }

    async fn socket(&self, token: &str) -> Socket {
        let request = format!("ws://{}/greeting", self.address).into_client_request().unwrap();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut socket, _) = client_async(request, stream).await.unwrap();
        socket.send(Message::text(token)).await.unwrap();
        socket
    }

    /// A socket of somebody, greeted by their id.
    async fn greeted(&self, token: &str) -> Socket {
        let mut socket = self.socket(token).await;
        let Some(Ok(Message::Text(id))) = socket.next().await else { panic!("refused") };
        assert!(id.parse::<IdentityId>().is_ok(), "{id}");
        socket
    }

    async fn reset_secret(&self, nth: usize) -> String {
        match self.world.mailer.nth(nth).await.message {
            Mailed::PasswordReset { link, .. } => link.rsplit('/').next().unwrap().to_owned(),
            other => panic!("another mail: {other:?}"),
        }
    }
}

#[tokio::test]
async fn n77_a_password_that_is_reset_by_mail_closes_every_open_socket_of_its_owner() {
    let t = Node::start().await;
    for email in ["ann@example.org", "bob@example.org"] {
        let made = t.post("/security/register", json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(made.0, 201, "{}", made.1);
    }
    let old = t.token("ann@example.org", PASSWORD).await.unwrap();
    let other = t.token("ann@example.org", PASSWORD).await.unwrap();
    let bobs = t.token("bob@example.org", PASSWORD).await.unwrap();
    let [mut phone, mut desk] = [t.greeted(&old).await, t.greeted(&other).await];
    let mut bob = t.greeted(&bobs).await;

    assert_eq!(t.post("/security/password/change-request", json!({ "email": "ann@example.org" })).await.0, 204);
    let path = format!("/security/password/change/{}", t.reset_secret(3).await);
    assert_eq!(t.post(&path, json!({ "password": NEW })).await.0, 204);

    assert_eq!(closed(&mut phone).await, goodbye(1008, "session ended"));
    assert_eq!(closed(&mut desk).await, goodbye(1008, "session ended"));
    // Old tokens open no new ones, the old password gets no new tokens, the new one does.
    assert_eq!(closed(&mut t.socket(&old).await).await, goodbye(1008, "refused"));
    assert_eq!(t.token("ann@example.org", PASSWORD).await, None);
    t.greeted(&t.token("ann@example.org", NEW).await.unwrap()).await;
    // Nobody else noticed.
    bob.send(Message::text(bobs)).await.unwrap();
    assert!(matches!(bob.next().await, Some(Ok(Message::Text(_)))));
}
