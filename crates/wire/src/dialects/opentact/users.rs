//! `/user`: sign-up, one's own data, and the users of one's account.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use ringfence_core::{
    authority::{AccountChange, HomeRequest, LinkTemplate, NewEmail, Registration},
    caller::Scope,
    error::{AuthError, Noun, Rule},
    identity::is_email,
    ids::IdentityId,
    secret::Password,
};
use serde_json::{Map, Value};

use super::{
    account,
    answer::{created, found},
    body::Members,
    caller::{Caller, MANAGES},
    error::Refusal,
    query::Parameters,
    user::{self, Said},
};
use crate::{app::App, extract::Circumstances, links::email_link};

/// The longest list.
const MOST: u32 = 500;

/// What is no id is nobody's.
pub(super) fn id(text: &str) -> Result<IdentityId, AuthError> {
    text.parse().map_err(|_| AuthError::NotFound(Noun::Identity))
}

/// What somebody says to become a user, with what is said of their account. A role is not looked at: the call is open.
pub(super) fn registration(app: &App, members: &mut Members) -> (Registration, Map<String, Value>) {
    let email = members.required("email", 5, 80);
    if !email.is_empty() && !is_email(email.trim()) {
        members.fault("email", Rule::Malformed);
    }
    let password: Password = members.required_password("password");
    let (profile, attributes) = Said::of(members).into_new();
    let wanted = Registration {
        project: app.project(),
        email,
        password,
        profile,
        attributes,
        vouched: None,
        verify: Some(LinkTemplate(email_link(app))),
    };
    (wanted, members.object("account"))
}

/// `POST /user`.
pub(super) async fn sign_up(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    mut members: Members,
) -> Result<Response, Refusal> {
    let (wanted, said) = registration(&app, &mut members);
    let text = |name: &str| said.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let home = HomeRequest {
        name: text("name").map_or_else(|| account::fresh().name, str::to_owned),
        attributes: account::attributes(text("email")),
    };
    if home.name.chars().count() > 200 || text("email").is_some_and(|email| !is_email(email)) {
        members.fault("account", Rule::Malformed);
    }
    members.check()?;
    let identity = app.authority.register_with_home(&ctx, wanted, account::KIND, home).await?;
    let person = user::person(&app, identity).await?;
    Ok(created(&user::render(&person, false)))
}

/// `GET /user`: those of one's account, or everybody for an administrator.
pub(super) async fn list(State(app): State<App>, caller: Caller, uri: Uri) -> Result<Response, Refusal> {
    let (skip, take) = page(&uri)?;
    let account = ringfence_core::project::ProjectRef::Application(caller.account.id);
    let people = app.authority.people(&caller.who, account, MANAGES, skip, take).await?;
    let shown = user::render_all(&app, &caller.ctx, &people.people).await?;
    Ok(found(&Value::Array(shown)))
}

/// Which part of a list is wanted: `skip` and `take`, as its clients page.
pub(super) fn page(uri: &Uri) -> Result<(u32, u32), Refusal> {
    let query = Parameters::of(uri);
    Ok((query.number("skip", 0, u32::MAX)?, query.number("take", 100, MOST)?))
}

/// `GET /user/{uuid}`.
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(uuid): Path<String>,
) -> Result<Response, Refusal> {
    let person = app.authority.person(&caller.who, id(&uuid)?, MANAGES).await?;
    Ok(found(&user::render_one(&app, &caller.ctx, person).await?))
}

/// `PATCH /user/{uuid}`: one's own. A new password needs the present one, which Basic shows with the request; roles are the
/// operator's to give.
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(uuid): Path<String>,
    mut members: Members,
) -> Result<Response, Refusal> {
    app.authority.require_self(&caller.who, id(&uuid)?).await?;
    let role = members.get("role").and_then(Value::as_str);
    if role.is_some_and(|role| role != user::role(&caller.who.identity)) {
        return Err(AuthError::Forbidden { needs: Scope::IdentitiesWrite }.into());
    }
    let said = Said::of(&mut members);
    let email = members.text_within("email", 5, 80);
    let password = members.password("password");
    members.check()?;
    let link = LinkTemplate(email_link(&app));
    let email = email.map(|address| NewEmail { address, link });
    // Known before anything is changed.
    let present = caller.password.clone();
    if password.is_some() && present.is_none() {
        return Err(AuthError::StepUpRequired { acr: "password" }.into());
    }
    let change = AccountChange { profile: said.profile, picture: None, email };
    let identity = app.authority.change_account(&caller.ctx, &caller.who, change).await?;
    if let (Some(new), Some(present)) = (password, present) {
        app.authority.change_password(&caller.ctx, &caller.who, present, new).await?;
    }
    let person = user::person(&app, identity).await?;
    Ok(found(&user::render_one(&app, &caller.ctx, person).await?))
}

/// `DELETE /user/{uuid}`: oneself.
pub(super) async fn erase(
    State(app): State<App>,
    caller: Caller,
    Path(uuid): Path<String>,
) -> Result<Response, Refusal> {
    app.authority.require_self(&caller.who, id(&uuid)?).await?;
    app.authority.erase_self(&caller.ctx, &caller.who).await?;
    Ok(found(&Value::Null))
}
