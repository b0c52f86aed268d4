//! `/app`: what a SIP user may do itself, and how it becomes one.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use ringfence_core::{error::Rule, secret::RawToken};
use serde_json::{Value, json};

use super::{
    answer::{created, found},
    body::Members,
    caller::SipCaller,
    error::Refusal,
    sip,
    users::page,
};
use crate::{app::App, extract::Circumstances};

/// Neighbours that are read for a part of them.
const MOST: u32 = 1000;

/// `GET /app`.
pub(super) async fn show(caller: SipCaller) -> Result<Response, Refusal> {
    Ok(found(&sip::user(&caller.user)))
}

/// `PATCH /app`.
pub(super) async fn change(
    State(app): State<App>,
    caller: SipCaller<true>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let change = sip::change(&mut members);
    members.check()?;
    let user = app.authority.change_own_sip_user(&caller.ctx, &caller.who, change).await?;
    Ok(found(&sip::user(&user)))
}

/// `GET /app/users`: whom one may call.
pub(super) async fn neighbours(State(app): State<App>, caller: SipCaller, uri: Uri) -> Result<Response, Refusal> {
    let (skip, take) = page(&uri)?;
    let users = app.authority.sip_neighbours(&caller.who, None, MOST).await?;
    let part = users.iter().skip(skip as usize).take(take as usize);
    let shown = part.map(|user| {
        json!({
            "uuid": user.identity.id,
            "login": user.login,
            "first_name": user.identity.profile.given_name,
            "last_name": user.identity.profile.family_name,
        })
    });
    Ok(found(&shown.collect::<Value>()))
}

/// `GET /app/invite/{token}`.
pub(super) async fn invitation(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Path(token): Path<String>,
) -> Result<Response, Refusal> {
    let domain = app.authority.sip_invitation_domain(&ctx, &RawToken::new(token)).await?;
    Ok(found(&json!({ "uuid": domain.group.id, "domain": domain.name })))
}

/// `POST /app/invite/{token}`: as the creation of a SIP user.
pub(super) async fn accept(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Path(token): Path<String>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let token = RawToken::new(token);
    // An invitation that is not open says nothing about the body.
    app.authority.sip_invitation_domain(&ctx, &token).await?;
    if members.get("password").is_none() {
        members.fault("password", Rule::Required);
    }
    let wanted = sip::wanted(&mut members);
    members.check()?;
    let user = app.authority.accept_sip_invitation(&ctx, &token, wanted).await?;
    Ok(created(&sip::user(&user)))
}
