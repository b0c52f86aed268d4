//! How pages look, whichever they are: one frame, one stylesheet, one policy of what they may do, five languages.
//!
//! A page is a template that extends `base.html` and a struct that has a [`Look`] called `look`. Its words are a table made by
//! [`texts!`](texts), so that no language can lack one. Everything that a page loads comes from [`assets`].

mod assets;
mod format;
mod language;
mod policy;
mod texts;

use std::convert::Infallible;

use askama::Template;
use axum::{
    Router,
    extract::FromRequestParts,
    response::{Html, IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};

pub(crate) use self::{
    assets::address as asset,
    language::Language,
    policy::Policy,
    texts::{Rows, texts},
};
use self::{language::Choice, texts::Frame};
use crate::app::App;

/// Where things of all pages are, for the plain listener.
pub(crate) const PAGES: &[&str] = &["/assets/{name}"];

/// What pages load.
pub(crate) fn routes() -> Router<App> {
    assets::routes()
}

/// The frame of a page: the language of its reader, and the words and files that all pages have.
#[derive(Debug)]
pub(crate) struct Look {
    /// The reader's language.
    pub(crate) language: Language,
    /// The words of the frame.
    pub(crate) frame: &'static Frame,
    chosen: Choice,
    /// Whether cookies may travel by TLS only.
    secure: bool,
}

impl FromRequestParts<App> for Look {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let (language, chosen) = language::of(&parts.uri, &parts.headers);
        let secure = app.settings.public_url.starts_with("https:");
        Ok(Self { language, frame: Frame::of(language), chosen, secure })
    }
}

impl Look {
    /// A page without a script as an answer.
    pub(crate) fn show(&self, page: &impl Template) -> Response {
        self.show_under(Policy::PLAIN, page)
    }

    /// A page that may do what `policy` says.
    pub(crate) fn show_under(&self, policy: Policy, page: &impl Template) -> Response {
        let text = match page.render() {
            Ok(text) => text,
            Err(cause) => {
                tracing::error!(code = "internal", %cause, "a page was not rendered");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        let mut response = policy.on(Html(text));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.language.code()));
        headers.insert(header::VARY, HeaderValue::from_static("accept-language, cookie"));
        // Paths of some pages hold secrets.
        headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        if let Choice::Now = self.chosen {
            headers.append(header::SET_COOKIE, self.language.cookie(self.secure));
        }
        response
    }

    /// The page for what is not there.
    pub(crate) fn not_found(&self) -> Response {
        (StatusCode::NOT_FOUND, self.show(&NotFoundPage { look: self })).into_response()
    }

    /// The languages to choose from, with the word whether it is this one.
    pub(crate) fn languages(&self) -> impl Iterator<Item = (Language, bool)> + use<> {
        let own = self.language;
        Language::EACH.into_iter().map(move |language| (language, language == own))
    }
}

#[derive(Template)]
#[template(path = "not_found.html")]
struct NotFoundPage<'a> {
    look: &'a Look,
}
