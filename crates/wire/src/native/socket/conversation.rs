//! The conversation as a state machine: frames in, frames out. What is allowed is decided in core.

use std::time::Duration;

use async_trait::async_trait;
use ringfence_core::{
    authority::{Authority, OnConnection, Resumed},
    context::Ctx,
    error::AuthError,
    ids::{ApplicationId, IdentityId},
    live_token::LiveToken,
    resume::Whereabouts,
    secret::RawToken,
    time::Timestamp,
};

use super::{
    super::NAME,
    frames::{Frame, Incoming, Present, Said, Ticket},
    goodbye::Goodbye,
};
use crate::{
    live::{Directive, Line, Term},
    problem::log_refusal,
    pump::{Conversation, Step},
};

/// A new ticket comes with every so many ticks: well before the last one ends.
const TICKS_PER_TICKET: u64 = 8;

/// One side of a connection.
pub(super) struct SocketConversation {
    /// The only application that is admitted, if it was named at the upgrade.
    only: Option<ApplicationId>,
    /// The number of the last frame.
    seq: u64,
    ticks: u64,
    held: Option<Box<LiveToken>>,
}

#[async_trait]
impl Conversation for SocketConversation {
    async fn on_frame(&mut self, line: &mut Line, ctx: &Ctx, text: &str) -> Step {
        let Incoming { id, said } = Incoming::read(text);
        let id = id.as_deref();
        match (said, self.held.take()) {
            (Ok(Said::Authenticate(token)), None) => self.authenticate(line, ctx, id, &token).await,
            (Ok(Said::Resume(ticket)), None) => self.resume(line, ctx, id, &ticket).await,
            (said, held) => {
                self.held = held;
                match said {
                    Ok(said) => self.go_on(line, ctx, id, said).await,
                    Err(code) => self.say(id, &Frame::Error { code }),
                }
            }
        }
    }

    fn on_directive(&mut self, line: &Line, directive: &Directive) -> Step {
        let mut step = match directive {
            Directive::Tick => {
                self.ticks += 1;
                let mut step = self.say(None, &Frame::Ping);
                if self.ticks.is_multiple_of(TICKS_PER_TICKET) {
                    step.send.extend(self.ticket(line));
                }
                step
            }
            // Up to the whole second, so that a warning never says less than there is.
            Directive::ExpiresIn(left) => self
                .say(None, &Frame::Expiring { seconds_left: left.as_millis().div_ceil(1000).try_into().unwrap_or(0) }),
            Directive::TakenOver => self.say(None, &Frame::TakenOver),
            // The last one may be old.
            Directive::Draining { .. } | Directive::CutOff { .. } => {
                Step { send: self.ticket(line).into_iter().collect(), close: None }
            }
            Directive::Deliver(_)
            | Directive::Ended(_)
            | Directive::Overdue
            | Directive::Silent
            | Directive::Flooding
            | Directive::Guessing
            | Directive::TooSlow
            | Directive::Stuck => Step::nothing(),
        };
        if let Some(goodbye) = Goodbye::on(directive) {
            let last = self.leave(goodbye);
            step.send.extend(last.send);
            step.close = last.close;
        }
        step
    }
}

impl SocketConversation {
    pub(super) const fn new(only: Option<ApplicationId>) -> Self {
        Self { only, seq: 0, ticks: 0, held: None }
    }

    fn frame(&mut self, id: Option<&str>, frame: &Frame) -> String {
        self.seq += 1;
        frame.text(self.seq, id)
    }

    fn say(&mut self, id: Option<&str>, frame: &Frame) -> Step {
        Step::send(self.frame(id, frame))
    }

    /// Says good-bye.
    fn leave(&mut self, goodbye: Goodbye) -> Step {
        let Goodbye { code, reason, action, after } = goodbye;
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let frame = self.frame(None, &Frame::Closing { code, reason, action, after_ms });
        Step { send: vec![frame], close: Some(goodbye.close()) }
    }

    fn leave_refused(&mut self, refusal: &AuthError) -> Step {
        log_refusal(refusal);
        self.leave(Goodbye::to_refused(refusal))
    }

    async fn authenticate(&mut self, line: &mut Line, ctx: &Ctx, id: Option<&str>, token: &RawToken) -> Step {
        match line.authority().accept_live_token(ctx, token).await {
            Ok(here) => self.begin(line, ctx, id, here, false).await,
            Err(refusal) => self.leave_refused(&refusal),
        }
    }

    async fn resume(&mut self, line: &mut Line, ctx: &Ctx, id: Option<&str>, ticket: &RawToken) -> Step {
        match line.authority().resume(ctx, ticket, &place(line)).await {
            Ok(Resumed { back, was }) => {
                line.supersede(back.token.session(), was);
                self.begin(line, ctx, id, back, true).await
            }
            Err(refusal) => {
                tracing::debug!(code = refusal.code(), "a connection may not come back");
                self.leave(Goodbye::to_stranger(&refusal))
            }
        }
    }

