//! `/sip/domain`: the domains of an account, their users and invitations into them.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use ringfence_core::{
    authority::{SipDomainChange, SipDomainRef, SipDomainRequest, SipInvitationChange, SipInvitationRequest},
    caller::Permit,
    error::{AuthError, Noun, Rule},
    ids::SipInvitationId,
    sip::SipUser,
};
use serde_json::Value;

use super::{
    answer::{created, found},
    body::Members,
    caller::Caller,
    error::Refusal,
    sip,
    users::{id, page},
};
use crate::app::App;

/// The longest list that is read for a part of it.
const MOST: u32 = 1000;

/// A domain that a path names, to somebody who may manage it.
struct Named {
    permit: Permit,
    domain: SipDomainRef,
}

impl Named {
    async fn by(app: &App, caller: &Caller, name: String) -> Result<Self, Refusal> {
        let domain = SipDomainRef { name, of: Some(caller.account.id) };
        Ok(Self { permit: caller.may_manage(app).await?, domain })
    }
}

/// `POST /sip/domain`.
pub(super) async fn create(State(app): State<App>, caller: Caller, mut members: Members) -> Result<Response, Refusal> {
    let permit = caller.may_manage(&app).await?;
    let name = members.required("domain", 3, 255);
    let attributes = sip::links(&mut members);
    members.check()?;
    let wanted = SipDomainRequest { name, application: Some(caller.account.id), attributes };
    let domain = app.authority.create_sip_domain(&caller.ctx, &permit, wanted).await?;
    Ok(created(&sip::domain(&domain)))
}

/// `GET /sip/domain`.
pub(super) async fn list(State(app): State<App>, caller: Caller, uri: Uri) -> Result<Response, Refusal> {
    let permit = caller.may_manage(&app).await?;
    let domains = app.authority.sip_domains(&permit, Some(caller.account.id), None, MOST).await?;
    part(&uri, domains.iter().map(sip::domain).collect())
}

/// A part of a list.
fn part(uri: &Uri, items: Vec<Value>) -> Result<Response, Refusal> {
    let (skip, take) = page(uri)?;
    Ok(found(&items.into_iter().skip(skip as usize).take(take as usize).collect()))
}

/// `GET /sip/domain/{domain}`.
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(domain): Path<String>,
) -> Result<Response, Refusal> {
    let Named { permit, domain } = Named::by(&app, &caller, domain).await?;
    Ok(found(&sip::domain(&app.authority.sip_domain(&permit, domain).await?)))
}

/// `PATCH /sip/domain/{domain}`. Its name stays: every hash and every phone has it.
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(domain): Path<String>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let Named { permit, domain } = Named::by(&app, &caller, domain).await?;
    if members.get("domain").is_some_and(|wanted| wanted != domain.name.as_str()) {
        members.fault("domain", Rule::Malformed);
    }
    let attributes = sip::links(&mut members);
    members.check()?;
    let change = SipDomainChange { attributes, ..SipDomainChange::default() };
    let changed = app.authority.change_sip_domain(&caller.ctx, &permit, domain, change).await?;
    Ok(found(&sip::domain(&changed)))
}

/// `DELETE /sip/domain/{domain}`.
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(domain): Path<String>,
) -> Result<Response, Refusal> {
    let Named { permit, domain } = Named::by(&app, &caller, domain).await?;
    app.authority.delete_sip_domain(&caller.ctx, &permit, domain).await?;
    Ok(found(&Value::Null))
}

/// A user as those see it who manage it.
async fn shown(app: &App, permit: &Permit, user: &SipUser) -> Result<Value, Refusal> {
    let mut shown = sip::user(user);
    match app.authority.sip_digests(permit, user).await {
        Ok(digests) => sip::with_digests(&mut shown, &digests),
        Err(AuthError::NotSupported(_)) => {}
        Err(failure) => return Err(failure.into()),
    }
    Ok(shown)
}

/// `POST /sip/domain/{domain}/user`. A password that nobody sent is made, and shown this once.
pub(super) async fn create_user(
    State(app): State<App>,
    caller: Caller,
    Path(domain): Path<String>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let Named { permit, domain } = Named::by(&app, &caller, domain).await?;
    let wanted = sip::wanted(&mut members);
    members.check()?;
    let made_here = wanted.password.is_none();
    let user = app.authority.create_sip_user(&caller.ctx, &permit, domain, wanted).await?;
    let mut payload = shown(&app, &permit, &user).await?;
    if made_here {
        payload["password"] = app.authority.sip_password(&permit, &user)?.expose().into();
    }
    Ok(created(&payload))
}

