//! Tokens for REST clients (sheet, section 2), and assertions in a back end's stead (section 3).

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use ringfence_core::{
    authority::{AssertionRequest, Authenticated, IssuedToken, PresentedCredential},
    context::Ctx,
    error::{AuthError, Noun, Rule, TokenFault},
    identity::Identifier,
    secret::{Password, RawToken},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{
    admission::{self, application},
    assertion::{PROFILE, unverified},
    body::Said,
    caller::{Asker, User},
    cloud,
    error::Refusal,
    limit::Limiter,
    query::Parameters,
};
use crate::{app::App, extract::Circumstances};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v3/token", post(token))
        .route("/api/token", post(token))
        .route("/api/v3/token/revoke", post(revoke))
        .route("/api/v3/enterprises/{enterprise}/users", get(users))
        .route("/api/v3/jwt", post(assert))
        .route("/api/v3/third-party", get(third_party))
        .layer(Extension(Arc::new(Limiter::default())))
}

/// The grants, by what they are called.
const PASSWORD: &str = "password";
const ASSERTION: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

async fn token(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Extension(limiter): Extension<Arc<Limiter>>,
    said: Said,
) -> Result<Json<Value>, Refusal> {
    let proof = match said.one("grant_type").unwrap_or(PASSWORD) {
        PASSWORD => "password",
        ASSERTION => "assertion",
        _ => return Err(AuthError::invalid("grant_type", Rule::Malformed).into()),
    };
    let in_query = said.query.one(proof).is_some();
    if in_query && !app.authority.project_by_name(&app.mount.project).await?.policy.compat.token_in_query {
        return Err(AuthError::NotSupported("a password or a token in the query").into());
    }
    let shown = said.required(proof)?;
    let who = if proof == "password" {
        let identifier = Identifier::email(said.required("username")?);
        limiter.count_address(&identifier, ctx.now)?;
        let password = Password::new(shown);
        app.authority
            .sign_in(&ctx, PresentedCredential::Password { project: app.project(), identifier, password })
            .await?
    } else {
        let who = app.authority.sign_in(&ctx, asserted(RawToken::new(shown))?).await?;
        limiter.count_user(&app, &who, ctx.now).await?;
        who
    };
    if in_query {
        app.authority.accept_token_in_query(&ctx, &who).await?;
    }
    let issued = app.authority.issue_token(&ctx, &who, serde_json::Map::new()).await?;
    Ok(Json(answer("access_token", &issued, ctx.now)))
}

/// A back end's token says for whom and where: the same token is then judged by the key of that application.
fn asserted(jwt: RawToken) -> Result<PresentedCredential, AuthError> {
    let claims = unverified(&jwt).ok_or(TokenFault::Malformed)?;
    let key = claims.get("sub").and_then(Value::as_str).ok_or(TokenFault::Claims)?;
    let [outer, inner] = PROFILE.subject else { return Err(TokenFault::Claims.into()) };
    let subject = match claims.get(*outer).and_then(|grants| grants.get(*inner)) {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Err(TokenFault::Claims.into()),
    };
    // One that speaks of anybody speaks of nobody here.
    if PROFILE.wildcard == Some(subject.as_str()) {
        return Err(TokenFault::Claims.into());
    }
    Ok(PresentedCredential::Assertion { project: application(key), jwt, profile: &PROFILE, claimed: Some(subject) })
}

async fn revoke(
    State(app): State<App>,
    Extension(limiter): Extension<Arc<Limiter>>,
    user: User,
) -> Result<Json<Value>, Refusal> {
    limiter.count_user(&app, &user.who, user.ctx.now).await?;
    app.authority.sign_out(&user.ctx, &user.who).await?;
    Ok(Json(json!({ "access_token": user.token.expose() })))
}

async fn users(
    State(app): State<App>,
    Path(enterprise): Path<String>,
    Extension(limiter): Extension<Arc<Limiter>>,
    user: User,
) -> Result<Json<Value>, Refusal> {
    limiter.count_user(&app, &user.who, user.ctx.now).await?;
    Ok(Json(cloud::directory(&app, &user.who, &enterprise).await?))
}

/// As the vendor's sample.
const LIFETIME: u64 = 3600;

/// Signs a JWT for the channel of an application: for a user themselves, or for anybody at the word of a back end.
async fn assert(
    State(app): State<App>,
    Extension(limiter): Extension<Arc<Limiter>>,
    asker: Asker,
    said: Said,
) -> Result<Json<Value>, Refusal> {
    let malformed = || AuthError::invalid("expires_in", Rule::Malformed);
    let lifetime = said.body.one("expires_in").map_or(Ok(LIFETIME), |text| text.parse().map_err(|_| malformed()))?;
    if lifetime == 0 {
        return Err(malformed().into());
    }
    let wanted = AssertionRequest {
        application: application(said.body.required("apiKey")?),
        profile: &PROFILE,
        lifetime: Duration::from_secs(lifetime),
    };
    let subject = said.body.one("userId");
    let (now, issued) = match asker {
        Asker::User(user) => {
            limiter.count_user(&app, &user.who, user.ctx.now).await?;
            if subject.is_some_and(|subject| subject != user.who.identity.id.to_string()) {
                return Err(AuthError::NotFound(Noun::Identity).into());
            }
            (user.ctx.now, app.authority.issue_assertion(&user.ctx, &user.who, wanted).await?)
        }
        Asker::Backend(ctx, permit) => {
            let subject = subject.ok_or_else(|| AuthError::invalid("userId", Rule::Required))?.to_owned();
            (ctx.now, app.authority.issue_assertion_for(&ctx, &permit, wanted, subject).await?)
        }
    };
    Ok(Json(answer("token", &issued, now)))
}

/// What the platform asks a customer's own server at each channel: is this token this user's?
async fn third_party(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let result = match judged(&app, &ctx, &parameters).await {
        Ok(who) => {
            app.authority.accept_token_in_query(&ctx, &who).await?;
            true
        }
        Err(failure @ (AuthError::Unavailable { .. } | AuthError::Internal(_) | AuthError::Throttled { .. })) => {
            return Err(failure.into());
        }
        Err(off @ AuthError::NotSupported(_)) => return Err(off.into()),
        Err(_) => false,
    };
    Ok(Json(json!({ "result": result })))
}

async fn judged(app: &App, ctx: &Ctx, parameters: &Parameters) -> Result<Authenticated, AuthError> {
    let place = application(parameters.required("apiKey")?);
    let (project, _) = app.authority.find_application(place.clone()).await?;
    if !project.policy.compat.token_in_query {
        return Err(AuthError::NotSupported("a token in the query"));
    }
    let token = admission::shown(parameters).ok_or(AuthError::InvalidCredentials)?;
    admission::by_token(app, ctx, place, token, parameters.required("userId")?).await
}

/// A token with its times, as the documentation shows them.
fn answer(name: &str, issued: &IssuedToken, now: Timestamp) -> Value {
    let text = now.rfc3339();
    let created_at = text.get(..19).map_or_else(|| text.clone(), |seconds| format!("{seconds}+00:00"));
    json!({
        name: issued.token.expose(),
        "created_at": created_at,
        "expires_in": issued.expires_at.since(Timestamp::from_seconds(now.seconds())).as_secs(),
    })
}
