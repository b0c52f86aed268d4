//! Attacks, by their numbers.

use std::time::Duration;

use insta::assert_snapshot;
use ringfence_core::caller::{Caller, Scope};
use serde_json::json;

use super::server::{KEY, PASSWORD, Server};

#[tokio::test]
async fn n75_known_and_unknown_addresses_are_answered_alike() {
    let t = Server::start().await;
    t.person("ann").await;
    let (known, unknown) = (t.log_in("ann@example.org", "wrong").await, t.log_in("zoe@example.org", "wrong").await);
    assert_snapshot!(known, @r#"401 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"Error","_embedded":{"errors":[]},"code":"invalid_credentials","detail":"Invalid credentials.","message":"Invalid credentials.","title":"Invalid credentials.","total":0,"type":"about:blank"}"#);
    assert_eq!(known.to_string(), unknown.to_string());
    assert_eq!(known.header("www-authenticate"), unknown.header("www-authenticate"));
    let ask = async |email: &str| {
        t.ask("POST", "/security/password/change-request").json(&json!({ "email": email })).send().await
    };
    let (known, unknown) = (ask("ann@example.org").await, ask("zoe@example.org").await);
    assert_eq!((known.status, known.bytes.len()), (unknown.status, unknown.bytes.len()));
    assert_eq!(known.status, 204);
}

#[tokio::test]
async fn n76_a_reset_secret_works_once_for_its_project_and_the_newest_only() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let elsewhere = t.elsewhere().await;
    t.application(&elsewhere, "com.other").await;
    let ask = async || {
        t.ask("POST", "/security/password/change-request").json(&json!({ "email": ann.email })).send().await;
    };
    let change = async |link: &str, password: &str| {
        let secret = link.rsplit('/').next().unwrap();
        let path = format!("/security/password/change/{secret}");
        t.bare("POST", &path).json(&json!({ "password": password })).send().await.status.as_u16()
    };
    ask().await;
    let older = t.link(2).await;
    ask().await;
    let newer = t.link(3).await;
    assert_eq!(change(&older, "seven quiet lanterns").await, 404, "superseded");
    for method in ["GET", "HEAD"] {
        let page = newer.strip_prefix("https://auth.test").unwrap();
        assert_eq!(t.root(method, page).send().await.status, 200, "a scanner looks at it");
    }
    assert_eq!(change(&newer, "short").await, 400, "refused and not used up");
    assert_eq!(change(&newer, "seven quiet lanterns").await, 204);
    assert_eq!(change(&newer, "eight quiet lanterns").await, 404, "used");
    assert_eq!(change("x/rfv_forged", "eight quiet lanterns").await, 404);
    ask().await;
    let late = t.link(5).await;
    t.world.clock.advance(Duration::from_mins(10));
    assert_eq!(change(&late, "eight quiet lanterns").await, 404, "expired");
    assert_eq!(t.log_in(&ann.email, "seven quiet lanterns").await.status, 200);
}

#[tokio::test]
async fn n77_a_reset_ends_every_session() {
    let t = Server::start().await;
    let (phone, desk) = (t.person("ann").await, t.again("ann@example.org").await);
    t.ask("POST", "/security/password/change-request").json(&json!({ "email": phone.email })).send().await;
    let link = t.link(2).await;
    let path = format!("/security/password/change/{}", link.rsplit('/').next().unwrap());
    t.ask("POST", &path).json(&json!({ "password": "seven quiet lanterns" })).send().await;
    for ann in [phone, desk] {
        let answer = t.ask("GET", &format!("/people/{}", ann.id)).bearer(&ann.access).send().await;
        assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str().unwrap()), (401, "session_revoked"));
    }
}

#[tokio::test]
async fn n78_the_address_changes_only_soon_after_a_login() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    t.world.clock.advance(Duration::from_mins(16));
    let path = format!("/people/{}", ann.id);
    let change = async |token: &str, email: &str| {
        let body = json!({ "givenName": "Ann", "email": email });
        t.ask("PATCH", &path).bearer(token).json(&body).send().await
    };
    assert_snapshot!(change(&ann.access, "thief@evil.example").await, @r#"403 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"Error","_embedded":{"errors":[]},"code":"step_up_required","detail":"Log in again to do this.","message":"Log in again to do this.","title":"Log in again to do this.","total":0,"type":"about:blank"}"#);
    assert_eq!(change(&ann.access, &ann.email).await.status, 200, "the same address is no change");
    let renewed = t.ask("POST", "/auth/token/refresh").json(&json!({ "refreshToken": ann.refresh })).send().await;
    let renewed = renewed.json()["accessToken"].as_str().unwrap().to_owned();
    assert_eq!(change(&renewed, "thief@evil.example").await.status, 403, "renewing is no login");
    assert_eq!(change(&t.again(&ann.email).await.access, "ann@new.example").await.status, 200);
}

