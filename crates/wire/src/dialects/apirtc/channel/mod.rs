//! The realtime channel: Socket.IO 5 over Engine.IO 4, at the root of every host (sheet, 1.5 to 1.9).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{Router, middleware, routing::get};
use http::{HeaderName, header};
use ringfence_core::{authority::Authenticated, context::Ctx, error::AuthError, ids::ConnectionId, time::Timestamp};
use serde_json::{Map, Value};

use super::{
    admission::{self, Admitted, Asked, Refused},
    cors,
    error::channel_text,
    messages::{self, Enterprise},
    roster::Roster,
};
use crate::{
    app::App,
    engineio::{self, Entry, Handshake, Inside},
    live::{Ending, Habits, Line},
    problem::log_refusal,
};

#[cfg(test)]
mod tests;

/// Heartbeats as the platform's (sheet, 1.6). What clients say here is short.
static HABITS: Habits = Habits {
    login: Duration::from_secs(10),
    // The library closes a line on which it was refused; others are left to us.
    retry: Duration::from_secs(5),
    idle: Duration::from_secs(45),
    tick: Some(Duration::from_secs(25)),
    ping: false,
    warn: None,
    write: Duration::from_secs(5),
    failures: 3,
    rate: 20,
    burst: 100,
    message: 100_000,
};

/// What gives pages the `io` that the library expects. Our own: any page of anybody's may load it.
const SCRIPT: &str = include_str!("socket.io.js");
const SCRIPT_TYPE: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];

/// Its routes, which lie where the library looks for them, whatever prefix the rest has.
pub(super) fn routes(app: App) -> Router {
    let roster = Arc::<Roster>::default();
    let begin = move |app: &App, handshake: Handshake, line: &Line| Channel {
        app: app.clone(),
        roster: Arc::clone(&roster),
        connection: line.connection().id(),
        handshake: Some(Box::new(handshake)),
        admitted: None,
        ticket: false,
        renew_at: None,
    };
    let script = || async { (SCRIPT_TYPE, SCRIPT) };
    engineio::routes(&HABITS, begin)
        .route("/socket.io/v3/socket.io.js", get(script))
        // Where `ccs` holds a ticket, the library puts it before the script's path as well.
        .route("/{ticket}/socket.io/v3/socket.io.js", get(script))
        .layer(middleware::from_fn(cors::answer))
        .with_state(app)
}

/// One side of the channel.
struct Channel {
    app: App,
    roster: Arc<Roster>,
    connection: ConnectionId,
    /// The request it began with, until somebody was admitted by it.
    handshake: Option<Box<Handshake>>,
    admitted: Option<Box<Admitted>>,
    /// Whether a ticket let them in, and not the query alone.
    ticket: bool,
    /// When they need another credential for relays of media.
    renew_at: Option<Timestamp>,
}

impl Channel {
    async fn admit(&mut self, line: &mut Line, ctx: &Ctx, namespace: &str) -> Result<Admitted, Refused> {
        let Some(handshake) = &self.handshake else { return Err(refused(&AuthError::InvalidCredentials)) };
        let (uri, origin) = (&handshake.uri, handshake.origin.as_deref());
        let admitted = admission::admit(&self.app, ctx, Asked { namespace, uri, origin }).await?;
        line.admit(ctx, &admitted.who, admitted.who.inbound()).await.map_err(|refusal| refused(&refusal))?;
        Ok(admitted)
    }

    /// What somebody hears first of all, and takes them in.
    async fn greet(&mut self, line: &Line, ctx: &Ctx, admitted: &Admitted) -> Result<Vec<String>, AuthError> {
        let session = messages::session(&self.app, ctx, &admitted.who).await?;
        let enterprise = messages::enterprise(&self.app, ctx, &admitted.who).await?;
        self.renew_at = renewal(ctx.now, &enterprise, &admitted.who);
        let mut told = vec![session, enterprise.text];
        told.extend(self.roster.join(line.connection(), admitted));
        Ok(told)
    }
}

/// When somebody needs another credential for relays: in the middle of its life, so that a call that begins just before has the
/// other half; never, if it lives as long as their session.
fn renewal(now: Timestamp, enterprise: &Enterprise, who: &Authenticated) -> Option<Timestamp> {
    let end = who.session.as_ref().map(|session| session.expires_at);
    let until = enterprise.relays_until.filter(|until| end.is_none_or(|end| *until < end))?;
    Some(now + until.since(now) / 2)
}

fn refused(refusal: &AuthError) -> Refused {
    log_refusal(refusal);
    Refused(channel_text(refusal, false))
}

/// A namespace without the slashes around it.
fn bare(namespace: &str) -> &str {
    let namespace = namespace.strip_prefix('/').unwrap_or(namespace);
    namespace.strip_suffix('/').unwrap_or(namespace)
}

#[async_trait]
impl Inside for Channel {
    async fn connect(&mut self, line: &mut Line, ctx: &Ctx, namespace: &str) -> Entry {
        let namespace = bare(namespace);
        let admitted = match self.admit(line, ctx, namespace).await {
            Ok(admitted) => admitted,
            Err(Refused(text)) => return Entry::Refused(text),
        };
        match self.greet(line, ctx, &admitted).await {
            Ok(messages) => {
                self.ticket = !namespace.is_empty();
                self.handshake = None;
                // What the roster keeps need not be kept twice for as long as the line is open.
                let (user_data, groups, subscriptions) = (Map::new(), Vec::new(), Vec::new());
                self.admitted = Some(Box::new(Admitted { user_data, groups, subscriptions, ..admitted }));
                Entry::In(messages)
            }
            Err(error) => {
                log_refusal(&error);
                Entry::Later
            }
        }
    }

    async fn hear(&mut self, ctx: &Ctx, _name: &str, arguments: &[Value]) -> Vec<String> {
        // Each text says itself what it is (sheet, 1.7).
        let (Some(admitted), Some(Value::String(text))) = (&self.admitted, arguments.first()) else {
            return Vec::new();
        };
        let heard = self.roster.hear(&self.app, ctx, self.connection, admitted, text).await;
        heard.unwrap_or_else(|error| {
            log_refusal(&error);
            Vec::new()
        })
    }

    async fn beat(&mut self, ctx: &Ctx) -> Vec<String> {
        let due = self.renew_at.filter(|at| *at <= ctx.now);
        let (Some(admitted), Some(_)) = (&self.admitted, due) else { return Vec::new() };
        match messages::enterprise(&self.app, ctx, &admitted.who).await {
            Ok(enterprise) if enterprise.relays_until.is_some() => {
                self.renew_at = renewal(ctx.now, &enterprise, &admitted.who);
                vec![enterprise.text]
            }
            // Not now: again at the next heartbeat.
            Ok(_) => Vec::new(),
            Err(error) => {
                log_refusal(&error);
                Vec::new()
            }
        }
    }

    /// A token that has run out is shown again by the library, which hears why it is refused and tells its page (sheet, 1.9).
    /// Behind a ticket it would stumble over a refusal (1.6).
    fn stays_away(&self, ending: Ending) -> bool {
        match ending {
            Ending::Revoked(_) => true,
            Ending::Expired => self.ticket,
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if let Some(admitted) = &self.admitted {
            self.roster.leave(admitted.application.id, self.connection);
        }
    }
}
