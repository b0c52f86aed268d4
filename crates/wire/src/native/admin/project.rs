//! The project itself.

use axum::extract::State;
use ringfence_core::{project::Project, time::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::merge;
use crate::{
    app::App,
    native::{
        body::Json,
        caller::{Admin, ProjectsRead, ProjectsWrite},
        problem::Problem,
    },
};

/// A project.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct ProjectItem {
    /// Its id, part of the `iss` of its tokens.
    id: String,
    /// Its name.
    name: String,
    /// What is configured for it; secrets are shown as `…`.
    #[schema(value_type = Object)]
    policy: Value,
    /// Since when nobody may sign in.
    #[schema(format = DateTime)]
    disabled_at: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl ProjectItem {
    fn of(project: &Project) -> Self {
        let mut policy = serde_json::to_value(&project.policy).unwrap_or_default();
        hide_secrets(&mut policy);
        Self {
            id: project.id.to_string(),
            name: project.name.clone(),
            policy,
            disabled_at: project.disabled_at.map(Timestamp::rfc3339),
            created_at: project.created_at.rfc3339(),
        }
    }
}

/// Covers the values of members whose names say that they are secret.
fn hide_secrets(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name.contains("secret") {
                    *value = Value::String("…".to_owned());
                } else {
                    hide_secrets(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide_secrets),
        _ => {}
    }
}

/// The project of the key.
#[utoipa::path(
    get, path = "/admin/project", tag = "administration",
    security(("bearer" = ["projects:read"])),
    responses((status = 200, description = "The project", body = ProjectItem)),
)]
pub(in crate::native) async fn show(
    State(app): State<App>,
    admin: Admin<ProjectsRead>,
) -> Result<axum::Json<ProjectItem>, Problem> {
    Ok(axum::Json(ProjectItem::of(&app.authority.project(&admin.permit).await?)))
}

/// What to change of a project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct ProjectChange {
    /// A merge patch (RFC 7396) of its policy.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    policy: Map<String, Value>,
}

/// Changes the project's policy.
#[utoipa::path(
    patch, path = "/admin/project", tag = "administration",
    request_body = ProjectChange,
    security(("bearer" = ["projects:write"])),
    responses((status = 200, description = "Changed", body = ProjectItem)),
)]
pub(in crate::native) async fn change(
    State(app): State<App>,
    admin: Admin<ProjectsWrite>,
    Json(wanted): Json<ProjectChange>,
) -> Result<axum::Json<ProjectItem>, Problem> {
    let present = app.authority.policy(&admin.permit).await?;
    let mut policy = serde_json::to_value(&present).unwrap_or_default();
    merge(&mut policy, wanted.policy);
    let policy = serde_json::from_value(policy).map_err(|_| Problem::malformed("policy"))?;
    let changed = app.authority.configure_project(&admin.ctx, &admin.permit, policy).await?;
    Ok(axum::Json(ProjectItem::of(&changed)))
}
