//! Webhooks of a project, known by where they are.

use anyhow::{Context as _, Result};
use ringfence_core::{
    authority::{WebhookChange, WebhookRequest},
    caller::Permit,
    outbox::EventKind,
    secret::RawToken,
    webhook::Webhook,
};

use super::{
    Action,
    file::WebhookEntry,
    plan::Made,
    walk::{Place, Walk},
};
use crate::exit::{Refused, explain};

impl Walk<'_> {
    pub(super) async fn webhooks(&mut self, place: &Place<'_>) -> Result<()> {
        let present = match &place.permit {
            Some(permit) => self.authority.webhooks(permit).await.map_err(explain)?,
            None => Vec::new(),
        };
        for wanted in &place.entry.webhook {
            let what = place.name("webhook", &wanted.url);
            let known = present.iter().find(|webhook| webhook.url == wanted.url);
            self.webhook(place, wanted, known, &what).await.with_context(|| what.clone())?;
        }
        let Some(permit) = place.permit.as_ref().filter(|_| self.manner.prune) else { return Ok(()) };
        let named = |url: &str| place.entry.webhook.iter().any(|entry| entry.url == url);
        for extra in present.iter().filter(|webhook| !named(&webhook.url)) {
            self.plan.say(Action::Delete, place.name("webhook", &extra.url), None);
            if self.acts() {
                self.authority.delete_webhook(&self.ctx, permit, extra.id).await.map_err(explain)?;
            }
        }
        Ok(())
    }

    async fn webhook(
        &mut self,
        place: &Place<'_>,
        wanted: &WebhookEntry,
        known: Option<&Webhook>,
        what: &str,
    ) -> Result<()> {
        let mut kinds = event_kinds(&wanted.events)?;
        kinds.sort_unstable();
        kinds.dedup();
        let (Some(permit), Some(known)) = (&place.permit, known) else {
            self.plan.say(Action::Create, what, None);
            return match place.permit.as_ref().filter(|_| self.acts()) {
                Some(permit) => self.make_webhook(permit, wanted, kinds, what).await,
                None => Ok(()),
            };
        };
        let secret = self.new_secret(wanted, known)?;
        let same = known.kinds == kinds && secret.is_none();
        let note = known.disabled_at.map(|_| "disabled".to_owned());
        self.plan.say(if same { Action::Leave } else { Action::Change }, what, note);
        if !same && self.acts() {
            let change = WebhookChange { kinds: Some(kinds), secret, enabled: None };
            self.authority.change_webhook(&self.ctx, permit, known.id, change).await.map_err(explain)?;
        }
        Ok(())
    }

    /// The secret of the file if the webhook has another one.
    fn new_secret(&self, wanted: &WebhookEntry, known: &Webhook) -> Result<Option<RawToken>> {
        let Some(secret) = &wanted.secret else { return Ok(None) };
        let same = self.authority.webhook_secret_is(known, secret).map_err(explain)?;
        Ok((!same).then(|| secret.clone()))
    }

    async fn make_webhook(
        &mut self,
        permit: &Permit,
        wanted: &WebhookEntry,
        kinds: Vec<EventKind>,
        what: &str,
    ) -> Result<()> {
        let request = WebhookRequest { url: wanted.url.clone(), kinds, secret: wanted.secret.clone() };
        let made = self.authority.create_webhook(&self.ctx, permit, request).await;
        let (_, secret) = made.map_err(explain)?;
        if wanted.secret.is_none() {
            self.plan.made.push(Made { what: format!("{what} secret"), value: secret.text().clone() });
        }
        Ok(())
    }
}

/// Reads kinds of events.
pub fn event_kinds(texts: &[String]) -> Result<Vec<EventKind>> {
    let known = || EventKind::ALL.map(EventKind::as_str).join(", ");
    let read = texts.iter().map(|text| {
        EventKind::parse(text).ok_or_else(|| Refused::because(format_args!("no event `{text}`; there are {}", known())))
    });
    read.collect()
}
