//! Signing keys of the project.

use axum::extract::State;
use ringfence_core::{key::SigningKey, time::Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    native::{
        caller::{Admin, KeysWrite},
        input::Listing,
        problem::Problem,
    },
};

/// A signing key without its private half.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct SigningKeyItem {
    /// Its `kid`.
    kid: String,
    /// `published` keys are in the JWKS.
    set: String,
    /// The one algorithm that it is used with.
    alg: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// From when on it does not sign any more.
    #[schema(format = DateTime)]
    retired_at: Option<String>,
    /// From when on it does not verify any more.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

fn listing(keys: Vec<SigningKey>) -> axum::Json<Listing<SigningKeyItem>> {
    let shown = |key: SigningKey| SigningKeyItem {
        kid: key.kid,
        set: key.set,
        alg: key.alg.to_string(),
        created_at: key.created_at.rfc3339(),
        retired_at: key.retired_at.map(Timestamp::rfc3339),
        expires_at: key.expires_at.map(Timestamp::rfc3339),
    };
    axum::Json(Listing::whole(keys.into_iter().map(shown).collect()))
}

/// The project's signing keys that still verify, newest first.
#[utoipa::path(
    get, path = "/admin/signing-keys", tag = "administration",
    security(("bearer" = ["keys:write"])),
    responses((status = 200, description = "All of them", body = Listing<SigningKeyItem>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    admin: Admin<KeysWrite>,
) -> Result<axum::Json<Listing<SigningKeyItem>>, Problem> {
    Ok(listing(app.authority.signing_keys(&admin.ctx, &admin.permit).await?))
}

/// Has new keys sign from now on. The old ones verify until the last token that they signed has ended.
#[utoipa::path(
    post, path = "/admin/signing-keys/rotate", tag = "administration",
    security(("bearer" = ["keys:write"])),
    responses((status = 200, description = "The new keys", body = Listing<SigningKeyItem>)),
)]
pub(in crate::native) async fn rotate(
    State(app): State<App>,
    admin: Admin<KeysWrite>,
) -> Result<axum::Json<Listing<SigningKeyItem>>, Problem> {
    Ok(listing(app.authority.rotate_keys(&admin.ctx, &admin.permit).await?))
}
