//! The way in and out.

use askama::Template;
use axum::{
    Form, Router,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header};
use ringfence_core::{
    administrator::Stage,
    authority::SecondFactor,
    error::AuthError,
    secret::{Password, RawToken},
};
use serde::Deserialize;

use super::{
    cookie,
    fault::{Answer, Fault},
    passkey::{ShownPasskey, party},
    visit::{HalfVisit, OpenVisit, Visit},
    words::Words,
};
use crate::{
    app::App,
    looks::{Look, Policy},
};

/// Where one leaves.
pub(super) const SIGN_OUT: &str = "/console/sign-out";

pub(super) fn open() -> Router<App> {
    Router::new().route("/console/sign-in", get(show).post(sign_in)).route("/console/passkey", post(by_passkey))
}

pub(super) fn half() -> Router<App> {
    Router::new()
        .route("/console/factor", get(show_factor).post(factor))
        .route("/console/factor/passkey", post(factor_passkey))
        .route("/console/leave", post(leave_half))
}

pub(super) fn full() -> Router<App> {
    Router::new().route(SIGN_OUT, post(sign_out))
}

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignInPage<'a> {
    look: &'a Look,
    words: &'static Words,
    name: &'a str,
    fault: Option<String>,
    challenge: String,
    party: String,
}

#[derive(Template)]
#[template(path = "console/factor.html")]
struct FactorPage<'a> {
    look: &'a Look,
    words: &'static Words,
    csrf: &'a str,
    name: &'a str,
    fault: Option<String>,
    challenge: String,
    party: String,
}

#[derive(Deserialize)]
struct SignIn {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

#[derive(Deserialize)]
struct Factor {
    #[serde(default)]
    code: String,
    #[serde(default)]
    recovery: String,
}

async fn show(State(app): State<App>, visit: OpenVisit) -> Answer {
    sign_in_page(&app, &visit, "", None)
}

fn sign_in_page(app: &App, visit: &OpenVisit, name: &str, fault: Option<String>) -> Answer {
    let page = SignInPage {
        look: &visit.look,
        words: visit.words,
        name,
        fault,
        challenge: app.authority.passkey_challenge(&visit.ctx, None)?,
        party: party(&app.settings.public_url).id,
    };
    Ok(visit.look.show_under(Policy::SCRIPT, &page))
}

async fn sign_in(State(app): State<App>, visit: OpenVisit, Form(form): Form<SignIn>) -> Answer {
    match app.authority.console_sign_in(&visit.ctx, &form.name, Password::new(form.password)).await {
        // 303 and not 307, or the browser would send the password on (ATTACKS N42).
        Ok(token) => Ok(entering(&token, "/console/factor")),
        Err(refusal) => {
            let (status, says) = told(refusal, visit.words)?;
            Ok((status, sign_in_page(&app, &visit, &form.name, Some(says))?).into_response())
        }
    }
}

async fn by_passkey(State(app): State<App>, visit: OpenVisit, Form(form): Form<ShownPasskey>) -> Answer {
    let party = party(&app.settings.public_url);
    match app.authority.console_passkey(&visit.ctx, form.try_into()?, party).await {
        Ok(token) => Ok(entering(&token, "/console")),
        Err(refusal) => {
            let (status, says) = told(refusal, visit.words)?;
            Ok((status, sign_in_page(&app, &visit, "", Some(says))?).into_response())
        }
    }
}

async fn show_factor(State(app): State<App>, visit: HalfVisit) -> Answer {
    match visit.half.session.stage {
        Stage::Enrolling => Ok(Redirect::to("/console/enrol").into_response()),
        Stage::Half | Stage::Full => factor_page(&app, &visit, None),
    }
}

fn factor_page(app: &App, visit: &HalfVisit, fault: Option<String>) -> Answer {
    let page = FactorPage {
        look: &visit.look,
        words: visit.words,
        csrf: &visit.csrf,
        name: &visit.half.administrator.name,
        fault,
        challenge: app.authority.passkey_challenge(&visit.ctx, Some(visit.half.session.id))?,
        party: party(&app.settings.public_url).id,
    };
    Ok(visit.look.show_under(Policy::SCRIPT, &page))
}

async fn factor(State(app): State<App>, visit: HalfVisit, Form(form): Form<Factor>) -> Answer {
    let shown =
        if form.recovery.is_empty() { SecondFactor::Totp(form.code) } else { SecondFactor::Recovery(form.recovery) };
    second(&app, &visit, shown).await
}

async fn factor_passkey(State(app): State<App>, visit: HalfVisit, Form(form): Form<ShownPasskey>) -> Answer {
    let shown = SecondFactor::Passkey(form.try_into()?, party(&app.settings.public_url));
    second(&app, &visit, shown).await
}

async fn second(app: &App, visit: &HalfVisit, shown: SecondFactor) -> Answer {
    match app.authority.console_second(&visit.ctx, &visit.half, shown).await {
        Ok(token) => Ok(entering(&token, "/console")),
        Err(refusal) => {
            let (status, says) = told(refusal, visit.words)?;
            Ok((status, factor_page(app, visit, Some(says))?).into_response())
        }
    }
}

/// What a page of the way in says of a refusal; others get a page of their own.
fn told(refusal: AuthError, words: &Words) -> Result<(StatusCode, String), Fault> {
    let expected = matches!(refusal, AuthError::InvalidCredentials | AuthError::Throttled { .. });
    let fault = Fault::from(refusal);
    if !expected {
        return Err(fault);
    }
    fault.log();
    Ok((fault.status(), fault.says(words)))
}

async fn sign_out(State(app): State<App>, visit: Visit, headers: HeaderMap) -> Answer {
    leave(&app, &visit.ctx, &headers).await
}

async fn leave_half(State(app): State<App>, visit: HalfVisit, headers: HeaderMap) -> Answer {
    leave(&app, &visit.ctx, &headers).await
}

async fn leave(app: &App, ctx: &ringfence_core::context::Ctx, headers: &HeaderMap) -> Answer {
    if let Some(token) = cookie::token(headers) {
        app.authority.leave_console(ctx, &token).await?;
    }
    let mut response = Redirect::to("/console/sign-in").into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie::FORGET);
    Ok(response)
}

/// On to a page with the token of a session that begins or goes on.
pub(super) fn entering(token: &RawToken, page: &str) -> Response {
    let mut response = Redirect::to(page).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie::keep(token));
    response
}
