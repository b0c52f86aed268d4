//! The provisioning file: what may stand in it. Unknown keys are errors.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use ringfence_core::{
    application::{Alias, ApplicationTokens, WayIn},
    federation::ProviderSettings,
    live_token::SocketPolicy,
    password::PasswordPolicy,
    presence::InboundPolicy,
    project::{Compat, EmailChange, SigningAlg, SipPolicy, TokenPolicy, TurnPolicy},
    secret::{Password, RawToken},
};
use serde::Deserialize;
use serde_json::Value;

use crate::federation_http;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    #[serde(default)]
    pub project: Vec<ProjectEntry>,
}

/// `[[project]]`. What is absent stays as it is, or has its default in a new project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectEntry {
    pub name: String,
    pub password: Option<PasswordPolicy>,
    pub tokens: Option<TokenPolicy>,
    /// What signs access tokens of the native API.
    pub signing_alg: Option<SigningAlg>,
    pub email_change: Option<EmailChange>,
    pub reset_url: Option<String>,
    pub sip: Option<SipPolicy>,
    pub turn: Option<TurnPolicy>,
    pub compat: Option<Compat>,
    /// Which of somebody's open connections is reached, unless an application says otherwise.
    pub inbound: Option<InboundPolicy>,
    /// By provider; kept in the project's policy.
    pub federation: Option<ProviderSettings>,
    #[serde(default)]
    pub application: Vec<ApplicationEntry>,
    #[serde(default)]
    pub api_key: Vec<ApiKeyEntry>,
    #[serde(default)]
    pub identity: Vec<IdentityEntry>,
    #[serde(default)]
    pub guest_target: Vec<GuestTargetEntry>,
    #[serde(default)]
    pub endpoint_group: Vec<EndpointGroupEntry>,
    #[serde(default)]
    pub webhook: Vec<WebhookEntry>,
}

/// `[[project.application]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationEntry {
    pub name: String,
    pub publishable_key: Option<String>,
    #[serde(default)]
    pub aliases: BTreeMap<String, Names>,
    pub sign_in: Option<BTreeSet<WayIn>>,
    pub allowed_origins: Option<Vec<String>>,
    pub inbound: Option<InboundPolicy>,
    /// Where a password-reset link asked for through it leads.
    pub reset_url: Option<String>,
    /// Where it differs from the project.
    pub tokens: Option<ApplicationTokens>,
    /// How open connections are treated around the end of their token.
    pub socket: Option<SocketPolicy>,
    /// Whether the issuers' tokens may leave open whom they speak of.
    pub assertion_wildcard: Option<bool>,
    #[serde(default)]
    pub trusted_issuer: Vec<IssuerEntry>,
}

/// One name or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Names {
    One(String),
    Many(Vec<String>),
}

/// `[[project.application.trusted_issuer]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerEntry {
    pub profile: String,
    pub secret: Option<RawToken>,
    pub secret_file: Option<PathBuf>,
}

/// `[[project.api_key]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyEntry {
    pub name: String,
    pub value: Option<RawToken>,
    pub value_file: Option<PathBuf>,
    pub scopes: Vec<String>,
}

/// `[[project.identity]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityEntry {
    pub email: String,
    pub password: Option<Password>,
    pub password_file: Option<PathBuf>,
    pub nickname: Option<String>,
    /// Roles in the project as a whole; kept in the identity's attributes.
    pub roles: Option<Vec<String>>,
}

/// `[[project.webhook]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookEntry {
    /// Where it is, and what it is known by here.
    pub url: String,
    /// What it is told of; everything when empty.
    #[serde(default)]
    pub events: Vec<String>,
    pub secret: Option<RawToken>,
    pub secret_file: Option<PathBuf>,
}

/// `[[project.guest_target]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestTargetEntry {
    pub kind: String,
    pub id: String,
}

/// `[[project.endpoint_group]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointGroupEntry {
    /// What its account signs in as, and what the group is known by here.
    pub user_name: String,
    /// What people call it; its user name when absent.
    pub name: Option<String>,
    pub password: Option<Password>,
    pub password_file: Option<PathBuf>,
    #[serde(default)]
    pub endpoint: Vec<EndpointEntry>,
}

