//! `POST /auth/signup`

use axum::{Json, extract::State, response::IntoResponse};
use http::{HeaderMap, StatusCode};
use ringfence_core::{
    authority::{LinkTemplate, PresentedCredential, Registration},
    caller::{Permit, Scope},
    context::Ctx,
    identity::Profile,
    secret::{Password, RawToken},
};
use serde_json::{Map, Value};

use super::{
    error::{Refusal, refuse},
    fields::{Check, Fields, is_truthy},
    people,
    recovery::dashboard,
    schemes, wire, words,
};
use crate::{app::App, extract::Circumstances};

pub(super) async fn sign_up(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    headers: HeaderMap,
    fields: Fields,
) -> Result<impl IntoResponse, Refusal> {
    let mut check = fields.check();
    let email = check.email("email");
    let profile = Profile {
        given_name: Some(check.text("firstname")),
        family_name: Some(check.text("lastname")),
        phone_number: phone(&fields, &mut check),
        ..Profile::default()
    };
    let password = fields.get("password").filter(|password| is_truthy(password));
    let password = password.map(|_| check.password("password"));
    check.done()?;
    let Some(password) = password else {
        // 200, as ever: its page looks at `success`.
        return Err(Refusal::msg(StatusCode::OK, "Please pass email and password."));
    };
    let wanted = registration(&app, &ctx, &headers, &fields, email, password, profile).await;
    let identity = app.authority.register(&ctx, wanted).await.map_err(refuse(&ctx, words::sign_up))?;
    let user = people::stored(&app.authority, &identity).await.map_err(refuse(&ctx, words::usual))?;
    Ok(Json(wire::SignedUp::new(user)))
}

async fn registration(
    app: &App,
    ctx: &Ctx,
    headers: &HeaderMap,
    fields: &Fields,
    email: String,
    password: Password,
    profile: Profile,
) -> Registration {
    let quiet = fields.is_truthy("disableEmail");
    let link = || LinkTemplate(format!("{}/#/verify/email/{{identity}}/{{token}}", dashboard(app)));
    Registration {
        project: app.project(),
        email,
        password,
        profile,
        attributes: Map::new(),
        vouched: administrator(app, ctx, headers).await,
        verify: (!quiet).then(link),
    }
}

/// Its permit, if an administrator signs somebody up: who may write identities. Anybody else's header is not looked at.
async fn administrator(app: &App, ctx: &Ctx, headers: &HeaderMap) -> Option<Permit> {
    let token: RawToken = schemes::jwt(headers)?;
    let presented = if token.expose().contains('.') {
        PresentedCredential::AccessToken(token)
    } else {
        PresentedCredential::ApiKey(token)
    };
    let who = app.authority.authenticate(ctx, presented).await.ok()?;
    who.caller().permit(Scope::IdentitiesWrite, who.project.id).ok()
}

/// A telephone number: digits that do not begin with zero, perhaps after a plus.
pub(super) fn phone(fields: &Fields, check: &mut Check<'_>) -> Option<String> {
    let text = check.optional("phone")?;
    let digits = text.strip_prefix('+').unwrap_or(&text);
    let good = (2..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    if !good && matches!(fields.get("phone"), Some(Value::String(_) | Value::Number(_))) {
        check.invalid("phone");
    }
    Some(text)
}
