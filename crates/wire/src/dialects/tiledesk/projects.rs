//! `/projects` and what a project holds that is secret.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Uri};
use ringfence_core::{
    application::{Application, ApplicationSettings},
    authority::{ApplicationRequest, Authority, RoleNeeded},
    error::AuthError,
};
use serde_json::json;

use super::{
    LADDER, PROJECT,
    assertion::{self, is_project_id},
    attributes::Attributes,
    error::{Refusal, refuse},
    fields::Fields,
    people, project,
    schemes::{self, InPath, InProject, Segment, SignedIn},
    wire, words,
};
use crate::{app::App, extract::Circumstances};

/// The roles that operations need.
pub(super) const AGENT: RoleNeeded = RoleNeeded { ladder: &LADDER, least: "agent" };
pub(super) const ADMIN: RoleNeeded = RoleNeeded { ladder: &LADDER, least: "admin" };

/// The id that this dialect knows an application by.
pub(super) async fn id_of(
    authority: &Authority,
    application: ringfence_core::ids::ApplicationId,
) -> Result<String, AuthError> {
    let names = authority.aliases(application).await?;
    let own = names.into_iter().find(|alias| alias.scheme == PROJECT);
    Ok(own.map_or_else(|| application.short(), |alias| alias.value))
}

async fn shown(authority: &Authority, application: &Application) -> Result<wire::Project, AuthError> {
    Ok(wire::Project::new(id_of(authority, application.id).await?, application))
}

/// `POST /projects`
pub(super) async fn create(
    State(app): State<App>,
    SignedIn { ctx, who }: SignedIn,
    fields: Fields,
) -> Result<impl IntoResponse, Refusal> {
    let mut check = fields.check();
    let name = check.text("name");
    check.done()?;
    let own = Attributes { created_by: Some(people::id(&who)), ..Attributes::default() };
    let settings = ApplicationSettings { attributes: own.into_map(), ..ApplicationSettings::default() };
    let wanted = ApplicationRequest { name, settings, aliases: Vec::new() };
    let made = app.authority.found_application(&ctx, &who, wanted, PROJECT, "owner").await;
    let (application, _) = made.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(wire::Project::new(application.id.short(), &application)))
}

/// `GET /projects`: those that the caller works in.
pub(super) async fn list(
    State(app): State<App>,
    SignedIn { ctx, who }: SignedIn,
) -> Result<impl IntoResponse, Refusal> {
    let found = app.authority.memberships(&who).await.map_err(refuse(&ctx, words::usual))?;
    let mut shown_ones = Vec::new();
    for (membership, application) in found.iter().filter(|(membership, _)| wire::role_type(membership) == 1) {
        let project = shown(&app.authority, application).await.map_err(refuse(&ctx, words::usual))?;
        shown_ones.push(wire::ProjectUser::new(membership, project));
    }
    Ok(Json(shown_ones))
}

/// `GET /projects/{id}`
pub(super) async fn show(
    State(app): State<App>,
    SignedIn { ctx, who }: SignedIn,
    Segment(id): Segment<String>,
) -> Result<impl IntoResponse, Refusal> {
    let permitted = app.authority.permit_in(&who, project(&id), AGENT).await;
    let (_, application, _) = permitted.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(wire::Project::new(id, &application)))
}

/// `POST /{projectid}/keys/generate`: the new secret, shown this once; the old one is dead.
pub(super) async fn generate_keys(State(app): State<App>, asked: InProject) -> Result<Response, Refusal> {
    let InProject { ctx, who, .. } = &asked;
    let replaced = app.authority.replace_issuers(ctx, who, asked.reference(), ADMIN, &assertion::PROFILE).await;
    let secret = replaced.map_err(refuse(ctx, words::usual))?;
    // The pair is used by nothing; what has its place says so.
    Ok(Json(wire::Keys {
        public_key: "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        private_key: "-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n",
        jwt_secret: secret.expose(),
    })
    .into_response())
}

/// `POST /{projectid}/jwt/decode`: an integrator tries out a token of its own.
pub(super) async fn decode(
    State(app): State<App>,
    InPath { ctx, application, .. }: InPath,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Refusal> {
    let token = schemes::second_word(&headers).ok_or_else(Refusal::without_header)?;
    let decoded = app.authority.decode_assertion(&ctx, application.id, &assertion::SHORT_LIVED, &token).await;
    let claims = decoded.map_err(refuse(&ctx, words::decode))?;
    if !claims.contains_key("iat") {
        return Err(Refusal::undecodable("The token has no iat.", None));
    }
    Ok(Json(json!({ "decoded": claims })))
}

/// Everything else: its own server takes the first word of any other path for a project's id.
pub(super) async fn nothing_here(State(app): State<App>, Circumstances(ctx): Circumstances, uri: Uri) -> Refusal {
    let first = uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
    if first.is_empty() {
        return Refusal::not_found("Object not found.");
    }
    if !is_project_id(first) {
        return Refusal::invalid_project(first);
    }
    match schemes::named(&app, &ctx, first).await {
        Ok(_) => Refusal::not_found("Object not found."),
        Err(refusal) => refusal,
    }
}
