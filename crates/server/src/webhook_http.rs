//! Requests to webhooks: made by the same careful client as questions to identity providers, and by what delivers.
//!
//! Addresses come from projects, whose administrators are not the operator of this machine: no private address unless the
//! configuration says so, no redirect, and the address that is connected to is the one that was judged (ATTACKS N92).

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{
    Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue},
};
use ringfence_core::{
    authority::{Authority, Taken},
    error::{AuthError, Rule},
    ids::WebhookId,
    webhook::{Courier, DeliveryState, WebhookCall},
};
use ringfence_wire::Feed;
use tokio::task::JoinSet;

use crate::federation_http::{Outgoing, Reach, is_within, leads_astray};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often to look for deliveries that are due again.
const LOOK: Duration = Duration::from_secs(1);
/// Requests at once to one webhook, so that one that answers slowly holds up nobody else.
const ABREAST: usize = 4;
/// Requests at once.
const IN_ALL: usize = 64;

/// Makes requests to webhooks.
pub struct HttpCourier {
    outgoing: Outgoing,
    reach: Reach,
}

impl HttpCourier {
    /// One that reaches private networks, too, if `private_addresses`.
    pub fn new(private_addresses: bool) -> Self {
        Self { outgoing: Outgoing::with_timeout(PATIENCE), reach: Reach::of(private_addresses) }
    }
}

#[async_trait]
impl Courier for HttpCourier {
    async fn admit(&self, url: &str) -> Result<(), AuthError> {
        let malformed = || AuthError::invalid("url", Rule::Malformed);
        let url = Url::parse(url).map_err(|_| malformed())?;
        let good = is_within(&url, self.reach) && url.fragment().is_none();
        if good && !leads_astray(&url, self.reach).await { Ok(()) } else { Err(malformed()) }
    }

    async fn deliver(&self, call: &WebhookCall) -> Result<u16, &'static str> {
        let url = Url::parse(&call.url).map_err(|_| "out_of_reach")?;
        let headers = headers(call).map_err(|_| "out_of_reach")?;
        self.outgoing.tell(url, self.reach, headers, call.body.clone()).await
    }
}

/// As Standard Webhooks 1.0 has them.
fn headers(call: &WebhookCall) -> Result<HeaderMap, InvalidHeaderValue> {
    let named = [
        (HeaderName::from_static("webhook-id"), call.id.to_string()),
        (HeaderName::from_static("webhook-timestamp"), call.at.seconds().to_string()),
        (HeaderName::from_static("webhook-signature"), call.signature.clone()),
    ];
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in named {
        headers.insert(name, HeaderValue::from_str(&value)?);
    }
    Ok(headers)
}

/// Delivers what is due, until it is dropped: what is under way then is made again when its lease is over.
pub async fn deliver(authority: Arc<Authority>, feed: Arc<Feed>) {
    let clock = Arc::clone(authority.clock());
    let mut rising = feed.rising();
    let mut busy: HashMap<WebhookId, usize> = HashMap::new();
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            risen = rising.next() => if !risen { return },
            () = clock.sleep_until(clock.now() + LOOK) => {}
            Some(done) = running.join_next() => {
                if let Ok(webhook) = done {
                    leave(&mut busy, webhook);
                }
            }
        }
        while let Some(done) = running.try_join_next() {
            if let Ok(webhook) = done {
                leave(&mut busy, webhook);
            }
        }
        if let Err(cause) = take(&authority, &mut busy, &mut running).await {
            tracing::warn!(code = cause.code(), error = &cause as &dyn std::error::Error, "webhooks are not served");
        }
    }
}

fn leave(busy: &mut HashMap<WebhookId, usize>, webhook: WebhookId) {
    if let Some(count) = busy.get_mut(&webhook) {
        *count -= 1;
        if *count == 0 {
            busy.remove(&webhook);
        }
    }
}

/// Takes what is due as far as there is room, and has it delivered.
async fn take(
    authority: &Arc<Authority>,
    busy: &mut HashMap<WebhookId, usize>,
    running: &mut JoinSet<WebhookId>,
) -> Result<(), AuthError> {
    if !authority.outbox_state().await?.webhooks {
        return Ok(());
    }
    for id in authority.due_webhooks().await? {
        let room = ABREAST.saturating_sub(busy.get(&id).copied().unwrap_or_default()).min(IN_ALL - running.len());
        let Ok(room @ 1..) = u32::try_from(room) else { continue };
        for taken in authority.take_deliveries(id, room).await? {
            *busy.entry(id).or_default() += 1;
            running.spawn(make(Arc::clone(authority), id, taken));
        }
    }
    Ok(())
}

async fn make(authority: Arc<Authority>, id: WebhookId, taken: Taken) -> WebhookId {
    match authority.deliver(taken).await {
        Ok(delivery) => {
            let (state, attempts) = (delivery.state().as_str(), delivery.attempts);
            metrics::counter!("ringfence_webhook_attempts_total", "state" => state).increment(1);
            if delivery.state() == DeliveryState::Dead {
                tracing::warn!(webhook = %id, event = %delivery.event, attempts, "a webhook was not told and is given up");
            }
        }
        Err(cause) => tracing::warn!(code = cause.code(), webhook = %id, "a delivery was not settled"),
    }
    id
}
