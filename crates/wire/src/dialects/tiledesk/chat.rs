//! The chat engine's token: what the widget and the agents' page ask for right after signing in. The engine verifies it by
//! itself, with a secret that only it and we have, and knows people by name alone.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, response::IntoResponse};
use http::StatusCode;
use ringfence_core::{
    authority::Authenticated,
    context::Ctx,
    error::AuthError,
    identity::IdentityKind,
    ids::{IdentityId, TokenId},
    jose::{Alg, Signer, SigningKeyPair},
    key::KeySet,
    secret::RawToken,
};
use serde::Serialize;
use serde_json::Value;

use super::{
    assertion::is_project_id,
    error::{Refusal, refuse},
    people, projects,
    schemes::SignedIn,
    words,
};
use crate::app::App;

/// The key of the chat engine when the mount does not say which.
const ENGINE: KeySet = KeySet::Shared("tiledesk:chat");

const LIFETIME: Duration = Duration::from_hours(24 * 30);

#[derive(Debug, Serialize)]
struct Claims<'a> {
    jti: String,
    sub: &'a str,
    scope: [String; 4],
    client_id: &'a str,
    cid: &'a str,
    azp: &'a str,
    user_id: &'a str,
    app_id: &'static str,
    iat: i64,
    exp: i64,
    aud: [&'a str; 2],
    kid: &'static str,
    tiledesk_api_roles: &'static str,
}

#[derive(Debug, Serialize)]
struct Answer {
    userid: String,
    fullname: String,
    firstname: String,
    lastname: String,
    /// Without a scheme word.
    token: String,
}

/// `POST /chat21/native/auth/createCustomToken`
pub(super) async fn create_custom_token(
    State(app): State<App>,
    SignedIn { ctx, who }: SignedIn,
) -> Result<impl IntoResponse, Refusal> {
    let userid = userid(&app, &ctx, &who).await?;
    let token = token(&app, &ctx, &who, &userid).await.map_err(refuse(&ctx, words::usual))?;
    let (firstname, lastname) = names(&who);
    Ok(Json(Answer {
        fullname: format!("{firstname} {lastname}"),
        userid,
        firstname,
        lastname,
        token: token.expose().to_owned(),
    }))
}

fn names(who: &Authenticated) -> (String, String) {
    let claim = |name| people::claim(who, name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match who.identity.kind {
        IdentityKind::External => (claim("firstname"), claim("lastname")),
        IdentityKind::Guest => {
            let guest = people::guest(&who.identity);
            (guest.firstname, guest.lastname.unwrap_or_default())
        }
        IdentityKind::Member | IdentityKind::Endpoint | IdentityKind::Service => {
            let profile = who.identity.profile.clone();
            (profile.given_name.unwrap_or_default(), profile.family_name.unwrap_or_default())
        }
    }
}

/// The name that the chat engine knows the caller by. It is one name space for all projects, so nobody gets a name that
/// could be somebody else's: an account's, a guest's, one of another project, or a pattern.
async fn userid(app: &App, ctx: &Ctx, who: &Authenticated) -> Result<String, Refusal> {
    let id = people::id(who);
    match who.identity.kind {
        IdentityKind::Guest => return Ok(id),
        IdentityKind::Member | IdentityKind::Endpoint | IdentityKind::Service => {
            who.require_account().map_err(refuse(ctx, words::usual))?;
            return Ok(id);
        }
        IdentityKind::External => {}
    }
    let own = match &who.application {
        Some(application) => {
            projects::id_of(&app.authority, application.id).await.map_err(refuse(ctx, words::usual))?
        }
        None => String::new(),
    };
    if is_free(&id, &own) {
        Ok(id)
    } else {
        Err(Refusal::msg(StatusCode::FORBIDDEN, "This _id cannot be used in the chat."))
    }
}

/// Whether an integrator may give its user this name.
fn is_free(id: &str, own_project: &str) -> bool {
    let pattern = |char: char| char.is_whitespace() || char.is_control() || "*#/%+".contains(char);
    let of_project = id.split_once('_').map(|(first, _)| first).filter(|first| is_project_id(first));
    !id.contains(pattern)
        && !is_project_id(id)
        && id.parse::<IdentityId>().is_err()
        && of_project.is_none_or(|project| project == own_project)
}

async fn token(app: &App, ctx: &Ctx, who: &Authenticated, id: &str) -> Result<RawToken, AuthError> {
    let scope = |verb: &str, topic: &str| format!("rabbitmq.{verb}:*/*/{topic}");
    let users = format!("apps.tilechat.users.{id}.*");
    let claims = Claims {
        jti: TokenId::mint(ctx.now, app.authority.entropy().as_ref()).to_string(),
        sub: id,
        scope: [
            scope("read", &users),
            scope("write", &users),
            scope("write", &format!("apps.tilechat.outgoing.users.{id}.*")),
            scope("configure", "*"),
        ],
        client_id: id,
        cid: id,
        azp: id,
        user_id: id,
        app_id: "tilechat",
        iat: ctx.now.seconds(),
        exp: (ctx.now + LIFETIME).seconds(),
        aud: ["rabbitmq", id],
        kid: "tiledesk-key",
        tiledesk_api_roles: "user",
    };
    match app.option("chat_secret") {
        None => app.authority.sign_for(ctx, who.project.id, ENGINE, &claims).await,
        Some(secret) => {
            let pair = SigningKeyPair::from_bytes(Alg::HS256, secret.as_bytes()).map_err(AuthError::internal)?;
            Signer::new(Arc::new(pair), None, "JWT")?.mint(&claims)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integrator_names_its_own_users_only() {
        let own = "5c81593adf767b0017d1aa68";
        for id in ["123", "ann", "ann@example.org", "5c81593adf767b0017d1aa68_123", "a_b"] {
            assert!(is_free(id, own), "{id}");
        }
        for id in [
            "5c81593adf767b0017d1aa66",
            "5c81593adf767b0017d1aa66_123",
            "019aa914-46a7-7000-8000-abababababab",
            "*",
            "a/b",
            "a b",
            "%2A",
        ] {
            assert!(!is_free(id, own), "{id}");
        }
    }
}
