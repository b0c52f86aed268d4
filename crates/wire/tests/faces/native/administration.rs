//! What an API key may do in its project.

use insta::assert_snapshot;
use ringfence_core::caller::Scope;
use serde_json::json;

use super::world::{PUBLISHABLE, World};
use crate::tiledesk::PASSWORD;

#[tokio::test]
async fn the_project_is_seen_and_configured() {
    let w = World::start().await;
    assert_snapshot!(w.admin("GET", "/admin/project").send().await, @r#"200 {"id":"{uuid}","name":"default","policy":{"compat":{"digest_over_http":false,"token_in_query":false},"email_change":"immediate","inbound":"newest","password":{"min_length":8},"tokens":{"access":"1d","refresh":"30d"},"turn":{"guests":false}},"disabled_at":null,"created_at":"2026-11-18T11:06:40.000Z"}"#);
    let change = json!({ "policy": { "password": { "min_length": 12 }, "email_change": "verified" } });
    assert_snapshot!(w.admin("PATCH", "/admin/project").json(&change).send().await, @r#"200 {"id":"{uuid}","name":"default","policy":{"compat":{"digest_over_http":false,"token_in_query":false},"email_change":"verified","inbound":"newest","password":{"min_length":12},"tokens":{"access":"1d","refresh":"30d"},"turn":{"guests":false}},"disabled_at":null,"created_at":"2026-11-18T11:06:40.000Z"}"#);
    let change = json!({ "policy": { "tokens": { "access": "for ever" } } });
    assert_snapshot!(w.admin("PATCH", "/admin/project").json(&change).send().await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"policy","code":"malformed","detail":"policy is malformed"}]}"#);
    let secret = json!({ "policy": { "federation": { "facebook": { "app_id": "1", "app_secret": "hush" } } } });
    let shown = w.admin("PATCH", "/admin/project").json(&secret).send().await;
    assert_eq!((shown.status.as_u16(), shown.body.contains("hush")), (200, false), "{shown}");
}

#[tokio::test]
async fn applications_are_made_seen_and_changed() {
    let w = World::start().await;
    let wanted = json!({ "name": "Shop", "settings": { "sign_in": ["guest"] }, "publishable_key": "pk-shop" });
    let made = w.admin("POST", "/admin/applications").json(&wanted).send().await;
    assert_snapshot!(made, @r#"201 {"id":"{uuid}","name":"Shop","settings":{"allowed_origins":["*"],"assertion_wildcard":false,"sign_in":["guest"]},"publishable_keys":["pk-shop"],"disabled_at":null,"created_at":"2026-11-18T11:06:40.000Z"}"#);
    let path = format!("/admin/applications/{}", made.text("/id"));
    assert_snapshot!(w.admin("GET", &path).send().await, @r#"200 {"id":"{uuid}","name":"Shop","settings":{"allowed_origins":["*"],"assertion_wildcard":false,"sign_in":["guest"]},"publishable_keys":["pk-shop"],"disabled_at":null,"created_at":"2026-11-18T11:06:40.000Z"}"#);
    assert_snapshot!(w.admin("PATCH", &path).json(&json!({ "disabled": true })).send().await, @r#"200 {"id":"{uuid}","name":"Shop","settings":{"allowed_origins":["*"],"assertion_wildcard":false,"sign_in":["guest"]},"publishable_keys":["pk-shop"],"disabled_at":"2026-11-18T11:06:40.000Z","created_at":"2026-11-18T11:06:40.000Z"}"#);
    let refused = w.post("/guests", &json!({ "application": "pk-shop" })).await;
    assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (403, "disabled"));
    assert_snapshot!(w.admin("POST", "/admin/applications").json(&json!({ "name": "" })).send().await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"name","code":"required","detail":"name is required"}]}"#);
    let bad = json!({ "settings": { "sign_in": ["magic"] } });
    assert_snapshot!(w.admin("PATCH", &path).json(&bad).send().await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"settings","code":"malformed","detail":"settings is malformed"}]}"#);
    let listed = w.admin("GET", "/admin/applications").send().await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert_snapshot!(w.admin("GET", "/admin/applications/x").send().await, @r#"404 {"type":"/problems/not_found","title":"there is no such application","status":404,"code":"not_found"}"#);
}

