//! Signing keys of a project and their calendar: a key signs for a time, verifies a while longer, then is gone.

use std::time::Duration;

use serde_json::Value;

use crate::{ids::ProjectId, jose::Alg, seal::Sealed, store::StoreResult, time::Timestamp};

/// What a set of keys signs. Symmetric and asymmetric keys are never in one set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySet {
    /// Asymmetric keys whose public half is published (RFC 7517).
    Published,
    /// Symmetric keys for tokens that only we verify.
    Private,
    /// Symmetric keys that one other server shares with us, for tokens that it verifies.
    Shared(&'static str),
}

impl KeySet {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Private => "private",
            Self::Shared(name) => name,
        }
    }
}

/// How long a key signs before the calendar makes a new one.
pub const SIGNING_PERIOD: Duration = Duration::from_hours(24 * 90);

/// A signing key as stored.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// Its `kid`, unique in the installation.
    pub kid: String,
    /// Its project.
    pub project: ProjectId,
    /// The set it belongs to, as [`KeySet::as_str`].
    pub set: String,
    /// The one algorithm it is used with.
    pub alg: Alg,
    /// The private half or the secret, sealed with the `kid` as context.
    pub private: Sealed,
    /// The public half as JWK, for asymmetric keys.
    pub public: Option<Value>,
    /// When it was made; it signs at once.
    pub created_at: Timestamp,
    /// From when on it does not sign any more.
    pub retired_at: Option<Timestamp>,
    /// From when on it does not verify any more: when the last token it signed has expired.
    pub expires_at: Option<Timestamp>,
}

impl SigningKey {
    /// Whether tokens signed by it are looked at.
    pub fn verifies(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it may sign new tokens.
    pub fn signs(&self, now: Timestamp) -> bool {
        self.retired_at.is_none_or(|end| now < end)
    }
}

/// Storage of signing keys.
pub trait KeyStore {
    /// Adds a key that signs from now on, unless the set has one for this algorithm already; `false` then.
    fn insert_signing_key(&mut self, key: &SigningKey) -> StoreResult<bool>;
    /// A key by `kid`.
    fn signing_key(&mut self, kid: &str) -> StoreResult<Option<SigningKey>>;
    /// Keys of a project that still verify, newest first.
    fn signing_keys(&mut self, project: ProjectId, now: Timestamp) -> StoreResult<Vec<SigningKey>>;
    /// Keys of all projects that still verify, in order of `kid`, for rewrapping and rotation.
    fn all_signing_keys(&mut self, now: Timestamp) -> StoreResult<Vec<SigningKey>>;
    /// Ends signing by a key; it verifies until `expires_at`. `false` when it was retired already.
    fn retire_signing_key(&mut self, kid: &str, at: Timestamp, expires_at: Timestamp) -> StoreResult<bool>;
    /// Replaces the sealed private half by the same under another master key.
    fn rewrap_signing_key(&mut self, kid: &str, private: &Sealed) -> StoreResult<()>;
}
