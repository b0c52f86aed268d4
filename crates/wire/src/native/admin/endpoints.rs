//! Endpoints: devices and SIP accounts.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{
    authority::{EndpointChange, EndpointRequest},
    endpoint::{Endpoint, EndpointFilter},
    error::Noun,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::endpoint_groups::number;
use crate::{
    app::App,
    native::{
        body::Json,
        caller::{Admin, CredentialsWrite, IdentitiesRead},
        input::{Asked, Listing, Named, Page, id},
        problem::Problem,
    },
};

/// An endpoint.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct EndpointItem {
    /// Its id.
    id: String,
    /// The number of its group.
    group: String,
    /// What it signs in as.
    user_name: String,
    /// What it signs in with, if it was made just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// What people call it.
    name: String,
    /// A word that it is listed by.
    tag: Option<String>,
    /// When it ends by itself, for good.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl EndpointItem {
    fn of(endpoint: &Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            group: endpoint.group.number.to_string(),
            user_name: endpoint.user_name.clone(),
            secret: None,
            name: endpoint.name.clone(),
            tag: endpoint.tag.clone(),
            expires_at: endpoint.expires_at.map(Timestamp::rfc3339),
            created_at: endpoint.created_at.rfc3339(),
        }
    }
}

fn moment(text: Option<String>) -> Result<Option<Timestamp>, Problem> {
    text.map(|text| Timestamp::parse_rfc3339(&text).ok_or_else(|| Problem::malformed("expires_at"))).transpose()
}

/// The project's endpoints, newest first.
#[utoipa::path(
    get, path = "/admin/endpoints", tag = "administration", params(Page),
    security(("bearer" = ["identities:read"])),
    responses((status = 200, description = "A page", body = Listing<EndpointItem>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    admin: Admin<IdentitiesRead>,
    Asked(page): Asked<Page>,
) -> Result<axum::Json<Listing<EndpointItem>>, Problem> {
    let list = admin.list("endpoints");
    let window = page.window(&app, &list)?;
    let found = app.authority.endpoints(&admin.ctx, &admin.permit, EndpointFilter::default(), window).await?;
    Ok(axum::Json(Page::part(&app, &list, window, found, |found| EndpointItem::of(&found))))
}

/// An endpoint that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct NewEndpoint {
    /// The number of its group.
    group: String,
    /// What it signs in as.
    user_name: String,
    /// What people call it.
    name: String,
    /// A word that it is listed by.
    tag: Option<String>,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// Makes an endpoint with a secret of 128 random bits.
#[utoipa::path(
    post, path = "/admin/endpoints", tag = "administration",
    request_body = NewEndpoint,
    security(("bearer" = ["credentials:write"])),
    responses((status = 201, description = "Made", body = EndpointItem)),
)]
pub(in crate::native) async fn create(
    State(app): State<App>,
    admin: Admin<CredentialsWrite>,
    Json(wanted): Json<NewEndpoint>,
) -> Result<(StatusCode, axum::Json<EndpointItem>), Problem> {
    let request = EndpointRequest {
        group: number(&wanted.group)?,
        user_name: wanted.user_name,
        name: wanted.name,
        tag: wanted.tag,
        expires_at: moment(wanted.expires_at)?,
    };
    let made = app.authority.create_endpoint(&admin.ctx, &admin.permit, request).await?;
    let secret = app.authority.endpoint_secret(&admin.permit, &made)?;
    let item = EndpointItem { secret: Some(secret.expose().to_owned()), ..EndpointItem::of(&made) };
    Ok((StatusCode::CREATED, axum::Json(item)))
}

/// An endpoint.
#[utoipa::path(
    get, path = "/admin/endpoints/{endpoint}", tag = "administration",
    params(("endpoint" = String, Path, description = "Its id")),
    security(("bearer" = ["identities:read"])),
    responses((status = 200, description = "The endpoint", body = EndpointItem)),
)]
pub(in crate::native) async fn show(
    State(app): State<App>,
    admin: Admin<IdentitiesRead>,
    Named(endpoint): Named<String>,
) -> Result<axum::Json<EndpointItem>, Problem> {
    let found = app.authority.endpoint(&admin.permit, id(&endpoint, Noun::Identity)?).await?;
    Ok(axum::Json(EndpointItem::of(&found)))
}

/// What to change of an endpoint.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct EndpointPatch {
    /// The number of its group.
    group: Option<String>,
    /// What people call it.
    name: Option<String>,
    /// A word that it is listed by.
    tag: Option<String>,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// Changes an endpoint.
#[utoipa::path(
    patch, path = "/admin/endpoints/{endpoint}", tag = "administration",
    request_body = EndpointPatch,
    params(("endpoint" = String, Path, description = "Its id")),
    security(("bearer" = ["credentials:write"])),
    responses((status = 200, description = "Changed", body = EndpointItem)),
)]
pub(in crate::native) async fn change(
    State(app): State<App>,
    admin: Admin<CredentialsWrite>,
    Named(endpoint): Named<String>,
    Json(wanted): Json<EndpointPatch>,
) -> Result<axum::Json<EndpointItem>, Problem> {
    let change = EndpointChange {
        group: wanted.group.as_deref().map(number).transpose()?,
        name: wanted.name,
        tag: wanted.tag.map(Some),
        expires_at: moment(wanted.expires_at)?,
    };
    let id = id(&endpoint, Noun::Identity)?;
    let changed = app.authority.change_endpoint(&admin.ctx, &admin.permit, id, change).await?;
    Ok(axum::Json(EndpointItem::of(&changed)))
}

/// Removes an endpoint.
#[utoipa::path(
    delete, path = "/admin/endpoints/{endpoint}", tag = "administration",
    params(("endpoint" = String, Path, description = "Its id")),
    security(("bearer" = ["credentials:write"])),
    responses((status = 204, description = "Removed")),
)]
pub(in crate::native) async fn remove(
    State(app): State<App>,
    admin: Admin<CredentialsWrite>,
    Named(endpoint): Named<String>,
) -> Result<StatusCode, Problem> {
    app.authority.delete_endpoint(&admin.ctx, &admin.permit, id(&endpoint, Noun::Identity)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
