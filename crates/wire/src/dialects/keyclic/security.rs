//! `/security`: register, log in, change a password. None of it needs a token, and a stale one does no harm.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use ringfence_core::{
    authority::{LinkTemplate, Person, PresentedCredential, Registration},
    error::Rule,
    federation::ProviderToken,
    identity::{Identifier, Profile},
    ids::InvitationId,
    secret::{Password, RawToken},
};

use super::{body::Members, caller::Visitor, error::Refusal, hal::hal, person, tokens::Bearer};
use crate::{
    app::App,
    links::{email_link, reset_link},
};

/// `POST /security/register`. The token that some libraries attach says nothing about somebody new.
pub(super) async fn register(
    State(app): State<App>,
    visitor: Visitor<false>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let (email, password) = (members.required("email"), members.required("password"));
    let attributes = person::attributes_of(&mut members);
    let invitation = invitation(&mut members);
    members.check()?;
    if let Some(id) = invitation {
        app.authority.check_invitation(visitor.place.clone(), id, &email).await?;
    }
    let wanted = Registration {
        project: visitor.place,
        email,
        password: Password::new(password),
        profile: Profile::default(),
        attributes,
        vouched: None,
        verify: Some(LinkTemplate(email_link(&app))),
    };
    let identity = app.authority.register(&visitor.ctx, wanted).await?;
    let identifiers = app.authority.identifiers(identity.id).await?;
    Ok(hal(StatusCode::CREATED, &person::render(&Person { identity, identifiers })))
}

/// The invitation that somebody follows, by its UUID or by the short form that links have.
fn invitation(members: &mut Members) -> Option<InvitationId> {
    let text = members.text("invitation").filter(|text| !text.is_empty())?;
    let id = InvitationId::from_short(&text).or_else(|| text.parse().ok());
    if id.is_none() {
        members.fault("invitation", Rule::Malformed);
    }
    id
}

/// `POST /security/login`.
pub(super) async fn login(
    State(app): State<App>,
    visitor: Visitor<false>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let (login, password) = (members.required("login"), members.required("password"));
    members.check()?;
    let presented = PresentedCredential::Password {
        project: visitor.place.clone(),
        identifier: Identifier::email(&login),
        password: Password::new(password),
    };
    sign_in(&app, &visitor, presented).await
}

/// `POST /security/connect/facebook`.
pub(super) async fn connect_facebook(
    State(app): State<App>,
    visitor: Visitor<false>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let token = members.required("accessToken");
    members.check()?;
    let shown = ProviderToken { token: RawToken::new(token), nonce: None };
    let presented = PresentedCredential::Federated { project: visitor.place.clone(), provider: "facebook", shown };
    sign_in(&app, &visitor, presented).await
}

async fn sign_in<const NAMED: bool>(
    app: &App,
    visitor: &Visitor<NAMED>,
    presented: PresentedCredential,
) -> Result<Response, Refusal> {
    let who = app.authority.sign_in(&visitor.ctx, presented).await?;
    let bearer = Bearer::of(app, &visitor.ctx, who).await?;
    let wanted = bearer.wanted(app, &visitor.ctx, visitor.key.as_deref());
    let set = app.authority.issue_tokens(&visitor.ctx, bearer.who(), wanted).await?;
    Ok(hal(StatusCode::OK, &bearer.answer(&set)))
}

/// `POST /security/password/change-request`: the same answer for everybody.
pub(super) async fn request_change(
    State(app): State<App>,
    visitor: Visitor<false>,
    mut members: Members,
) -> Result<Response, Refusal> {
    // Newer libraries send both members, the one that is not used as null.
    let address = members.text("email").or_else(|| members.text("username")).unwrap_or_default();
    if address.trim().is_empty() {
        members.fault("email", Rule::Required);
    }
    members.check()?;
    let link = LinkTemplate(app.option("reset_url").map_or_else(|| reset_link(&app), str::to_owned));
    app.authority.request_password_reset(&visitor.ctx, visitor.place, &address, link).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /security/password/change/{token}`.
pub(super) async fn change(
    State(app): State<App>,
    visitor: Visitor<false>,
    Path(token): Path<String>,
    mut members: Members,
) -> Result<Response, Refusal> {
    let password = members.required("password");
    members.check()?;
    let (secret, new) = (RawToken::new(token), Password::new(password));
    app.authority.reset_password(&visitor.ctx, visitor.place, &secret, new).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
