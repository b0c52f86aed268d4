//! Providers that give ID tokens (OIDC Core): whoever a project names, by one issuer with its clients and its keys.

use std::{str::FromStr as _, sync::Arc};

use anyhow::{Result, bail};
use async_trait::async_trait;
use reqwest::Url;
use ringfence_core::{
    error::{AuthError, BoxError, TokenFault},
    federation::{CodeAnswer, CodeRequest, FederatedSubject, IdentityProvider, ProviderToken},
    identity::Profile,
    jose::{Alg, Claims},
    secret::RawToken,
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::{
    address::Reach,
    code_flow::CodeClient,
    kept::Kept,
    keys::{ALGS, KeySets, Trust},
    outgoing::{Outgoing, is_within},
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
    /// What it gave with the first of the client ids: then browsers can be sent there.
    client_secret: Option<RawToken>,
    authorization_url: Option<Url>,
    token_url: Option<Url>,
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
        let named = [&self.jwks_url, &self.authorization_url, &self.token_url];
        check_urls(named.into_iter().flatten(), self.private_addresses)?;
        let whole = self.jwks_url.is_some() && (self.client_secret.is_none() || self.names_endpoints());
        if whole {
            return Ok(());
        }
        check_urls([&self.discovery_url()?], self.private_addresses)
    }

    /// The client that browsers are sent for, if there is one.
    fn client(&self) -> Result<(&str, &RawToken), AuthError> {
        match (self.client_ids.first(), &self.client_secret) {
            (Some(id), Some(secret)) => Ok((id, secret)),
            _ => Err(AuthError::NotSupported("sign-in at this provider")),
        }
    }

    fn code_client<'a>(
        &'a self,
        client_id: &'a str,
        client_secret: &'a RawToken,
        (authorization_url, token_url, says_issuer): &'a (Url, Url, bool),
    ) -> CodeClient<'a> {
        CodeClient {
            authorization_url,
            token_url,
            client_id,
            client_secret,
            issuers: std::slice::from_ref(&self.issuer),
            says_issuer: *says_issuer,
            reach: Reach::of(self.private_addresses),
        }
    }

    fn names_endpoints(&self) -> bool {
        self.authorization_url.is_some() && self.token_url.is_some()
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
    authorization_endpoint: Option<Url>,
    token_endpoint: Option<Url>,
    says_issuer: bool,
}

impl Discovered {
    fn read(body: &Value) -> Result<Self, BoxError> {
        let text = |name: &str| body[name].as_str().ok_or_else(|| format!("there is no {name} in it"));
        let url = |name: &str| text(name).ok().and_then(|text| Url::parse(text).ok());
        Ok(Self {
            issuer: text("issuer")?.to_owned(),
            jwks_uri: Url::parse(text("jwks_uri")?)?,
            authorization_endpoint: url("authorization_endpoint"),
            token_endpoint: url("token_endpoint"),
            says_issuer: body["authorization_response_iss_parameter_supported"] == Value::Bool(true),
        })
    }
}

/// The adapter.
pub struct OpenId {
    outgoing: Arc<Outgoing>,
    keys: Arc<KeySets>,
    discovered: Kept<Discovered>,
}

impl OpenId {
    pub fn new(outgoing: Arc<Outgoing>, keys: Arc<KeySets>) -> Self {
        Self { outgoing: Arc::clone(&outgoing), keys, discovered: Kept::new(outgoing, Discovered::read) }
    }

    /// Where the keys are: as configured, or as the configured issuer says; never as a token says (ATTACKS N14, N17).
    async fn keys_of(&self, settings: &Settings, reach: Reach, now: Timestamp) -> Result<Url, AuthError> {
        if let Some(url) = &settings.jwks_url {
            return Ok(url.clone());
        }
        let found = self.discover(settings, reach, now).await?;
        let url = Some(&found.jwks_uri).filter(|url| is_within(url, reach)).cloned();
        url.ok_or_else(|| down("its discovery document names no usable keys"))
    }

    async fn discover(&self, settings: &Settings, reach: Reach, now: Timestamp) -> Result<Arc<Discovered>, AuthError> {
        let url = settings.discovery_url().map_err(AuthError::internal)?;
        let found = self.discovered.get(&url, reach, now).await?;
        if found.issuer != settings.issuer {
            return Err(down("its discovery document is another issuer's"));
        }
        Ok(found)
    }

    /// Where a browser goes, where a code goes, and whether the provider always says who it is.
    async fn endpoints(&self, settings: &Settings, now: Timestamp) -> Result<(Url, Url, bool), AuthError> {
        if let (Some(authorization), Some(token)) = (&settings.authorization_url, &settings.token_url) {
            return Ok((authorization.clone(), token.clone(), false));
        }
        let reach = Reach::of(settings.private_addresses);
        let found = self.discover(settings, reach, now).await?;
        let either = |named: &Option<Url>, found: &Option<Url>| {
            let url = named.as_ref().or(found.as_ref()).filter(|url| is_within(url, reach)).cloned();
            url.ok_or_else(|| down("its discovery document names no usable endpoints"))
        };
        let authorization = either(&settings.authorization_url, &found.authorization_endpoint)?;
        Ok((authorization, either(&settings.token_url, &found.token_endpoint)?, found.says_issuer))
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

    async fn sign_in_url(&self, settings: &Value, wanted: &CodeRequest, now: Timestamp) -> Result<String, AuthError> {
        let settings = Settings::deserialize(settings).map_err(AuthError::internal)?;
        let (client_id, client_secret) = settings.client()?;
        let endpoints = self.endpoints(&settings, now).await?;
        Ok(settings.code_client(client_id, client_secret, &endpoints).sign_in_url(wanted))
    }

    async fn redeem(&self, settings: &Value, answer: &CodeAnswer, now: Timestamp) -> Result<RawToken, AuthError> {
        let settings = Settings::deserialize(settings).map_err(AuthError::internal)?;
        let (client_id, client_secret) = settings.client()?;
        let endpoints = self.endpoints(&settings, now).await?;
        settings.code_client(client_id, client_secret, &endpoints).redeem(&self.outgoing, answer).await
    }
}

fn down(source: &'static str) -> AuthError {
    AuthError::Unavailable { what: "the identity provider", source: source.into() }
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
