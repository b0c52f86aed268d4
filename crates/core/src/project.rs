//! Projects: one user base and one issuer each, and the boundary of tenancy.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    federation::ProviderSettings,
    ids::{ApplicationId, GuestTargetId, ProjectId},
    jose::Alg,
    password::PasswordPolicy,
    presence::InboundPolicy,
    store::StoreResult,
    time::Timestamp,
};

/// A tenant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its name, unique in the installation.
    pub name: String,
    /// What is configured for it.
    pub policy: ProjectPolicy,
    /// Since when nobody may sign in.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A project's configuration, as in the provisioning file. What a newer node stored beside these is passed over, so that
/// two versions can run together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectPolicy {
    /// Rules for new passwords.
    pub password: PasswordPolicy,
    /// How long tokens live.
    pub tokens: TokenPolicy,
    /// What signs tokens of faces that leave the choice to the project.
    #[serde(skip_serializing_if = "SigningAlg::is_default")]
    pub signing_alg: SigningAlg,
    /// When a new e-mail address counts.
    pub email_change: EmailChange,
    /// Where a password-reset link leads, with `{token}` for the secret; a dialect has a default of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_url: Option<String>,
    /// SIP settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sip: Option<SipPolicy>,
    /// Relays of media.
    pub turn: TurnPolicy,
    /// Unsafe compatibility, off by default; each use is audited.
    pub compat: Compat,
    /// Which of somebody's open connections is reached.
    pub inbound: InboundPolicy,
    /// Federated sign-in, by provider.
    #[serde(skip_serializing_if = "ProviderSettings::is_empty")]
    pub federation: ProviderSettings,
}

/// How long tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenPolicy {
    /// An access token, and a session of a protocol that cannot refresh.
    pub access: Span,
    /// A refresh token, and a guest's session.
    pub refresh: Span,
    /// How long a refresh token that was used is answered again, where the application does not say.
    #[serde(skip_serializing_if = "Grace::is_default")]
    pub refresh_grace: Grace,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        Self { access: Span::hours(24), refresh: Span::days(30), refresh_grace: Grace::default() }
    }
}

/// How long the refresh token before the newest is answered like it was the first time: the answer may have been lost on its
/// way. Longer than [`Grace::LONGEST`] it would be a second token and no grace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Span", into = "Span")]
pub struct Grace(Span);

impl Grace {
    /// The longest there may be.
    pub const LONGEST: Duration = Duration::from_mins(10);

    /// The grace as a duration.
    pub const fn duration(self) -> Duration {
        self.0.duration()
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Grace {
    fn default() -> Self {
        Self(Span(Duration::from_secs(30)))
    }
}

impl TryFrom<Span> for Grace {
    type Error = &'static str;

    fn try_from(span: Span) -> Result<Self, Self::Error> {
        if span.duration() > Self::LONGEST { Err("a refresh grace is at most 10m") } else { Ok(Self(span)) }
    }
}

impl From<Grace> for Span {
    fn from(grace: Grace) -> Self {
        grace.0
    }
}

/// An algorithm for tokens that others verify by the published keys. Not every library knows the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SigningAlg {
    /// Ed25519 (RFC 8037).
    #[default]
    EdDSA,
    /// ECDSA with P-256 and SHA-256 (RFC 7518 §3.4).
    ES256,
}

impl SigningAlg {
    /// The algorithm.
    pub const fn alg(self) -> Alg {
        match self {
            Self::EdDSA => Alg::EdDSA,
            Self::ES256 => Alg::ES256,
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// When a changed e-mail address takes effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailChange {
    /// At once.
    #[default]
    Immediate,
    /// After a link sent to the new address was used.
    Verified,
}

/// SIP settings of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SipPolicy {
    /// The digest realm.
    pub domain: String,
    /// Keep digests of SIP users readable in the database, for SIP servers that read it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsealed: bool,
}

/// Who may use relays of media.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TurnPolicy {
    /// Guests too.
    pub guests: bool,
}

/// Switches for behaviour that is unsafe and that old clients need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Compat {
    /// Accept tokens in the query string.
    pub token_in_query: bool,
    /// Accept a SIP digest as an HTTP credential.
    pub digest_over_http: bool,
}

/// A span of time as people write it: `90s`, `15m`, `24h`, `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

impl Span {
    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// So many hours.
    pub const fn hours(hours: u64) -> Self {
        Self(Duration::from_secs(hours * 3600))
    }

    /// So many days.
    pub const fn days(days: u64) -> Self {
        Self::hours(days * 24)
    }

