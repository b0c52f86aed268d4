//! The operator's listener: health, readiness, metrics. It is not meant for the world.

use std::sync::Arc;

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use http::{StatusCode, header};
use serde_json::json;

use crate::{App, guard};

/// Writes out the metrics in Prometheus' text format.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// `/healthz`, `/readyz` and `/metrics`.
pub fn admin_router(app: &App, metrics: MetricsText) -> Router {
    let text = move || {
        let body = metrics();
        async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], body) }
    };
    let routes = Router::new()
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .route("/metrics", get(text))
        .with_state(app.clone());
    guard::protect(routes, app)
}

/// The process answers.
async fn healthy() -> impl IntoResponse {
    Json(json!({ "status": "ok" }))
}

/// The store answers too, and what is known here counts.
async fn ready(State(app): State<App>) -> impl IntoResponse {
    match app.authority.ping().await {
        Ok(()) if !app.live.is_cut_off() => (StatusCode::OK, Json(json!({ "status": "ok" }))),
        Ok(()) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unavailable", "what": "store" }))),
    }
}