    async fn begin(&mut self, line: &mut Line, ctx: &Ctx, id: Option<&str>, here: OnConnection, resumed: bool) -> Step {
        let OnConnection { who, token } = here;
        if self.only.is_some() && self.only != token.application() {
            return self.leave_refused(&AuthError::ApplicationMismatch);
        }
        if let Err(refusal) = line.admit_for(ctx, &who, who.inbound(), term(&token)).await {
            return self.leave_refused(&refusal);
        }
        let reached = line.live().reached(token.identity(), NAME);
        let resume = match ticket(line, ctx.now, &token) {
            Ok(ticket) => ticket,
            Err(failure) => return self.leave_refused(&failure),
        };
        let ready = Frame::Ready {
            session: token.session().to_string(),
            identity: token.identity().to_string(),
            application: token.application().map(|id| id.to_string()),
            resumed,
            reached: reached.iter().any(|other| other.id() == line.connection().id()),
            expires_in: token.expires_at().since(ctx.now).as_secs(),
            server_time: ctx.now.rfc3339(),
            resume,
        };
        self.held = Some(Box::new(token));
        self.say(id, &ready)
    }

    /// Answers whatever does not begin a connection.
    async fn go_on(&mut self, line: &mut Line, ctx: &Ctx, id: Option<&str>, said: Said) -> Step {
        let held = match (&said, &self.held) {
            (Said::Ping, _) => return self.say(id, &Frame::Pong),
            (Said::Pong, _) => return Step::nothing(),
            (_, None) => return self.say(id, &Frame::Error { code: "not_authenticated" }),
            (_, Some(held)) => held,
        };
        match said {
            Said::Update(token) => self.update(line, ctx, id, &token).await,
            Said::PresenceOf(wanted) => {
                let answer = presence(line.authority(), ctx, held, wanted).await;
                self.say(id, &answer)
            }
            Said::Action(name) => {
                let answer = match held.require_recent(ctx.now) {
                    Ok(left) => Frame::Granted { name, expires_in: left.as_secs() },
                    Err(AuthError::StepUpRequired { acr }) => {
                        Frame::StepUpRequired { name, acr, max_age: LiveToken::MAX_AGE.as_secs() }
                    }
                    Err(other) => Frame::Error { code: other.code() },
                };
                self.say(id, &answer)
            }
            Said::Authenticate(_) | Said::Resume(_) | Said::Ping | Said::Pong => {
                self.say(id, &Frame::Error { code: "already_authenticated" })
            }
        }
    }

    async fn update(&mut self, line: &mut Line, ctx: &Ctx, id: Option<&str>, token: &RawToken) -> Step {
        let Some(held) = &self.held else { return Step::nothing() };
        let next = match line.authority().update_live_token(ctx, held, token).await {
            Ok(next) => next,
            Err(refusal) => {
                tracing::debug!(code = refusal.code(), "a new token was refused");
                return match Goodbye::after_update(&refusal) {
                    Some(goodbye) => self.leave(goodbye),
                    None => self.say(id, &Frame::Refused { code: refusal.code() }),
                };
            }
        };
        let OnConnection { who, token } = next;
        let renewed = line.renew(ctx, &who, who.inbound(), term(&token)).await;
        let resume = match renewed.and_then(|()| ticket(line, ctx.now, &token)) {
            Ok(ticket) => ticket,
            Err(refusal) => {
                log_refusal(&refusal);
                return self.say(id, &Frame::Refused { code: refusal.code() });
            }
        };
        let updated = Frame::Updated {
            session: token.session().to_string(),
            expires_in: token.expires_at().since(ctx.now).as_secs(),
            server_time: ctx.now.rfc3339(),
            resume,
        };
        self.held = Some(Box::new(token));
        self.say(id, &updated)
    }

    /// A new ticket for this connection, if somebody is here.
    fn ticket(&mut self, line: &Line) -> Option<String> {
        let resume = ticket(line, line.authority().clock().now(), self.held.as_ref()?).ok()?;
        Some(self.frame(None, &Frame::Ticket { resume }))
    }
}

/// How long a token carries a connection, and when its end is announced.
fn term(token: &LiveToken) -> Term {
    let socket = token.socket();
    Term { end: token.expires_at(), grace: socket.grace.duration(), lead: Some(socket.warning.duration()) }
}

fn place(line: &Line) -> Whereabouts {
    Whereabouts { origin: line.origin().map(str::to_owned), network: line.network() }
}

fn ticket(line: &Line, now: Timestamp, token: &LiveToken) -> Result<Ticket, AuthError> {
    let made = line.authority().resume_ticket(now, token, line.connection().id(), &place(line))?;
    let left: Duration = made.expires_at.since(now);
    Ok(Ticket { ticket: made.ticket.expose().to_owned(), expires_in: left.as_secs() })
}

async fn presence(authority: &Authority, ctx: &Ctx, held: &LiveToken, wanted: Vec<IdentityId>) -> Frame {
    match authority.presence_among(ctx, held, wanted).await {
        Ok(found) => {
            let identities = found.into_iter().map(|found| Present {
                id: found.identity.to_string(),
                online: found.since.is_some(),
                since: found.since.map(Timestamp::rfc3339),
            });
            Frame::Presence { identities: identities.collect() }
        }
        Err(failure) => {
            log_refusal(&failure);
            Frame::Error { code: failure.code() }
        }
    }
}
