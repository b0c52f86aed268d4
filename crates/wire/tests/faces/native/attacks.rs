//! What must be refused, by the numbers of the catalogue.

use insta::assert_snapshot;
use ringfence_core::{caller::Scope, error::AuthError};
use serde_json::{Value, json};

use super::{
    description::{Operation, operations},
    world::{Elsewhere, PUBLISHABLE, World},
};
use crate::support::forged;

/// A request to a described operation with `names` in its path and nothing in its body.
async fn ask(w: &World, operation: &Operation, names: &[(&str, String)], bearer: Option<&str>) -> u16 {
    let mut path = operation.path.clone();
    for (name, value) in names {
        path = path.replace(&format!("{{{name}}}"), value);
    }
    let asked = w.server.ask_root(&operation.method, &path.replace(['{', '}'], "x"));
    let asked = match bearer {
        Some(token) => asked.header("authorization", &format!("Bearer {token}")),
        None => asked,
    };
    asked.json(&json!({})).send().await.status.as_u16()
}

#[tokio::test]
async fn every_closed_operation_refuses_whoever_proves_nothing() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    let unsigned = forged(r#"{"alg":"none","typ":"at+jwt"}"#, &json!({ "sub": ann.id }));
    let closed: Vec<_> = operations().into_iter().filter(|operation| operation.scopes.is_some()).collect();
    assert!(closed.len() > 45, "{}", closed.len());
    for operation in &closed {
        for token in [None, Some("x"), Some(&*unsigned), Some(&*ann.refresh), Some("rfk_unknown")] {
            assert_eq!(ask(&w, operation, &[], token).await, 401, "{operation:?} with {token:?}");
        }
    }
}

#[tokio::test]
async fn every_operation_that_needs_a_scope_refuses_whoever_lacks_it() {
    let w = World::start().await;
    let (ann, guest) = (w.member("ann").await, w.guest().await);
    // The feed ends as soon as it was admitted to.
    w.server.feed.close();
    for operation in operations() {
        let Some(needed) = operation.scopes.as_ref().and_then(|scopes| scopes.first()).cloned() else { continue };
        let needed = Scope::parse(&needed).unwrap();
        let others: Vec<_> = Scope::EACH.into_iter().filter(|scope| *scope != needed && *scope != Scope::All).collect();
        let weak = w.key(&others, None).await;
        for token in [&ann.access, &guest.access, &weak] {
            assert_eq!(ask(&w, &operation, &[], Some(token)).await, 403, "{operation:?}");
        }
        let exact = w.key(&[needed], None).await;
        assert!(![401, 403].contains(&ask(&w, &operation, &[], Some(&exact)).await), "{operation:?}");
    }
}

#[tokio::test]
async fn n19_tokens_of_other_kinds_are_no_access_tokens() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    let guest = w.guest().await;
    let want = json!({ "email": "ann@example.org", "password": "violet otter under glass" });
    let ticket = w.ask("POST", "/me/upgrade").bearer(&guest.access).json(&want).send().await.text("/merge_ticket");
    w.post("/verifications/password-reset", &json!({ "application": PUBLISHABLE, "email": "ann@example.org" })).await;
    let link = w.server.link(2).await;
    let reset = link.rsplit('/').next().unwrap();
    for token in [&ann.refresh, &ticket, &reset.to_owned()] {
        let refused = w.me(token).await;
        assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (401, "token_type"), "{token}");
    }
    for token in [&ann.access, &ticket, &reset.to_owned(), &w.key] {
        assert_eq!(w.refresh(token).await.status, 401, "{token}");
    }
    let redeem =
        |token: &str| json!({ "application": PUBLISHABLE, "token": token, "password": "seven quiet lanterns" });
    for token in [&ann.refresh, &ann.access, &ticket] {
        assert_eq!(w.post("/verifications/password-reset/redeem", &redeem(token)).await.status, 400);
    }
    assert_eq!(w.ask("GET", "/admin/project").bearer(&ann.access).send().await.status, 403);
    let key_as_person = w.me(&w.key).await;
    assert_eq!(key_as_person.text("/kind"), "service");
    // And it does not end itself by a slip: schemathesis did.
    assert_eq!(w.ask("DELETE", "/me").bearer(&w.key).send().await.status, 403);
    assert_eq!(w.admin("GET", "/admin/project").send().await.status, 200);
}

