//! Who asks: `Basic`, `JWT` in any spelling, or a token in the query, each judged alone. The token that says whose key is
//! to be used is the token that this key verifies.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path, Query};
use http::{HeaderMap, header, request::Parts};
use ringfence_core::{
    application::Application,
    authority::{Authenticated, PresentedCredential},
    context::Ctx,
    identity::{Identifier, IdentityKind, is_email},
    project::ProjectRef,
    secret::RawToken,
};

use super::{
    assertion::{self, Signer, is_project_id},
    attributes::Attributes,
    error::{Refusal, refuse},
    people, project, words,
};
use crate::{
    app::App,
    extract::{Circumstances, basic},
};

/// Somebody who passed the gate, on a route that belongs to no project.
#[derive(Debug)]
pub(super) struct SignedIn {
    pub(super) ctx: Ctx,
    pub(super) who: Authenticated,
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(parts, app).await;
        let (who, presented) = authenticate(app, &ctx, parts).await?;
        // A project speaks for accounts on its own routes only.
        if presented == Means::Assertion && who.identity.kind == IdentityKind::Member {
            return Err(Refusal::unauthorized());
        }
        Ok(Self { ctx, who })
    }
}

/// The project that a path names, for whoever asks.
#[derive(Debug)]
pub(super) struct InPath {
    pub(super) ctx: Ctx,
    pub(super) id: String,
    pub(super) application: Application,
}

impl FromRequestParts<App> for InPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(parts, app).await;
        let id = Segment::<HashMap<String, String>>::from_request_parts(parts, app).await?.0.remove("projectid");
        let id = id.unwrap_or_default();
        let application = named(app, &ctx, &id).await?;
        Attributes::of(&application).filter_address(&ctx)?;
        Ok(Self { ctx, id, application })
    }
}

/// The application that a project id names.
pub(super) async fn named(app: &App, ctx: &Ctx, id: &str) -> Result<Application, Refusal> {
    if !is_project_id(id) {
        return Err(Refusal::invalid_project(id));
    }
    let found = app.authority.find_application(project(id)).await.map_err(refuse(ctx, words::visit(id)))?;
    Ok(found.1)
}

/// Somebody who passed the gate, on a route of a project.
#[derive(Debug)]
pub(super) struct InProject {
    pub(super) ctx: Ctx,
    pub(super) who: Authenticated,
    pub(super) id: String,
}

impl InProject {
    /// The application that the path names.
    pub(super) fn reference(&self) -> ProjectRef {
        project(&self.id)
    }
}

impl FromRequestParts<App> for InProject {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let InPath { ctx, id, application } = InPath::from_request_parts(parts, app).await?;
        let (who, _) = authenticate(app, &ctx, parts).await?;
        Attributes::of(&application).filter_user(&people::id(&who))?;
        Ok(Self { ctx, who, id })
    }
}

/// Parts of a path; what is no text names nothing.
pub(super) struct Segment<T>(pub(super) T);

impl<T: serde::de::DeserializeOwned + Send> FromRequestParts<App> for Segment<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let Path(found) = Path::from_request_parts(parts, app).await.map_err(|_| Refusal::broken())?;
        Ok(Self(found))
    }
}

/// An `Authorization` header by its words.
enum Header<'a> {
    Absent,
    OneWord,
    Words { scheme: &'a str, credentials: &'a str, exactly_two: bool },
}

impl<'a> Header<'a> {
    fn read(headers: &'a HeaderMap) -> Self {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Self::Absent };
        let mut words = value.to_str().unwrap_or("?").split_ascii_whitespace();
        match (words.next(), words.next(), words.next()) {
            (None, ..) => Self::Absent,
            (Some(_), None, _) => Self::OneWord,
            (Some(scheme), Some(credentials), more) => Self::Words { scheme, credentials, exactly_two: more.is_none() },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    Password,
    AccessToken,
    Assertion,
}

struct Presented {
    credential: PresentedCredential,
    means: Means,
    in_query: bool,
}

async fn authenticate(app: &App, ctx: &Ctx, parts: &Parts) -> Result<(Authenticated, Means), Refusal> {
    let header = Header::read(&parts.headers);
    let from_header = match header {
        Header::Words { scheme, credentials, .. } => by_header(app, scheme, credentials)?,
        Header::Absent | Header::OneWord => None,
    };
    let presented = match from_header {
        Some(presented) => presented,
        None => by_query(app, parts)?.ok_or_else(|| match header {
            Header::OneWord => Refusal::bad_request(),
            Header::Absent | Header::Words { .. } => Refusal::unauthorized(),
        })?,
    };
    let who = app.authority.authenticate(ctx, presented.credential).await.map_err(refuse(ctx, words::gate))?;
    if !matches!(header, Header::Words { exactly_two: true, .. }) {
        return Err(Refusal::without_header());
    }
    if presented.in_query {
        let allowed = app.authority.accept_token_in_query(ctx, &who).await;
        allowed.map_err(refuse(ctx, |_| Some(Refusal::unauthorized())))?;
    }
    Ok((who, presented.means))
}

fn by_header(app: &App, scheme: &str, credentials: &str) -> Result<Option<Presented>, Refusal> {
    if scheme.eq_ignore_ascii_case("jwt") {
        return by_token(app, credentials, false).map(Some);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let Some((user, password)) = basic(credentials) else { return Ok(None) };
    if !is_email(user.trim()) {
        return Err(Refusal::unauthorized());
    }
    let credential =
        PresentedCredential::Password { project: app.project(), identifier: Identifier::email(&user), password };
    Ok(Some(Presented { credential, means: Means::Password, in_query: false }))
}

fn by_query(app: &App, parts: &Parts) -> Result<Option<Presented>, Refusal> {
    let query = Query::<HashMap<String, String>>::try_from_uri(&parts.uri);
    match query.ok().and_then(|Query(mut fields)| fields.remove("secret_token")) {
        Some(token) => by_token(app, &token, true).map(Some),
        None => Ok(None),
    }
}

fn by_token(app: &App, token: &str, in_query: bool) -> Result<Presented, Refusal> {
    let token = RawToken::new(token);
    let signer = match app.authority.known_audience(&token) {
        Some(audience) => assertion::signer_for(&audience),
        None => assertion::signer(&token),
    };
    let (credential, means) = match signer {
        Signer::Platform => (PresentedCredential::AccessToken(token), Means::AccessToken),
        Signer::Project(id) => (asserted(&id, token), Means::Assertion),
        Signer::Unknown => return Err(Refusal::unauthorized()),
    };
    Ok(Presented { credential, means, in_query })
}

/// A custom token, to be judged by the project that it names itself.
pub(super) fn asserted(id: &str, jwt: RawToken) -> PresentedCredential {
    PresentedCredential::Assertion { project: project(id), jwt, profile: &assertion::PROFILE, claimed: None }
}

/// The token of an `Authorization: JWT <token>`, and nothing else.
pub(super) fn jwt(headers: &HeaderMap) -> Option<RawToken> {
    match Header::read(headers) {
        Header::Words { scheme, credentials, exactly_two: true } if scheme.eq_ignore_ascii_case("jwt") => {
            Some(RawToken::new(credentials))
        }
        Header::Words { .. } | Header::Absent | Header::OneWord => None,
    }
}

/// The second of exactly two words of an `Authorization`, whatever the first is.
pub(super) fn second_word(headers: &HeaderMap) -> Option<RawToken> {
    match Header::read(headers) {
        Header::Words { credentials, exactly_two: true, .. } => Some(RawToken::new(credentials)),
        Header::Words { .. } | Header::Absent | Header::OneWord => None,
    }
}
