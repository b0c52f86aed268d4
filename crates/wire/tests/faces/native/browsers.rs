//! Pages of browsers.

use insta::assert_snapshot;
use serde_json::json;

use super::world::{PUBLISHABLE, World};

#[tokio::test]
async fn a_preflight_is_answered_without_cookies() {
    let w = World::start().await;
    let asked = w.ask("OPTIONS", "/guests").header("origin", "https://shop.example");
    let answer = asked.header("access-control-request-method", "POST").send().await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "authorization, content-type, accept-language, idempotency-key"
    );
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn only_pages_that_the_application_allows_may_use_it() {
    let w = World::start().await;
    let path = format!("/admin/applications/{}", w.application);
    let change = json!({ "settings": { "allowed_origins": ["https://shop.example"] } });
    assert_eq!(w.admin("PATCH", &path).json(&change).send().await.status, 200);
    let visit = |origin: &str| {
        let asked = w.ask("POST", "/guests").header("origin", origin);
        asked.json(&json!({ "application": PUBLISHABLE }))
    };
    let guest = visit("https://shop.example").send().await;
    assert_eq!((guest.status.as_u16(), guest.header("access-control-allow-origin")), (201, "*"));
    let refused = visit("https://evil.example").send().await;
    assert_snapshot!(refused, @r#"403 {"type":"/problems/origin_not_allowed","title":"pages of this origin may not use this","status":403,"code":"origin_not_allowed"}"#);
    assert_eq!(refused.header("access-control-allow-origin"), "*");
    assert_eq!(visit("null").send().await.status, 403);
    let me = |origin: &str| w.ask("GET", "/me").header("origin", origin).bearer(&guest.text("/access_token"));
    assert_eq!(me("https://shop.example").send().await.status, 200);
    assert_eq!(me("https://evil.example").send().await.status, 403);
    let refresh = w.ask("POST", "/refresh").header("origin", "https://evil.example");
    let refresh = refresh.json(&json!({ "refresh_token": guest.text("/refresh_token") })).send().await;
    assert_eq!(refresh.status, 403);
    assert_eq!(w.refresh(&guest.text("/refresh_token")).await.status, 200, "nothing was used up");
}

#[tokio::test]
async fn n87_a_page_does_not_show_an_api_key() {
    let w = World::start().await;
    let asked = w.admin("GET", "/admin/project").header("origin", "https://shop.example");
    assert_snapshot!(asked.send().await, @r#"403 {"type":"/problems/origin_not_allowed","title":"pages of this origin may not use this","status":403,"code":"origin_not_allowed"}"#);
}