#[tokio::test]
async fn n20_a_guest_is_no_member() {
    let w = World::start().await;
    let guest = w.guest().await;
    let change = json!({ "present": "a", "new": "seven quiet lanterns" });
    let refused = w.ask("PUT", "/me/password").bearer(&guest.access).json(&change).send().await;
    assert!([401, 403].contains(&refused.status.as_u16()), "{refused}");
}

#[tokio::test]
async fn n24_a_refresh_token_that_was_cut_or_changed_is_unknown() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    let whole = ann.refresh.clone();
    for bad in [whole[..whole.len() - 1].to_owned(), format!("{whole}A"), whole.to_uppercase(), whole[..10].to_owned()]
    {
        let refused = w.refresh(&bad).await;
        assert_eq!(refused.status, 401, "{bad}");
    }
    assert_eq!(w.refresh(&whole).await.status, 200);
}

#[tokio::test]
async fn n40_a_token_in_the_address_is_refused_everywhere() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    for operation in operations() {
        let path = format!("{}?access_token={}", operation.path.replace(['{', '}'], "x"), ann.access);
        let refused = w.server.ask_root(&operation.method, &path).json(&json!({})).send().await;
        assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (400, "token_in_query"), "{operation:?}");
    }
    assert_snapshot!(w.ask("GET", "/me?access_token=x").bearer(&ann.access).send().await, @r#"400 {"type":"/problems/token_in_query","title":"a token must not stand in the address","status":400,"code":"token_in_query"}"#);
}

#[tokio::test]
async fn n85_a_guest_reaches_neither_others_sessions_nor_their_accounts() {
    let w = World::start().await;
    let (ann, guest) = (w.member("ann").await, w.guest().await);
    let path = format!("/sessions/{}", ann.session);
    assert_snapshot!(w.ask("DELETE", &path).bearer(&guest.access).send().await, @r#"404 {"type":"/problems/not_found","title":"there is no such session","status":404,"code":"not_found"}"#);
    assert_eq!(w.me(&ann.access).await.status, 200);
    assert_eq!(w.ask("GET", &format!("/admin/identities/{}", ann.id)).bearer(&guest.access).send().await.status, 403);
}

/// What there is in a project, by the names of path parameters.
async fn everything(w: &World, elsewhere: &Elsewhere) -> Vec<(&'static str, String)> {
    let (key, application) = (&elsewhere.key, elsewhere.application.to_string());
    let make = async |path: &str, body: Value| {
        let made = w.ask("POST", path).bearer(key).json(&body).send().await;
        assert_eq!(made.status, 201, "{path}: {made}");
        made
    };
    let issuer = make(&format!("/admin/applications/{application}/issuers"), json!({})).await.text("/id");
    let target = make("/admin/guest-targets", json!({ "kind": "room", "name": "x" })).await.text("/id");
    let member = json!({ "email": "eve@example.org", "password": "violet otter under glass" });
    let identity = make("/admin/identities", member).await.text("/id");
    let group = make("/admin/endpoint-groups", json!({ "name": "g", "user_name": "group1" })).await.text("/number");
    let endpoint = json!({ "group": group, "user_name": "desk1", "name": "d" });
    let endpoint = make("/admin/endpoints", endpoint).await.text("/id");
    let api_key = make("/admin/api-keys", json!({ "name": "k", "scopes": ["*"] })).await.text("/id");
    let webhook = make("/admin/webhooks", json!({ "url": "https://example.org/hook" })).await.text("/id");
    let guest = w.post("/guests", &json!({ "application": application })).await.text("/session_id");
    vec![
        ("application", application),
        ("issuer", issuer),
        ("target", target),
        ("identity", identity),
        ("group", group),
        ("endpoint", endpoint),
        ("key", api_key),
        ("webhook", webhook),
        ("session", guest),
    ]
}

#[tokio::test]
async fn n89_ids_of_another_project_name_nothing_and_leave_a_trace() {
    let w = World::start().await;
    let elsewhere = w.elsewhere().await;
    let names = everything(&w, &elsewhere).await;
    let ann = w.member("ann").await;
    let before = w.server.authority.link_audit().await.unwrap();
    assert!(before > 0);
    let mut asked = 0;
    for operation in operations().into_iter().filter(|operation| operation.path.contains('{')) {
        let administers = operation.path.contains("/admin/");
        let token = if administers { &w.key } else { &ann.access };
        let body = operation.body();
        let path =
            names.iter().fold(operation.path.clone(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id));
        assert!(!path.contains('{'), "{path} names something that this test does not make");
        let bearer = format!("Bearer {token}");
        let answer =
            w.server.ask_root(&operation.method, &path).header("authorization", &bearer).json(&body).send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.text("/code").as_str()),
            (404, "not_found"),
            "{operation:?}: {answer}"
        );
        asked += u64::from(administers);
    }
    w.server.authority.link_audit().await.unwrap();
    let log = w.server.authority.audit_log(&w.server.permit(), 0, 1000).await.unwrap();
    let traces = log.iter().filter(|(event, _)| event.action == "lookup.refused").count();
    assert_eq!(traces as u64, asked);
    // And nothing of it came to harm.
    for (path, name) in
        [("/admin/identities", "identity"), ("/admin/endpoints", "endpoint"), ("/admin/applications", "application")]
    {
        let id = &names.iter().find(|(known, _)| *known == name).unwrap().1;
        let found = w.ask("GET", &format!("{path}/{id}")).bearer(&elsewhere.key).send().await;
        assert_eq!(found.status, 200, "{path}");
    }
}

