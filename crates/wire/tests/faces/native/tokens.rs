//! What other servers ask, and what they verify with.

use insta::assert_snapshot;
use ringfence_core::caller::Scope;
use serde_json::json;

use super::world::World;
use crate::support::{claims, header};

#[tokio::test]
async fn a_server_asks_whether_a_token_counts() {
    let w = World::start().await;
    let key = w.key(&[Scope::TokensIntrospect], None).await;
    let ann = w.member("ann").await;
    let ask = |token: &str| w.ask("POST", "/introspect").bearer(&key).form(&format!("token={token}"));
    assert_snapshot!(ask(&ann.access).send().await, @r#"200 {"active":true,"sub":"{uuid}","sid":"{uuid}","kind":"member","client_id":"{uuid}","exp":1795086400,"amr":["pwd"]}"#);
    assert_snapshot!(ask("nonsense").send().await, @r#"200 {"active":false}"#);
    assert_snapshot!(w.ask("POST", "/introspect").bearer(&ann.access).form("token=x").send().await, @r#"403 {"type":"/problems/forbidden","title":"not permitted, needs tokens:introspect","status":403,"code":"forbidden"}"#);
    assert_snapshot!(w.ask("POST", "/introspect").bearer(&key).form("x=y").send().await, @r#"400 {"type":"/problems/body_malformed","title":"the body cannot be read","status":400,"code":"body_malformed"}"#);
    assert_snapshot!(w.ask("POST", "/revoke").form(&format!("token={}", ann.refresh)).send().await, @"200");
    assert_snapshot!(ask(&ann.access).send().await, @r#"200 {"active":false}"#);
    assert_snapshot!(w.ask("POST", "/revoke").form("token=nonsense").send().await, @"200");
}

#[tokio::test]
async fn tokens_say_who_issued_them_and_where_the_keys_are() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    let said = claims(&ann.access);
    let issuer = said["iss"].as_str().unwrap();
    let project = issuer.strip_prefix("https://auth.example.org").unwrap();
    assert_eq!(said["aud"], w.application.to_string());
    let path = format!("/.well-known/oauth-authorization-server{project}");
    let metadata = w.server.ask_root("GET", &path).send().await;
    assert_snapshot!(metadata, @r#"200 {"grant_types_supported":[],"introspection_endpoint":"https://auth.example.org/api/v1/introspect","issuer":"https://auth.example.org/projects/{uuid}","jwks_uri":"https://auth.example.org/projects/{uuid}/jwks.json","response_types_supported":[],"revocation_endpoint":"https://auth.example.org/api/v1/revoke","service_documentation":"https://auth.example.org/api/v1","token_endpoint":"https://auth.example.org/api/v1/refresh"}"#);
    let keys = w.server.ask_root("GET", &format!("{project}/jwks.json")).send().await.json();
    assert!(keys["keys"].as_array().unwrap().iter().any(|key| key["alg"] == "EdDSA"), "{keys}");
}

#[tokio::test]
async fn tokens_outlive_a_rotation_of_keys() {
    let w = World::start().await;
    let before = w.member("ann").await;
    let rotated = w.admin("POST", "/admin/signing-keys/rotate").send().await;
    assert_eq!(rotated.status, 200, "{rotated}");
    let after = w.member("bob").await;
    assert_eq!(
        (w.me(&before.access).await.status, w.me(&after.access).await.status),
        (200.try_into().unwrap(), 200.try_into().unwrap())
    );
    let listed = w.admin("GET", "/admin/signing-keys").send().await.json();
    let published = listed["items"].as_array().unwrap().iter().filter(|key| key["alg"] == "EdDSA").count();
    assert_eq!(published, 2);
}

#[tokio::test]
async fn a_project_chooses_an_algorithm_that_more_libraries_know() {
    let w = World::start().await;
    let before = w.member("ann").await;
    let change = json!({ "policy": { "signing_alg": "ES256" } });
    let changed = w.admin("PATCH", "/admin/project").json(&change).send().await;
    assert_eq!(changed.json()["policy"]["signing_alg"], "ES256", "{changed}");
    let after = w.sign_up("bob").await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(
        (header(&before.access)["alg"].as_str(), header(&after)["alg"].as_str()),
        (Some("EdDSA"), Some("ES256"))
    );
    let renewed = w.refresh(&before.refresh).await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(header(&renewed)["alg"], "ES256");
    for token in [&before.access, &after, &renewed] {
        assert_eq!(w.me(token).await.status, 200, "what was made before goes on");
    }
    let project = claims(&after)["iss"].as_str().unwrap().strip_prefix("https://auth.example.org").unwrap().to_owned();
    let published = w.server.ask_root("GET", &format!("{project}/jwks.json")).send().await.json();
    let key = published["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header(&after)["kid"]);
    assert_eq!(key.unwrap()["crv"], "P-256");
    let none = json!({ "policy": { "signing_alg": "HS256" } });
    assert_eq!(w.admin("PATCH", "/admin/project").json(&none).send().await.status, 422);
}
