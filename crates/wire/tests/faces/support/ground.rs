//! What every server of a test stands on: a store in a temporary file, time that stands still, mail that stays.

use std::sync::Arc;

use ringfence_core::{
    authority::{Authority, Parts, ProjectRequest},
    caller::Caller,
    context::{Ctx, RequestId},
    mail::Outbox,
    password::{HasherConfig, PasswordHasher},
    project::{Project, ProjectPolicy},
    seal::{KeyRing, Sealer},
    testing::{ManualClock, MemoryMailer, RecordingBus, RecordingCourier, SeededEntropy},
    time::Clock as _,
};
use ringfence_store::{Opened, Options, Store, open};
use ringfence_wire::{App, Mount, Settings, assertion_profiles, token_shapes};
use tempfile::TempDir;

/// Where the servers of tests say that they are.
pub const PUBLIC_URL: &str = "https://auth.example.org";

/// The domain, ready to be asked.
pub struct Ground {
    pub clock: Arc<ManualClock>,
    pub mailer: Arc<MemoryMailer>,
    pub authority: Arc<Authority>,
    /// The store runs as long as this lives.
    opened: Opened,
    _folder: TempDir,
}

impl Ground {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let opened = open(&url, &Options::default()).unwrap();
        let (clock, entropy, mailer) = (ManualClock::new(), SeededEntropy::new(7), Arc::<MemoryMailer>::default());
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
        Self { clock, mailer, authority, opened, _folder: folder }
    }

    /// What the operator does.
    pub fn ctx(&self) -> Ctx {
        Ctx { request_id: RequestId(1), address: None, dialect: "test", language: None, now: self.clock.now() }
    }

    /// A project of the installation.
    pub async fn project(&self, name: &str, policy: ProjectPolicy) -> Project {
        let permit = Caller::Operator.permit_installation().unwrap();
        self.authority.create_project(&self.ctx(), &permit, wanted(name, policy)).await.unwrap()
    }

    /// The faces over it, with one dialect mounted.
    pub fn app(&self, dialect: &'static str, options: &[(&str, &str)], settings: Settings) -> App {
        let mounts = vec![mount(dialect, options)];
        App::new(Arc::clone(&self.authority), Settings { public_url: PUBLIC_URL.to_owned(), mounts, ..settings })
    }

    pub fn store(&self) -> Store {
        self.opened.store()
    }
}

/// A dialect below its own name and at the root of its own host, for the project `default`.
pub fn mount(dialect: &'static str, options: &[(&str, &str)]) -> Mount {
    Mount {
        dialect,
        prefix: format!("/{dialect}"),
        hosts: vec![format!("{dialect}.localhost")],
        project: "default".to_owned(),
        options: options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    }
}

/// The wish for a project.
pub fn wanted(name: &str, policy: ProjectPolicy) -> ProjectRequest {
    ProjectRequest { name: name.to_owned(), policy }
}
