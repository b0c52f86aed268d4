//! Tiledesk: proof of an address and new passwords, by mail (sheet §3).

use std::time::Duration;

use super::{PASSWORD, Person, Server};
use crate::support::Answer;
use insta::assert_snapshot;
use serde_json::json;

const NEW: &str = "another otter under glass";

/// What comes after the last slash of the `nth` mail's link.
async fn secret(t: &Server, nth: usize) -> String {
    t.link(nth).await.rsplit_once('/').unwrap().1.to_owned()
}

async fn request(t: &Server, email: &str) -> Answer {
    t.put("/auth/requestresetpsw").json(&json!({ "email": email })).send().await
}

async fn reset(t: &Server, key: &str, password: &str) -> Answer {
    t.put(&format!("/auth/resetpsw/{key}")).json(&json!({ "password": password })).send().await
}

/// Ann, and the code that she got by mail.
async fn ann_with_code(t: &Server) -> (Person, String) {
    let ann = t.person("ann").await;
    let sent = t.get("/users/resendverifyemail/").showing(&ann.token).send().await;
    assert_eq!(sent.status, 200, "{sent}");
    let code = secret(t, 1).await;
    (ann, code)
}

async fn verify(t: &Server, id: &str, code: &str) -> Answer {
    t.put(&format!("/auth/verifyemail/{id}/{code}")).json(&json!({ "emailverified": true })).send().await
}

#[tokio::test]
async fn a_link_is_mailed_again() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    assert_snapshot!(t.get("/users/resendverifyemail/").showing(&ann.token).send().await, @r#"200 {"success":true,"message":"Verify email successfully sent"}"#);
    let before = format!("https://auth.example.org/tiledesk/#/verify/email/{}/rfv_", ann.id);
    assert!(t.link(1).await.starts_with(&before));
}

