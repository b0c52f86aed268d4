//! Pages that mailed links lead to, for applications that have none of their own: a new password, a proved address.
//!
//! Plain forms without a script. Looking at a page never uses its secret up, for mail scanners look at every link; only its
//! button does. The secret is in the path, so the pages tell no other site where they are.

use axum::{
    Form, Router,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use http::StatusCode;
use ringfence_core::{
    error::{AuthError, Rule},
    identity::Identifier,
    ids::IdentityId,
    project::{Project, ProjectRef},
    secret::{Password, RawToken},
};
use serde::Deserialize;

use self::texts::Texts;
use crate::{app::App, extract::Circumstances, looks::Look, problem};

mod texts;

/// Where its pages are, for the plain listener.
pub(crate) const PAGES: &[&str] = &["/reset/{token}", "/reset", "/email/{identity}/{token}", "/email"];

/// The pages.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/reset/{token}", get(show_reset).post(reset))
        .route("/reset", get(reset_done))
        .route("/email/{identity}/{token}", get(show_email).post(confirm_email))
        .route("/email", get(email_done))
}

/// Where a mailed link leads that sets a password.
pub(crate) fn reset_link(app: &App) -> String {
    format!("{}/reset/{{token}}", app.settings.public_url)
}

/// Where a mailed link leads that proves an address.
pub(crate) fn email_link(app: &App) -> String {
    format!("{}/email/{{identity}}/{{token}}", app.settings.public_url)
}

#[derive(askama::Template)]
#[template(path = "reset.html")]
struct ResetPage<'a> {
    look: &'a Look,
    texts: &'static Texts,
    /// Whose password, so that a password manager knows.
    address: String,
    fault: Option<String>,
    least: usize,
}

impl<'a> ResetPage<'a> {
    fn of(look: &'a Look, home: &Project, address: &Identifier, fault: Option<String>) -> Self {
        let (texts, address) = (Texts::of(look.language), address.value().to_owned());
        Self { look, texts, address, fault, least: home.policy.password.min_length }
    }
}

#[derive(askama::Template)]
#[template(path = "confirm_email.html")]
struct EmailPage<'a> {
    look: &'a Look,
    texts: &'static Texts,
}

#[derive(askama::Template)]
#[template(path = "notice.html")]
struct NoticePage<'a> {
    look: &'a Look,
    title: &'static str,
    text: &'static str,
}

#[derive(Deserialize)]
struct NewPassword {
    #[serde(default)]
    password: String,
}

async fn show_reset(
    State(app): State<App>,
    look: Look,
    Circumstances(ctx): Circumstances,
    Path(token): Path<String>,
) -> Response {
    match app.authority.reset_home(&ctx, &RawToken::new(token)).await {
        Ok((home, address)) => look.show(&ResetPage::of(&look, &home, &address, None)),
        Err(refusal) => refused(&look, &refusal),
    }
}

async fn reset(
    State(app): State<App>,
    look: Look,
    Circumstances(ctx): Circumstances,
    Path(token): Path<String>,
    Form(new): Form<NewPassword>,
) -> Response {
    let secret = RawToken::new(token);
    let (home, address) = match app.authority.reset_home(&ctx, &secret).await {
        Ok(found) => found,
        Err(refusal) => return refused(&look, &refusal),
    };
    let place = ProjectRef::Id(home.id);
    let done = app.authority.reset_password(&ctx, place, &secret, Password::new(new.password)).await;
    let Err(refusal) = done else { return Redirect::to("/reset").into_response() };
    let AuthError::Invalid(violations) = &refusal else { return refused(&look, &refusal) };
    let fault = violations.first().map(|found| Texts::of(look.language).fault(found.rule));
    let shown = look.show(&ResetPage::of(&look, &home, &address, fault));
    (StatusCode::UNPROCESSABLE_ENTITY, shown).into_response()
}

async fn reset_done(look: Look) -> Response {
    let texts = Texts::of(look.language);
    look.show(&NoticePage { look: &look, title: texts.reset_done, text: texts.reset_done_text })
}

async fn show_email(look: Look) -> Response {
    look.show(&EmailPage { look: &look, texts: Texts::of(look.language) })
}

async fn confirm_email(
    State(app): State<App>,
    look: Look,
    Circumstances(ctx): Circumstances,
    Path((identity, token)): Path<(String, String)>,
) -> Response {
    let Some(identity) = IdentityId::from_short(&identity) else {
        return refused(&look, &AuthError::VerificationInvalid);
    };
    match app.authority.confirm_email(&ctx, identity, &RawToken::new(token)).await {
        Ok(()) => Redirect::to("/email").into_response(),
        Err(refusal) => refused(&look, &refusal),
    }
}

async fn email_done(look: Look) -> Response {
    let texts = Texts::of(look.language);
    look.show(&NoticePage { look: &look, title: texts.email_done, text: texts.email_done_text })
}

/// A page for whatever went wrong; which of the ways a link can be dead is nobody's business.
fn refused(look: &Look, error: &AuthError) -> Response {
    problem::log_refusal(error);
    let texts = Texts::of(look.language);
    let (status, title, text) = match problem::status(error) {
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            (status, texts.later, texts.later_text)
        }
        _ => (StatusCode::NOT_FOUND, texts.dead_link, texts.dead_link_text),
    };
    (status, look.show(&NoticePage { look, title, text })).into_response()
}

impl Texts {
    fn fault(&self, rule: Rule) -> String {
        match rule {
            Rule::TooShort(least) => self.too_short.replace("{}", &least.to_string()),
            Rule::Common => self.too_common.to_owned(),
            _ => self.not_possible.to_owned(),
        }
    }

    /// What the page asks of a password.
    fn hint(&self, least: usize) -> String {
        self.least.replace("{}", &least.to_string())
    }
}
