//! Webhooks: made, told, told again, given up.

use std::{sync::Arc, time::Duration};

use ringfence_core::{
    authority::{Authority, WebhookChange, WebhookRequest},
    outbox::EventKind,
    secret::RawToken,
    testing::{RecordingCourier, World, outcome},
    webhook::{Delivery, DeliveryState, Webhook},
};

use crate::support::world;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct Scene {
    w: World,
    receiver: Arc<RecordingCourier>,
    /// A node that delivers.
    node: Authority,
}

impl Scene {
    async fn start() -> Self {
        let w = world().await;
        let receiver = Arc::<RecordingCourier>::default();
        let node = Arc::into_inner(w.node()).unwrap().with_courier(Arc::clone(&receiver) as _);
        Self { w, receiver, node }
    }

    async fn webhook(&self, kinds: &[EventKind]) -> Webhook {
        let request = WebhookRequest {
            url: "https://example.org/hook".to_owned(),
            kinds: kinds.to_vec(),
            secret: Some(RawToken::new(SECRET)),
        };
        self.node.create_webhook(&self.w.ctx(), &self.w.home_permit(), request).await.unwrap().0
    }

    /// Somebody signs in and out.
    async fn sign_out(&self) {
        let who = self.w.guest().await;
        self.w.authority.sign_out(&self.w.ctx(), &who).await.unwrap();
    }

    /// What a server does by itself, once.
    async fn round(&self) -> Vec<Delivery> {
        self.node.place_events().await.unwrap();
        let mut done = Vec::new();
        for id in self.node.due_webhooks().await.unwrap() {
            for taken in self.node.take_deliveries(id, 100).await.unwrap() {
                done.push(self.node.deliver(taken).await.unwrap());
            }
        }
        done
    }
}

#[tokio::test]
async fn a_webhook_is_told_once_of_what_happens_from_then_on() {
    let s = Scene::start().await;
    s.sign_out().await;
    s.webhook(&[]).await;
    assert_eq!(s.round().await, []);
    s.sign_out().await;
    let done = s.round().await;
    assert_eq!((done.len(), done[0].state(), done[0].attempts), (1, DeliveryState::Delivered, 1));
    assert_eq!(s.round().await, []);
    let call = s.receiver.take().remove(0);
    let body: serde_json::Value = serde_json::from_str(&call.body).unwrap();
    assert_eq!(body["type"], "session-revoked");
    assert!(body["data"]["set"].as_str().unwrap().starts_with("eyJ"));
    assert_eq!(call.id, done[0].event);
    let secret = ringfence_core::webhook::WebhookSecret::parse(RawToken::new(SECRET)).unwrap();
    assert_eq!(call.signature, secret.sign(call.id, call.at, &call.body));
}

