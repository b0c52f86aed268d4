//! Webhooks: servers that are told of security events by a request of ours, and what they were told.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{
    authority::{WebhookChange, WebhookRequest},
    error::Noun,
    ids::{EventId, WebhookId},
    outbox::{EventKind, OutboxEvent},
    secret::RawToken,
    time::Timestamp,
    webhook::{Delivery, DeliveryState, Webhook},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    native::{
        body::Json,
        caller::{Admin, ProjectsRead, ProjectsWrite},
        input::{Asked, Listing, Named, Page, id},
        problem::Problem,
    },
};

/// A webhook.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct WebhookItem {
    /// Its id.
    id: String,
    /// Where it is.
    url: String,
    /// What it is told of; everything when empty.
    events: Vec<&'static str>,
    /// What its requests are signed with (Standard Webhooks), if it was made just now. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Whether it is told anything.
    enabled: bool,
    /// After a failure, when it is tried again.
    #[schema(format = DateTime)]
    paused_until: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl WebhookItem {
    fn of(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id.to_string(),
            url: webhook.url.clone(),
            events: webhook.kinds.iter().map(|kind| kind.as_str()).collect(),
            secret: None,
            enabled: webhook.disabled_at.is_none(),
            paused_until: (webhook.paused_until > Timestamp::default()).then(|| webhook.paused_until.rfc3339()),
            created_at: webhook.created_at.rfc3339(),
        }
    }
}

/// The project's webhooks.
#[utoipa::path(
    get, path = "/admin/webhooks", tag = "administration",
    security(("bearer" = ["projects:read"])),
    responses((status = 200, description = "All of them", body = Listing<WebhookItem>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    admin: Admin<ProjectsRead>,
) -> Result<axum::Json<Listing<WebhookItem>>, Problem> {
    let found = app.authority.webhooks(&admin.permit).await?;
    Ok(axum::Json(Listing::whole(found.iter().map(WebhookItem::of).collect())))
}

/// A webhook that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct NewWebhook {
    /// Where it is: HTTPS, and not in a private network unless the operator allows that.
    url: String,
    /// What it is told of, such as `session-revoked`; everything when empty or absent.
    #[serde(default)]
    events: Vec<String>,
    /// What its requests are signed with, `whsec_` and 24 to 64 bytes in base64; made here when absent.
    secret: Option<String>,
}

/// Makes a webhook, which is told of what happens from now on.
#[utoipa::path(
    post, path = "/admin/webhooks", tag = "administration",
    request_body = NewWebhook,
    security(("bearer" = ["projects:write"])),
    responses((status = 201, description = "Made", body = WebhookItem)),
)]
pub(in crate::native) async fn create(
    State(app): State<App>,
    admin: Admin<ProjectsWrite>,
    Json(wanted): Json<NewWebhook>,
) -> Result<(StatusCode, axum::Json<WebhookItem>), Problem> {
    let secret = wanted.secret.map(RawToken::new);
    let request = WebhookRequest { url: wanted.url, kinds: kinds(&wanted.events)?, secret };
    let (made, secret) = app.authority.create_webhook(&admin.ctx, &admin.permit, request).await?;
    let item = WebhookItem { secret: Some(secret.text().expose().to_owned()), ..WebhookItem::of(&made) };
    Ok((StatusCode::CREATED, axum::Json(item)))
}

fn kinds(events: &[String]) -> Result<Vec<EventKind>, Problem> {
    events.iter().map(|event| EventKind::parse(event).ok_or_else(|| Problem::malformed("events"))).collect()
}

/// What to change about a webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct ChangedWebhook {
    /// What it is told of; everything when empty.
    events: Option<Vec<String>>,
    /// Whether it is told anything. Switched on again, it is told of what happens from then on.
    enabled: Option<bool>,
}

/// Changes a webhook.
#[utoipa::path(
    patch, path = "/admin/webhooks/{webhook}", tag = "administration",
    params(("webhook" = String, Path, description = "Its id")),
    request_body = ChangedWebhook,
    security(("bearer" = ["projects:write"])),
    responses((status = 200, description = "As it is now", body = WebhookItem)),
)]
pub(in crate::native) async fn change(
    State(app): State<App>,
    admin: Admin<ProjectsWrite>,
    Named(webhook): Named<String>,
    Json(wanted): Json<ChangedWebhook>,
) -> Result<axum::Json<WebhookItem>, Problem> {
    let kinds = wanted.events.map(|events| kinds(&events)).transpose()?;
    let change = WebhookChange { kinds, secret: None, enabled: wanted.enabled };
    let changed = app.authority.change_webhook(&admin.ctx, &admin.permit, named(&webhook)?, change).await?;
    Ok(axum::Json(WebhookItem::of(&changed)))
}

