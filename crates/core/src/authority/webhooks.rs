//! Webhooks of a project: made, listed, switched, removed; and what became of what they were told.

use std::sync::Arc;

use super::{Authority, Log};
use crate::{
    audit::Audit,
    caller::Permit,
    context::Ctx,
    entropy::Entropy,
    error::{AuthError, Noun, Rule},
    ids::{EventId, WebhookId},
    outbox::{EventKind, OutboxEvent},
    seal::Sealer,
    secret::RawToken,
    store::Tx,
    time::Timestamp,
    webhook::{Courier, Delivery, Webhook, WebhookSecret},
};

/// Webhooks that a project may have.
const MOST: usize = 20;
/// The longest address.
const LONGEST_URL: usize = 2048;
const REWRAP_STEP: u32 = 1000;

/// A webhook that is to be.
#[derive(Debug)]
pub struct WebhookRequest {
    /// Where it is.
    pub url: String,
    /// What it is told of; everything when empty.
    pub kinds: Vec<EventKind>,
    /// A secret from elsewhere; made by us when absent.
    pub secret: Option<RawToken>,
}

/// What to change about a webhook.
#[derive(Debug, Default)]
pub struct WebhookChange {
    /// What it is told of.
    pub kinds: Option<Vec<EventKind>>,
    /// What its requests are signed with.
    pub secret: Option<RawToken>,
    /// Whether it is told anything. Switched on again, it is told of what happens from then on.
    pub enabled: Option<bool>,
}

impl Authority {
    /// The same authority with somebody who makes requests to webhooks.
    #[must_use]
    pub fn with_courier(self, courier: Arc<dyn Courier>) -> Self {
        Self { courier: Some(courier), ..self }
    }

    pub(super) fn courier(&self) -> Result<&Arc<dyn Courier>, AuthError> {
        self.courier.as_ref().ok_or(AuthError::NotSupported("webhooks"))
    }

    /// Makes a webhook, which is told of what happens from now on, and returns it with its secret.
    pub async fn create_webhook(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        wanted: WebhookRequest,
    ) -> Result<(Webhook, WebhookSecret), AuthError> {
        if wanted.url.len() > LONGEST_URL {
            return Err(AuthError::invalid("url", Rule::TooLong(LONGEST_URL)));
        }
        self.courier()?.admit(&wanted.url).await?;
        let secret = match wanted.secret {
            Some(given) => WebhookSecret::parse(given)?,
            None => WebhookSecret::mint(self.entropy.as_ref()),
        };
        // So that nothing from before has its place after the beginning.
        let told_to = self.place_events().await?.placed;
        let (permit, now) = (permit.clone(), ctx.now);
        let id = WebhookId::mint(now, self.entropy.as_ref());
        let sealed = secret.text().expose().as_bytes();
        let webhook = Webhook {
            id,
            project: permit.project(),
            url: wanted.url,
            kinds: sorted(wanted.kinds),
            secret: self.sealer.seal(sealed, &Webhook::seal_context(id), self.entropy.as_ref()),
            told_to,
            paused_until: Timestamp::default(),
            disabled_at: None,
            created_at: now,
            updated_at: now,
        };
        let made = webhook.clone();
        self.commit(ctx, move |tx, log| {
            // Held, so that of two who make the last one makes it.
            tx.project_to_change(permit.project())?.ok_or(AuthError::NotFound(Noun::Project))?;
            if tx.webhooks(permit.project())?.len() >= MOST {
                return Err(AuthError::invalid("webhook", Rule::TooMany(MOST as u64)));
            }
            tx.insert_webhook(&webhook)?;
            record(log, &permit, "webhook.created", id);
            Ok(())
        })
        .await?;
        Ok((made, secret))
    }

    /// The webhooks of the permit's project.
    pub async fn webhooks(&self, permit: &Permit) -> Result<Vec<Webhook>, AuthError> {
        let project = permit.project();
        self.store.read(move |tx| Ok(tx.webhooks(project)?)).await
    }

