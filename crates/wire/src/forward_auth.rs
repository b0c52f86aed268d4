//! Forward-auth: a proxy asks whether a request may pass to a resource that is not ours (docs/forward-auth.md).
//!
//! The question is a request with the headers of the one in question, in the conventions of nginx (`auth_request`), Caddy,
//! Traefik and Envoy. 200 lets it pass and says in `X-Auth-…` who it is; 401 carries the dialect's challenge, 403 says that who
//! it is may not. What is asked for stands in the proxy's configuration: in the query of exactly `/forward-auth`, or in the
//! path for Envoy, which adds the path and the query of the visitor behind it. Nothing else that a visitor sends decides.

use std::collections::BTreeSet;

use axum::{
    Router,
    extract::{Path, RawQuery, State},
    response::{IntoResponse as _, Response},
    routing::any,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use ringfence_core::{
    application::Application,
    authority::{Authenticated, PresentedCredential},
    context::Ctx,
    error::AuthError,
    project::ProjectRef,
    secret::{RawToken, TokenKind},
    time::Timestamp,
};

use crate::{
    app::App,
    dialects::{ALL, Dialect},
    extract::{Circumstances, authorization},
    problem::{self, log_refusal, with_retry_after},
};

/// `/forward-auth` and what Envoy puts behind it.
pub(crate) fn routes() -> Router<App> {
    let envoy = "/forward-auth/envoy/{dialect}/{application}";
    Router::new()
        .route("/forward-auth", any(by_query))
        .route(envoy, any(by_path))
        .route(&format!("{envoy}/"), any(by_path))
        .route(&format!("{envoy}/{{*visitor}}"), any(by_path_and_more))
}

/// What the proxy's configuration asks for.
#[derive(Debug, Default, PartialEq)]
struct Wanted {
    /// The dialect whose clients ask: its challenge, its header that names an application.
    dialect: Option<String>,
    /// The application that the resource belongs to: a name of any dialect or its id.
    application: Option<String>,
    /// A role that the visitor must have.
    role: Option<String>,
}

impl Wanted {
    /// Reads a query; a word that it does not know is a refusal, for a typing error must not open a door.
    fn of(query: &str) -> Option<Self> {
        let mut wanted = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            let place = match name {
                "dialect" => &mut wanted.dialect,
                "application" => &mut wanted.application,
                "role" => &mut wanted.role,
                _ => return None,
            };
            if value.is_empty() || place.replace(unescaped(value)?).is_some() {
                return None;
            }
        }
        Some(wanted)
    }

    /// Reads segments of a path, where `-` stands for nothing.
    fn at(dialect: String, application: String) -> Self {
        let said = |text: String| (text != "-").then_some(text);
        Self { dialect: said(dialect), application: said(application), role: None }
    }

    fn dialect(&self) -> Result<Option<&'static Dialect>, AuthError> {
        let Some(name) = &self.dialect else { return Ok(None) };
        let found = ALL.iter().find(|dialect| dialect.name == name);
        found.map(Some).ok_or(AuthError::NotSupported("this dialect"))
    }
}

