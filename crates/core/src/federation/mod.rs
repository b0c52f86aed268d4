//! The port to identity providers: whoever can show a token of theirs, made for an application of this project, is known here.

mod settings;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use serde_json::Value;

pub use settings::ProviderSettings;

use crate::{error::AuthError, identity::Profile, secret::RawToken, time::Timestamp};

/// What a client got from a provider and shows to us.
#[derive(Clone, Debug)]
pub struct ProviderToken {
    /// The token.
    pub token: RawToken,
    /// What the client asked the provider to put in, when it did.
    pub nonce: Option<String>,
}

/// Whom a provider's token speaks of.
#[derive(Clone, Debug, Default)]
pub struct FederatedSubject {
    /// The provider's own name for them, which never changes and is never given to another.
    pub subject: String,
    /// Their address.
    pub email: Option<String>,
    /// Whether the provider answers for it that the address is theirs.
    pub email_verified: bool,
    /// What else it says of them.
    pub profile: Profile,
    /// When the provider made the token, if it says so: they signed in there at that moment, not when the token is shown.
    pub issued_at: Option<Timestamp>,
    /// When the token ends, if ever.
    pub expires_at: Option<Timestamp>,
}

/// What a browser is sent to a provider with (RFC 6749 4.1.1, RFC 7636, OIDC Core 3.1.2.1).
#[derive(Clone, Debug)]
pub struct CodeRequest {
    /// Where the provider sends the browser back to.
    pub redirect_uri: String,
    /// What it must bring back.
    pub state: String,
    /// What the ID token must hold.
    pub nonce: String,
    /// The SHA-256 of what redeems the code, in base64url.
    pub challenge: String,
}

/// What a browser came back with, and what redeems it.
#[derive(Clone, Debug)]
pub struct CodeAnswer {
    /// The code.
    pub code: RawToken,
    /// Who says that it gave the code (RFC 9207).
    pub issuer: Option<String>,
    /// Where the browser was sent back to.
    pub redirect_uri: String,
    /// What the challenge was made of.
    pub verifier: RawToken,
}

/// A provider, or a protocol that many providers speak.
#[async_trait]
pub trait IdentityProvider: Send + Sync {
    /// Judges a token by what a project's configuration says of this provider.
    ///
    /// Refuses with [`AuthError::TokenInvalid`] or [`AuthError::TokenExpired`] what the provider does not stand for, a token
    /// that it made for another application included, and with [`AuthError::Unavailable`] when it does not answer.
    async fn judge(
        &self,
        settings: &Value,
        shown: &ProviderToken,
        now: Timestamp,
    ) -> Result<FederatedSubject, AuthError>;

    /// Where a browser signs in at this provider; [`AuthError::NotSupported`] where the project has no client for that.
    async fn sign_in_url(
        &self,
        _settings: &Value,
        _wanted: &CodeRequest,
        _now: Timestamp,
    ) -> Result<String, AuthError> {
        Err(AuthError::NotSupported("sign-in at this provider"))
    }

    /// The ID token for a code, which is still to be judged.
    ///
    /// Refuses with [`TokenFault::Issuer`](crate::error::TokenFault::Issuer) a code that another provider gave, before it is
    /// shown to this one, and with [`AuthError::VerificationInvalid`] one that is not good, or not any more.
    async fn redeem(&self, _settings: &Value, _answer: &CodeAnswer, _now: Timestamp) -> Result<RawToken, AuthError> {
        Err(AuthError::NotSupported("sign-in at this provider"))
    }
}

/// The providers there are, by the name that configuration knows them by.
#[derive(Clone, Default)]
pub struct Providers {
    named: HashMap<&'static str, Arc<dyn IdentityProvider>>,
    others: Option<Arc<dyn IdentityProvider>>,
}

impl Providers {
    /// Adds one.
    #[must_use]
    pub fn with(mut self, name: &'static str, provider: Arc<dyn IdentityProvider>) -> Self {
        self.named.insert(name, provider);
        self
    }

    /// Adds the protocol that providers of every other name speak.
    #[must_use]
    pub fn with_others(self, others: Arc<dyn IdentityProvider>) -> Self {
        Self { others: Some(others), ..self }
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<Arc<dyn IdentityProvider>> {
        self.named.get(name).or(self.others.as_ref()).cloned()
    }
}
