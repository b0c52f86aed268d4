//! Applications: what a request comes from.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    ids::{ApplicationId, ProjectId},
    live_token::SocketPolicy,
    presence::InboundPolicy,
    project::{Grace, Project},
    store::StoreResult,
    time::Timestamp,
};

/// An application of a project; later the OAuth client.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Its project.
    pub project: ProjectId,
    /// Its name. Unique in the project only among provisioned ones, which are found by it.
    pub name: String,
    /// What is configured for it.
    pub settings: ApplicationSettings,
    /// Since when nobody may sign in through it.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An application's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationSettings {
    /// Ways that are allowed.
    pub sign_in: BTreeSet<WayIn>,
    /// Browser origins that may use it; `*` means any.
    pub allowed_origins: Vec<String>,
    /// Where a password-reset link asked for through it leads, with `{token}` for the secret; the project's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_url: Option<String>,
    /// What it has of its own about tokens.
    #[serde(skip_serializing_if = "ApplicationTokens::is_default")]
    pub tokens: ApplicationTokens,
    /// Roles that a trusted issuer may claim for its users; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion_roles: Option<BTreeSet<String>>,
    /// Whether a trusted issuer's tokens may leave open whom they speak of.
    pub assertion_wildcard: bool,
    /// How open connections are treated around the end of their token.
    #[serde(skip_serializing_if = "SocketPolicy::is_default")]
    pub socket: SocketPolicy,
    /// Which of somebody's open connections is reached; as the project says when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound: Option<InboundPolicy>,
    /// What only one dialect knows, under its name; opaque here.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
}

impl ApplicationSettings {
    /// Whether pages of this origin may use the application. Without an origin it is not a browser that asks.
    pub fn allows_origin(&self, origin: Option<&str>) -> bool {
        let named = |origin: &str| self.allowed_origins.iter().any(|allowed| allowed == "*" || allowed == origin);
        origin.is_none_or(named)
    }
}

/// What an application has of its own about tokens; the project's where it is silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApplicationTokens {
    /// How long a refresh token that was used is answered again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_grace: Option<Grace>,
}

impl ApplicationTokens {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for ApplicationSettings {
    fn default() -> Self {
        Self {
            sign_in: WayIn::ALL.into_iter().collect(),
            allowed_origins: vec!["*".to_owned()],
            reset_url: None,
            tokens: ApplicationTokens::default(),
            assertion_roles: None,
            assertion_wildcard: false,
            socket: SocketPolicy::default(),
            inbound: None,
            attributes: Map::new(),
        }
    }
}

/// A way to sign in that an application may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WayIn {
    /// Identifier and password.
    Password,
    /// Anonymously.
    Guest,
    /// By a token of a trusted issuer.
    Assertion,
    /// By a token of an identity provider.
    Federated,
}

impl WayIn {
    /// Every way there is.
    pub const ALL: [Self; 4] = [Self::Password, Self::Guest, Self::Assertion, Self::Federated];
}

/// A name that some dialect gives an application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alias {
    /// Who gives such names, e.g. `publishable_key`.
    pub scheme: String,
    /// The name, unique in its scheme.
    pub value: String,
}

/// Storage of applications and their aliases.
pub trait ApplicationStore {
    /// Adds an application.
    fn insert_application(&mut self, application: &Application) -> StoreResult<()>;
    /// An application by id.
    fn application(&mut self, id: ApplicationId) -> StoreResult<Option<Application>>;
    /// The same, and nobody else changes it before this transaction ends.
    fn application_to_change(&mut self, id: ApplicationId) -> StoreResult<Option<Application>>;
    /// The first application of a project that has this name.
    fn application_by_name(&mut self, project: ProjectId, name: &str) -> StoreResult<Option<Application>>;
    /// An application with its project.
    fn home(&mut self, id: ApplicationId) -> StoreResult<Option<(Application, Project)>>;
    /// An application by one of its aliases, with its project.
    fn home_by_alias(&mut self, scheme: &str, value: &str) -> StoreResult<Option<(Application, Project)>>;
    /// Applications of a project in order of id, after `after`.
    fn applications(
        &mut self,
        project: ProjectId,
        after: Option<ApplicationId>,
        limit: u32,
    ) -> StoreResult<Vec<Application>>;
    /// Replaces name, settings and standing.
    fn update_application(&mut self, application: &Application) -> StoreResult<()>;
    /// Gives an application an alias; `false` when another one has it. Giving it again is `true`.
    fn set_alias(&mut self, application: ApplicationId, alias: &Alias) -> StoreResult<bool>;
    /// Takes an alias away; `false` when the application does not have it.
    fn remove_alias(&mut self, application: ApplicationId, alias: &Alias) -> StoreResult<bool>;
    /// The aliases of an application, in order.
    fn aliases(&mut self, application: ApplicationId) -> StoreResult<Vec<Alias>>;
}
