//! The conversation on the socket of events: a token, an answer, and events from then on.

use async_trait::async_trait;
use ringfence_core::{
    authority::{Person, PresentedCredential},
    context::Ctx,
    error::AuthError,
    ids::ConnectionId,
    presence::InboundPolicy,
    secret::RawToken,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    account,
    answer::instant,
    caller::standing,
    rooms::{Rooms, Seat},
    user,
};
use crate::{
    app::App,
    live::{Directive, Line},
    problem::log_refusal,
    pump::{Conversation, Step},
};

/// How a connection ends that is not, or no longer, authenticated.
const UNAUTHORIZED: u16 = 4401;
/// More than one message to authenticate.
const POLICY: u16 = 1008;

/// One side of a socket.
pub(super) struct EventConversation {
    app: App,
    rooms: Rooms,
    seated: Option<Box<Seated>>,
}

/// Who is at the other end.
struct Seated {
    seat: Seat,
    person: Person,
    account: Value,
}

/// What clients say. There is no other type than `auth`; whatever else comes is let be.
#[derive(Deserialize)]
struct Said {
    r#type: String,
    payload: Option<String>,
}

#[async_trait]
impl Conversation for EventConversation {
    async fn on_frame(&mut self, line: &mut Line, ctx: &Ctx, text: &str) -> Step {
        let said = serde_json::from_str::<Said>(text).ok().filter(|said| said.r#type == "auth");
        match (said.and_then(|said| said.payload), &self.seated) {
            (Some(token), None) => match self.authenticate(line, ctx, RawToken::new(token)).await {
                Ok(answer) => Step::send(answer),
                Err(refusal) => {
                    log_refusal(&refusal);
                    close_for(&refusal)
                }
            },
            // One only: who sits here does not change.
            (Some(_), Some(_)) => Step::close(POLICY, "authenticated already"),
            (None, None) => Step::close(UNAUTHORIZED, "authenticate first"),
            (None, Some(_)) => Step::nothing(),
        }
    }

    fn on_directive(&mut self, _line: &Line, directive: &Directive) -> Step {
        match directive {
            Directive::Ended(_) => Step::close(UNAUTHORIZED, "session ended"),
            Directive::Overdue => Step::close(UNAUTHORIZED, "authenticate first"),
            Directive::Guessing => Step::close(UNAUTHORIZED, "unauthorized"),
            Directive::Deliver(_)
            | Directive::Tick
            | Directive::ExpiresIn(_)
            | Directive::TakenOver
            | Directive::Draining { .. }
            | Directive::Silent
            | Directive::Flooding
            | Directive::TooSlow
            | Directive::Stuck => Step::nothing(),
        }
    }
}

/// A store that does not answer says nothing about the token.
fn close_for(refusal: &AuthError) -> Step {
    match refusal {
        AuthError::Unavailable { .. } | AuthError::Internal(_) | AuthError::Throttled { .. } => {
            Step::close(1013, "try again later")
        }
        _ => Step::close(UNAUTHORIZED, "unauthorized"),
    }
}

impl EventConversation {
    pub(super) const fn new(app: App, rooms: Rooms) -> Self {
        Self { app, rooms, seated: None }
    }

    async fn authenticate(&mut self, line: &mut Line, ctx: &Ctx, token: RawToken) -> Result<String, AuthError> {
        let who = self.app.authority.authenticate(ctx, PresentedCredential::AccessToken(token)).await?;
        self.app.authority.require_place(&who, self.app.project()).await?;
        let (home, _) = standing(&self.app, ctx, &who).await?;
        let person = user::person(&self.app, who.identity.as_ref().clone()).await?;
        line.admit(ctx, &who, InboundPolicy::All).await?;
        let connection = line.connection();
        let seat = Seat { account: home.id, user: who.identity.id, connection: connection.clone() };
        let seated = Seated { seat, person, account: account::render(&home) };
        let answer = self.welcome(&seated, ctx);
        self.rooms.enter(seated.seat.clone(), || self.news(&seated, true, ctx.now));
        self.seated = Some(Box::new(seated));
        Ok(answer)
    }

    /// The answer to a token (sheet, section 8).
    fn welcome(&self, seated: &Seated, ctx: &Ctx) -> String {
        let connection = seated.seat.connection.id();
        let address = ctx.address.map_or_else(String::new, |address| address.to_string());
        let email = user::email(&seated.person).unwrap_or_default();
        let message = format!("WSS connection {connection}@{address} - success auth {email}");
        let payload = json!({
            "uuid": connection,
            "ip": address,
            "user": user::render(&seated.person, true),
            "account": seated.account,
        });
        self.envelope("auth", ctx.now, &message, &payload, &seated.account)
    }

    /// What the others of the account hear.
    fn news(&self, seated: &Seated, online: bool, now: Timestamp) -> String {
        let user = user::render(&seated.person, online);
        let email = user::email(&seated.person).unwrap_or_default();
        let message = format!("{email} is {}", if online { "online" } else { "offline" });
        let payload = json!({ "wss_online": online, "user": user });
        self.envelope("user_presence", now, &message, &payload, &seated.account)
    }

    fn envelope(&self, kind: &str, now: Timestamp, message: &str, payload: &Value, account: &Value) -> String {
        let event = json!({
            "uuid": ConnectionId::mint(now, self.app.authority.entropy().as_ref()),
            "created_on": instant(now),
            "type": kind,
            "message": message,
            "payload": payload,
            "account": account,
        });
        event.to_string()
    }
}

impl Drop for EventConversation {
    fn drop(&mut self) {
        if let Some(seated) = self.seated.take() {
            let now = self.app.authority.clock().now();
            self.rooms.leave(&seated.seat, || self.news(&seated, false, now));
        }
    }
}
