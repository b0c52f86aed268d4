//! What holds for every request, whichever face it is for: limits, deadlines, an id, a log line, careful headers.

use std::{
    any::Any,
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::Limited;
use metrics::{Counter, Histogram};
use ringfence_core::{context::RequestId, entropy::random};
use serde_json::json;
use tower::Service;
use tower_http::timeout::TimeoutBody;
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
    let guarded = Guarded(Arc::new(Inside { routes, app: app.clone(), counts: Counts::new() }));
    Router::new().fallback_service(guarded)
}

/// The guards as one service: each layer of its own would be cloned and boxed for every request.
#[derive(Clone)]
struct Guarded(Arc<Inside>);

struct Inside {
    routes: Router,
    app: App,
    counts: Counts,
}

impl Service<Request> for Guarded {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let inside = Arc::clone(&self.0);
        Box::pin(async move { Ok(inside.watch(request).await) })
    }
}

impl Inside {
    async fn watch(&self, mut request: Request) -> Response {
        let id = RequestId(u64::from_be_bytes(random(self.app.authority.entropy().as_ref())));
        request.extensions_mut().insert(id);
        let begun = self.app.authority.clock().now();
        // Neither path nor query: both may hold secrets, such as the one of a reset link.
        let span = tracing::info_span!("request", id = %id, method = %request.method());
        let mut response = match refuse_form(&request) {
            Some(refusal) => refusal,
            None => self.within_limits(request).instrument(span.clone()).await,
        };
        let status = response.status();
        let took = self.app.authority.clock().now().since(begun);
        self.counts.count(status, took);
        span.in_scope(|| tracing::debug!(status = status.as_u16(), took_ms = took.as_secs_f64() * 1e3, "answered"));
        careful_headers(&mut response, id);
        response
    }

    async fn within_limits(&self, request: Request) -> Response {
        let mut routes = self.routes.clone();
        let work = AssertUnwindSafe(async move { routes.call(limited(request)).await }).catch_unwind();
        // Asks the work before the clock, so that what is done at once sets no alarm.
        match tokio::time::timeout(REQUEST_DEADLINE, work).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Err(cause)) => panicked(&*cause),
            Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
        }
    }
}

/// What is counted of each answer: looked up once, not for each request.
struct Counts {
    /// By the class of the status, from 2xx to 5xx.
    classes: [Counter; 4],
    seconds: Histogram,
}

impl Counts {
    fn new() -> Self {
        let class = |status| metrics::counter!("ringfence_http_requests_total", "status" => status);
        let seconds = metrics::histogram!("ringfence_http_request_seconds");
        Self { classes: ["2xx", "3xx", "4xx", "5xx"].map(class), seconds }
    }

    fn count(&self, status: StatusCode, took: Duration) {
        let class = (status.as_u16() / 100).clamp(2, 5) - 2;
        self.classes[usize::from(class)].increment(1);
        self.seconds.record(took.as_secs_f64());
    }
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

/// The request with a body that ends in an error once it is too long or a piece of it too late.
fn limited(request: Request) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    request.map(|body| Body::new(TimeoutBody::new(BODY_PIECE_DEADLINE, Limited::new(body, MAX_BODY))))
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

fn panicked(cause: &(dyn Any + Send)) -> Response {
    let text = cause.downcast_ref::<&str>().copied().or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    tracing::error!(code = "panic", cause = text.unwrap_or("of another kind"), "a handler panicked");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error")
}
