//! Tiledesk: what an account does with itself (sheet §5).

use super::{PASSWORD, Person, Server};
use crate::support::Answer;
use insta::assert_snapshot;
use serde_json::{Value, json};

const NEW: &str = "another otter under glass";

async fn change(t: &Server, who: &Person, body: Value) -> Answer {
    t.put("/users").showing(&who.token).json(&body).send().await
}

async fn change_password(t: &Server, who: &Person, body: Value) -> Answer {
    t.put("/users/changepsw/").showing(&who.token).json(&body).send().await
}

#[tokio::test]
async fn somebody_sees_themselves() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    assert_snapshot!(t.get("/users").showing(&ann.token).send().await, @r#"200 {"_id":"{ann}","email":"ann@example.org","firstname":"ann","lastname":"Doe","emailverified":false}"#);
    assert_snapshot!(t.get("/users").basic("ann@example.org", PASSWORD).send().await, @r#"200 {"_id":"{ann}","email":"ann@example.org","firstname":"ann","lastname":"Doe","emailverified":false}"#);
}

#[tokio::test]
async fn a_profile_changes_where_it_may() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let body = json!({
        "firstname": "Anna", "lastname": "Deer", "attributes": { "team": "blue" }, "description": "Hello",
        "public_email": "hello@example.org", "public_website": "https://example.org", "phone": "+39012345678",
    });
    assert_snapshot!(change(&t, &ann, body).await, @r#"200 {"success":true,"updatedUser":{"_id":"{ann}","email":"ann@example.org","firstname":"Anna","lastname":"Deer","emailverified":false,"status":100,"phone":"+39012345678","attributes":{"team":"blue"},"description":"Hello","public_email":"hello@example.org","public_website":"https://example.org","createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}}"#);
    assert_snapshot!(change(&t, &ann, json!({ "description": null, "phone": null })).await, @r#"200 {"success":true,"updatedUser":{"_id":"{ann}","email":"ann@example.org","firstname":"Anna","lastname":"Deer","emailverified":false,"status":100,"attributes":{"team":"blue"},"public_email":"hello@example.org","public_website":"https://example.org","createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}}"#);
    assert_snapshot!(change(&t, &ann, json!({})).await, @r#"200 {"success":true,"updatedUser":{"_id":"{ann}","email":"ann@example.org","firstname":"Anna","lastname":"Deer","emailverified":false,"status":100,"attributes":{"team":"blue"},"public_email":"hello@example.org","public_website":"https://example.org","createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}}"#);
    assert_snapshot!(t.get(&format!("/users_util/{}", ann.id)).send().await, @r#"200 {"_id":"{ann}","firstname":"Anna","lastname":"Deer","public_email":"hello@example.org","public_website":"https://example.org"}"#);
}

#[tokio::test]
async fn fields_of_the_wrong_kind_are_named() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let body = json!({ "firstname": ["x"], "attributes": "x", "phone": "0" });
    assert_snapshot!(change(&t, &ann, body).await, @r#"422 {"errors":[{"value":"x","msg":"Invalid value","param":"attributes","location":"body"},{"value":["x"],"msg":"Invalid value","param":"firstname","location":"body"},{"value":"0","msg":"Invalid value","param":"phone","location":"body"}]}"#);
}

#[tokio::test]
async fn n79_nobody_becomes_more_than_they_are() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let body = json!({
        "email": "root@example.org", "emailverified": true, "status": 0, "role": "owner", "_id": "5c81593adf767b0017d1aa68",
        "password": "x", "is_anonymous": false, "app_id": "x",
    });
    assert_snapshot!(change(&t, &ann, body).await, @r#"200 {"success":true,"updatedUser":{"_id":"{ann}","email":"ann@example.org","firstname":"ann","lastname":"Doe","emailverified":false,"status":100,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}}"#);
}

#[tokio::test]
async fn a_new_password_ends_every_session() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    assert_snapshot!(change_password(&t, &ann, json!({ "oldpsw": PASSWORD, "newpsw": NEW })).await, @r#"200 {"message":"Password change successful"}"#);
    assert_snapshot!(t.get("/users").showing(&ann.token).send().await, @"401 Unauthorized");
    assert_eq!(t.signed_in("ann@example.org", NEW).await.status, 200);
    assert_eq!(t.signed_in("ann@example.org", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn n78_a_password_changes_for_whoever_knows_it() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    assert_snapshot!(change_password(&t, &ann, json!({ "oldpsw": "wrong", "newpsw": NEW })).await, @r#"401 {"success":false,"msg":"Current password is invalid."}"#);
    assert_snapshot!(change_password(&t, &ann, json!({ "newpsw": NEW })).await, @r#"422 {"errors":[{"msg":"Invalid value","param":"oldpsw","location":"body"}]}"#);
    assert_snapshot!(change_password(&t, &ann, json!({ "oldpsw": PASSWORD })).await, @r#"422 {"errors":[{"msg":"Invalid value","param":"newpsw","location":"body"}]}"#);
    assert_snapshot!(change_password(&t, &ann, json!({ "oldpsw": PASSWORD, "newpsw": PASSWORD })).await, @r#"403 {"success":false,"message":"The new password must be different from the previous one."}"#);
    assert_snapshot!(change_password(&t, &ann, json!({ "oldpsw": PASSWORD, "newpsw": "short" })).await, @r#"422 {"errors":[{"msg":"needs at least 8 characters","param":"newpsw","location":"body"}]}"#);
    assert_eq!(t.signed_in("ann@example.org", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_erased_account_leaves_its_address_free() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    assert_snapshot!(t.ask("DELETE", "/users").showing(&ann.token).send().await, @r#"200 {"success":true,"updatedUser":{"_id":"{ann}","email":"{uuid}@tiledesk.com","firstname":"anonymized","lastname":"anonymized","emailverified":false,"status":0,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}}"#);
    assert_snapshot!(t.get("/users").showing(&ann.token).send().await, @"401 Unauthorized");
    assert_snapshot!(t.signed_in("ann@example.org", PASSWORD).await, @r#"401 {"success":false,"msg":"Authentication failed. Wrong password."}"#);
    assert_snapshot!(t.get(&format!("/users_util/{}", ann.id)).send().await, @r#"404 {"success":false,"msg":"Object not found."}"#);
    assert_ne!(t.person("ann").await.id, ann.id);
}

#[tokio::test]
async fn an_account_can_be_removed() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    assert_snapshot!(t.ask("DELETE", "/users/physical").showing(&ann.token).send().await, @r#"200 {"success":true,"user":{"deletedCount":1,"n":1,"ok":1}}"#);
    assert_eq!(t.get("/users").showing(&ann.token).send().await.status, 401);
    t.person("ann").await;
}

#[tokio::test]
async fn others_see_what_is_public() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    assert_snapshot!(t.get(&format!("/users_util/{}", ann.id)).send().await, @r#"200 {"_id":"{ann}","firstname":"ann","lastname":"Doe"}"#);
    assert_snapshot!(t.get("/users_util/xyz").send().await, @r#"404 {"success":false,"msg":"User id not found"}"#);
    assert_snapshot!(t.get("/users_util/5c81593adf767b0017d1aa68").send().await, @r#"404 {"success":false,"msg":"Object not found."}"#);
}

#[tokio::test]
async fn guests_have_no_public_page() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    let guest =
        t.post("/auth/signinAnonymously").json(&json!({ "id_project": shop.id })).send().await.text("/user/_id");
    // Our own id behind it: time first, then the random half.
    let digits = guest.replace('-', "");
    let short = format!("{}{}", &digits[20..], &digits[..12]);
    assert_eq!(t.get(&format!("/users_util/{short}")).send().await.status, 404);
}
