//! Credentials: what an identity or a back end proves itself with.

use std::fmt;

use crate::{
    caller::ScopeSet,
    ids::{ApplicationId, CredentialId, IdentityId, ProjectId},
    password::PasswordHash,
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
};

/// An authenticator (SP 800-63) as stored: never in the clear.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    /// Its id.
    pub id: CredentialId,
    /// Its project.
    pub project: ProjectId,
    /// The application it is confined to, if any.
    pub application: Option<ApplicationId>,
    /// Whose it is.
    pub identity: IdentityId,
    /// What it is.
    pub kind: CredentialKind,
    /// What people call it.
    pub label: String,
    /// The digest it is found by when it is a token.
    pub lookup: Option<TokenDigest>,
    /// How a token begins, for its owner to know it by in a list; far too little to guess the rest.
    pub hint: Option<String>,
    /// What it may do beyond its owner's own data.
    pub scopes: ScopeSet,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Credential {
    /// Whether it still proves anything.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// What a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// A password; one per identity.
    Password,
    /// An API key of a back end.
    ApiKey,
}

impl CredentialKind {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::ApiKey => "api_key",
        }
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Password, Self::ApiKey].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Storage of credentials.
pub trait CredentialStore {
    /// Adds a credential that is not a password; `false` when its lookup digest exists already.
    fn insert_credential(&mut self, credential: &Credential) -> StoreResult<bool>;
    /// A credential by id.
    fn credential(&mut self, id: CredentialId) -> StoreResult<Option<Credential>>;
    /// A credential by the digest of its token, revoked ones included.
    fn credential_by_lookup(&mut self, digest: &TokenDigest) -> StoreResult<Option<Credential>>;
    /// Credentials of one kind of a project in order of id, after `after`.
    fn credentials(
        &mut self,
        project: ProjectId,
        kind: CredentialKind,
        after: Option<CredentialId>,
        limit: u32,
    ) -> StoreResult<Vec<Credential>>;
    /// Credentials of one kind of an identity that are not revoked, in order of id.
    fn credentials_of(&mut self, identity: IdentityId, kind: CredentialKind) -> StoreResult<Vec<Credential>>;
    /// Replaces label and end of a credential that is not revoked; `false` when there is none.
    fn relabel_credential(&mut self, id: CredentialId, label: &str, expires_at: Option<Timestamp>)
    -> StoreResult<bool>;
    /// Revokes a credential; `false` when it was revoked already or does not exist.
    fn revoke_credential(&mut self, id: CredentialId, at: Timestamp) -> StoreResult<bool>;
    /// Revokes every credential of an identity, its password included.
    fn revoke_credentials_of(&mut self, identity: IdentityId, at: Timestamp) -> StoreResult<()>;

    /// The password hash of an identity.
    fn password_of(&mut self, identity: IdentityId) -> StoreResult<Option<PasswordHash>>;
    /// Sets or replaces the password; `id` is used when there was none.
    fn replace_password(
        &mut self,
        id: CredentialId,
        project: ProjectId,
        identity: IdentityId,
        hash: &PasswordHash,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Replaces the hash of an unchanged password if it still is `old`; `false` when somebody changed it meanwhile.
    fn rehash_password(&mut self, identity: IdentityId, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool>;
}