#[tokio::test]
async fn the_code_proves_the_address_once() {
    let t = Server::start().await;
    let (ann, code) = ann_with_code(&t).await;
    assert_snapshot!(verify(&t, &ann.id, &code).await, @r#"200 {"_id":"{ann}","email":"ann@example.org","firstname":"ann","lastname":"Doe","emailverified":true,"status":100,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}"#);
    assert_snapshot!(verify(&t, &ann.id, &code).await, @r#"401 {"success":false,"error":"The verification code is unknown or has expired","error_code":10005}"#);
    assert_eq!(t.get("/users").showing(&ann.token).send().await.json()["emailverified"], true);
}

#[tokio::test]
async fn a_code_is_good_for_its_user_and_for_a_quarter_of_an_hour() {
    let t = Server::start().await;
    let (ann, code) = ann_with_code(&t).await;
    let bob = t.person("bob").await;
    assert_snapshot!(verify(&t, &bob.id, &code).await, @r#"401 {"success":false,"error":"The verification code belongs to another user","error_code":10006}"#);
    assert_snapshot!(verify(&t, &ann.id, "nonsense").await, @r#"401 {"success":false,"error":"The verification code is unknown or has expired","error_code":10005}"#);
    assert_snapshot!(verify(&t, "nobody", &code).await, @r#"401 {"success":false,"error":"The verification code is unknown or has expired","error_code":10005}"#);
    t.clock.advance(Duration::from_mins(15));
    assert_snapshot!(verify(&t, &ann.id, &code).await, @r#"401 {"success":false,"error":"The verification code is unknown or has expired","error_code":10005}"#);
}

#[tokio::test]
async fn n79_a_code_proves_an_address_and_changes_nothing_else() {
    let t = Server::start().await;
    let (ann, code) = ann_with_code(&t).await;
    let body = json!({ "emailverified": true, "email": "root@example.org", "firstname": "Root", "status": 0, "password": "x" });
    let answer = t.put(&format!("/auth/verifyemail/{}/{code}", ann.id)).json(&body).send().await;
    assert_snapshot!(answer, @r#"200 {"_id":"{ann}","email":"ann@example.org","firstname":"ann","lastname":"Doe","emailverified":true,"status":100,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}"#);
}

#[tokio::test]
async fn n75_a_reset_is_answered_alike_for_everybody() {
    let t = Server::start().await;
    t.person("ann").await;
    assert_snapshot!(request(&t, "ANN@example.org").await, @r#"200 {"success":true,"message":"An email has been sent to reset your password"}"#);
    assert_snapshot!(request(&t, "nobody@example.org").await, @r#"200 {"success":true,"message":"An email has been sent to reset your password"}"#);
    assert_snapshot!(request(&t, "no address").await, @r#"200 {"success":true,"message":"An email has been sent to reset your password"}"#);
    assert_snapshot!(t.put("/auth/requestresetpsw").json(&json!({})).send().await, @r#"422 {"errors":[{"msg":"Invalid value","param":"email","location":"body"}]}"#);
    assert!(t.link(1).await.starts_with("https://auth.example.org/tiledesk/#/resetpassword/rfv_"));
    assert_eq!(t.mailer.delivered().len(), 1);
}

#[tokio::test]
async fn a_key_sets_a_new_password_once() {
    let t = Server::start().await;
    t.person("ann").await;
    request(&t, "ann@example.org").await;
    let key = secret(&t, 1).await;
    assert_snapshot!(t.get(&format!("/auth/checkpswresetkey/{key}")).send().await, @r#"200 {"message":"Valid password reset key","user":{"_id":"{ann}","email":"ann@example.org","firstname":"ann","lastname":"Doe","emailverified":false,"status":100,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}}"#);
    assert_snapshot!(reset(&t, &key, NEW).await, @r#"200 {"message":"Password change successful","user":{"_id":"{ann}","email":"ann@example.org","firstname":"ann","lastname":"Doe","emailverified":true,"status":100,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}}"#);
    assert_snapshot!(reset(&t, &key, PASSWORD).await, @r#"404 {"success":false,"msg":"Invalid password reset key"}"#);
    assert_snapshot!(t.get(&format!("/auth/checkpswresetkey/{key}")).send().await, @r#"404 {"success":false,"msg":"Invalid password reset key"}"#);
    assert_eq!(t.signed_in("ann@example.org", NEW).await.status, 200);
    assert_eq!(t.signed_in("ann@example.org", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn n77_a_reset_ends_every_session() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    request(&t, "ann@example.org").await;
    reset(&t, &secret(&t, 1).await, NEW).await;
    assert_snapshot!(t.get("/users").showing(&ann.token).send().await, @"401 Unauthorized");
}

#[tokio::test]
async fn a_refused_password_does_not_use_the_key_up() {
    let t = Server::start().await;
    t.person("ann").await;
    request(&t, "ann@example.org").await;
    let key = secret(&t, 1).await;
    assert_snapshot!(reset(&t, &key, "short").await, @r#"422 {"errors":[{"msg":"needs at least 8 characters","param":"password","location":"body"}]}"#);
    assert_snapshot!(t.put(&format!("/auth/resetpsw/{key}")).json(&json!({})).send().await, @r#"422 {"errors":[{"msg":"Invalid value","param":"password","location":"body"}]}"#);
    assert_eq!(reset(&t, &key, NEW).await.status, 200);
}

#[tokio::test]
async fn n76_a_key_is_used_as_it_was_meant_or_not_at_all() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    request(&t, "ann@example.org").await;
    let older = secret(&t, 1).await;
    request(&t, "ann@example.org").await;
    let key = secret(&t, 2).await;
    assert_eq!(reset(&t, &older, NEW).await.status, 404, "superseded");
    assert_eq!(verify(&t, &ann.id, &key).await.status, 401, "for another purpose");
    for method in ["GET", "HEAD", "POST"] {
        assert_eq!(t.ask(method, &format!("/auth/resetpsw/{key}")).send().await.status, 400, "{method}");
    }
    for end in [0, 4, key.len() - 1] {
        assert!(reset(&t, &key[..end], NEW).await.status.is_client_error(), "cut at {end}");
    }
    assert_eq!(t.signed_in("ann@example.org", PASSWORD).await.status, 200, "unchanged");
    assert_eq!(reset(&t, &key, NEW).await.status, 200);
}

#[tokio::test]
async fn a_key_is_good_for_ten_minutes() {
    let t = Server::start().await;
    t.person("ann").await;
    request(&t, "ann@example.org").await;
    let key = secret(&t, 1).await;
    t.clock.advance(Duration::from_mins(10));
    assert_snapshot!(reset(&t, &key, NEW).await, @r#"404 {"success":false,"msg":"Invalid password reset key"}"#);
}

#[tokio::test]
async fn n43_links_lead_where_the_operator_says() {
    let options = [("dashboard_url", "https://dash.example.org/")];
    let t = Server::start_with(ringfence_core::project::ProjectPolicy::default(), &options).await;
    t.person("ann").await;
    let asked = t.put("/auth/requestresetpsw").json(&json!({ "email": "ann@example.org" }));
    let asked = asked.header("host", "evil.example").header("x-forwarded-host", "evil.example");
    let asked = asked.header("x-forwarded-proto", "http").header("forwarded", "host=evil.example;proto=http");
    assert_eq!(asked.header("origin", "https://evil.example").send().await.status, 200);
    assert!(t.link(1).await.starts_with("https://dash.example.org/#/resetpassword/rfv_"));
}
