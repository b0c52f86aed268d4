//! Forward-auth: who may pass to a resource of somebody else.

use std::time::Duration;

use insta::assert_snapshot;
use ringfence_core::{caller::Scope, session::SessionsOf};

use crate::server::{Answer, KEY, Server, named};

fn said(answer: &Answer) -> String {
    let names =
        answer.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-auth") || *name == "www-authenticate");
    let lines: Vec<_> = names.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    named(&format!("{} {}", answer.status.as_u16(), lines.join(" | ")))
}

async fn ask(t: &Server, query: &str, token: Option<&str>) -> Answer {
    let asked = t.root("GET", &format!("/forward-auth{query}"));
    match token {
        Some(token) => asked.bearer(token).send().await,
        None => asked.send().await,
    }
}

#[tokio::test]
async fn a_live_token_passes_with_what_it_says() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    t.give_role(&ann, "ORGANIZATION:AGENT").await;
    assert_snapshot!(said(&ask(&t, "", Some(&ann.access)).await), @"200 x-auth-identity: {id0} | x-auth-kind: member | x-auth-roles: ORGANIZATION:AGENT | x-auth-project: default | x-auth-application: {id1} | x-auth-session: {id2} | x-auth-dialect: keyclic | x-auth-expires: 2026-11-19T11:06:40.000Z");
    assert_snapshot!(said(&ask(&t, "?dialect=keyclic&application=com.keyclic.city&role=ORGANIZATION:AGENT", Some(&ann.access)).await), @"200 x-auth-identity: {id0} | x-auth-kind: member | x-auth-roles: ORGANIZATION:AGENT | x-auth-project: default | x-auth-application: {id1} | x-auth-session: {id2} | x-auth-dialect: keyclic | x-auth-expires: 2026-11-19T11:06:40.000Z");
}

#[tokio::test]
async fn without_expired_revoked_and_foreign_are_refused() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let query = format!("?dialect=keyclic&application={KEY}");
    assert_snapshot!(said(&ask(&t, &query, None).await), @r#"401 x-auth-error: invalid_credentials | www-authenticate: Bearer realm="ringfence""#);
    assert_snapshot!(said(&ask(&t, &query, Some("x")).await), @r#"401 x-auth-error: token_unknown | www-authenticate: Bearer realm="ringfence", error="invalid_token""#);
    assert_snapshot!(said(&ask(&t, "?dialect=tiledesk", None).await), @r#"401 x-auth-error: invalid_credentials | www-authenticate: JWT realm="ringfence""#);
    assert_snapshot!(said(&ask(&t, "?role=ORGANIZATION:ADMIN", Some(&ann.access)).await), @"403 x-auth-error: forbidden");
    t.application(&t.elsewhere().await, "com.other").await;
    assert_snapshot!(said(&ask(&t, "?dialect=keyclic&application=com.other", Some(&ann.access)).await), @"403 x-auth-error: app_mismatch");
    let own = t.root("GET", "/forward-auth?dialect=keyclic").header("x-keyclic-app", "com.other").bearer(&ann.access);
    assert_eq!(own.send().await.status, 403, "what the client names counts too");
    assert_eq!(ask(&t, &query, Some(&ann.access)).await.status, 200);
    let of = SessionsOf::Identity(ann.id.parse().unwrap());
    t.authority.revoke_sessions(&t.world.ctx(), &t.permit(), of).await.unwrap();
    assert_snapshot!(said(&ask(&t, &query, Some(&ann.access)).await), @r#"401 x-auth-error: session_revoked | www-authenticate: Bearer realm="ringfence", error="invalid_token""#);
    let bob = t.person("bob").await;
    t.world.clock.advance(Duration::from_hours(24));
    assert_snapshot!(said(&ask(&t, &query, Some(&bob.access)).await), @r#"401 x-auth-error: token_expired | www-authenticate: Bearer realm="ringfence", error="invalid_token""#);
}

#[tokio::test]
async fn what_is_asked_for_stands_in_the_configuration_alone() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    assert_eq!(ask(&t, "?aplication=x", Some(&ann.access)).await.status, 403, "a typing error opens no door");
    assert_eq!(ask(&t, "?dialect=none", Some(&ann.access)).await.status, 403);
    t.application(&t.elsewhere().await, "com.other").await;
    // Envoy puts the visitor's path and query behind its own.
    let envoy = async |prefix: &str, visitor: &str| {
        t.root("POST", &format!("/forward-auth/envoy/{prefix}{visitor}"))
            .bearer(&ann.access)
            .send()
            .await
            .status
            .as_u16()
    };
    assert_eq!(envoy("keyclic/com.keyclic.app", "/feedbacks?application=com.other").await, 200);
    assert_eq!(envoy("keyclic/com.keyclic.app", "/").await, 200);
    assert_eq!(envoy("keyclic/com.keyclic.app", "").await, 200);
    assert_eq!(envoy("-/-", "/feedbacks").await, 200);
    assert_eq!(envoy("keyclic/com.other", "/feedbacks?application=com.keyclic.app").await, 403);
}

#[tokio::test]
async fn two_tokens_are_none() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let asked = t.root("GET", "/forward-auth").bearer(&ann.access).bearer("other");
    assert_eq!(asked.send().await.status, 401);
    let in_query = t.root("GET", &format!("/forward-auth?access_token={}", ann.access)).send().await;
    assert_eq!(in_query.status, 403);
}

#[tokio::test]
async fn api_keys_of_back_ends_pass_as_services() {
    let t = Server::start().await;
    let wanted = ringfence_core::authority::ApiKeyRequest {
        label: "backend".to_owned(),
        scopes: [Scope::IdentitiesRead].into_iter().collect(),
        application: None,
        expires_at: None,
        value: None,
    };
    let key = t.authority.create_api_key(&t.world.ctx(), &t.permit(), wanted).await.unwrap().value;
    assert_snapshot!(said(&ask(&t, "", Some(key.expose())).await), @"200 x-auth-identity: {id0} | x-auth-kind: service | x-auth-roles:  | x-auth-project: default | x-auth-application:  | x-auth-session:  | x-auth-dialect:  | x-auth-expires:");
}
