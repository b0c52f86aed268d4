//! API keys: how back ends prove themselves.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{authority::ApiKeyRequest, caller::Scope, credential::Credential, error::Noun, time::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::applications::find;
use crate::{
    app::App,
    native::{
        body::Json,
        caller::{Admin, CredentialsWrite},
        input::{Asked, Listing, Named, Page, id},
        problem::Problem,
    },
};

/// An API key.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct KeyItem {
    /// Its id.
    id: String,
    /// What people call it.
    name: String,
    /// What it may do.
    scopes: Vec<&'static str>,
    /// The application that it is confined to.
    application_id: Option<String>,
    /// What to send as bearer token, if it was made just now. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When it was revoked.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

impl KeyItem {
    fn of(key: &Credential) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.label.clone(),
            scopes: key.scopes.iter().map(Scope::as_str).collect(),
            application_id: key.application.map(|id| id.to_string()),
            value: None,
            created_at: key.created_at.rfc3339(),
            expires_at: key.expires_at.map(Timestamp::rfc3339),
            revoked_at: key.revoked_at.map(Timestamp::rfc3339),
        }
    }
}

/// The project's API keys, revoked ones included.
#[utoipa::path(
    get, path = "/admin/api-keys", tag = "administration", params(Page),
    security(("bearer" = ["credentials:write"])),
    responses((status = 200, description = "A page", body = Listing<KeyItem>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    admin: Admin<CredentialsWrite>,
    Asked(page): Asked<Page>,
) -> Result<axum::Json<Listing<KeyItem>>, Problem> {
    let list = admin.list("api_keys");
    let found = app.authority.api_keys(&admin.permit, page.after(&app, &list)?, page.limit()?).await?;
    let position = |found: &Credential| found.id.to_string();
    Ok(axum::Json(page.of(&app, &list, found, position, |found| KeyItem::of(&found))?))
}

/// An API key that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct NewKey {
    /// What people call it.
    name: String,
    /// What it may do; nothing that the key that asks may not.
    scopes: Vec<String>,
    /// The id of the application that it is confined to.
    application: Option<String>,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// Makes an API key.
#[utoipa::path(
    post, path = "/admin/api-keys", tag = "administration",
    request_body = NewKey,
    security(("bearer" = ["credentials:write"])),
    responses((status = 201, description = "Made", body = KeyItem)),
)]
pub(in crate::native) async fn create(
    State(app): State<App>,
    admin: Admin<CredentialsWrite>,
    Json(wanted): Json<NewKey>,
) -> Result<(StatusCode, axum::Json<KeyItem>), Problem> {
    let scopes = wanted.scopes.iter().map(|scope| Scope::parse(scope).ok_or_else(|| Problem::malformed("scopes")));
    let moment = |text: String| Timestamp::parse_rfc3339(&text).ok_or_else(|| Problem::malformed("expires_at"));
    let application = match wanted.application {
        Some(named) => Some(find(&app, &admin.permit, &named).await?.id),
        None => None,
    };
    let request = ApiKeyRequest {
        label: wanted.name,
        scopes: scopes.collect::<Result<_, _>>()?,
        application,
        expires_at: wanted.expires_at.map(moment).transpose()?,
        value: None,
    };
    let minted = app.authority.create_api_key(&admin.ctx, &admin.permit, request).await?;
    let item = KeyItem { value: Some(minted.value.expose().to_owned()), ..KeyItem::of(&minted.credential) };
    Ok((StatusCode::CREATED, axum::Json(item)))
}

/// Revokes an API key.
#[utoipa::path(
    delete, path = "/admin/api-keys/{key}", tag = "administration",
    params(("key" = String, Path, description = "Its id")),
    security(("bearer" = ["credentials:write"])),
    responses((status = 204, description = "Revoked")),
)]
pub(in crate::native) async fn revoke(
    State(app): State<App>,
    admin: Admin<CredentialsWrite>,
    Named(key): Named<String>,
) -> Result<StatusCode, Problem> {
    app.authority.revoke_api_key(&admin.ctx, &admin.permit, id(&key, Noun::Credential)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
