//! A server in the hands of a test: the real router over SQLite in a temporary file, time that stands still, mail that stays.

use std::{
    fmt::{self, Write as _},
    net::SocketAddr,
    sync::Arc,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Request, StatusCode, request::Builder};
use http_body_util::BodyExt as _;
use ringfence_core::{
    authority::{Authority, ProjectRequest},
    caller::{Caller, Permit, Scope},
    federation::{ProviderSettings, Providers},
    ids::IdentityId,
    mail::Message,
    project::{Compat, Project, ProjectPolicy},
    store::Store,
    testing::{CredulousProvider, World},
};
use ringfence_wire::{App, Mount, Settings, router, token_shapes};
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

pub const PASSWORD: &str = "violet: otter under glass";

/// The server and everything around it.
pub struct Server {
    pub world: World,
    pub authority: Arc<Authority>,
    pub project: Project,
    pub app: App,
    router: Router,
}

/// Somebody who signed up and in.
#[derive(Clone)]
pub struct User {
    pub id: String,
    pub email: String,
    /// What `Authorization` says for their password.
    pub basic: String,
    pub jwt: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }
}

/// Status, media type and body, with names for what is another text in each run.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = String::from_utf8_lossy(&self.bytes);
        write!(f, "{} {} {}", self.status.as_u16(), self.header("content-type"), named(&plain).trim())
    }
}

/// The text with kinds instead of ids, tokens and secrets; the same id has the same number.
pub fn named(text: &str) -> String {
    let (mut seen, mut shown, mut word) = (Vec::<String>::new(), String::new(), String::new());
    let is_id = |word: &str| word.len() == 36 && word.parse::<IdentityId>().is_ok() && !word.starts_with("00000000");
    for char in text.chars().chain(['\0']) {
        if char.is_ascii_alphanumeric() || "._-".contains(char) {
            word.push(char);
            continue;
        }
        if is_id(&word) {
            let number = seen.iter().position(|known| *known == word).unwrap_or_else(|| {
                seen.push(word.clone());
                seen.len() - 1
            });
            write!(shown, "{{id{number}}}").unwrap();
        } else if word.starts_with("eyJ") && word.matches('.').count() == 2 {
            shown.push_str("{jwt}");
        } else if let Some(kind) = ["rfk_", "rfv_"].into_iter().find(|prefix| word.starts_with(prefix)) {
            write!(shown, "{{{kind}}}").unwrap();
        } else {
            shown.push_str(&word);
        }
        word.clear();
        if char != '\0' {
            shown.push(char);
        }
    }
    shown
}

/// The value of `Authorization` for a pair.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Everything that is unsafe is allowed.
pub fn lenient() -> ProjectPolicy {
    ProjectPolicy { compat: Compat { token_in_query: true, digest_over_http: true }, ..policy() }
}

