//! The ways in, and staying in.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use super::world::{PUBLISHABLE, Person, World};
use crate::tiledesk::PASSWORD;

#[tokio::test]
async fn an_account_is_made_and_signed_in() {
    let w = World::start().await;
    assert_snapshot!(w.sign_up("ann").await, @r#"201 {"access_token":"{jwt}","token_type":"Bearer","expires_in":86400,"refresh_token":"{secret}","session_expires_in":2592000,"session_id":"{uuid}","identity":{"id":"{uuid}","kind":"member","profile":{"given_name":null,"family_name":null,"nickname":null,"phone_number":null,"locale":null},"created_at":"2026-11-18T11:06:40.000Z"},"server_time":"2026-11-18T11:06:40.000Z"}"#);
    assert_snapshot!(w.sign_in("ann", PASSWORD).await, @r#"200 {"access_token":"{jwt}","token_type":"Bearer","expires_in":86400,"refresh_token":"{secret}","session_expires_in":2592000,"session_id":"{uuid}","identity":{"id":"{uuid}","kind":"member","profile":{"given_name":null,"family_name":null,"nickname":null,"phone_number":null,"locale":null},"created_at":"2026-11-18T11:06:40.000Z"},"server_time":"2026-11-18T11:06:40.000Z"}"#);
    assert_snapshot!(w.sign_in("ann", "wrong").await, @r#"401 {"type":"/problems/invalid_credentials","title":"invalid credentials","status":401,"code":"invalid_credentials"}"#);
    assert_snapshot!(w.sign_in("nobody", "wrong").await, @r#"401 {"type":"/problems/invalid_credentials","title":"invalid credentials","status":401,"code":"invalid_credentials"}"#);
    assert_snapshot!(w.sign_up("ann").await, @r#"409 {"type":"/problems/conflict","title":"this identifier exists already","status":409,"code":"conflict"}"#);
}

#[tokio::test]
async fn n71_a_weak_password_is_refused_with_the_reason() {
    let w = World::start().await;
    let body = json!({ "application": PUBLISHABLE, "email": "ann@example.org", "password": "seven77" });
    assert_snapshot!(w.post("/sign-up", &body).await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"password","code":"too_short","detail":"password needs at least 8 characters"}]}"#);
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let w = World::start().await;
    assert_snapshot!(w.post("/sign-in", &json!({})).await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"application","code":"required","detail":"application is required"}]}"#);
    assert_snapshot!(w.post("/guests", &json!({ "application": PUBLISHABLE, "is_admin": true })).await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"is_admin","code":"unknown","detail":"is_admin is not known here"}]}"#);
    assert_snapshot!(w.post("/guests", &json!({ "application": 7 })).await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"application","code":"malformed","detail":"application is malformed"}]}"#);
    assert_snapshot!(w.ask("POST", "/guests").raw("application/json", "{").send().await, @r#"400 {"type":"/problems/body_malformed","title":"the body cannot be read","status":400,"code":"body_malformed"}"#);
    assert_snapshot!(w.ask("POST", "/guests").raw("text/plain", "{}").send().await, @r#"415 {"type":"/problems/media_type","title":"the body has another media type than is read here","status":415,"code":"media_type"}"#);
    assert_snapshot!(w.post("/guests", &json!({ "application": "unknown" })).await, @r#"404 {"type":"/problems/not_found","title":"there is no such application","status":404,"code":"not_found"}"#);
}

#[tokio::test]
async fn a_guest_comes_in_and_reaches_only_its_target() {
    let w = World::start().await;
    let (authority, permit) = (&w.server.authority, w.server.permit());
    authority.add_guest_target(&w.server.ctx(), &permit, "room".to_owned(), "lobby".to_owned()).await.unwrap();
    let visit =
        |id: &str| json!({ "application": PUBLISHABLE, "nickname": "Gus", "target": { "kind": "room", "id": id } });
    assert_snapshot!(w.post("/guests", &visit("lobby")).await, @r#"201 {"access_token":"{jwt}","token_type":"Bearer","expires_in":86400,"refresh_token":"{secret}","session_expires_in":2592000,"session_id":"{uuid}","identity":{"id":"{uuid}","kind":"guest","profile":{"given_name":null,"family_name":null,"nickname":"Gus","phone_number":null,"locale":null},"created_at":"2026-11-18T11:06:40.000Z"},"server_time":"2026-11-18T11:06:40.000Z"}"#);
    // N85: a target that is not there.
    assert_snapshot!(w.post("/guests", &visit("vault")).await, @r#"404 {"type":"/problems/not_found","title":"there is no such guest target","status":404,"code":"not_found"}"#);
}

#[tokio::test]
async fn tokens_are_renewed_until_the_session_ends() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    assert_snapshot!(w.refresh(&ann.refresh).await, @r#"200 {"access_token":"{jwt}","token_type":"Bearer","expires_in":86400,"refresh_token":"{secret}","session_expires_in":2592000,"session_id":"{uuid}","identity":{"id":"{uuid}","kind":"member","profile":{"given_name":null,"family_name":null,"nickname":null,"phone_number":null,"locale":null},"created_at":"2026-11-18T11:06:40.000Z"},"server_time":"2026-11-18T11:06:40.000Z"}"#);
    assert_snapshot!(w.ask("POST", "/sign-out").bearer(&ann.access).send().await, @"204");
    assert_snapshot!(w.me(&ann.access).await, @r#"401 {"type":"/problems/session_revoked","title":"the session was revoked","status":401,"code":"session_revoked"}"#);
    assert_snapshot!(w.refresh(&ann.refresh).await, @r#"401 {"type":"/problems/session_revoked","title":"the session was revoked","status":401,"code":"session_revoked"}"#);
}

#[tokio::test]
async fn n36_a_repetition_gets_the_identical_pair_and_an_older_token_ends_the_session() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    let first = w.refresh(&ann.refresh).await.json();
    let again = w.refresh(&ann.refresh).await.json();
    for member in ["access_token", "refresh_token", "session_id"] {
        assert_eq!(first[member], again[member], "{member}");
    }
    let second = w.refresh(first["refresh_token"].as_str().unwrap()).await;
    assert_eq!(second.status, 200);
    // Two generations old: the family burns, and the newest with it.
    assert_snapshot!(w.refresh(&ann.refresh).await, @r#"401 {"type":"/problems/session_revoked","title":"the session was revoked","status":401,"code":"session_revoked"}"#);
    assert_snapshot!(w.refresh(&second.text("/refresh_token")).await, @r#"401 {"type":"/problems/session_revoked","title":"the session was revoked","status":401,"code":"session_revoked"}"#);
    assert_snapshot!(w.me(&second.text("/access_token")).await, @r#"401 {"type":"/problems/session_revoked","title":"the session was revoked","status":401,"code":"session_revoked"}"#);
}

#[tokio::test]
async fn n36_after_the_grace_a_repetition_ends_the_session() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    let next = Person::of(&w.refresh(&ann.refresh).await);
    w.server.clock.advance(Duration::from_secs(31));
    assert_eq!(w.refresh(&ann.refresh).await.status, 401);
    assert_eq!(w.me(&next.access).await.status, 401);
}

#[tokio::test]
async fn n37_fifty_refreshes_at_once_make_one_generation() {
    let w = std::sync::Arc::new(World::start().await);
    let ann = w.member("ann").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (w, token) = (std::sync::Arc::clone(&w), ann.refresh.clone());
        tasks.spawn(async move { w.refresh(&token).await.text("/refresh_token") });
    }
    let answers: std::collections::BTreeSet<_> = tasks.join_all().await.into_iter().collect();
    assert_eq!(answers.len(), 1);
}

#[tokio::test]
async fn n38_no_refresh_after_a_password_change_a_suspension_a_deletion_or_the_end() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    let change = json!({ "present": PASSWORD, "new": "seven quiet lanterns" });
    assert_eq!(w.ask("PUT", "/me/password").bearer(&ann.access).json(&change).send().await.status, 204);
    let other = Person::of(&w.sign_in("ann", "seven quiet lanterns").await);
    let path = format!("/admin/identities/{}", ann.id);
    assert_eq!(w.admin("PATCH", &path).json(&json!({ "suspended": true })).send().await.status, 200);
    assert_eq!(w.refresh(&other.refresh).await.text("/code"), "identity_suspended");
    let bob = w.member("bob").await;
    assert_eq!(w.ask("DELETE", "/me").bearer(&bob.access).send().await.status, 204);
    assert_eq!(w.refresh(&bob.refresh).await.text("/code"), "identity_suspended");
    let cat = w.member("cat").await;
    let application = format!("/admin/applications/{}", w.application);
    assert_eq!(w.admin("PATCH", &application).json(&json!({ "disabled": true })).send().await.status, 200);
    assert_eq!(w.refresh(&cat.refresh).await.text("/code"), "disabled");
    assert_eq!(w.admin("PATCH", &application).json(&json!({ "disabled": false })).send().await.status, 200);
    let dan = w.member("dan").await;
    w.server.clock.advance(Duration::from_hours(24 * 31));
    assert_eq!(w.refresh(&dan.refresh).await.status, 401);
}

#[tokio::test]
async fn n35_a_refresh_token_of_another_application_is_refused() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    let made = w.admin("POST", "/admin/applications").json(&json!({ "name": "Other" })).send().await;
    let body = json!({ "refresh_token": ann.refresh, "application": made.text("/id") });
    assert_snapshot!(w.post("/refresh", &body).await, @r#"403 {"type":"/problems/app_mismatch","title":"the credential is not for this application","status":403,"code":"app_mismatch"}"#);
    let body = json!({ "refresh_token": ann.refresh, "application": PUBLISHABLE });
    assert_eq!(w.post("/refresh", &body).await.status, 200);
}

#[tokio::test]
async fn n39_a_refresh_cannot_ask_for_more() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    for (member, value) in [("scope", "*"), ("audience", "other")] {
        let answer = w.post("/refresh", &json!({ "refresh_token": ann.refresh, member: value })).await;
        assert_eq!((answer.status.as_u16(), answer.text("/errors/0/field").as_str()), (422, member));
    }
}

#[tokio::test]
async fn waits_are_told() {
    let w = World::start().await;
    w.member("ann").await;
    for _ in 0..4 {
        assert_eq!(w.sign_in("ann", "wrong").await.status, 401);
    }
    w.sign_in("ann", "wrong").await;
    let refused = w.sign_in("ann", "wrong").await;
    assert_snapshot!(refused, @r#"429 {"type":"/problems/throttled","title":"too many attempts","status":429,"code":"throttled"}"#);
    assert_eq!(refused.header("retry-after"), "1");
}
