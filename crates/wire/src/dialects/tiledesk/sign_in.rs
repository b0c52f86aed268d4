//! Sign-in by password, and of visitors who say no more than hello.

use axum::{Json, extract::State, response::IntoResponse};
use http::StatusCode;
use ringfence_core::{
    authority::PresentedCredential,
    identity::{Identifier, Profile},
    secret::Password,
};
use serde_json::{Map, Value};

use super::{
    NAME,
    assertion::is_project_id,
    error::{Refusal, refuse},
    fields::{Check, Fields, is_truthy},
    people, project, wire, words,
};
use crate::{app::App, extract::Circumstances};

/// What a guest says of itself goes into its token, and tokens must stay short.
const MAX_SAID: usize = 4096;

/// `POST /auth/signin`
pub(super) async fn sign_in(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    fields: Fields,
) -> Result<impl IntoResponse, Refusal> {
    let mut check = fields.check();
    let email = check.email("email");
    let password = password(&fields, &mut check);
    check.done()?;
    let presented = PresentedCredential::Password {
        project: app.project(),
        identifier: Identifier::email(&email),
        password: password?,
    };
    let who = app.authority.sign_in(&ctx, presented).await.map_err(refuse(&ctx, words::sign_in))?;
    let account = people::account(&app.authority, &who.identity).await.map_err(refuse(&ctx, words::usual))?;
    let issued = app.authority.issue_token(&ctx, &who, &account).await.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(wire::SignedIn::new(issued.token.expose(), account)))
}

/// A text. What is neither text nor nothing matches no password, so it is not compared.
fn password(fields: &Fields, check: &mut Check<'_>) -> Result<Password, Refusal> {
    match fields.get("password") {
        Some(Value::String(text)) if !text.is_empty() => Ok(Password::new(text.clone())),
        None | Some(Value::String(_)) => {
            check.invalid("password");
            Err(words::wrong_password())
        }
        Some(other) if is_truthy(other) => Err(words::wrong_password()),
        // Two spaces, as ever.
        Some(_) => Err(Refusal::msg(StatusCode::UNAUTHORIZED, "Authentication failed.  Password is required.")),
    }
}

/// `POST /auth/signinAnonymously`
pub(super) async fn sign_in_anonymously(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    fields: Fields,
) -> Result<impl IntoResponse, Refusal> {
    let mut check = fields.check();
    let id = check.text("id_project");
    let profile = Profile {
        given_name: check.optional("firstname"),
        family_name: check.optional("lastname"),
        ..Profile::default()
    };
    let email = check.optional("email");
    let attributes = fields.get("attributes");
    if said_too_much(&profile, email.as_deref(), attributes) {
        check.invalid("attributes");
    }
    check.done()?;
    if !is_project_id(&id) {
        return Err(Refusal::invalid_project(&id));
    }
    let mut own = Map::new();
    own.extend(email.map(|email| ("email".to_owned(), email.into())));
    own.extend(attributes.map(|attributes| ("attributes".to_owned(), attributes.clone())));
    let attributes = std::iter::once((NAME.to_owned(), Value::Object(own))).collect();
    let (target, ticket) = (None, None);
    let presented = PresentedCredential::Guest { project: project(&id), profile, attributes, target, ticket };
    let who = app.authority.sign_in(&ctx, presented).await.map_err(refuse(&ctx, words::visit(&id)))?;
    let guest = people::guest(&who.identity);
    let issued = app.authority.issue_token(&ctx, &who, &guest).await.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(wire::SignedIn::new(issued.token.expose(), guest)))
}

fn said_too_much(profile: &Profile, email: Option<&str>, attributes: Option<&Value>) -> bool {
    let texts = [profile.given_name.as_deref(), profile.family_name.as_deref(), email];
    let length: usize = texts.into_iter().flatten().map(str::len).sum();
    length + attributes.map_or(0, |attributes| attributes.to_string().len()) > MAX_SAID
}
