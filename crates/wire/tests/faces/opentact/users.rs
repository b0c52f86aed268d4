//! Users, accounts, keys of one's own, new passwords.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::server::{PASSWORD, Server, User};
use crate::support::basic;

#[tokio::test]
async fn a_sign_up_says_all_that_is_wrong_with_it() {
    let t = Server::start().await;
    let sign_up = async |body: Value| t.ask("POST", "/user").json(&body).send().await;
    assert_snapshot!(sign_up(json!({})).await, @r#"400 application/json {"fields":{"body.email":{"message":"is required","value":null},"body.password":{"message":"is required","value":null}},"message":"Validation failed","meta":{"code":"invalid"},"status":400,"success":false}"#);
    let wrong = json!({
        "email": "ann", "password": "x", "phone_number": "1", "first_name": "", "last_name": 7, "gender": "?",
        "dob": "soon", "avatar": "javascript:1", "account": "mine",
    });
    assert_snapshot!(sign_up(wrong).await, @r#"400 application/json {"fields":{"body.account":{"message":"is malformed","value":"mine"},"body.avatar":{"message":"is malformed","value":"javascript:1"},"body.dob":{"message":"is malformed","value":"soon"},"body.email":{"message":"needs at least 5 characters","value":"ann"},"body.first_name":{"message":"needs at least 1 characters","value":""},"body.gender":{"message":"is malformed","value":"?"},"body.last_name":{"message":"is malformed","value":7},"body.password":{"message":"needs at least 3 characters","value":null},"body.phone_number":{"message":"needs at least 3 characters","value":"1"}},"message":"Validation failed","meta":{"code":"invalid"},"status":400,"success":false}"#);
    assert_snapshot!(sign_up(json!({ "email": "ann@example.org", "password": "password" })).await, @r#"400 application/json {"fields":{"body.password":{"message":"is too easy to guess","value":null}},"message":"Validation failed","meta":{"code":"invalid"},"status":400,"success":false}"#);
    let whole = json!({
        "email": "Ann@Example.org", "password": PASSWORD, "phone_number": "+15550100", "first_name": "Ann",
        "last_name": "Lee", "gender": "Female", "dob": "1990-02-03", "avatar": "https://cdn.example.org/ann.png",
        "role": "Admin", "account": { "name": "Acme", "email": "office@example.org" }, "unknown": true,
    });
    assert_snapshot!(sign_up(whole.clone()).await, @r#"201 application/json {"payload":{"apple_user_id":null,"avatar":"https://cdn.example.org/ann.png","created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"dob":"1990-02-03T00:00:00.000Z","email":"ann@example.org","facebook_user_id":null,"first_name":"Ann","gender":"Female","gmail_user_id":null,"last_name":"Lee","modified_on":"2026-11-18T11:06:40.000Z","phone_number":"+15550100","role":"User","uuid":"{id0}","wechat_user_id":null,"wss_online":false},"success":true}"#);
    assert_snapshot!(sign_up(whole).await, @r#"409 application/json {"message":"User already exists","meta":{"code":"conflict"},"status":409,"success":false}"#);
    let ann = t.signed_in("ann@example.org").await;
    assert_snapshot!(t.ask("GET", "/account").jwt(&ann.jwt).send().await, @r#"200 application/json {"payload":{"address1":null,"address2":null,"balance":0,"city":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"disabled_on":null,"email":"office@example.org","level":"Level0","modified_on":"2026-11-18T11:06:40.000Z","name":"Acme","phone":null,"users":[{"apple_user_id":null,"avatar":"https://cdn.example.org/ann.png","created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"dob":"1990-02-03T00:00:00.000Z","email":"ann@example.org","facebook_user_id":null,"first_name":"Ann","gender":"Female","gmail_user_id":null,"last_name":"Lee","modified_on":"2026-11-18T11:06:40.000Z","phone_number":"+15550100","role":"User","uuid":"{id0}","wechat_user_id":null,"wss_online":false}],"uuid":"{id1}","zip_code":null},"success":true}"#);
}

#[tokio::test]
async fn bodies_that_are_no_object_in_json_are_refused() {
    let t = Server::start().await;
    for (media_type, body) in
        [("text/plain", "{}"), ("application/x-www-form-urlencoded", "email=a"), ("application/json", "[]")]
    {
        let answer = t.ask("POST", "/user").raw(media_type, body).send().await;
        assert_eq!(answer.status, 400, "{answer}");
    }
    let nul = t.ask("POST", "/user").raw("application/json", r#"{"first_name":"a\u0000b"}"#).send().await;
    assert_snapshot!(nul, @r#"400 application/json {"fields":{"body":{"message":"is malformed","value":null}},"message":"Validation failed","meta":{"code":"invalid"},"status":400,"success":false}"#);
}

#[tokio::test]
async fn people_change_themselves() {
    let t = Server::start().await;
    let ann = t.user("ann").await;
    let path = format!("/user/{}", ann.id);
    let change = async |body: Value| t.ask("PATCH", &path).jwt(&ann.jwt).json(&body).send().await;
    let changed =
        change(json!({ "last_name": "Lee", "first_name": null, "gender": "Other", "dob": "1990-02-03T00:00:00Z" }))
            .await;
    assert_snapshot!(changed, @r#"200 application/json {"payload":{"apple_user_id":null,"avatar":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"dob":"1990-02-03T00:00:00.000Z","email":"ann@example.org","facebook_user_id":null,"first_name":null,"gender":"Other","gmail_user_id":null,"last_name":"Lee","modified_on":"2026-11-18T11:06:40.000Z","phone_number":null,"role":"User","uuid":"{id0}","wechat_user_id":null,"wss_online":false},"success":true}"#);
    assert_eq!(t.ask("GET", &path).jwt(&ann.jwt).send().await.json(), changed.json());
    assert_eq!(change(json!({ "dob": null })).await.json()["payload"]["dob"], Value::Null);
    // Roles are the operator's to give.
    assert_snapshot!(change(json!({ "role": "Admin" })).await, @r#"403 application/json {"message":"Forbidden","meta":{"code":"forbidden"},"status":403,"success":false}"#);
    assert_eq!(change(json!({ "role": "User" })).await.status, 200);
    // The present password is asked for before a new one, and Basic shows it.
    let new = "quiet harbour at dusk";
    assert_snapshot!(change(json!({ "password": new })).await, @r#"403 application/json {"message":"Authenticate with the password to do this.","meta":{"code":"step_up_required"},"status":403,"success":false}"#);
    let by_basic = t.ask("PATCH", &path).header("authorization", &ann.basic).json(&json!({ "password": new }));
    assert_eq!(by_basic.send().await.status, 200);
    assert_eq!(t.ask("GET", "/auth").jwt(&ann.jwt).send().await.status, 401, "its sessions have ended");
    let again = t.ask("GET", "/auth").header("authorization", &basic(&ann.email, new)).send().await;
    assert_eq!(again.status, 200);
    // Another address needs a recent proof of who it is.
    let jwt = again.json()["payload"]["token"].as_str().unwrap().to_owned();
    t.world.clock.advance(Duration::from_mins(16));
    let move_away = json!({ "email": "lee@example.org" });
    assert_eq!(t.ask("PATCH", &path).jwt(&jwt).json(&move_away).send().await.status, 403);
    let by_basic = t.ask("PATCH", &path).header("authorization", &basic(&ann.email, new)).json(&move_away);
    assert_eq!(by_basic.send().await.json()["payload"]["email"], "lee@example.org");
    let gone = t.ask("DELETE", &path).header("authorization", &basic("lee@example.org", new)).send().await;
    assert_eq!(gone.status, 200);
    assert_eq!(t.ask("GET", "/auth").header("authorization", &basic("lee@example.org", new)).send().await.status, 401);
    assert_eq!(t.sign_up("ann").await.status, 201, "the address is free again");
}

#[tokio::test]
async fn n89_nobody_reaches_into_another_account() {
    let t = Server::start().await;
    let (ann, bob) = (t.user("ann").await, t.user("bob").await);
    let by_bob = async |method: &str, path: String| {
        let asked = t.ask(method, &path).jwt(&bob.jwt).json(&json!({ "first_name": "Eve" }));
        asked.send().await.status.as_u16()
    };
    for method in ["GET", "PATCH", "DELETE"] {
        assert_eq!(by_bob(method, format!("/user/{}", ann.id)).await, 403, "{method}");
        assert_eq!(by_bob(method, "/user/x".to_owned()).await, 404, "{method}");
        assert_eq!(by_bob(method, format!("/user/{}", t.project.id)).await, 404, "{method}");
    }
    assert_eq!(by_bob("PUT", format!("/account/user/{}", ann.id)).await, 404);
    assert_eq!(by_bob("DELETE", format!("/account/user/{}", ann.id)).await, 404);
    assert_eq!(by_bob("DELETE", format!("/account/user/{}", bob.id)).await, 404, "nor shuts themselves out");
    let account = t.ask("GET", "/account").jwt(&ann.jwt).send().await.json()["payload"]["uuid"].clone();
    let account = account.as_str().unwrap();
    assert_eq!(by_bob("GET", format!("/account/{account}")).await, 404);
    let mine = t.ask("GET", &format!("/account/{account}")).jwt(&ann.jwt).send().await;
    assert_eq!(mine.json()["payload"]["users"][0]["uuid"], ann.id.as_str());
    let listed = t.ask("GET", "/user").jwt(&bob.jwt).send().await.json()["payload"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    // An administrator of the project sees everybody and changes nobody.
    t.give_project_role(&bob, "Admin").await;
    let bob = t.signed_in(&bob.email).await;
    let see = async |path: String| t.ask("GET", &path).jwt(&bob.jwt).send().await;
    assert_eq!(see(format!("/user/{}", ann.id)).await.json()["payload"]["email"], "ann@example.org");
    assert_eq!(see("/user?take=1&skip=1".to_owned()).await.json()["payload"].as_array().unwrap().len(), 1);
    assert_eq!(see("/auth".to_owned()).await.json()["payload"]["role"], "Admin");
    assert_eq!(t.ask("DELETE", &format!("/user/{}", ann.id)).jwt(&bob.jwt).send().await.status, 403);
    assert_snapshot!(see("/user?take=many".to_owned()).await, @r#"400 application/json {"fields":{"params.take":{"message":"is malformed","value":"many"}},"message":"Validation failed","meta":{"code":"invalid"},"status":400,"success":false}"#);
}

#[tokio::test]
async fn an_owner_adds_users_shuts_them_out_and_lets_them_in() {
    let t = Server::start().await;
    let ann = t.user("ann").await;
    let as_ann = |method: &str, path: &str| t.ask(method, path).jwt(&ann.jwt);
    let wanted = json!({ "email": "cy@example.org", "password": PASSWORD, "role": "Admin" });
    let made = as_ann("POST", "/account/user").json(&wanted).send().await;
    assert_eq!((made.status.as_u16(), made.json()["payload"]["role"].clone()), (201, json!("User")));
    let cy = t.signed_in("cy@example.org").await;
    let account = async |user: &User| t.ask("GET", "/account").jwt(&user.jwt).send().await.json()["payload"].clone();
    let (hers, his) = (account(&ann).await, account(&cy).await);
    assert_eq!(hers["uuid"], his["uuid"]);
    assert_eq!((hers["users"].as_array().unwrap().len(), his["users"].as_array().unwrap().len()), (2, 1));
    // Somebody added manages nobody.
    for (method, path) in [("GET", "/user"), ("GET", "/account/user"), ("POST", "/account/user")] {
        let asked = t.ask(method, path).jwt(&cy.jwt).json(&json!({ "email": "di@example.org", "password": PASSWORD }));
        assert_eq!(asked.send().await.status, 403, "{method} {path}");
    }
    let path = format!("/account/user/{}", cy.id);
    let key = t.key(&cy, 3600).await;
    assert_eq!(as_ann("DELETE", &path).send().await.status, 200);
    assert_eq!(t.ask("GET", "/auth").jwt(&cy.jwt).send().await.status, 401);
    assert_eq!(t.ask("GET", "/auth").header("authorization", &cy.basic).send().await.status, 401);
    assert_eq!(t.ask("GET", "/auth").header("authorization", &format!("Bearer {key}")).send().await.status, 401);
    assert_eq!(as_ann("PUT", &path).send().await.status, 200);
    assert_eq!(t.ask("GET", "/auth").jwt(&cy.jwt).send().await.status, 401, "what has ended stays so");
    assert_eq!(t.ask("GET", "/auth").header("authorization", &cy.basic).send().await.status, 200);
    // Whom the operator shut out, the owner cannot let in.
    let id = cy.id.parse().unwrap();
    t.authority.suspend_identity(&t.world.ctx(), &t.permit(), id, true).await.unwrap();
    for method in ["PUT", "DELETE"] {
        assert_eq!(as_ann(method, &path).send().await.status, 403);
    }
    assert_eq!(as_ann("GET", "/account/user?take=1").send().await.json()["payload"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn n67_nobody_comes_in_while_their_account_is_switched_off() {
    let t = Server::start().await;
    let ann = t.user("ann").await;
    let key = t.key(&ann, 3600).await;
    let account = t.ask("GET", "/account").jwt(&ann.jwt).send().await.json()["payload"]["uuid"].clone();
    let account = account.as_str().unwrap().parse().unwrap();
    let switch = async |off| t.authority.disable_application(&t.world.ctx(), &t.permit(), account, off).await.unwrap();
    switch(true).await;
    let ask = || t.ask("GET", "/auth");
    let bearer = format!("Bearer {key}");
    for asking in
        [ask().jwt(&ann.jwt), ask().header("authorization", &ann.basic), ask().header("authorization", &bearer)]
    {
        assert_eq!(asking.send().await.status, 401);
    }
    switch(false).await;
    assert_eq!(ask().jwt(&ann.jwt).send().await.status, 401, "what has ended stays so");
    assert_eq!(ask().header("authorization", &ann.basic).send().await.status, 200);
}

#[tokio::test]
async fn a_key_is_shown_once_and_listed_by_how_it_begins() {
    let t = Server::start().await;
    let ann = t.user("ann").await;
    let as_ann = |method: &str, path: &str| t.ask(method, path).jwt(&ann.jwt);
    for wrong in [
        json!({}),
        json!({ "name": "x", "ttl": 59 }),
        json!({ "name": "", "ttl": "60" }),
        json!({ "name": "x", "ttl": -1 }),
    ] {
        assert_eq!(as_ann("POST", "/token").json(&wrong).send().await.status, 400, "{wrong}");
    }
    let made = as_ann("POST", "/token").json(&json!({ "name": "script", "ttl": 3600 })).send().await;
    assert_eq!(made.status, 201);
    let made = made.json()["payload"].clone();
    let (uuid, token) = (made["uuid"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert!(token.len() >= 48 && token.starts_with(made["token_prefix"].as_str().unwrap()));
    let list = as_ann("GET", "/token/list").send().await;
    assert!(!list.body.contains(token));
    let shown = list.body.replace(made["token_prefix"].as_str().unwrap(), "{prefix}");
    assert_snapshot!(shown.replace(uuid, "{uuid}"), @r#"{"payload":[{"created_on":"2026-11-18T11:06:40.000Z","expired_on":"2026-11-18T12:06:40.000Z","modified_on":"2026-11-18T11:06:40.000Z","name":"script","token_prefix":"{prefix}","ttl":3600,"uuid":"{uuid}"}],"success":true}"#);
    let changed = as_ann("PATCH", &format!("/token/{uuid}")).json(&json!({ "name": "other", "ttl": 60 })).send().await;
    assert_eq!(
        (changed.json()["payload"]["name"].clone(), changed.json()["payload"]["ttl"].clone()),
        (json!("other"), json!(60))
    );
    // Nobody else's, whether by id or by value.
    let bob = t.user("bob").await;
    for path in [format!("/token/{uuid}"), format!("/token/{token}")] {
        assert_eq!(t.ask("DELETE", &path).jwt(&bob.jwt).send().await.status, 404);
    }
    assert_eq!(t.ask("PATCH", &format!("/token/{uuid}")).jwt(&bob.jwt).json(&json!({})).send().await.status, 404);
    assert_eq!(as_ann("DELETE", &format!("/token/{uuid}")).send().await.status, 200);
    assert_eq!(as_ann("DELETE", &format!("/token/{uuid}")).send().await.status, 404);
    let keys = [t.key(&ann, 60).await, t.key(&ann, 60).await];
    assert_eq!(as_ann("DELETE", "/token/all").send().await.status, 200);
    for key in keys {
        let refused = t.ask("GET", "/auth").header("authorization", &format!("Bearer {key}")).send().await;
        assert_eq!(refused.status, 401);
    }
    assert_eq!(as_ann("GET", "/token/list").send().await.json()["payload"], json!([]));
}

#[tokio::test]
async fn a_password_is_reset_by_mail() {
    let t = Server::start().await;
    let ann = t.user("ann").await;
    let ask = async |query: &str| t.ask("GET", &format!("/user/password_reset?{query}")).send().await;
    let callback = "callback=https://app.example.org/reset/%7Btoken%7D";
    // N75: nobody learns who has an account.
    let known = ask(&format!("email=ann@example.org&{callback}")).await;
    assert_snapshot!(known, @r#"201 application/json {"payload":null,"success":true}"#);
    let unknown = ask(&format!("email=nobody@example.org&{callback}")).await;
    assert_eq!(known.to_string(), unknown.to_string());
    let link = t.link(2).await;
    let token = link.strip_prefix("https://app.example.org/reset/").unwrap();
    assert_snapshot!(ask("email=ann@example.org&callback=https://evil.test/{token}").await, @r#"400 application/json {"fields":{"params.callback":{"message":"is malformed","value":"https://evil.test/{token}"}},"message":"Validation failed","meta":{"code":"invalid"},"status":400,"success":false}"#);
    assert_eq!(ask("email=ann").await.status, 400);
    assert_eq!(ask("email=ann@example.org&email=bob@example.org").await.status, 400);
    let set = async |token: &str, password: &str| {
        let body = json!({ "token": token, "password": password });
        t.ask("POST", "/user/password_reset").json(&body).send().await
    };
    assert_snapshot!(set(token, "password").await, @r#"400 application/json {"fields":{"body.password":{"message":"is too easy to guess","value":null}},"message":"Validation failed","meta":{"code":"invalid"},"status":400,"success":false}"#);
    assert_eq!(set("rfv_x", "quiet harbour at dusk").await.status, 404);
    assert_eq!(set(token, "quiet harbour at dusk").await.status, 200);
    assert_snapshot!(set(token, "quiet harbour at dusk").await, @r#"404 application/json {"message":"This token is not valid any more.","meta":{"code":"verification_invalid"},"status":404,"success":false}"#);
    assert_eq!(t.ask("GET", "/auth").jwt(&ann.jwt).send().await.status, 401);
    let new = basic(&ann.email, "quiet harbour at dusk");
    assert_eq!(t.ask("GET", "/auth").header("authorization", &new).send().await.status, 200);
    // Without a callback the link leads to a page of ours.
    assert_eq!(ask("email=ann@example.org").await.status, 201);
    assert!(t.link(4).await.starts_with("https://auth.test/reset/rfv_"));
}