/// Removes a webhook, with everything that it was still to be told.
#[utoipa::path(
    delete, path = "/admin/webhooks/{webhook}", tag = "administration",
    params(("webhook" = String, Path, description = "Its id")),
    security(("bearer" = ["projects:write"])),
    responses((status = 204, description = "Removed")),
)]
pub(in crate::native) async fn remove(
    State(app): State<App>,
    admin: Admin<ProjectsWrite>,
    Named(webhook): Named<String>,
) -> Result<StatusCode, Problem> {
    app.authority.delete_webhook(&admin.ctx, &admin.permit, named(&webhook)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn named(webhook: &str) -> Result<WebhookId, Problem> {
    Ok(id(webhook, Noun::Webhook)?)
}

/// An event for a webhook.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct DeliveryItem {
    /// The event, the `webhook-id` of its requests and the `jti` of its token.
    event: String,
    /// What happened, unless the event is not kept any more.
    kind: Option<&'static str>,
    /// Whether it is `pending`, `delivered` or `dead`: given up.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// When it is tried next, if it is pending.
    #[schema(format = DateTime)]
    due_at: Option<String>,
    /// The status of the last answer.
    status: Option<u16>,
    /// Why the last attempt failed: `refused`, `redirected`, `timeout`, `no_answer`, `out_of_reach`, `forgotten`.
    failure: Option<String>,
    /// When it was delivered or given up.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl DeliveryItem {
    fn of((delivery, event): (Delivery, Option<OutboxEvent>)) -> Self {
        let state = delivery.state();
        Self {
            event: delivery.event.to_string(),
            kind: event.map(|event| event.kind.as_str()),
            state: state.as_str(),
            attempts: delivery.attempts,
            due_at: (state == DeliveryState::Pending).then(|| delivery.due_at.rfc3339()),
            status: delivery.status,
            failure: delivery.failure,
            ended_at: delivery.ended_at.map(Timestamp::rfc3339),
            created_at: delivery.created_at.rfc3339(),
        }
    }
}

/// Which deliveries to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::native) struct Which {
    /// Only those that were given up.
    dead: Option<bool>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items on a page, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// What a webhook was told, newest first. Deliveries that have ended are kept for a week.
#[utoipa::path(
    get, path = "/admin/webhooks/{webhook}/deliveries", tag = "administration",
    params(("webhook" = String, Path, description = "Its id"), Which),
    security(("bearer" = ["projects:read"])),
    responses((status = 200, description = "A page", body = Listing<DeliveryItem>)),
)]
pub(in crate::native) async fn deliveries(
    State(app): State<App>,
    admin: Admin<ProjectsRead>,
    Named(webhook): Named<String>,
    Asked(which): Asked<Which>,
) -> Result<axum::Json<Listing<DeliveryItem>>, Problem> {
    let (dead, page) = (which.dead.unwrap_or(false), Page::new(which.after, which.limit));
    let list = admin.list(&format!("deliveries:{webhook}:{dead}"));
    let before: Option<EventId> = page.after(&app, &list)?;
    let found = app.authority.deliveries(&admin.permit, named(&webhook)?, dead, before, page.limit()?).await?;
    let position = |(delivery, _): &(Delivery, Option<OutboxEvent>)| delivery.event.to_string();
    Ok(axum::Json(page.of(&app, &list, found, position, DeliveryItem::of)?))
}

/// What is told again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct Replay {
    /// One event, delivered or given up; everything that was given up when absent.
    event: Option<String>,
}

/// How much is told again.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct Replayed {
    /// Deliveries that are due again.
    replayed: u64,
}

/// Has a webhook told again.
#[utoipa::path(
    post, path = "/admin/webhooks/{webhook}/replay", tag = "administration",
    params(("webhook" = String, Path, description = "Its id")),
    request_body = Replay,
    security(("bearer" = ["projects:write"])),
    responses((status = 200, description = "Due again", body = Replayed)),
)]
pub(in crate::native) async fn replay(
    State(app): State<App>,
    admin: Admin<ProjectsWrite>,
    Named(webhook): Named<String>,
    Json(wanted): Json<Replay>,
) -> Result<axum::Json<Replayed>, Problem> {
    let event = wanted.event.map(|event| id(&event, Noun::Delivery)).transpose()?;
    let replayed = app.authority.replay_deliveries(&admin.ctx, &admin.permit, named(&webhook)?, event).await?;
    Ok(axum::Json(Replayed { replayed }))
}
