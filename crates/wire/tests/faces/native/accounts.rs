//! One's own account.

use std::time::Duration;

use insta::assert_snapshot;
use ringfence_core::project::{EmailChange, ProjectPolicy};
use serde_json::json;

use super::world::{PUBLISHABLE, Person, World};
use crate::tiledesk::PASSWORD;

#[tokio::test]
async fn a_profile_is_seen_and_changed() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    assert_snapshot!(w.me(&ann.access).await, @r#"200 {"id":"{uuid}","kind":"member","profile":{"given_name":null,"family_name":null,"nickname":null,"phone_number":null,"locale":null},"created_at":"2026-11-18T11:06:40.000Z"}"#);
    let change = json!({ "nickname": "Ann", "locale": "fr" });
    assert_snapshot!(w.ask("PATCH", "/me").bearer(&ann.access).json(&change).send().await, @r#"200 {"id":"{uuid}","kind":"member","profile":{"given_name":null,"family_name":null,"nickname":"Ann","phone_number":null,"locale":"fr"},"created_at":"2026-11-18T11:06:40.000Z"}"#);
    let change = json!({ "nickname": null });
    assert_snapshot!(w.ask("PATCH", "/me").bearer(&ann.access).json(&change).send().await, @r#"200 {"id":"{uuid}","kind":"member","profile":{"given_name":null,"family_name":null,"nickname":null,"phone_number":null,"locale":"fr"},"created_at":"2026-11-18T11:06:40.000Z"}"#);
    // N79: nobody makes themselves more than they are.
    let change = json!({ "kind": "service" });
    assert_snapshot!(w.ask("PATCH", "/me").bearer(&ann.access).json(&change).send().await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"kind","code":"unknown","detail":"kind is not known here"}]}"#);
}

#[tokio::test]
async fn n78_a_password_is_changed_with_the_present_one_only() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    let put = |present: &str, new: &str| {
        w.ask("PUT", "/me/password").bearer(&ann.access).json(&json!({ "present": present, "new": new }))
    };
    assert_snapshot!(put("wrong", "seven quiet lanterns").send().await, @r#"401 {"type":"/problems/invalid_credentials","title":"invalid credentials","status":401,"code":"invalid_credentials"}"#);
    assert_snapshot!(put(PASSWORD, "short").send().await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"password","code":"too_short","detail":"password needs at least 8 characters"}]}"#);
    assert_snapshot!(put(PASSWORD, "seven quiet lanterns").send().await, @"204");
    assert_eq!(w.sign_in("ann", PASSWORD).await.status, 401);
    assert_eq!(w.sign_in("ann", "seven quiet lanterns").await.status, 200);
}

