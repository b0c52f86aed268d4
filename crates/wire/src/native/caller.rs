//! Who asks: `Authorization: Bearer`, an access token or an API key, and nothing else.

use axum::extract::FromRequestParts;
use http::{header, request::Parts};
use ringfence_core::{
    authority::{Authenticated, PresentedCredential},
    context::Ctx,
    error::AuthError,
    project::ProjectRef,
    secret::{RawToken, TokenKind},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::{
    app::App,
    extract::{Circumstances, authorization},
};

/// The scheme of publishable keys among the names of applications.
const PUBLISHABLE_KEY: &str = "publishable_key";

/// Somebody who passed the gate.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) ctx: Ctx,
    pub(super) who: Authenticated,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(parts, app).await;
        // Two of them would be judged by one of us and believed by another.
        if parts.headers.get_all(header::AUTHORIZATION).iter().count() > 1 {
            return Err(AuthError::InvalidCredentials.into());
        }
        let token = match authorization(&parts.headers) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => RawToken::new(token),
            _ => return Err(AuthError::InvalidCredentials.into()),
        };
        let presented = match TokenKind::of(&token) {
            Some(TokenKind::ApiKey) => PresentedCredential::ApiKey(token),
            _ => PresentedCredential::AccessToken(token),
        };
        let who = app.authority.authenticate(&ctx, presented).await?;
        Ok(Self { ctx, who })
    }
}

/// An application: its id or its publishable key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(transparent)]
pub(super) struct ApplicationName(String);

impl ApplicationName {
    /// What it names.
    pub(super) fn place(&self) -> ProjectRef {
        // With its hyphens only: 32 hexadecimal digits are a publishable key.
        match self.0.parse() {
            Ok(id) if self.0.contains('-') => ProjectRef::Application(id),
            _ => ProjectRef::Alias { scheme: PUBLISHABLE_KEY, value: self.0.clone() },
        }
    }
}
