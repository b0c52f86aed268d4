//! `webhook`: servers that are told of security events, and what became of it.

use anyhow::{Context as _, Result};
use ringfence_core::{
    authority::WebhookRequest,
    caller::{Permit, Scope},
    error::Noun,
    ids::WebhookId,
    outbox::OutboxEvent,
    time::Timestamp,
    webhook::{Delivery, Webhook},
};
use serde_json::{Value, json};

use crate::{
    admin::{Admin, id},
    cli,
    exit::explain,
    output::{fields, plain, table},
    provision::event_kinds,
};

/// Runs one of them.
pub async fn run(admin: &Admin, command: &cli::Webhook) -> Result<()> {
    match command {
        cli::Webhook::List(of) => {
            let permit = admin.permit(&of.project, Scope::ProjectsRead).await?;
            list(admin, &admin.authority().webhooks(&permit).await.map_err(explain)?)
        }
        cli::Webhook::Create { of, url, events } => {
            let permit = admin.permit(&of.project, Scope::ProjectsWrite).await?;
            let request = WebhookRequest { url: url.clone(), kinds: event_kinds(events)?, secret: None };
            let made = admin.authority().create_webhook(&admin.ctx(), &permit, request).await;
            let (webhook, secret) = made.map_err(explain).with_context(|| {
                format!("webhook {url}: HTTPS, and an address of the world unless webhooks.private_addresses is on")
            })?;
            let mut view = view(&webhook);
            view["secret"] = secret.text().expose().into();
            admin.show(&view, || format!("{}\nThe secret is not shown again.", fields(&view)))
        }
        cli::Webhook::Delete { of, id } => {
            let (permit, webhook) = named(admin, of, id, Scope::ProjectsWrite).await?;
            let deleted = admin.authority().delete_webhook(&admin.ctx(), &permit, webhook).await;
            deleted.map_err(explain).with_context(|| format!("webhook {id}"))?;
            admin.show(&json!({ "id": id, "deleted": true }), || format!("Deleted {id}."))
        }
        cli::Webhook::Deliveries { of, id, dead, limit } => {
            let (permit, webhook) = named(admin, of, id, Scope::ProjectsRead).await?;
            let found = admin.authority().deliveries(&permit, webhook, *dead, None, *limit).await;
            deliveries(admin, &found.map_err(explain).with_context(|| format!("webhook {id}"))?)
        }
        cli::Webhook::Replay { of, id, event } => replay(admin, of, id, event.as_deref()).await,
    }
}

async fn named(admin: &Admin, of: &cli::In, text: &str, needs: Scope) -> Result<(Permit, WebhookId)> {
    Ok((admin.permit(&of.project, needs).await?, id(text, Noun::Webhook)?))
}

async fn replay(admin: &Admin, of: &cli::In, text: &str, event: Option<&str>) -> Result<()> {
    let (permit, webhook) = named(admin, of, text, Scope::ProjectsWrite).await?;
    let event = event.map(|event| id(event, Noun::Delivery)).transpose()?;
    let replayed = admin.authority().replay_deliveries(&admin.ctx(), &permit, webhook, event).await;
    let count = replayed.map_err(explain).with_context(|| format!("webhook {text}"))?;
    admin.show(&json!({ "id": text, "replayed": count }), || format!("{count} will be told again."))
}

fn view(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id.to_string(),
        "url": webhook.url,
        "events": webhook.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "created_at": webhook.created_at.rfc3339(),
        "disabled_at": webhook.disabled_at.map(Timestamp::rfc3339),
    })
}

fn list(admin: &Admin, found: &[Webhook]) -> Result<()> {
    let views: Vec<_> = found.iter().map(view).collect();
    let row = |view: &Value| ["id", "url", "events", "disabled_at"].map(|name| plain(&view[name])).to_vec();
    let rows: Vec<_> = views.iter().map(row).collect();
    admin.show(&views.into(), || table(&["id", "url", "events", "disabled"], &rows))
}

fn deliveries(admin: &Admin, found: &[(Delivery, Option<OutboxEvent>)]) -> Result<()> {
    let view = |(delivery, event): &(Delivery, Option<OutboxEvent>)| {
        json!({
            "event": delivery.event.to_string(),
            "kind": event.as_ref().map(|event| event.kind.as_str()),
            "state": delivery.state().as_str(),
            "attempts": delivery.attempts,
            "status": delivery.status,
            "failure": delivery.failure,
            "created_at": delivery.created_at.rfc3339(),
            "ended_at": delivery.ended_at.map(Timestamp::rfc3339),
        })
    };
    let views: Vec<_> = found.iter().map(view).collect();
    let columns = ["event", "kind", "state", "attempts", "status", "failure", "created_at"];
    let rows: Vec<_> = views.iter().map(|view| columns.map(|name| plain(&view[name])).to_vec()).collect();
    admin.show(&views.into(), || table(&columns, &rows))
}
