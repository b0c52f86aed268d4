//! Facebook: access tokens of its login library, and the ID tokens of its Limited Login.
//!
//! An access token says nothing by itself and works for every application, so Facebook is asked whose and for which one it is.
//! Addresses are not proved there, so nobody is joined to an account by one.

use std::sync::Arc;

use anyhow::{Result, bail};
use async_trait::async_trait;
use aws_lc_rs::hmac;
use reqwest::{StatusCode, Url};
use ringfence_core::{
    error::{AuthError, TokenFault},
    federation::{FederatedSubject, IdentityProvider, ProviderToken},
    identity::Profile,
    jose::Alg,
    secret::RawToken,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    address::Reach,
    keys::{KeySets, Trust},
    oidc::subject,
    outgoing::{Answer, Outgoing},
    settings::check_urls,
};

const FACEBOOK: &str = "Facebook";
/// Longer than any of its access tokens, and short enough for a URL.
const LONGEST_TOKEN: usize = 2048;
/// Error codes of its API for "unknown", "service", and calls above a quota.
const PASSING: [i64; 6] = [1, 2, 4, 17, 32, 613];

/// `[project.federation.facebook]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    app_id: String,
    app_secret: RawToken,
    #[serde(default = "graph_url")]
    graph_url: Url,
    limited_login: Option<LimitedLogin>,
    #[serde(default)]
    private_addresses: bool,
}

/// `limited_login = { … }`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitedLogin {
    jwks_urls: Vec<Url>,
    issuers: Vec<String>,
}

impl Settings {
    /// Refuses what could never work.
    pub fn check(&self) -> Result<()> {
        if self.app_id.is_empty() || self.app_secret.expose().is_empty() {
            bail!("app_id and app_secret are needed");
        }
        let limited = self.limited_login.iter().flat_map(|limited| &limited.jwks_urls);
        check_urls(limited.chain([&self.graph_url]), self.private_addresses)
    }
}

fn graph_url() -> Url {
    Url::parse("https://graph.facebook.com").expect("a constant")
}

/// The adapter.
pub struct Facebook {
    outgoing: Arc<Outgoing>,
    keys: Arc<KeySets>,
}

#[async_trait]
impl IdentityProvider for Facebook {
    async fn judge(
        &self,
        settings: &Value,
        shown: &ProviderToken,
        now: Timestamp,
    ) -> Result<FederatedSubject, AuthError> {
        let settings = Settings::deserialize(settings).map_err(AuthError::internal)?;
        // The two kinds of tokens are told apart by the dots.
        if shown.token.expose().matches('.').count() == 2 {
            return self.limited(&settings, shown, now).await;
        }
        if shown.token.expose().len() > LONGEST_TOKEN {
            return Err(TokenFault::Malformed.into());
        }
        let known = self.owner_of(&settings, &shown.token, now).await?;
        self.profile_of(&settings, &shown.token, known).await
    }
}

impl Facebook {
    pub const fn new(outgoing: Arc<Outgoing>, keys: Arc<KeySets>) -> Self {
        Self { outgoing, keys }
    }

    async fn limited(
        &self,
        settings: &Settings,
        shown: &ProviderToken,
        now: Timestamp,
    ) -> Result<FederatedSubject, AuthError> {
        let limited = settings.limited_login.as_ref().ok_or(TokenFault::Type)?;
        let trust = Trust {
            urls: &limited.jwks_urls,
            issuers: &limited.issuers,
            audiences: std::slice::from_ref(&settings.app_id),
            algs: &[Alg::RS256],
            reach: Reach::of(settings.private_addresses),
        };
        subject(&self.keys.verify(&trust, shown, now).await?)
    }

