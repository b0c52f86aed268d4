//! Refresh families: one winner of every race, the lost answer again, thieves found out.

use std::{sync::Arc, time::Duration};

use ringfence_core::{
    authority::{Authenticated, IdTokenRequest, PresentedCredential, TokenRequest, TokenSet},
    error::AuthError,
    event::SecurityEvent,
    project::Grace,
    secret::RawToken,
    session::SessionsOf,
    testing::{World, outcome},
    time::Clock as _,
};
use serde_json::{Map, Value, json};

on_every_engine!(
    n37_of_many_racers_exactly_one_makes_a_new_generation_and_all_get_it,
    n36_the_token_before_is_answered_alike_inside_the_grace_window_and_burns_the_family_after_it,
    n36_the_grace_window_is_the_application_s_else_the_project_s,
    n36_a_token_of_two_generations_ago_burns_the_family_at_once,
    n38_a_refresh_ends_with_the_session_and_never_outlives_it,
    revoking_a_refresh_token_ends_its_session,
    n19_no_kind_of_token_is_taken_for_another,
    the_family_goes_with_its_session,
);

/// The face whose sessions outlive their access tokens.
const FACE: &str = "native";

fn wanted() -> TokenRequest<Value> {
    let id = IdTokenRequest { audience: "widget".to_owned(), claims: Map::new() };
    TokenRequest { access: json!({ "role": "user" }), id: Some(id) }
}

async fn signed_in(world: &World, name: &str) -> (Authenticated, TokenSet) {
    let member = world.member(name).await;
    let who = world.sign_in_on(FACE, &member).await;
    let set = world.authority.issue_tokens(&world.ctx_on(FACE), &who, wanted()).await.unwrap();
    (who, set)
}

async fn refresh(world: &World, token: &RawToken) -> Result<TokenSet, AuthError> {
    world.authority.refresh(&world.ctx_on(FACE), token, wanted()).await
}

fn texts(set: &TokenSet) -> [String; 3] {
    [&set.access, set.id.as_ref().unwrap(), &set.refresh].map(|token| token.expose().to_owned())
}

