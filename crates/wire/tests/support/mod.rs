//! A server in the hands of a test: the real router over SQLite in a temporary file, time that stands still, mail that stays.
#![allow(
    clippy::allow_attributes,
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    reason = "each test file uses its own part of it, and a test stops at what it does not expect"
)]

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use ringfence_core::{
    application::ApplicationSettings,
    authority::{ApplicationRequest, Authority, Parts, ProjectRequest},
    caller::{Caller, Permit, Scope},
    context::{Ctx, RequestId},
    ids::ApplicationId,
    mail::{Message, Outbox},
    password::{HasherConfig, PasswordHasher},
    project::{Compat, Project, ProjectPolicy},
    seal::{KeyRing, Sealer},
    testing::{ManualClock, MemoryMailer, RecordingBus, RecordingCourier, SeededEntropy},
    time::Clock as _,
};
use ringfence_wire::{App, Feed, Mount, Relay, Settings, assertion_profiles, router, token_shapes};
use tempfile::TempDir;

mod answer;
mod custom_token;
mod request;
mod tiledesk;

pub use answer::Answer;
pub use custom_token::{claims, forged, signed, signed_by};
pub use request::Asking;
pub use tiledesk::{PASSWORD, Person, Place};

/// The server with everything around it.
pub struct Server {
    pub clock: Arc<ManualClock>,
    pub mailer: Arc<MemoryMailer>,
    pub authority: Arc<Authority>,
    pub project: Project,
    pub feed: Arc<Feed>,
    /// Values that snapshots show by name.
    names: Mutex<Vec<(String, String)>>,
    /// Every body that it answered.
    pub heard: Mutex<Vec<String>>,
    router: Router,
    /// The store runs as long as this lives.
    _opened: ringfence_store::Opened,
    _folder: TempDir,
}

impl Server {
    /// A server with one project, `default`, on which every dialect is mounted.
    pub async fn start() -> Self {
        Self::start_with(ProjectPolicy::default(), &[]).await
    }

    /// The same with switches on for old clients.
    pub async fn start_compatible() -> Self {
        let compat = Compat { token_in_query: true, ..Compat::default() };
        Self::start_with(ProjectPolicy { compat, ..ProjectPolicy::default() }, &[]).await
    }

    /// The same with a policy for the project and options for the mount.
    pub async fn start_with(policy: ProjectPolicy, options: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let opened = ringfence_store::open(&url, &ringfence_store::Options::default()).unwrap();
        let entropy = SeededEntropy::new(7);
        let (clock, mailer) = (ManualClock::new(), Arc::<MemoryMailer>::default());
        let (outbox, delivery) = Outbox::new(Arc::clone(&mailer) as _);
        tokio::spawn(delivery);
        let authority = Authority::new(Parts {
            store: opened.store(),
            clock: Arc::clone(&clock) as _,
            entropy: Arc::clone(&entropy) as _,
            bus: Arc::<RecordingBus>::default(),
            outbox,
            hasher: PasswordHasher::new(HasherConfig::for_tests(), Arc::clone(&entropy) as _).unwrap(),
            sealer: Sealer::new(&KeyRing::generate(SeededEntropy::new(8).as_ref())),
            public_url: PUBLIC_URL.to_owned(),
            shapes: token_shapes(),
            profiles: assertion_profiles(),
        });
        let authority = Arc::new(authority.with_courier(Arc::<RecordingCourier>::default()));
        let ctx = operator_ctx(&clock);
        let permit = Caller::Operator.permit_installation().unwrap();
        let wanted = ProjectRequest { name: "default".to_owned(), policy };
        let project = authority.create_project(&ctx, &permit, wanted).await.unwrap();
        let mount = Mount {
            dialect: "tiledesk",
            prefix: "/tiledesk".to_owned(),
            hosts: vec!["tiledesk.localhost".to_owned()],
            project: "default".to_owned(),
            options: options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        let turn = Relay {
            realm: "relay.test".to_owned(),
            urls: vec!["turn:relay.test".to_owned()],
            ttl: Duration::from_mins(10),
        };
        let settings = Settings {
            public_url: PUBLIC_URL.to_owned(),
            mounts: vec![mount],
            turn: Some(turn),
            ..Settings::default()
        };
        let app = App::new(Arc::clone(&authority), settings);
        let router = router(&app);
        Self {
            clock,
            mailer,
            authority,
            project,
            feed: app.feed,
            names: Mutex::default(),
            heard: Mutex::default(),
            router,
            _opened: opened,
            _folder: folder,
        }
    }

    /// What the operator does.
    pub fn ctx(&self) -> Ctx {
        operator_ctx(&self.clock)
    }

    /// The operator's permit for the project.
    pub fn permit(&self) -> Permit {
        Caller::Operator.permit(Scope::All, self.project.id).unwrap()
    }

    /// An application of another project of the installation.
    pub async fn elsewhere(&self) -> (Permit, ApplicationId) {
        let permit = Caller::Operator.permit_installation().unwrap();
        let wanted = ProjectRequest { name: "elsewhere".to_owned(), policy: ProjectPolicy::default() };
        let project = self.authority.create_project(&self.ctx(), &permit, wanted).await.unwrap();
        let permit = Caller::Operator.permit(Scope::All, project.id).unwrap();
        let settings = ApplicationSettings::default();
        let wanted = ApplicationRequest { name: "Theirs".to_owned(), settings, aliases: Vec::new() };
        let made = self.authority.create_application(&self.ctx(), &permit, wanted).await.unwrap();
        (permit, made.id)
    }

    /// Has snapshots show `name` for a value that is another one in each run, or long.
    pub fn call(&self, value: impl Into<String>, name: impl fmt::Display) {
        self.names.lock().unwrap().push((value.into(), format!("{{{name}}}")));
    }

    /// The link in the `nth` mail.
    pub async fn link(&self, nth: usize) -> String {
        match self.mailer.nth(nth).await.message {
            Message::PasswordReset { link, .. }
            | Message::VerifyEmail { link, .. }
            | Message::Invitation { link, .. } => link,
            Message::PasswordChanged | Message::EmailChanged => String::new(),
        }
    }
}

const PUBLIC_URL: &str = "https://auth.example.org";

fn operator_ctx(clock: &ManualClock) -> Ctx {
    Ctx { request_id: RequestId(1), address: None, dialect: "test", language: None, now: clock.now() }
}
