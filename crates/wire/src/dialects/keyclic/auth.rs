//! `/auth`: how somebody may sign in, tokens for those who did elsewhere, and their renewal.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use ringfence_core::{
    authority::PresentedCredential,
    error::{AuthError, Rule},
    federation::ProviderToken,
    secret::RawToken,
};
use serde_json::{Value, json};

use super::{body::Members, caller::Visitor, error::Refusal, hal::hal, tokens::Bearer};
use crate::app::App;

/// The identity provider of companies that sign in elsewhere, by its name in configuration.
const ENTERPRISE: &str = "oidc";

/// `POST /auth/profile`: the same for everybody, or it would tell who has an account.
pub(super) async fn profile(
    State(app): State<App>,
    _visitor: Visitor<true>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let username = members.required("username");
    members.check()?;
    let mut connections = vec![connection("password", None)];
    if let Some(url) = app.option("authorization_url") {
        connections.push(connection("enterprise", Some(url)));
    }
    let types: Vec<&Value> = connections.iter().map(|connection| &connection["type"]).collect();
    let body = json!({
        "types": types,
        "connections": connections,
        "user": { "email": username, "username": username },
        "firstConnection": false,
        "_links": { "self": { "href": "/auth/profile" } },
    });
    Ok(hal(StatusCode::OK, &body))
}

fn connection(kind: &str, url: Option<&str>) -> Value {
    json!({ "type": kind, "text": null, "image": null, "authorizationUrl": url })
}

/// `POST /auth/token`: tokens of ours for an identity token of the company's provider.
pub(super) async fn token(
    State(app): State<App>,
    visitor: Visitor<true>,
    mut members: Members,
) -> Result<Response, Refusal> {
    if members.required("grantType") != "external_auth" {
        members.fault("grantType", Rule::Malformed);
    }
    let id_token = members.required("idToken");
    members.check()?;
    let shown = ProviderToken { token: RawToken::new(id_token), nonce: None };
    let presented = PresentedCredential::Federated { project: visitor.place.clone(), provider: ENTERPRISE, shown };
    let who = app.authority.sign_in(&visitor.ctx, presented).await?;
    let bearer = Bearer::of(&app, &visitor.ctx, who).await?;
    let wanted = bearer.wanted(&app, &visitor.ctx, visitor.key.as_deref());
    let set = app.authority.issue_tokens(&visitor.ctx, bearer.who(), wanted).await?;
    Ok(Json(bearer.answer(&set)).into_response())
}

/// `POST /auth/token/refresh`.
pub(super) async fn refresh(
    State(app): State<App>,
    visitor: Visitor<true>,
    members: Members,
) -> Result<Response, Refusal> {
    Ok(Json(renewed(&app, visitor, members).await?).into_response())
}

/// `POST /security/login/refresh`, of 2017.
pub(super) async fn refresh_login(
    State(app): State<App>,
    visitor: Visitor<false>,
    members: Members,
) -> Result<Response, Refusal> {
    Ok(hal(StatusCode::OK, &renewed(&app, visitor, members).await?))
}

async fn renewed<const NAMED: bool>(
    app: &App,
    visitor: Visitor<NAMED>,
    mut members: Members,
) -> Result<Value, AuthError> {
    let token = RawToken::new(members.required("refreshToken"));
    members.check()?;
    let who = app.authority.refreshable(&visitor.ctx, &token).await?;
    app.authority.require_place(&who, visitor.place).await?;
    let bearer = Bearer::of(app, &visitor.ctx, who).await?;
    let wanted = bearer.wanted(app, &visitor.ctx, visitor.key.as_deref());
    let set = app.authority.refresh(&visitor.ctx, &token, wanted).await?;
    Ok(bearer.answer(&set))
}

/// `POST /auth/token/revoke`.
pub(super) async fn revoke(
    State(app): State<App>,
    visitor: Visitor<true>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let token = RawToken::new(members.required("refreshToken"));
    members.check()?;
    app.authority.revoke_refresh(&visitor.ctx, &token).await?;
    Ok(Json(json!({ "code": 200, "message": "The token was revoked." })).into_response())
}
