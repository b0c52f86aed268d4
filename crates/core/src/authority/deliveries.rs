//! What webhooks are told: events become deliveries, deliveries are taken, made and settled.

use std::time::Duration;

use serde_json::json;

use super::Authority;
use crate::{
    error::AuthError,
    ids::WebhookId,
    outbox::OutboxEvent,
    secret::RawToken,
    time::Timestamp,
    webhook::{Delivery, Webhook, WebhookCall, WebhookSecret},
};

/// Webhooks looked at at once.
const WEBHOOKS: u32 = 1000;
/// Events that become deliveries in one transaction.
const EVENTS: u32 = 500;
/// Whoever took a delivery has so long to settle it. Longer than a request may take.
const LEASE: Duration = Duration::from_mins(1);
/// Deliveries that ended stay this long for whoever asks, and can be replayed.
const KEPT: Duration = Duration::from_hours(24 * 7);
const SWEEP_STEP: u32 = 1000;

/// A delivery that this node has taken.
#[derive(Debug)]
pub struct Taken {
    webhook: Webhook,
    delivery: Delivery,
    /// What is to be told; gone when it was kept for too short a time.
    event: Option<OutboxEvent>,
}

impl Authority {
    /// Makes deliveries of events that were placed and returns the webhooks that have some due. Several nodes may try; one
    /// makes each.
    pub async fn due_webhooks(&self) -> Result<Vec<WebhookId>, AuthError> {
        let mut after = None;
        loop {
            let page = self.store.read(move |tx| Ok(tx.all_webhooks(after, WEBHOOKS)?)).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for webhook in page.into_iter().filter(|webhook| webhook.disabled_at.is_none()) {
                self.make_deliveries(webhook).await?;
            }
        }
        let now = self.clock.now();
        self.store.read(move |tx| Ok(tx.webhooks_due(now)?.into_iter().map(|webhook| webhook.id).collect())).await
    }

    async fn make_deliveries(&self, webhook: Webhook) -> Result<(), AuthError> {
        let (id, project, now) = (webhook.id, webhook.project, self.clock.now());
        let mut from = webhook.told_to;
        loop {
            let found =
                self.store.read(move |tx| Ok(tx.events_after(project, from, Timestamp::default(), EVENTS)?)).await?;
            let Some((to, _)) = found.last() else { return Ok(()) };
            let to = *to;
            let wanted = found.into_iter().map(|(_, event)| event).filter(|event| webhook.wants(event.kind));
            let deliveries: Vec<_> = wanted.map(|event| Delivery::new(id, event.id, now)).collect();
            let first = self.store.write(move |tx| {
                if !tx.advance_webhook(id, from, to)? {
                    return Ok(false);
                }
                for delivery in &deliveries {
                    tx.insert_delivery(delivery)?;
                }
                Ok(true)
            });
            if !first.await? {
                return Ok(());
            }
            from = to;
        }
    }

    /// Takes up to `limit` due deliveries of a webhook, so that no other node makes them meanwhile.
    pub async fn take_deliveries(&self, id: WebhookId, limit: u32) -> Result<Vec<Taken>, AuthError> {
        let now = self.clock.now();
        self.store
            .write(move |tx| {
                let Some(webhook) = tx.webhook(id)? else { return Ok(Vec::new()) };
                let mut taken = Vec::new();
                for delivery in tx.claim_deliveries(id, now, now + LEASE, limit)? {
                    let event = tx.event(delivery.event)?;
                    taken.push(Taken { webhook: webhook.clone(), delivery, event });
                }
                Ok(taken)
            })
            .await
    }

    /// Makes a delivery that was taken and records how it went, which is returned.
    pub async fn deliver(&self, taken: Taken) -> Result<Delivery, AuthError> {
        let Taken { webhook, mut delivery, event } = taken;
        if let Some(event) = event {
            let call = self.webhook_call(&webhook, &event).await?;
            let outcome = self.courier()?.deliver(&call).await;
            delivery.settle(outcome, self.clock.now());
        } else {
            delivery.failure = Some("forgotten".to_owned());
            delivery.ended_at = Some(self.clock.now());
        }
        let (settled, paused) = (delivery.clone(), delivery.pause(self.clock.now()));
        self.store
            .write(move |tx| {
                // Somebody else may have taken it after our lease; then theirs counts.
                if tx.settle_delivery(&settled)? && paused != webhook.paused_until {
                    tx.pause_webhook(webhook.id, paused)?;
                }
                Ok(())
            })
            .await?;
        Ok(delivery)
    }

    async fn webhook_call(&self, webhook: &Webhook, event: &OutboxEvent) -> Result<WebhookCall, AuthError> {
        let token = self.mint_event(&self.own_context("webhook"), event).await?;
        let plain = self.sealer.open(&webhook.secret, &Webhook::seal_context(webhook.id))?;
        let text = std::str::from_utf8(&plain).map_err(AuthError::internal)?;
        let secret = WebhookSecret::parse(RawToken::new(text))?;
        let timestamp = event.occurred_at.rfc3339();
        let body = json!({
            "type": event.kind.as_str(),
            "timestamp": timestamp,
            "data": { "set": token.expose() },
        });
        let (body, at) = (body.to_string(), self.clock.now());
        let signature = secret.sign(event.id, at, &body);
        Ok(WebhookCall { url: webhook.url.clone(), id: event.id, at, signature, body })
    }

    /// Removes deliveries that ended a while ago.
    pub(super) async fn sweep_deliveries(&self) -> Result<u64, AuthError> {
        let before = self.clock.now() - KEPT;
        let mut swept = 0;
        loop {
            let step = self.store.write(move |tx| Ok(tx.sweep_deliveries(before, SWEEP_STEP)?)).await?;
            swept += step;
            if step < u64::from(SWEEP_STEP) {
                return Ok(swept);
            }
        }
    }
}
