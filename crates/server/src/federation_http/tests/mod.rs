//! The adapters against a provider in the hands of the test, with time in the hands of the test.

use std::{sync::Arc, time::Duration};

use ringfence_core::{
    error::AuthError,
    federation::{FederatedSubject, ProviderToken, Providers},
    secret::RawToken,
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{outgoing::Outgoing, providers_over};

#[path = "../../../tests/support/provider.rs"]
mod provider;

mod google;
mod kept;
mod others;
mod reach;

use provider::{Mood, Provider};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

struct Case {
    provider: Provider,
    adapters: Providers,
    now: Timestamp,
}

impl Case {
    fn new() -> Self {
        let outgoing = Outgoing::with_timeout(Duration::from_secs(4));
        Self::with(outgoing)
    }

    fn with(outgoing: Outgoing) -> Self {
        Self {
            provider: Provider::start(),
            adapters: providers_over(outgoing),
            now: Timestamp::from_seconds(1_800_000_000),
        }
    }

    fn google(&self) -> Value {
        json!({
            "client_ids": ["web", "android"],
            "jwks_url": self.provider.url("/certs"),
            "private_addresses": true
        })
    }

    fn facebook(&self) -> Value {
        json!({
            "app_id": provider::APP, "app_secret": provider::APP_SECRET,
            "graph_url": self.provider.url(""),
            "limited_login": {
                "jwks_urls": [self.provider.url("/older"), self.provider.url("/certs")],
                "issuers": ["https://www.facebook.com", "https://limited.facebook.com"]
            },
            "private_addresses": true
        })
    }

    fn oidc(&self) -> Value {
        json!({ "issuer": self.provider.url(""), "client_ids": ["ours"], "private_addresses": true })
    }

    async fn judge(&self, name: &str, settings: &Value, token: &str) -> Result<FederatedSubject, AuthError> {
        let shown = ProviderToken { token: RawToken::new(token), nonce: None };
        self.adapters.get(name).unwrap().judge(settings, &shown, self.now).await
    }

    /// The code of a refusal, or whom the token speaks of.
    async fn outcome(&self, name: &str, settings: &Value, token: &str) -> String {
        match self.judge(name, settings, token).await {
            Ok(known) => known.subject,
            Err(refusal) => refusal.code().to_owned(),
        }
    }

    /// A token of Google, changed.
    fn minted(&self, kid: &str, change: Value) -> String {
        provider::token(kid, &self.claims("https://accounts.google.com", "web", change))
    }

    fn claims(&self, issuer: &str, audience: &str, change: Value) -> Value {
        let now = self.now.seconds();
        let mut claims = json!({ "iss": issuer, "aud": audience, "sub": "4711", "iat": now, "exp": now + 3600 });
        let Value::Object(change) = change else { panic!("claims are an object") };
        for (name, value) in change {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(&name)),
                value => claims[name] = value,
            }
        }
        claims
    }

    async fn google_says(&self, change: Value) -> String {
        self.outcome("google", &self.google(), &self.minted("k1", change)).await
    }
}