    /// Whose token it is, if it is a live one for this very application: any other application's would log in else
    /// (ATTACKS N84).
    async fn owner_of(
        &self,
        settings: &Settings,
        token: &RawToken,
        now: Timestamp,
    ) -> Result<FederatedSubject, AuthError> {
        let own = format!("{}|{}", settings.app_id, settings.app_secret.expose());
        let query = [("input_token", token.expose()), ("access_token", own.as_str())];
        let answer = self.ask(settings, "debug_token", &query).await?;
        if answer.status != StatusCode::OK {
            // Bad tokens are answered with 200: this is about our own credentials.
            return Err(down(format!("debug_token was answered {}", answer.status)));
        }
        let data = &answer.body["data"];
        if data["is_valid"] != Value::Bool(true) {
            return Err(TokenFault::Signature.into());
        }
        if text_or_number(&data["app_id"]).as_deref() != Some(settings.app_id.as_str()) {
            return Err(TokenFault::Audience.into());
        }
        if data["type"] != "USER" {
            return Err(TokenFault::Type.into());
        }
        // 0 is never.
        let ends = data["expires_at"].as_i64().ok_or(TokenFault::Claims)?;
        let expires_at = (ends != 0).then(|| Timestamp::from_seconds(ends));
        if expires_at.is_some_and(|ends| ends <= now) {
            return Err(AuthError::TokenExpired);
        }
        Ok(FederatedSubject {
            subject: text_or_number(&data["user_id"]).ok_or(TokenFault::Claims)?,
            issued_at: data["issued_at"].as_i64().map(Timestamp::from_seconds),
            expires_at,
            ..FederatedSubject::default()
        })
    }

    async fn profile_of(
        &self,
        settings: &Settings,
        token: &RawToken,
        known: FederatedSubject,
    ) -> Result<FederatedSubject, AuthError> {
        let proof = proof(token, &settings.app_secret);
        let query = [
            ("fields", "id,name,email,first_name,last_name"),
            ("access_token", token.expose()),
            ("appsecret_proof", proof.as_str()),
        ];
        let answer = self.ask(settings, "me", &query).await?;
        let me = &answer.body;
        if is_passing(me) {
            return Err(down("me was refused for now".to_owned()));
        }
        if answer.status != StatusCode::OK || text_or_number(&me["id"]).as_ref() != Some(&known.subject) {
            return Err(TokenFault::Signature.into());
        }
        let text = |name: &str| me[name].as_str().map(str::to_owned);
        let profile = Profile { given_name: text("first_name"), family_name: text("last_name"), ..Profile::default() };
        Ok(FederatedSubject { email: text("email"), profile, ..known })
    }

    async fn ask(&self, settings: &Settings, path: &str, query: &[(&str, &str)]) -> Result<Answer, AuthError> {
        let mut url = settings.graph_url.clone();
        url.path_segments_mut().map_err(|()| AuthError::internal("graph_url has no path"))?.pop_if_empty().push(path);
        url.query_pairs_mut().extend_pairs(query);
        self.outgoing.get(FACEBOOK, url, Reach::of(settings.private_addresses)).await
    }
}

fn down(source: String) -> AuthError {
    AuthError::Unavailable { what: FACEBOOK, source: source.into() }
}

/// Whether a refusal is about Facebook's own state or our quota there, and says nothing of the token.
fn is_passing(body: &Value) -> bool {
    let error = &body["error"];
    error["is_transient"] == Value::Bool(true) || error["code"].as_i64().is_some_and(|code| PASSING.contains(&code))
}

/// Proof that we hold the secret, so that a stolen token alone reads nothing: hex of HMAC-SHA-256.
fn proof(token: &RawToken, secret: &RawToken) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let tag = hmac::sign(&key, token.expose().as_bytes());
    let nibbles = tag.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect()
}

/// Its ids come as text or as numbers.
fn text_or_number(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_hex_of_hmac_sha_256() {
        // RFC 4231, case 2.
        let made = proof(&RawToken::new("what do ya want for nothing?"), &RawToken::new("Jefe"));
        assert_eq!(made, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
