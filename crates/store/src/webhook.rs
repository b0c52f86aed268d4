//! Webhooks and what they are told: deliveries made, taken, settled, replayed, swept.

use ringfence_core::{
    ids::{EventId, ProjectId, WebhookId},
    outbox::{EventKind, OutboxEvent, Place},
    seal::Sealed,
    store::StoreResult,
    time::Timestamp,
    webhook::{Delivery, Webhook, WebhookStore},
};

use crate::{
    outbox::{event, outbox_columns},
    row::{Row, after},
    sql::{backend, values},
    tx::SqlTx,
};

macro_rules! webhook_columns {
    () => {
        "webhook.id, webhook.project_id, webhook.url, webhook.kinds, webhook.secret, webhook.told_to, \
         webhook.paused_until, webhook.disabled_at, webhook.created_at, webhook.updated_at"
    };
}

macro_rules! delivery_columns {
    () => {
        "webhook_delivery.webhook_id, webhook_delivery.event_id, webhook_delivery.attempts, webhook_delivery.due_at, \
         webhook_delivery.status, webhook_delivery.failure, webhook_delivery.ended_at, webhook_delivery.created_at"
    };
}

fn webhook(row: &mut Row) -> StoreResult<Webhook> {
    Ok(Webhook {
        id: row.id()?,
        project: row.id()?,
        url: row.text()?,
        kinds: kinds(&row.text()?)?,
        secret: Sealed::stored(row.text()?),
        told_to: Place(row.int()?),
        paused_until: row.time()?,
        disabled_at: row.opt_time()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

fn kinds(text: &str) -> StoreResult<Vec<EventKind>> {
    let parse = |word| EventKind::parse(word).ok_or_else(|| backend("a webhook wants a kind that there is not"));
    text.split_ascii_whitespace().map(parse).collect()
}

fn words(kinds: &[EventKind]) -> String {
    kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" ")
}

fn delivery(row: &mut Row) -> StoreResult<Delivery> {
    Ok(Delivery {
        webhook: row.id()?,
        event: row.id()?,
        attempts: row.count()?,
        due_at: row.time()?,
        status: row.opt_int()?.and_then(|status| u16::try_from(status).ok()),
        failure: row.opt_text()?,
        ended_at: row.opt_time()?,
        created_at: row.time()?,
    })
}

fn with_event(row: &mut Row) -> StoreResult<(Delivery, Option<OutboxEvent>)> {
    let delivery = delivery(row)?;
    let there = row.int()? > 0;
    Ok((delivery, if there { Some(event(row)?) } else { None }))
}

impl WebhookStore for SqlTx<'_> {
    fn insert_webhook(&mut self, webhook: &Webhook) -> StoreResult<()> {
        self.later(
            "INSERT INTO webhook (id, project_id, url, kinds, secret, told_to, paused_until, disabled_at, created_at,
                 updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            values![
                webhook.id,
                webhook.project,
                &webhook.url,
                &words(&webhook.kinds),
                &webhook.secret,
                webhook.told_to.0,
                webhook.paused_until,
                webhook.disabled_at,
                webhook.created_at,
                webhook.updated_at
            ],
        )
    }

    fn webhook(&mut self, id: WebhookId) -> StoreResult<Option<Webhook>> {
        self.one(concat!("SELECT ", webhook_columns!(), " FROM webhook WHERE id = $1"), values![id], webhook)
    }

    fn webhooks(&mut self, project: ProjectId) -> StoreResult<Vec<Webhook>> {
        self.all(
            concat!("SELECT ", webhook_columns!(), " FROM webhook WHERE project_id = $1 ORDER BY id"),
            values![project],
            webhook,
        )
    }

    fn all_webhooks(&mut self, after_id: Option<WebhookId>, limit: u32) -> StoreResult<Vec<Webhook>> {
        self.all(
            concat!("SELECT ", webhook_columns!(), " FROM webhook WHERE id > $1 ORDER BY id LIMIT $2"),
            values![after(after_id), limit],
            webhook,
        )
    }

    fn switch_webhook(
        &mut self,
        id: WebhookId,
        disabled_at: Option<Timestamp>,
        told_to: Place,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.later(
            "UPDATE webhook SET disabled_at = $1, told_to = $2, paused_until = 0, updated_at = $3 WHERE id = $4",
            values![disabled_at, told_to.0, now, id],
        )
    }

    fn update_webhook(&mut self, webhook: &Webhook) -> StoreResult<()> {
        self.later(
            "UPDATE webhook SET kinds = $1, secret = $2, updated_at = $3 WHERE id = $4",
            values![&words(&webhook.kinds), &webhook.secret, webhook.updated_at, webhook.id],
        )
    }

    fn delete_webhook(&mut self, id: WebhookId) -> StoreResult<bool> {
        self.changed("DELETE FROM webhook WHERE id = $1", values![id])
    }

    fn advance_webhook(&mut self, id: WebhookId, from: Place, to: Place) -> StoreResult<bool> {
        self.changed(
            "UPDATE webhook SET told_to = $1 WHERE id = $2 AND told_to = $3 AND disabled_at IS NULL",
            values![to.0, id, from.0],
        )
    }

    fn pause_webhook(&mut self, id: WebhookId, until: Timestamp) -> StoreResult<()> {
        self.later("UPDATE webhook SET paused_until = $1 WHERE id = $2", values![until, id])
    }

    fn webhooks_due(&mut self, now: Timestamp) -> StoreResult<Vec<Webhook>> {
        self.all(
            concat!(
                "SELECT ",
                webhook_columns!(),
                " FROM webhook WHERE disabled_at IS NULL AND paused_until <= $1 AND EXISTS (
                     SELECT 1 FROM webhook_delivery AS delivery
                     WHERE delivery.webhook_id = webhook.id AND delivery.ended_at IS NULL AND delivery.due_at <= $1)
                 ORDER BY id"
            ),
            values![now],
            webhook,
        )
    }

    fn insert_delivery(&mut self, delivery: &Delivery) -> StoreResult<()> {
        self.later(
            "INSERT INTO webhook_delivery (webhook_id, event_id, attempts, due_at, created_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (webhook_id, event_id) DO NOTHING",
            values![delivery.webhook, delivery.event, delivery.attempts, delivery.due_at, delivery.created_at],
        )
    }

    fn claim_deliveries(
        &mut self,
        webhook: WebhookId,
        now: Timestamp,
        lease: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<Delivery>> {
        // The condition twice: on PostgreSQL the outer one is asked again of a row that somebody else took meanwhile.
        self.all(
            concat!(
                "UPDATE webhook_delivery SET attempts = attempts + 1, due_at = $1
                 WHERE webhook_id = $2 AND ended_at IS NULL AND due_at <= $3 AND event_id IN (
                     SELECT event_id FROM webhook_delivery
                     WHERE webhook_id = $2 AND ended_at IS NULL AND due_at <= $3 ORDER BY event_id LIMIT $4)
                 RETURNING ",
                delivery_columns!()
            ),
            values![lease, webhook, now, limit],
            delivery,
        )
    }

    fn settle_delivery(&mut self, delivery: &Delivery) -> StoreResult<bool> {
        self.changed(
            "UPDATE webhook_delivery SET due_at = $1, status = $2, failure = $3, ended_at = $4
             WHERE webhook_id = $5 AND event_id = $6 AND attempts = $7 AND ended_at IS NULL",
            values![
                delivery.due_at,
                delivery.status.map(i64::from),
                delivery.failure.as_deref(),
                delivery.ended_at,
                delivery.webhook,
                delivery.event,
                delivery.attempts
            ],
        )
    }

    fn deliveries(
        &mut self,
        webhook: WebhookId,
        dead: bool,
        before: Option<EventId>,
        limit: u32,
    ) -> StoreResult<Vec<(Delivery, Option<OutboxEvent>)>> {
        // Above every id in text.
        let before = before.map_or_else(|| "g".to_owned(), |before| before.to_string());
        self.all(
            concat!(
                "SELECT ",
                delivery_columns!(),
                ", CASE WHEN outbox.id IS NULL THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END, ",
                outbox_columns!(),
                " FROM webhook_delivery LEFT JOIN outbox ON outbox.id = webhook_delivery.event_id
                  WHERE webhook_id = $1 AND event_id < $2 AND (CAST($3 AS BIGINT) = 0 OR (ended_at IS NOT NULL AND failure IS NOT NULL))
                  ORDER BY event_id DESC LIMIT $4"
            ),
            values![webhook, &before, i64::from(dead), limit],
            with_event,
        )
    }

    fn replay_deliveries(&mut self, webhook: WebhookId, event: Option<EventId>, now: Timestamp) -> StoreResult<u64> {
        match event {
            Some(event) => self.execute(
                "UPDATE webhook_delivery SET attempts = 0, due_at = $1, ended_at = NULL, failure = NULL, status = NULL
                 WHERE webhook_id = $2 AND event_id = $3 AND ended_at IS NOT NULL",
                values![now, webhook, event],
            ),
            None => self.execute(
                "UPDATE webhook_delivery SET attempts = 0, due_at = $1, ended_at = NULL, failure = NULL, status = NULL
                 WHERE webhook_id = $2 AND ended_at IS NOT NULL AND failure IS NOT NULL",
                values![now, webhook],
            ),
        }
    }

    fn sweep_deliveries(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        self.execute(
            "DELETE FROM webhook_delivery WHERE (webhook_id, event_id) IN (
                 SELECT webhook_id, event_id FROM webhook_delivery
                 WHERE created_at < $1 AND ended_at IS NOT NULL ORDER BY created_at LIMIT $2)",
            values![before, limit],
        )
    }
}
