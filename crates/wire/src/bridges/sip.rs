//! What a SIP server asks in its script: the hash for a digest user name, and whose a token is.
//!
//! Both take a form, so that neither names nor tokens stand in a URL, and answer with bare text, which scripts read best; with
//! `Accept: application/json` they tell more.

use axum::{
    Form, Json, Router,
    extract::{State, rejection::FormRejection},
    response::{IntoResponse as _, Response},
    routing::post,
};
use http::HeaderMap;
use ringfence_core::{
    authority::{Authenticated, PresentedCredential, SipName},
    caller::Scope,
    digest::DigestAlgorithm,
    error::{AuthError, Noun, Rule},
    secret::RawToken,
};
use serde::Deserialize;
use serde_json::json;

use super::{Caller, Refused, wants_json};
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/v1/sip/lookup", post(lookup)).route("/api/v1/sip/introspect", post(introspect))
}

#[derive(Deserialize)]
struct Lookup {
    /// The digest user name as the phone sent it.
    username: String,
    realm: String,
    /// `MD5` when absent.
    algorithm: Option<String>,
}

/// HA1, or HA1B for a name with its domain. 404 for whoever is unknown or may not come in: a SIP server does the same about all.
async fn lookup(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Form<Lookup>, FormRejection>,
) -> Result<Response, Refused> {
    let permit = caller.may(Scope::SipLookup)?;
    let Form(asked) = caller.read(body)?;
    let algorithm = DigestAlgorithm::parse(asked.algorithm.as_deref().unwrap_or("MD5"));
    let algorithm = algorithm.ok_or_else(|| caller.refuse(AuthError::invalid("algorithm", Rule::Malformed)))?;
    let name = SipName { username: asked.username, realm: asked.realm };
    let found = app.authority.sip_lookup(&caller.ctx, &permit, name, algorithm).await;
    let found = found.map_err(|error| match error {
        AuthError::IdentitySuspended | AuthError::Disabled(_) => caller.refuse(AuthError::NotFound(Noun::Identity)),
        other => caller.refuse(other),
    })?;
    if !wants_json(&headers) {
        return Ok(found.hash.expose().to_owned().into_response());
    }
    let user = &found.user;
    // As the vendor's own SIP servers get it (Opentact): numbers of ours have no prefix.
    Ok(Json(json!({
        "uuid": user.identity.id,
        "sip_domain": user.domain,
        "tech_prefix": null,
        "same_domain_calls_only": user.same_domain_calls_only,
        "login": user.login,
        "ha1": found.ha1.expose(),
        "ha1b": found.ha1b.expose(),
    }))
    .into_response())
}

#[derive(Deserialize)]
struct Introspect {
    token: RawToken,
}

/// Whose token it is: the address or user name of an endpoint, else the id. In JSON after RFC 7662.
async fn introspect(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Form<Introspect>, FormRejection>,
) -> Result<Response, Refused> {
    caller.may(Scope::TokensIntrospect)?;
    let Form(asked) = caller.read(body)?;
    let who = match app.authority.authenticate(&caller.ctx, PresentedCredential::AccessToken(asked.token)).await {
        // Another project's tokens are as good as none.
        Ok(who) if who.project.id == caller.who.project.id => Some(who),
        Err(error @ (AuthError::Unavailable { .. } | AuthError::Internal(_))) => return Err(caller.refuse(error)),
        Ok(_) | Err(_) => None,
    };
    match (who, wants_json(&headers)) {
        (Some(who), false) => Ok(name_of(&who).into_response()),
        (None, false) => Err(caller.refuse(AuthError::NotFound(Noun::Session))),
        (None, true) => Ok(Json(json!({ "active": false })).into_response()),
        (Some(who), true) => {
            let session = who.session.as_ref();
            Ok(Json(json!({
                "active": true,
                "sub": who.identity.id,
                "username": name_of(&who),
                "sid": session.map(|session| session.id),
                "exp": session.map(|session| session.expires_at.seconds()),
                "iss": app.settings.public_url,
            }))
            .into_response())
        }
    }
}

fn name_of(who: &Authenticated) -> String {
    who.endpoint.as_ref().map_or_else(|| who.identity.id.to_string(), |endpoint| endpoint.user_name.clone())
}
