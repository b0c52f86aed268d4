//! The development mailbox: mail that goes nowhere, to be read in the browser or by a script.

mod words;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use ringfence_core::{
    error::{AuthError, Noun},
    time::Timestamp,
};
use serde::Deserialize;

use self::words::Words;
use crate::{
    app::App,
    looks::{Look, Policy},
    problem::Problem,
};

/// The last mails of this process.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Letters>);

#[derive(Debug, Default)]
struct Letters {
    /// Newest first, each with its number.
    kept: VecDeque<(u64, Letter)>,
    delivered: u64,
}

/// A mail as its reader sees it.
#[derive(Clone, Debug)]
pub struct Letter {
    /// When it was delivered.
    pub at: Timestamp,
    /// The recipient.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
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
        letters.delivered += 1;
        let number = letters.delivered;
        letters.kept.push_front((number, letter));
        letters.kept.truncate(Self::KEPT);
    }

    fn find<T>(&self, look: impl Fn(&VecDeque<(u64, Letter)>) -> T) -> T {
        look(&self.0.lock().unwrap_or_else(PoisonError::into_inner).kept)
    }

    fn latest(&self, to: &str) -> Option<Letter> {
        self.find(|kept| Some(kept.iter().find(|(_, letter)| letter.to.eq_ignore_ascii_case(to))?.1.clone()))
    }

    fn html(&self, number: u64) -> Option<String> {
        self.find(|kept| Some(kept.iter().find(|(own, _)| *own == number)?.1.html.clone()))
    }
}

/// Where its page is, for the plain listener.
pub(crate) const PAGES: &[&str] = &["/dev/mailbox"];

/// `/dev/mailbox`, a mail's HTML below it, and `/dev/mailbox/latest?to=ADDRESS`; without a mailbox there is nothing there.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/dev/mailbox", get(list))
        .route("/dev/mailbox/{number}/html", get(html))
        .route("/dev/mailbox/latest", get(latest))
}

#[derive(askama::Template)]
#[template(path = "mailbox.html")]
struct MailboxPage<'a> {
    look: &'a Look,
    words: &'static Words,
    count: u64,
    letters: Vec<Shown>,
}

/// A mail on the page.
struct Shown {
    number: u64,
    at: String,
    to: String,
    subject: String,
    pieces: Vec<Piece>,
}

/// A piece of a mail's text.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Link(String),
}

impl Shown {
    fn of(look: &Look, (number, letter): &(u64, Letter)) -> Self {
        Self {
            number: *number,
            at: look.language.moment(letter.at),
            to: letter.to.clone(),
            subject: letter.subject.clone(),
            pieces: pieces(&letter.text),
        }
    }
}

/// A text with its links told apart: what begins like an address of the web, up to the next blank.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        if bare.starts_with("http://") || bare.starts_with("https://") {
            pieces.push(Piece::Link(bare.to_owned()));
            pieces.push(Piece::Words(word.strip_prefix(bare).unwrap_or_default().to_owned()));
        } else if let Some(Piece::Words(before)) = pieces.last_mut() {
            before.push_str(word);
        } else {
            pieces.push(Piece::Words(word.to_owned()));
        }
    }
    pieces
}

async fn list(State(app): State<App>, look: Look) -> Response {
    let Some(mailbox) = &app.settings.mailbox else { return look.not_found() };
    let letters: Vec<_> = mailbox.find(|kept| kept.iter().map(|letter| Shown::of(&look, letter)).collect());
    let (words, count) = (Words::of(look.language), letters.len() as u64);
    look.show_under(Policy::FRAMES, &MailboxPage { look: &look, words, count, letters })
}

/// A mail's HTML for the frame in which it is shown: it may do nothing, and its links open beside the mailbox.
async fn html(State(app): State<App>, look: Look, Path(number): Path<u64>) -> Response {
    match app.settings.mailbox.as_ref().and_then(|mailbox| mailbox.html(number)) {
        Some(html) => Policy::FOREIGN.on(Html(html.replacen("<head>", "<head><base target=\"_blank\">", 1))),
        None => look.not_found(),
    }
}

#[derive(Deserialize)]
struct Latest {
    to: String,
}

async fn latest(State(app): State<App>, look: Look, Query(wanted): Query<Latest>) -> Response {
    let Some(mailbox) = &app.settings.mailbox else { return look.not_found() };
    match mailbox.latest(&wanted.to) {
        Some(letter) => {
            let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (StatusCode::OK, plain, format!("Subject: {}\n\n{}", letter.subject, letter.text)).into_response()
        }
        None => Problem(AuthError::NotFound(Noun::Identifier)).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_a_text_are_told_apart() {
        let words = |text: &str| Piece::Words(text.to_owned());
        let link = Piece::Link("https://a.example/x?y=1".to_owned());
        assert_eq!(
            pieces("Open this:\n\nhttps://a.example/x?y=1\n\nonce, not javascript:alert(1)\n"),
            [words("Open this:\n\n"), link, words("\n\nonce, not javascript:alert(1)\n")]
        );
    }
}
