//! `Idempotency-Key`: a creation that is sent twice is done once, and answered twice the same.

use std::{collections::BTreeSet, sync::LazyLock};

use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use ringfence_core::authority::Once;
use serde::{Deserialize, Serialize};

use super::{describe, problem::Problem};
use crate::{app::App, extract::Circumstances};

pub(super) const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Where things are made: `POST` that answers 201.
static CREATIONS: LazyLock<BTreeSet<String>> = LazyLock::new(describe::creations);

/// An answer as it is remembered.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    body: String,
}

/// Does creations with a key once.
pub(super) async fn once(
    State(app): State<App>,
    matched: Option<MatchedPath>,
    circumstances: Circumstances,
    request: Request,
    next: Next,
) -> Response {
    let creation = request.method() == Method::POST && matched.is_some_and(|path| CREATIONS.contains(path.as_str()));
    let Some(key) = request.headers().get(KEY).filter(|_| creation).cloned() else { return next.run(request).await };
    match remembered(&app, circumstances, &key, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn remembered(
    app: &App,
    Circumstances(ctx): Circumstances,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let printable = key.as_bytes().iter().all(u8::is_ascii_graphic);
    if !printable || !(16..=128).contains(&key.len()) {
        return Err(Problem::IdempotencyKey);
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Problem::TooLarge)?.to_bytes();
    let path = parts.uri.path().as_bytes();
    let who = parts.headers.get(header::AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
    let name = [path, who, key.as_bytes()].join(&b'\n');
    match app.authority.begin_once(&ctx, &name, &body).await? {
        Once::First => {}
        Once::Again(kept) => return Ok(again(&kept)),
        Once::Mismatch => return Err(Problem::IdempotencyMismatch),
        Once::Unsettled => return Err(Problem::IdempotencyUnsettled),
    }
    // A client that hangs up must not leave the request without an answer for its repetition.
    let (app, request) = (app.clone(), Request::from_parts(parts, Body::from(body)));
    let work = tokio::spawn(async move { settle(&app, &name, next.run(request).await).await });
    match work.await {
        Ok(response) => response,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

/// Remembers an answer of success; whatever else it was may be tried again.
async fn settle(app: &App, name: &[u8], response: Response) -> Result<Response, Problem> {
    if !response.status().is_success() {
        app.authority.settle_once(name, None).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let kept = Kept { status: parts.status.as_u16(), body: String::from_utf8_lossy(&body).into_owned() };
    let kept = serde_json::to_vec(&kept).unwrap_or_default();
    app.authority.settle_once(name, Some(&kept)).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn again(kept: &[u8]) -> Response {
    let Ok(Kept { status, body }) = serde_json::from_slice(kept) else {
        return Problem::IdempotencyUnsettled.into_response();
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::CREATED);
    let mut response = (status, Bytes::from(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
