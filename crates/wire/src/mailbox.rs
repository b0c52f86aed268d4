//! The development mailbox: mail that goes nowhere, to be read in the browser or by a script.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use ringfence_core::error::{AuthError, Noun};
use serde::Deserialize;

use crate::{app::App, page, problem::Problem};

/// The last mails of this process.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<VecDeque<Letter>>);

/// A mail as its reader sees it.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The recipient.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
}

impl Mailbox {
    const KEPT: usize = 200;

    /// An empty mailbox.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Puts a mail in; the oldest falls out when there are too many.
    pub fn deliver(&self, letter: Letter) {
        let mut letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        letters.push_front(letter);
        letters.truncate(Self::KEPT);
    }

    fn letters(&self) -> Vec<Letter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn latest(&self, to: &str) -> Option<Letter> {
        let letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        letters.iter().find(|letter| letter.to.eq_ignore_ascii_case(to)).cloned()
    }
}

/// Where its page is, for the plain listener.
pub(crate) const PAGES: &[&str] = &["/dev/mailbox"];

/// `/dev/mailbox` and `/dev/mailbox/latest?to=ADDRESS`; without a mailbox there is nothing there.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/dev/mailbox", get(list)).route("/dev/mailbox/latest", get(latest))
}

#[derive(askama::Template)]
#[template(path = "mailbox.html")]
struct MailboxPage {
    letters: Vec<Letter>,
}

async fn list(State(app): State<App>) -> Response {
    match &app.settings.mailbox {
        Some(mailbox) => page::render(&MailboxPage { letters: mailbox.letters() }),
        None => page::not_found(),
    }
}

#[derive(Deserialize)]
struct Latest {
    to: String,
}

async fn latest(State(app): State<App>, Query(wanted): Query<Latest>) -> Response {
    let Some(mailbox) = &app.settings.mailbox else { return page::not_found() };
    match mailbox.latest(&wanted.to) {
        Some(letter) => {
            let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (StatusCode::OK, plain, format!("Subject: {}\n\n{}", letter.subject, letter.text)).into_response()
        }
        None => Problem(AuthError::NotFound(Noun::Identifier)).into_response(),
    }
}
