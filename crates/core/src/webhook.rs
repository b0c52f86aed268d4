//! Webhooks: servers that are told of security events by a request of ours, signed as Standard Webhooks 1.0 has it.
//!
//! An event becomes one delivery for each webhook of its project that wants it. A delivery that fails is tried again, ever
//! later, for about a day; then it is a dead letter, which can be replayed.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    entropy::{Entropy, random},
    error::{AuthError, Rule},
    ids::{EventId, ProjectId, WebhookId},
    outbox::{EventKind, OutboxEvent, Place},
    seal::Sealed,
    secret::RawToken,
    store::StoreResult,
    time::Timestamp,
};

/// How long after a failed attempt the next is made; after the last there is none.
const WAITS: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(15),
    Duration::from_hours(1),
    Duration::from_hours(3),
    Duration::from_hours(8),
    Duration::from_hours(12),
];
/// After a failure a server gets no other request for at most so long.
const LONGEST_PAUSE: Duration = Duration::from_mins(2);
/// A server that answers so is not there any more and does not want to be asked again.
const GONE: u16 = 410;

/// A server that is told.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The project whose events it is told of.
    pub project: ProjectId,
    /// Where it is.
    pub url: String,
    /// What it is told of; everything when empty.
    pub kinds: Vec<EventKind>,
    /// What requests are signed with.
    pub secret: Sealed,
    /// The last place that deliveries were made of.
    pub told_to: Place,
    /// Nothing is sent before.
    pub paused_until: Timestamp,
    /// When it was switched off.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Webhook {
    /// Whether it is told of events of this kind.
    pub fn wants(&self, kind: EventKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    /// What its secret is sealed for.
    pub(crate) fn seal_context(id: WebhookId) -> String {
        format!("webhook:{id}")
    }
}

/// What requests to a webhook are signed with: `whsec_` and 24 to 64 bytes in base64.
pub struct WebhookSecret(RawToken);

impl WebhookSecret {
    const PREFIX: &str = "whsec_";

    /// A new one of 256 random bits.
    pub fn mint(entropy: &dyn Entropy) -> Self {
        Self(RawToken::new(format!("{}{}", Self::PREFIX, STANDARD.encode(random::<32>(entropy)))))
    }

    /// One that somebody brings along.
    pub fn parse(text: RawToken) -> Result<Self, AuthError> {
        let secret = Self(text);
        let key = secret.key().ok_or_else(|| AuthError::invalid("secret", Rule::Malformed))?;
        match key.len() {
            24..=64 => Ok(secret),
            _ => Err(AuthError::invalid("secret", Rule::KeyTooWeak)),
        }
    }

    fn key(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.0.expose().strip_prefix(Self::PREFIX)?).ok()
    }

    /// Its text, for its owner and for sealing.
    pub const fn text(&self) -> &RawToken {
        &self.0
    }

    /// Signs a message.
    pub fn sign(&self, id: EventId, at: Timestamp, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key().unwrap_or_default());
        let tag = hmac::sign(&key, format!("{id}.{}.{body}", at.seconds()).as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

/// A request that is to be made.
#[derive(Clone, Debug)]
pub struct WebhookCall {
    /// Where to.
    pub url: String,
    /// `webhook-id`: the same for each attempt.
    pub id: EventId,
    /// `webhook-timestamp`: the moment of the attempt.
    pub at: Timestamp,
    /// `webhook-signature`.
    pub signature: String,
    /// JSON.
    pub body: String,
}

/// Whoever makes the requests.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Refuses an address that nothing would ever be sent to.
    async fn admit(&self, url: &str) -> Result<(), AuthError>;

    /// Makes a request and returns the status of its answer, or in a word why there is none. It follows no redirect.
    async fn deliver(&self, call: &WebhookCall) -> Result<u16, &'static str>;
}

