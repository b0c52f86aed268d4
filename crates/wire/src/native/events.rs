//! The feed of security events: server-sent events that other servers keep open, so that they know at once what ended.

use std::{io, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequestParts as _, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, header, request::Parts};
use ringfence_core::{
    caller::Permit,
    context::Ctx,
    error::AuthError,
    outbox::{EventKind, Place},
    time::Timestamp,
};
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use utoipa::IntoParams;

use super::{
    caller::{Admin, EventsRead},
    input::Asked,
    problem::Problem,
};
use crate::{
    app::App,
    feed::{Seat, Tide},
};

/// How often a reader hears that all is well, and how old the last look at the outbox may be then.
const BEAT: Duration = Duration::from_secs(5);
/// A reader who takes nothing for so long is cut.
const PATIENCE: Duration = Duration::from_secs(10);
/// Messages that may wait for a reader.
const WAITING: usize = 64;
/// Events read at once.
const STEP: u32 = 256;
/// When to come again if there are too many readers.
const LATER: Duration = Duration::from_secs(30);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Beginning {
    /// Events since this moment first (RFC 3339); without it, and without `Last-Event-ID`, only those to come.
    #[param(format = DateTime)]
    since: Option<String>,
}

/// Security events of the project as they happen, each a security event token (RFC 8417) signed by the project's key.
///
/// Server-sent events: `id` is a cursor for `Last-Event-ID`, `event` the type in CAEP, `data` the token. `ready` follows the
/// backlog, `reset` says that the cursor is not known any more, and a comment every five seconds that nothing was missed.
#[utoipa::path(
    get, path = "/events", tag = "events",
    params(Beginning, ("Last-Event-ID" = Option<String>, Header, description = "The last `id` that was read; wins over `since`")),
    security(("bearer" = ["events:read"])),
    responses((status = 200, description = "The events", content_type = "text/event-stream", body = String)),
)]
pub(super) async fn stream(
    State(app): State<App>,
    admin: Admin<EventsRead>,
    Asked(beginning): Asked<Beginning>,
    parts: Parts,
) -> Result<Response, Problem> {
    let now = app.authority.clock().now();
    let since =
        beginning.since.as_deref().map(|text| Timestamp::parse_rfc3339(text).ok_or(Problem::Query)).transpose()?;
    let too_many = || Problem::from(AuthError::Throttled { retry_at: now + LATER });
    let seat = app.feed.seat(admin.permit.actor().to_string()).ok_or_else(too_many)?;
    // Subscribed first, so that what is placed meanwhile is not waited for in vain.
    let tide = app.feed.tide();
    let placed = app.feed.place().await?;
    let (place, reset) = match (last_event_id(&parts.headers), since) {
        (Some(Ok(place)), _) if app.authority.can_resume(&admin.permit, place).await? => (place, false),
        (Some(_), _) => (placed, true),
        (None, Some(_)) => (Place::default(), false),
        (None, None) => (placed, false),
    };
    let (out, waiting) = mpsc::channel(WAITING);
    let Admin { ctx, permit, .. } = admin;
    let since = since.unwrap_or_default();
    let reader = Reader { app, ctx, permit, parts, place, since, tide, out, _seat: seat };
    tokio::spawn(reader.serve(reset));
    let body = futures_util::stream::unfold(waiting, async |mut waiting: mpsc::Receiver<Bytes>| {
        let piece = waiting.recv().await?;
        Some((Ok::<_, io::Error>(piece), waiting))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // nginx would collect what is to arrive at once.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// The cursor that a reader brought, be it one that no cursor is.
fn last_event_id(headers: &HeaderMap) -> Option<Result<Place, ()>> {
    let text = headers.get(LAST_EVENT_ID)?.as_bytes();
    (!text.is_empty()).then(|| std::str::from_utf8(text).map_err(drop)?.parse())
}

/// Whoever reads, and how far they have read.
struct Reader {
    app: App,
    ctx: Ctx,
    permit: Permit,
    /// The request, to ask again whether its key counts.
    parts: Parts,
    place: Place,
    since: Timestamp,
    tide: watch::Receiver<Tide>,
    out: mpsc::Sender<Bytes>,
    _seat: Seat,
}

/// Why a reader is served no more.
struct Over;

impl Reader {
    async fn serve(mut self, reset: bool) {
        let closing = self.app.feed.closing();
        tokio::select! {
            _ = self.tell(reset) => {}
            () = closing => {}
        }
    }

    async fn tell(&mut self, reset: bool) -> Result<(), Over> {
        self.send("retry: 1000\n\n".to_owned()).await?;
        if reset {
            // The empty id has browsers' readers forget theirs.
            return self.send("id:\nevent: reset\ndata: {}\n\n".to_owned()).await;
        }
        let clock = Arc::clone(self.app.authority.clock());
        let mut ready = false;
        let mut beat_at = clock.now() + BEAT;
        loop {
            self.catch_up().await?;
            if !ready {
                ready = true;
                self.since = Timestamp::default();
                self.send(message(self.place, "ready", "{}")).await?;
            }
            let out = self.out.clone();
            tokio::select! {
                moved = self.tide.changed() => moved.map_err(|_| Over)?,
                () = clock.sleep_until(beat_at) => {
                    self.still_counts().await?;
                    beat_at = clock.now() + BEAT;
                    self.send(": alive\n\n".to_owned()).await?;
                }
                () = out.closed() => return Err(Over),
            }
        }
    }

    /// Sends what was placed since.
    async fn catch_up(&mut self) -> Result<(), Over> {
        let placed = self.tide.borrow_and_update().placed;
        loop {
            let found = self.app.authority.events_after(&self.permit, self.place, self.since, STEP).await;
            let page = found.map_err(|cause| over(&cause))?;
            let last = page.len() < STEP as usize;
            self.ctx.now = self.app.authority.clock().now();
            for (place, event) in page {
                let token = self.app.authority.mint_event(&self.ctx, &event).await.map_err(|cause| over(&cause))?;
                self.send(message(place, event.kind.as_str(), token.expose())).await?;
                count(event.kind);
                self.place = place;
            }
            if last {
                self.place = self.place.max(placed);
                return Ok(());
            }
        }
    }

    /// Whether it may be said that nothing was missed, and the key still counts.
    async fn still_counts(&mut self) -> Result<(), Over> {
        let now = self.app.authority.clock().now();
        if now.since(self.tide.borrow().as_of) > BEAT {
            tracing::warn!(code = "feed_stale", "a reader of events is sent away, for the outbox cannot be read");
            return Err(Over);
        }
        let again = Admin::<EventsRead>::from_request_parts(&mut self.parts, &self.app).await;
        again.map(drop).map_err(|_| Over)
    }

    async fn send(&self, text: String) -> Result<(), Over> {
        let clock = self.app.authority.clock();
        tokio::select! {
            sent = self.out.send(Bytes::from(text)) => sent.map_err(|_| Over),
            () = clock.sleep_until(clock.now() + PATIENCE) => {
                tracing::info!(code = "feed_slow", "a reader of events was too slow and is cut");
                Err(Over)
            }
        }
    }
}

fn over(cause: &AuthError) -> Over {
    crate::problem::log_refusal(cause);
    Over
}

fn message(place: Place, event: &str, data: &str) -> String {
    format!("id: {place}\nevent: {event}\ndata: {data}\n\n")
}

fn count(kind: EventKind) {
    metrics::counter!("ringfence_feed_events_total", "kind" => kind.as_str()).increment(1);
}
