//! The conversation on the socket of events: a token, an answer, and events from then on.

use async_trait::async_trait;
use ringfence_core::{
    authority::{Authenticated, Person, PresentedCredential},
    context::Ctx,
    error::AuthError,
    identity::IdentityKind,
    ids::ConnectionId,
    presence::InboundPolicy,
    secret::RawToken,
    sip::SipUser,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    account,
    answer::instant,
    caller::standing,
    rooms::{Rooms, Seat},
    sip, user,
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
    connection: ConnectionId,
    who: Who,
    account: Value,
}

enum Who {
    /// Somebody whom the others of the account hear of.
    User { seat: Seat, person: Box<Person> },
    /// A phone, which has nothing to do with the people who manage it.
    SipUser(Box<SipUser>),
}

impl Who {
    /// What the welcome calls them.
    fn name(&self) -> String {
        match self {
            Self::User { person, .. } => user::email(person).unwrap_or_default().to_owned(),
            Self::SipUser(phone) => format!("{}@{}", phone.login, phone.domain),
        }
    }

    fn render(&self, online: bool) -> Value {
        match self {
            Self::User { person, .. } => user::render(person, online),
            Self::SipUser(phone) => sip::user(phone),
        }
    }
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
            | Directive::CutOff { .. }
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
        let seated = self.look_up(line, ctx, &who).await?;
        line.admit(ctx, &who, InboundPolicy::All).await?;
        if let Who::User { seat, .. } = &seated.who {
            self.rooms.enter(seat.clone(), || self.news(&seated, true, ctx.now));
        }
        let answer = self.welcome(&seated, ctx);
        self.seated = Some(Box::new(seated));
        Ok(answer)
    }

    async fn look_up(&self, line: &Line, ctx: &Ctx, who: &Authenticated) -> Result<Seated, AuthError> {
        let connection = line.connection();
        if who.identity.kind == IdentityKind::Endpoint {
            let phone = self.app.authority.own_sip_user(who).await?;
            let account = json!({ "uuid": phone.application });
            return Ok(Seated { connection: connection.id(), who: Who::SipUser(Box::new(phone)), account });
        }
        let (home, _) = standing(&self.app, ctx, who).await?;
        let person = Box::new(user::person(&self.app, who.identity.as_ref().clone()).await?);
        let seat = Seat { account: home.id, user: who.identity.id, connection: connection.clone() };
        Ok(Seated { connection: connection.id(), who: Who::User { seat, person }, account: account::render(&home) })
    }

    /// The answer to a token (sheet, section 8).
    fn welcome(&self, seated: &Seated, ctx: &Ctx) -> String {
        let address = ctx.address.map_or_else(String::new, |address| address.to_string());
        let message = format!("WSS connection {}@{address} - success auth {}", seated.connection, seated.who.name());
        let payload = json!({
            "uuid": seated.connection,
            "ip": address,
            "user": seated.who.render(true),
            "account": seated.account,
        });
        self.envelope("auth", ctx.now, &message, &payload, &seated.account)
    }

    /// What the others of the account hear.
    fn news(&self, seated: &Seated, online: bool, now: Timestamp) -> String {
        let message = format!("{} is {}", seated.who.name(), if online { "online" } else { "offline" });
        let payload = json!({ "wss_online": online, "user": seated.who.render(online) });
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
        let Some(seated) = self.seated.take() else { return };
        if let Who::User { seat, .. } = &seated.who {
            let now = self.app.authority.clock().now();
            self.rooms.leave(seat, || self.news(&seated, false, now));
        }
    }
}