    /// The span as a duration.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Reads the text form; zero is refused.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let seconds = digits.parse::<u64>().ok()?.checked_mul(unit)?;
        (seconds > 0).then_some(Self(Duration::from_secs(seconds)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        for (unit, name) in [(86_400, "d"), (3600, "h"), (60, "m")] {
            if seconds.is_multiple_of(unit) {
                return write!(f, "{}{name}", seconds / unit);
            }
        }
        write!(f, "{seconds}s")
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a span of time is a number with s, m, h or d"))
    }
}

impl ProjectPolicy {
    /// Whether digests of SIP users are kept readable.
    pub fn has_unsealed_digests(&self) -> bool {
        self.sip.as_ref().is_some_and(|sip| sip.unsealed)
    }
}

/// Names a project or an application of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectRef {
    /// A project by id.
    Id(ProjectId),
    /// A project by the name of its configuration, such as a mount's `default`.
    Name(String),
    /// An application, and so its project, by id.
    Application(ApplicationId),
    /// An application, and so its project, by a name of some dialect, e.g. a publishable key.
    Alias {
        /// Who gives such names.
        scheme: &'static str,
        /// The name.
        value: String,
    },
}

/// Something that guests may reach, such as an assistant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GuestTarget {
    /// Its id.
    pub id: GuestTargetId,
    /// Its project.
    pub project: ProjectId,
    /// What it is, e.g. `ai_assistant`.
    pub kind: String,
    /// Its name on the wire, unique with `kind` in the project.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Storage of projects, guest targets and of what belongs to the installation as a whole.
pub trait ProjectStore {
    /// Adds a project; `false` when the name is taken.
    fn insert_project(&mut self, project: &Project) -> StoreResult<bool>;
    /// A project by id.
    fn project(&mut self, id: ProjectId) -> StoreResult<Option<Project>>;
    /// The same, and nobody else changes it before this transaction ends.
    fn project_to_change(&mut self, id: ProjectId) -> StoreResult<Option<Project>>;
    /// A project by name.
    fn project_by_name(&mut self, name: &str) -> StoreResult<Option<Project>>;
    /// Projects in order of id, after `after`.
    fn projects(&mut self, after: Option<ProjectId>, limit: u32) -> StoreResult<Vec<Project>>;
    /// Replaces policy and standing.
    fn update_project(&mut self, project: &Project) -> StoreResult<()>;

    /// Adds a guest target; `false` when (kind, name) is taken in the project.
    fn insert_guest_target(&mut self, target: &GuestTarget) -> StoreResult<bool>;
    /// A guest target by kind and name.
    fn guest_target(&mut self, project: ProjectId, kind: &str, name: &str) -> StoreResult<Option<GuestTarget>>;
    /// All guest targets of a project, in order of id.
    fn guest_targets(&mut self, project: ProjectId) -> StoreResult<Vec<GuestTarget>>;
    /// Removes a guest target; `false` when there is none.
    fn delete_guest_target(&mut self, id: GuestTargetId) -> StoreResult<bool>;

    /// A fact about the installation, e.g. which master key sealed it.
    fn installation_fact(&mut self, name: &str) -> StoreResult<Option<String>>;
    /// Records such a fact.
    fn set_installation_fact(&mut self, name: &str, value: &str) -> StoreResult<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_print_in_the_largest_unit() {
        for (text, seconds, printed) in
            [("90s", 90, "90s"), ("60m", 3600, "1h"), ("24h", 86_400, "1d"), ("30d", 2_592_000, "30d")]
        {
            let span = Span::parse(text).unwrap();
            assert_eq!((span.duration().as_secs(), span.to_string().as_str()), (seconds, printed));
        }
        for text in ["", "0s", "12", "h", "1w", "-1s", "1.5h", "99999999999999999999d"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_refresh_grace_is_bounded_and_written_only_where_it_was_chosen() {
        let read = |text: &str| serde_json::from_str::<TokenPolicy>(text).map(|policy| policy.refresh_grace.duration());
        assert_eq!(read("{}").unwrap().as_secs(), 30);
        assert_eq!(read(r#"{"refresh_grace":"10m"}"#).unwrap(), Grace::LONGEST);
        for text in ["601s", "11m", "0s", "1d"] {
            assert!(read(&format!(r#"{{"refresh_grace":"{text}"}}"#)).is_err(), "{text}");
        }
        let written = |text: &str| serde_json::to_string(&serde_json::from_str::<TokenPolicy>(text).unwrap()).unwrap();
        assert_eq!(written("{}"), r#"{"access":"1d","refresh":"30d"}"#);
        let chosen = r#"{"access":"1d","refresh":"30d","refresh_grace":"5m"}"#;
        assert_eq!(written(chosen), chosen);
    }
}
