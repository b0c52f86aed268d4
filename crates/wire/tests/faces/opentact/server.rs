//! A server in the hands of a test: the real router over SQLite in a temporary file, time that stands still, mail that stays.

use std::sync::Arc;

use axum::Router;
use ringfence_core::{
    authority::{Authority, ProjectRequest},
    caller::{Caller, Permit, Scope},
    federation::{ProviderSettings, Providers},
    ids::IdentityId,
    project::{Compat, Project, ProjectPolicy},
    store::Store,
    testing::{CredulousProvider, World},
};
use ringfence_wire::{App, Mount, Settings, router, token_shapes};
use serde_json::{Map, json};

use crate::support::{Answer, Asking, Exchange, basic, link_in, mount, numbered};

pub const PASSWORD: &str = "violet: otter under glass";

/// The server and everything around it.
pub struct Server {
    pub world: World,
    pub authority: Arc<Authority>,
    pub project: Project,
    pub app: App,
    exchange: Exchange,
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
        let options = [("callback_hosts", "app.example.org")];
        // The same face for somebody else's users.
        let elsewhere = Mount {
            prefix: "/elsewhere".to_owned(),
            hosts: Vec::new(),
            project: "elsewhere".to_owned(),
            ..mount("opentact", &options)
        };
        let mounts = vec![mount("opentact", &options), elsewhere];
        let settings = Settings { public_url: "https://auth.test".to_owned(), mounts, ..Settings::default() };
        let app = App::new(Arc::clone(&authority), settings);
        let exchange = Exchange::with(router(&app), numbered);
        Self { world, authority, project, app, exchange }
    }

    pub fn router(&self) -> Router {
        self.exchange.router.clone()
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
        self.exchange.ask(method, path)
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
        link_in(self.world.mailer.nth(nth).await.message)
    }
}

impl Asking {
    pub fn jwt(self, token: &str) -> Self {
        self.header("x-auth-token", token)
    }
}
