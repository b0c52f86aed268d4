//! Any page may call it, for tokens and not cookies say who asks. Refusals may be read too, or browsers hide their status.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, StatusCode, header};

/// By name, because `*` never covers `Authorization`.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept-language, x-date-time, x-keyclic-app, x-keyclic-app-version, \
     x-keyclic-app-platform, x-organization-id",
);

/// Answers preflights and marks every other answer as readable.
pub(super) async fn answer(request: Request, next: Next) -> Response {
    let mut response = if request.method() == Method::OPTIONS { preflight() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("retry-after, www-authenticate, x-request-id"),
    );
    response
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PATCH, DELETE"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}
