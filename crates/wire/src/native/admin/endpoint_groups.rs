//! Groups of endpoints, switched on and off as one.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{
    authority::{GroupChange, GroupRequest},
    endpoint::{Endpoint, GroupFilter, GroupNumber, GroupOrder},
    error::{AuthError, Noun},
    secret::Password,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use utoipa::ToSchema;

use crate::{
    app::App,
    native::{
        body::Json,
        caller::{Admin, CredentialsWrite, IdentitiesRead},
        input::{Asked, Listing, Named, Page},
        problem::Problem,
    },
};

/// A group of endpoints.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct GroupItem {
    /// Its number, by which it is named.
    number: String,
    /// What people call it.
    name: String,
    /// What its own account signs in as.
    user_name: String,
    /// Its own account, an identity.
    account_id: String,
    /// Since when neither it nor its endpoints may sign in.
    #[schema(format = DateTime)]
    disabled_at: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl GroupItem {
    fn of(account: &Endpoint) -> Self {
        let group = &account.group;
        Self {
            number: group.number.to_string(),
            name: group.name.clone(),
            user_name: account.user_name.clone(),
            account_id: group.account.to_string(),
            disabled_at: group.disabled_at.map(Timestamp::rfc3339),
            created_at: group.created_at.rfc3339(),
        }
    }
}

/// The number that a text is; what is none names nothing.
pub(super) fn number(text: &str) -> Result<GroupNumber, AuthError> {
    GroupNumber::parse(text).ok_or(AuthError::NotFound(Noun::EndpointGroup))
}

/// The project's groups, newest first.
#[utoipa::path(
    get, path = "/admin/endpoint-groups", tag = "administration", params(Page),
    security(("bearer" = ["identities:read"])),
    responses((status = 200, description = "A page", body = Listing<GroupItem>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    admin: Admin<IdentitiesRead>,
    Asked(page): Asked<Page>,
) -> Result<axum::Json<Listing<GroupItem>>, Problem> {
    let list = admin.list("endpoint_groups");
    let window = page.window(&app, &list)?;
    let order = GroupOrder::NEWEST_FIRST;
    let found = app.authority.endpoint_groups(&admin.permit, GroupFilter::default(), order, window).await?;
    Ok(axum::Json(Page::part(&app, &list, window, found, |found| GroupItem::of(&found))))
}

/// A group that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct NewGroup {
    /// What people call it.
    name: String,
    /// What its own account signs in as.
    user_name: String,
    /// What its own account signs in with; made when absent.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Password>,
}

/// Makes a group with its own account.
#[utoipa::path(
    post, path = "/admin/endpoint-groups", tag = "administration",
    request_body = NewGroup,
    security(("bearer" = ["credentials:write"])),
    responses((status = 201, description = "Made", body = GroupItem)),
)]
pub(in crate::native) async fn create(
    State(app): State<App>,
    admin: Admin<CredentialsWrite>,
    Json(wanted): Json<NewGroup>,
) -> Result<(StatusCode, axum::Json<GroupItem>), Problem> {
    let request = GroupRequest {
        name: wanted.name,
        user_name: wanted.user_name,
        password: wanted.password,
        attributes: Map::new(),
        outbound_profile: None,
        disabled: false,
    };
    let made = app.authority.create_endpoint_group(&admin.ctx, &admin.permit, request).await?;
    Ok((StatusCode::CREATED, axum::Json(GroupItem::of(&made))))
}

/// A group.
#[utoipa::path(
    get, path = "/admin/endpoint-groups/{group}", tag = "administration",
    params(("group" = String, Path, description = "Its number")),
    security(("bearer" = ["identities:read"])),
    responses((status = 200, description = "The group", body = GroupItem)),
)]
pub(in crate::native) async fn show(
    State(app): State<App>,
    admin: Admin<IdentitiesRead>,
    Named(group): Named<String>,
) -> Result<axum::Json<GroupItem>, Problem> {
    let found = app.authority.endpoint_group(&admin.permit, number(&group)?).await?;
    Ok(axum::Json(GroupItem::of(&found)))
}

/// What to change of a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct GroupPatch {
    /// What people call it.
    name: Option<String>,
    /// What its own account signs in as.
    user_name: Option<String>,
    /// What its own account signs in with.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Password>,
    /// Whether neither it nor its endpoints may sign in.
    disabled: Option<bool>,
}

/// Changes a group.
#[utoipa::path(
    patch, path = "/admin/endpoint-groups/{group}", tag = "administration",
    request_body = GroupPatch,
    params(("group" = String, Path, description = "Its number")),
    security(("bearer" = ["credentials:write"])),
    responses((status = 200, description = "Changed", body = GroupItem)),
)]
pub(in crate::native) async fn change(
    State(app): State<App>,
    admin: Admin<CredentialsWrite>,
    Named(group): Named<String>,
    Json(wanted): Json<GroupPatch>,
) -> Result<axum::Json<GroupItem>, Problem> {
    let GroupPatch { name, user_name, password, disabled } = wanted;
    let change = GroupChange { name, user_name, password, disabled, ..GroupChange::default() };
    let changed = app.authority.change_endpoint_group(&admin.ctx, &admin.permit, number(&group)?, change).await?;
    Ok(axum::Json(GroupItem::of(&changed)))
}

/// Removes a group and its endpoints.
#[utoipa::path(
    delete, path = "/admin/endpoint-groups/{group}", tag = "administration",
    params(("group" = String, Path, description = "Its number")),
    security(("bearer" = ["credentials:write"])),
    responses((status = 204, description = "Removed")),
)]
pub(in crate::native) async fn remove(
    State(app): State<App>,
    admin: Admin<CredentialsWrite>,
    Named(group): Named<String>,
) -> Result<StatusCode, Problem> {
    app.authority.delete_endpoint_group(&admin.ctx, &admin.permit, number(&group)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
