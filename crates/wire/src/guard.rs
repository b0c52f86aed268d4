//! What holds for every request, whichever face it is for: limits, deadlines, an id, a log line, careful headers.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use ringfence_core::{context::RequestId, entropy::random};
use serde_json::json;
use tower_http::{
    catch_panic::CatchPanicLayer,
    timeout::{RequestBodyTimeoutLayer, TimeoutLayer},
};
use tracing::Instrument as _;

use crate::app::App;

/// Bodies above this are refused with 413.
pub(crate) const MAX_BODY: usize = 1024 * 1024;
/// Time for a request as a whole, its body included.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// Time between two pieces of a body.
const BODY_PIECE_DEADLINE: Duration = Duration::from_secs(10);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the guards around `routes`.
pub(crate) fn protect(routes: Router, app: &App) -> Router {
    routes
        .layer(CatchPanicLayer::custom(panicked))
        .layer(RequestBodyTimeoutLayer::new(BODY_PIECE_DEADLINE))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_DEADLINE))
        .layer(middleware::from_fn_with_state(app.clone(), watch))
}

async fn watch(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = RequestId(u64::from_be_bytes(random(app.authority.entropy().as_ref())));
    request.extensions_mut().insert(id);
    let begun = app.authority.clock().now();
    let method = request.method().clone();
    // Neither path nor query: both may hold secrets, such as the one of a reset link.
    let span = tracing::info_span!("request", id = %id, %method);
    let mut response = match refuse_form(&request) {
        Some(refusal) => refusal,
        None => next.run(limited(request)).instrument(span.clone()).await,
    };
    let status = response.status();
    let took = app.authority.clock().now().since(begun);
    count(status);
    metrics::histogram!("ringfence_http_request_seconds").record(took.as_secs_f64());
    span.in_scope(|| tracing::debug!(status = status.as_u16(), took_ms = took.as_secs_f64() * 1e3, "answered"));
    careful_headers(&mut response, id);
    response
}

/// Counts an answer by the class of its status: labels that are known beforehand cost nothing to make.
fn count(status: StatusCode) {
    match status.as_u16() / 100 {
        2 => metrics::counter!("ringfence_http_requests_total", "status" => "2xx"),
        3 => metrics::counter!("ringfence_http_requests_total", "status" => "3xx"),
        4 => metrics::counter!("ringfence_http_requests_total", "status" => "4xx"),
        _ => metrics::counter!("ringfence_http_requests_total", "status" => "5xx"),
    }
    .increment(1);
}

/// Requests that nobody here takes, whatever they ask for (ATTACKS N95).
fn refuse_form(request: &Request) -> Option<Response> {
    if request.method() == Method::TRACE || request.method() == Method::CONNECT {
        return Some(problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this method is not allowed"));
    }
    let encoded = |value: &HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
    if request.headers().get(header::CONTENT_ENCODING).is_some_and(encoded) {
        // Nothing is ever decompressed, so that a small body stays a small body.
        return Some(problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_encoding", "send the body as it is"));
    }
    let announced = request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok()?;
    (announced > MAX_BODY as u64)
        .then(|| problem(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is larger than 1 MiB"))
}

/// The request with a body that ends in an error once it is too long.
fn limited(request: Request) -> Request {
    request.map(|body| Body::new(http_body_util::Limited::new(body, MAX_BODY)))
}

fn careful_headers(response: &mut Response, id: RequestId) {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// A refusal that belongs to no operation.
pub(crate) fn problem(status: StatusCode, code: &'static str, title: &'static str) -> Response {
    let kind = format!("/problems/{code}");
    let body = json!({ "type": kind, "title": title, "status": status.as_u16(), "code": code });
    let mut response = (status, axum::Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    // It holds nothing, and a browser hides the status of what its page may not read.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let text = cause.downcast_ref::<&str>().copied().or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    tracing::error!(code = "panic", cause = text.unwrap_or("of another kind"), "a handler panicked");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error")
}
