//! Key sets of providers, kept as long as they say, asked for anew at most once a minute (ATTACKS N18), and the tokens that
//! they verify.

use std::{collections::HashMap, sync::Arc, time::Duration};

use reqwest::{StatusCode, Url};
use ringfence_core::{
    error::{AuthError, TokenFault},
    federation::ProviderToken,
    jose::{Alg, Claims, Unverified, Validity, VerifyingKey},
    time::Timestamp,
};
use tokio::sync::Mutex;

use super::outgoing::{Outgoing, Reach};

const KEPT: Duration = Duration::from_hours(1);
const LONGEST: Duration = Duration::from_hours(24);
/// Between two questions about one set.
const FLOOR: Duration = Duration::from_mins(1);

/// Whose tokens are believed, and for whom they must be.
pub struct Trust<'a> {
    pub urls: &'a [Url],
    pub issuers: &'a [String],
    pub audiences: &'a [String],
    pub reach: Reach,
}

#[derive(Clone)]
struct KeySet {
    keys: HashMap<String, VerifyingKey>,
    asked_at: Timestamp,
    until: Timestamp,
}

/// The sets that were asked for so far.
pub struct KeySets {
    outgoing: Arc<Outgoing>,
    known: Mutex<HashMap<Url, KeySet>>,
}

impl KeySets {
    pub fn new(outgoing: Arc<Outgoing>) -> Self {
        Self { outgoing, known: Mutex::default() }
    }

    /// Judges an ID token: signature, issuer, audience, times, nonce, in this order.
    pub async fn verify(&self, trust: &Trust<'_>, shown: &ProviderToken, now: Timestamp) -> Result<Claims, AuthError> {
        let unverified = Unverified::parse(shown.token.expose())?;
        let header = unverified.header();
        if header.alg != Alg::RS256 {
            return Err(TokenFault::Algorithm.into());
        }
        let kid = header.kid.clone().ok_or(TokenFault::Key)?;
        let key = self.key(trust, &kid, now).await?;
        let claims = unverified.verify(&key)?;
        let issuer = claims.string("iss")?.ok_or(TokenFault::Issuer)?;
        if !trust.issuers.iter().any(|trusted| trusted == issuer) {
            return Err(TokenFault::Issuer.into());
        }
        let ours = |name: &str| trust.audiences.iter().any(|own| own == name);
        let audience = claims.audience()?;
        let authorized = claims.string("azp")?.is_none_or(ours);
        if audience.is_empty() || !audience.iter().copied().all(ours) || !authorized {
            return Err(TokenFault::Audience.into());
        }
        claims.check_times(&Validity { require_exp: true, ..Validity::at(now) })?;
        if shown.nonce.is_some() && claims.string("nonce")? != shown.nonce.as_deref() {
            return Err(TokenFault::Claims.into());
        }
        Ok(claims)
    }

    /// The key of this name in any of the sets.
    async fn key(&self, trust: &Trust<'_>, kid: &str, now: Timestamp) -> Result<VerifyingKey, AuthError> {
        let mut known = self.known.lock().await;
        let mut down = None;
        for url in trust.urls {
            let set = known.get(url);
            let found = set.and_then(|set| set.keys.get(kid)).cloned();
            let fresh = set.is_some_and(|set| now < set.until);
            if let (Some(key), true) = (&found, fresh) {
                return Ok(key.clone());
            }
            if set.is_some_and(|set| now.since(set.asked_at) < FLOOR) {
                continue;
            }
            match self.ask(url, trust.reach, now).await {
                Ok(set) => {
                    let key = set.keys.get(kid).cloned();
                    known.insert(url.clone(), set);
                    if let Some(key) = key {
                        return Ok(key);
                    }
                }
                Err(refusal) => down = Some(refusal),
            }
        }
        Err(down.unwrap_or_else(|| TokenFault::Key.into()))
    }

    async fn ask(&self, url: &Url, reach: Reach, now: Timestamp) -> Result<KeySet, AuthError> {
        let answer = self.outgoing.get("the identity provider", url.clone(), reach).await?;
        if answer.status != StatusCode::OK {
            let source = format!("its keys are not there: {}", answer.status).into();
            return Err(AuthError::Unavailable { what: "the identity provider", source });
        }
        let listed = answer.body.get("keys").and_then(serde_json::Value::as_array).into_iter().flatten();
        // A key that is weak or of another kind verifies nothing (RFC 8725 3.5).
        let usable = listed.filter_map(|jwk| {
            let kid = jwk.get("kid")?.as_str()?.to_owned();
            Some((kid, VerifyingKey::from_jwk(jwk, Alg::RS256).ok()?))
        });
        let keep = answer.max_age.unwrap_or(KEPT).clamp(FLOOR, LONGEST);
        Ok(KeySet { keys: usable.collect(), asked_at: now, until: now + keep })
    }
}
