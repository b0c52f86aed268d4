//! Trusted issuers: whose assertions an application takes.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{error::Noun, issuer::TrustedIssuer, secret::RawToken};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::applications::find;
use crate::{
    app::App,
    native::{
        ASSERTIONS,
        body::Json,
        caller::{Admin, ProjectsRead, ProjectsWrite},
        input::{Listing, Named, id},
        problem::Problem,
    },
};

/// A trusted issuer.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct IssuerItem {
    /// Its id.
    id: String,
    /// How its assertions look, e.g. `native`.
    profile: String,
    /// The secret that it signs with, if it was made just now. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Since when it is trusted.
    #[schema(format = DateTime)]
    created_at: String,
}

impl IssuerItem {
    fn of(issuer: &TrustedIssuer) -> Self {
        Self {
            id: issuer.id.to_string(),
            profile: issuer.profile.clone(),
            secret: None,
            created_at: issuer.created_at.rfc3339(),
        }
    }
}

/// The issuers that an application trusts, newest first.
#[utoipa::path(
    get, path = "/admin/applications/{application}/issuers", tag = "administration",
    params(("application" = String, Path, description = "Its id")),
    security(("bearer" = ["projects:read"])),
    responses((status = 200, description = "All of them", body = Listing<IssuerItem>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    admin: Admin<ProjectsRead>,
    Named(application): Named<String>,
) -> Result<axum::Json<Listing<IssuerItem>>, Problem> {
    let found = app.authority.issuers(&admin.permit, id(&application, Noun::Application)?).await?;
    Ok(axum::Json(Listing::whole(found.iter().map(IssuerItem::of).collect())))
}

/// A signer to trust.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct NewIssuer {
    /// How its assertions look; `native` when absent.
    profile: Option<String>,
    /// A shared secret of at least 32 bytes. Without it and `jwk` one is made.
    #[schema(value_type = Option<String>, format = Password)]
    secret: Option<RawToken>,
    /// A public key (RFC 7517) instead of a secret: RSA, P-256 or Ed25519.
    #[schema(value_type = Option<Object>)]
    jwk: Option<Value>,
}

/// Has an application trust a signer. Several may be trusted at once, for rotation.
#[utoipa::path(
    post, path = "/admin/applications/{application}/issuers", tag = "administration",
    request_body = NewIssuer,
    params(("application" = String, Path, description = "Its id")),
    security(("bearer" = ["projects:write"])),
    responses((status = 201, description = "Trusted", body = IssuerItem)),
)]
pub(in crate::native) async fn create(
    State(app): State<App>,
    admin: Admin<ProjectsWrite>,
    Named(application): Named<String>,
    Json(wanted): Json<NewIssuer>,
) -> Result<(StatusCode, axum::Json<IssuerItem>), Problem> {
    let application = find(&app, &admin.permit, &application).await?.id;
    let profile = wanted.profile.as_deref().unwrap_or(ASSERTIONS.name);
    let (authority, permit) = (&app.authority, &admin.permit);
    let made = wanted.secret.is_none() && wanted.jwk.is_none();
    let secret = match (wanted.secret, wanted.jwk) {
        (Some(_), Some(_)) => return Err(Problem::malformed("jwk")),
        // Only the public half, or we would keep what nobody should give away.
        (None, Some(jwk)) if jwk.get("kty").is_none() || jwk.get("d").is_some() => {
            return Err(Problem::malformed("jwk"));
        }
        (None, Some(jwk)) => Some(RawToken::new(jwk.to_string())),
        (secret, None) => secret,
    };
    let secret = authority.trust_issuer(&admin.ctx, permit, application, profile, secret).await?;
    let id = authority.issuer_with(permit, application, profile, &secret).await?;
    let found = authority.issuers(permit, application).await?.into_iter().find(|issuer| Some(issuer.id) == id);
    let mut item =
        found.as_ref().map(IssuerItem::of).ok_or(ringfence_core::error::AuthError::NotFound(Noun::Issuer))?;
    item.secret = made.then(|| secret.expose().to_owned());
    Ok((StatusCode::CREATED, axum::Json(item)))
}

/// Ends the trust in a signer: what it signed ends now.
#[utoipa::path(
    delete, path = "/admin/applications/{application}/issuers/{issuer}", tag = "administration",
    params(("application" = String, Path, description = "The application's id"), ("issuer" = String, Path, description = "The issuer's id")),
    security(("bearer" = ["projects:write"])),
    responses((status = 204, description = "Not trusted any more")),
)]
pub(in crate::native) async fn revoke(
    State(app): State<App>,
    admin: Admin<ProjectsWrite>,
    Named((application, issuer)): Named<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (application, issuer) = (id(&application, Noun::Application)?, id(&issuer, Noun::Issuer)?);
    app.authority.revoke_issuer(&admin.ctx, &admin.permit, application, issuer).await?;
    Ok(StatusCode::NO_CONTENT)
}
