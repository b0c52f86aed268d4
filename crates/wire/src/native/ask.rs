//! For other servers: whether a token counts (RFC 7662), its end (RFC 7009), who issues and with which keys (RFC 8414).

use axum::{
    Form, Router,
    extract::{Path, State, rejection::FormRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use ringfence_core::{
    authority::Introspected,
    caller::Scope,
    error::{AuthError, Noun},
    ids::ProjectId,
    secret::RawToken,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    caller::{Admin, TokensIntrospect},
    problem::Problem,
};
use crate::{app::App, extract::Circumstances};

/// A token that somebody asks about.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Question {
    /// The token.
    #[schema(value_type = String, format = Password)]
    token: RawToken,
    /// What it may be; not needed.
    #[serde(rename = "token_type_hint")]
    _hint: Option<String>,
}

/// What is said of a token. Of one that does not count nothing but that.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct Introspection {
    /// Whether it counts now.
    active: bool,
    /// The identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    /// `member`, `guest`, `external`, `endpoint` or `service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// The application.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// Scopes, separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// Seconds since 1970 at which it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// How its owner proved who they are (RFC 8176).
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<Vec<String>>,
}

/// Says whether a token counts now. Asked with an API key that has `tokens:introspect`.
#[utoipa::path(
    post, path = "/introspect", tag = "servers",
    request_body(content = Question, content_type = "application/x-www-form-urlencoded"),
    security(("bearer" = ["tokens:introspect"])),
    responses(
        (status = 200, description = "What the token stands for", body = Introspection),
    ),
)]
pub(super) async fn introspect(
    State(app): State<App>,
    Admin { ctx, permit, .. }: Admin<TokensIntrospect>,
    question: Result<Form<Question>, FormRejection>,
) -> Result<axum::Json<Introspection>, Problem> {
    let Form(question) = question.map_err(Problem::of_form)?;
    let found = app.authority.introspect(&ctx, &permit, &question.token).await?;
    Ok(axum::Json(found.map(Introspection::of).unwrap_or_default()))
}

impl Introspection {
    fn of(found: Introspected) -> Self {
        let Introspected { who, expires_at } = found;
        let scopes: Vec<_> = who.scopes.iter().map(Scope::as_str).collect();
        Self {
            active: true,
            sub: Some(who.identity.id.to_string()),
            sid: who.session.as_ref().map(|session| session.id.to_string()),
            kind: Some(who.identity.kind.as_str()),
            client_id: who.application.as_ref().map(|application| application.id.to_string()),
            scope: (!scopes.is_empty()).then(|| scopes.join(" ")),
            exp: expires_at.map(ringfence_core::time::Timestamp::seconds),
            amr: who.session.as_ref().map(|session| session.amr.clone()),
        }
    }
}

/// Ends the session of a token, for whoever holds it.
#[utoipa::path(
    post, path = "/revoke", tag = "servers",
    request_body(content = Question, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "It does not count any more, if it ever did"),
    ),
)]
pub(super) async fn revoke(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    question: Result<Form<Question>, FormRejection>,
) -> Result<StatusCode, Problem> {
    let Form(question) = question.map_err(Problem::of_form)?;
    app.authority.revoke_token(&ctx, &question.token).await?;
    Ok(StatusCode::OK)
}

/// What verifiers of a project's tokens need, where RFC 8414 §3.1 puts it.
pub(super) fn well_known() -> Router<App> {
    Router::new()
        .route("/.well-known/oauth-authorization-server/projects/{project}", get(metadata))
        .route("/projects/{project}/jwks.json", get(jwks))
}

async fn metadata(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Path(project): Path<String>,
) -> Result<Response, Problem> {
    let project = named(&project)?;
    // Only a project that exists is an issuer.
    app.authority.jwks_of(&ctx, project).await?;
    Ok(cached(&describe(app.authority.public_url(), project)))
}

fn describe(url: &str, project: ProjectId) -> Value {
    json!({
        "issuer": super::TOKENS.issuer(url, project),
        "jwks_uri": format!("{url}/projects/{project}/jwks.json"),
        "token_endpoint": format!("{url}/api/v1/refresh"),
        "introspection_endpoint": format!("{url}/api/v1/introspect"),
        "revocation_endpoint": format!("{url}/api/v1/revoke"),
        "service_documentation": format!("{url}/api/v1"),
        "response_types_supported": [],
        "grant_types_supported": [],
    })
}

async fn jwks(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Path(project): Path<String>,
) -> Result<Response, Problem> {
    Ok(cached(&app.authority.jwks_of(&ctx, named(&project)?).await?))
}

fn named(project: &str) -> Result<ProjectId, AuthError> {
    project.parse().map_err(|_| AuthError::NotFound(Noun::Project))
}

/// Short enough that a rotated key is known before the old one ends, long enough to spare us.
fn cached(body: &Value) -> Response {
    let headers = [(header::CACHE_CONTROL, "public, max-age=300"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (headers, axum::Json(body)).into_response()
}
