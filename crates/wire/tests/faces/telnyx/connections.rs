//! Credential connections.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::server::Server;

/// Something of everything, and two members that nobody knows.
fn full() -> Value {
    json!({
        "connection_name": "my name",
        "user_name": "myusername123",
        "password": "my123secure456password789",
        "active": false,
        "anchorsite_override": "Frankfurt, Germany",
        "tags": ["tag1", "tag2"],
        "rtcp_settings": { "report_frequency_secs": 10 },
        "inbound": { "simultaneous_ringing": "enabled", "codecs": ["OPUS"], "unknown": 1 },
        "outbound": { "outbound_voice_profile_id": "1293384261075731499" },
        "webhook_event_url": "https://example.com/hook",
        "encrypted_media": null,
        "something_else": true,
    })
}

#[tokio::test]
async fn a_connection_is_made_with_what_was_asked_and_defaults_for_the_rest() {
    let server = Server::start().await;
    let made = server.post("/credential_connections", full()).await;
    server.call(&made.text("/data/id"), "id");
    assert_eq!(made.text("/data/id").len(), 19);
    assert_eq!(made.header("content-type"), "application/json");
    assert_snapshot!(made, @r#"
    201 {
      "data": {
        "active": false,
        "anchorsite_override": "Frankfurt, Germany",
        "android_push_credential_id": null,
        "call_cost_in_webhooks": false,
        "connection_name": "my name",
        "conversation_persistence": false,
        "created_at": "2026-11-18T11:06:40.000Z",
        "default_on_hold_comfort_noise_enabled": false,
        "dtmf_type": "RFC 2833",
        "encode_contact_header_enabled": false,
        "encrypted_media": null,
        "id": "1572568721002139432",
        "inbound": {
          "codecs": [
            "OPUS"
          ],
          "simultaneous_ringing": "enabled",
          "sip_compact_headers_enabled": true
        },
        "ios_push_credential_id": null,
        "jitter_buffer": {
          "enable_jitter_buffer": false
        },
        "noise_suppression": "disabled",
        "onnet_t38_passthrough_enabled": false,
        "outbound": {
          "call_parking_enabled": false,
          "outbound_voice_profile_id": "1293384261075731499"
        },
        "password": "my123secure456password789",
        "record_type": "credential_connection",
        "rtcp_settings": {
          "capture_enabled": false,
          "port": "rtp+1",
          "report_frequency_secs": 10
        },
        "sip_uri_calling_preference": "disabled",
        "tags": [
          "tag1",
          "tag2"
        ],
        "updated_at": "2026-11-18T11:06:40.000Z",
        "user_name": "myusername123",
        "webhook_api_version": "1",
        "webhook_event_failover_url": null,
        "webhook_event_url": "https://example.com/hook",
        "webhook_timeout_secs": null
      }
    }
    "#);
}

#[tokio::test]
async fn the_guides_own_example_works() {
    let server = Server::start().await;
    let body = json!({
        "connection_name": "My WebRTC App",
        "transport_protocol": "TLS",
        "sip_uri_calling_preference": "enabled",
        "sip_uri_calling_region": "any",
    });
    let made = server.post("/credential_connections", body).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.text("/data/sip_uri_calling_preference"), "enabled");
    let (user, password) = (made.text("/data/user_name"), made.text("/data/password"));
    assert!(user.len() <= 32 && user.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{user}");
    assert_eq!(password.len(), 32);
    assert_eq!(server.login(&user, &password).await, "accepted");
}

#[tokio::test]
async fn every_member_that_breaks_a_rule_is_pointed_at() {
    let server = Server::start().await;
    let body = json!({
        "user_name": "12345abc",
        "password": "short",
        "active": "yes",
        "anchorsite_override": "Rome, Italy",
        "webhook_event_url": "example.com",
        "webhook_api_version": "texml",
        "tags": ["fine", 1],
        "jitter_buffer": { "jitterbuffer_msec_min": 39 },
        "ios_push_credential_id": "not-a-uuid",
    });
    let refused = server.post("/credential_connections", body).await;
    let told: Vec<_> = refused.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| format!("{} {}", error["code"], error["source"]["pointer"]))
        .collect();
    assert_eq!(refused.status, 422);
    assert_snapshot!(told.join("\n"), @r#"
    "10015" "/anchorsite_override"
    "10015" "/webhook_event_url"
    "10015" "/tags"
    "10015" "/ios_push_credential_id"
    "10015" "/jitter_buffer/jitterbuffer_msec_min"
    "10015" "/webhook_api_version"
    "10004" "/connection_name"
    "10015" "/user_name"
    "10015" "/password"
    "10015" "/active"
    "#);
    let one = server.post("/credential_connections", json!({ "connection_name": "x", "password": "password" })).await;
    assert_snapshot!(one, @r#"
    422 {
      "errors": [
        {
          "code": "10015",
          "detail": "password is too easy to guess.",
          "meta": {
            "url": "https://developers.telnyx.com/docs/overview/errors/10015"
          },
          "source": {
            "pointer": "/password"
          },
          "title": "Bad Request"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_taken_user_name_is_422_so_that_clients_do_not_repeat_themselves() {
    let server = Server::start().await;
    server.connection("phones").await;
    let body = json!({ "connection_name": "again", "user_name": "phones", "password": "otter glass violet" });
    assert_snapshot!(server.post("/credential_connections", body).await, @r#"
    422 {
      "errors": [
        {
          "code": "10012",
          "detail": "This user name is taken.",
          "meta": {
            "url": "https://developers.telnyx.com/docs/overview/errors/10012"
          },
          "source": {
            "pointer": "/user_name"
          },
          "title": "Duplicate resource"
        }
      ]
    }
    "#);
    // Another account may have it.
    let body = json!({ "connection_name": "theirs", "user_name": "phones", "password": "otter glass violet" });
    let made = server.ask("POST", "/credential_connections").bearer(&server.other_key).json(&body).send().await;
    assert_eq!(made.status, 201);
}

#[tokio::test]
async fn the_password_is_shown_to_whoever_just_set_it() {
    let server = Server::start().await;
    let path = format!("/credential_connections/{}", server.connection("phones").await);
    let shown = async |answer: crate::support::Answer| answer.text("/data/password");
    assert_eq!(shown(server.get(&path).await).await, "********");
    assert_eq!(shown(server.patch(&path, json!({ "tags": ["a"] })).await).await, "********");
    let changed = server.patch(&path, json!({ "password": "another violet otter" })).await;
    assert_eq!(shown(changed).await, "another violet otter");
    assert_eq!(server.login("phones", "otter glass violet").await, "invalid_credentials");
    assert_eq!(server.login("phones", "another violet otter").await, "accepted");
    assert_eq!(shown(server.delete(&path).await).await, "********");
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name() {
    let server = Server::start().await;
    let path = format!("/credential_connections/{}", server.connection("phones").await);
    let set = json!({ "inbound": { "channel_limit": 3, "codecs": ["G722"] }, "dtmf_type": "SIP INFO" });
    server.patch(&path, set).await;
    let changed = server
        .patch(&path, json!({ "connection_name": "Faxes", "inbound": { "codecs": null, "timeout_1xx_secs": 9 } }))
        .await
        .json();
    assert_eq!(changed["data"]["connection_name"], "Faxes");
    assert_eq!(changed["data"]["user_name"], "phones");
    assert_eq!(changed["data"]["dtmf_type"], "SIP INFO");
    let inbound = json!({
        "channel_limit": 3, "timeout_1xx_secs": 9, "simultaneous_ringing": "disabled",
        "sip_compact_headers_enabled": true,
    });
    assert_eq!(changed["data"]["inbound"], inbound);
    assert_eq!(server.get(&path).await.json()["data"], changed["data"]);
    let back = server.patch(&path, json!({ "inbound": null, "dtmf_type": null })).await.json();
    assert_eq!(back["data"]["dtmf_type"], "RFC 2833");
    assert_eq!(
        back["data"]["inbound"],
        json!({ "simultaneous_ringing": "disabled", "sip_compact_headers_enabled": true })
    );
}

#[tokio::test]
async fn a_renamed_user_logs_in_by_the_new_name_only() {
    let server = Server::start().await;
    let path = format!("/credential_connections/{}", server.connection("phones").await);
    server.connection("faxes").await;
    assert_eq!(server.patch(&path, json!({ "user_name": "faxes" })).await.codes(), "422 10012");
    assert_eq!(server.patch(&path, json!({ "user_name": "desks" })).await.status, 200);
    assert_eq!(server.login("phones", "otter glass violet").await, "invalid_credentials");
    assert_eq!(server.login("desks", "otter glass violet").await, "accepted");
}

#[tokio::test]
async fn deleting_answers_with_what_was_there() {
    let server = Server::start().await;
    let id = server.connection("phones").await;
    let path = format!("/credential_connections/{id}");
    let before = server.get(&path).await;
    let deleted = server.delete(&path).await;
    assert_eq!((deleted.status.as_u16(), deleted.json()), (200, before.json()));
    for method in ["GET", "DELETE", "PATCH"] {
        assert_eq!(server.ask(method, &path).send().await.codes(), "404 10005", "{method}");
    }
}

#[tokio::test]
async fn registration_status_follows_open_connections() {
    use ringfence_core::{
        authority::PresentedCredential,
        ids::{ConnectionId, IdentityId},
        presence::Presence,
        secret::RawToken,
        time::Clock as _,
    };
    let server = Server::start().await;
    let id = server.connection("phones").await;
    let path = format!("/credential_connections/{id}/actions/check_registration_status");
    assert_snapshot!(server.ask("POST", &path).send().await, @r#"
    200 {
      "data": {
        "ip_address": null,
        "last_registration": null,
        "port": null,
        "record_type": "registration_status",
        "sip_username": "phones",
        "status": "Not Registered",
        "transport": null,
        "user_agent": null
      }
    }
    "#);
    let credential = server.credential(&id).await;
    let token: RawToken = server.token(&credential).await;
    let who = server.authority.authenticate(&server.ctx(), PresentedCredential::AccessToken(token)).await.unwrap();
    let presence = Presence {
        connection: ConnectionId::mint(server.clock.now(), server.authority.entropy().as_ref()),
        project: server.project.id,
        application: None,
        session: who.session.unwrap().id,
        identity: credential["id"].as_str().unwrap().parse::<IdentityId>().unwrap(),
        dialect: "telnyx".to_owned(),
        node: "a".to_owned(),
        since: server.clock.now(),
        lease_until: server.clock.now() + std::time::Duration::from_mins(1),
    };
    server.store().write(move |tx| Ok(tx.open_presence(&presence)?)).await.unwrap();
    server.call(credential["sip_username"].as_str().unwrap(), "sip_username");
    assert_snapshot!(server.ask("POST", &path).send().await, @r#"
    200 {
      "data": {
        "ip_address": null,
        "last_registration": "2026-11-18T11:06:40.000Z",
        "port": null,
        "record_type": "registration_status",
        "sip_username": "{sip_username}",
        "status": "Registered",
        "transport": "WSS",
        "user_agent": null
      }
    }
    "#);
}
