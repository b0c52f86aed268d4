//! Who asks, and in which application: `Authorization` and `X-Keyclic-App`.

use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};
use ringfence_core::{
    application::Application,
    authority::{Authenticated, PresentedCredential},
    context::Ctx,
    error::{AuthError, Rule},
    project::ProjectRef,
    secret::{RawToken, TokenKind},
};

use super::{APPLICATION, error::Refusal};
use crate::{
    app::App,
    extract::{Circumstances, authorization},
};

/// The header that names an application.
pub(super) const APPLICATION_HEADER: &str = "x-keyclic-app";

/// Whoever asks without a token, or whose token does not matter. `NAMED` says whether they must name an application.
#[derive(Debug)]
pub(super) struct Visitor<const NAMED: bool> {
    pub(super) ctx: Ctx,
    /// Where they want to be known.
    pub(super) place: ProjectRef,
    /// The application key, if they gave one.
    pub(super) key: Option<String>,
}

impl<const NAMED: bool> FromRequestParts<App> for Visitor<NAMED> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(parts, app).await;
        let Some(key) = key_of(&parts.headers) else {
            let unnamed = AuthError::invalid("X-Keyclic-App", Rule::Required);
            return if NAMED { Err(unnamed.into()) } else { Ok(Self { ctx, place: app.project(), key: None }) };
        };
        let place = named(&key);
        match app.authority.find_application(place.clone()).await {
            Ok((project, _)) if project.name == app.mount.project => Ok(Self { ctx, place, key: Some(key) }),
            Ok(_) | Err(AuthError::NotFound(_)) => Err(AuthError::ApplicationMismatch.into()),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Somebody with an account and a live token, in an application that the token is good for.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) ctx: Ctx,
    pub(super) who: Authenticated,
    pub(super) application: Application,
}

impl Caller {
    /// Names the application.
    pub(super) const fn place(&self) -> ProjectRef {
        ProjectRef::Application(self.application.id)
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(parts, app).await;
        let presented = presented(&parts.headers).ok_or(AuthError::InvalidCredentials)?;
        let who = app.authority.authenticate(&ctx, presented).await?;
        who.require_account()?;
        let key = key_of(&parts.headers).ok_or_else(|| AuthError::invalid("X-Keyclic-App", Rule::Required))?;
        let application = app.authority.application_for(&who, named(&key)).await?;
        if who.project.name != app.mount.project {
            return Err(AuthError::ApplicationMismatch.into());
        }
        Ok(Self { ctx, who, application })
    }
}

/// The bearer of a token or an API key; the scheme in any case, for some apps write it themselves.
fn presented(headers: &HeaderMap) -> Option<PresentedCredential> {
    let (scheme, token) = authorization(headers)?;
    let token = RawToken::new(token);
    scheme.eq_ignore_ascii_case("bearer").then(|| match TokenKind::of(&token) {
        Some(TokenKind::ApiKey) => PresentedCredential::ApiKey(token),
        _ => PresentedCredential::AccessToken(token),
    })
}

/// The application key. Clients send the word `null` for headers that they have no value for.
fn key_of(headers: &HeaderMap) -> Option<String> {
    let key = headers.get(APPLICATION_HEADER)?.to_str().unwrap_or("?").trim();
    (!key.is_empty() && key != "null").then(|| key.to_owned())
}

/// The application that a key or a UUID names.
pub(super) fn named(key: &str) -> ProjectRef {
    match key.parse() {
        Ok(id) => ProjectRef::Application(id),
        Err(_) => ProjectRef::Alias { scheme: APPLICATION, value: key.to_owned() },
    }
}
