//! The first page: a demonstration where there is one, else where clients find what they speak to.

mod demo;
mod said;
mod words;

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};

pub use self::demo::{Demo, DemoNames};
use self::{said::Said, words::Words};
use crate::{
    app::App,
    looks::{Look, Policy, Rows as _},
};

/// Where it is, for the plain listener.
pub(crate) const PAGES: &[&str] = &["/"];

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/", get(show)).merge(demo::routes())
}

/// What the script calls something, and what the page calls it.
type Named = (&'static str, &'static str);

#[derive(Template)]
#[template(path = "first.html")]
struct FirstPage<'a> {
    look: &'a Look,
    words: &'static Words,
    said: Vec<Named>,
    devices: [Named; 2],
    actions: [Named; 6],
    codes: [Named; 3],
    url: &'a str,
    demo: Option<&'a Demo>,
    /// Name, proper name and address.
    dialects: Vec<(&'static str, &'static str, String)>,
    mailbox: bool,
}

async fn show(State(app): State<App>, look: Look) -> Response {
    let settings = &app.settings;
    let address = |prefix: &str| format!("{}{prefix}", settings.public_url);
    let words = Words::of(look.language);
    let page = FirstPage {
        look: &look,
        words,
        said: Said::of(look.language).rows(),
        devices: [("laptop", words.laptop), ("phone", words.phone)],
        actions: [
            ("guest", words.action_guest),
            ("member", words.action_member),
            ("device", words.action_device),
            ("renew", words.action_renew),
            ("revoke", words.action_revoke),
            ("leave", words.action_leave),
        ],
        codes: [("curl", "curl"), ("typescript", "TypeScript · @ringfence/client"), ("vendor", words.vendor)],
        url: &settings.public_url,
        demo: settings.demo.as_ref(),
        dialects: settings
            .mounts
            .iter()
            .map(|mount| (mount.dialect, proper(mount.dialect), address(&mount.prefix)))
            .collect(),
        mailbox: settings.mailbox.is_some(),
    };
    look.show_under(Policy::SCRIPT, &page)
}

/// What those who made it call a dialect.
fn proper(dialect: &'static str) -> &'static str {
    match dialect {
        "apirtc" => "ApiRTC",
        "keyclic" => "Keyclic",
        "opentact" => "Opentact",
        "telnyx" => "Telnyx",
        "tiledesk" => "Tiledesk",
        other => other,
    }
}