#[tokio::test]
async fn n91_a_cursor_is_good_for_its_own_list_only() {
    let w = World::start().await;
    let elsewhere = w.elsewhere().await;
    for name in ["a", "b", "c"] {
        for key in [&w.key, &elsewhere.key] {
            let made = w.ask("POST", "/admin/applications").bearer(key).json(&json!({ "name": name })).send().await;
            assert_eq!(made.status, 201);
        }
    }
    let page = async |key: &str, after: &str| {
        w.ask("GET", &format!("/admin/applications?limit=1{after}")).bearer(key).send().await
    };
    let (own, theirs) = (page(&w.key, "").await.text("/next"), page(&elsewhere.key, "").await.text("/next"));
    assert_eq!(page(&w.key, &format!("&after={own}")).await.status, 200);
    let sql = "'%20OR%201=1--";
    let id = w.application.to_string();
    for forged in [theirs.as_str(), sql, "0", &own[..own.len() - 2], &id] {
        let refused = page(&w.key, &format!("&after={forged}")).await;
        assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (400, "cursor_invalid"), "{forged}");
    }
    let other_list = w.admin("GET", &format!("/admin/identities?after={own}")).send().await;
    assert_eq!(other_list.text("/code"), "cursor_invalid");
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_the_same_shape() {
    let w = World::start().await;
    assert_snapshot!(w.ask("GET", "/nothing").send().await, @r#"404 {"type":"/problems/not_found","title":"there is no such endpoint","status":404,"code":"not_found"}"#);
    let wrong = w.ask("PUT", "/guests").send().await;
    assert_snapshot!(wrong, @r#"405 {"type":"/problems/method_not_allowed","title":"this method is not allowed","status":405,"code":"method_not_allowed"}"#);
    assert_eq!(wrong.header("allow"), "POST");
    assert_snapshot!(w.admin("GET", "/admin/identities/%ff").send().await, @r#"400 {"type":"/problems/path_malformed","title":"a name in the path cannot be read","status":400,"code":"path_malformed"}"#);
    // Not reached by anything above.
    let internal = AuthError::internal("a secret cause");
    assert!(!internal.to_string().contains("secret"));
}
