//! Key sets of providers and the ID tokens that they verify.

use std::{collections::HashMap, sync::Arc};

use reqwest::Url;
use ringfence_core::{
    error::{AuthError, BoxError, TokenFault},
    federation::ProviderToken,
    jose::{Alg, Claims, Unverified, Validity, VerifyingKey},
    time::Timestamp,
};
use serde_json::Value;

use super::{
    kept::Kept,
    outgoing::{Outgoing, Reach},
};

/// Whose tokens are believed, and for whom they must be.
pub struct Trust<'a> {
    pub urls: &'a [Url],
    pub issuers: &'a [String],
    pub audiences: &'a [String],
    pub algs: &'a [Alg],
    pub reach: Reach,
}

impl Trust<'_> {
    fn is_ours(&self, audience: &str) -> bool {
        self.audiences.iter().any(|own| own == audience)
    }

    /// The token, if it is one that a key could verify. The issuer is looked at before anything vouches for it, because a token
    /// of another one is no reason to ask anybody anything (ATTACKS N14, N17).
    pub fn worth_asking<'t>(&self, shown: &'t ProviderToken) -> Result<Unverified<'t>, TokenFault> {
        let unverified = Unverified::parse(shown.token.expose())?;
        if !self.algs.contains(&unverified.header().alg) {
            return Err(TokenFault::Algorithm);
        }
        self.check_issuer(unverified.claims_unverified()?)?;
        Ok(unverified)
    }

    /// Refuses any other issuer (RFC 8725 3.8, ATTACKS N13).
    fn check_issuer(&self, claims: &Claims) -> Result<(), TokenFault> {
        let issuer = claims.string("iss")?.ok_or(TokenFault::Issuer)?;
        if self.issuers.iter().any(|trusted| trusted == issuer) { Ok(()) } else { Err(TokenFault::Issuer) }
    }

    /// Refuses what is meant for another client, or for others too (OIDC Core 3.1.3.7, ATTACKS N15, N84).
    fn check_audience(&self, claims: &Claims) -> Result<(), TokenFault> {
        let audience = claims.audience()?;
        let authorized = claims.string("azp")?.is_none_or(|party| self.is_ours(party));
        let addressed = !audience.is_empty() && audience.iter().all(|audience| self.is_ours(audience));
        if addressed && authorized { Ok(()) } else { Err(TokenFault::Audience) }
    }
}

/// The keys of a set by name; one of RSA verifies with several algorithms.
struct KeySet(HashMap<String, Vec<VerifyingKey>>);

impl KeySet {
    /// Leaves out what is weak or of another kind: it verifies nothing (RFC 8725 3.5).
    fn read(body: &Value) -> Result<Self, BoxError> {
        let listed = body.get("keys").and_then(Value::as_array).ok_or("there are no keys in it")?;
        let mut keys: HashMap<String, Vec<VerifyingKey>> = HashMap::new();
        for jwk in listed {
            let Some(kid) = jwk.get("kid").and_then(Value::as_str) else { continue };
            let usable = ALGS.into_iter().filter_map(|alg| VerifyingKey::from_jwk(jwk, alg).ok());
            keys.entry(kid.to_owned()).or_default().extend(usable);
        }
        Ok(Self(keys))
    }

    fn get(&self, kid: &str, alg: Alg) -> Option<VerifyingKey> {
        self.0.get(kid)?.iter().find(|key| key.alg() == alg).cloned()
    }
}

/// What providers may sign with: never a secret that both sides have.
pub const ALGS: [Alg; 10] = [
    Alg::RS256,
    Alg::RS384,
    Alg::RS512,
    Alg::PS256,
    Alg::PS384,
    Alg::PS512,
    Alg::ES256,
    Alg::ES384,
    Alg::ES512,
    Alg::EdDSA,
];

/// The sets that were asked for so far.
pub struct KeySets(Kept<KeySet>);

impl KeySets {
    pub fn new(outgoing: Arc<Outgoing>) -> Self {
        Self(Kept::new(outgoing, KeySet::read))
    }

    /// Judges an ID token: form and algorithm, issuer, signature, audience, times, nonce, in this order.
    pub async fn verify(&self, trust: &Trust<'_>, shown: &ProviderToken, now: Timestamp) -> Result<Claims, AuthError> {
        let unverified = trust.worth_asking(shown)?;
        let kid = unverified.header().kid.as_deref().ok_or(TokenFault::Key)?;
        let key = self.key(trust, kid, unverified.header().alg, now).await?;
        let claims = unverified.verify(&key)?;
        trust.check_issuer(&claims)?;
        trust.check_audience(&claims)?;
        claims.check_times(&Validity { require_exp: true, ..Validity::at(now) })?;
        if claims.time("iat")?.is_none() {
            return Err(TokenFault::Claims.into());
        }
        if shown.nonce.is_some() && claims.string("nonce")? != shown.nonce.as_deref() {
            return Err(TokenFault::Claims.into());
        }
        Ok(claims)
    }

    /// The key of this name in any of the sets; a name that is in none may be new.
    async fn key(&self, trust: &Trust<'_>, kid: &str, alg: Alg, now: Timestamp) -> Result<VerifyingKey, AuthError> {
        let mut refusal = AuthError::from(TokenFault::Key);
        let mut seen = Vec::new();
        for url in trust.urls {
            match self.0.get(url, trust.reach, now).await {
                Ok(set) => match set.get(kid, alg) {
                    Some(key) => return Ok(key),
                    None => seen.push((url, set)),
                },
                Err(down) => refusal = down,
            }
        }
        for (url, set) in seen {
            match self.0.newer(url, trust.reach, now, &set).await {
                Ok(Some(set)) => {
                    if let Some(key) = set.get(kid, alg) {
                        return Ok(key);
                    }
                }
                Ok(None) => {}
                Err(down) => refusal = down,
            }
        }
        Err(refusal)
    }
}
