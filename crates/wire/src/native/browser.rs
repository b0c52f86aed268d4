//! Browsers: which pages may call, and what they may read (Fetch, CORS). Tokens and not cookies say who asks, so any page may
//! read an answer; an application's `allowed_origins` say which pages may use it.

use axum::{
    extract::{FromRequestParts, Request},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use ringfence_core::{application::Application, context::Ctx, project::ProjectRef};

use super::{caller::ApplicationName, problem::Problem};
use crate::{app::App, extract::Circumstances};

/// By name, because `*` never covers `Authorization`.
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type, accept-language, idempotency-key");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const READABLE: HeaderValue =
    HeaderValue::from_static("retry-after, www-authenticate, x-request-id, idempotent-replayed");

/// Answers preflights and marks every other answer as readable.
pub(super) async fn answer(request: Request, next: Next) -> Response {
    let preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight { permission() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READABLE);
    response
}

fn permission() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// The page that asks, if it is a page.
pub(super) fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default())
}

/// Refuses pages that an application does not allow.
pub(super) fn admit_page(application: Option<&Application>, origin: Option<&str>) -> Result<(), Problem> {
    match application {
        Some(application) if !application.settings.allows_origin(origin) => Err(Problem::Origin),
        _ => Ok(()),
    }
}

/// Somebody who names an application and has proved nothing yet.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) ctx: Ctx,
    origin: Option<String>,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(parts, app).await;
        Ok(Self { ctx, origin: origin(&parts.headers).map(str::to_owned) })
    }
}

impl Visitor {
    /// The application that is named, if the page that asks may use it.
    pub(super) async fn place(&self, app: &App, named: &ApplicationName) -> Result<ProjectRef, Problem> {
        if let Some(origin) = &self.origin {
            let (_, application) = app.authority.find_application(named.place()).await?;
            admit_page(Some(&application), Some(origin))?;
        }
        Ok(named.place())
    }

    /// Refuses a page that this application does not allow.
    pub(super) fn admit(&self, application: Option<&Application>) -> Result<(), Problem> {
        admit_page(application, self.origin.as_deref())
    }
}
