//! What the server does by itself: sweeping, the master key, rewrapping.

use std::time::Duration;

use ringfence_core::{
    authority::{Authority, Rewrapped, Swept},
    entropy::OsEntropy,
    key::SIGNING_PERIOD,
    project::ProjectPolicy,
    seal::{KeyRing, Sealer},
    session::SessionsOf,
    testing::{SeededEntropy, World, outcome},
};
use serde_json::json;

use crate::support::world;

const WEEK: Duration = Duration::from_hours(24 * 7);

/// The ring that worlds are sealed with.
fn ring() -> KeyRing {
    KeyRing::generate(SeededEntropy::new(2).as_ref())
}

#[tokio::test]
async fn what_has_ended_stays_for_a_week() {
    let w = world().await;
    let ann = w.member("ann").await;
    let who = w.sign_in(&ann).await;
    let of = SessionsOf::Session(who.session.as_ref().unwrap().id);
    w.authority.revoke_sessions(&w.ctx(), &w.home_permit(), of).await.unwrap();
    let link = ringfence_core::authority::LinkTemplate("{token}".to_owned());
    w.authority.request_password_reset(&w.ctx(), w.home.reference(), &ann.email, link).await.unwrap();
    drop(w.authority.sign_in(&w.ctx(), ann.shows("a wrong guess")).await);
    w.clock.advance(WEEK);
    assert_eq!(w.authority.sweep().await.unwrap(), Swept::default());
    w.clock.advance(Duration::from_mins(11));
    let swept = w.authority.sweep().await.unwrap();
    // The counters of the identifier, of the address and of mails to it.
    let expected = Swept {
        sessions: 1,
        verifications: 1,
        throttles: 3,
        presence: 0,
        resumed: 0,
        events: 0,
        deliveries: 0,
        console: 0,
    };
    assert_eq!(swept, expected);
    assert_eq!(w.authority.sweep().await.unwrap(), Swept::default());
}

#[tokio::test]
async fn live_sessions_are_not_swept() {
    let w = world().await;
    let who = w.guest().await;
    let (_, jwt) = w.external("ext-1").await;
    let token = w.token(&who).await;
    w.clock.advance(Duration::from_hours(24 * 29));
    assert_eq!(w.authority.sweep().await.unwrap().sessions, 0);
    assert_eq!(outcome(&w.bearer(&token).await), "accepted");
    assert_eq!(outcome(&w.assert(&jwt).await), "accepted");
}

#[tokio::test]
async fn a_database_is_opened_with_the_key_it_was_sealed_with() {
    let w = world().await;
    w.authority.check_master_key().await.unwrap();
    w.node().check_master_key().await.unwrap();
    let stranger = w.node_with(|parts| parts.sealer = Sealer::new(&KeyRing::generate(&OsEntropy)));
    assert_eq!(outcome(&stranger.check_master_key().await), "internal");
    let rotated = w.node_with(|parts| parts.sealer = Sealer::new(&ring().rotated(&OsEntropy)));
    rotated.check_master_key().await.unwrap();
}

/// A ring of the newest key of `ring` only.
fn newest(ring: &KeyRing) -> KeyRing {
    let text = ring.to_text();
    let first = text.lines().find(|line| !line.starts_with('#')).unwrap();
    KeyRing::parse(first).unwrap()
}

#[tokio::test]
async fn after_a_rewrap_the_old_master_key_is_not_needed() {
    let w = world().await;
    w.authority.check_master_key().await.unwrap();
    let ann = w.member("ann").await;
    let who = w.sign_in_on("ec", &ann).await;
    let tokens = [w.token_on("ec", &who).await, w.token(&w.guest().await).await];
    let mut policy = ProjectPolicy::default();
    policy.federation.insert("facebook".to_owned(), json!({ "app_id": "1", "app_secret": "hush" }));
    w.authority.configure_project(&w.ctx(), &w.home_permit(), policy.clone()).await.unwrap();
    let rotated = ring().rotated(&OsEntropy);
    let between = w.node_with(|parts| parts.sealer = Sealer::new(&rotated));
    let done = between.rewrap(&w.ctx(), &w.installation()).await.unwrap();
    assert_eq!(
        done,
        Rewrapped {
            signing_keys: 2,
            issuers: 1,
            endpoints: 0,
            sip_users: 0,
            providers: 1,
            webhooks: 0,
            administrators: 0
        }
    );
    let after = w.node_with(|parts| parts.sealer = Sealer::new(&newest(&rotated)));
    after.check_master_key().await.unwrap();
    for token in &tokens {
        let shown = ringfence_core::authority::PresentedCredential::AccessToken(token.clone());
        assert_eq!(outcome(&after.authenticate(&w.ctx(), shown).await), "accepted");
    }
    assert_eq!(after.policy(&w.home_permit()).await.unwrap(), policy);
    let jwt = w.assertion(&w.home, json!({ "_id": "ext-1" }));
    assert_eq!(outcome(&after.authenticate(&w.ctx(), World::asserts(&w.home, &jwt)).await), "accepted");
    assert_eq!(outcome(&after.issue_token(&w.ctx_on("ec"), &who, json!({})).await), "accepted");
}

#[tokio::test]
async fn a_rewrap_that_cannot_open_everything_changes_nothing() {
    let w = world().await;
    let token = w.token(&w.guest().await).await;
    let stranger = w.node_with(|parts| parts.sealer = Sealer::new(&KeyRing::generate(&OsEntropy)));
    assert_eq!(outcome(&stranger.rewrap(&w.ctx(), &w.installation()).await), "internal");
    let fresh = w.node();
    let shown = ringfence_core::authority::PresentedCredential::AccessToken(token);
    assert_eq!(outcome(&fresh.authenticate(&w.ctx(), shown).await), "accepted");
}

#[tokio::test]
async fn an_expired_key_needs_no_master_key() {
    let w = world().await;
    let ann = w.member("ann").await;
    let old = w.token(&w.sign_in(&ann).await).await;
    w.clock.advance(SIGNING_PERIOD);
    w.token(&w.sign_in(&ann).await).await;
    w.clock.advance(Duration::from_hours(24 * 31));
    let rotated = ring().rotated(&OsEntropy);
    let between = w.node_with(|parts| parts.sealer = Sealer::new(&rotated));
    between.rewrap(&w.ctx(), &w.installation()).await.unwrap();
    let after = w.node_with(|parts| parts.sealer = Sealer::new(&newest(&rotated)));
    let shown = ringfence_core::authority::PresentedCredential::AccessToken(old);
    assert_eq!(outcome(&after.authenticate(&w.ctx(), shown).await), "token_key", "a refusal and no failure of ours");
}

#[tokio::test]
async fn the_store_gives_a_sign_of_life() {
    let w = world().await;
    w.authority.ping().await.unwrap();
    let own = w.authority.own_context("sweep");
    assert_eq!((own.dialect, own.address, w.authority.public_url()), ("sweep", None, "https://auth.test"));
}

#[tokio::test]
async fn a_new_database_is_not_sealed_yet() {
    let w = world().await;
    assert!(!Authority::is_sealed(&w.store).await.unwrap());
    w.authority.check_master_key().await.unwrap();
    assert!(Authority::is_sealed(&w.store).await.unwrap());
}
