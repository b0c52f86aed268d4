//! `Idempotency-Key`.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use super::world::{PUBLISHABLE, World};

const KEY: &str = "5f7d1a52-3b9e-4c1e-9a55-1c6b1d1a0001";

#[tokio::test]
async fn a_creation_that_is_sent_twice_is_done_once() {
    let w = World::start().await;
    let visit = |nickname: &str| {
        let asked = w.ask("POST", "/guests").header("idempotency-key", KEY);
        asked.json(&json!({ "application": PUBLISHABLE, "nickname": nickname }))
    };
    let first = visit("Gus").send().await;
    let again = visit("Gus").send().await;
    assert_eq!((first.status.as_u16(), &first.body), (201, &again.body));
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (201, "true"));
    assert_eq!(again.header("content-type"), "application/json");
    assert_snapshot!(visit("Eve").send().await, @r#"422 {"type":"/problems/idempotency_mismatch","title":"the Idempotency-Key was used for another request","status":422,"code":"idempotency_mismatch"}"#);
    let guests = w.admin("GET", "/admin/identities?kind=guest").send().await.json();
    assert_eq!(guests["items"].as_array().unwrap().len(), 1);
    w.server.clock.advance(Duration::from_hours(24) + Duration::from_secs(1));
    assert_eq!(visit("Eve").send().await.status, 201, "a day later it is another key");
}

#[tokio::test]
async fn a_key_belongs_to_whoever_gave_it_and_to_one_address() {
    let w = World::start().await;
    let other = w.key(&[ringfence_core::caller::Scope::All], None).await;
    let body = json!({ "kind": "room", "name": "lobby" });
    let create =
        |key: &str| w.ask("POST", "/admin/guest-targets").bearer(key).header("idempotency-key", KEY).json(&body);
    assert_eq!(create(&w.key).send().await.status, 201);
    assert_eq!(create(&w.key).send().await.status, 201);
    assert_eq!(create(&other).send().await.status, 409, "it is done again, and conflicts");
    let made = w.admin("POST", "/admin/applications").header("idempotency-key", KEY).json(&json!({ "name": "Other" }));
    assert_eq!(made.send().await.status, 201);
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let w = World::start().await;
    let sign_up = |password: &str| {
        let body = json!({ "application": PUBLISHABLE, "email": "ann@example.org", "password": password });
        w.ask("POST", "/sign-up").header("idempotency-key", KEY).json(&body)
    };
    assert_eq!(sign_up("short").send().await.status, 422);
    assert_eq!(sign_up("violet otter under glass").send().await.status, 201);
}

#[tokio::test]
async fn a_request_that_has_no_answer_yet_is_not_done_again() {
    let w = World::start().await;
    let body = json!({ "application": PUBLISHABLE }).to_string();
    let name = ["/guests", "", KEY].join("\n");
    w.server.authority.begin_once(&w.server.ctx(), name.as_bytes(), body.as_bytes()).await.unwrap();
    let asked = w.ask("POST", "/guests").header("idempotency-key", KEY).raw("application/json", body);
    assert_snapshot!(asked.send().await, @r#"409 {"type":"/problems/idempotency_unsettled","title":"the first request of this Idempotency-Key has no answer","status":409,"code":"idempotency_unsettled"}"#);
}

#[tokio::test]
async fn a_key_that_could_be_guessed_is_refused() {
    let w = World::start().await;
    for key in ["1", "a key with spaces in it", &"x".repeat(129)] {
        let asked =
            w.ask("POST", "/guests").header("idempotency-key", key).json(&json!({ "application": PUBLISHABLE }));
        assert_eq!(asked.send().await.text("/code"), "idempotency_key");
    }
    let me = w.ask("POST", "/sign-out").header("idempotency-key", "1").send().await;
    assert_eq!(me.status, 401, "where nothing is made it is not looked at");
}
