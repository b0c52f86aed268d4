//! Browsers that leave for a provider: which of them come back, and for how long.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use ringfence_core::{
    authority::{Authenticated, Authority, Departure, Return},
    error::AuthError,
    federation::{CodeAnswer, CodeRequest, FederatedSubject, IdentityProvider, ProviderToken, Providers},
    project::{ProjectPolicy, ProjectRef},
    secret::{RawToken, TokenDigest},
    testing::{CredulousProvider, World, outcome},
    time::Timestamp,
};
use serde_json::{Value, json};

/// Gives the token `app-1 fay` for every code, if what redeems it fits what it was asked with.
#[derive(Default)]
struct Redeeming(Mutex<Option<CodeRequest>>);

#[async_trait]
impl IdentityProvider for Redeeming {
    async fn judge(
        &self,
        settings: &Value,
        shown: &ProviderToken,
        now: Timestamp,
    ) -> Result<FederatedSubject, AuthError> {
        let asked = self.0.lock().unwrap().clone().unwrap();
        assert_eq!(shown.nonce, Some(asked.nonce));
        CredulousProvider.judge(settings, shown, now).await
    }

    async fn sign_in_url(&self, _: &Value, wanted: &CodeRequest, _: Timestamp) -> Result<String, AuthError> {
        *self.0.lock().unwrap() = Some(wanted.clone());
        Ok("https://provider.test/".to_owned())
    }

    async fn redeem(&self, _: &Value, answer: &CodeAnswer, _: Timestamp) -> Result<RawToken, AuthError> {
        let asked = self.0.lock().unwrap().clone().unwrap();
        assert_eq!(TokenDigest::of(answer.verifier.expose().as_bytes()).as_str(), asked.challenge);
        assert_eq!(answer.redirect_uri, asked.redirect_uri);
        Ok(RawToken::new("app-1 fay"))
    }
}

struct Case {
    world: World,
    node: Authority,
    provider: Arc<Redeeming>,
}

impl Case {
    async fn new() -> Self {
        let world = support::world().await;
        let mut policy = ProjectPolicy::default();
        for name in ["redeeming", "other", "credulous"] {
            policy.federation.insert(name.to_owned(), json!({ "app_id": "app-1" }));
        }
        world.authority.configure_project(&world.ctx(), &world.home_permit(), policy).await.unwrap();
        let provider = Arc::new(Redeeming::default());
        let providers = Providers::default()
            .with("redeeming", Arc::clone(&provider) as _)
            .with("other", Arc::clone(&provider) as _)
            .with("credulous", Arc::new(CredulousProvider));
        let node = Arc::into_inner(world.node()).unwrap().with_providers(providers);
        Self { world, node, provider }
    }

    async fn leaves(&self, provider: &'static str) -> Result<Departure, AuthError> {
        let (back, carried) = ("https://us.test/back".to_owned(), "/#/place".to_owned());
        let home = self.world.home.reference();
        self.node.begin_provider_sign_in(&self.world.ctx(), home, provider, back, carried).await
    }

    async fn comes_back(
        &self,
        to: ProjectRef,
        provider: &'static str,
        ticket: RawToken,
    ) -> Result<(Authenticated, String), AuthError> {
        let state = self.provider.0.lock().unwrap().clone().unwrap().state;
        let back = Return { ticket, state, code: RawToken::new("code"), issuer: None };
        self.node.finish_provider_sign_in(&self.world.ctx(), to, provider, back).await
    }
}

#[tokio::test]
async fn whoever_comes_back_is_signed_in_and_brings_what_was_sent_along() {
    let t = Case::new().await;
    let departure = t.leaves("redeeming").await.unwrap();
    assert_eq!(departure.url, "https://provider.test/");
    let (who, carried) = t.comes_back(t.world.home.reference(), "redeeming", departure.ticket).await.unwrap();
    assert_eq!((carried.as_str(), &who.session.unwrap().amr[..]), ("/#/place", &["fed".to_owned()][..]));
}

#[tokio::test]
async fn a_browser_has_ten_minutes() {
    for (minutes, expected) in [(9, "accepted"), (10, "verification_invalid")] {
        let t = Case::new().await;
        let departure = t.leaves("redeeming").await.unwrap();
        t.world.clock.advance(Duration::from_mins(minutes));
        assert_eq!(outcome(&t.comes_back(t.world.home.reference(), "redeeming", departure.ticket).await), expected);
    }
}

#[tokio::test]
async fn a_ticket_is_good_for_its_project_and_provider_and_nothing_else_is_one() {
    let t = Case::new().await;
    let other = t.world.place("other").await;
    let policy = t.node.policy(&t.world.home_permit()).await.unwrap();
    let permit = t.world.permit(other.project.id);
    t.node.configure_project(&t.world.ctx(), &permit, policy).await.unwrap();
    let ticket = t.leaves("redeeming").await.unwrap().ticket;
    for (place, provider, ticket) in [
        (other.reference(), "redeeming", ticket.clone()),
        (t.world.home.reference(), "other", ticket.clone()),
        (t.world.home.reference(), "redeeming", RawToken::new("v1.x.y")),
        (t.world.home.reference(), "redeeming", RawToken::new(format!("{}A", ticket.expose()))),
    ] {
        let refusal = t.comes_back(place, provider, ticket).await;
        assert_eq!(outcome(&refusal), "verification_invalid");
    }
    assert_eq!(outcome(&t.comes_back(t.world.home.reference(), "redeeming", ticket).await), "accepted");
}

#[tokio::test]
async fn nobody_is_sent_to_a_provider_that_takes_no_browsers_or_is_not_named() {
    let t = Case::new().await;
    assert_eq!(outcome(&t.leaves("credulous").await), "not_supported");
    assert_eq!(outcome(&t.leaves("unknown").await), "not_supported");
    t.node.disable_project(&t.world.ctx(), &t.world.home_permit(), true).await.unwrap();
    assert_eq!(outcome(&t.leaves("redeeming").await), "disabled");
}
