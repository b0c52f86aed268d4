//! `/users`: what an account does with itself, and what others see of it.

use axum::{Json, extract::State, response::IntoResponse};
use ringfence_core::{
    authority::{LinkTemplate, ProfileChange},
    error::AuthError,
    identity::IdentityKind,
    ids::IdentityId,
};
use serde_json::{Map, Value, json};

use super::{
    NAME,
    attributes::said,
    error::{Refusal, refuse},
    fields::Fields,
    people,
    recovery::dashboard,
    schemes::{Segment, SignedIn},
    sign_up::phone,
    wire::{Done, PublicAccount, Updated, account_id},
    words,
};
use crate::{app::App, extract::Circumstances};

/// `GET /users`
pub(super) async fn show(
    State(app): State<App>,
    SignedIn { ctx, who }: SignedIn,
) -> Result<impl IntoResponse, Refusal> {
    if who.identity.kind != IdentityKind::Member {
        who.require_account().map_err(refuse(&ctx, words::usual))?;
    }
    let account = people::account(&app.authority, &who.identity).await.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(account))
}

/// `PUT /users`
pub(super) async fn change(
    State(app): State<App>,
    SignedIn { ctx, who }: SignedIn,
    fields: Fields,
) -> Result<impl IntoResponse, Refusal> {
    who.require_account().map_err(refuse(&ctx, words::usual))?;
    let mut check = fields.check();
    let mut own = Map::new();
    for name in ["description", "public_email", "public_website"] {
        own.extend(check.change(name).map(|text| (name.to_owned(), text.map_or(Value::Null, Value::String))));
    }
    match fields.get("attributes") {
        Some(Value::Object(members)) => drop(own.insert("attributes".to_owned(), Value::Object(members.clone()))),
        Some(_) => drop(check.invalid("attributes")),
        None => {}
    }
    let change = ProfileChange {
        given_name: check.change("firstname"),
        family_name: check.change("lastname"),
        phone_number: check.change("phone").map(|_| phone(&fields, &mut check)),
        attributes: Some((NAME, own)),
        ..ProfileChange::default()
    };
    check.done()?;
    let identity = app.authority.change_profile(&ctx, &who, change).await.map_err(refuse(&ctx, words::usual))?;
    let user = people::stored(&app.authority, &identity).await.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(Updated::new(user)))
}

/// `PUT /users/changepsw`. Every session ends, this one included.
pub(super) async fn change_password(
    State(app): State<App>,
    SignedIn { ctx, who }: SignedIn,
    fields: Fields,
) -> Result<impl IntoResponse, Refusal> {
    who.require_account().map_err(refuse(&ctx, words::usual))?;
    let mut check = fields.check();
    let (present, new) = (check.password("oldpsw"), check.password("newpsw"));
    check.done()?;
    let changed = app.authority.change_password(&ctx, &who, present, new).await;
    changed.map_err(refuse(&ctx, words::change_password))?;
    Ok(Json(Done::plain("Password change successful")))
}

/// `GET /users/resendverifyemail`
pub(super) async fn resend_verification(
    State(app): State<App>,
    SignedIn { ctx, who }: SignedIn,
) -> Result<impl IntoResponse, Refusal> {
    who.require_account().map_err(refuse(&ctx, words::usual))?;
    let link = LinkTemplate(format!("{}/#/verify/email/{{identity}}/{{token}}", dashboard(&app)));
    let sent = app.authority.resend_email_verification(&ctx, &who, link).await;
    sent.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(Done::success("Verify email successfully sent")))
}

/// `DELETE /users`: shown as its own server shows the row that it keeps.
pub(super) async fn anonymise(
    State(app): State<App>,
    SignedIn { ctx, who }: SignedIn,
) -> Result<impl IntoResponse, Refusal> {
    who.require_account().map_err(refuse(&ctx, words::usual))?;
    let erased = app.authority.erase_self(&ctx, &who).await.map_err(refuse(&ctx, words::usual))?;
    let mut user = people::stored(&app.authority, &erased).await.map_err(refuse(&ctx, words::usual))?;
    user.account.email = Some(format!("{}@tiledesk.com", erased.id));
    user.account.firstname = Some("anonymized".to_owned());
    user.account.lastname = Some("anonymized".to_owned());
    Ok(Json(Updated::new(user)))
}

/// `DELETE /users/physical`
pub(super) async fn remove(
    State(app): State<App>,
    SignedIn { ctx, who }: SignedIn,
) -> Result<impl IntoResponse, Refusal> {
    who.require_account().map_err(refuse(&ctx, words::usual))?;
    app.authority.erase_self(&ctx, &who).await.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(json!({ "success": true, "user": { "n": 1, "ok": 1, "deletedCount": 1 } })))
}

/// `GET /users_util/{id}`
pub(super) async fn show_public(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Segment(id): Segment<String>,
) -> Result<impl IntoResponse, Refusal> {
    let id = IdentityId::from_short(&id).ok_or_else(|| Refusal::not_found("User id not found"))?;
    let found = app.authority.public_identity(app.project(), id).await;
    // Guests and users of an integrator have no such id.
    let found = found.and_then(|found| {
        let account = found.kind == IdentityKind::Member;
        account.then_some(found).ok_or(AuthError::NotFound(ringfence_core::error::Noun::Identity))
    });
    let identity = found.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(PublicAccount {
        id: account_id(identity.id),
        more: said(&identity, &["public_email", "public_website", "description"]),
        firstname: identity.profile.given_name,
        lastname: identity.profile.family_name,
    }))
}
