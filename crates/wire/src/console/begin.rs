//! One-time links: a password, then a second factor, then codes for the day it is lost.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect},
    routing::{get, post},
};
use http::{StatusCode, header};
use qrcode::{EcLevel, QrCode, render::svg};
use ringfence_core::{
    administrator::{MIN_PASSWORD, Stage, TotpSeed},
    authority::Enrolled,
    error::AuthError,
    secret::{Password, RawToken},
};
use serde::Deserialize;

use super::{
    cookie,
    fault::{Answer, Fault},
    passkey::{NewPasskey, party},
    sign_in::entering,
    visit::{HalfVisit, OpenVisit},
    words::Words,
};
use crate::{
    app::App,
    looks::{Look, Policy},
};

pub(super) fn open() -> Router<App> {
    Router::new().route("/console/begin/{secret}", get(show).post(begin))
}

pub(super) fn half() -> Router<App> {
    Router::new()
        .route("/console/enrol", get(show_enrol).post(enrol))
        .route("/console/enrol/passkey", post(enrol_passkey))
}

#[derive(Template)]
#[template(path = "console/begin.html")]
struct BeginPage<'a> {
    look: &'a Look,
    words: &'static Words,
    /// Whose link it is; the first owner chooses a name.
    known: Option<&'a str>,
    name: &'a str,
    least: String,
    fault: Option<String>,
}

#[derive(Template)]
#[template(path = "console/enrol.html")]
struct EnrolPage<'a> {
    look: &'a Look,
    words: &'static Words,
    csrf: &'a str,
    name: &'a str,
    user: String,
    seed: String,
    qr: String,
    fault: Option<String>,
    challenge: String,
    party: String,
}

#[derive(Template)]
#[template(path = "console/recovery.html")]
pub(super) struct RecoveryPage<'a> {
    pub(super) look: &'a Look,
    pub(super) words: &'static Words,
    pub(super) codes: Vec<&'a str>,
}

#[derive(Deserialize)]
struct Begin {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

#[derive(Deserialize)]
struct Code {
    #[serde(default)]
    code: String,
}

async fn show(State(app): State<App>, visit: OpenVisit, Path(secret): Path<String>) -> Answer {
    begin_page(&app, &visit, &RawToken::new(secret), "", None).await
}

async fn begin_page(app: &App, visit: &OpenVisit, secret: &RawToken, name: &str, fault: Option<String>) -> Answer {
    let whom = match app.authority.console_link(&visit.ctx, secret).await {
        Ok(whom) => whom,
        // Which of the ways a link can be dead is nobody's business.
        Err(AuthError::VerificationInvalid) => return Ok(visit.look.not_found()),
        Err(refusal) => return Err(refusal.into()),
    };
    let page = BeginPage {
        look: &visit.look,
        words: visit.words,
        known: whom.as_ref().map(|whom| whom.name.as_str()),
        name,
        least: visit.words.least.replace("{}", &MIN_PASSWORD.to_string()),
        fault,
    };
    Ok(visit.look.show(&page))
}

async fn begin(
    State(app): State<App>,
    visit: OpenVisit,
    Path(secret): Path<String>,
    Form(form): Form<Begin>,
) -> Answer {
    let secret = RawToken::new(secret);
    let begun = app.authority.begin_console(&visit.ctx, &secret, Some(&form.name), Password::new(form.password)).await;
    match begun {
        Ok(token) => Ok(entering(&token, "/console/enrol")),
        Err(refusal @ AuthError::Invalid(_)) => {
            let says = Fault::from(refusal).says(visit.words);
            let page = begin_page(&app, &visit, &secret, &form.name, Some(says)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(AuthError::VerificationInvalid) => Ok(visit.look.not_found()),
        Err(refusal) => Err(refusal.into()),
    }
}

async fn show_enrol(State(app): State<App>, visit: HalfVisit) -> Answer {
    match visit.half.session.stage {
        Stage::Enrolling => enrol_page(&app, &visit, None).await,
        Stage::Half | Stage::Full => Ok(Redirect::to("/console/factor").into_response()),
    }
}

async fn enrol_page(app: &App, visit: &HalfVisit, fault: Option<String>) -> Answer {
    let administrator = &visit.half.administrator;
    let seed = app.authority.enrolling_totp(&visit.ctx, &visit.half).await?;
    let party = party(&app.settings.public_url).id;
    let page = EnrolPage {
        look: &visit.look,
        words: visit.words,
        csrf: &visit.csrf,
        name: &administrator.name,
        user: administrator.id.short(),
        seed: seed.base32(),
        qr: qr(&seed, &administrator.name, &party)?,
        fault,
        challenge: app.authority.passkey_challenge(&visit.ctx, Some(visit.half.session.id))?,
        party,
    };
    Ok(visit.look.show_under(Policy::SCRIPT, &page))
}

/// The seed as generators read it by camera (the `otpauth` scheme, Key Uri Format), drawn here: a seed goes to nobody else.
pub(super) fn qr(seed: &TotpSeed, name: &str, place: &str) -> Result<String, AuthError> {
    let escape = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let label = format!("{}:{}", escape(&format!("Ringfence {place}")), escape(name)).replace('+', "%20");
    let text = format!("otpauth://totp/{label}?secret={}&issuer=Ringfence", seed.base32());
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(AuthError::internal)?;
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(200, 200).quiet_zone(true).build();
    // Within a page it is an element and no document.
    let element = drawn.find("<svg").map_or("", |at| &drawn[at..]);
    Ok(element.replacen("<svg", "<svg role=\"img\" aria-labelledby=\"qr\"", 1))
}

async fn enrol(State(app): State<App>, visit: HalfVisit, Form(form): Form<Code>) -> Answer {
    match app.authority.enrol_totp(&visit.ctx, &visit.half, &form.code).await {
        Ok(enrolled) => Ok(welcome(&visit, &enrolled)),
        Err(AuthError::Invalid(_)) => {
            let page = enrol_page(&app, &visit, Some(visit.words.wrong_code.to_owned())).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

async fn enrol_passkey(State(app): State<App>, visit: HalfVisit, Form(form): Form<NewPasskey>) -> Answer {
    let (new, party) = (form.try_into()?, party(&app.settings.public_url));
    let enrolled = app.authority.enrol_passkey(&visit.ctx, &visit.half, &new, &party).await?;
    Ok(welcome(&visit, &enrolled))
}

fn welcome(visit: &HalfVisit, enrolled: &Enrolled) -> axum::response::Response {
    let codes = enrolled.recovery.iter().map(RawToken::expose).collect();
    let page = RecoveryPage { look: &visit.look, words: visit.words, codes };
    let mut response = visit.look.show_under(Policy::SCRIPT, &page);
    response.headers_mut().append(header::SET_COOKIE, cookie::keep(&enrolled.token));
    response
}
