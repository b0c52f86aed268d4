//! The loop that serves a WebSocket, whatever is spoken on it.
//!
//! A dialect brings a [`Conversation`]: frames in, frames out, no socket and no timer. The pump owns everything that a dialect
//! could get wrong: the origin at the upgrade, sizes, deadlines, readers that do not read, guessing, flooding, expiry,
//! revocation and good-byes.

use std::time::Duration;

use async_trait::async_trait;
use axum::{
    extract::ws::{WebSocket, WebSocketUpgrade},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use ringfence_core::{
    context::Ctx,
    error::{AuthError, BoxError},
};

use crate::{
    app::App,
    live::{Directive, Habits, Line},
    problem::Problem,
};

mod serve;
#[cfg(test)]
mod tests;
mod transport;

pub(crate) use serve::serve;
pub(crate) use transport::{Heard, Transport};

/// What one side of a socket says and does, as a state machine.
#[async_trait]
pub(crate) trait Conversation: Send + 'static {
    /// Answers a text frame.
    async fn on_frame(&mut self, line: &mut Line, ctx: &Ctx, text: &str) -> Step;

    /// Answers what the server tells it. After a directive that ends the connection the pump closes it, with the code that
    /// the conversation chooses or with one of its own.
    fn on_directive(&mut self, line: &Line, directive: &Directive) -> Step;

    /// What another conversation has sent here, as a frame of this one.
    fn wrap(&self, text: String) -> String {
        text
    }
}

/// What a conversation wants done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// Frames to send, in order.
    pub(crate) send: Vec<String>,
    /// How to close after that.
    pub(crate) close: Option<Close>,
}

impl Step {
    /// Nothing.
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// One frame.
    pub(crate) fn send(frame: String) -> Self {
        Self { send: vec![frame], close: None }
    }

    /// A good-bye.
    pub(crate) fn close(code: u16, reason: &'static str) -> Self {
        Self { send: Vec::new(), close: Some(Close { code, reason }) }
    }
}

/// A close frame (RFC 6455 §7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    /// The code.
    pub(crate) code: u16,
    /// The reason, for people.
    pub(crate) reason: &'static str,
}

/// Idle sockets are paid for by their buffers: at axum's own sizes one costs forty times as much.
const READ_BUFFER: usize = 512;
/// Every frame is handed to the operating system at once.
const WRITE_BUFFER: usize = 0;
/// Whoever is sent away comes back after this at the earliest.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// Answers an upgrade: with 101 and the conversation that `begin` makes, or with a refusal.
///
/// `origins` are those of pages that may open sockets here, `*` meaning any.
pub(crate) fn upgrade<C: Conversation>(
    app: &App,
    ctx: Ctx,
    socket: WebSocketUpgrade,
    headers: &HeaderMap,
    habits: &'static Habits,
    begin: impl FnOnce(&Line) -> C + Send + 'static,
) -> Response {
    let line = match enter(app, &ctx, headers, habits) {
        Ok(line) => line,
        Err(refusal) => return *refusal,
    };
    accept(socket, habits, move |socket| {
        let conversation = begin(&line);
        serve(socket, line, conversation, ctx)
    })
}

/// A line for whoever asks for one, or a refusal: of pages of other origins, and when there are too many already.
pub(crate) fn enter(app: &App, ctx: &Ctx, headers: &HeaderMap, habits: &'static Habits) -> Result<Line, Box<Response>> {
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
    if !admits(app.option("origins").unwrap_or("*"), origin) {
        let mut refusal = Problem(AuthError::NotSupported("this origin")).into_response();
        *refusal.status_mut() = StatusCode::FORBIDDEN;
        return Err(Box::new(refusal));
    }
    let line = app.live.open(ctx, habits).ok_or_else(|| Box::new(full()))?;
    Ok(line.of_origin(origin))
}

/// Answers 101 and hands the socket, with its limits set, to `then`.
pub(crate) fn accept<F: Future<Output = ()> + Send + 'static>(
    socket: WebSocketUpgrade,
    habits: &'static Habits,
    then: impl FnOnce(WebSocket) -> F + Send + 'static,
) -> Response {
    socket
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(habits.message)
        .max_frame_size(habits.message)
        .on_upgrade(then)
}

/// Whether a page of `origin` may open a socket (ATTACKS N47). No origin means no browser.
fn admits(allowed: &str, origin: Option<&str>) -> bool {
    let allowed = |origin: &str| allowed.split(',').map(str::trim).any(|entry| entry == "*" || entry == origin);
    origin.is_none_or(allowed)
}

fn full() -> Response {
    let source: BoxError = "too many sockets, or stopping".into();
    let mut response = Problem(AuthError::Unavailable { what: "another socket", source }).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(TRY_AGAIN.as_secs()));
    response
}

#[cfg(test)]
mod rules {
    use super::*;

    #[test]
    fn n47_only_pages_of_listed_origins_open_sockets() {
        let listed = "https://app.example.org, https://example.org";
        assert!(admits(listed, Some("https://example.org")));
        assert!(admits(listed, None));
        for foreign in ["null", "https://example.org.evil.test", "http://example.org", "https://example.org:8443", ""] {
            assert!(!admits(listed, Some(foreign)), "{foreign}");
        }
        assert!(admits("*", Some("null")));
    }

    #[test]
    fn buffers_of_idle_sockets_stay_small() {
        const { assert!(READ_BUFFER <= 4096 && WRITE_BUFFER == 0) }
    }
}
