//! What guests may reach.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{error::Noun, project::GuestTarget};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    native::{
        body::Json,
        caller::{Admin, ProjectsRead, ProjectsWrite},
        input::{Listing, Named, id},
        problem::Problem,
    },
};

/// Something that guests may reach.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct TargetItem {
    /// Its id.
    id: String,
    /// What it is, e.g. `ai_assistant`.
    kind: String,
    /// Its name on the wire.
    name: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl TargetItem {
    fn of(target: GuestTarget) -> Self {
        Self {
            id: target.id.to_string(),
            kind: target.kind,
            name: target.name,
            created_at: target.created_at.rfc3339(),
        }
    }
}

/// What guests may reach.
#[utoipa::path(
    get, path = "/admin/guest-targets", tag = "administration",
    security(("bearer" = ["projects:read"])),
    responses((status = 200, description = "All of it", body = Listing<TargetItem>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    admin: Admin<ProjectsRead>,
) -> Result<axum::Json<Listing<TargetItem>>, Problem> {
    let found = app.authority.guest_targets(&admin.permit).await?;
    Ok(axum::Json(Listing::whole(found.into_iter().map(TargetItem::of).collect())))
}

/// Something that guests are to reach.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct NewTarget {
    /// What it is, e.g. `ai_assistant`.
    kind: String,
    /// Its name on the wire.
    name: String,
}

/// Lets guests reach something.
#[utoipa::path(
    post, path = "/admin/guest-targets", tag = "administration",
    request_body = NewTarget,
    security(("bearer" = ["projects:write"])),
    responses((status = 201, description = "Made", body = TargetItem)),
)]
pub(in crate::native) async fn create(
    State(app): State<App>,
    admin: Admin<ProjectsWrite>,
    Json(wanted): Json<NewTarget>,
) -> Result<(StatusCode, axum::Json<TargetItem>), Problem> {
    let made = app.authority.add_guest_target(&admin.ctx, &admin.permit, wanted.kind, wanted.name).await?;
    Ok((StatusCode::CREATED, axum::Json(TargetItem::of(made))))
}

/// Ends that guests may reach it.
#[utoipa::path(
    delete, path = "/admin/guest-targets/{target}", tag = "administration",
    params(("target" = String, Path, description = "Its id")),
    security(("bearer" = ["projects:write"])),
    responses((status = 204, description = "Removed")),
)]
pub(in crate::native) async fn remove(
    State(app): State<App>,
    admin: Admin<ProjectsWrite>,
    Named(target): Named<String>,
) -> Result<StatusCode, Problem> {
    app.authority.remove_guest_target(&admin.ctx, &admin.permit, id(&target, Noun::GuestTarget)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
