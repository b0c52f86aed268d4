//! A server with two accounts, their API keys, and requests to it.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use ringfence_core::{
    authority::{ApiKeyRequest, Authority, Parts, PresentedCredential, ProjectRequest},
    caller::{Caller, Permit, Scope},
    context::{Ctx, RequestId},
    error::AuthError,
    identity::Identifier,
    mail::Outbox,
    password::{HasherConfig, PasswordHasher},
    project::{Project, ProjectPolicy, ProjectRef},
    seal::{KeyRing, Sealer},
    secret::{Password, RawToken},
    testing::{ManualClock, MemoryMailer, RecordingBus, SeededEntropy},
    time::{Clock as _, Timestamp},
};
use ringfence_wire::{App, Mount, Settings, assertion_profiles, router, token_shapes};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

pub const PUBLIC_URL: &str = "https://auth.example.org";

pub struct Server {
    pub clock: Arc<ManualClock>,
    pub authority: Arc<Authority>,
    pub project: Project,
    pub other: Project,
    /// A key with every scope, of each account.
    pub key: String,
    pub other_key: String,
    names: Mutex<Vec<(String, &'static str)>>,
    router: Router,
    opened: ringfence_store::Opened,
    _folder: TempDir,
}

impl Server {
    pub fn store(&self) -> ringfence_store::Store {
        self.opened.store()
    }

    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let opened = ringfence_store::open(&url, &ringfence_store::Options::default()).unwrap();
        let (clock, entropy) = (ManualClock::new(), SeededEntropy::new(7));
        let (outbox, delivery) = Outbox::new(Arc::<MemoryMailer>::default());
        tokio::spawn(delivery);
        let authority = Arc::new(Authority::new(Parts {
            store: opened.store(),
            clock: Arc::clone(&clock) as _,
            entropy: Arc::clone(&entropy) as _,
            bus: Arc::<RecordingBus>::default(),
            outbox,
            hasher: PasswordHasher::new(HasherConfig::for_tests(), Arc::clone(&entropy) as _).unwrap(),
            sealer: Sealer::new(&KeyRing::generate(entropy.as_ref())),
            public_url: PUBLIC_URL.to_owned(),
            shapes: token_shapes(),
            profiles: assertion_profiles(),
        }));
        let [project, other] = [make(&authority, &clock, "default").await, make(&authority, &clock, "other").await];
        let mount = Mount {
            dialect: "telnyx",
            prefix: "/telnyx".to_owned(),
            hosts: vec!["telnyx.localhost".to_owned()],
            project: "default".to_owned(),
            ..Mount::default()
        };
        let settings = Settings { public_url: PUBLIC_URL.to_owned(), mounts: vec![mount], ..Settings::default() };
        let router = router(&App::new(Arc::clone(&authority), settings));
        let mut server = Self {
            clock,
            authority,
            project,
            other,
            key: String::new(),
            other_key: String::new(),
            names: Mutex::default(),
            router,
            opened,
            _folder: folder,
        };
        server.key = server.api_key(&server.project, &[Scope::All], None).await;
        server.other_key = server.api_key(&server.other, &[Scope::All], None).await;
        server.call(&server.project.id.to_string(), "{account}");
        server
    }

    pub fn ctx(&self) -> Ctx {
        ctx(&self.clock)
    }

    pub fn permit(&self) -> Permit {
        Caller::Operator.permit(Scope::All, self.project.id).unwrap()
    }

    pub async fn api_key(&self, of: &Project, scopes: &[Scope], expires_at: Option<Timestamp>) -> String {
        let wanted = ApiKeyRequest {
            label: "backend".to_owned(),
            scopes: scopes.iter().copied().collect(),
            application: None,
            expires_at,
            value: None,
        };
        let permit = Caller::Operator.permit(Scope::All, of.id).unwrap();
        let minted = self.authority.create_api_key(&self.ctx(), &permit, wanted).await.unwrap();
        minted.value.expose().to_owned()
    }

    /// Has answers show `name` for a value that differs from run to run.
    pub fn call(&self, value: &str, name: &'static str) {
        self.names.lock().unwrap().push((value.to_owned(), name));
    }

