//! Who asks: `Authorization: Bearer`, an access token or an API key, and nothing else.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::{header, request::Parts};
use ringfence_core::{
    authority::{Authenticated, PresentedCredential},
    caller::{Permit, Scope},
    context::Ctx,
    error::AuthError,
    project::ProjectRef,
    secret::{RawToken, TokenKind},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    browser::{admit_page, origin},
    guard::Trail,
    problem::Problem,
};
use crate::{
    app::App,
    extract::{Circumstances, authorization},
};

/// The scheme of publishable keys among the names of applications.
pub(super) const PUBLISHABLE_KEY: &str = "publishable_key";

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
            // A key that somebody brought along has any form but that of a JWT.
            None if !token.expose().contains('.') => PresentedCredential::ApiKey(token),
            _ => PresentedCredential::AccessToken(token),
        };
        let who = app.authority.authenticate(&ctx, presented).await?;
        if let Some(origin) = origin(&parts.headers) {
            // A page that shows an API key has given it to everybody who reads its script (ATTACKS N87).
            if who.session.is_none() {
                return Err(Problem::Origin);
            }
            admit_page(who.application.as_deref(), Some(origin))?;
        }
        Ok(Self { ctx, who })
    }
}

/// A scope as a type, so that a handler says in its signature what it needs and nothing of a request is read before.
pub(super) trait Needs: Send {
    /// The scope.
    const SCOPE: Scope;
}

macro_rules! needs {
    ($($name:ident),*) => { $(
        #[derive(Debug)]
        pub(super) struct $name;

        impl Needs for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )* };
}

needs!(
    ProjectsRead,
    ProjectsWrite,
    IdentitiesRead,
    IdentitiesWrite,
    SessionsWrite,
    CredentialsWrite,
    TokensIntrospect,
    KeysWrite,
    EventsRead
);

/// Somebody who may administer the project in one way.
#[derive(Debug)]
pub(super) struct Admin<S> {
    pub(super) ctx: Ctx,
    pub(super) permit: Permit,
    _scope: PhantomData<S>,
}

impl<S: Needs> FromRequestParts<App> for Admin<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Caller { ctx, who } = Caller::from_request_parts(parts, app).await?;
        let permit = who.administers(S::SCOPE)?;
        if let Some(trail) = parts.extensions.get::<Trail>() {
            // Only the first counts; a request has one.
            drop(trail.0.set((ctx.clone(), permit.clone())));
        }
        Ok(Self { ctx, permit, _scope: PhantomData })
    }
}

impl<S> Admin<S> {
    /// The name of one of the project's lists, for its cursors.
    pub(super) fn list(&self, name: &str) -> String {
        format!("{}:{name}", self.permit.project())
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
