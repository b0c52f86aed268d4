//! A server with one project, on which Tiledesk is mounted.

use std::{fmt, sync::Arc, time::Duration};

use ringfence_core::{
    application::ApplicationSettings,
    authority::{ApplicationRequest, Authority},
    caller::{Caller, Permit, Scope},
    context::Ctx,
    ids::ApplicationId,
    project::{Compat, Project, ProjectPolicy},
    testing::{ManualClock, MemoryMailer},
};
use ringfence_wire::{Feed, Relay, Settings, router};

use crate::support::{Asking, Exchange, Ground, by_kind, link_in};

/// The server with everything around it.
pub struct Server {
    pub clock: Arc<ManualClock>,
    pub mailer: Arc<MemoryMailer>,
    pub authority: Arc<Authority>,
    pub project: Project,
    pub feed: Arc<Feed>,
    pub exchange: Exchange,
    ground: Ground,
}

impl Server {
    /// A server with one project, `default`.
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
        let ground = Ground::start();
        let project = ground.project("default", policy).await;
        let turn = Relay {
            realm: "relay.test".to_owned(),
            urls: vec!["turn:relay.test".to_owned()],
            ttl: Duration::from_mins(10),
        };
        let app = ground.app("tiledesk", options, Settings { turn: Some(turn), ..Settings::default() });
        Self {
            clock: Arc::clone(&ground.clock),
            mailer: Arc::clone(&ground.mailer),
            authority: Arc::clone(&ground.authority),
            project,
            exchange: Exchange::with(router(&app), by_kind),
            feed: app.feed,
            ground,
        }
    }

    /// What the operator does.
    pub fn ctx(&self) -> Ctx {
        self.ground.ctx()
    }

    /// The operator's permit for the project.
    pub fn permit(&self) -> Permit {
        Caller::Operator.permit(Scope::All, self.project.id).unwrap()
    }

    /// An application of another project of the installation.
    pub async fn elsewhere(&self) -> (Permit, ApplicationId) {
        let project = self.ground.project("elsewhere", ProjectPolicy::default()).await;
        let permit = Caller::Operator.permit(Scope::All, project.id).unwrap();
        let settings = ApplicationSettings::default();
        let wanted = ApplicationRequest { name: "Theirs".to_owned(), settings, aliases: Vec::new() };
        let made = self.authority.create_application(&self.ctx(), &permit, wanted).await.unwrap();
        (permit, made.id)
    }

    /// Has snapshots show `name` for a value that is another one in each run, or long.
    pub fn call(&self, value: impl Into<String>, name: impl fmt::Display) {
        self.exchange.call(value, name);
    }

    /// The link in the `nth` mail.
    pub async fn link(&self, nth: usize) -> String {
        link_in(self.mailer.nth(nth).await.message)
    }

    /// A request to the Tiledesk mount.
    pub fn ask(&self, method: &str, path: &str) -> Asking {
        self.ask_root(method, &format!("/tiledesk{path}"))
    }

    /// A request to anything.
    pub fn ask_root(&self, method: &str, path: &str) -> Asking {
        self.exchange.ask(method, path)
    }

    pub fn get(&self, path: &str) -> Asking {
        self.ask("GET", path)
    }

    pub fn post(&self, path: &str) -> Asking {
        self.ask("POST", path)
    }

    pub fn put(&self, path: &str) -> Asking {
        self.ask("PUT", path)
    }
}