#[tokio::test]
async fn a_webhook_hears_only_what_it_wants_and_only_of_its_project() {
    let s = Scene::start().await;
    s.webhook(&[EventKind::CredentialChange]).await;
    s.sign_out().await;
    assert_eq!(s.round().await, []);
    let elsewhere = s.w.place("elsewhere").await;
    let zoe = s.w.member_of(&elsewhere, "zoe").await;
    let permit = s.w.permit(elsewhere.project.id);
    s.node.suspend_identity(&s.w.ctx(), &permit, zoe.identity.id, true).await.unwrap();
    assert_eq!(s.round().await, []);
    assert_eq!(s.node.webhooks(&permit).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_failure_is_tried_again_and_holds_back_what_comes_after_it() {
    let s = Scene::start().await;
    let webhook = s.webhook(&[]).await;
    s.sign_out().await;
    s.receiver.answers(Ok(500));
    assert_eq!(s.round().await[0].failure.as_deref(), Some("refused"));
    s.sign_out().await;
    assert_eq!(s.round().await, [], "the server was just not well");
    s.receiver.answers(Ok(200));
    s.w.clock.advance(Duration::from_secs(5));
    let mut tried: Vec<_> = s.round().await.iter().map(|delivery| delivery.attempts).collect();
    tried.sort_unstable();
    assert_eq!(tried, [1, 2]);
    // The same message each time, with another timestamp.
    let got = s.receiver.take();
    assert_eq!(got[0].id, got[1].id);
    assert!(got[0].at < got[1].at && got[0].signature != got[1].signature);
    let now = &s.node.webhooks(&s.w.home_permit()).await.unwrap()[0];
    assert_eq!((now.id, now.paused_until), (webhook.id, ringfence_core::time::Timestamp::default()));
}

#[tokio::test]
async fn what_was_given_up_is_a_dead_letter_that_can_be_replayed() {
    let s = Scene::start().await;
    let id = s.webhook(&[]).await.id;
    let permit = s.w.home_permit();
    s.sign_out().await;
    s.receiver.answers(Err("timeout"));
    let mut rounds = 0;
    while s.node.deliveries(&permit, id, true, None, 10).await.unwrap().is_empty() {
        s.round().await;
        s.w.clock.advance(Duration::from_mins(5));
        rounds += 1;
    }
    assert!(rounds > 100);
    assert_eq!(s.receiver.take().len(), 9);
    assert_eq!(s.round().await, []);
    s.receiver.answers(Ok(200));
    assert_eq!(s.node.replay_deliveries(&s.w.ctx(), &permit, id, None).await.unwrap(), 1);
    assert_eq!(s.round().await[0].state(), DeliveryState::Delivered);
    let event = s.receiver.take()[0].id;
    assert_eq!(s.node.replay_deliveries(&s.w.ctx(), &permit, id, Some(event)).await.unwrap(), 1);
    assert_eq!(s.round().await.len(), 1);
    let nothing = Some("01a202e0-1fa1-7000-8000-2c64c09d2e7a".parse().unwrap());
    let unknown = s.node.replay_deliveries(&s.w.ctx(), &permit, id, nothing).await;
    assert_eq!(outcome(&unknown), "not_found");
}

#[tokio::test]
async fn a_webhook_that_was_switched_off_is_told_nothing_and_later_only_what_is_new() {
    let s = Scene::start().await;
    let id = s.webhook(&[]).await.id;
    let (ctx, permit) = (s.w.ctx(), s.w.home_permit());
    let switch = |enabled| WebhookChange { enabled: Some(enabled), ..WebhookChange::default() };
    s.node.change_webhook(&ctx, &permit, id, switch(false)).await.unwrap();
    s.sign_out().await;
    assert_eq!(s.round().await, []);
    s.node.change_webhook(&ctx, &permit, id, switch(true)).await.unwrap();
    assert_eq!(s.round().await, []);
    s.sign_out().await;
    assert_eq!(s.round().await.len(), 1);
    s.node.delete_webhook(&ctx, &permit, id).await.unwrap();
    s.sign_out().await;
    assert_eq!(s.round().await, []);
}

#[tokio::test]
async fn a_webhook_needs_a_good_address_and_a_good_secret_and_there_are_not_many() {
    let s = Scene::start().await;
    let (ctx, permit) = (s.w.ctx(), s.w.home_permit());
    let ask = async |url: &str, secret: Option<&str>| {
        let request = WebhookRequest { url: url.to_owned(), kinds: Vec::new(), secret: secret.map(RawToken::new) };
        outcome(&s.node.create_webhook(&ctx, &permit, request).await)
    };
    let good = "https://example.org/hook";
    assert_eq!(ask("http://example.org/hook", None).await, "invalid");
    assert_eq!(ask(good, Some("whsec_c2hvcnQ=")).await, "invalid");
    assert_eq!(ask(&format!("{good}?{}", "x".repeat(2048)), None).await, "invalid");
    for _ in 0..20 {
        assert_eq!(ask(good, None).await, "accepted");
    }
    assert_eq!(ask(good, None).await, "invalid");
    let request = WebhookRequest { url: good.to_owned(), kinds: Vec::new(), secret: None };
    assert_eq!(outcome(&s.w.authority.create_webhook(&ctx, &permit, request).await), "not_supported");
}

#[tokio::test]
async fn n89_a_webhook_of_another_project_is_none() {
    let s = Scene::start().await;
    let id = s.webhook(&[]).await.id;
    let elsewhere = s.w.place("elsewhere").await;
    let (ctx, theirs) = (s.w.ctx(), s.w.permit(elsewhere.project.id));
    assert_eq!(outcome(&s.node.delete_webhook(&ctx, &theirs, id).await), "not_found");
    assert_eq!(outcome(&s.node.deliveries(&theirs, id, false, None, 10).await), "not_found");
    assert_eq!(outcome(&s.node.replay_deliveries(&ctx, &theirs, id, None).await), "not_found");
    let change = WebhookChange { enabled: Some(false), ..WebhookChange::default() };
    assert_eq!(outcome(&s.node.change_webhook(&ctx, &theirs, id, change).await), "not_found");
}
