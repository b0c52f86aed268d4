//! The pages that mailed links lead to.

use http::Request;
use insta::assert_snapshot;
use serde_json::json;

use super::server::{PASSWORD, Server};
use crate::support::Answer;

async fn reset_page(t: &Server) -> String {
    t.person("ann").await;
    t.ask("POST", "/security/password/change-request").json(&json!({ "email": "ann@example.org" })).send().await;
    t.link(2).await.strip_prefix("https://auth.test").unwrap().to_owned()
}

async fn submit(t: &Server, page: &str, password: &str) -> Answer {
    let form = format!("password={}", password.replace(' ', "+"));
    t.root("POST", page).raw("application/x-www-form-urlencoded", form).send().await
}

#[tokio::test]
async fn the_page_sets_a_password_once() {
    let t = Server::start().await;
    let page = reset_page(&t).await;
    let shown = t.root("GET", &page).send().await;
    assert_eq!((shown.status.as_u16(), shown.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_snapshot!(shown.header("content-security-policy"), @"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    assert_eq!((shown.header("referrer-policy"), shown.header("cache-control")), ("no-referrer", "no-store"));
    assert!(!shown.body.contains("<script"));
    let weak = submit(&t, &page, "short").await;
    assert_eq!(weak.status, 422);
    assert!(weak.body.contains("at least 8 characters") && weak.body.contains("aria-invalid"));
    assert!(!weak.body.contains("\"short\"") && weak.body.contains("value=\"ann@example.org\" readonly"));
    let done = submit(&t, &page, "seven quiet lanterns").await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/reset"));
    assert!(t.root("GET", "/reset").send().await.body.contains("Your password was changed"));
    for answer in [t.root("GET", &page).send().await, submit(&t, &page, "eight quiet lanterns").await] {
        assert_eq!(answer.status, 404);
        assert!(answer.body.contains("does not work any more"));
    }
    assert_eq!(t.log_in("ann@example.org", "seven quiet lanterns").await.status, 200);
    assert_eq!(t.log_in("ann@example.org", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn the_page_speaks_the_language_of_its_reader() {
    let t = Server::start().await;
    let page = reset_page(&t).await;
    for (language, title) in [
        ("fr-CA", "Choisir un nouveau mot de passe"),
        ("es", "Elegir una contraseña nueva"),
        ("it-CH", "Scegli una nuova password"),
        ("de", "Neues Passwort festlegen"),
        ("nl", "Set a new password"),
    ] {
        let shown = t.root("GET", &page).header("accept-language", language).send().await;
        assert!(shown.body.contains(&format!("<h1>{title}</h1>")), "{language}");
    }
}

#[tokio::test]
async fn the_mail_about_a_new_account_proves_its_address() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let page = t.link(1).await.strip_prefix("https://auth.test").unwrap().to_owned();
    let verified = async || {
        let held = t.authority.identifiers(ann.id.parse().unwrap()).await.unwrap();
        held[0].verified_at.is_some()
    };
    for method in ["GET", "HEAD"] {
        assert_eq!(t.root(method, &page).send().await.status, 200);
    }
    assert!(!verified().await);
    assert_eq!(t.root("POST", &page).send().await.header("location"), "/email");
    assert!(verified().await);
    assert_eq!(t.root("POST", &page).send().await.status, 404);
    assert_eq!(t.root("POST", "/email/x/y").send().await.status, 404);
    assert!(Request::builder().uri(&page).body(()).is_ok());
}

#[tokio::test]
async fn n43_links_are_built_from_configuration_and_never_from_headers() {
    let t = Server::start().await;
    t.person("ann").await;
    t.root("POST", "/security/password/change-request")
        .header("host", "keyclic.localhost")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example")
        .json(&json!({ "email": "ann@example.org" }))
        .send()
        .await;
    assert!(t.link(2).await.starts_with("https://auth.test/reset/rfv_"));
}

#[tokio::test]
async fn n42_n45_a_form_is_neither_repeated_elsewhere_nor_framed_nor_sent_by_a_foreign_page() {
    let t = Server::start().await;
    let page = reset_page(&t).await;
    for shown in ["/", "/reset", "/email", &page, "/nowhere"] {
        let answer = t.root("GET", shown).header("accept", "text/html").send().await;
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{shown}");
    }
    // 307 and 308 would have the browser send the password on to where it is led.
    let done = submit(&t, &page, "seven quiet lanterns").await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/reset"));
    // What a form of a foreign page can say is no request of the APIs.
    for path in ["/api/v1/sign-in", "/api/v1/sign-up", "/api/v1/guests", "/api/v1/refresh"] {
        for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"] {
            let refused = t.root("POST", path).raw(kind, "{}").send().await;
            assert_eq!(refused.status, 415, "{kind} to {path}");
        }
    }
}
