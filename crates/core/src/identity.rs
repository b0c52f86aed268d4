//! Identities: members, guests, endpoints and services, and the identifiers they are found by.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;

use crate::{
    ids::{ApplicationId, IdentityId, ProjectId},
    store::StoreResult,
    time::Timestamp,
};

/// A subscriber account (SP 800-63) and what it is called.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Identity {
    /// Its id, the subject of its tokens.
    pub id: IdentityId,
    /// Its project.
    pub project: ProjectId,
    /// The application it exists in, for guests and for users of a trusted issuer; members belong to the whole project.
    pub application: Option<ApplicationId>,
    /// What it is.
    pub kind: IdentityKind,
    /// What it says of itself.
    pub profile: Profile,
    /// What only one dialect knows, under its name; opaque here.
    pub attributes: Map<String, Value>,
    /// Whether it may sign in.
    pub standing: Standing,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Identity {
    /// What it keeps of the project as a whole in its attributes. Only an operator writes there.
    pub const PROJECT_ATTRIBUTES: &'static str = "project";

    /// Its roles in the project as a whole, beside those in applications.
    pub fn project_roles(&self) -> impl Iterator<Item = &str> {
        let own = self.attributes.get(Self::PROJECT_ATTRIBUTES);
        own.and_then(|own| own.get("roles")?.as_array()).into_iter().flatten().filter_map(Value::as_str)
    }
}

/// What an identity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    /// A person with an account.
    Member,
    /// A visitor who said no more than hello.
    Guest,
    /// A user of the customer's own system, known by its assertions.
    External,
    /// A device or SIP account.
    Endpoint,
    /// A program.
    Service,
}

impl IdentityKind {
    /// Every kind there is.
    pub const ALL: [Self; 5] = [Self::Member, Self::Guest, Self::External, Self::Endpoint, Self::Service];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Guest => "guest",
            Self::External => "external",
            Self::Endpoint => "endpoint",
            Self::Service => "service",
        }
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Profile claims, named as in OIDC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// What others see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Telephone number as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// BCP 47 language of messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The name of the picture, which changes with it; the bytes are kept apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

/// Whether an identity may sign in; the times are the facts, newest state wins by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// An administrator said no.
    pub suspended_at: Option<Timestamp>,
    /// Too many failures in a row; a password reset or an administrator re-binds it.
    pub locked_at: Option<Timestamp>,
    /// Gone; the row only keeps the id from being used again.
    pub erased_at: Option<Timestamp>,
}

impl Standing {
    /// Whether nothing speaks against signing in.
    pub const fn is_active(self) -> bool {
        self.suspended_at.is_none() && self.locked_at.is_none() && self.erased_at.is_none()
    }
}

/// A name by which an identity is found: scheme and value, unique in a project.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identifier {
    scheme: Cow<'static, str>,
    value: String,
}

impl Identifier {
    /// The scheme of e-mail addresses.
    pub const EMAIL: &'static str = "email";

    /// The scheme of user names of endpoints.
    pub const SIP: &'static str = "sip";

    /// An e-mail address in its one spelling: NFC, lower case, no space around. Form is not checked (see [`is_email`]).
    pub fn email(address: &str) -> Self {
        Self { scheme: Cow::Borrowed(Self::EMAIL), value: address.trim().nfc().collect::<String>().to_lowercase() }
    }

    /// A name in a scheme of a dialect, compared as it is.
    pub fn of(scheme: &'static str, value: impl Into<String>) -> Self {
        Self { scheme: Cow::Borrowed(scheme), value: value.into() }
    }

    /// The subject that a trusted issuer of `application` asserts; the same subject in two applications is two identities.
    pub fn asserted(application: ApplicationId, subject: &str) -> Self {
        Self { scheme: Cow::Borrowed(ASSERTED), value: format!("{application}:{subject}") }
    }

    /// The subject, if it is one that a trusted issuer asserts.
    pub fn asserted_subject(&self) -> Option<&str> {
        let (_, subject) = self.value.split_once(':').filter(|_| self.scheme == ASSERTED)?;
        Some(subject)
    }

    /// Somebody by the name that an identity provider has for them.
    pub fn federated(provider: &str, subject: &str) -> Self {
        Self { scheme: Cow::Borrowed("federated"), value: format!("{provider}:{subject}") }
    }

    /// As stored.
    pub fn stored(scheme: String, value: String) -> Self {
        Self { scheme: Cow::Owned(scheme), value }
    }

