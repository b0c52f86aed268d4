//! A server in the hands of a test: the real router over SQLite in a temporary file, time that stands still, mail that stays.

use std::{
    fmt::{self, Write as _},
    net::SocketAddr,
    sync::Arc,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{HeaderMap, Request, StatusCode, request::Builder};
use http_body_util::BodyExt as _;
use ringfence_core::{
    application::{Alias, Application, ApplicationSettings},
    authority::{ApplicationRequest, Authority, ProjectRequest},
    caller::{Caller, Permit, Scope},
    federation::Providers,
    ids::{IdentityId, MembershipId},
    mail::Message,
    membership::Membership,
    password::{HasherConfig, PasswordHasher},
    project::{Project, ProjectPolicy},
    store::Store,
    testing::{CredulousProvider, World},
    time::Clock as _,
};
use ringfence_wire::{App, Mount, Settings, router, token_shapes};
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

pub const PASSWORD: &str = "violet otter under glass";
pub const KEY: &str = "com.keyclic.app";

/// The server and everything around it.
pub struct Server {
    pub world: World,
    pub authority: Arc<Authority>,
    pub project: Project,
    pub application: Application,
    router: Router,
}

/// Somebody who registered and logged in.
pub struct Ann {
    pub id: String,
    pub email: String,
    pub access: String,
    pub refresh: String,
    pub login: Value,
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
        } else if let Some(kind) = ["rfr_", "rfv_"].into_iter().find(|prefix| word.starts_with(prefix)) {
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

impl Server {
    pub async fn start() -> Self {
        Self::start_with(ProjectPolicy::default(), &[]).await
    }

    pub async fn start_with(policy: ProjectPolicy, options: &[(&str, &str)]) -> Self {
        Self::start_hashing(policy, options, HasherConfig::for_tests()).await
    }

    /// With passwords hashed at this cost.
    pub async fn start_hashing(policy: ProjectPolicy, options: &[(&str, &str)], hashing: HasherConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let opened = ringfence_store::open(&url, &ringfence_store::Options::default()).unwrap();
        let store: Store = opened.store();
        let world = World::start(store).await.holding((opened, folder));
        let hasher = PasswordHasher::new(hashing, Arc::clone(&world.entropy) as _).unwrap();
        let node = world.node_with(|parts| {
            parts.shapes = token_shapes();
            parts.hasher = hasher;
        });
        let providers = Providers::default()
            .with("facebook", Arc::new(CredulousProvider))
            .with("oidc", Arc::new(CredulousProvider));
        let authority = Arc::new(Arc::into_inner(node).unwrap().with_providers(providers));
        let wanted = ProjectRequest { name: "default".to_owned(), policy };
        let project = authority.create_project(&world.ctx(), &world.installation(), wanted).await.unwrap();
        let application = make_application(&world, &authority, &project, "City", &[KEY, "com.keyclic.city"]).await;
        let mount = Mount {
            dialect: "keyclic",
            prefix: "/keyclic".to_owned(),
            hosts: vec!["keyclic.localhost".to_owned()],
            project: "default".to_owned(),
            options: options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        let settings =
            Settings { public_url: "https://auth.test".to_owned(), mounts: vec![mount], ..Settings::default() };
        let router = router(&App::new(Arc::clone(&authority), settings));
        Self { world, authority, project, application, router }
    }

    pub fn permit(&self) -> Permit {
        Caller::Operator.permit(Scope::All, self.project.id).unwrap()
    }

    /// Another application of the project, or of another project.
    pub async fn application(&self, project: &Project, key: &str) -> Application {
        make_application(&self.world, &self.authority, project, "Other", &[key]).await
    }

    /// Another project of the installation.
    pub async fn elsewhere(&self) -> Project {
        let wanted = ProjectRequest { name: "elsewhere".to_owned(), policy: ProjectPolicy::default() };
        self.authority.create_project(&self.world.ctx(), &self.world.installation(), wanted).await.unwrap()
    }

    /// A request to the mount, without any header.
    pub fn bare(&self, method: &str, path: &str) -> Asking<'_> {
        self.root(method, &format!("/keyclic{path}"))
    }

    /// A request to anything.
    pub fn root(&self, method: &str, path: &str) -> Asking<'_> {
        Asking { server: self, builder: Request::builder().method(method).uri(path), body: Body::empty() }
    }

    /// A request that names the application.
    pub fn ask(&self, method: &str, path: &str) -> Asking<'_> {
        self.bare(method, path).header("x-keyclic-app", KEY)
    }

    pub async fn register(&self, name: &str) -> Answer {
        let body = json!({ "email": format!("{name}@example.org"), "password": PASSWORD });
        self.ask("POST", "/security/register").json(&body).send().await
    }

    pub async fn log_in(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "login": email, "password": password });
        self.ask("POST", "/security/login").json(&body).send().await
    }

    /// Registers somebody and logs them in.
    pub async fn person(&self, name: &str) -> Ann {
        let made = self.register(name).await;
        assert_eq!(made.status, 201, "{made}");
        self.again(&format!("{name}@example.org")).await
    }

    /// Logs somebody in who is registered.
    pub async fn again(&self, email: &str) -> Ann {
        let answer = self.log_in(email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer}");
        let login = answer.json();
        let text = |pointer: &str| login.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let (id, access, refresh) = (text("/credentials/id"), text("/accessToken"), text("/refreshToken"));
        Ann { id, email: email.to_owned(), access, refresh, login }
    }

    /// Gives somebody a role in the application.
    pub async fn give_role(&self, ann: &Ann, role: &str) {
        let (now, identity) = (self.world.clock.now(), ann.id.parse().unwrap());
        let place = Membership {
            id: MembershipId::mint(now, self.world.entropy.as_ref()),
            project: self.project.id,
            application: self.application.id,
            identity,
            role: role.to_owned(),
            attributes: Map::new(),
            disabled_at: None,
            created_by: identity,
            created_at: now,
            updated_at: now,
        };
        self.world.store.write(move |tx| Ok(tx.insert_membership(&place)?)).await.unwrap();
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

async fn make_application(
    world: &World,
    authority: &Authority,
    project: &Project,
    name: &str,
    keys: &[&str],
) -> Application {
    let permit = Caller::Operator.permit(Scope::All, project.id).unwrap();
    let alias = |key: &&str| Alias { scheme: "keyclic:application".to_owned(), value: (*key).to_owned() };
    let wanted = ApplicationRequest {
        name: name.to_owned(),
        settings: ApplicationSettings::default(),
        aliases: keys.iter().map(alias).collect(),
    };
    authority.create_application(&world.ctx(), &permit, wanted).await.unwrap()
}

/// A request that is being put together.
pub struct Asking<'a> {
    server: &'a Server,
    builder: Builder,
    body: Body,
}

impl Asking<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json;charset=UTF-8", body.to_string())
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
        let response = self.server.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }
}
