//! Forward-auth: who may pass to a resource of somebody else.

use std::time::Duration;

use insta::assert_snapshot;
use ringfence_core::{
    authority::{EndpointRequest, GroupRequest, PresentedCredential},
    caller::Scope,
    identity::Identifier,
    project::ProjectRef,
    secret::Password,
    session::SessionsOf,
};
use ringfence_wire::{DIALECTS, Dialect};

use super::server::{KEY, PASSWORD, Server};
use crate::support::{Answer, named};

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

/// A token of a dialect's own, and whose sessions end it.
async fn token_of(t: &Server, dialect: &Dialect) -> (String, SessionsOf) {
    let ctx = t.world.ctx_on(dialect.name);
    if dialect.name == "telnyx" {
        let (permit, name) = (t.permit(), "desk".to_owned());
        let group = GroupRequest {
            name: name.clone(),
            user_name: "deskgroup".to_owned(),
            password: None,
            attributes: serde_json::Map::new(),
            outbound_profile: None,
            disabled: false,
        };
        let group = t.authority.create_endpoint_group(&ctx, &permit, group).await.unwrap().group.number;
        let wanted = EndpointRequest { group, user_name: "desk1".to_owned(), name, tag: None, expires_at: None };
        let endpoint = t.authority.create_endpoint(&ctx, &permit, wanted).await.unwrap();
        let issued = t.authority.issue_endpoint_token(&ctx, &permit, endpoint.id, serde_json::json!({})).await.unwrap();
        return (issued.token.expose().to_owned(), SessionsOf::Identity(endpoint.id));
    }
    let email = format!("{}@example.org", dialect.name);
    t.register(dialect.name).await;
    let presented = PresentedCredential::Password {
        project: ProjectRef::Application(t.application.id),
        identifier: Identifier::email(&email),
        password: Password::new(PASSWORD),
    };
    let who = t.authority.sign_in(&ctx, presented).await.unwrap();
    let issued = t.authority.issue_token(&ctx, &who, serde_json::json!({})).await.unwrap();
    (issued.token.expose().to_owned(), SessionsOf::Identity(who.identity.id))
}

#[tokio::test]
async fn tokens_of_every_dialect_pass_until_they_end() {
    let t = Server::start().await;
    let far = t.application(&t.elsewhere().await, "com.other").await.id;
    let mut seen = 0;
    for dialect in DIALECTS.iter().filter(|dialect| dialect.token_shape.is_some()) {
        let (token, of) = token_of(&t, dialect).await;
        let shown = format!("{} {token}", dialect.bearer.scheme);
        let ask = async |more: &str, shown: Option<&str>| {
            let asked = t.root("GET", &format!("/forward-auth?dialect={}{more}", dialect.name));
            match shown {
                Some(shown) => asked.header("authorization", shown).send().await,
                None => asked.send().await,
            }
        };
        let said = |answer: &Answer, name: &str| answer.header(name).to_owned();
        let challenge = format!("{} realm=\"ringfence\"", dialect.bearer.scheme);
        let name = dialect.name;

        let passed = ask(&format!("&application={}", t.application.id), Some(&shown)).await;
        assert_eq!((passed.status.as_u16(), said(&passed, "x-auth-dialect")), (200, name.to_owned()));
        let without = ask("", None).await;
        assert_eq!((without.status.as_u16(), said(&without, "www-authenticate")), (401, challenge.clone()), "{name}");
        let foreign = ask(&format!("&application={far}"), Some(&shown)).await;
        assert_eq!(
            (foreign.status.as_u16(), said(&foreign, "x-auth-error")),
            (403, "app_mismatch".to_owned()),
            "{name}"
        );

        t.authority.revoke_sessions(&t.world.ctx(), &t.permit(), of).await.unwrap();
        let revoked = ask("", Some(&shown)).await;
        assert_eq!(
            (revoked.status.as_u16(), said(&revoked, "x-auth-error")),
            (401, "session_revoked".to_owned()),
            "{name}"
        );
        assert_eq!(said(&revoked, "www-authenticate"), format!("{challenge}, error=\"invalid_token\""));
        t.world.clock.advance(Duration::from_hours(24));
        let expired = ask("", Some(&shown)).await;
        assert_eq!(
            (expired.status.as_u16(), said(&expired, "x-auth-error")),
            (401, "token_expired".to_owned()),
            "{name}"
        );
        seen += 1;
    }
    assert!(seen >= 3, "every dialect that issues tokens");
}

#[tokio::test]
async fn every_proxy_asks_in_its_own_way_and_no_visitor_in_its_place() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    t.application(&t.elsewhere().await, "com.other").await;
    let query = format!("/forward-auth?dialect=keyclic&application={KEY}");
    let envoy = format!("/forward-auth/envoy/keyclic/{KEY}/feedbacks?application=com.other&role=root");
    let forwarded = [
        ("x-forwarded-method", "DELETE"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "city.example"),
        ("x-forwarded-uri", "/feedbacks?application=com.other"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    let conventions: [(_, _, _, &[(&str, &str)]); 4] = [
        // ngx_http_auth_request_module: a GET with the visitor's headers and no body.
        ("nginx", "GET", query.as_str(), &[("host", "127.0.0.1"), ("connection", "close"), ("content-length", "")]),
        // Caddy, `forward_auth`: a GET that says what the visitor asked in X-Forwarded-Method and -Uri.
        ("Caddy", "GET", &query, &forwarded),
        // Traefik, `forwardAuth`: the same, with all five; newer ones may keep the method.
        ("Traefik", "HEAD", &query, &forwarded),
        // Envoy, `ext_authz` over HTTP: the visitor's method, and its path and query behind the prefix.
        ("Envoy", "DELETE", &envoy, &[("content-length", "0"), ("x-envoy-internal", "true")]),
    ];
    for (proxy, method, path, headers) in conventions {
        let ask = async |token: Option<&str>| {
            let claims = [("x-auth-identity", "root"), ("x-auth-roles", "root"), ("cookie", "session=x")];
            let mut asked = t.root(method, path).header("x-keyclic-app", KEY);
            for (name, value) in headers.iter().chain(&claims).filter(|(_, value)| !value.is_empty()) {
                asked = asked.header(name, value);
            }
            match token {
                Some(token) => asked.bearer(token).send().await,
                None => asked.send().await,
            }
        };
        let passed = ask(Some(&ann.access)).await;
        assert_eq!((passed.status.as_u16(), passed.header("x-auth-identity")), (200, &*ann.id), "{proxy}");
        assert_eq!((passed.header("x-auth-roles"), passed.header("cache-control")), ("", "no-store"), "{proxy}");
        let refused = ask(None).await;
        let challenge = "Bearer realm=\"ringfence\"";
        assert_eq!((refused.status.as_u16(), refused.header("www-authenticate")), (401, challenge), "{proxy}");
        assert!(refused.headers.get("x-auth-identity").is_none(), "{proxy}");
    }
}
