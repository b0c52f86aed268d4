//! What the demonstration asks of us beside the API that everybody has: who is connected, and to end a session. It exists in
//! development only, where the key that allows it stays on this side.

use std::net::IpAddr;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, State},
    routing::{delete, get},
};
use http::{StatusCode, Uri, header, request::Parts};
use ringfence_core::{
    authority::{Authenticated, Connected, PresentedCredential},
    caller::Scope,
    context::Ctx,
    error::{AuthError, Noun},
    identity::Identifier,
    ids::SessionId,
    presence::PresenceFilter,
    secret::RawToken,
    session::SessionsOf,
};
use serde_json::{Value, json};

use crate::{app::App, extract::Circumstances, problem::Problem};

/// What the first page demonstrates with.
#[derive(Debug)]
pub struct Demo {
    /// The publishable key of the application that its visitors come in through.
    pub application: String,
    /// Keys of the projects whose connections it shows and ends. No page sees them.
    pub keys: Vec<RawToken>,
    /// What lines for clients of other systems name.
    pub names: DemoNames,
}

/// Names of examples that are no secrets.
#[derive(Debug)]
pub struct DemoNames {
    /// The publishable key of the application that other systems' clients come in through.
    pub publishable_key: String,
    /// Kind and name of something that guests may reach.
    pub guest_target: (String, String),
    /// The user name of a group of endpoints.
    pub group: String,
    /// The address of a member.
    pub member: String,
}

/// The most connections that are shown of a project.
const SHOWN: u32 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/dev/connections", get(connections)).route("/dev/sessions/{session}", delete(end))
}

/// A request of our own page: of this machine's address, under one of its names, from no other site (ATTACKS N43). What a
/// name of somebody else's leads here is not answered, whatever that name resolves to by now.
struct OwnPage(Ctx);

impl FromRequestParts<App> for OwnPage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(parts, app).await;
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).unwrap_or_default();
        let own = app.settings.public_url.split_once("://").is_some_and(|(_, authority)| authority == host);
        let site = parts.headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin");
        let origin =
            text(header::ORIGIN).is_none_or(|origin| origin.split_once("://").is_some_and(|(_, at)| at == host));
        let there = app.settings.demo.is_some() && (own || is_this_machine(host)) && site && origin;
        if there { Ok(Self(ctx)) } else { Err(Problem(AuthError::NotFound(Noun::Endpoint))) }
    }
}

fn is_this_machine(host: &str) -> bool {
    let Ok(uri) = Uri::builder().scheme("http").authority(host).path_and_query("/").build() else { return false };
    let name = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whoever holds each key, by the gate that everybody passes.
async fn holders(app: &App, ctx: &Ctx) -> Result<Vec<Authenticated>, AuthError> {
    let mut holders = Vec::new();
    for key in app.settings.demo.iter().flat_map(|demo| &demo.keys) {
        holders.push(app.authority.authenticate(ctx, PresentedCredential::ApiKey(key.clone())).await?);
    }
    Ok(holders)
}

async fn connections(State(app): State<App>, OwnPage(ctx): OwnPage) -> Result<Json<Value>, Problem> {
    let mut items = Vec::new();
    for who in holders(&app, &ctx).await? {
        let permit = who.administers(Scope::SessionsWrite)?;
        let open = app.authority.connections(&ctx, &permit, PresenceFilter::default(), None, SHOWN).await?;
        items.extend(open.into_iter().map(|open| shown(open, &who.project.name, &ctx)));
    }
    Ok(Json(json!({ "items": items })))
}

fn shown(open: Connected, project: &str, ctx: &Ctx) -> Value {
    let Connected { presence, person } = open;
    let name = person.as_ref().and_then(|person| {
        let held = person.identifiers.iter().map(|held| &held.identifier);
        let address = held.into_iter().find(|identifier| identifier.scheme() == Identifier::EMAIL);
        address.map(|address| address.value().to_owned()).or_else(|| person.identity.profile.nickname.clone())
    });
    json!({
        "id": presence.connection.to_string(),
        "session": presence.session.to_string(),
        "name": name,
        "identity": presence.identity.to_string(),
        "kind": person.map(|person| person.identity.kind.as_str()),
        "face": presence.dialect,
        "node": presence.node,
        "project": project,
        "seconds": ctx.now.since(presence.since).as_secs(),
    })
}

async fn end(State(app): State<App>, OwnPage(ctx): OwnPage, Path(id): Path<SessionId>) -> Result<StatusCode, Problem> {
    for who in holders(&app, &ctx).await? {
        let permit = who.administers(Scope::SessionsWrite)?;
        if app.authority.session(&permit, id).await.is_ok() {
            app.authority.revoke_sessions(&ctx, &permit, SessionsOf::Session(id)).await?;
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    Err(Problem(AuthError::NotFound(Noun::Session)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n43_only_names_of_this_machine_lead_to_it() {
        for host in ["127.0.0.1:7080", "localhost:7080", "[::1]:7080", "127.0.0.9"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["", "evil.example:7080", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1", "a@b:c"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