/// A value without its percent escapes.
fn unescaped(value: &str) -> Option<String> {
    let mut parts = value.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

async fn by_query(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    match Wanted::of(query.as_deref().unwrap_or_default()) {
        Some(wanted) => answer(&app, &ctx, &headers, &wanted).await,
        None => refused(&ctx, &AuthError::NotSupported("this query"), "Bearer"),
    }
}

async fn by_path(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    headers: HeaderMap,
    Path((dialect, application)): Path<(String, String)>,
) -> Response {
    answer(&app, &ctx, &headers, &Wanted::at(dialect, application)).await
}

async fn by_path_and_more(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    headers: HeaderMap,
    Path((dialect, application, _visitor)): Path<(String, String, String)>,
) -> Response {
    answer(&app, &ctx, &headers, &Wanted::at(dialect, application)).await
}

async fn answer(app: &App, ctx: &Ctx, headers: &HeaderMap, wanted: &Wanted) -> Response {
    let scheme = wanted.dialect().ok().flatten().map_or("Bearer", |dialect| dialect.bearer.scheme);
    match judge(app, ctx, headers, wanted).await {
        Ok(passed) => passed,
        Err(refusal) => refused(ctx, &refusal, scheme),
    }
}

async fn judge(app: &App, ctx: &Ctx, headers: &HeaderMap, wanted: &Wanted) -> Result<Response, AuthError> {
    let dialect = wanted.dialect()?;
    let token = presented(headers, dialect).ok_or(AuthError::InvalidCredentials)?;
    let who = app.authority.authenticate(ctx, credential(&token)).await?;
    let application = match &wanted.application {
        Some(name) => Some(application(app, &who, name, dialect).await?),
        None => None,
    };
    // What the client itself names must not contradict its token either (ATTACKS N100).
    let own = dialect.and_then(|dialect| Some((dialect, headers.get(dialect.bearer.application_header?)?)));
    let named = match own {
        Some((dialect, name)) => {
            Some(self::application(app, &who, name.to_str().unwrap_or_default(), Some(dialect)).await?)
        }
        None => None,
    };
    let within = application.or(named);
    let roles = app.authority.roles(ctx, &who, within.as_ref().map(|application| application.id)).await?;
    if wanted.role.as_ref().is_some_and(|role| !roles.contains(role)) {
        return Err(AuthError::Forbidden { needs: ringfence_core::caller::Scope::ProjectsRead });
    }
    Ok(passed(&who, within.as_ref(), roles, app.authority.end_of(&who, &token)))
}

/// The token, by the scheme of the dialect, or by that of any.
fn presented(headers: &HeaderMap, dialect: Option<&'static Dialect>) -> Option<RawToken> {
    // A proxy forwards what it got; two of them would be judged by one of us and believed by another.
    if headers.get_all(header::AUTHORIZATION).iter().count() != 1 {
        return None;
    }
    let (scheme, token) = authorization(headers)?;
    let mut spoken = ALL.iter().filter(|known| dialect.is_none_or(|only| only.name == known.name));
    let known = spoken.any(|known| known.bearer.scheme.eq_ignore_ascii_case(scheme));
    (known || scheme.eq_ignore_ascii_case("bearer")).then(|| RawToken::new(token))
}

fn credential(token: &RawToken) -> PresentedCredential {
    match TokenKind::of(token) {
        Some(TokenKind::ApiKey) => PresentedCredential::ApiKey(token.clone()),
        _ => PresentedCredential::AccessToken(token.clone()),
    }
}

/// The application of a name, if the token is good for it.
async fn application(
    app: &App,
    who: &Authenticated,
    name: &str,
    dialect: Option<&'static Dialect>,
) -> Result<Application, AuthError> {
    if let Ok(id) = name.parse() {
        return app.authority.application_for(who, ProjectRef::Application(id)).await;
    }
    let dialects = ALL.iter().filter(|known| dialect.is_none_or(|only| only.name == known.name));
    for scheme in dialects.map(|known| known.application_alias) {
        let reference = ProjectRef::Alias { scheme, value: name.to_owned() };
        match app.authority.application_for(who, reference).await {
            Err(AuthError::ApplicationMismatch) => {}
            outcome => return outcome,
        }
    }
    Err(AuthError::ApplicationMismatch)
}

fn passed(
    who: &Authenticated,
    application: Option<&Application>,
    roles: BTreeSet<String>,
    ends: Option<Timestamp>,
) -> Response {
    let mut response = StatusCode::OK.into_response();
    let own = who.application.as_deref();
    let application = application.or(own);
    let roles = roles.into_iter().collect::<Vec<_>>().join(",");
    let kind = serde_json::to_value(who.identity.kind).unwrap_or_default();
    let session = who.session.as_deref();
    let said = [
        ("x-auth-identity", Some(who.identity.id.to_string())),
        ("x-auth-kind", kind.as_str().map(str::to_owned)),
        ("x-auth-roles", Some(roles)),
        ("x-auth-project", Some(who.project.name.clone())),
        ("x-auth-application", application.map(|found| found.id.to_string())),
        ("x-auth-session", session.map(|session| session.id.to_string())),
        ("x-auth-dialect", session.map(|session| session.dialect.clone())),
        ("x-auth-expires", ends.map(Timestamp::rfc3339)),
    ];
    // Every one of them, be it empty: a proxy that copies them overwrites what the visitor sent.
    for (name, value) in said {
        let value = HeaderValue::from_str(&header_text(&value.unwrap_or_default()));
        response.headers_mut().insert(HeaderName::from_static(name), value.unwrap_or(HeaderValue::from_static("")));
    }
    response
}

/// Names that people chose, as a header can hold them.
fn header_text(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

/// 401 with the challenge or 403; proxies know no other word for no. 503 when we cannot say.
fn refused(ctx: &Ctx, error: &AuthError, scheme: &str) -> Response {
    log_refusal(error);
    let status = match problem::status(error) {
        StatusCode::UNAUTHORIZED => StatusCode::UNAUTHORIZED,
        status if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::TOO_MANY_REQUESTS => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::FORBIDDEN,
    };
    let code = error.code();
    let mut response =
        (status, axum::Json(serde_json::json!({ "type": code, "title": error.to_string() }))).into_response();
    let headers = response.headers_mut();
    headers.insert("x-auth-error", HeaderValue::from_static(code));
    if status == StatusCode::UNAUTHORIZED {
        let shown = !matches!(error, AuthError::InvalidCredentials);
        let fault = if shown { ", error=\"invalid_token\"" } else { "" };
        let challenge = HeaderValue::from_str(&format!("{scheme} realm=\"ringfence\"{fault}"));
        headers.insert(header::WWW_AUTHENTICATE, challenge.unwrap_or(HeaderValue::from_static("Bearer")));
    }
    with_retry_after(response, error, ctx.now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_whole_or_refused() {
        let wanted = |dialect: &str, application: &str| Wanted {
            dialect: Some(dialect.to_owned()),
            application: Some(application.to_owned()),
            role: None,
        };
        assert_eq!(Wanted::of(""), Some(Wanted::default()));
        assert_eq!(Wanted::of("dialect=a&application=com.b%2Ec"), Some(wanted("a", "com.b.c")));
        for bad in ["aplication=x", "application", "application=", "role=a&role=b", "role=%zz", "role=%F0%9", "x=1"] {
            assert_eq!(Wanted::of(bad), None, "{bad}");
        }
    }
}