    /// The scheme.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The value in its one spelling.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// The scheme of what trusted issuers assert.
const ASSERTED: &str = "asserted";

/// Whether `text` has the form of an e-mail address that mail can reach: one `@`, a local part of at most 64 bytes without
/// space or control characters, and a domain of dotted letters, digits and hyphens that ends in at least two letters.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"@,;:<>()[]\\\"".contains(c);
    let local_ok = if quoted {
        !local[1..local.len() - 1].contains(['"', '\\']) && !local.chars().any(char::is_control)
    } else {
        local.chars().all(plain) && !local.starts_with('.') && !local.ends_with('.') && !local.contains("..")
    };
    let label_ok = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c == '-' || c.is_alphanumeric())
    };
    let top = domain.rsplit('.').next().unwrap_or_default();
    local_ok
        && (1..=64).contains(&local.len())
        && text.len() <= 254
        && domain.contains('.')
        && domain.split('.').all(label_ok)
        && (top.starts_with("xn--") || (top.chars().count() >= 2 && top.chars().all(char::is_alphabetic)))
}

/// An identifier and whether control of it was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldIdentifier {
    /// The identifier.
    pub identifier: Identifier,
    /// When control of it was proved.
    pub verified_at: Option<Timestamp>,
}

/// Which identities to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdentityFilter {
    /// Only of this kind.
    pub kind: Option<IdentityKind>,
}

/// Storage of identities and identifiers.
pub trait IdentityStore {
    /// Adds an identity.
    fn insert_identity(&mut self, identity: &Identity) -> StoreResult<()>;
    /// An identity by id, erased ones included.
    fn identity(&mut self, id: IdentityId) -> StoreResult<Option<Identity>>;
    /// The same, and nobody else changes it before this transaction ends: for whoever reads it in order to write it, or
    /// to decide something that a change of it would decide otherwise.
    fn identity_to_change(&mut self, id: IdentityId) -> StoreResult<Option<Identity>>;
    /// The identity that holds this identifier.
    fn identity_by_identifier(
        &mut self,
        project: ProjectId,
        identifier: &Identifier,
    ) -> StoreResult<Option<(Identity, Option<Timestamp>)>>;
    /// Replaces kind, profile, attributes and standing.
    fn update_identity(&mut self, identity: &Identity) -> StoreResult<()>;
    /// Identities of a project in order of id, after `after`.
    fn identities(
        &mut self,
        project: ProjectId,
        filter: IdentityFilter,
        after: Option<IdentityId>,
        limit: u32,
    ) -> StoreResult<Vec<Identity>>;
    /// Members of a project who are not erased, or of them those with a place in an application, in order of id; a page
    /// that skips `skip` of them, and how many there are in all.
    fn members(
        &mut self,
        project: ProjectId,
        application: Option<ApplicationId>,
        skip: u32,
        limit: u32,
    ) -> StoreResult<(Vec<Identity>, u32)>;
    /// Marks the identity as locked unless it is already; `false` when it was.
    fn lock_identity(&mut self, id: IdentityId, at: Timestamp) -> StoreResult<bool>;
    /// Gives an identity an identifier; `false` when somebody in the project holds it.
    fn add_identifier(&mut self, identity: &Identity, held: &HeldIdentifier) -> StoreResult<bool>;
    /// What the identity is found by, in order of scheme and value.
    fn identifiers(&mut self, identity: IdentityId) -> StoreResult<Vec<HeldIdentifier>>;
    /// Marks an identifier as proved; `false` when the identity no longer holds it.
    fn verify_identifier(&mut self, identity: IdentityId, identifier: &Identifier, at: Timestamp) -> StoreResult<bool>;
    /// Takes all identifiers of an identity away, so that others may use them.
    fn release_identifiers(&mut self, identity: IdentityId) -> StoreResult<()>;
    /// Takes one identifier away; `false` when the identity does not hold it.
    fn release_identifier(&mut self, identity: IdentityId, identifier: &Identifier) -> StoreResult<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n73_textual_variants_of_an_address_are_one_identifier() {
        for variant in ["ann@example.org", " ANN@Example.ORG ", "Ann@example.org\n"] {
            assert_eq!(Identifier::email(variant), Identifier::email("ann@example.org"));
        }
        assert_eq!(Identifier::email("rene\u{301}@example.org"), Identifier::email("ren\u{e9}@example.org"));
    }

    #[test]
    fn the_form_of_an_address() {
        for good in
            ["a@b.co", "a+b@example.org", "\"a b\"@example.org", "josé@example.org", "a.b-c_d@sub.example.museum"]
        {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@b",
            "a@localhost",
            "a@127.0.0.1",
            "a@b.c",
            " a@b.co",
            "a@b.co ",
            "a@b.co,c@d.co",
            "a b@c.co",
            "@b.co",
            "a@.co",
            "a@-b.co",
            "a@b..co",
            "a..b@c.co",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
        assert!(!is_email(&format!("{}@example.org", "a".repeat(65))));
    }
}