async fn n37_of_many_racers_exactly_one_makes_a_new_generation_and_all_get_it(w: crate::support::World) {
    let world = World::start(w.store.clone()).await;
    let (_, first) = signed_in(&world, "ann").await;
    let (world, token) = (Arc::new(world), first.refresh.clone());
    let racers = (0..16).map(|_| {
        let (world, token) = (Arc::clone(&world), token.clone());
        tokio::spawn(async move { texts(&refresh(&world, &token).await.unwrap()) })
    });
    let mut answers = Vec::new();
    for racer in racers.collect::<Vec<_>>() {
        answers.push(racer.await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "everybody got the same set");
    let trail = world.trail().await;
    assert_eq!(trail.iter().filter(|line| line.contains("session.refreshed")).count(), 1);
}

async fn n36_the_token_before_is_answered_alike_inside_the_grace_window_and_burns_the_family_after_it(
    w: crate::support::World,
) {
    let world = World::start(w.store.clone()).await;
    let (who, first) = signed_in(&world, "ann").await;
    let second = refresh(&world, &first.refresh).await.unwrap();
    world.clock.advance(Duration::from_millis(29_999));
    assert_eq!(texts(&refresh(&world, &first.refresh).await.unwrap()), texts(&second));
    world.bus.take();
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(outcome(&refresh(&world, &first.refresh).await), "session_revoked");
    assert_eq!(world.bus.take(), [SecurityEvent::SessionRevoked(who.session.unwrap().id)]);
    // Whoever holds the newest is out too: one of the two is a thief.
    assert_eq!(outcome(&refresh(&world, &second.refresh).await), "session_revoked");
    assert_eq!(outcome(&world.bearer(&second.access).await), "session_revoked");
    assert!(world.trail().await.contains(&"anonymous refresh.replayed session".to_owned()));
}

async fn n36_the_grace_window_is_the_application_s_else_the_project_s(w: crate::support::World) {
    let world = World::start(w.store.clone()).await;
    let grace = |text: &str| serde_json::from_value::<Grace>(text.into()).unwrap();
    let mut policy = world.home.project.policy.clone();
    policy.tokens.refresh_grace = grace("2m");
    world.authority.configure_project(&world.ctx(), &world.home_permit(), policy).await.unwrap();
    let (_, first) = signed_in(&world, "ann").await;
    let second = refresh(&world, &first.refresh).await.unwrap();
    world.clock.advance(Duration::from_millis(119_999));
    assert_eq!(texts(&refresh(&world, &first.refresh).await.unwrap()), texts(&second));
    let mut settings = world.home.application.settings.clone();
    settings.tokens.refresh_grace = Some(grace("10m"));
    let (ctx, permit, id) = (world.ctx(), world.home_permit(), world.home.application.id);
    world.authority.configure_application(&ctx, &permit, id, settings, Vec::new()).await.unwrap();
    world.clock.advance(Duration::from_secs(479));
    assert_eq!(texts(&refresh(&world, &first.refresh).await.unwrap()), texts(&second));
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(outcome(&refresh(&world, &first.refresh).await), "session_revoked");
}

async fn n36_a_token_of_two_generations_ago_burns_the_family_at_once(w: crate::support::World) {
    let world = World::start(w.store.clone()).await;
    let (_, first) = signed_in(&world, "ann").await;
    let second = refresh(&world, &first.refresh).await.unwrap();
    let third = refresh(&world, &second.refresh).await.unwrap();
    assert_eq!(outcome(&refresh(&world, &first.refresh).await), "session_revoked");
    assert_eq!(outcome(&refresh(&world, &third.refresh).await), "session_revoked");
}

async fn n38_a_refresh_ends_with_the_session_and_never_outlives_it(w: crate::support::World) {
    let world = World::start(w.store.clone()).await;
    let (_, kept) = signed_in(&world, "ann").await;
    let (end, mut newest) = (world.clock.now() + Duration::from_hours(24 * 30), kept.refresh);
    for _ in 0..30 {
        world.clock.advance(Duration::from_hours(24) - Duration::from_secs(1));
        let set = refresh(&world, &newest).await.unwrap();
        assert!(set.expires_at <= end);
        newest = set.refresh;
    }
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(outcome(&refresh(&world, &newest).await), "token_expired");

    let (who, set) = signed_in(&world, "bob").await;
    let of = SessionsOf::Identity(who.identity.id);
    world.authority.revoke_sessions(&world.ctx(), &world.home_permit(), of).await.unwrap();
    assert_eq!(outcome(&refresh(&world, &set.refresh).await), "session_revoked");
}

async fn revoking_a_refresh_token_ends_its_session(w: crate::support::World) {
    let world = World::start(w.store.clone()).await;
    let (_, set) = signed_in(&world, "ann").await;
    let ctx = world.ctx_on(FACE);
    world.authority.revoke_refresh(&ctx, &set.refresh).await.unwrap();
    assert_eq!(outcome(&world.bearer(&set.access).await), "session_revoked");
    assert_eq!(outcome(&world.authority.revoke_refresh(&ctx, &set.refresh).await), "session_revoked");
}

async fn n19_no_kind_of_token_is_taken_for_another(w: crate::support::World) {
    let world = World::start(w.store.clone()).await;
    let (_, set) = signed_in(&world, "ann").await;
    assert_eq!(outcome(&world.bearer(&set.refresh).await), "token_type");
    assert_eq!(outcome(&world.bearer(set.id.as_ref().unwrap()).await), "token_type");
    assert_eq!(outcome(&refresh(&world, &set.access).await), "token_type");
    assert_eq!(
        outcome(&refresh(&world, &ringfence_core::refresh::first_token(world.entropy.as_ref())).await),
        "token_unknown"
    );
    let as_key = PresentedCredential::ApiKey(set.refresh.clone());
    assert_eq!(outcome(&world.authority.authenticate(&world.ctx(), as_key).await), "token_type");
    // Another face has no use for it either.
    let elsewhere = world.authority.refresh(&world.ctx_on("rsa"), &set.refresh, wanted()).await;
    assert_eq!(outcome(&elsewhere), "token_audience");
    assert_eq!(outcome(&refresh(&world, &set.refresh).await), "accepted");
}

async fn the_family_goes_with_its_session(w: crate::support::World) {
    let world = World::start(w.store.clone()).await;
    let (_, set) = signed_in(&world, "ann").await;
    world.clock.advance(Duration::from_hours(24 * 60));
    assert_eq!(world.authority.sweep().await.unwrap().sessions, 1);
    assert_eq!(outcome(&refresh(&world, &set.refresh).await), "token_unknown");
}
