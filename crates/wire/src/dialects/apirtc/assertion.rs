//! The JWT of an application's user (sheet, section 3), signed with the secret that the application shares with its back end.

use std::time::Duration;

use ringfence_core::{
    issuer::{AssertedKind, AssertionProfile, AudienceRule, ExpectedSub, ProfileClaims},
    jose::{Alg, Unverified},
    secret::RawToken,
};
use serde_json::{Map, Value};

use super::{API_KEY, TOKENS};

/// How it looks. Order of the checks: key of the application that the request names, algorithm, signature, times, audience,
/// `sub`, user.
pub(super) static PROFILE: AssertionProfile = AssertionProfile {
    name: "apirtc",
    algs: &[Alg::HS256],
    audience: AudienceRule::Exactly("apiRTC"),
    subject: &["grants", "apiRTC_UserAgent_Id"],
    // Any user of the application, in the tokens of the vendor's generator.
    wildcard: Some("ApiKey_Token"),
    kinds: &[(ExpectedSub::ApplicationAlias(API_KEY), AssertedKind::Either)],
    exp_required: true,
    max_lifetime: Some(Duration::from_hours(24)),
    profile_claims: ProfileClaims { given_name: "given_name", family_name: "family_name", email: "email" },
    role: None,
    account_roles: &[],
    default_role: "user",
};

/// The claims of a token before anything vouches for them: only to find out whom to ask.
pub(super) fn unverified(token: &RawToken) -> Option<Map<String, Value>> {
    Some(Unverified::parse(token.expose()).ok()?.claims_unverified().ok()?.clone().into_map())
}

/// Whether a token is of the kind that we sign ourselves, rather than an application's back end.
pub(super) fn is_ours(token: &RawToken) -> bool {
    Unverified::parse(token.expose()).is_ok_and(|unverified| unverified.header().alg == TOKENS.alg)
}