/// `GET /sip/domain/{domain}/user`.
pub(super) async fn users(
    State(app): State<App>,
    caller: Caller,
    Path(domain): Path<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let Named { permit, domain } = Named::by(&app, &caller, domain).await?;
    let users = app.authority.sip_users(&permit, domain, None, MOST).await?;
    part(&uri, users.iter().map(sip::user).collect())
}

/// `GET /sip/domain/{domain}/user/{uuid}`.
pub(super) async fn show_user(
    State(app): State<App>,
    caller: Caller,
    Path((domain, uuid)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let Named { permit, domain } = Named::by(&app, &caller, domain).await?;
    let user = app.authority.sip_user(&permit, domain, id(&uuid)?).await?;
    Ok(found(&shown(&app, &permit, &user).await?))
}

/// `PATCH /sip/domain/{domain}/user/{uuid}`.
pub(super) async fn change_user(
    State(app): State<App>,
    caller: Caller,
    Path((domain, uuid)): Path<(String, String)>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let Named { permit, domain } = Named::by(&app, &caller, domain).await?;
    let change = sip::change(&mut members);
    members.check()?;
    let user = app.authority.change_sip_user(&caller.ctx, &permit, domain, id(&uuid)?, change).await?;
    Ok(found(&shown(&app, &permit, &user).await?))
}

/// `DELETE /sip/domain/{domain}/user/{uuid}`.
pub(super) async fn delete_user(
    State(app): State<App>,
    caller: Caller,
    Path((domain, uuid)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let Named { permit, domain } = Named::by(&app, &caller, domain).await?;
    app.authority.delete_sip_user(&caller.ctx, &permit, domain, id(&uuid)?).await?;
    Ok(found(&Value::Null))
}

fn invitation_id(text: &str) -> Result<SipInvitationId, AuthError> {
    text.parse().map_err(|_| AuthError::NotFound(Noun::Invitation))
}

/// `POST /sip/domain/{domain}/invite`.
pub(super) async fn invite(
    State(app): State<App>,
    caller: Caller,
    Path(domain): Path<String>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let Named { permit, domain } = Named::by(&app, &caller, domain).await?;
    let name = members.required("name", 1, 200);
    if members.get("expired_on").is_none() {
        members.fault("expired_on", Rule::Required);
    }
    let expires_at = sip::moment(&mut members, "expired_on").unwrap_or_default();
    members.check()?;
    let wanted = SipInvitationRequest { name, expires_at };
    let minted = app.authority.create_sip_invitation(&caller.ctx, &permit, domain, wanted).await?;
    let mut payload = sip::invitation(&minted.invitation);
    payload["token"] = minted.token.expose().into();
    Ok(created(&payload))
}

/// `GET /sip/domain/{domain}/invite/{uuid}`.
pub(super) async fn show_invitation(
    State(app): State<App>,
    caller: Caller,
    Path((domain, uuid)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let Named { permit, domain } = Named::by(&app, &caller, domain).await?;
    let invitation = app.authority.sip_invitation(&permit, domain, invitation_id(&uuid)?).await?;
    Ok(found(&sip::invitation(&invitation)))
}

/// `PATCH /sip/domain/{domain}/invite/{uuid}`.
pub(super) async fn change_invitation(
    State(app): State<App>,
    caller: Caller,
    Path((domain, uuid)): Path<(String, String)>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let Named { permit, domain } = Named::by(&app, &caller, domain).await?;
    let (name, expires_at) = (members.text_within("name", 1, 200), sip::moment(&mut members, "expired_on"));
    members.check()?;
    let (id, change) = (invitation_id(&uuid)?, SipInvitationChange { name, expires_at });
    let invitation = app.authority.change_sip_invitation(&caller.ctx, &permit, domain, id, change).await?;
    Ok(found(&sip::invitation(&invitation)))
}

/// `DELETE /sip/domain/{domain}/invite/{uuid}`.
pub(super) async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    Path((domain, uuid)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let Named { permit, domain } = Named::by(&app, &caller, domain).await?;
    app.authority.delete_sip_invitation(&caller.ctx, &permit, domain, invitation_id(&uuid)?).await?;
    Ok(found(&Value::Null))
}