    /// Changes a webhook.
    pub async fn change_webhook(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: WebhookId,
        change: WebhookChange,
    ) -> Result<Webhook, AuthError> {
        let secret = change.secret.map(WebhookSecret::parse).transpose()?.map(|secret| {
            let bytes = secret.text().expose().as_bytes();
            self.sealer.seal(bytes, &Webhook::seal_context(id), self.entropy.as_ref())
        });
        let placed = self.place_events().await?.placed;
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let mut webhook = own(tx, &permit, id)?;
            webhook.kinds = change.kinds.map_or(webhook.kinds, sorted);
            webhook.secret = secret.unwrap_or(webhook.secret);
            webhook.updated_at = now;
            tx.update_webhook(&webhook)?;
            match (change.enabled, webhook.disabled_at) {
                (Some(true), Some(_)) => {
                    (webhook.disabled_at, webhook.told_to) = (None, placed);
                    tx.switch_webhook(id, None, placed, now)?;
                }
                (Some(false), None) => {
                    webhook.disabled_at = Some(now);
                    tx.switch_webhook(id, Some(now), webhook.told_to, now)?;
                }
                _ => {}
            }
            record(log, &permit, "webhook.changed", id);
            Ok(webhook)
        })
        .await
    }

    /// Whether a webhook's secret is this one.
    pub fn webhook_secret_is(&self, webhook: &Webhook, secret: &RawToken) -> Result<bool, AuthError> {
        let plain = self.sealer.open(&webhook.secret, &Webhook::seal_context(webhook.id))?;
        Ok(subtle::ConstantTimeEq::ct_eq(&plain[..], secret.expose().as_bytes()).into())
    }

    /// Removes a webhook with everything that it was still to be told.
    pub async fn delete_webhook(&self, ctx: &Ctx, permit: &Permit, id: WebhookId) -> Result<(), AuthError> {
        let permit = permit.clone();
        self.commit(ctx, move |tx, log| {
            own(tx, &permit, id)?;
            tx.delete_webhook(id)?;
            record(log, &permit, "webhook.deleted", id);
            Ok(())
        })
        .await
    }

    /// What a webhook was told, newest first, before `before`; only what was given up if `dead`.
    pub async fn deliveries(
        &self,
        permit: &Permit,
        id: WebhookId,
        dead: bool,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(Delivery, Option<OutboxEvent>)>, AuthError> {
        let permit = permit.clone();
        self.store
            .read(move |tx| {
                own(tx, &permit, id)?;
                Ok(tx.deliveries(id, dead, before, limit)?)
            })
            .await
    }

    /// Has an event that was delivered or given up told again, or all that were given up; reports how many.
    pub async fn replay_deliveries(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        id: WebhookId,
        event: Option<EventId>,
    ) -> Result<u64, AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            own(tx, &permit, id)?;
            let count = tx.replay_deliveries(id, event, now)?;
            if event.is_some() && count == 0 {
                return Err(AuthError::NotFound(Noun::Delivery));
            }
            // Whoever replays says that the server is well again.
            tx.pause_webhook(id, Timestamp::default())?;
            record(log, &permit, "webhook.replayed", id);
            Ok(count)
        })
        .await
    }
}

/// Each once, in a fixed order.
fn sorted(mut kinds: Vec<EventKind>) -> Vec<EventKind> {
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// A webhook of the permit's project; another one's is as good as none.
fn own(tx: &mut dyn Tx, permit: &Permit, id: WebhookId) -> Result<Webhook, AuthError> {
    tx.webhook(id)?.filter(|found| found.project == permit.project()).ok_or(AuthError::NotFound(Noun::Webhook))
}

fn record(log: &mut Log, permit: &Permit, action: &'static str, id: WebhookId) {
    log.record(Audit::new(permit.project(), permit.actor(), action, &format_args!("webhook:{id}")));
}

/// Seals every secret anew.
pub(super) fn rewrap_webhooks(tx: &mut dyn Tx, sealer: &Sealer, entropy: &dyn Entropy) -> Result<usize, AuthError> {
    let (mut after, mut done) = (None, 0);
    loop {
        let page = tx.all_webhooks(after, REWRAP_STEP)?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some(last.id);
        for webhook in page {
            let secret = sealer.rewrap(&webhook.secret, &Webhook::seal_context(webhook.id), entropy)?;
            tx.update_webhook(&Webhook { secret, ..webhook })?;
            done += 1;
        }
    }
}