#[tokio::test]
async fn guest_targets_come_and_go() {
    let w = World::start().await;
    let made = w.admin("POST", "/admin/guest-targets").json(&json!({ "kind": "room", "name": "lobby" })).send().await;
    assert_snapshot!(made, @r#"201 {"id":"{uuid}","kind":"room","name":"lobby","created_at":"2026-11-18T11:06:40.000Z"}"#);
    let again = w.admin("POST", "/admin/guest-targets").json(&json!({ "kind": "room", "name": "lobby" })).send().await;
    assert_snapshot!(again, @r#"409 {"type":"/problems/conflict","title":"this guest target exists already","status":409,"code":"conflict"}"#);
    assert_snapshot!(w.admin("GET", "/admin/guest-targets").send().await, @r#"200 {"items":[{"id":"{uuid}","kind":"room","name":"lobby","created_at":"2026-11-18T11:06:40.000Z"}],"next":null}"#);
    let path = format!("/admin/guest-targets/{}", made.text("/id"));
    assert_eq!(w.admin("DELETE", &path).send().await.status, 204);
    assert_eq!(w.admin("DELETE", &path).send().await.status, 404);
}

#[tokio::test]
async fn issuers_are_listed_without_their_secrets() {
    let w = World::start().await;
    let path = format!("/admin/applications/{}/issuers", w.application);
    let made = w.admin("POST", &path).json(&json!({})).send().await;
    assert_snapshot!(w.admin("GET", &path).send().await, @r#"200 {"items":[{"id":"{uuid}","profile":"native","created_at":"2026-11-18T11:06:40.000Z"}],"next":null}"#);
    assert!(!w.admin("GET", &path).send().await.body.contains(&made.text("/secret")));
}

#[tokio::test]
async fn identities_are_made_changed_locked_out_and_erased() {
    let w = World::start().await;
    let wanted = json!({ "email": "ann@example.org", "password": PASSWORD, "nickname": "Ann" });
    let made = w.admin("POST", "/admin/identities").json(&wanted).send().await;
    assert_snapshot!(made, @r#"201 {"id":"{uuid}","kind":"member","application_id":null,"profile":{"nickname":"Ann"},"identifiers":[{"scheme":"email","value":"ann@example.org","verified_at":"2026-11-18T11:06:40.000Z"}],"suspended_at":null,"locked_at":null,"erased_at":null,"created_at":"2026-11-18T11:06:40.000Z"}"#);
    let path = format!("/admin/identities/{}", made.text("/id"));
    assert_snapshot!(w.admin("GET", &path).send().await, @r#"200 {"id":"{uuid}","kind":"member","application_id":null,"profile":{"nickname":"Ann"},"identifiers":[{"scheme":"email","value":"ann@example.org","verified_at":"2026-11-18T11:06:40.000Z"}],"suspended_at":null,"locked_at":null,"erased_at":null,"created_at":"2026-11-18T11:06:40.000Z"}"#);
    let change = json!({ "profile": { "given_name": "Ann" }, "suspended": true });
    assert_snapshot!(w.admin("PATCH", &path).json(&change).send().await, @r#"200 {"id":"{uuid}","kind":"member","application_id":null,"profile":{"given_name":"Ann","nickname":"Ann"},"identifiers":[{"scheme":"email","value":"ann@example.org","verified_at":"2026-11-18T11:06:40.000Z"}],"suspended_at":"2026-11-18T11:06:40.000Z","locked_at":null,"erased_at":null,"created_at":"2026-11-18T11:06:40.000Z"}"#);
    assert_eq!(w.sign_in("ann", PASSWORD).await.text("/code"), "identity_suspended");
    assert_eq!(w.admin("PATCH", &path).json(&json!({ "suspended": false })).send().await.status, 200);
    let password = format!("{path}/password");
    let new = json!({ "password": "seven quiet lanterns" });
    assert_eq!(w.admin("PUT", &password).json(&new).send().await.status, 204);
    assert_eq!(w.sign_in("ann", "seven quiet lanterns").await.status, 200);
    assert_snapshot!(w.admin("PUT", &password).json(&json!({ "password_hash": "nonsense" })).send().await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"password_hash","code":"malformed","detail":"password_hash is malformed"}]}"#);
    assert_snapshot!(w.admin("PUT", &password).json(&json!({})).send().await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"password","code":"malformed","detail":"password is malformed"}]}"#);
    assert_eq!(w.admin("POST", &format!("{path}/unlock")).send().await.status, 204);
    assert_snapshot!(w.admin("GET", "/admin/identities?email=ann%40example.org").send().await, @r#"200 {"items":[{"id":"{uuid}","kind":"member","application_id":null,"profile":{"given_name":"Ann","nickname":"Ann"},"suspended_at":null,"locked_at":null,"erased_at":null,"created_at":"2026-11-18T11:06:40.000Z"}],"next":null}"#);
    assert_eq!(w.admin("GET", "/admin/identities?email=x@example.org").send().await.json()["items"], json!([]));
    assert_snapshot!(w.admin("GET", "/admin/identities?kind=king").send().await, @r#"400 {"type":"/problems/query_malformed","title":"the query has a member that is not known, missing or malformed","status":400,"code":"query_malformed"}"#);
    assert_eq!(w.admin("DELETE", &path).send().await.status, 204);
    assert_snapshot!(w.admin("GET", &path).send().await, @r#"200 {"id":"{uuid}","kind":"member","application_id":null,"profile":{},"identifiers":[],"suspended_at":null,"locked_at":null,"erased_at":"2026-11-18T11:06:40.000Z","created_at":"2026-11-18T11:06:40.000Z"}"#);
}

#[tokio::test]
async fn sessions_of_others_are_seen_and_ended() {
    let w = World::start().await;
    let ann = w.member("ann").await;
    w.sign_in("ann", PASSWORD).await;
    let path = format!("/admin/sessions/{}", ann.session);
    assert_snapshot!(w.admin("GET", &path).send().await, @r#"200 {"id":"{uuid}","identity_id":"{uuid}","application_id":"{uuid}","face":"native","amr":["pwd"],"auth_time":"2026-11-18T11:06:40.000Z","expires_at":"2026-12-18T11:06:40.000Z","revoked_at":null}"#);
    assert_eq!(w.admin("DELETE", &path).send().await.status, 204);
    assert_eq!(w.me(&ann.access).await.text("/code"), "session_revoked");
    let path = format!("/admin/identities/{}/sessions", ann.id);
    assert_eq!(w.admin("GET", &path).send().await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(w.admin("GET", "/admin/sessions").send().await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(w.admin("DELETE", &path).send().await.status, 204);
    assert_eq!(w.admin("GET", &path).send().await.json()["items"], json!([]));
}

#[tokio::test]
async fn groups_and_endpoints_are_made_changed_and_removed() {
    let w = World::start().await;
    let wanted = json!({ "name": "Phones", "user_name": "phones" });
    let group = w.admin("POST", "/admin/endpoint-groups").json(&wanted).send().await;
    let number = group.text("/number");
    w.server.call(number.clone(), "number");
    assert_eq!(group.status, 201);
    let wanted = json!({ "group": number, "user_name": "desk7", "name": "Desk" });
    let made = w.admin("POST", "/admin/endpoints").json(&wanted).send().await;
    w.server.call(made.text("/secret"), "password");
    assert_snapshot!(w.admin("GET", &format!("/admin/endpoint-groups/{number}")).send().await, @r#"200 {"number":"{number}","name":"Phones","user_name":"phones","account_id":"{uuid}","disabled_at":null,"created_at":"2026-11-18T11:06:40.000Z"}"#);
    let path = format!("/admin/endpoints/{}", made.text("/id"));
    assert_snapshot!(w.admin("GET", &path).send().await, @r#"200 {"id":"{uuid}","group":"{number}","user_name":"desk7","name":"Desk","tag":null,"expires_at":null,"created_at":"2026-11-18T11:06:40.000Z"}"#);
    let change = json!({ "tag": "desk", "expires_at": "2030-01-01T00:00:00Z" });
    assert_snapshot!(w.admin("PATCH", &path).json(&change).send().await, @r#"200 {"id":"{uuid}","group":"{number}","user_name":"desk7","name":"Desk","tag":"desk","expires_at":"2030-01-01T00:00:00.000Z","created_at":"2026-11-18T11:06:40.000Z"}"#);
    assert_snapshot!(w.admin("PATCH", &path).json(&json!({ "expires_at": "soon" })).send().await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"expires_at","code":"malformed","detail":"expires_at is malformed"}]}"#);
    for name in ["desk8", "desk9"] {
        let wanted = json!({ "group": number, "user_name": name, "name": name });
        assert_eq!(w.admin("POST", "/admin/endpoints").json(&wanted).send().await.status, 201);
    }
    let first = w.admin("GET", "/admin/endpoints?limit=2").send().await;
    let next = first.text("/next");
    let second = w.admin("GET", &format!("/admin/endpoints?limit=2&after={next}")).send().await.json();
    assert_eq!((second["items"].as_array().unwrap().len(), &second["next"]), (1, &serde_json::Value::Null));
    assert_eq!(w.admin("DELETE", &path).send().await.status, 204);
    let path = format!("/admin/endpoint-groups/{number}");
    let disabled = w.admin("PATCH", &path).json(&json!({ "disabled": true, "name": "Old phones" })).send().await;
    assert_eq!(disabled.text("/name"), "Old phones");
    assert_eq!(w.admin("DELETE", &path).send().await.status, 204);
    assert_snapshot!(w.admin("GET", &path).send().await, @r#"404 {"type":"/problems/not_found","title":"there is no such endpoint group","status":404,"code":"not_found"}"#);
    assert_eq!(w.admin("GET", "/admin/endpoint-groups").send().await.json()["items"], json!([]));
}

#[tokio::test]
async fn n88_an_api_key_is_made_with_what_its_maker_has_and_no_more() {
    let w = World::start().await;
    let maker = w.key(&[Scope::CredentialsWrite, Scope::SessionsWrite], None).await;
    let create = |scopes: &[&str]| {
        w.ask("POST", "/admin/api-keys").bearer(&maker).json(&json!({ "name": "ci", "scopes": scopes }))
    };
    let made = create(&["sessions:write"]).send().await;
    assert_snapshot!(made, @r#"201 {"id":"{uuid}","name":"ci","scopes":["sessions:write"],"application_id":null,"value":"{secret}","created_at":"2026-11-18T11:06:40.000Z","expires_at":null,"revoked_at":null}"#);
    assert_snapshot!(create(&["*"]).send().await, @r#"403 {"type":"/problems/forbidden","title":"not permitted, needs *","status":403,"code":"forbidden"}"#);
    assert_snapshot!(create(&["everything"]).send().await, @r#"422 {"type":"/problems/invalid","title":"the input is invalid","status":422,"code":"invalid","errors":[{"field":"scopes","code":"malformed","detail":"scopes is malformed"}]}"#);
    let for_ann = json!({ "name": "ci", "scopes": ["*"], "user_id": "ann" });
    assert_eq!(w.post("/admin/api-keys", &for_ann).await.status, 401);
    let value = made.text("/value");
    assert_eq!(w.ask("GET", "/admin/sessions").bearer(&value).send().await.status, 200);
    let path = format!("/admin/api-keys/{}", made.text("/id"));
    assert_eq!(w.admin("DELETE", &path).send().await.status, 204);
    assert_eq!(w.ask("GET", "/admin/sessions").bearer(&value).send().await.status, 401);
    let listed = w.admin("GET", "/admin/api-keys").send().await;
    assert!(!listed.body.contains(&value));
    assert_eq!(listed.json()["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_key_confined_to_an_application_administers_nothing() {
    let w = World::start().await;
    let key = w.key(&[Scope::All], Some(w.application)).await;
    assert_snapshot!(w.ask("GET", "/admin/project").bearer(&key).send().await, @r#"403 {"type":"/problems/app_mismatch","title":"the credential is not for this application","status":403,"code":"app_mismatch"}"#);
}

#[tokio::test]
async fn the_audit_log_is_read_in_pages_and_verified() {
    let w = World::start().await;
    w.post("/guests", &json!({ "application": PUBLISHABLE })).await;
    w.server.authority.link_audit().await.unwrap();
    let first = w.admin("GET", "/admin/audit?limit=2").send().await;
    let items = first.json()["items"].clone();
    assert_eq!(
        (&items[0]["seq"], &items[0]["action"], &items[1]["seq"]),
        (&json!(1), &json!("project.created"), &json!(2))
    );
    let next = first.text("/next");
    let second = w.admin("GET", &format!("/admin/audit?limit=2&after={next}")).send().await.json();
    assert_eq!(second["items"][0]["seq"], 3);
    assert_eq!(w.admin("POST", "/admin/audit/verify").send().await.json()["intact"], true);
}

#[tokio::test]
async fn a_key_that_was_brought_along_works_whatever_its_form() {
    let w = World::start().await;
    let value = "KEY019aa91446a7abababababab_all_of_it";
    w.bring_key(value).await;
    assert_eq!(w.ask("GET", "/admin/project").bearer(value).send().await.status, 200);
}

#[tokio::test]
async fn webhooks_are_made_listed_switched_replayed_and_removed() {
    let w = World::start().await;
    let wanted = json!({ "url": "https://example.org/hook", "events": ["session-revoked"] });
    let made = w.admin("POST", "/admin/webhooks").json(&wanted).send().await;
    let shown = made.to_string().replace(&made.text("/secret"), "whsec_…");
    assert_snapshot!(shown, @r#"201 {"id":"{uuid}","url":"https://example.org/hook","events":["session-revoked"],"secret":"whsec_…","enabled":true,"paused_until":null,"created_at":"2026-11-18T11:06:40.000Z"}"#);
    let id = made.text("/id");
    let at = |rest: &str| format!("/admin/webhooks/{id}{rest}");
    assert_snapshot!(w.admin("GET", "/admin/webhooks").send().await, @r#"200 {"items":[{"id":"{uuid}","url":"https://example.org/hook","events":["session-revoked"],"enabled":true,"paused_until":null,"created_at":"2026-11-18T11:06:40.000Z"}],"next":null}"#);
    let off = json!({ "enabled": false, "events": [] });
    assert_snapshot!(w.admin("PATCH", &at("")).json(&off).send().await, @r#"200 {"id":"{uuid}","url":"https://example.org/hook","events":[],"enabled":false,"paused_until":null,"created_at":"2026-11-18T11:06:40.000Z"}"#);
    assert_eq!(w.admin("PATCH", &at("")).json(&json!({ "enabled": true })).send().await.status, 200);
    let ann = w.member("ann").await;
    assert_eq!(w.ask("POST", "/sign-out").bearer(&ann.access).send().await.status, 204);
    // What a server does by itself.
    let authority = &w.server.authority;
    authority.place_events().await.unwrap();
    for webhook in authority.due_webhooks().await.unwrap() {
        for taken in authority.take_deliveries(webhook, 10).await.unwrap() {
            authority.deliver(taken).await.unwrap();
        }
    }
    let told = w.admin("GET", &at("/deliveries")).send().await;
    assert_snapshot!(told, @r#"200 {"items":[{"event":"{uuid}","kind":"session-revoked","state":"delivered","attempts":1,"due_at":null,"status":204,"failure":null,"ended_at":"2026-11-18T11:06:40.000Z","created_at":"2026-11-18T11:06:40.000Z"}],"next":null}"#);
    assert_snapshot!(w.admin("GET", &at("/deliveries?dead=true")).send().await, @r#"200 {"items":[],"next":null}"#);
    let again = json!({ "event": told.text("/items/0/event") });
    assert_snapshot!(w.admin("POST", &at("/replay")).json(&again).send().await, @r#"200 {"replayed":1}"#);
    assert_snapshot!(w.admin("POST", &at("/replay")).json(&json!({})).send().await, @r#"200 {"replayed":0}"#);
    assert_eq!(w.admin("DELETE", &at("")).send().await.status, 204);
    for wrong in
        [json!({ "url": "http://127.0.0.1/" }), json!({ "url": "https://example.org/", "events": ["moon-risen"] })]
    {
        let refused = w.admin("POST", "/admin/webhooks").json(&wrong).send().await;
        assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (422, "invalid"), "{wrong}");
    }
}