/// `[[project.endpoint_group.endpoint]]`. Its secret is always made by us.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointEntry {
    pub user_name: String,
    /// What people call it; its user name when absent.
    pub name: Option<String>,
    pub tag: Option<String>,
    /// RFC 3339.
    pub expires_at: Option<String>,
}

impl File {
    /// Reads a file and the files that its secrets stand in, which are looked for beside it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let read = || -> Result<Self> {
            let mut file: Self = toml::from_str(&text)?;
            for project in &mut file.project {
                project.resolve(folder).with_context(|| format!("project {}", project.name))?;
            }
            Ok(file)
        };
        read().with_context(|| format!("in {}", path.display()))
    }
}

impl ProjectEntry {
    fn resolve(&mut self, folder: &Path) -> Result<()> {
        for issuer in self.application.iter_mut().flat_map(|application| &mut application.trusted_issuer) {
            from_file("secret", &mut issuer.secret, issuer.secret_file.take(), folder, RawToken::new)?;
        }
        for key in &mut self.api_key {
            from_file("value", &mut key.value, key.value_file.take(), folder, RawToken::new)?;
        }
        for identity in &mut self.identity {
            from_file("password", &mut identity.password, identity.password_file.take(), folder, Password::new)?;
        }
        for webhook in &mut self.webhook {
            from_file("secret", &mut webhook.secret, webhook.secret_file.take(), folder, RawToken::new)?;
        }
        for group in &mut self.endpoint_group {
            from_file("password", &mut group.password, group.password_file.take(), folder, Password::new)?;
        }
        for (name, provider) in self.federation.iter_mut().flat_map(ProviderSettings::iter_mut) {
            let settle = |provider: &mut Value| {
                resolve_member(provider, "app_secret", folder)?;
                resolve_member(provider, "client_secret", folder)?;
                federation_http::settle(name, provider)
            };
            settle(provider).with_context(|| format!("federation.{name}"))?;
        }
        Ok(())
    }
}

fn from_file<T>(
    key: &str,
    value: &mut Option<T>,
    file: Option<PathBuf>,
    folder: &Path,
    wrap: impl FnOnce(String) -> T,
) -> Result<()> {
    let Some(file) = file else { return Ok(()) };
    if value.is_some() {
        bail!("{key} and {key}_file are both given; keep one");
    }
    *value = Some(wrap(read_secret(key, &folder.join(file))?));
    Ok(())
}

fn resolve_member(provider: &mut Value, key: &str, folder: &Path) -> Result<()> {
    let Value::Object(members) = provider else { return Ok(()) };
    let Some(file) = members.remove(&format!("{key}_file")) else { return Ok(()) };
    let file = file.as_str().with_context(|| format!("{key}_file: expected a file name"))?;
    if members.contains_key(key) {
        bail!("{key} and {key}_file are both given; keep one");
    }
    members.insert(key.to_owned(), Value::String(read_secret(key, &folder.join(file))?));
    Ok(())
}

/// The first line of a file.
fn read_secret(key: &str, path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("{key}_file: cannot read {}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// The schemes that names of applications have in the store.
pub const ALIAS_SCHEMES: &[&str] = &["publishable_key", "tiledesk:project", "keyclic:application"];

/// The scheme of the names that a dialect gives.
pub fn alias_scheme(dialect: &str) -> Result<&'static str> {
    Ok(match dialect {
        "publishable_key" => "publishable_key",
        "tiledesk" => "tiledesk:project",
        "keyclic" => "keyclic:application",
        other => bail!("aliases: no dialect `{other}` names applications; tiledesk and keyclic do"),
    })
}

impl ApplicationEntry {
    /// All names, in the store's terms.
    pub fn aliases(&self) -> Result<Vec<Alias>> {
        let key = self.publishable_key.iter().map(|key| ("publishable_key", key.as_str()));
        let mut aliases = Vec::new();
        let named =
            self.aliases.iter().flat_map(|(dialect, names)| names.each().map(move |name| (dialect.as_str(), name)));
        for (dialect, value) in key.chain(named) {
            aliases.push(Alias { scheme: alias_scheme(dialect)?.to_owned(), value: value.to_owned() });
        }
        Ok(aliases)
    }
}

impl Names {
    fn each(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}