/// Nothing is, and two providers are known.
pub fn policy() -> ProjectPolicy {
    let mut federation = ProviderSettings::default();
    federation.insert("google".to_owned(), json!({ "app_id": "g" }));
    federation.insert("facebook".to_owned(), json!({ "app_id": "f" }));
    ProjectPolicy { federation, ..ProjectPolicy::default() }
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(policy()).await
    }

    pub async fn start_with(policy: ProjectPolicy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let opened = ringfence_store::open(&url, &ringfence_store::Options::default()).unwrap();
        let store: Store = opened.store();
        let world = World::start(store).await.holding((opened, folder));
        let node = world.node_with(|parts| parts.shapes = token_shapes());
        let providers = Providers::default()
            .with("google", Arc::new(CredulousProvider))
            .with("facebook", Arc::new(CredulousProvider));
        let authority = Arc::new(Arc::into_inner(node).unwrap().with_providers(providers));
        let wanted = ProjectRequest { name: "default".to_owned(), policy: policy.clone() };
        let project = authority.create_project(&world.ctx(), &world.installation(), wanted).await.unwrap();
        let other = ProjectRequest { name: "elsewhere".to_owned(), policy };
        authority.create_project(&world.ctx(), &world.installation(), other).await.unwrap();
        let mount = |prefix: &str, project: &str, hosts: &[&str]| Mount {
            dialect: "opentact",
            prefix: prefix.to_owned(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            project: project.to_owned(),
            options: [("callback_hosts".to_owned(), "app.example.org".to_owned())].into(),
        };
        let mounts = vec![
            mount("/opentact", "default", &["opentact.localhost"]),
            // The same face for somebody else's users.
            mount("/elsewhere", "elsewhere", &[]),
        ];
        let settings = Settings { public_url: "https://auth.test".to_owned(), mounts, ..Settings::default() };
        let app = App::new(Arc::clone(&authority), settings);
        let router = router(&app);
        Self { world, authority, project, app, router }
    }

    pub fn router(&self) -> Router {
        self.router.clone()
    }

    pub fn permit(&self) -> Permit {
        Caller::Operator.permit(Scope::All, self.project.id).unwrap()
    }

    /// A request below `/opentact/rest`.
    pub fn ask(&self, method: &str, path: &str) -> Asking {
        self.root(method, &format!("/opentact/rest{path}"))
    }

    /// A request to anything.
    pub fn root(&self, method: &str, path: &str) -> Asking {
        let builder = Request::builder().method(method).uri(path);
        Asking { router: self.router.clone(), builder, body: Body::empty() }
    }

    pub async fn sign_up(&self, name: &str) -> Answer {
        let body = json!({ "email": format!("{name}@example.org"), "password": PASSWORD, "first_name": name });
        self.ask("POST", "/user").json(&body).send().await
    }

    /// Signs somebody up and in.
    pub async fn user(&self, name: &str) -> User {
        let made = self.sign_up(name).await;
        assert_eq!(made.status, 201, "{made}");
        self.signed_in(&format!("{name}@example.org")).await
    }

    /// Signs somebody in.
    pub async fn signed_in(&self, email: &str) -> User {
        let basic = basic(email, PASSWORD);
        let answer = self.ask("GET", "/auth").header("authorization", &basic).send().await;
        assert_eq!(answer.status, 200, "{answer}");
        let payload = &answer.json()["payload"];
        let text = |name: &str| payload[name].as_str().unwrap().to_owned();
        User { id: text("uuid"), email: email.to_owned(), basic, jwt: text("token") }
    }

    /// A key of somebody's own.
    pub async fn key(&self, user: &User, ttl: u64) -> String {
        let wanted = json!({ "name": "script", "ttl": ttl });
        let made = self.ask("POST", "/token").jwt(&user.jwt).json(&wanted).send().await;
        assert_eq!(made.status, 201, "{made}");
        made.json()["payload"]["token"].as_str().unwrap().to_owned()
    }

    /// Gives somebody roles in the project as a whole, as a provisioning file does.
    pub async fn give_project_role(&self, user: &User, role: &str) {
        let (id, role): (IdentityId, _) = (user.id.parse().unwrap(), role.to_owned());
        let attributes = Map::from_iter([("roles".to_owned(), json!([role]))]);
        let change = ringfence_core::authority::ProfileChange {
            attributes: Some(("project", attributes)),
            ..ringfence_core::authority::ProfileChange::default()
        };
        self.authority.change_identity(&self.world.ctx(), &self.permit(), id, change).await.unwrap();
    }

    /// The link in the `nth` mail.
    pub async fn link(&self, nth: usize) -> String {
        match self.world.mailer.nth(nth).await.message {
            Message::PasswordReset { link, .. }
            | Message::VerifyEmail { link, .. }
            | Message::Invitation { link, .. } => link,
            Message::PasswordChanged | Message::EmailChanged => String::new(),
        }
    }
}

/// A request that is being put together.
pub struct Asking {
    router: Router,
    builder: Builder,
    body: Body,
}

impl Asking {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub fn jwt(self, token: &str) -> Self {
        self.header("x-auth-token", token)
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    pub fn raw(self, media_type: &str, body: impl Into<Body>) -> Self {
        let mut asking = self.header("content-type", media_type);
        asking.body = body.into();
        asking
    }

    pub async fn send(self) -> Answer {
        let mut request = self.builder.body(self.body).unwrap();
        let address = SocketAddr::from(([192, 0, 2, 1], 40_000));
        request.extensions_mut().insert(ConnectInfo(address));
        let response = self.router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }
}
