//! Tiledesk: projects, their secrets, and who is invited into them (sheet §5).

use std::time::Duration;

use super::{PASSWORD, Person, Place, Server};
use crate::support::{Answer, claims, signed};
use insta::assert_snapshot;
use serde_json::{Value, json};

async fn shop() -> (Server, Person, Place) {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    (t, ann, shop)
}

#[tokio::test]
async fn a_project_belongs_to_whoever_makes_it() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let made = t.post("/projects").showing(&ann.token).json(&json!({ "name": "Shop" })).send().await;
    assert_snapshot!(made, @r#"200 {"_id":"{id}","id":"{id}","name":"Shop","status":100,"createdBy":"{ann}","activeOperatingHours":false,"profile":{"name":"Sandbox","type":"free","trialDays":14,"agents":0},"versions":20115,"channels":[{"name":"chat21"}],"ipFilterEnabled":false,"ipFilter":[],"ipFilterDenyEnabled":false,"ipFilterDeny":[],"bannedUsers":[],"trialExpired":false,"trialDaysLeft":14,"isActiveSubscription":false,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}"#);
    t.call(made.text("/_id"), "shop");
    assert_snapshot!(t.get("/projects").showing(&ann.token).send().await, @r#"200 [{"_id":"{id}","id_project":{"_id":"{shop}","id":"{shop}","name":"Shop","status":100,"createdBy":"{ann}","activeOperatingHours":false,"profile":{"name":"Sandbox","type":"free","trialDays":14,"agents":0},"versions":20115,"channels":[{"name":"chat21"}],"ipFilterEnabled":false,"ipFilter":[],"ipFilterDenyEnabled":false,"ipFilterDeny":[],"bannedUsers":[],"trialExpired":false,"trialDaysLeft":14,"isActiveSubscription":false,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0},"id_user":"{ann}","role":"owner","roleType":1,"status":"active","isAuthenticated":true,"user_available":true,"number_assigned_requests":0,"permissions":[],"tags":[],"trashed":false,"createdBy":"{ann}","createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}]"#);
    assert_snapshot!(t.get(&format!("/projects/{}", made.text("/_id"))).showing(&ann.token).send().await, @r#"200 {"_id":"{shop}","id":"{shop}","name":"Shop","status":100,"createdBy":"{ann}","activeOperatingHours":false,"profile":{"name":"Sandbox","type":"free","trialDays":14,"agents":0},"versions":20115,"channels":[{"name":"chat21"}],"ipFilterEnabled":false,"ipFilter":[],"ipFilterDenyEnabled":false,"ipFilterDeny":[],"bannedUsers":[],"trialExpired":false,"trialDaysLeft":14,"isActiveSubscription":false,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}"#);
}

#[tokio::test]
async fn a_password_is_as_good_as_a_token() {
    let t = Server::start().await;
    t.person("ann").await;
    let made = t.post("/projects").basic("ann@example.org", PASSWORD).json(&json!({ "name": "Shop" })).send().await;
    assert_eq!(made.text("/name"), "Shop");
}

#[tokio::test]
async fn a_project_needs_a_name() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    assert_snapshot!(t.post("/projects").showing(&ann.token).json(&json!({})).send().await, @r#"422 {"errors":[{"msg":"Invalid value","param":"name","location":"body"}]}"#);
    let long = json!({ "name": "x".repeat(201) });
    assert_snapshot!(t.post("/projects").showing(&ann.token).json(&long).send().await, @r#"422 {"errors":[{"msg":"may have at most 200 characters","param":"name","location":"body"}]}"#);
}

#[tokio::test]
async fn projects_are_listed_newest_first_for_those_who_work_in_them() {
    let (t, ann, shop) = shop().await;
    t.clock.advance(Duration::from_secs(1));
    let club = t.place(&ann, "club").await;
    let bob = t.person("bob").await;
    t.join(&ann, &shop, &bob, "agent").await;
    let visit = json!({ "id_project": club.id });
    t.post("/auth/signinWithCustomToken").showing(&bob.token).json(&visit).send().await;
    let ids = async |who: &Person| {
        let listed = t.get("/projects").showing(&who.token).send().await.json();
        let ids = listed.as_array().unwrap().iter().map(|row| row["id_project"]["_id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(&ann).await, [club.id.clone(), shop.id.clone()]);
    assert_eq!(ids(&bob).await, [shop.id]);
}

#[tokio::test]
async fn a_project_is_shown_to_its_agents() {
    let (t, ann, shop) = shop().await;
    let (bob, eve) = (t.person("bob").await, t.person("eve").await);
    t.join(&ann, &shop, &bob, "teammate").await;
    let ask = async |who: &Person, id: &str| t.get(&format!("/projects/{id}")).showing(&who.token).send().await;
    assert_snapshot!(ask(&bob, &shop.id).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(ask(&eve, &shop.id).await, @r#"403 {"success":false,"msg":"you dont belong to the project."}"#);
    assert_snapshot!(ask(&ann, "5c81593adf767b0017d1aa68").await, @r#"403 {"success":false,"msg":"you dont belong to the project."}"#);
    assert_snapshot!(ask(&ann, "xyz").await, @r#"403 {"success":false,"msg":"you dont belong to the project."}"#);
}

#[tokio::test]
async fn a_secret_is_made_by_administrators_and_shown_once() {
    let (t, ann, shop) = shop().await;
    let (bob, eve) = (t.person("bob").await, t.person("eve").await);
    t.join(&ann, &shop, &bob, "supervisor").await;
    t.join(&ann, &shop, &eve, "admin").await;
    let generate = async |who: &Person| t.post(&format!("/{}/keys/generate", shop.id)).showing(&who.token).send().await;
    let mut made = generate(&ann).await;
    assert_eq!(made.text("/jwtSecret").len(), 43);
    made.body = made.body.replace(&made.text("/jwtSecret"), "{secret}");
    assert_snapshot!(made, @r#"200 {"publicKey":"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n","privateKey":"-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n","jwtSecret":"{secret}"}"#);
    assert_snapshot!(generate(&bob).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_eq!(generate(&eve).await.status, 200);
    let shown = t.get(&format!("/projects/{}", shop.id)).showing(&ann.token).send().await;
    assert!(!shown.body.to_lowercase().contains("secret"));
}

#[tokio::test]
async fn the_id_in_the_path_must_be_a_project() {
    let (t, ann, _) = shop().await;
    let generate = async |id: &str| t.post(&format!("/{id}/keys/generate")).showing(&ann.token).send().await;
    assert_snapshot!(generate("xyz").await, @r#"400 {"error":"Invalid project id: xyz"}"#);
    assert_snapshot!(generate("5c81593adf767b0017d1aa68").await, @r#"400 {"error":"Project not found with id: {id}"}"#);
}

#[tokio::test]
async fn agents_pass_the_probe_of_roles() {
    let (t, ann, shop) = shop().await;
    let (bob, eve) = (t.person("bob").await, t.person("eve").await);
    t.join(&ann, &shop, &bob, "agent").await;
    for path in ["authtestWithRoleCheck", "authtestWithRoleCheck/bot"] {
        let probe = async |who: &Person| t.get(&format!("/{}/{path}", shop.id)).showing(&who.token).send().await;
        let passed = probe(&bob).await;
        assert_eq!(passed.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(passed.to_string(), r#"200 {"success":true}"#);
        assert_eq!(probe(&eve).await.to_string(), r#"403 {"success":false,"msg":"you dont belong to the project."}"#);
    }
}

async fn decode(t: &Server, place: &Place, authorization: &str) -> Answer {
    t.post(&format!("/{}/jwt/decode", place.id)).showing(authorization).send().await
}

#[tokio::test]
async fn an_integrator_tries_a_token_out() {
    let (t, ann, shop) = shop().await;
    let token = |others: Value| {
        let mut claims = json!({ "_id": "123", "iat": 1_795_000_000, "exp": 1_795_000_600 });
        claims.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        format!("any {}", signed(&shop.secret, &claims))
    };
    assert_snapshot!(decode(&t, &shop, &token(json!({}))).await, @r#"200 {"decoded":{"_id":"123","exp":1795000600,"iat":1795000000}}"#);
    assert_snapshot!(decode(&t, &shop, &token(json!({ "exp": 1_795_000_601 }))).await, @r#"401 {"success":false,"msg":"The token was refused.","err":{"name":"JsonWebTokenError","message":"token_lifetime"}}"#);
    assert_snapshot!(decode(&t, &shop, &token(json!({ "exp": null }))).await, @r#"401 {"success":false,"msg":"The token was refused.","err":{"name":"JsonWebTokenError","message":"token_claims"}}"#);
    assert_snapshot!(decode(&t, &shop, &token(json!({ "iat": null }))).await, @r#"401 {"success":false,"msg":"The token has no iat."}"#);
    assert_snapshot!(decode(&t, &shop, &token(json!({ "exp": 1_795_000_000 }))).await, @r#"401 {"success":false,"msg":"The token has expired.","err":{"name":"TokenExpiredError","message":"jwt expired"}}"#);
    let other = signed("another secret of more than thirty-two bytes", &json!({ "iat": 1, "exp": 2 }));
    assert_snapshot!(decode(&t, &shop, &format!("JWT {other}")).await, @r#"401 {"success":false,"msg":"The token was refused.","err":{"name":"JsonWebTokenError","message":"token_signature"}}"#);
    assert_snapshot!(decode(&t, &shop, "JWT").await, @r#"403 {"success":false,"msg":"Unauthorized."}"#);
    assert_snapshot!(t.post(&format!("/{}/jwt/decode", shop.id)).send().await, @r#"403 {"success":false,"msg":"Unauthorized."}"#);
    let bare = t.post("/projects").showing(&ann.token).json(&json!({ "name": "Bare" })).send().await.text("/_id");
    assert_snapshot!(decode(&t, &Place { id: bare, ..shop.clone() }, &token(json!({}))).await, @r#"404 {"success":false,"msg":"Project hasnt  a jwtSecret"}"#);
}

#[tokio::test]
async fn nobody_signs_with_the_secret_for_others() {
    let (t, ann, shop) = shop().await;
    for (method, path) in [
        ("POST", format!("/{}/jwt/generatetestjwt", shop.id)),
        ("POST", format!("/{}/subscriptions", shop.id)),
        ("POST", format!("/{}/faq_kb", shop.id)),
    ] {
        let answer =
            t.ask(method, &path).showing(&ann.token).json(&json!({ "_id": ann.id, "sub": "user" })).send().await;
        assert_eq!(answer.to_string(), r#"404 {"success":false,"msg":"Object not found."}"#, "{path}");
    }
    let mailed = t.post("/users/loginemail").showing(&ann.token).json(&json!({ "id_project": shop.id })).send().await;
    assert_snapshot!(mailed, @r#"400 {"error":"Invalid project id: users"}"#);
}

async fn invite(t: &Server, who: &Person, place: &Place, body: Value) -> Answer {
    t.post(&format!("/{}/project_users/invite", place.id)).showing(&who.token).json(&body).send().await
}

#[tokio::test]
async fn an_account_that_is_invited_is_a_member_at_once() {
    let (t, ann, shop) = shop().await;
    t.person("bob").await;
    let body = json!({ "email": "BOB@example.org", "role": "agent", "user_available": false });
    assert_snapshot!(invite(&t, &ann, &shop, body.clone()).await, @r#"200 {"_id":"{id}","id_project":"{shop}","id_user":"{bob}","role":"agent","roleType":1,"status":"active","isAuthenticated":true,"user_available":false,"number_assigned_requests":0,"permissions":[],"tags":[],"trashed":false,"createdBy":"{ann}","createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}"#);
    assert_snapshot!(invite(&t, &ann, &shop, body).await, @r#"403 {"success":false,"msg":"Forbidden. User is already a member","code":4001}"#);
}

#[tokio::test]
async fn whoever_has_no_account_is_a_member_as_soon_as_they_have_one() {
    let (t, ann, shop) = shop().await;
    let body = json!({ "email": "Bob@example.org", "role": "agent" });
    let waiting = invite(&t, &ann, &shop, body.clone()).await;
    assert_snapshot!(waiting, @r#"200 {"msg":"User not found, save invite in pending ","pendingInvitation":{"_id":"{id}","email":"bob@example.org","role":"agent","id_project":"{shop}","createdBy":"{ann}","createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}}"#);
    assert_snapshot!(invite(&t, &ann, &shop, body).await, @r#"200 {"success":false,"msg":"Pending Invitation already exist.","pendinginvitation":[{"_id":"{id}","email":"bob@example.org","role":"agent","id_project":"{shop}","createdBy":"{ann}","createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}]}"#);
    assert_snapshot!(t.get(&format!("/{}/pendinginvitations", shop.id)).showing(&ann.token).send().await, @r#"200 [{"_id":"{id}","email":"bob@example.org","role":"agent","id_project":"{shop}","createdBy":"{ann}","createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}]"#);
    let id = waiting.text("/pendingInvitation/_id");
    let link = format!("https://auth.example.org/tiledesk/#/handle-invitation/{id}/{}/ann/Doe", shop.id);
    assert_eq!(t.link(1).await, link);
    let shown = async || t.get(&format!("/auth/pendinginvitationsnoauth/{id}")).send().await;
    assert_snapshot!(shown().await, @r#"200 {"_id":"{id}","email":"bob@example.org","role":"agent","id_project":"{shop}","createdBy":"{ann}","createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}"#);
    let bob = t.person("bob").await;
    assert_snapshot!(t.get(&format!("/{}/authtestWithRoleCheck", shop.id)).showing(&bob.token).send().await, @r#"200 {"success":true}"#);
    assert_snapshot!(shown().await, @r#"404 {"success":false,"msg":"Object not found."}"#);
    assert_snapshot!(t.get("/auth/pendinginvitationsnoauth/xyz").send().await, @r#"404 {"success":false,"msg":"Object not found."}"#);
}

#[tokio::test]
async fn names_in_a_link_are_escaped() {
    let (t, ann, shop) = shop().await;
    t.put("/users").showing(&ann.token).json(&json!({ "firstname": "Ann/é", "lastname": "{invitation}" })).send().await;
    invite(&t, &ann, &shop, json!({ "email": "bob@example.org", "role": "agent" })).await;
    assert!(t.link(1).await.ends_with("/Ann%2F%C3%A9/%7Binvitation%7D"));
}

#[tokio::test]
async fn nobody_invites_themselves_or_above_themselves() {
    let (t, ann, shop) = shop().await;
    let (bob, eve) = (t.person("bob").await, t.person("eve").await);
    t.join(&ann, &shop, &bob, "admin").await;
    t.join(&ann, &shop, &eve, "supervisor").await;
    assert_snapshot!(invite(&t, &ann, &shop, json!({ "email": ann.email, "role": "agent" })).await, @r#"403 {"success":false,"msg":"Forbidden. It is forbidden to invite yourself","code":4000}"#);
    assert_snapshot!(invite(&t, &bob, &shop, json!({ "email": "x@example.org", "role": "owner" })).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(invite(&t, &eve, &shop, json!({ "email": "x@example.org", "role": "agent" })).await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(invite(&t, &ann, &shop, json!({ "email": "x@example.org", "role": "king" })).await, @r#"422 {"errors":[{"msg":"is malformed","param":"role","location":"body"}]}"#);
    assert_snapshot!(invite(&t, &ann, &shop, json!({})).await, @r#"422 {"errors":[{"msg":"Invalid value","param":"email","location":"body"},{"msg":"Invalid value","param":"role","location":"body"}]}"#);
}

#[tokio::test]
async fn invitations_are_listed_for_agents() {
    let (t, ann, shop) = shop().await;
    let (bob, eve) = (t.person("bob").await, t.person("eve").await);
    t.join(&ann, &shop, &bob, "agent").await;
    let list = async |who: &Person| t.get(&format!("/{}/pendinginvitations", shop.id)).showing(&who.token).send().await;
    assert_snapshot!(list(&bob).await, @"200 []");
    assert_snapshot!(list(&eve).await, @r#"403 {"success":false,"msg":"you dont belong to the project."}"#);
}

#[tokio::test]
async fn a_project_keeps_out_whom_it_says() {
    let (t, ann, shop) = shop().await;
    let bob = t.person("bob").await;
    t.join(&ann, &shop, &bob, "agent").await;
    let external = shop.external("123");
    let probe = async |who: &str, from: [u8; 4]| {
        t.get(&format!("/{}/authtestWithRoleCheck", shop.id)).showing(who).from(from).send().await.to_string()
    };
    say(&t, &shop, json!({ "bannedUsers": [{ "id": bob.id }, { "id": "123" }] })).await;
    assert_snapshot!(probe(&bob.token, [192, 0, 2, 1]).await, @r#"401 {"err":"error projectBanUserFilter by id"}"#);
    assert_snapshot!(probe(&format!("JWT {external}"), [192, 0, 2, 1]).await, @r#"401 {"err":"error projectBanUserFilter by id"}"#);
    assert_eq!(t.post("/auth/signinWithCustomToken").showing(&format!("JWT {external}")).send().await.status, 200);
    say(&t, &shop, json!({ "ipFilterEnabled": true, "ipFilter": ["192.0.2.0/24"] })).await;
    assert_eq!(probe(&ann.token, [192, 0, 2, 1]).await, r#"200 {"success":true}"#);
    assert_snapshot!(probe(&ann.token, [198, 51, 100, 1]).await, @r#"401 {"err":"error project ip filter"}"#);
    say(&t, &shop, json!({ "ipFilterDenyEnabled": true, "ipFilterDeny": ["192.0.2.1"] })).await;
    assert_snapshot!(probe(&ann.token, [192, 0, 2, 1]).await, @r#"401 {"err":"error project deny ip filter"}"#);
    say(&t, &shop, json!({ "ipFilter": "nonsense" })).await;
    assert_snapshot!(probe(&ann.token, [192, 0, 2, 1]).await, @r#"401 {"err":"error project ip filter"}"#);
}

/// Has the operator write what only this dialect reads.
async fn say(t: &Server, place: &Place, own: Value) {
    use ringfence_core::project::ProjectRef;
    let reference = ProjectRef::Alias { scheme: "tiledesk:project", value: place.id.clone() };
    let (_, application) = t.authority.find_application(reference).await.unwrap();
    let mut settings = application.settings.clone();
    settings.attributes.insert("tiledesk".to_owned(), own);
    t.authority.configure_application(&t.ctx(), &t.permit(), application.id, settings, Vec::new()).await.unwrap();
}

#[tokio::test]
async fn the_chat_engine_gets_a_token_of_its_own() {
    let (t, ann, shop) = shop().await;
    let ask =
        async |who: &str| t.post("/chat21/native/auth/createCustomToken").showing(who).json(&json!({})).send().await;
    let answer = ask(&ann.token).await;
    assert_snapshot!(answer, @r#"200 {"userid":"{ann}","fullname":"ann Doe","firstname":"ann","lastname":"Doe","token":"{jwt}"}"#);
    let mut said = claims(&answer.text("/token"));
    assert!(said.as_object_mut().unwrap().remove("jti").is_some());
    assert_snapshot!(said.to_string().replace(&ann.id, "{ann}"), @r#"{"app_id":"tilechat","aud":["rabbitmq","{ann}"],"azp":"{ann}","cid":"{ann}","client_id":"{ann}","exp":1797592000,"iat":1795000000,"kid":"tiledesk-key","scope":["rabbitmq.read:*/*/apps.tilechat.users.{ann}.*","rabbitmq.write:*/*/apps.tilechat.users.{ann}.*","rabbitmq.write:*/*/apps.tilechat.outgoing.users.{ann}.*","rabbitmq.configure:*/*/*"],"sub":"{ann}","tiledesk_api_roles":"user","user_id":"{ann}"}"#);
    assert_eq!(t.get("/users").showing(&format!("JWT {}", answer.text("/token"))).send().await.status, 401);
    let guest = ask(&t.guest(&shop).await).await;
    assert!(guest.text("/firstname").starts_with("guest#"));
    assert_snapshot!(ask(&format!("JWT {}", shop.external("123"))).await, @r#"200 {"userid":"123","fullname":"Eve ","firstname":"Eve","lastname":"","token":"{jwt}"}"#);
}

#[tokio::test]
async fn nobody_gets_a_name_in_the_chat_that_could_be_another_s() {
    let (t, ann, shop) = shop().await;
    for id in [ann.id.as_str(), "*", "5c81593adf767b0017d1aa68_123", "019aa914-46a7-7000-8000-abababababab"] {
        let token = format!("JWT {}", shop.external(id));
        let refused = t.post("/chat21/native/auth/createCustomToken").showing(&token).send().await;
        assert_eq!(
            refused.to_string(),
            r#"403 {"success":false,"msg":"This _id cannot be used in the chat."}"#,
            "{id}"
        );
    }
    let own = format!("JWT {}", shop.external(&format!("{}_123", shop.id)));
    assert_eq!(t.post("/chat21/native/auth/createCustomToken").showing(&own).send().await.status, 200);
}

#[tokio::test]
async fn the_secret_of_the_chat_engine_can_be_configured() {
    use ringfence_core::jose::{Alg, Unverified, VerifyingKey};
    let secret = "a secret of the engine, thirty-two bytes";
    let t = Server::start_with(ringfence_core::project::ProjectPolicy::default(), &[("chat_secret", secret)]).await;
    let ann = t.person("ann").await;
    let answer = t.post("/chat21/native/auth/createCustomToken").showing(&ann.token).send().await;
    let token = answer.text("/token");
    let key = VerifyingKey::hmac(Alg::HS256, secret.as_bytes()).unwrap();
    assert!(Unverified::parse(&token).unwrap().verify(&key).is_ok());
}
