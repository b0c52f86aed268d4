//! Requests exactly as both generations of libraries send them.

use insta::assert_snapshot;
use serde_json::json;

use super::server::{PASSWORD, Server};

/// The JavaScript library, 2.4: `null` as a text where the app gave nothing.
fn js(t: &Server, method: &str, path: &str) -> crate::support::Asking {
    t.ask(method, path)
        .header("accept", "application/hal+json;charset=UTF-8")
        .header("accept-language", "fr-FR")
        .header("x-date-time", "null")
        .header("x-keyclic-app-version", "null")
}

/// The Dart library, 3.20: a date without `T`, no Accept, every member of a body, null when unset.
fn dart(t: &Server, method: &str, path: &str) -> crate::support::Asking {
    t.ask(method, path)
        .header("accept-language", "en-US")
        .header("x-date-time", "2025-04-18 08:00:00.000Z")
        .header("x-keyclic-app-platform", "mobile")
        .header("x-keyclic-app-version", "3.20.5")
}

#[tokio::test]
async fn the_javascript_library_registers_logs_in_and_changes_its_person() {
    let t = Server::start().await;
    let body = json!({ "email": "Ann@Example.org", "password": PASSWORD });
    let made = js(&t, "POST", "/security/register").json(&body).send().await;
    assert_snapshot!(made, @r#"201 application/hal+json;charset=UTF-8 {"_links":{"self":{"href":"/people/{id0}","iriTemplate":{"mapping":{"person":"{id0}"}}}},"agreement":{"olderThan":false,"privacyPolicy":false,"termsOfService":false},"createdAt":"2026-11-18T11:06:40+00:00","email":"ann@example.org","enabled":true,"familyName":null,"givenName":null,"id":"{id0}","jobTitle":null,"optIn":false,"preferences":{"notification":{"inApp":true,"mail":true,"push":true}},"telephone":null,"type":"Person","updatedAt":"2026-11-18T11:06:40+00:00","username":"ann@example.org"}"#);
    let body = json!({ "login": "ann@example.org", "password": PASSWORD });
    let login = js(&t, "POST", "/security/login").json(&body).send().await;
    assert_snapshot!(login, @r#"200 application/hal+json;charset=UTF-8 {"accessToken":"{jwt}","credentials":{"administratorOf":[],"id":"{id0}","login":"ann@example.org","memberOf":[],"roles":["ROLE_USER"]},"idToken":"{jwt}","refreshToken":"{rfr_}","tokenType":"Bearer"}"#);
    let token = login.json()["accessToken"].as_str().unwrap().to_owned();
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/people/{id}");
    let body = json!({ "givenName": "Ann", "optIn": true, "preferences.messageEmailEnabled": "false" });
    assert_snapshot!(js(&t, "PATCH", &path).bearer(&token).json(&body).send().await, @r#"200 application/hal+json;charset=UTF-8 {"_links":{"self":{"href":"/people/{id0}","iriTemplate":{"mapping":{"person":"{id0}"}}}},"agreement":{"olderThan":false,"privacyPolicy":false,"termsOfService":false},"createdAt":"2026-11-18T11:06:40+00:00","email":"ann@example.org","enabled":true,"familyName":null,"givenName":"Ann","id":"{id0}","jobTitle":null,"optIn":true,"preferences":{"notification":{"inApp":true,"mail":false,"push":true}},"telephone":null,"type":"Person","updatedAt":"2026-11-18T11:06:40+00:00","username":"ann@example.org"}"#);
    let body = json!({ "email": "ann@example.org" });
    assert_snapshot!(js(&t, "POST", "/security/password/change-request").json(&body).send().await, @"204");
}

#[tokio::test]
async fn the_dart_library_writes_every_member_and_wipes_nothing_that_matters() {
    let t = Server::start().await;
    let body = json!({ "email": "ann@example.org", "password": PASSWORD, "invitation": null,
        "agreement": { "olderThan": true, "privacyPolicy": true, "termsOfService": null } });
    // A stale token, as the app still has it.
    let made = dart(&t, "POST", "/security/register").bearer("eyJhbGciOiJSUzI1NiJ9.e30.c2ln").json(&body).send().await;
    assert_snapshot!(made, @r#"201 application/hal+json;charset=UTF-8 {"_links":{"self":{"href":"/people/{id0}","iriTemplate":{"mapping":{"person":"{id0}"}}}},"agreement":{"olderThan":true,"privacyPolicy":true,"termsOfService":false},"createdAt":"2026-11-18T11:06:40+00:00","email":"ann@example.org","enabled":true,"familyName":null,"givenName":null,"id":"{id0}","jobTitle":null,"optIn":false,"preferences":{"notification":{"inApp":true,"mail":true,"push":true}},"telephone":null,"type":"Person","updatedAt":"2026-11-18T11:06:40+00:00","username":"ann@example.org"}"#);
    let ann = t.again("ann@example.org").await;
    let path = format!("/people/{}", ann.id);
    let first = json!({ "givenName": "Ann", "familyName": "Doe", "jobTitle": "Gardener", "telephone": "+33 1 23",
        "optIn": true, "email": null, "image": null, "agreement": null, "preferences": null });
    assert_snapshot!(dart(&t, "PATCH", &path).bearer(&ann.access).json(&first).send().await, @r#"200 application/hal+json;charset=UTF-8 {"_links":{"self":{"href":"/people/{id0}","iriTemplate":{"mapping":{"person":"{id0}"}}}},"agreement":{"olderThan":true,"privacyPolicy":true,"termsOfService":false},"createdAt":"2026-11-18T11:06:40+00:00","email":"ann@example.org","enabled":true,"familyName":"Doe","givenName":"Ann","id":"{id0}","jobTitle":"Gardener","optIn":true,"preferences":{"notification":{"inApp":true,"mail":true,"push":true}},"telephone":"+33 1 23","type":"Person","updatedAt":"2026-11-18T11:06:40+00:00","username":"ann@example.org"}"#);
    let second = json!({ "givenName": "Anna", "familyName": null, "jobTitle": null, "telephone": null, "optIn": null,
        "email": null, "image": null, "agreement": { "termsOfService": true },
        "preferences": { "notification": { "mail": false, "push": null, "inApp": true } } });
    assert_snapshot!(dart(&t, "PATCH", &path).bearer(&ann.access).json(&second).send().await, @r#"200 application/hal+json;charset=UTF-8 {"_links":{"self":{"href":"/people/{id0}","iriTemplate":{"mapping":{"person":"{id0}"}}}},"agreement":{"olderThan":true,"privacyPolicy":true,"termsOfService":true},"createdAt":"2026-11-18T11:06:40+00:00","email":"ann@example.org","enabled":true,"familyName":null,"givenName":"Anna","id":"{id0}","jobTitle":null,"optIn":true,"preferences":{"notification":{"inApp":true,"mail":false,"push":true}},"telephone":null,"type":"Person","updatedAt":"2026-11-18T11:06:40+00:00","username":"ann@example.org"}"#);
    // It sends both names of the address, the one that is not used as null.
    let body = json!({ "email": null, "username": "ann@example.org" });
    let asked = dart(&t, "POST", "/security/password/change-request").json(&body).send().await;
    assert_eq!((asked.status.as_u16(), asked.bytes.len()), (204, 0));
}

#[tokio::test]
async fn media_types_and_schemes_are_read_loosely_and_bodies_strictly() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let path = format!("/people/{}", ann.id);
    for media_type in ["application/merge-patch+json", "APPLICATION/JSON", "application/json; charset=utf-8"] {
        let body = json!({ "job": media_type });
        let asked = t.ask("PATCH", &path).header("authorization", &format!("bEARER {}", ann.access));
        let answer = asked.raw(media_type, body.to_string()).send().await;
        assert_eq!(answer.json()["jobTitle"], media_type);
    }
    let change = async |media_type: &str, body: &str| {
        t.ask("PATCH", &path).bearer(&ann.access).raw(media_type, body.to_owned()).send().await
    };
    let json_patch = r#"[{"op":"replace","path":"/givenName","value":"x"}]"#;
    assert_snapshot!(change("application/json", json_patch).await, @r#"400 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"ValidationError","_embedded":{"errors":[{"@type":"Error","detail":"This value is not valid.","message":"This value is not valid.","path":"body","title":"This value is not valid.","type":"about:blank"}]},"code":"invalid","detail":"This value is not valid.","message":"Validation failed.","title":"Validation failed.","total":1,"type":"about:blank"}"#);
    assert_snapshot!(change("text/plain", "{}").await, @r#"400 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"ValidationError","_embedded":{"errors":[{"@type":"Error","detail":"This value is not valid.","message":"This value is not valid.","path":"Content-Type","title":"This value is not valid.","type":"about:blank"}]},"code":"invalid","detail":"This value is not valid.","message":"Validation failed.","title":"Validation failed.","total":1,"type":"about:blank"}"#);
    assert_snapshot!(change("application/json", r#"{"givenName":1,"optIn":"yes","email":"x","telephone":[],"image":"data:x"}"#).await, @r#"400 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"ValidationError","_embedded":{"errors":[{"@type":"Error","detail":"This value is not valid.","message":"This value is not valid.","path":"givenName","title":"This value is not valid.","type":"about:blank"},{"@type":"Error","detail":"This value is not valid.","message":"This value is not valid.","path":"telephone","title":"This value is not valid.","type":"about:blank"},{"@type":"Error","detail":"This value is not valid.","message":"This value is not valid.","path":"optIn","title":"This value is not valid.","type":"about:blank"},{"@type":"Error","detail":"This value is not valid.","message":"This value is not valid.","path":"image","title":"This value is not valid.","type":"about:blank"}]},"code":"invalid","detail":"This value is not valid.","message":"Validation failed.","title":"Validation failed.","total":4,"type":"about:blank"}"#);
    assert_snapshot!(change("application/json", &json!({ "familyName": "x".repeat(256), "jobTitle": "" }).to_string()).await, @r#"400 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"ValidationError","_embedded":{"errors":[{"@type":"Error","detail":"This value is too long. It should have 255 or less.","message":"This value is too long. It should have 255 or less.","path":"familyName","title":"This value is too long. It should have 255 or less.","type":"about:blank"},{"@type":"Error","detail":"This value is too short. It should have 1 characters or more.","message":"This value is too short. It should have 1 characters or more.","path":"jobTitle","title":"This value is too short. It should have 1 characters or more.","type":"about:blank"}]},"code":"invalid","detail":"This value is too long. It should have 255 or less.","message":"Validation failed.","title":"Validation failed.","total":2,"type":"about:blank"}"#);
}

#[tokio::test]
async fn browsers_may_call_it_from_any_page_and_read_refusals() {
    let t = Server::start().await;
    let preflight = t
        .bare("OPTIONS", "/people/x")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "authorization,content-type,x-keyclic-app")
        .send()
        .await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-methods"), "GET, POST, PATCH, DELETE");
    assert_snapshot!(preflight.header("access-control-allow-headers"), @"authorization, content-type, accept-language, x-date-time, x-keyclic-app, x-keyclic-app-version, x-keyclic-app-platform, x-organization-id");
    for answer in [
        t.bare("GET", "/people/x").send().await,
        t.bare("GET", "/nothing").send().await,
        t.ask("POST", "/security/login").raw("application/json", "{").send().await,
        t.ask("POST", "/security/login").header("content-length", "99999999").send().await,
    ] {
        assert!(!answer.status.is_success());
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{answer}");
    }
}

#[tokio::test]
async fn messages_are_in_the_language_of_the_request() {
    let t = Server::start().await;
    for (language, expected) in [
        ("fr-FR", "Cette valeur ne doit pas être vide."),
        ("es-ES", "Este valor no debería estar vacío."),
        ("en-US", "This value should not be blank."),
        ("de", "This value should not be blank."),
        ("null", "This value should not be blank."),
    ] {
        let asked = t.ask("POST", "/security/login").header("accept-language", language);
        let answer = asked.json(&json!({ "login": "ann@example.org" })).send().await;
        assert_eq!(answer.json()["_embedded"]["errors"][0]["message"], expected, "{language}");
    }
}

#[tokio::test]
async fn refusals_of_every_kind_have_words_in_three_languages() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let path = format!("/people/{}", ann.id);
    for (language, refused, dead, mismatch) in [
        ("fr-FR", "Identifiants invalides.", "Le lien est inconnu", "application"),
        ("es-ES", "Credenciales no válidas.", "El enlace", "aplicación"),
        ("en-US", "Invalid credentials.", "The link is unknown", "application"),
    ] {
        let ask = |method: &str, path: &str, body: &serde_json::Value| {
            t.ask(method, path).header("accept-language", language).json(body)
        };
        let message = |answer: &crate::support::Answer| answer.json()["message"].as_str().unwrap().to_owned();
        let wrong = json!({ "login": ann.email, "password": "a wrong guess" });
        assert_eq!(message(&ask("POST", "/security/login", &wrong).send().await), refused);
        let new = json!({ "password": "seven quiet lanterns" });
        let used = message(&ask("POST", "/security/password/change/rfv_x", &new).send().await);
        assert!(used.starts_with(dead), "{used}");
        let other = t.bare("GET", &path).header("accept-language", language).header("x-keyclic-app", "com.unknown");
        let other = message(&other.bearer(&ann.access).send().await);
        assert!(other.contains(mismatch), "{other}");
    }
}

#[tokio::test]
async fn an_application_must_be_named_and_be_one_of_this_installation() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let path = format!("/people/{}", ann.id);
    assert_snapshot!(t.bare("GET", &path).bearer(&ann.access).send().await, @r#"400 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"ValidationError","_embedded":{"errors":[{"@type":"Error","detail":"This value should not be blank.","message":"This value should not be blank.","path":"X-Keyclic-App","title":"This value should not be blank.","type":"about:blank"}]},"code":"invalid","detail":"This value should not be blank.","message":"Validation failed.","title":"Validation failed.","total":1,"type":"about:blank"}"#);
    let body = json!({ "login": ann.email, "password": PASSWORD });
    assert_eq!(t.bare("POST", "/security/login").json(&body).send().await.status, 200, "optional below /security");
    // A token that was got with one key works with another.
    t.application(&t.project, "com.keyclic.highway").await;
    let elsewhere = t.bare("GET", &path).header("x-keyclic-app", "com.keyclic.highway").bearer(&ann.access);
    assert_eq!(elsewhere.send().await.status, 200);
}
