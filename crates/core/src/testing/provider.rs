//! An identity provider that only tests have.

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    error::{AuthError, TokenFault},
    federation::{FederatedSubject, IdentityProvider, ProviderToken},
    identity::Profile,
    time::Timestamp,
};

/// Believes tokens of the form `app subject address verified`, where the last two may be missing, if `app` is the `app_id` of
/// its settings; `down` is the token that it has no answer to.
#[derive(Debug)]
pub struct CredulousProvider;

#[async_trait]
impl IdentityProvider for CredulousProvider {
    async fn judge(
        &self,
        settings: &Value,
        shown: &ProviderToken,
        _now: Timestamp,
    ) -> Result<FederatedSubject, AuthError> {
        let mut words = shown.token.expose().split(' ');
        let app = words.next().unwrap_or_default();
        if app == "down" {
            return Err(AuthError::Unavailable { what: "the provider", source: "down".into() });
        }
        if settings.get("app_id").and_then(Value::as_str) != Some(app) {
            return Err(TokenFault::Audience.into());
        }
        Ok(FederatedSubject {
            subject: words.next().unwrap_or_default().to_owned(),
            email: words.next().map(str::to_owned),
            email_verified: words.next() == Some("verified"),
            profile: Profile { given_name: Some("Fay".to_owned()), ..Profile::default() },
            ..FederatedSubject::default()
        })
    }
}
