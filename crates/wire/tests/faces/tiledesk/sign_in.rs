//! Tiledesk: sign-in by password (sheet §3).

use std::time::Duration;

use super::{PASSWORD, Server};
use crate::support::claims;
use insta::assert_snapshot;
use serde_json::{Value, json};

#[tokio::test]
async fn a_right_password_gives_a_token_and_the_account() {
    let t = Server::start().await;
    t.person("ann").await;
    assert_snapshot!(t.signed_in("ann@example.org", PASSWORD).await, @r#"200 {"success":true,"token":"JWT {jwt}","user":{"_id":"{ann}","email":"ann@example.org","firstname":"ann","lastname":"Doe","emailverified":false}}"#);
}

#[tokio::test]
async fn the_token_says_who_it_is_and_when_it_ends() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let mut claims = claims(&ann.token);
    assert_eq!(claims["_id"], ann.id);
    for name in ["_id", "jti", "sid"] {
        assert!(claims.as_object_mut().unwrap().remove(name).is_some_and(|id| id.is_string()), "{name}");
    }
    assert_snapshot!(claims, @r#"{"aud":"https://tiledesk.com","email":"ann@example.org","emailverified":false,"exp":1795086400,"firstname":"ann","iat":1795000000,"iss":"https://tiledesk.com","lastname":"Doe","sub":"user"}"#);
}

#[tokio::test]
async fn case_of_the_address_does_not_matter() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    assert_eq!(t.signed_in("ANN@Example.org", PASSWORD).await.text("/user/_id"), ann.id);
}

#[tokio::test]
async fn n75_a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let t = Server::start().await;
    t.person("ann").await;
    assert_snapshot!(t.signed_in("ann@example.org", "wrong").await, @r#"401 {"success":false,"msg":"Authentication failed. Wrong password."}"#);
    assert_snapshot!(t.signed_in("bob@example.org", "wrong").await, @r#"401 {"success":false,"msg":"Authentication failed. Wrong password."}"#);
}

#[tokio::test]
async fn fields_that_are_missing_are_named() {
    let t = Server::start().await;
    let ask = async |body: Value| t.post("/auth/signin").json(&body).send().await;
    assert_snapshot!(ask(json!({})).await, @r#"422 {"errors":[{"msg":"Invalid value","param":"email","location":"body"},{"msg":"Invalid value","param":"password","location":"body"}]}"#);
    assert_snapshot!(ask(json!({ "email": "ann@example.org" })).await, @r#"422 {"errors":[{"msg":"Invalid value","param":"password","location":"body"}]}"#);
    assert_snapshot!(ask(json!({ "email": "ann@example.org", "password": "" })).await, @r#"422 {"errors":[{"value":"","msg":"Invalid value","param":"password","location":"body"}]}"#);
    assert_snapshot!(ask(json!({ "email": "ann", "password": "x" })).await, @r#"422 {"errors":[{"value":"ann","msg":"Invalid value","param":"email","location":"body"}]}"#);
    assert_snapshot!(ask(json!({ "email": ["ann@example.org"], "password": "x" })).await, @r#"422 {"errors":[{"value":["ann@example.org"],"msg":"Invalid value","param":"email","location":"body"}]}"#);
    assert_snapshot!(ask(json!({ "email": { "$gt": "" }, "password": "x" })).await, @r#"422 {"errors":[{"value":{"$gt":""},"msg":"Invalid value","param":"email","location":"body"}]}"#);
}

#[tokio::test]
async fn what_is_no_text_matches_no_password() {
    let t = Server::start().await;
    t.person("ann").await;
    let ask = async |password: Value| {
        t.post("/auth/signin").json(&json!({ "email": "ann@example.org", "password": password })).send().await
    };
    assert_snapshot!(ask(json!(12)).await, @r#"401 {"success":false,"msg":"Authentication failed. Wrong password."}"#);
    assert_snapshot!(ask(json!({ "$ne": "" })).await, @r#"401 {"success":false,"msg":"Authentication failed. Wrong password."}"#);
    assert_snapshot!(ask(json!(true)).await, @r#"401 {"success":false,"msg":"Authentication failed. Wrong password."}"#);
    assert_snapshot!(ask(json!(0)).await, @r#"401 {"success":false,"msg":"Authentication failed.  Password is required."}"#);
    assert_snapshot!(ask(json!(false)).await, @r#"401 {"success":false,"msg":"Authentication failed.  Password is required."}"#);
}

#[tokio::test]
async fn addresses_are_valid_as_mail_can_reach_them() {
    let t = Server::start().await;
    let status = async |email: &str| t.signed_in(email, "x").await.status.as_u16();
    for good in ["a+b@example.org", "\"a b\"@example.org", "josé@example.org"] {
        assert_eq!(status(good).await, 401, "{good}");
    }
    let long = format!("{}@example.org", "a".repeat(65));
    for bad in ["a@localhost", "a@127.0.0.1", "a@b.c", " a@b.co", "a@b.co ", "a@b.co,c@d.co", long.as_str()] {
        assert_eq!(status(bad).await, 422, "{bad}");
    }
}

#[tokio::test]
async fn a_form_is_as_good_as_json() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let body = "email=ann%40example.org&password=violet+otter+under+glass";
    assert_eq!(t.post("/auth/signin").form(body).send().await.text("/user/_id"), ann.id);
}

#[tokio::test]
async fn wrong_passwords_are_slowed_down_and_the_answer_says_for_how_long() {
    let t = Server::start().await;
    t.person("ann").await;
    for _ in 0..5 {
        assert_eq!(t.signed_in("ann@example.org", "wrong").await.status, 401);
    }
    let refused = t.signed_in("ann@example.org", PASSWORD).await;
    assert_snapshot!(refused, @r#"429 {"success":false,"msg":"Too many attempts, try again later."}"#);
    assert_eq!(refused.header("retry-after"), "1");
    t.clock.advance(Duration::from_secs(1));
    assert_eq!(t.signed_in("ann@example.org", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn fifty_people_may_come_from_one_address_at_once() {
    let t = Server::start().await;
    for number in 0..50 {
        t.person(&format!("ann{number}")).await;
    }
}

#[tokio::test]
async fn a_suspended_account_is_answered_like_an_unknown_one() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let id = ringfence_core::ids::IdentityId::from_short(&ann.id).unwrap();
    t.authority.suspend_identity(&t.ctx(), &t.permit(), id, true).await.unwrap();
    assert_snapshot!(t.signed_in("ann@example.org", PASSWORD).await, @r#"401 {"success":false,"msg":"Authentication failed. Wrong password."}"#);
    assert_snapshot!(t.get("/users").showing(&ann.token).send().await, @"401 Unauthorized");
}

#[tokio::test]
async fn a_token_ends_at_its_time() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    t.clock.advance(Duration::from_hours(24));
    assert_snapshot!(t.get("/users").showing(&ann.token).send().await, @"401 Unauthorized");
}

#[tokio::test]
async fn providers_are_answered_as_while_they_are_not_enabled() {
    let t = Server::start().await;
    for path in ["/auth/google", "/auth/google/callback", "/auth/oauth2", "/auth/oauth2/callback"] {
        assert_eq!(t.get(path).send().await.to_string(), r#"500 {"err":"error"}"#, "{path}");
    }
}