#[tokio::test]
async fn n78_an_address_changes_after_a_recent_sign_in_and_is_proved_by_mail() {
    let policy = ProjectPolicy { email_change: EmailChange::Verified, ..ProjectPolicy::default() };
    let w = World::start_with(policy).await;
    let ann = w.member("ann").await;
    w.server.clock.advance(Duration::from_mins(16));
    let put = |token: &str| w.ask("PUT", "/me/email").bearer(token).json(&json!({ "email": "ann@new.example" }));
    assert_snapshot!(put(&ann.access).send().await, @r#"403 {"type":"/problems/step_up_required","title":"stronger authentication is needed: recent","status":403,"code":"step_up_required"}"#);
    let fresh = Person::of(&w.sign_in("ann", PASSWORD).await);
    assert_snapshot!(put(&fresh.access).send().await, @"204");
    let link = w.server.link(2).await;
    let mut parts = link.rsplit('/');
    let (token, identity) = (parts.next().unwrap(), parts.next().unwrap());
    let proof = json!({ "identity": w.guest().await.id, "token": token });
    assert_snapshot!(w.post("/verifications/email", &proof).await, @r#"400 {"type":"/problems/verification_invalid","title":"the verification is not open","status":400,"code":"verification_invalid"}"#);
    let proof = json!({ "identity": identity, "token": token });
    assert_snapshot!(w.post("/verifications/email", &proof).await, @"204");
    assert_snapshot!(w.post("/verifications/email", &proof).await, @r#"400 {"type":"/problems/verification_invalid","title":"the verification is not open","status":400,"code":"verification_invalid"}"#);
    let held = w.ask("GET", "/me/identifiers").bearer(&fresh.access).send().await;
    assert_snapshot!(held, @r#"200 {"items":[{"scheme":"email","value":"ann@new.example","verified_at":"2026-11-18T11:22:40.000Z"}],"next":null}"#);
}

#[tokio::test]
async fn an_address_is_proved_again_on_request() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    assert_snapshot!(w.ask("POST", "/me/email/verification").bearer(&ann.access).send().await, @"204");
    let link = w.server.link(2).await;
    let token = link.rsplit('/').next().unwrap();
    assert_eq!(w.post("/verifications/email", &json!({ "identity": ann.id, "token": token })).await.status, 204);
}

#[tokio::test]
async fn n76_a_forgotten_password_is_set_once_by_mail() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    let ask = |email: &str| json!({ "application": PUBLISHABLE, "email": email });
    // N75: the same answer whoever it is.
    assert_snapshot!(w.post("/verifications/password-reset", &ask("nobody@example.org")).await, @"204");
    assert_snapshot!(w.post("/verifications/password-reset", &ask("ann@example.org")).await, @"204");
    let link = w.server.link(2).await;
    let token = link.rsplit('/').next().unwrap();
    let redeem = |password: &str| json!({ "application": PUBLISHABLE, "token": token, "password": password });
    let weak = w.post("/verifications/password-reset/redeem", &redeem("short")).await;
    assert_eq!(weak.status, 422);
    let path = "/verifications/password-reset/redeem";
    assert_snapshot!(w.post(path, &redeem("seven quiet lanterns")).await, @"204");
    assert_snapshot!(w.post(path, &redeem("eight quiet lanterns")).await, @r#"400 {"type":"/problems/verification_invalid","title":"the verification is not open","status":400,"code":"verification_invalid"}"#);
    assert_eq!(w.me(&ann.access).await.text("/code"), "session_revoked");
    assert_eq!(w.sign_in("ann", "seven quiet lanterns").await.status, 200);
}

#[tokio::test]
async fn sessions_are_seen_in_pages_and_ended() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    for _ in 0..4 {
        w.sign_in("ann", PASSWORD).await;
    }
    let get = |query: &str| w.ask("GET", &format!("/sessions{query}")).bearer(&ann.access);
    let first = get("?limit=3").send().await;
    let next = first.text("/next");
    w.server.call(next.clone(), "cursor");
    assert_snapshot!(first, @r#"200 {"items":[{"id":"{uuid}","current":false,"face":"native","amr":["pwd"],"auth_time":"2026-11-18T11:06:40.000Z","expires_at":"2026-12-18T11:06:40.000Z"},{"id":"{uuid}","current":false,"face":"native","amr":["pwd"],"auth_time":"2026-11-18T11:06:40.000Z","expires_at":"2026-12-18T11:06:40.000Z"},{"id":"{uuid}","current":false,"face":"native","amr":["pwd"],"auth_time":"2026-11-18T11:06:40.000Z","expires_at":"2026-12-18T11:06:40.000Z"}],"next":"v1.ea8b290c.ljD-BdOG1uAv1DQAt7G-4swlU64DlsdOXhHm8UoJiT8wUA2O7dYwloIgHPwDaZTihLJPIob-aVfOAiIoSznXJw"}"#);
    let second = get(&format!("?limit=3&after={next}")).send().await.json();
    assert_eq!((second["items"].as_array().unwrap().len(), &second["next"]), (2, &serde_json::Value::Null));
    let other = second["items"][0]["id"].as_str().unwrap().to_owned();
    assert_snapshot!(w.ask("DELETE", &format!("/sessions/{other}")).bearer(&ann.access).send().await, @"204");
    assert_snapshot!(w.ask("DELETE", "/sessions").bearer(&ann.access).send().await, @"204");
    assert_eq!(get("").send().await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(w.me(&ann.access).await.status, 200);
    assert_snapshot!(get("?limit=0").send().await, @r#"400 {"type":"/problems/query_malformed","title":"the query has a member that is not known, missing or malformed","status":400,"code":"query_malformed"}"#);
    assert_snapshot!(get("?page=2").send().await, @r#"400 {"type":"/problems/query_malformed","title":"the query has a member that is not known, missing or malformed","status":400,"code":"query_malformed"}"#);
}

#[tokio::test]
async fn n86_a_guest_becomes_a_member_once_and_an_address_in_use_leaves_it_as_it_was() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    let guest = w.guest().await;
    let want = |token: &str, email: &str| {
        w.ask("POST", "/me/upgrade").bearer(token).json(&json!({ "email": email, "password": PASSWORD }))
    };
    let taken = want(&guest.access, "ann@example.org").send().await;
    assert_snapshot!(taken, @r#"409 {"type":"/problems/address_taken","title":"the address has an account already","status":409,"code":"address_taken","merge_ticket":"{secret}"}"#);
    assert_eq!(w.me(&guest.access).await.text("/kind"), "guest");
    let upgraded = want(&guest.access, "gus@example.org").send().await;
    assert_snapshot!(upgraded, @r#"200 {"access_token":"{jwt}","token_type":"Bearer","expires_in":86400,"refresh_token":"{secret}","session_expires_in":2592000,"session_id":"{uuid}","identity":{"id":"{uuid}","kind":"member","profile":{"given_name":null,"family_name":null,"nickname":null,"phone_number":null,"locale":null},"created_at":"2026-11-18T11:06:40.000Z"},"server_time":"2026-11-18T11:06:40.000Z"}"#);
    assert_eq!(upgraded.text("/identity/id"), guest.id);
    let member = Person::of(&upgraded);
    assert_ne!(member.session, guest.session);
    assert_snapshot!(want(&member.access, "gus2@example.org").send().await, @r#"409 {"type":"/problems/conflict","title":"this identity exists already","status":409,"code":"conflict"}"#);

    let other = w.guest().await;
    let ticket = want(&other.access, "ann@example.org").send().await.text("/merge_ticket");
    let merge = |token: &str| w.ask("POST", "/me/merge").bearer(token).json(&json!({ "merge_ticket": ticket }));
    // Only whoever holds the address.
    assert_snapshot!(merge(&member.access).send().await, @r#"400 {"type":"/problems/verification_invalid","title":"the verification is not open","status":400,"code":"verification_invalid"}"#);
    assert_eq!(merge(&ann.access).send().await.text("/guest"), other.id);
    assert_snapshot!(merge(&ann.access).send().await, @r#"400 {"type":"/problems/verification_invalid","title":"the verification is not open","status":400,"code":"verification_invalid"}"#);
    assert_eq!(w.me(&other.access).await.text("/code"), "identity_suspended");
}

#[tokio::test]
async fn n90_an_erased_account_stays_dead_when_its_address_comes_again() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    assert_snapshot!(w.ask("DELETE", "/me").bearer(&ann.access).send().await, @"204");
    let again = w.member("ann").await;
    assert_ne!(ann.id, again.id);
    assert_eq!(w.me(&ann.access).await.text("/code"), "identity_suspended");
    assert_eq!(w.refresh(&ann.refresh).await.text("/code"), "identity_suspended");
    assert_eq!(w.me(&again.access).await.status, 200);
}
