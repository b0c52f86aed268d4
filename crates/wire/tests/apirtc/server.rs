//! A server with two projects, their applications and an account, and requests to it.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use ringfence_core::{
    application::{Alias, Application, ApplicationSettings},
    authority::{ApiKeyRequest, ApplicationRequest, Authority, Parts, ProjectRequest, Registration},
    caller::{Caller, Permit, Scope},
    context::{Ctx, RequestId},
    identity::{Identity, Profile},
    jose::{Alg, Signer, SigningKeyPair},
    mail::Outbox,
    password::{HasherConfig, PasswordHasher},
    project::{Compat, Project, ProjectPolicy, ProjectRef},
    seal::{KeyRing, Sealer},
    secret::{Password, RawToken},
    testing::{ManualClock, MemoryMailer, RecordingBus, SeededEntropy},
    time::Clock as _,
};
use ringfence_wire::{App, Mount, Settings, assertion_profiles, router, token_shapes};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub const KEY: &str = "0123456789abcdef0123456789abcdef";
pub const SECRET: &str = "M;ak,SKPs|*uK)9mKO?Jy!2/\"wTzv_o3dzB7i8[sN&eQ";
pub const EMAIL: &str = "agent@example.org";
pub const PASSWORD: &str = "violet otter under glass";

pub struct Server {
    pub clock: Arc<ManualClock>,
    pub authority: Arc<Authority>,
    pub project: Project,
    pub application: Application,
    pub agent: Identity,
    names: Mutex<Vec<(String, &'static str)>>,
    router: Router,
    _opened: ringfence_store::Opened,
    _folder: TempDir,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(Compat::default()).await
    }

    pub async fn start_with(compat: Compat) -> Self {
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
            public_url: "https://auth.example.org".to_owned(),
            shapes: token_shapes(),
            profiles: assertion_profiles(),
        }));
        let permit = Caller::Operator.permit_installation().unwrap();
        let wanted =
            ProjectRequest { name: "default".to_owned(), policy: ProjectPolicy { compat, ..ProjectPolicy::default() } };
        let project = authority.create_project(&ctx(&clock), &permit, wanted).await.unwrap();
        let mount = Mount {
            dialect: "apirtc",
            prefix: "/apirtc".to_owned(),
            hosts: vec!["apirtc.localhost".to_owned()],
            project: "default".to_owned(),
            ..Mount::default()
        };
        let settings =
            Settings { public_url: "https://auth.example.org".to_owned(), mounts: vec![mount], ..Settings::default() };
        let router = router(&App::new(Arc::clone(&authority), settings));
        let application = make(&authority, &clock, &project, KEY, SECRET, ApplicationSettings::default()).await;
        let wanted = Registration {
            project: ProjectRef::Id(project.id),
            email: EMAIL.to_owned(),
            password: Password::new(PASSWORD),
            profile: Profile { nickname: Some("Agent Ann".to_owned()), ..Profile::default() },
            attributes: serde_json::Map::new(),
            vouched: None,
            verify: None,
        };
        let agent = authority.register(&ctx(&clock), wanted).await.unwrap();
        let server = Self {
            clock,
            authority,
            project,
            application,
            agent,
            names: Mutex::default(),
            router,
            _opened: opened,
            _folder: folder,
        };
        server.call(&server.project.id.to_string(), "{enterprise}");
        server.call(&server.agent.id.to_string(), "{agent}");
        server
    }

    pub fn ctx(&self) -> Ctx {
        ctx(&self.clock)
    }

    pub fn permit(&self) -> Permit {
        Caller::Operator.permit(Scope::All, self.project.id).unwrap()
    }

    /// Another application of the project.
    pub async fn application(&self, key: &str, secret: &str, settings: ApplicationSettings) -> Application {
        make(&self.authority, &self.clock, &self.project, key, secret, settings).await
    }

    pub async fn api_key(&self, scopes: &[Scope]) -> String {
        let wanted = ApiKeyRequest {
            label: "backend".to_owned(),
            scopes: scopes.iter().copied().collect(),
            application: None,
            expires_at: None,
            value: None,
        };
        let minted = self.authority.create_api_key(&self.ctx(), &self.permit(), wanted).await.unwrap();
        minted.value.expose().to_owned()
    }

    /// Has answers show `name` for a value that differs from run to run.
    pub fn call(&self, value: &str, name: &'static str) {
        self.names.lock().unwrap().push((value.to_owned(), name));
    }

    /// A request below the mount.
    pub fn ask(&self, method: &str, path: &str) -> Asking<'_> {
        self.ask_root(method, &format!("/apirtc{path}"))
    }

    pub fn ask_root(&self, method: &str, path: &str) -> Asking<'_> {
        Asking {
            server: self,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Body::empty(),
        }
    }

    pub async fn get(&self, path: &str, bearer: &str) -> Answer {
        self.ask("GET", path).bearer(bearer).send().await
    }

    /// The bearer of a sign-in as the library makes it.
    pub async fn login(&self) -> String {
        let answer = self.authenticate(PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.text("/token")
    }

    pub async fn authenticate(&self, password: &str) -> Answer {
        let asked = self.ask("POST", "/api/v3/authenticate");
        asked.multipart(&[("username", EMAIL), ("password", password)]).send().await
    }

    /// A back end's JWT; `claims` replace or, by null, take away the right ones.
    pub fn jwt(&self, user: &str, claims: &Value) -> String {
        self.jwt_by(Alg::HS256, SECRET, user, claims)
    }

    pub fn jwt_by(&self, alg: Alg, secret: &str, user: &str, claims: &Value) -> String {
        let pair = SigningKeyPair::from_bytes(alg, secret.as_bytes()).unwrap();
        let signer = Signer::new(Arc::new(pair), None, "JWT").unwrap();
        signer.mint(&self.claims(user, claims)).unwrap().expose().to_owned()
    }

    pub fn claims(&self, user: &str, claims: &Value) -> Value {
        let now = self.clock.now().seconds();
        let mut all = json!({
            "sub": KEY, "aud": "apiRTC", "grants": { "apiRTC_UserAgent_Id": user },
            "iat": now, "exp": now + 3600, "jti": "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
        });
        for (name, value) in claims.as_object().unwrap() {
            match value {
                Value::Null => drop(all.as_object_mut().unwrap().remove(name)),
                value => drop(all.as_object_mut().unwrap().insert(name.clone(), value.clone())),
            }
        }
        all
    }

    /// A line of the channel by polling, opened with this query.
    pub async fn line(&self, query: &str) -> Polled<'_> {
        let opened = self.ask_root("GET", &format!("/socket.io/?{query}&EIO=4&transport=polling")).send().await;
        assert_eq!(opened.status, 200, "{opened}");
        let sid = serde_json::from_str::<Value>(&opened.body[1..]).unwrap()["sid"].as_str().unwrap().to_owned();
        Polled { server: self, path: format!("/socket.io/?{query}&EIO=4&transport=polling&sid={sid}") }
    }

    /// What somebody is first told who asks for the channel.
    pub async fn admitted(&self, query: &str) -> String {
        let line = self.line(query).await;
        line.send("40").await;
        let told = line.poll().await;
        if told[0].starts_with("40{\"sid\":") { "in".to_owned() } else { told[0].clone() }
    }

    /// The same for a user with a token.
    pub async fn shown(&self, user: &str, token: &str) -> String {
        let told = self.admitted(&format!("channelId={user}&apiKey={KEY}&token={token}")).await;
        told.replace("44{\"message\":\"access token failure: ", "refused: ").replace("\"}", "")
    }
}

