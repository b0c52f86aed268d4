//! Providers that give ID tokens (OIDC Core): whoever a project names, with its clients and its keys.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use ringfence_core::{
    error::{AuthError, TokenFault},
    federation::{FederatedSubject, IdentityProvider, ProviderToken},
    identity::Profile,
    jose::Claims,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    keys::{KeySets, Trust},
    outgoing::Reach,
};

/// `[project.federation.oidc]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    client_ids: Vec<String>,
    issuers: Vec<String>,
    jwks_urls: Vec<Url>,
    /// Domains whose addresses the provider gives out itself, so that its word for one counts.
    #[serde(default)]
    email_domains: Vec<String>,
    /// Whether it may be in a private network, and speak in the clear.
    #[serde(default)]
    private_addresses: bool,
}

/// The adapter.
pub struct OpenId {
    keys: Arc<KeySets>,
}

impl OpenId {
    pub const fn new(keys: Arc<KeySets>) -> Self {
        Self { keys }
    }
}

#[async_trait]
impl IdentityProvider for OpenId {
    async fn judge(
        &self,
        settings: &Value,
        shown: &ProviderToken,
        now: Timestamp,
    ) -> Result<FederatedSubject, AuthError> {
        let settings = Settings::deserialize(settings).map_err(AuthError::internal)?;
        let trust = Trust {
            urls: &settings.jwks_urls,
            issuers: &settings.issuers,
            audiences: &settings.client_ids,
            reach: reach(settings.private_addresses),
        };
        let claims = self.keys.verify(&trust, shown, now).await?;
        let mut known = subject(&claims)?;
        let domain = known.email.as_deref().and_then(|address| Some(address.rsplit_once('@')?.1));
        let gives_out =
            domain.is_some_and(|domain| settings.email_domains.iter().any(|own| own.eq_ignore_ascii_case(domain)));
        known.email_verified = gives_out && claims.get("email_verified") == Some(&Value::Bool(true));
        Ok(known)
    }
}

/// How far a project lets us reach.
pub const fn reach(private_addresses: bool) -> Reach {
    if private_addresses { Reach::Anywhere } else { Reach::Public }
}

/// Whom the claims speak of; their word for an address is not believed here.
pub fn subject(claims: &Claims) -> Result<FederatedSubject, AuthError> {
    let text = |name: &str| claims.string(name).map(|found| found.map(str::to_owned));
    Ok(FederatedSubject {
        subject: text("sub")?.ok_or(TokenFault::Claims)?,
        email: text("email")?,
        email_verified: false,
        profile: Profile {
            given_name: text("given_name")?,
            family_name: text("family_name")?,
            locale: text("locale")?,
            ..Profile::default()
        },
        issued_at: claims.time("iat")?,
        expires_at: claims.time("exp")?,
    })
}
