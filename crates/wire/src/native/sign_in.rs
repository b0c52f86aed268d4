//! The ways in: each starts a session and is answered with its first tokens.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{
    authority::{LinkTemplate, PresentedCredential, Registration},
    federation::ProviderToken,
    identity::{Identifier, Profile},
    secret::{Password, RawToken},
};
use serde::Deserialize;
use serde_json::Map;
use utoipa::ToSchema;

use super::{answers::Tokens, body::Json, browser::Visitor, caller::ApplicationName, problem::Problem};
use crate::{app::App, links::email_link};

/// Somebody who wants an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignUp {
    /// The application's id or publishable key.
    application: ApplicationName,
    /// The address that proves itself by mail.
    email: String,
    /// As the project's rules want it.
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// First name.
    given_name: Option<String>,
    /// Last name.
    family_name: Option<String>,
    /// What others see.
    nickname: Option<String>,
    /// BCP 47 language of messages.
    locale: Option<String>,
}

/// Makes an account and signs it in.
#[utoipa::path(
    post, path = "/sign-up", tag = "sign-in",
    request_body = SignUp,
    responses(
        (status = 201, description = "An account, signed in", body = Tokens),
    ),
)]
pub(super) async fn sign_up(
    State(app): State<App>,
    visitor: Visitor,
    Json(wanted): Json<SignUp>,
) -> Result<(StatusCode, axum::Json<Tokens>), Problem> {
    let SignUp { application, email, password, given_name, family_name, nickname, locale } = wanted;
    let project = visitor.place(&app, &application).await?;
    let ctx = visitor.ctx;
    let registration = Registration {
        project: project.clone(),
        email: email.clone(),
        password: password.clone(),
        profile: Profile { given_name, family_name, nickname, locale, ..Profile::default() },
        attributes: Map::new(),
        vouched: None,
        verify: Some(LinkTemplate(email_link(&app))),
    };
    app.authority.register(&ctx, registration).await?;
    let presented = PresentedCredential::Password { project, identifier: Identifier::email(&email), password };
    let who = app.authority.sign_in(&ctx, presented).await?;
    Ok((StatusCode::CREATED, axum::Json(Tokens::first(&app, &ctx, &who).await?)))
}

/// Somebody who has an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordSignIn {
    /// The application's id or publishable key.
    application: ApplicationName,
    /// The address of the account.
    email: String,
    /// Its password.
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// Signs in with a password.
#[utoipa::path(
    post, path = "/sign-in", tag = "sign-in",
    request_body = PasswordSignIn,
    responses(
        (status = 200, description = "Signed in", body = Tokens),
    ),
)]
pub(super) async fn password(
    State(app): State<App>,
    visitor: Visitor,
    Json(wanted): Json<PasswordSignIn>,
) -> Result<axum::Json<Tokens>, Problem> {
    let project = visitor.place(&app, &wanted.application).await?;
    let ctx = visitor.ctx;
    let presented = PresentedCredential::Password {
        project,
        identifier: Identifier::email(&wanted.email),
        password: wanted.password,
    };
    let who = app.authority.sign_in(&ctx, presented).await?;
    Ok(axum::Json(Tokens::first(&app, &ctx, &who).await?))
}

/// A visitor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Visit {
    /// The application's id or publishable key.
    application: ApplicationName,
    /// What the visitor wants to reach, and nothing else.
    target: Option<Target>,
    /// What others see.
    nickname: Option<String>,
    /// BCP 47 language of messages.
    locale: Option<String>,
}

/// Something that guests may reach.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    /// What it is, e.g. `ai_assistant`.
    kind: String,
    /// Its name.
    id: String,
}

/// Lets a visitor in as a guest.
#[utoipa::path(
    post, path = "/guests", tag = "sign-in",
    request_body = Visit,
    responses(
        (status = 201, description = "A guest, signed in", body = Tokens),
    ),
)]
pub(super) async fn guest(
    State(app): State<App>,
    visitor: Visitor,
    Json(visit): Json<Visit>,
) -> Result<(StatusCode, axum::Json<Tokens>), Problem> {
    let project = visitor.place(&app, &visit.application).await?;
    let ctx = visitor.ctx;
    let presented = PresentedCredential::Guest {
        project,
        profile: Profile { nickname: visit.nickname, locale: visit.locale, ..Profile::default() },
        attributes: Map::new(),
        target: visit.target.map(|target| (target.kind, target.id)),
        ticket: None,
    };
    let who = app.authority.sign_in(&ctx, presented).await?;
    Ok((StatusCode::CREATED, axum::Json(Tokens::first(&app, &ctx, &who).await?)))
}

/// Somebody who signed in with an identity provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FederatedSignIn {
    /// The application's id or publishable key.
    application: ApplicationName,
    /// The provider that gave the token.
    provider: Provider,
    /// What the provider gave.
    #[schema(value_type = String, format = Password)]
    token: RawToken,
    /// What the client asked the provider to put in, when it did.
    nonce: Option<String>,
}

/// An identity provider.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Provider {
    /// Google.
    Google,
    /// Facebook.
    Facebook,
    /// The project's own.
    Oidc,
}

impl Provider {
    const fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Facebook => "facebook",
            Self::Oidc => "oidc",
        }
    }
}

/// Signs in with a token of an identity provider.
#[utoipa::path(
    post, path = "/federated", tag = "sign-in",
    request_body = FederatedSignIn,
    responses(
        (status = 200, description = "Signed in", body = Tokens),
    ),
)]
pub(super) async fn federated(
    State(app): State<App>,
    visitor: Visitor,
    Json(wanted): Json<FederatedSignIn>,
) -> Result<axum::Json<Tokens>, Problem> {
    let project = visitor.place(&app, &wanted.application).await?;
    let ctx = visitor.ctx;
    let presented = PresentedCredential::Federated {
        project,
        provider: wanted.provider.name(),
        shown: ProviderToken { token: wanted.token, nonce: wanted.nonce },
    };
    let who = app.authority.sign_in(&ctx, presented).await?;
    Ok(axum::Json(Tokens::first(&app, &ctx, &who).await?))
}
