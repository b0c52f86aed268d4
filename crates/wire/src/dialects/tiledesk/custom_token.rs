//! `POST /auth/signinWithCustomToken`: an integrator's token, or one of ours, shown to begin with.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::HeaderMap;
use ringfence_core::{
    authority::{Authenticated, PresentedCredential},
    context::Ctx,
    identity::IdentityKind,
    secret::RawToken,
};
use serde_json::{Map, Value};

use super::{
    assertion::{self, Signer, is_project_id},
    error::{Refusal, refuse},
    fields::Fields,
    people, project,
    schemes::{self, asserted},
    wire, words,
};
use crate::{app::App, extract::Circumstances};

pub(super) async fn sign_in(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Refusal> {
    let token = schemes::jwt(&headers).ok_or_else(Refusal::unauthorized_token)?;
    match assertion::signer(&token) {
        Signer::Platform => by_own_token(&app, &ctx, token, &fields).await,
        Signer::Project(id) => by_assertion(&app, &ctx, &id, token).await,
        Signer::Unknown => Err(Refusal::unauthorized_token()),
    }
}

/// The widget shows the token that it kept. Naming a project makes an account a visitor of it.
async fn by_own_token(app: &App, ctx: &Ctx, token: RawToken, fields: &Fields) -> Result<Response, Refusal> {
    let mut check = fields.check();
    let id = check.optional("id_project");
    check.done()?;
    let presented = PresentedCredential::AccessToken(token.clone());
    let who = app.authority.sign_in(ctx, presented).await.map_err(refuse(ctx, words::custom_token))?;
    if let Some(id) = id {
        if !is_project_id(&id) {
            return Err(Refusal::invalid_project(&id));
        }
        let joined = app.authority.join_application(ctx, &who, project(&id), "user").await;
        joined.map_err(refuse(ctx, words::visit(&id)))?;
    }
    Ok(echo(&token, assertion::claims(&token)))
}

async fn by_assertion(app: &App, ctx: &Ctx, id: &str, token: RawToken) -> Result<Response, Refusal> {
    let presented = asserted(id, token.clone());
    let who = app.authority.sign_in(ctx, presented).await.map_err(refuse(ctx, words::custom_token))?;
    if is_account_by_role(&who) {
        return own_token(app, ctx, &who).await;
    }
    let claims = who.session.as_ref().and_then(|session| session.claims.clone());
    Ok(echo(&token, claims))
}

/// Whether an integrator's user was taken for an account, because its role needs one.
fn is_account_by_role(who: &Authenticated) -> bool {
    let external = people::claim(who, "sub").and_then(Value::as_str) == Some("userexternal");
    external && who.identity.kind == IdentityKind::Member
}

/// A token of ours, good in the integrator's project only.
async fn own_token(app: &App, ctx: &Ctx, who: &Authenticated) -> Result<Response, Refusal> {
    let user = people::stored(&app.authority, &who.identity).await.map_err(refuse(ctx, words::usual))?;
    let issued = app.authority.issue_token(ctx, who, &user.account).await.map_err(refuse(ctx, words::usual))?;
    Ok(Json(wire::SignedIn::new(issued.token.expose(), user)).into_response())
}

/// The token that was shown, which stays good, and what it says.
fn echo(token: &RawToken, claims: Option<Map<String, Value>>) -> Response {
    Json(wire::SignedIn::new(token.expose(), claims.unwrap_or_default())).into_response()
}
