//! Providers that give ID tokens (OIDC Core): whoever a project names, by one issuer with its clients and its keys.

use std::{str::FromStr as _, sync::Arc};

use anyhow::{Result, bail};
use async_trait::async_trait;
use reqwest::Url;
use ringfence_core::{
    error::{AuthError, BoxError, TokenFault},
    federation::{FederatedSubject, IdentityProvider, ProviderToken},
    identity::Profile,
    jose::{Alg, Claims},
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::{
    address::Reach,
    kept::Kept,
    keys::{ALGS, KeySets, Trust},
    outgoing::Outgoing,
    settings::check_urls,
};

const WELL_KNOWN: &str = ".well-known/openid-configuration";

/// `[project.federation.NAME]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its `iss`, to the letter. Where there is no `jwks_url`, its keys are found by its discovery document.
    issuer: String,
    client_ids: Vec<String>,
    jwks_url: Option<Url>,
    #[serde(default = "rs256")]
    algorithms: Vec<Algorithm>,
    /// Domains whose addresses the provider gives out itself, so that its word for one counts.
    #[serde(default)]
    email_domains: Vec<String>,
    #[serde(default)]
    private_addresses: bool,
}

/// The registered name of an algorithm with two keys.
#[derive(Clone, Copy)]
struct Algorithm(Alg);

impl<'de> Deserialize<'de> for Algorithm {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let name = String::deserialize(input)?;
        let known = Alg::parse(&name).filter(|alg| ALGS.contains(alg));
        known
            .map(Self)
            .ok_or_else(|| D::Error::custom(format_args!("`{name}` is no algorithm that a provider may use")))
    }
}

fn rs256() -> Vec<Algorithm> {
    vec![Algorithm(Alg::RS256)]
}

impl Settings {
    /// Refuses what could never work.
    pub fn check(&self) -> Result<()> {
        if self.client_ids.is_empty() || self.algorithms.is_empty() {
            bail!("client_ids and algorithms: at least one is needed");
        }
        match &self.jwks_url {
            Some(url) => check_urls([url], self.private_addresses),
            None => check_urls([&self.discovery_url()?], self.private_addresses),
        }
    }

    /// Where the issuer says what it has (OIDC Discovery 4).
    fn discovery_url(&self) -> Result<Url> {
        let base = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
        let url = Url::from_str(&format!("{base}/{WELL_KNOWN}"))?;
        if url.query().is_some() || url.fragment().is_some() {
            bail!("issuer: a URL without query and fragment is needed, or jwks_url");
        }
        Ok(url)
    }
}

/// What a discovery document says.
struct Discovered {
    issuer: String,
    jwks_uri: Url,
}

impl Discovered {
    fn read(body: &Value) -> Result<Self, BoxError> {
        let text = |name: &str| body[name].as_str().ok_or_else(|| format!("there is no {name} in it"));
        Ok(Self { issuer: text("issuer")?.to_owned(), jwks_uri: Url::parse(text("jwks_uri")?)? })
    }
}

/// The adapter.
pub struct OpenId {
    keys: Arc<KeySets>,
    discovered: Kept<Discovered>,
}

impl OpenId {
    pub fn new(outgoing: Arc<Outgoing>, keys: Arc<KeySets>) -> Self {
        Self { keys, discovered: Kept::new(outgoing, Discovered::read) }
    }

    /// Where the keys are: as configured, or as the configured issuer says; never as a token says (ATTACKS N14, N17).
    async fn keys_of(&self, settings: &Settings, reach: Reach, now: Timestamp) -> Result<Url, AuthError> {
        if let Some(url) = &settings.jwks_url {
            return Ok(url.clone());
        }
        let url = settings.discovery_url().map_err(AuthError::internal)?;
        let found = self.discovered.get(&url, reach, now).await?;
        if found.issuer != settings.issuer {
            let source = "its discovery document is another issuer's".into();
            return Err(AuthError::Unavailable { what: "the identity provider", source });
        }
        Ok(found.jwks_uri.clone())
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
        let reach = Reach::of(settings.private_addresses);
        let algs: Vec<_> = settings.algorithms.iter().map(|alg| alg.0).collect();
        let mut trust = Trust {
            urls: &[],
            issuers: std::slice::from_ref(&settings.issuer),
            audiences: &settings.client_ids,
            algs: &algs,
            reach,
        };
        trust.worth_asking(shown)?;
        let url = self.keys_of(&settings, reach, now).await?;
        trust.urls = std::slice::from_ref(&url);
        let claims = self.keys.verify(&trust, shown, now).await?;
        let mut known = subject(&claims)?;
        known.email_verified = claims.get("email_verified") == Some(&Value::Bool(true))
            && domain_of(&known).is_some_and(|domain| is_among(domain, &settings.email_domains));
        Ok(known)
    }
}

/// The domain of whatever address the provider named.
pub fn domain_of(known: &FederatedSubject) -> Option<&str> {
    Some(known.email.as_deref()?.rsplit_once('@')?.1)
}

/// Whether a domain is one of these.
pub fn is_among(domain: &str, domains: &[String]) -> bool {
    domains.iter().any(|own| own.eq_ignore_ascii_case(domain))
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
        issued_at: claims.time("auth_time")?.or(claims.time("iat")?),
        expires_at: claims.time("exp")?,
    })
}