async fn make(
    authority: &Authority,
    clock: &ManualClock,
    project: &Project,
    key: &str,
    secret: &str,
    settings: ApplicationSettings,
) -> Application {
    let permit = Caller::Operator.permit(Scope::All, project.id).unwrap();
    let aliases = vec![Alias { scheme: "publishable_key".to_owned(), value: key.to_owned() }];
    let wanted = ApplicationRequest { name: format!("application {key}"), settings, aliases };
    let made = authority.create_application(&ctx(clock), &permit, wanted).await.unwrap();
    authority.trust_issuer(&ctx(clock), &permit, made.id, "apirtc", Some(RawToken::new(secret))).await.unwrap();
    made
}

fn ctx(clock: &ManualClock) -> Ctx {
    Ctx { request_id: RequestId(1), address: None, dialect: "test", language: None, now: clock.now() }
}

/// A line by polling.
pub struct Polled<'a> {
    server: &'a Server,
    path: String,
}

impl Polled<'_> {
    pub async fn send(&self, packets: &str) {
        let mut asked = self.server.ask_root("POST", &self.path);
        asked.body = Body::from(packets.to_owned());
        let answer = asked.send().await;
        assert_eq!(answer.to_string(), "200 ok");
    }

    /// What has come since.
    pub async fn poll(&self) -> Vec<String> {
        let answer = self.server.ask_root("GET", &self.path).send().await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.body.split('\u{1e}').map(str::to_owned).collect()
    }

    /// The messages that have come since, as JSON.
    pub async fn messages(&self) -> Vec<Value> {
        self.poll().await.iter().filter_map(|packet| message(packet)).collect()
    }
}

/// The message in an event packet.
pub fn message(packet: &str) -> Option<Value> {
    let start = packet.find("[\"message\",")?;
    let event: Value = serde_json::from_str(&packet[start..]).ok()?;
    serde_json::from_str(event[1].as_str()?).ok()
}

/// The claims of a token, unverified.
pub fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
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

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", &body.to_string())
    }

    pub fn form(self, body: &str) -> Self {
        self.raw("application/x-www-form-urlencoded", body)
    }

    /// As browsers send form data; without fields it is the closing boundary alone.
    pub fn multipart(self, fields: &[(&str, &str)]) -> Self {
        let parts = fields.iter().map(|(name, value)| {
            format!("------BoundaryX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        });
        let body = parts.collect::<String>() + "------BoundaryX--\r\n";
        self.raw("multipart/form-data; boundary=----BoundaryX", &body)
    }

    pub fn raw(self, content_type: &str, body: &str) -> Self {
        Self { body: Body::from(body.to_owned()), ..self.header("content-type", content_type) }
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
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = self.body.clone();
        for (value, name) in &self.names {
            body = body.replace(value, name);
        }
        write!(f, "{} {body}", self.status.as_u16())
    }
}
