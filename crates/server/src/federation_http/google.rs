//! Google: the ID tokens of Google Sign-In.

use std::sync::Arc;

use anyhow::{Result, bail};
use async_trait::async_trait;
use reqwest::Url;
use ringfence_core::{
    error::{AuthError, TokenFault},
    federation::{CodeAnswer, CodeRequest, FederatedSubject, IdentityProvider, ProviderToken},
    jose::{Alg, Claims},
    secret::RawToken,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    address::Reach,
    code_flow::CodeClient,
    keys::{KeySets, Trust},
    oidc::{domain_of, is_among, subject},
    outgoing::Outgoing,
    settings::check_urls,
};

/// Both spellings are in use.
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];
/// Domains whose addresses Google gives out to everybody.
const OWN_DOMAINS: [&str; 2] = ["gmail.com", "googlemail.com"];

/// `[project.federation.google]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Web, Android and iOS each have their own.
    client_ids: Vec<String>,
    #[serde(default = "jwks_url")]
    jwks_url: Url,
    /// Workspace domains (`hd`) that people must be of, if any are named.
    #[serde(default)]
    hosted_domains: Vec<String>,
    /// What Google gave with the first of the client ids: then browsers can be sent there.
    client_secret: Option<RawToken>,
    #[serde(default = "authorization_url")]
    authorization_url: Url,
    #[serde(default = "token_url")]
    token_url: Url,
    #[serde(default)]
    private_addresses: bool,
}

fn authorization_url() -> Url {
    Url::parse("https://accounts.google.com/o/oauth2/v2/auth").expect("a constant")
}

fn token_url() -> Url {
    Url::parse("https://oauth2.googleapis.com/token").expect("a constant")
}

fn jwks_url() -> Url {
    Url::parse("https://www.googleapis.com/oauth2/v3/certs").expect("a constant")
}

impl Settings {
    /// Refuses what could never work.
    pub fn check(&self) -> Result<()> {
        if self.client_ids.is_empty() {
            bail!("client_ids: at least one is needed");
        }
        check_urls([&self.jwks_url, &self.authorization_url, &self.token_url], self.private_addresses)
    }
}

/// The adapter.
pub struct Google {
    outgoing: Arc<Outgoing>,
    keys: Arc<KeySets>,
    issuers: [String; 2],
}

impl Google {
    pub fn new(outgoing: Arc<Outgoing>, keys: Arc<KeySets>) -> Self {
        Self { outgoing, keys, issuers: ISSUERS.map(str::to_owned) }
    }

    fn client<'s>(&'s self, settings: &'s Settings) -> Result<CodeClient<'s>, AuthError> {
        let (Some(client_id), Some(client_secret)) = (settings.client_ids.first(), &settings.client_secret) else {
            return Err(AuthError::NotSupported("sign-in at this provider"));
        };
        Ok(CodeClient {
            authorization_url: &settings.authorization_url,
            token_url: &settings.token_url,
            client_id,
            client_secret,
            issuers: &self.issuers,
            says_issuer: false,
            reach: Reach::of(settings.private_addresses),
        })
    }
}

#[async_trait]
impl IdentityProvider for Google {
    async fn judge(
        &self,
        settings: &Value,
        shown: &ProviderToken,
        now: Timestamp,
    ) -> Result<FederatedSubject, AuthError> {
        let settings = Settings::deserialize(settings).map_err(AuthError::internal)?;
        let trust = Trust {
            urls: std::slice::from_ref(&settings.jwks_url),
            issuers: &self.issuers,
            audiences: &settings.client_ids,
            algs: &[Alg::RS256],
            reach: Reach::of(settings.private_addresses),
        };
        let claims = self.keys.verify(&trust, shown, now).await?;
        let hosted = hosted_domain(&claims, &settings.hosted_domains)?;
        let mut known = subject(&claims)?;
        known.email_verified = claims.get("email_verified") == Some(&Value::Bool(true)) && is_google_s(&known, hosted);
        Ok(known)
    }

    async fn sign_in_url(&self, settings: &Value, wanted: &CodeRequest, _now: Timestamp) -> Result<String, AuthError> {
        let settings = Settings::deserialize(settings).map_err(AuthError::internal)?;
        Ok(self.client(&settings)?.sign_in_url(wanted))
    }

    async fn redeem(&self, settings: &Value, answer: &CodeAnswer, _now: Timestamp) -> Result<RawToken, AuthError> {
        let settings = Settings::deserialize(settings).map_err(AuthError::internal)?;
        self.client(&settings)?.redeem(&self.outgoing, answer).await
    }
}

/// The Workspace domain they are of; refuses others where the project names some.
fn hosted_domain<'c>(claims: &'c Claims, wanted: &[String]) -> Result<Option<&'c str>, TokenFault> {
    let hosted = claims.string("hd")?.filter(|domain| !domain.is_empty());
    let welcome = wanted.is_empty() || hosted.is_some_and(|domain| is_among(domain, wanted));
    if welcome { Ok(hosted) } else { Err(TokenFault::Claims) }
}

/// Whether Google gives the address out itself. Of any other it only knows that it was theirs once (ATTACKS N83).
fn is_google_s(known: &FederatedSubject, hosted: Option<&str>) -> bool {
    let own = |domain: &str| OWN_DOMAINS.iter().any(|own| own.eq_ignore_ascii_case(domain));
    hosted.is_some() || domain_of(known).is_some_and(own)
}
