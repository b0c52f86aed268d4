//! A server in the hands of a test: the real router over SQLite in a temporary file, time that stands still, mail that stays.

use std::sync::Arc;

use ringfence_core::{
    application::{Alias, Application, ApplicationSettings},
    authority::{ApplicationRequest, Authority, ProjectRequest},
    caller::{Caller, Permit, Scope},
    event::{SecurityEvent, Signal},
    federation::Providers,
    ids::MembershipId,
    membership::Membership,
    password::{HasherConfig, PasswordHasher},
    project::{Project, ProjectPolicy},
    store::Store,
    testing::{CredulousProvider, World},
    time::Clock as _,
};
use ringfence_wire::{App, Settings, router, token_shapes};
use serde_json::{Map, Value, json};

use crate::support::{Answer, Asking, Exchange, link_in, mount, numbered};

pub const PASSWORD: &str = "violet otter under glass";
pub const KEY: &str = "com.keyclic.app";

/// The server and everything around it.
pub struct Server {
    pub world: World,
    pub authority: Arc<Authority>,
    pub project: Project,
    pub application: Application,
    exchange: Exchange,
}

/// Somebody who registered and logged in.
pub struct Ann {
    pub id: String,
    pub email: String,
    pub access: String,
    pub refresh: String,
    pub login: Value,
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
        let settings = Settings {
            public_url: "https://auth.test".to_owned(),
            mounts: vec![mount("keyclic", options)],
            ..Settings::default()
        };
        let app = App::new(Arc::clone(&authority), settings);
        Self { world, authority, project, application, exchange: Exchange::with(router(&app), numbered) }
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
    pub fn bare(&self, method: &str, path: &str) -> Asking {
        self.root(method, &format!("/keyclic{path}"))
    }

    /// A request to anything.
    pub fn root(&self, method: &str, path: &str) -> Asking {
        self.exchange.ask(method, path)
    }

    /// A request that names the application.
    pub fn ask(&self, method: &str, path: &str) -> Asking {
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
        self.authority.hear(Signal::Event(SecurityEvent::MembershipChanged(identity)));
    }

    /// The link in the `nth` mail.
    pub async fn link(&self, nth: usize) -> String {
        link_in(self.world.mailer.nth(nth).await.message)
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
