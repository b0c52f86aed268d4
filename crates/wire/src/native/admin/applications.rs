//! Applications: what requests come from.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{
    application::{Alias, Application, ApplicationSettings},
    authority::ApplicationRequest,
    caller::Permit,
    error::{AuthError, Noun},
    ids::ApplicationId,
    project::ProjectRef,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::merge;
use crate::{
    app::App,
    native::{
        body::Json,
        caller::{Admin, PUBLISHABLE_KEY, ProjectsRead, ProjectsWrite},
        input::{Asked, Listing, Named, Page, id},
        problem::Problem,
    },
};

/// An application.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct ApplicationItem {
    /// Its id, the `client_id` and `aud` of its tokens.
    id: String,
    /// Its name.
    name: String,
    /// What is configured for it.
    #[schema(value_type = Object)]
    settings: Value,
    /// The keys that pages may show to name it; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    publishable_keys: Option<Vec<String>>,
    /// Since when nobody may sign in through it.
    #[schema(format = DateTime)]
    disabled_at: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl ApplicationItem {
    fn of(found: &Application, aliases: Option<Vec<Alias>>) -> Self {
        let keys = |aliases: Vec<Alias>| {
            let keys = aliases.into_iter().filter(|alias| alias.scheme == PUBLISHABLE_KEY);
            keys.map(|alias| alias.value).collect()
        };
        Self {
            id: found.id.to_string(),
            name: found.name.clone(),
            settings: serde_json::to_value(&found.settings).unwrap_or_default(),
            publishable_keys: aliases.map(keys),
            disabled_at: found.disabled_at.map(Timestamp::rfc3339),
            created_at: found.created_at.rfc3339(),
        }
    }

    async fn whole(app: &App, found: &Application) -> Result<axum::Json<Self>, Problem> {
        let aliases = app.authority.aliases(found.id).await?;
        Ok(axum::Json(Self::of(found, Some(aliases))))
    }
}

/// The application of the permit's project that has this id.
pub(super) async fn find(app: &App, permit: &Permit, named: &str) -> Result<Application, Problem> {
    let id: ApplicationId = id(named, Noun::Application)?;
    let (project, found) = app.authority.find_application(ProjectRef::Application(id)).await?;
    if project.id == permit.project() { Ok(found) } else { Err(AuthError::NotFound(Noun::Application).into()) }
}

/// The project's applications.
#[utoipa::path(
    get, path = "/admin/applications", tag = "administration", params(Page),
    security(("bearer" = ["projects:read"])),
    responses((status = 200, description = "A page", body = Listing<ApplicationItem>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    admin: Admin<ProjectsRead>,
    Asked(page): Asked<Page>,
) -> Result<axum::Json<Listing<ApplicationItem>>, Problem> {
    let list = admin.list("applications");
    let found = app.authority.applications(&admin.permit, page.after(&app, &list)?, page.limit()?).await?;
    let position = |found: &Application| found.id.to_string();
    Ok(axum::Json(page.of(&app, &list, found, position, |found| ApplicationItem::of(&found, None))?))
}

/// An application that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct NewApplication {
    /// Its name.
    name: String,
    /// A merge patch (RFC 7396) of the settings that a new application has.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    settings: Map<String, Value>,
    /// A key that pages may show to name it.
    publishable_key: Option<String>,
}

fn patched(settings: &ApplicationSettings, patch: Map<String, Value>) -> Result<ApplicationSettings, Problem> {
    let mut settings = serde_json::to_value(settings).unwrap_or_default();
    merge(&mut settings, patch);
    serde_json::from_value(settings).map_err(|_| Problem::malformed("settings"))
}

fn aliases(publishable_key: Option<String>) -> Vec<Alias> {
    publishable_key.map(|value| Alias { scheme: PUBLISHABLE_KEY.to_owned(), value }).into_iter().collect()
}

/// Makes an application.
#[utoipa::path(
    post, path = "/admin/applications", tag = "administration",
    request_body = NewApplication,
    security(("bearer" = ["projects:write"])),
    responses((status = 201, description = "Made", body = ApplicationItem)),
)]
pub(in crate::native) async fn create(
    State(app): State<App>,
    admin: Admin<ProjectsWrite>,
    Json(wanted): Json<NewApplication>,
) -> Result<(StatusCode, axum::Json<ApplicationItem>), Problem> {
    let settings = patched(&ApplicationSettings::default(), wanted.settings)?;
    let wanted = ApplicationRequest { name: wanted.name, settings, aliases: aliases(wanted.publishable_key) };
    let made = app.authority.create_application(&admin.ctx, &admin.permit, wanted).await?;
    Ok((StatusCode::CREATED, ApplicationItem::whole(&app, &made).await?))
}

/// An application.
#[utoipa::path(
    get, path = "/admin/applications/{application}", tag = "administration",
    params(("application" = String, Path, description = "Its id")),
    security(("bearer" = ["projects:read"])),
    responses((status = 200, description = "The application", body = ApplicationItem)),
)]
pub(in crate::native) async fn show(
    State(app): State<App>,
    admin: Admin<ProjectsRead>,
    Named(named): Named<String>,
) -> Result<axum::Json<ApplicationItem>, Problem> {
    ApplicationItem::whole(&app, &find(&app, &admin.permit, &named).await?).await
}

/// What to change of an application.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct ApplicationChange {
    /// A merge patch (RFC 7396) of its settings.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
    /// One more key that pages may show to name it.
    publishable_key: Option<String>,
    /// Whether nobody may sign in through it; its sessions end.
    disabled: Option<bool>,
}

/// Changes an application.
#[utoipa::path(
    patch, path = "/admin/applications/{application}", tag = "administration",
    request_body = ApplicationChange,
    params(("application" = String, Path, description = "Its id")),
    security(("bearer" = ["projects:write"])),
    responses((status = 200, description = "Changed", body = ApplicationItem)),
)]
pub(in crate::native) async fn change(
    State(app): State<App>,
    admin: Admin<ProjectsWrite>,
    Named(named): Named<String>,
    Json(wanted): Json<ApplicationChange>,
) -> Result<axum::Json<ApplicationItem>, Problem> {
    let (ctx, permit) = (&admin.ctx, &admin.permit);
    let mut found = find(&app, permit, &named).await?;
    if wanted.settings.is_some() || wanted.publishable_key.is_some() {
        let settings = patched(&found.settings, wanted.settings.unwrap_or_default())?;
        let keys = aliases(wanted.publishable_key);
        found = app.authority.configure_application(ctx, permit, found.id, settings, keys).await?;
    }
    if let Some(disabled) = wanted.disabled {
        found = app.authority.disable_application(ctx, permit, found.id, disabled).await?;
    }
    ApplicationItem::whole(&app, &found).await
}
