//! Trusted issuers: systems of the customer whose signed assertions (RFC 7523) we accept, and profiles of such assertions as data.

use std::time::Duration;

use serde_json::Value;

use crate::{
    ids::{ApplicationId, IssuerId, ProjectId},
    jose::{Alg, KeyError, VerifyingKey},
    seal::Sealed,
    store::StoreResult,
    time::Timestamp,
};

/// A signer that an application trusts. Several may be active at once, for rotation.
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    /// Its id, the associated data of its sealed secret.
    pub id: IssuerId,
    /// Its project.
    pub project: ProjectId,
    /// The application it speaks to.
    pub application: ApplicationId,
    /// The name of the [`AssertionProfile`] it signs by.
    pub profile: String,
    /// The shared secret or the public key as JWK, verify-only, never in a set with keys of ours.
    pub secret: Sealed,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// How one dialect's assertions look: data, not code, so that the checks exist once.
#[derive(Debug)]
pub struct AssertionProfile {
    /// Its name in configuration.
    pub name: &'static str,
    /// Algorithms its secrets may sign with.
    pub algs: &'static [Alg],
    /// How `aud` names the application.
    pub audience: AudienceRule,
    /// Where the claim stands that names the subject, from the outside in; a string or an integer.
    pub subject: &'static [&'static str],
    /// A subject that leaves open whom the token speaks of: whoever the request claims to be, where the application allows
    /// such tokens.
    pub wildcard: Option<&'static str>,
    /// What each value of `sub` means; a value that is not listed is refused.
    pub kinds: &'static [(ExpectedSub, AssertedKind)],
    /// Whether `exp` must be there.
    pub exp_required: bool,
    /// How far ahead `exp` may lie of `iat`, or of now without one.
    pub max_lifetime: Option<Duration>,
    /// Claims that fill the profile of a new identity.
    pub profile_claims: ProfileClaims,
    /// The claim that names a role in the application.
    pub role: Option<&'static str>,
    /// Roles that need an account, found or made by e-mail address.
    pub account_roles: &'static [&'static str],
    /// The role of those who claim none.
    pub default_role: &'static str,
}

/// The key that `secret` is for `alg`: a JWK (RFC 7517) if it looks like one, else the bytes of a shared secret.
///
/// What looks like a JWK is never taken for a shared secret, or whoever knows a public key could sign (ATTACKS N02).
pub fn issuer_key(alg: Alg, secret: &[u8]) -> Result<VerifyingKey, KeyError> {
    match serde_json::from_slice::<Value>(secret) {
        Ok(jwk) if jwk.get("kty").is_some() => VerifyingKey::from_jwk(&jwk, alg),
        _ => VerifyingKey::hmac(alg, secret),
    }
}

/// Refuses a secret that is weak, or a key that none of the profile's algorithms can use.
pub(crate) fn check_issuer_secret(profile: &AssertionProfile, secret: &[u8]) -> Result<(), KeyError> {
    let mut fault = KeyError::Rejected;
    for alg in profile.algs {
        match issuer_key(*alg, secret) {
            Ok(_) => return Ok(()),
            Err(KeyError::TooWeak) => fault = KeyError::TooWeak,
            Err(KeyError::Rejected) => {}
        }
    }
    Err(fault)
}

/// How `aud` must name the application.
#[derive(Clone, Copy, Debug)]
pub enum AudienceRule {
    /// A URL whose path begins with `/{segment}/{alias of the application in scheme}`; its host says nothing.
    UrlPath {
        /// The first segment of the path.
        segment: &'static str,
        /// The scheme of the alias.
        scheme: &'static str,
    },
    /// Exactly this text.
    Exactly(&'static str),
    /// The application's id.
    Application,
}

/// A value of the `sub` claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedSub {
    /// Exactly this text.
    Is(&'static str),
    /// No `sub` at all.
    Absent,
    /// An alias of the application in this scheme.
    ApplicationAlias(&'static str),
    /// Any text: it names the subject itself.
    Any,
}

/// Whom an assertion speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertedKind {
    /// A user of the issuer's own system; made on first sight.
    External,
    /// An account of ours by its short id, which must be a member of the application already.
    Member,
    /// A user of the issuer's own system, unless the subject is the id of an account of ours: that must be a member.
    Either,
}

/// Names of profile claims in an assertion.
#[derive(Clone, Copy, Debug)]
pub struct ProfileClaims {
    /// First name.
    pub given_name: &'static str,
    /// Last name.
    pub family_name: &'static str,
    /// E-mail address; never proof of anything.
    pub email: &'static str,
}

/// Storage of trusted issuers.
pub trait IssuerStore {
    /// Adds an issuer.
    fn insert_issuer(&mut self, issuer: &TrustedIssuer) -> StoreResult<()>;
    /// Issuers of an application that are not revoked, newest first.
    fn issuers(&mut self, application: ApplicationId) -> StoreResult<Vec<TrustedIssuer>>;
    /// Issuers of all applications in order of id, after `after`, for rewrapping.
    fn all_issuers(&mut self, after: Option<IssuerId>, limit: u32) -> StoreResult<Vec<TrustedIssuer>>;
    /// Replaces the sealed secret by the same secret under another key.
    fn rewrap_issuer(&mut self, id: IssuerId, secret: &Sealed) -> StoreResult<()>;
    /// Revokes an issuer; `false` when it was revoked already or does not exist.
    fn revoke_issuer(&mut self, id: IssuerId, at: Timestamp) -> StoreResult<bool>;
}
