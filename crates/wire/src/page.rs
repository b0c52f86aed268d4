//! Pages: rendered from templates, with headers that keep them to themselves.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::app::App;

const STYLE: &str = include_str!("../templates/style.css");

/// No script, no frame, nothing from elsewhere.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);

/// Where its pages are, for the plain listener.
pub(crate) const PAGES: &[&str] = &["/", "/assets/style.css"];

/// The first page and the style of all pages.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/", get(first_page)).route("/assets/style.css", get(style))
}

#[derive(Template)]
#[template(path = "first.html")]
struct FirstPage {
    dialects: Vec<(&'static str, String)>,
    mailbox: bool,
}

async fn first_page(State(app): State<App>) -> Response {
    let settings = &app.settings;
    let address = |prefix: &str| format!("{}{prefix}", settings.public_url);
    render(&FirstPage {
        dialects: settings.mounts.iter().map(|mount| (mount.dialect, address(&mount.prefix))).collect(),
        mailbox: settings.mailbox.is_some(),
    })
}

async fn style() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, STYLE)
}

/// A page as an answer.
pub(crate) fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => with_page_headers(Html(text).into_response()),
        Err(cause) => {
            tracing::error!(code = "internal", %cause, "a page was not rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[derive(Template)]
#[template(path = "not_found.html")]
struct NotFoundPage;

/// The page for what is not there.
pub(crate) fn not_found() -> Response {
    let mut response = render(&NotFoundPage);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn with_page_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}
