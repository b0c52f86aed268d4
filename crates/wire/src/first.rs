//! The first page.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};

use crate::{
    app::App,
    looks::{Look, Policy},
};

/// Where it is, for the plain listener.
pub(crate) const PAGES: &[&str] = &["/"];

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/", get(show))
}

#[derive(Template)]
#[template(path = "first.html")]
struct FirstPage<'a> {
    look: &'a Look,
    dialects: Vec<(&'static str, String)>,
    mailbox: bool,
}

async fn show(State(app): State<App>, look: Look) -> Response {
    let settings = &app.settings;
    let address = |prefix: &str| format!("{}{prefix}", settings.public_url);
    let page = FirstPage {
        look: &look,
        dialects: settings.mounts.iter().map(|mount| (mount.dialect, address(&mount.prefix))).collect(),
        mailbox: settings.mailbox.is_some(),
    };
    look.show_under(Policy::SCRIPT, &page)
}
