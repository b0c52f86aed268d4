//! What the library asks the cloud before it opens the channel, and after it has closed it (sheet, 1.2, 1.4 and 1.9).

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use http::{HeaderMap, header};
use ringfence_core::{
    authority::{Authenticated, PresentedCredential},
    error::{AuthError, Noun},
    identity::Identifier,
    secret::{Password, RawToken, TokenKind},
};
use serde_json::{Value, json};

use super::{
    API_KEY,
    admission::application,
    body::Said,
    caller::{self, User},
    error::Refusal,
    person,
    query::Parameters,
};
use crate::{
    app::App,
    extract::{Circumstances, authorization},
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v2/preferredCCS", get(preferred))
        .route("/api/v3/authenticate", post(authenticate))
        .route("/api/v2/checkToken", get(check))
        .route("/api/v2/users/me", get(me))
        .route("/api/v2/enterprises/{enterprise}/users", get(users))
        .route("/api/v2/invalidateToken", post(invalidate))
}

/// Where the channel of an application is. The key only names the application.
///
/// The ticket is what a guest is known again by when its line was lost; the library shows it on the channel and nowhere else.
async fn preferred(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let key = parameters.required("apiKey")?;
    let (_, found) = app.authority.open_application(&ctx, application(key)).await.map_err(unknown_key)?;
    if !found.settings.allows_origin(origin(&headers)) {
        return Err(AuthError::ApplicationMismatch.into());
    }
    let ticket = TokenKind::GuestTicket.mint(app.authority.entropy().as_ref());
    Ok(Json(json!({ "ccs": channel(&app, &ticket), "secure": true })))
}

async fn authenticate(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    said: Said,
) -> Result<Json<Value>, Refusal> {
    let identifier = Identifier::email(said.body.required("username")?);
    let password = Password::new(said.body.required("password")?);
    let presented = PresentedCredential::Password { project: app.project(), identifier, password };
    let who = app.authority.sign_in(&ctx, presented).await?;
    let issued = app.authority.issue_token(&ctx, &who, serde_json::Map::new()).await?;
    Ok(Json(json!({ "token": issued.token.expose() })))
}

async fn check(user: User) -> Result<Json<Value>, Refusal> {
    drop(user);
    Ok(Json(json!({ "valid": true })))
}

/// Who somebody is, and where their channel is: at an address that is theirs alone, for the channel itself shows no proof.
///
/// Whatever would refuse them there refuses them here, for a refusal there leaves the page waiting for ever (sheet, 1.6).
async fn me(State(app): State<App>, headers: HeaderMap, user: User) -> Result<Json<Value>, Refusal> {
    let (home, key) = app.authority.home_application(&user.who, API_KEY).await?;
    if !home.settings.allows_origin(origin(&headers)) {
        return Err(AuthError::ApplicationMismatch.into());
    }
    let ticket = app.authority.socket_ticket(&user.who)?;
    let id = person::user_id(&app, &user.who).await?;
    Ok(Json(json!({
        "token": user.token.expose(),
        "userId": id,
        "enterpriseId": user.who.project.id,
        "apiKey": key,
        "ccs": channel(&app, &ticket),
        "nickname": person::username(&user.who.identity).unwrap_or(id),
        "mail": mail(&app, &user.who).await?,
        "photo_url": null,
    })))
}

/// The caller's own address.
async fn mail(app: &App, who: &Authenticated) -> Result<Option<String>, AuthError> {
    let held = app.authority.identifiers(who.identity.id).await?;
    let address = held.iter().find(|held| held.identifier.scheme() == Identifier::EMAIL);
    Ok(address.map(|held| held.identifier.value().to_owned()))
}

async fn users(State(app): State<App>, Path(enterprise): Path<String>, user: User) -> Result<Json<Value>, Refusal> {
    Ok(Json(directory(&app, &user.who, &enterprise).await?))
}

/// Users at most in an answer, which the library wants whole.
const MOST_USERS: u32 = 1000;

/// Those whom somebody sees of their enterprise.
pub(super) async fn directory(app: &App, who: &Authenticated, enterprise: &str) -> Result<Value, AuthError> {
    if enterprise != who.project.id.to_string() {
        return Err(AuthError::NotFound(Noun::Project));
    }
    let (home, _) = app.authority.home_application(who, API_KEY).await?;
    let colleagues = app.authority.colleagues(who, home.id, MOST_USERS).await?;
    let own = person::user_id(app, who).await?;
    let users = colleagues.iter().map(|found| {
        let id = if found.id == who.identity.id { own.clone() } else { found.id.to_string() };
        json!({ "username": person::username(found).unwrap_or_else(|| id.clone()), "id": id, "photo_url": null })
    });
    Ok(json!({ "users": users.collect::<Value>() }))
}

/// Ends the session of a token. One that is over already is as invalid as was wished for: the library stays signed in
/// unless it hears so (sheet, 1.9).
async fn invalidate(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let shown = authorization(&headers).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = RawToken::new(shown.ok_or(AuthError::InvalidCredentials)?.1);
    match caller::user(&app, &ctx, token).await {
        Ok(who) => app.authority.sign_out(&ctx, &who).await?,
        Err(AuthError::TokenExpired | AuthError::SessionRevoked) => {}
        Err(refusal) => return Err(refusal.into()),
    }
    Ok(Json(json!({ "invalidated": true })))
}

/// Where the page that asks is from; what is no text is from nowhere that anybody allows.
pub(super) fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null"))
}

/// A key that names nothing is a wrong key.
fn unknown_key(error: AuthError) -> AuthError {
    match error {
        AuthError::NotFound(Noun::Application) => AuthError::InvalidCredentials,
        other => other,
    }
}

/// Host, port and namespace of the channel: ours, as clients reach us.
fn channel(app: &App, ticket: &RawToken) -> String {
    let url = &app.settings.public_url;
    let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
    format!("{host}/{}", ticket.expose())
}
