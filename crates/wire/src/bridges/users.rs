//! SIP users of a domain, for back ends. A password is shown once, when we made it.

use axum::{
    Json, Router,
    extract::{Path, State, rejection::JsonRejection},
    routing::{get, post},
};
use http::StatusCode;
use ringfence_core::{
    authority::{SipDomainRef, SipUserChange, SipUserRequest},
    caller::Scope,
    error::{AuthError, Noun},
    identity::Profile,
    ids::IdentityId,
    secret::Password,
    sip::SipUser,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Caller, Refused};
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/sip/domains/{domain}/users", post(create).get(list))
        .route("/api/v1/sip/domains/{domain}/users/{id}", get(show).patch(change).delete(remove))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    login: String,
    password: Option<Password>,
    nickname: Option<String>,
    #[serde(default)]
    same_domain_calls_only: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    login: Option<String>,
    password: Option<Password>,
    same_domain_calls_only: Option<bool>,
    disabled: Option<bool>,
}

fn view(user: &SipUser) -> Value {
    json!({
        "id": user.identity.id,
        "login": user.login,
        "domain": user.domain,
        "address": user.endpoint.user_name,
        "nickname": user.identity.profile.nickname,
        "same_domain_calls_only": user.same_domain_calls_only,
        "disabled": !user.identity.standing.is_active(),
        "created_at": user.endpoint.created_at.rfc3339(),
        "updated_at": user.endpoint.updated_at.rfc3339(),
    })
}

/// An id as it stands in the path; nonsense is as good as an unknown one.
fn id(caller: &Caller, text: &str) -> Result<IdentityId, Refused> {
    text.parse().map_err(|_| caller.refuse(AuthError::NotFound(Noun::Identity)))
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(domain): Path<String>,
    body: Result<Json<Create>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let permit = caller.may(Scope::CredentialsWrite)?;
    let Json(wanted) = caller.read(body)?;
    let chosen = wanted.password.is_some();
    let wanted = SipUserRequest {
        login: wanted.login,
        password: wanted.password,
        profile: Profile { nickname: wanted.nickname, ..Profile::default() },
        attributes: Map::new(),
        same_domain_calls_only: wanted.same_domain_calls_only,
    };
    let domain = SipDomainRef::named(domain);
    let made = app.authority.create_sip_user(&caller.ctx, &permit, domain, wanted).await.map_err(caller.refused())?;
    let mut view = view(&made);
    if !chosen {
        let password = app.authority.sip_password(&permit, &made).map_err(caller.refused())?;
        view["password"] = password.expose().into();
    }
    Ok((StatusCode::CREATED, Json(view)))
}

async fn list(State(app): State<App>, caller: Caller, Path(domain): Path<String>) -> Result<Json<Value>, Refused> {
    let permit = caller.may(Scope::IdentitiesRead)?;
    let domain = SipDomainRef::named(domain);
    let mut views: Vec<Value> = Vec::new();
    let mut after = None;
    loop {
        let page = app.authority.sip_users(&permit, domain.clone(), after, 1000).await.map_err(caller.refused())?;
        let Some(last) = page.last() else { return Ok(Json(json!({ "users": views }))) };
        after = Some(last.identity.id);
        views.extend(page.iter().map(view));
    }
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((domain, user)): Path<(String, String)>,
) -> Result<Json<Value>, Refused> {
    let permit = caller.may(Scope::IdentitiesRead)?;
    let (domain, id) = (SipDomainRef::named(domain), id(&caller, &user)?);
    let found = app.authority.sip_user(&permit, domain, id).await.map_err(caller.refused())?;
    Ok(Json(view(&found)))
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path((domain, user)): Path<(String, String)>,
    body: Result<Json<Change>, JsonRejection>,
) -> Result<Json<Value>, Refused> {
    let permit = caller.may(Scope::CredentialsWrite)?;
    let Json(wanted) = caller.read(body)?;
    let (domain, id) = (SipDomainRef::named(domain), id(&caller, &user)?);
    let change = SipUserChange {
        login: wanted.login,
        password: wanted.password,
        same_domain_calls_only: wanted.same_domain_calls_only,
        ..SipUserChange::default()
    };
    let changed = app.authority.change_sip_user(&caller.ctx, &permit, domain.clone(), id, change).await;
    let mut changed = changed.map_err(caller.refused())?;
    if let Some(disabled) = wanted.disabled {
        let suspended = app.authority.suspend_identity(&caller.ctx, &permit, id, disabled).await;
        changed.identity = suspended.map_err(caller.refused())?;
    }
    Ok(Json(view(&changed)))
}

async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path((domain, user)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    let permit = caller.may(Scope::CredentialsWrite)?;
    let (domain, id) = (SipDomainRef::named(domain), id(&caller, &user)?);
    app.authority.delete_sip_user(&caller.ctx, &permit, domain, id).await.map_err(caller.refused())?;
    Ok(StatusCode::NO_CONTENT)
}