/// One event for one webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// For whom.
    pub webhook: WebhookId,
    /// What.
    pub event: EventId,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, while it has not ended.
    pub due_at: Timestamp,
    /// The status of the last answer.
    pub status: Option<u16>,
    /// Why the last attempt was none.
    pub failure: Option<String>,
    /// When it was delivered or given up.
    pub ended_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Delivery {
    /// A delivery that is due at once.
    pub const fn new(webhook: WebhookId, event: EventId, now: Timestamp) -> Self {
        Self { webhook, event, attempts: 0, due_at: now, status: None, failure: None, ended_at: None, created_at: now }
    }

    /// Where it stands.
    pub const fn state(&self) -> DeliveryState {
        match (self.ended_at, &self.failure) {
            (None, _) => DeliveryState::Pending,
            (Some(_), None) => DeliveryState::Delivered,
            (Some(_), Some(_)) => DeliveryState::Dead,
        }
    }

    /// Takes in how an attempt went.
    pub(crate) fn settle(&mut self, outcome: Result<u16, &'static str>, now: Timestamp) {
        self.status = outcome.ok();
        self.failure = match outcome {
            Ok(200..=299) => None,
            Ok(300..=399) => Some("redirected".to_owned()),
            Ok(_) => Some("refused".to_owned()),
            Err(cause) => Some(cause.to_owned()),
        };
        let tried = usize::try_from(self.attempts).unwrap_or(usize::MAX).saturating_sub(1);
        match WAITS.get(tried).filter(|_| self.failure.is_some() && self.status != Some(GONE)) {
            Some(wait) => self.due_at = now + *wait,
            None => self.ended_at = Some(now),
        }
    }

    /// How long its webhook gets nothing after this attempt.
    pub(crate) fn pause(&self, now: Timestamp) -> Timestamp {
        if self.failure.is_some() { self.due_at.min(now + LONGEST_PAUSE) } else { Timestamp::default() }
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It will be tried.
    Pending,
    /// It was taken.
    Delivered,
    /// It was given up; it can be replayed.
    Dead,
}

impl DeliveryState {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// Storage of webhooks and deliveries.
pub trait WebhookStore {
    /// Adds a webhook.
    fn insert_webhook(&mut self, webhook: &Webhook) -> StoreResult<()>;
    /// A webhook.
    fn webhook(&mut self, id: WebhookId) -> StoreResult<Option<Webhook>>;
    /// Webhooks of a project in order of id.
    fn webhooks(&mut self, project: ProjectId) -> StoreResult<Vec<Webhook>>;
    /// Webhooks of the installation in order of id, after `after`.
    fn all_webhooks(&mut self, after: Option<WebhookId>, limit: u32) -> StoreResult<Vec<Webhook>>;
    /// Switches a webhook off, or on again from a place on.
    fn switch_webhook(
        &mut self,
        id: WebhookId,
        disabled_at: Option<Timestamp>,
        told_to: Place,
        now: Timestamp,
    ) -> StoreResult<()>;
    /// Puts its kinds and its secret in the place of what it has.
    fn update_webhook(&mut self, webhook: &Webhook) -> StoreResult<()>;
    /// Removes a webhook with its deliveries; `false` when there is none.
    fn delete_webhook(&mut self, id: WebhookId) -> StoreResult<bool>;
    /// Moves `told_to` on; `false` when somebody was faster.
    fn advance_webhook(&mut self, id: WebhookId, from: Place, to: Place) -> StoreResult<bool>;
    /// Lets nothing be sent before `until`.
    fn pause_webhook(&mut self, id: WebhookId, until: Timestamp) -> StoreResult<()>;
    /// Webhooks that are on, are not paused, and have deliveries that are due.
    fn webhooks_due(&mut self, now: Timestamp) -> StoreResult<Vec<Webhook>>;
    /// Adds a delivery unless it is there.
    fn insert_delivery(&mut self, delivery: &Delivery) -> StoreResult<()>;
    /// Takes up to `limit` deliveries that are due, so that nobody else does before `lease`: counts the attempt.
    fn claim_deliveries(
        &mut self,
        webhook: WebhookId,
        now: Timestamp,
        lease: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<Delivery>>;
    /// Records how an attempt went; `false` when it is not the last one any more.
    fn settle_delivery(&mut self, delivery: &Delivery) -> StoreResult<bool>;
    /// Deliveries of a webhook in order of event, newest first, before `before`; only those given up if `dead`.
    fn deliveries(
        &mut self,
        webhook: WebhookId,
        dead: bool,
        before: Option<EventId>,
        limit: u32,
    ) -> StoreResult<Vec<(Delivery, Option<OutboxEvent>)>>;
    /// Has a delivery that ended, or every dead one, made anew; reports how many.
    fn replay_deliveries(&mut self, webhook: WebhookId, event: Option<EventId>, now: Timestamp) -> StoreResult<u64>;
    /// Removes up to `limit` deliveries from before `before` that have ended, and reports how many.
    fn sweep_deliveries(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    const NOW: Timestamp = Timestamp::from_seconds(1_614_265_330);

    fn delivery() -> Delivery {
        Delivery::new(WebhookId::mint(NOW, &OsEntropy), EventId::mint(NOW, &OsEntropy), NOW)
    }

    #[test]
    fn a_message_is_signed_as_others_sign_it() {
        let secret = WebhookSecret::parse(RawToken::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let id: EventId = "01a202e0-1fa1-7000-8000-2c64c09d2e7a".parse().unwrap();
        // By Python: b64encode(hmac.new(b64decode(secret), b"<id>.1614265330.{}", sha256).digest()).
        assert_eq!(secret.sign(id, NOW, "{}"), "v1,w1l9PFQqX4HJ22WppxjBP4by34aDXIdolb2Ffj27F6k=");
    }

    #[test]
    fn a_secret_has_its_form_and_its_strength() {
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqr", "whsec_not base64 at all"]
        {
            assert!(WebhookSecret::parse(RawToken::new(text)).is_err(), "{text}");
        }
        assert!(WebhookSecret::parse(RawToken::new(WebhookSecret::mint(&OsEntropy).text().expose())).is_ok());
    }

    #[test]
    fn attempts_are_made_ever_later_for_about_a_day_and_then_no_more() {
        let (mut delivery, mut now) = (delivery(), NOW);
        while delivery.ended_at.is_none() {
            now = delivery.due_at;
            delivery.attempts += 1;
            delivery.settle(Err("timeout"), now);
        }
        assert_eq!((delivery.attempts, delivery.state()), (9, DeliveryState::Dead));
        assert!((20..30).contains(&(now.since(NOW).as_secs() / 3600)));
    }

    #[test]
    fn what_is_taken_is_done_and_what_is_gone_is_dead_at_once() {
        for (status, state) in [
            (204, DeliveryState::Delivered),
            (410, DeliveryState::Dead),
            (302, DeliveryState::Pending),
            (500, DeliveryState::Pending),
        ] {
            let mut delivery = Delivery { attempts: 1, ..delivery() };
            delivery.settle(Ok(status), NOW);
            assert_eq!(delivery.state(), state, "{status}");
        }
    }
}