#[tokio::test]
async fn n79_nobody_says_of_themselves_what_is_not_theirs_to_say() {
    let t = Server::start().await;
    let first = json!({ "email": "eve@example.org", "password": PASSWORD, "roles": ["ORGANIZATION:ADMIN"],
        "project": { "roles": ["ORGANIZATION:ADMIN"] }, "attributes": { "project": { "roles": ["ORGANIZATION:ADMIN"] } },
        "id": "00000000-0000-7000-8000-000000000000", "enabled": false, "email_verified": true, "kind": "service" });
    assert_eq!(t.ask("POST", "/security/register").json(&first).send().await.status, 201);
    let eve = t.again("eve@example.org").await;
    assert_eq!(eve.login["credentials"]["roles"], json!(["ROLE_USER"]));
    let path = format!("/people/{}", eve.id);
    let seed = json!({ "id": "x", "username": "root", "enabled": false, "roles": ["ORGANIZATION:ADMIN"], "password": "x",
        "project": { "roles": ["ORGANIZATION:ADMIN"] }, "email_verified": true, "is_anonymous": true });
    let after = t.ask("PATCH", &path).bearer(&eve.access).json(&seed).send().await;
    assert_snapshot!(after, @r#"200 application/hal+json;charset=UTF-8 {"_links":{"self":{"href":"/people/{id0}","iriTemplate":{"mapping":{"person":"{id0}"}}}},"agreement":{"olderThan":false,"privacyPolicy":false,"termsOfService":false},"createdAt":"2026-11-18T11:06:40+00:00","email":"eve@example.org","enabled":true,"familyName":null,"givenName":null,"id":"{id0}","jobTitle":null,"optIn":false,"preferences":{"notification":{"inApp":true,"mail":true,"push":true}},"telephone":null,"type":"Person","updatedAt":"2026-11-18T11:06:40+00:00","username":"eve@example.org"}"#);
    assert_eq!(t.ask("GET", "/people").bearer(&t.again(&eve.email).await.access).send().await.status, 403);
    assert_eq!(t.log_in(&eve.email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn n89_ids_of_another_project_are_as_good_as_none() {
    let t = Server::start().await;
    let (ann, bob) = (t.person("ann").await, t.person("bob").await);
    let far = t.world.member("far").await.identity.id;
    for (id, expected) in [(bob.id.as_str(), 403), (&far.to_string(), 404), ("x", 404), ("' OR 1=1--", 404)] {
        let path = format!("/people/{}", id.replace(' ', "%20"));
        for (method, below) in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/memberships"), ("GET", "/image")]
        {
            let asked = t.ask(method, &format!("{path}{below}")).bearer(&ann.access);
            let answer = if method == "PATCH" { asked.json(&json!({})) } else { asked };
            assert_eq!(answer.send().await.status.as_u16(), expected, "{method} {path}{below}");
        }
    }
}

#[tokio::test]
async fn n100_a_header_that_contradicts_the_token_is_refused() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    t.application(&t.elsewhere().await, "com.other").await;
    let path = format!("/people/{}", ann.id);
    for key in ["com.other", "com.unknown", "x' OR '1'='1"] {
        let answer = t.bare("GET", &path).header("x-keyclic-app", key).bearer(&ann.access).send().await;
        assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str().unwrap()), (403, "app_mismatch"), "{key}");
        let body = json!({ "login": ann.email, "password": PASSWORD });
        let login = t.bare("POST", "/security/login").header("x-keyclic-app", key).json(&body).send().await;
        assert_eq!((login.status.as_u16(), login.json()["code"].as_str().unwrap()), (403, "app_mismatch"), "{key}");
        let body = json!({ "refreshToken": ann.refresh });
        let renewed = t.bare("POST", "/auth/token/refresh").header("x-keyclic-app", key).json(&body).send().await;
        assert_eq!(renewed.status, 403, "{key}");
    }
    assert_snapshot!(t.bare("GET", &path).header("x-keyclic-app", "com.other").bearer(&ann.access).send().await, @r#"403 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"Error","_embedded":{"errors":[]},"code":"app_mismatch","detail":"The token is not for this application.","message":"The token is not for this application.","title":"The token is not for this application.","total":0,"type":"about:blank"}"#);
}

#[tokio::test]
async fn n94_no_answer_repeats_a_secret() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let secret = "hunter2-hunter2-hunter2";
    for (path, body) in [
        ("/security/login", json!({ "login": secret, "password": [secret] })),
        ("/security/register", json!({ "email": secret, "password": secret })),
        ("/auth/token/refresh", json!({ "refreshToken": secret })),
        ("/auth/token", json!({ "grantType": secret, "idToken": secret })),
        ("/security/connect/facebook", json!({ "accessToken": secret })),
    ] {
        let answer = t.ask("POST", path).json(&body).send().await;
        assert!(!answer.status.is_success() && !answer.body.contains(secret), "{path}: {answer}");
    }
    let answer = t.ask("GET", &format!("/people/{}", ann.id)).bearer(secret).send().await;
    assert!(!answer.body.contains(secret));
}

#[tokio::test]
async fn n20_tokens_of_machines_and_guests_are_no_accounts() {
    let t = Server::start().await;
    let permit = Caller::Operator.permit(Scope::All, t.project.id).unwrap();
    let wanted = ringfence_core::authority::ApiKeyRequest {
        label: "backend".to_owned(),
        scopes: [Scope::All].into_iter().collect(),
        application: None,
        expires_at: None,
        value: None,
    };
    let key = t.authority.create_api_key(&t.world.ctx(), &permit, wanted).await.unwrap().value;
    let answer = t.ask("GET", "/people").header("x-keyclic-app", KEY).bearer(key.expose()).send().await;
    assert_eq!(answer.status, 403);
}