    /// A request with the key of the account.
    pub fn ask(&self, method: &str, path: &str) -> Asking<'_> {
        self.bare(method, path).key(&self.key)
    }

    /// A request without a key.
    pub fn bare(&self, method: &str, path: &str) -> Asking<'_> {
        Asking {
            server: self,
            method: method.to_owned(),
            path: format!("/telnyx/v2{path}"),
            headers: Vec::new(),
            body: Body::empty(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).send().await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path).json(&body).send().await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask("PATCH", path).json(&body).send().await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path).send().await
    }

    /// A connection's id.
    pub async fn connection(&self, user_name: &str) -> String {
        let body = serde_json::json!({
            "connection_name": "Phones", "user_name": user_name, "password": "otter glass violet",
        });
        let made = self.post("/credential_connections", body).await;
        assert_eq!(made.status, 201, "{made}");
        made.text("/data/id")
    }

    /// A credential of a connection, as it was shown.
    pub async fn credential(&self, connection: &str) -> Value {
        let made = self.post("/telephony_credentials", serde_json::json!({ "connection_id": connection })).await;
        assert_eq!(made.status, 201, "{made}");
        made.json()["data"].clone()
    }

    /// A login token of a credential.
    pub async fn token(&self, credential: &Value) -> RawToken {
        let path = format!("/telephony_credentials/{}/token", credential["id"].as_str().unwrap());
        let answer = self.ask("POST", &path).send().await;
        assert_eq!(answer.status, 201, "{answer}");
        RawToken::new(answer.body)
    }

    /// What the gate says to a login token.
    pub async fn login_token(&self, token: &RawToken) -> &'static str {
        let presented = PresentedCredential::AccessToken(token.clone());
        outcome(self.authority.authenticate(&self.ctx(), presented).await)
    }

    /// What the gate says to a user name and a password.
    pub async fn login(&self, user_name: &str, password: &str) -> &'static str {
        let presented = PresentedCredential::Password {
            project: ProjectRef::Id(self.project.id),
            identifier: Identifier::of(Identifier::SIP, user_name),
            password: Password::new(password),
        };
        outcome(self.authority.sign_in(&self.ctx(), presented).await)
    }

    pub fn later(&self, span: Duration) -> String {
        (self.clock.now() + span).rfc3339()
    }
}

fn outcome<T>(answer: Result<T, AuthError>) -> &'static str {
    answer.map_or_else(|refusal| refusal.code(), |_| "accepted")
}

async fn make(authority: &Authority, clock: &ManualClock, name: &str) -> Project {
    let permit = Caller::Operator.permit_installation().unwrap();
    let wanted = ProjectRequest { name: name.to_owned(), policy: ProjectPolicy::default() };
    authority.create_project(&ctx(clock), &permit, wanted).await.unwrap()
}

fn ctx(clock: &ManualClock) -> Ctx {
    Ctx { request_id: RequestId(1), address: None, dialect: "telnyx", language: None, now: clock.now() }
}

/// A request that is being put together.
pub struct Asking<'a> {
    server: &'a Server,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Body,
}

impl Asking<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn key(mut self, key: &str) -> Self {
        self.headers.retain(|(name, _)| name != "authorization");
        self.header(header::AUTHORIZATION.as_str(), &format!("Bearer {key}"))
    }

    pub fn at(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw(&body.to_string()).header("content-type", "application/json")
    }

    pub fn raw(self, body: &str) -> Self {
        Self { body: Body::from(body.to_owned()), ..self }
    }

    pub async fn send(self) -> Answer {
        let mut builder = Request::builder().method(self.method.as_str()).uri(&self.path);
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let response = self.server.router.clone().oneshot(builder.body(self.body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let names = self.server.names.lock().unwrap().clone();
        Answer { status: parts.status, headers: parts.headers, body, names }
    }
}

/// An answer, shown as its status and its whole body.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    names: Vec<(String, &'static str)>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn text(&self, pointer: &str) -> String {
        let found = self.json().pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.unwrap_or_else(|| panic!("{pointer} is no text in {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and the codes of the errors.
    pub fn codes(&self) -> String {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        let codes: Vec<_> = errors.iter().map(|error| error["code"].as_str().unwrap().to_owned()).collect();
        format!("{} {}", self.status.as_u16(), codes.join(" "))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = serde_json::from_str::<Value>(&self.body);
        let mut body = body.map_or_else(|_| self.body.clone(), |body| format!("{body:#}"));
        for (value, name) in &self.names {
            body = body.replace(value, name);
        }
        write!(f, "{} {body}", self.status.as_u16())
    }
}
