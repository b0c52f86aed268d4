//! SIP domains, for back ends.

use axum::{
    Json, Router,
    extract::{Path, State, rejection::JsonRejection},
    routing::{get, post},
};
use http::StatusCode;
use ringfence_core::{
    authority::{SipDomainChange, SipDomainRef, SipDomainRequest},
    caller::Scope,
    sip::SipDomain,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Caller, Refused};
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/sip/domains", post(create).get(list))
        .route("/api/v1/sip/domains/{domain}", get(show).patch(change).delete(remove))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    domain: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    disabled: Option<bool>,
}

fn view(domain: &SipDomain) -> Value {
    json!({
        "domain": domain.name,
        "disabled": domain.group.disabled_at.is_some(),
        "created_at": domain.group.created_at.rfc3339(),
        "updated_at": domain.group.updated_at.rfc3339(),
    })
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    body: Result<Json<Create>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let permit = caller.may(Scope::CredentialsWrite)?;
    let Json(wanted) = caller.read(body)?;
    let wanted = SipDomainRequest { name: wanted.domain, application: None, attributes: Map::new() };
    let made = app.authority.create_sip_domain(&caller.ctx, &permit, wanted).await.map_err(caller.refused())?;
    Ok((StatusCode::CREATED, Json(view(&made))))
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Refused> {
    let permit = caller.may(Scope::IdentitiesRead)?;
    let mut views: Vec<Value> = Vec::new();
    let mut after = None;
    loop {
        let page = app.authority.sip_domains(&permit, None, after, 1000).await.map_err(caller.refused())?;
        let Some(last) = page.last() else { return Ok(Json(json!({ "domains": views }))) };
        after = Some(last.group.id);
        views.extend(page.iter().map(view));
    }
}

async fn show(State(app): State<App>, caller: Caller, Path(domain): Path<String>) -> Result<Json<Value>, Refused> {
    let permit = caller.may(Scope::IdentitiesRead)?;
    let found = app.authority.sip_domain(&permit, SipDomainRef::named(domain)).await.map_err(caller.refused())?;
    Ok(Json(view(&found)))
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(domain): Path<String>,
    body: Result<Json<Change>, JsonRejection>,
) -> Result<Json<Value>, Refused> {
    let permit = caller.may(Scope::CredentialsWrite)?;
    let Json(wanted) = caller.read(body)?;
    let change = SipDomainChange { attributes: Map::new(), disabled: wanted.disabled };
    let domain = SipDomainRef::named(domain);
    let changed = app.authority.change_sip_domain(&caller.ctx, &permit, domain, change).await;
    Ok(Json(view(&changed.map_err(caller.refused())?)))
}

async fn remove(State(app): State<App>, caller: Caller, Path(domain): Path<String>) -> Result<StatusCode, Refused> {
    let permit = caller.may(Scope::CredentialsWrite)?;
    let domain = SipDomainRef::named(domain);
    app.authority.delete_sip_domain(&caller.ctx, &permit, domain).await.map_err(caller.refused())?;
    Ok(StatusCode::NO_CONTENT)
}
