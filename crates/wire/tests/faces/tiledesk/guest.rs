//! Tiledesk: visitors who say no more than hello (sheet §3).

use std::time::Duration;

use super::Server;
use crate::support::{Answer, claims};
use insta::assert_snapshot;
use serde_json::{Value, json};

async fn hello(t: &Server, body: &Value) -> Answer {
    t.post("/auth/signinAnonymously").json(body).send().await
}

#[tokio::test]
async fn a_guest_gets_an_id_a_name_and_a_token() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    let guest = hello(&t, &json!({ "id_project": shop.id })).await;
    let id = guest.text("/user/_id");
    assert_eq!(guest.text("/user/firstname"), format!("guest#{}", &id[..4]));
    assert_eq!(guest.text("/user/fullName"), format!("guest#{} ", &id[..4]));
    assert_snapshot!(hello(&t, &json!({ "id_project": shop.id })).await, @r#"200 {"success":true,"token":"JWT {jwt}","user":{"_id":"{uuid}","firstname":"guest#b004","id":"{uuid}","fullName":"guest#b004 "}}"#);
}

#[tokio::test]
async fn what_a_guest_says_of_itself_is_kept_as_it_is() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    let body = json!({
        "id_project": shop.id, "firstname": "Gus", "lastname": "Guest", "email": "Gus@Nowhere", "attributes": { "a": [1] },
    });
    let guest = hello(&t, &body).await;
    assert_snapshot!(guest, @r#"200 {"success":true,"token":"JWT {jwt}","user":{"_id":"{uuid}","firstname":"Gus","lastname":"Guest","attributes":{"a":[1]},"email":"Gus@Nowhere","id":"{uuid}","fullName":"Gus Guest"}}"#);
    let mut said = claims(&guest.text("/token"));
    for name in ["_id", "id", "jti", "sid"] {
        assert!(said.as_object_mut().unwrap().remove(name).is_some_and(|id| id.is_string()), "{name}");
    }
    assert_snapshot!(said, @r#"{"attributes":{"a":[1]},"aud":"https://tiledesk.com","email":"Gus@Nowhere","exp":1797592000,"firstname":"Gus","fullName":"Gus Guest","iat":1795000000,"iss":"https://tiledesk.com","lastname":"Guest","sub":"guest"}"#);
}

#[tokio::test]
async fn every_visit_is_another_guest() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    let [one, two] =
        [hello(&t, &json!({ "id_project": shop.id })).await, hello(&t, &json!({ "id_project": shop.id })).await];
    assert_ne!(one.text("/user/_id"), two.text("/user/_id"));
}

#[tokio::test]
async fn a_guest_needs_a_project_that_exists() {
    let t = Server::start().await;
    assert_snapshot!(hello(&t, &json!({})).await, @r#"422 {"errors":[{"msg":"Invalid value","param":"id_project","location":"body"}]}"#);
    assert_snapshot!(hello(&t, &json!({ "id_project": "" })).await, @r#"422 {"errors":[{"value":"","msg":"Invalid value","param":"id_project","location":"body"}]}"#);
    assert_snapshot!(hello(&t, &json!({ "id_project": "xyz" })).await, @r#"400 {"error":"Invalid project id: xyz"}"#);
    assert_snapshot!(hello(&t, &json!({ "id_project": "5c81593adf767b0017d1aa68" })).await, @r#"400 {"error":"Project not found with id: {id}"}"#);
}

#[tokio::test]
async fn a_guest_cannot_fill_its_token_with_a_book() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    let refused = hello(&t, &json!({ "id_project": shop.id, "attributes": { "book": "word ".repeat(1000) } })).await;
    assert_eq!(refused.status, 422);
}

#[tokio::test]
async fn a_guest_comes_back_with_its_token_for_a_month() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    let guest = t.guest(&shop).await;
    let back = async || t.post("/auth/signinWithCustomToken").showing(&guest).raw("application/json", "").send().await;
    t.clock.advance(Duration::from_hours(29 * 24));
    let answer = back().await;
    assert_eq!(answer.text("/token"), guest);
    assert_eq!(answer.json()["user"], claims(&guest));
    t.clock.advance(Duration::from_hours(24));
    assert_snapshot!(back().await, @"401 Unauthorized");
}

#[tokio::test]
async fn n20_a_guest_is_no_account() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    let guest = t.guest(&shop).await;
    let ask =
        async |method: &str, path: &str, body: Value| t.ask(method, path).showing(&guest).json(&body).send().await;
    assert_snapshot!(ask("GET", "/users", json!({})).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(ask("PUT", "/users", json!({ "firstname": "Root" })).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(ask("PUT", "/users/changepsw", json!({ "oldpsw": "a", "newpsw": "b" })).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(ask("GET", "/users/resendverifyemail", json!({})).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(ask("DELETE", "/users", json!({})).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(ask("DELETE", "/users/physical", json!({})).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(ask("POST", "/projects", json!({ "name": "Mine" })).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(ask("GET", "/projects", json!({})).await, @"200 []");
    assert_snapshot!(ask("GET", &format!("/projects/{}", shop.id), json!({})).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(ask("POST", &format!("/{}/keys/generate", shop.id), json!({})).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(ask("GET", "/testauth", json!({})).await, @r#"200 {"success":true}"#);
}

#[tokio::test]
async fn a_guest_stays_where_it_is() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let (shop, club) = (t.place(&ann, "shop").await, t.place(&ann, "club").await);
    let guest = t.guest(&shop).await;
    let visit = async |id: &str| {
        t.post("/auth/signinWithCustomToken").showing(&guest).json(&json!({ "id_project": id })).send().await
    };
    assert_eq!(visit(&shop.id).await.status, 200);
    assert_snapshot!(visit(&club.id).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(t.get(&format!("/{}/authtestWithRoleCheck", club.id)).showing(&guest).send().await, @r#"403 {"success":false,"msg":"you dont belong to the project."}"#);
}
