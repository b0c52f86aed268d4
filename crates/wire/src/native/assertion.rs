//! Assertions (RFC 7523): tokens that a trusted issuer of an application signs for its own users.

use std::time::Duration;

use axum::extract::State;
use ringfence_core::{
    authority::PresentedCredential,
    issuer::{AssertedKind, AssertionProfile, AudienceRule, ExpectedSub, ProfileClaims},
    jose::Alg,
    secret::RawToken,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{answers::Tokens, body::Json, browser::Visitor, caller::ApplicationName, problem::Problem};
use crate::app::App;

/// How they look: `aud` is the application's id, `sub` the user's name at the issuer, `exp` at most an hour ahead. A shared
/// secret signs with HS256, a public key (JWK) verifies RS256, ES256 or `EdDSA`.
pub(super) static PROFILE: AssertionProfile = AssertionProfile {
    name: "native",
    algs: &[Alg::HS256, Alg::RS256, Alg::ES256, Alg::EdDSA],
    audience: AudienceRule::Application,
    subject: &["sub"],
    wildcard: None,
    kinds: &[(ExpectedSub::Any, AssertedKind::External)],
    exp_required: true,
    max_lifetime: Some(Duration::from_hours(1)),
    profile_claims: ProfileClaims { given_name: "given_name", family_name: "family_name", email: "email" },
    role: None,
    account_roles: &[],
    default_role: "user",
};

/// Somebody for whom a trusted issuer vouches.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asserted {
    /// The application's id or publishable key.
    application: ApplicationName,
    /// A JWT that a trusted issuer of the application signed.
    #[schema(value_type = String, format = Password)]
    assertion: RawToken,
}

/// Signs in a user of a trusted issuer. The session ends with the assertion; each assertion signs in once.
#[utoipa::path(
    post, path = "/assertions", tag = "sign-in",
    request_body = Asserted,
    responses((status = 200, description = "Signed in", body = Tokens)),
)]
pub(super) async fn sign_in(
    State(app): State<App>,
    visitor: Visitor,
    Json(wanted): Json<Asserted>,
) -> Result<axum::Json<Tokens>, Problem> {
    let project = visitor.place(&app, &wanted.application).await?;
    let presented = PresentedCredential::Assertion { project, jwt: wanted.assertion, profile: &PROFILE, claimed: None };
    let who = app.authority.sign_in(&visitor.ctx, presented).await?;
    Ok(axum::Json(Tokens::first(&app, &visitor.ctx, &who).await?))
}
