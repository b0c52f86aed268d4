//! Telephony credentials.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use super::server::Server;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_credential_has_a_name_and_a_password_of_its_own_and_works_at_once() {
    let server = Server::start().await;
    let connection = server.connection("phones").await;
    let made = server.post("/telephony_credentials", json!({ "connection_id": connection })).await;
    let (user, password) = (made.text("/data/sip_username"), made.text("/data/sip_password"));
    server.call(&connection, "connection");
    server.call(&made.text("/data/id"), "id");
    server.call(&user, "sip_username");
    server.call(&password, "sip_password");
    let again = server.get(&format!("/telephony_credentials/{}", made.text("/data/id"))).await;
    assert_eq!(again.json(), made.json());
    assert_snapshot!(again, @r#"
    200 {
      "data": {
        "created_at": "2026-11-18T11:06:40",
        "expired": false,
        "expires_at": "2046-11-18T11:06:40",
        "id": "{id}",
        "name": "2026-11-18 11:06:40.000000Z",
        "record_type": "credential",
        "resource_id": "connection:{connection}",
        "sip_password": "{sip_password}",
        "sip_username": "{sip_username}",
        "tag": null,
        "updated_at": "2026-11-18T11:06:40.000Z",
        "user_id": "{account}"
      }
    }
    "#);
    assert_eq!(made.status, 201);
    assert!(user.starts_with("gencred") && user.len() == 42 && user.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert!(password.len() == 32 && password.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
    assert_eq!(server.login(&user, &password).await, "accepted");
}

#[tokio::test]
async fn what_is_wrong_with_a_new_credential_is_pointed_at() {
    let server = Server::start().await;
    assert_snapshot!(server.post("/telephony_credentials", json!({})).await, @r#"
    422 {
      "errors": [
        {
          "code": "10004",
          "detail": "connection_id is required.",
          "meta": {
            "url": "https://developers.telnyx.com/docs/overview/errors/10004"
          },
          "source": {
            "pointer": "/connection_id"
          },
          "title": "Missing required parameter"
        }
      ]
    }
    "#);
    for (body, codes) in [
        (json!({ "connection_id": 5 }), "422 10015"),
        (json!({ "connection_id": null }), "422 10004"),
        (json!({ "connection_id": "" }), "422 10004"),
        (json!({ "connection_id": "1293384261075731499" }), "422 10013"),
        (json!({ "connection_id": "019aa914-46a7-7000-8000-000000000000" }), "422 10013"),
        (json!({ "connection_id": "1", "expires_at": "tomorrow", "name": 1, "tag": "\u{0}" }), "422 10015 10015 10015"),
    ] {
        assert_eq!(server.post("/telephony_credentials", body.clone()).await.codes(), codes, "{body}");
    }
}

#[tokio::test]
async fn a_date_without_a_zone_is_utc() {
    let server = Server::start().await;
    let connection = server.connection("phones").await;
    for (given, shown) in [
        ("2027-02-03T04:05:06", "2027-02-03T04:05:06"),
        ("2027-02-03T04:05:06.789Z", "2027-02-03T04:05:06"),
        ("2027-02-03T04:05:06+01:00", "2027-02-03T03:05:06"),
        ("2027-02-03 04:05:06", "2027-02-03T04:05:06"),
        ("2027-02-03", "2027-02-03T00:00:00"),
    ] {
        let body = json!({ "connection_id": connection, "expires_at": given });
        assert_eq!(server.post("/telephony_credentials", body).await.text("/data/expires_at"), shown, "{given}");
    }
    // The reference's own example has passed long ago.
    let body = json!({ "connection_id": connection, "expires_at": "2018-02-02T22:25:27.521Z" });
    let made = server.post("/telephony_credentials", body).await;
    assert_eq!((made.status.as_u16(), &made.json()["data"]["expired"]), (201, &json!(true)));
}

#[tokio::test]
async fn a_credential_is_renamed_tagged_and_moved() {
    let server = Server::start().await;
    let [one, two] = [server.connection("phones").await, server.connection("faxes").await];
    let credential = server.credential(&one).await;
    let path = format!("/telephony_credentials/{}", credential["id"].as_str().unwrap());
    server.clock.advance(Duration::from_secs(5));
    let change = json!({ "name": "desk", "tag": "hall", "connection_id": two, "expires_at": server.later(DAY) });
    let changed = server.patch(&path, change).await.json()["data"].clone();
    assert_eq!((&changed["name"], &changed["tag"]), (&json!("desk"), &json!("hall")));
    assert_eq!(changed["resource_id"], format!("connection:{two}"));
    assert_ne!(changed["updated_at"], credential["updated_at"]);
    assert_eq!(changed["sip_password"], credential["sip_password"]);
    assert_eq!(server.get(&path).await.json()["data"], changed);
    assert_eq!(server.patch(&path, json!({ "tag": "" })).await.json()["data"]["tag"], json!(null));
    assert_eq!(server.patch(&path, json!({ "connection_id": "17" })).await.codes(), "422 10013");
    assert_eq!(server.patch(&path, json!({})).await.status, 200);
}

#[tokio::test]
async fn what_has_expired_can_only_be_deleted() {
    let server = Server::start().await;
    let connection = server.connection("phones").await;
    let credential = server.credential(&connection).await;
    let path = format!("/telephony_credentials/{}", credential["id"].as_str().unwrap());
    let token = server.token(&credential).await;
    server.patch(&path, json!({ "expires_at": server.later(Duration::from_hours(1)) })).await;
    assert_eq!(server.login_token(&token).await, "accepted");
    server.clock.advance(Duration::from_hours(1));
    assert_snapshot!(server.patch(&path, json!({ "expires_at": server.later(DAY) })).await, @r#"
    422 {
      "errors": {
        "status": "An expired credential cannot be changed."
      }
    }
    "#);
    assert_eq!(server.get(&path).await.json()["data"]["expired"], true);
    assert_eq!(server.login_token(&token).await, "identity_suspended");
    let user = credential["sip_username"].as_str().unwrap();
    let password = credential["sip_password"].as_str().unwrap();
    assert_eq!(server.login(user, password).await, "identity_suspended");
    assert_eq!(server.ask("POST", &format!("{path}/token")).send().await.codes(), "422 10015");
    let deleted = server.delete(&path).await;
    assert_eq!((deleted.status.as_u16(), &deleted.json()["data"]["id"]), (200, &credential["id"]));
    assert_eq!(server.delete(&path).await.codes(), "404 10005");
}

#[tokio::test]
async fn whoever_may_only_look_sees_no_password() {
    use ringfence_core::caller::Scope;
    let server = Server::start().await;
    let connection = server.connection("phones").await;
    let id = server.credential(&connection).await["id"].as_str().unwrap().to_owned();
    let looker = server.api_key(&server.project, &[Scope::IdentitiesRead], None).await;
    let path = format!("/telephony_credentials/{id}");
    let seen = server.ask("GET", &path).bearer(&looker).send().await;
    assert_eq!((seen.status.as_u16(), seen.text("/data/sip_password").as_str()), (200, "********"));
    let listed = server.ask("GET", "/telephony_credentials").bearer(&looker).send().await;
    assert_eq!(listed.text("/data/0/sip_password"), "********");
}
