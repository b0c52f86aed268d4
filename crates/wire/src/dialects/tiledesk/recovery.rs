//! What goes out by mail and comes back once: the proof of an address, a new password.

use axum::{Json, extract::State, response::IntoResponse};
use ringfence_core::{authority::LinkTemplate, ids::IdentityId, secret::RawToken};

use super::{
    error::{Refusal, refuse},
    fields::Fields,
    people,
    schemes::Segment,
    wire::{About, Done},
    words,
};
use crate::{app::App, extract::Circumstances};

/// Where the dashboard is: what mailed links lead to. Never taken from a request (ATTACKS N43).
pub(super) fn dashboard(app: &App) -> String {
    let own = || format!("{}{}", app.settings.public_url, app.mount.prefix);
    app.option("dashboard_url").map_or_else(own, |url| url.trim_end_matches('/').to_owned())
}

/// `PUT /auth/verifyemail/{userid}/{code}`. Its body says what the caller wants to be true; it is not looked at.
pub(super) async fn verify_email(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Segment((user, code)): Segment<(String, RawToken)>,
    _: Fields,
) -> Result<impl IntoResponse, Refusal> {
    let user = IdentityId::from_short(&user);
    let claimed = user.ok_or(ringfence_core::error::AuthError::VerificationInvalid);
    let claimed = claimed.map_err(refuse(&ctx, words::verify_email))?;
    let verified = app.authority.verify_email(&ctx, claimed, &code).await;
    let identity = verified.map_err(refuse(&ctx, words::verify_email))?;
    let user = people::stored(&app.authority, &identity).await.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(user))
}

/// `PUT /auth/requestresetpsw`. The answer is the same whether anybody has the address or not (ATTACKS N75).
pub(super) async fn request_reset(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    fields: Fields,
) -> Result<impl IntoResponse, Refusal> {
    let mut check = fields.check();
    let email = check.text("email");
    check.done()?;
    let link = LinkTemplate(format!("{}/#/resetpassword/{{token}}", dashboard(&app)));
    let asked = app.authority.request_password_reset(&ctx, app.project(), &email, link).await;
    asked.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(Done::success("An email has been sent to reset your password")))
}

/// `GET /auth/checkpswresetkey/{key}`. Looking does not use the key up.
pub(super) async fn check_key(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Segment(key): Segment<RawToken>,
) -> Result<impl IntoResponse, Refusal> {
    let identity =
        app.authority.open_password_reset(&ctx, app.project(), &key).await.map_err(refuse(&ctx, words::reset))?;
    let user = people::stored(&app.authority, &identity).await.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(About { message: "Valid password reset key", user }))
}

/// `PUT /auth/resetpsw/{key}`
pub(super) async fn reset_password(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    Segment(key): Segment<RawToken>,
    fields: Fields,
) -> Result<impl IntoResponse, Refusal> {
    let mut check = fields.check();
    let password = check.password("password");
    check.done()?;
    let outcome =
        app.authority.reset_password(&ctx, app.project(), &key, password).await.map_err(refuse(&ctx, words::reset))?;
    let user = people::stored(&app.authority, &outcome.identity).await.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(About { message: "Password change successful", user }))
}
