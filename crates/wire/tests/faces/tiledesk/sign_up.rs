//! Tiledesk: sign-up (sheet §3).

use super::{PASSWORD, Server};
use crate::support::Answer;
use insta::assert_snapshot;
use ringfence_core::{authority::ApiKeyRequest, caller::Scope};
use serde_json::{Value, json};

fn ann() -> Value {
    json!({ "email": "Ann@Example.org", "password": PASSWORD, "firstname": "Ann", "lastname": "Doe" })
}

/// Ann's form with other fields.
fn ann_with(fields: Value) -> Value {
    let mut form = ann();
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    form.as_object_mut().unwrap().extend(fields);
    form
}

async fn sign_up(t: &Server, form: &Value) -> Answer {
    t.post("/auth/signup").json(form).send().await
}

#[tokio::test]
async fn a_new_account_is_shown_without_a_token() {
    let t = Server::start().await;
    assert_snapshot!(sign_up(&t, &ann()).await, @r#"200 {"success":true,"msg":"Successfully created new user.","user":{"_id":"{id}","email":"ann@example.org","firstname":"Ann","lastname":"Doe","emailverified":false,"status":100,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}}"#);
}

#[tokio::test]
async fn a_phone_number_is_kept() {
    let t = Server::start().await;
    let made = sign_up(&t, &ann_with(json!({ "phone": "+39012345678" }))).await;
    assert_eq!(made.text("/user/phone"), "+39012345678");
}

#[tokio::test]
async fn a_phone_number_that_is_none_is_named() {
    let t = Server::start().await;
    assert_snapshot!(sign_up(&t, &ann_with(json!({ "phone": "0123" }))).await, @r#"422 {"errors":[{"value":"0123","msg":"Invalid value","param":"phone","location":"body"}]}"#);
    assert_eq!(sign_up(&t, &ann_with(json!({ "phone": "+1234567890123456" }))).await.status, 422);
    assert_eq!(sign_up(&t, &ann_with(json!({ "phone": "call me" }))).await.status, 422);
}

#[tokio::test]
async fn fields_that_are_missing_are_named() {
    let t = Server::start().await;
    assert_snapshot!(sign_up(&t, &json!({ "email": "ann", "lastname": "" })).await, @r#"422 {"errors":[{"value":"ann","msg":"Invalid value","param":"email","location":"body"},{"msg":"Invalid value","param":"firstname","location":"body"},{"value":"","msg":"Invalid value","param":"lastname","location":"body"}]}"#);
}

#[tokio::test]
async fn a_missing_password_is_answered_with_200_and_no_success() {
    let t = Server::start().await;
    assert_snapshot!(sign_up(&t, &ann_with(json!({ "password": null }))).await, @r#"200 {"success":false,"msg":"Please pass email and password."}"#);
    assert_snapshot!(sign_up(&t, &ann_with(json!({ "password": "" }))).await, @r#"200 {"success":false,"msg":"Please pass email and password."}"#);
    assert_snapshot!(t.signed_in("ann@example.org", PASSWORD).await, @r#"401 {"success":false,"msg":"Authentication failed. Wrong password."}"#);
}

#[tokio::test]
async fn an_address_is_taken_once_in_any_case() {
    let t = Server::start().await;
    sign_up(&t, &ann()).await;
    assert_snapshot!(sign_up(&t, &ann_with(json!({ "email": "ANN@EXAMPLE.ORG" }))).await, @r#"403 {"success":false,"message":"Email already registered"}"#);
}

#[tokio::test]
async fn n71_a_weak_password_is_refused_with_the_reason() {
    let t = Server::start().await;
    let with = async |password: &str| sign_up(&t, &ann_with(json!({ "password": password }))).await;
    assert_snapshot!(with("short12").await, @r#"422 {"errors":[{"msg":"needs at least 8 characters","param":"password","location":"body"}]}"#);
    assert_snapshot!(with("password1").await, @r#"422 {"errors":[{"msg":"is too easy to guess","param":"password","location":"body"}]}"#);
    assert_snapshot!(with("ann@example.org").await, @r#"422 {"errors":[{"msg":"is too easy to guess","param":"password","location":"body"}]}"#);
    assert_snapshot!(with(&"long ".repeat(206)).await, @r#"422 {"errors":[{"msg":"may have at most 1024 characters","param":"password","location":"body"}]}"#);
    let number = sign_up(&t, &ann_with(json!({ "password": 1_234_567_890 }))).await;
    assert_snapshot!(number, @r#"422 {"errors":[{"msg":"Invalid value","param":"password","location":"body"}]}"#);
}

#[tokio::test]
async fn n72_long_and_odd_passwords_are_compared_whole() {
    let t = Server::start().await;
    let words = "a long one that goes on and on and does not end where seventy-two bytes do. ";
    for (number, password) in [&words[..64], &words.repeat(2)[..128], " 🦊 🐌 🌻 🎷 🚲 🧲 "].into_iter().enumerate()
    {
        let email = format!("ann{number}@example.org");
        let made = sign_up(&t, &ann_with(json!({ "email": email, "password": password }))).await;
        assert_eq!(made.status, 200, "{made}");
        assert_eq!(t.signed_in(&email, password).await.status, 200);
        assert_eq!(t.signed_in(&email, password.trim()).await.status.is_success(), password.trim() == password);
        let shorter: String = password.chars().take(password.chars().count() - 1).collect();
        assert_eq!(t.signed_in(&email, &shorter).await.status, 401);
    }
}

#[tokio::test]
async fn n79_nobody_signs_up_as_more_than_they_are() {
    let t = Server::start().await;
    let form = ann_with(json!({
        "_id": "5c81593adf767b0017d1aa68", "status": 0, "emailverified": true, "role": "owner", "is_anonymous": false,
    }));
    assert_snapshot!(sign_up(&t, &form).await, @r#"200 {"success":true,"msg":"Successfully created new user.","user":{"_id":"{id}","email":"ann@example.org","firstname":"Ann","lastname":"Doe","emailverified":false,"status":100,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}}"#);
}

#[tokio::test]
async fn a_mail_leads_to_the_dashboard_unless_it_is_not_wanted() {
    let t = Server::start().await;
    sign_up(&t, &ann_with(json!({ "email": "quiet@example.org", "disableEmail": true }))).await;
    let made = sign_up(&t, &ann()).await;
    t.call(made.text("/user/_id"), "ann");
    let link = t.link(1).await;
    let (before, secret) = link.rsplit_once('/').unwrap();
    assert_eq!(before, format!("https://auth.example.org/tiledesk/#/verify/email/{}", made.text("/user/_id")));
    assert!(secret.starts_with("rfv_"));
    assert_eq!(t.mailer.delivered().len(), 1);
}

#[tokio::test]
async fn a_stray_authorization_does_no_harm() {
    let t = Server::start().await;
    for (number, header) in ["JWT abc", "JWT a.b.c", "Bearer x", "x"].into_iter().enumerate() {
        let form = ann_with(json!({ "email": format!("ann{number}@example.org") }));
        let made = t.post("/auth/signup").showing(header).json(&form).send().await;
        assert_eq!(made.status, 200, "{header}");
        assert_eq!(made.json()["user"]["emailverified"], false);
    }
}

#[tokio::test]
async fn an_administrator_vouches_for_the_address() {
    let t = Server::start().await;
    for (scope, vouches) in [(Scope::SessionsWrite, false), (Scope::IdentitiesWrite, true)] {
        let wanted = ApiKeyRequest {
            label: "backend".to_owned(),
            scopes: [scope].into_iter().collect(),
            application: None,
            expires_at: None,
            value: None,
        };
        let key = t.authority.create_api_key(&t.ctx(), &t.permit(), wanted).await.unwrap();
        let form = ann_with(json!({ "email": format!("{vouches}@example.org") }));
        let made = t.post("/auth/signup").showing(&format!("JWT {}", key.value.expose())).json(&form).send().await;
        assert_eq!(made.json()["user"]["emailverified"], vouches);
    }
}
